"""A world to sign in to: running gateways on one store, a bot behind them, and a real identity provider
(``oidc_provider_mock``, on Authlib), whose key can also sign what that provider never sends. And browsers without one.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from chatward.identity.backchannel import EVENT
from chatward.settings import (
    Bot,
    Identity,
    LedgerSettings,
    Oidc,
    OperatorProvider,
    OperatorSettings,
    Route,
    Scim,
    Server,
    Settings,
)
from tests.simulators.gateway import RunningGateway
from tests.simulators.node_provider import NodeProvider, missing, node_provider

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from oidc_provider_mock import User
    from oidc_provider_mock._app import app as provider_app
    from oidc_provider_mock._server import _threaded_server
    from oidc_provider_mock._storage import storage

PATH = "/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "good morning"}]}
CLIENT = "chatward"
SECRET = "any secret of this client"
PIECES = 500
"""Pieces that the bot sends while it waits to be cut off."""
PEOPLE = [
    User(sub="ada", claims={"groups": ["staff"], "sid": "s-ada", "name": "Ada <b>Lovelace</b>"}),
    User(sub="ben", claims={"groups": ["staff"], "sid": "s-ben", "amr": ["pwd", "mfa"]}),
    User(sub="cyd", claims={"groups": ["staff"]}),
    User(sub="dot", claims={"groups": ["staff"], "sid": "s-dot"}),
    User(sub="eve", claims={"groups": ["staff", "console"], "sid": "s-eve"}),
    User(sub="gus", claims={"groups": ["staff", "console"]}),
    User(sub="fay", claims={"groups": ["console"], "sid": "s-fay"}),
]


@dataclass
class Provider:
    """The provider, and a way to say what only its key can say."""

    issuer: str
    key: Any

    def signed(self, typ: str = "logout+jwt", /, **claims: Any) -> str:
        from authlib.jose import jwt

        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60} | claims
        head = {"alg": "RS256", "typ": typ, "kid": self.key.thumbprint()}
        return str(jwt.encode(head, said, self.key).decode())

    def logout_token(self, jti: str, **claims: Any) -> str:
        return self.signed(jti=jti, events={EVENT: {}}, **claims)


@contextmanager
def mock_provider() -> Iterator[Provider]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = provider_app(require_nonce=True, user_claims=PEOPLE)
        with made.test_request_context():
            made.preprocess_request()
            key = storage.jwk
        with _threaded_server(app=made) as server:
            yield Provider(f"http://localhost:{server.server_port}", key)


class _Bot(BaseHTTPRequestHandler):
    """Says the same to everybody; in a stream, a word after the other until nobody listens."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        about: dict[str, Any] = {"id": "c1", "created": 1, "model": "m"}
        self.send_response(200)
        if not asked.get("stream"):
            message = {"role": "assistant", "content": "hello"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = json.dumps({**about, "object": "chat.completion", "choices": [choice]}).encode()
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        try:
            for _ in range(PIECES):
                choice = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
                event = {**about, "object": "chat.completion.chunk", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
                threading.Event().wait(0.01)
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def bot() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Bot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@dataclass
class World:
    """Two gateways that share a folder, and their provider."""

    provider: Provider
    settings: Settings
    gateways: list[RunningGateway]
    folder: Path
    node: NodeProvider | None = None
    jti: list[int] = field(default_factory=lambda: [0])

    def client(self) -> dict[str, object]:
        """What the other provider is told of these gateways: its people sign in at the first, and it ends sessions at
        the second."""
        return {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "id_token_signed_response_alg": "ES256",
            "redirect_uris": [f"{self.gateways[0].url}/signin/node/callback"],
            "post_logout_redirect_uris": [f"{self.gateways[0].url}/signout"],
            "backchannel_logout_uri": f"{self.gateways[1].url}/v1/backchannel-logout/node",
            "backchannel_logout_session_required": True,
        }

    @property
    def url(self) -> str:
        return self.gateways[0].url

    def browser(self) -> Browser:
        return Browser(self)

    def logout(self, gateway: int = 0, name: str = "staff", **claims: Any) -> httpx.Response:
        self.jti[0] += 1
        token = self.provider.logout_token(f"j-{self.jti[0]}", **claims)
        where = f"{self.gateways[gateway].url}/v1/backchannel-logout/{name}"
        return httpx.post(where, data={"logout_token": token}, timeout=30)

    def events(self, event: str) -> list[Any]:
        return [record.fields for record in self.gateways[0].records() if record.event == event]


class Browser(httpx.Client):
    """Keeps cookies, and says where requests come from."""

    def __init__(self, world: World) -> None:
        super().__init__(timeout=30, follow_redirects=False, trust_env=False)
        self.world = world

    def begin(self, name: str = "staff", **asked: str) -> str:
        """To the provider; the address that it is sent to."""
        got = self.get(f"{self.world.url}/signin/{name}", params=asked)
        assert got.status_code == 303, got.text
        return got.headers["location"]

    def authorize(self, there: str, sub: str) -> str:
        """A click there; the address that the browser is sent back to."""
        back = self.post(there, data={"sub": sub, "action": "authorize"})
        return back.headers["location"]

    def sign_in(self, sub: str, **asked: str) -> httpx.Response:
        return self.get(self.authorize(self.begin(**asked), sub))

    @property
    def token(self) -> str | None:
        return next((one.value for one in self.cookies.jar if one.name == "chatward-person"), None)

    def ask(self, gateway: int = 0, said: dict[str, str] | None = None) -> httpx.Response:
        url = self.world.gateways[gateway].url
        return self.post(url + PATH, json=ASKED, headers={"origin": url} if said is None else said)

    def code(self, gateway: int = 0, said: dict[str, str] | None = None) -> object:
        got = self.ask(gateway, said)
        return 200 if got.status_code == 200 else got.json()["error"]["code"]

    def sign_out(self, **said: str) -> httpx.Response:
        return self.post(f"{self.world.url}/signout", headers={"origin": self.world.url, **said})


@contextmanager
def world(folder: Path, provider: Provider, gateways: int = 2, *, second: bool = True) -> Iterator[World]:
    """``second``: with the provider of another make, where it can run."""
    staff = Oidc(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret="env:SIGNING_IN_SECRET",
        title="Staff & friends",
        scopes=("openid", "profile"),
        roles_claim="groups",
        role_map={"staff": "agent"},
        keys_cooldown=0.1,
    )
    oidc = {"staff": staff, "other": Oidc(issuer="http://localhost:1", client_id=CLIENT)}
    with ExitStack() as stack:
        url, node = stack.enter_context(bot()), None
        if second and not missing():
            node = stack.enter_context(node_provider())
            oidc["node"] = Oidc(issuer=node.issuer, client_id=CLIENT, client_secret="env:SIGNING_IN_SECRET")
        settings = Settings(
            server=Server(port=0, admin_port=0),
            bots={"default": Bot(upstream=url)},
            routes={"default": Route(guards=("text.leak",))},
            ledger=LedgerSettings(path="chatward.db"),
            identity=Identity(anonymous=False, oidc=oidc, scim=Scim(enabled=True)),
            operators=OperatorSettings(oidc={"staff": OperatorProvider(claim="groups", roles={"console": "auditor"})}),
        )
        running = [RunningGateway(settings, folder, {"SIGNING_IN_SECRET": SECRET}) for _ in range(gateways)]
        made = World(provider, settings, running, folder, node)
        if node is not None:
            node.begin([made.client()])
        yield made
        for gateway in running:
            assert gateway.stop() == 0
