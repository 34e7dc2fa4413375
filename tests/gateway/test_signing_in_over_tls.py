"""Signing in over TLS, on the server that speaks it: cookies with the prefix, and a session that is worth something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.callers import callers
from chatward.channels.openai_chat import ChatCompletions
from chatward.gateway.app import GatewayApp
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.fetching import Fetching
from chatward.gateway.meter import Meter
from chatward.gateway.parties import BotLink
from chatward.gateway.server import EmbeddedServer
from chatward.ledger.null import NullLedger
from chatward.settings import Bot, Identity, LedgerSettings, Oidc, Server, Settings
from tests.simulators.signing_in import CLIENT, SECRET, mock_provider


@pytest.fixture
async def url(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setenv("SIGNING_IN_SECRET", SECRET)
    fetch, ledger, pem = Fetching(), NullLedger(), str(certificate)
    with mock_provider() as provider:
        staff = Oidc(issuer=provider.issuer, client_id=CLIENT, client_secret="env:SIGNING_IN_SECRET")
        settings = Settings(
            server=Server(tls_cert=pem, tls_key=pem),
            ledger=LedgerSettings(path=str(tmp_path / "chatward.db")),
            bots={"default": Bot(upstream="http://127.0.0.1:1")},
            identity=Identity(anonymous=False, oidc={"staff": staff}),
        )
        asking = callers(settings, folder=None, configured=(), ledger=ledger, secret=b"k" * 32, fetch=fetch)
        nobody: Any = None
        app = GatewayApp(
            channels={"/v1/chat/completions": ChatCompletions()},
            engine=nobody,
            bots={"default": BotLink(nobody)},
            ledger=ledger,
            meter=Meter(),
            checkpoint=Checkpoint(asking.authenticator),
            services=asking.services,
        )
        server = EmbeddedServer(app, "127.0.0.1", 0, tls_cert=certificate, tls_key=certificate)
        await server.start()
        yield server.url
        await server.stop(0.2)
        asking.close()
        await fetch.aclose()


async def test_the_cookies_are_bound_to_the_host_and_to_tls(url: str) -> None:
    assert url.startswith("https://")
    async with httpx.AsyncClient(verify=False, trust_env=False) as browser:  # the certificate is its own  # noqa: S501
        chosen = await browser.get(f"{url}/signin", params={"back": "/chat?a=b"})
        begun = await browser.get(url + chosen.headers["location"])
        (attempt,) = begun.headers.get_list("set-cookie")
        assert attempt.startswith("__Host-chatward-login=")
        back = await browser.post(begun.headers["location"], data={"sub": "ada", "action": "authorize"})
        done = await browser.get(back.headers["location"])
        assert (done.status_code, done.headers["location"]) == (303, "/chat?a=b")
        kept, gone = done.headers.get_list("set-cookie")
        assert kept.startswith("__Host-chatward-person=")
        assert kept.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        assert gone.startswith("__Host-chatward-login=;")
        mine = await browser.get(f"{url}/v1/passkeys", headers={"sec-fetch-site": "same-origin"})
        assert mine.status_code == 200
        other = await browser.get(f"{url}/v1/passkeys", headers={"origin": url.replace("https:", "http:")})
        assert other.status_code == 403
        out = await browser.post(f"{url}/signout", headers={"origin": url})
        assert out.status_code == 303
        assert not browser.cookies
