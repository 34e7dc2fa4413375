"""Certificates of callers at the server that asks for them: tokens bound to one, proxies that have their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.assembly.planes import peer_of
from chatward.core.errors import ConfigError
from chatward.core.identity import Caller, Principal
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.server import EmbeddedServer
from chatward.gateway.strict_transport import StrictTransport
from chatward.identity.backchannel import Revocations
from chatward.identity.bound import certificate_thumbprint
from chatward.identity.certificates import Certificates
from chatward.identity.chain import Chain
from chatward.identity.oidc import OidcAuthenticator
from chatward.identity.provider import providers
from chatward.settings import Oidc, Server
from chatward.stores.database import Database
from tests.simulators.authority import Authority, context, der
from tests.simulators.idp import CLIENT, ISSUER, Clock, Idp, claims, sign

PROXY = "spiffe://example.org/proxy"


class Door:
    """Says who asks."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self.callers: list[Caller] = []

    async def __rsgi__(self, scope: Any, door: Any) -> None:
        try:
            caller = await self._checkpoint.identify(scope)
        except Exception as error:
            door.response_bytes(401, [], getattr(error, "reason", "").encode())
            return
        self.callers.append(caller)
        door.response_bytes(200, [], caller.principal.id.encode())


class World:
    def __init__(self, folder: Path) -> None:
        self.ours, self.callers = Authority(folder / "ours", "ours"), Authority(folder / "callers", "callers")
        self.files = self.ours.make("server", server=True)
        self.url, self.door = "", Door(Checkpoint(Chain({}, None)))

    async def get(self, shows: tuple[Path, Path], **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(verify=context(self.ours.ca, shows), timeout=20) as client:
            return await client.get(self.url, headers={name.replace("_", "-"): text for name, text in headers.items()})


Open = Callable[..., Awaitable[World]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def start(*, proxies: tuple[str, ...] = ()) -> World:
            world, clock = World(tmp_path), Clock()
            found = providers({"main": Oidc(issuer=ISSUER, client_id=CLIENT)}, Idp(), clock)
            oidc = OidcAuthenticator(found, Revocations(Database(None), clock), clock)
            chain = Chain({"oidc": oidc, "certificates": Certificates()}, None)
            named = peer_of(Server(trusted_proxies=proxies))
            world.door = Door(Checkpoint(chain, peer_of=named))
            cert, key = world.files
            app = StrictTransport(world.door)
            server = EmbeddedServer(app, "127.0.0.1", 0, tls_cert=cert, tls_key=key, client_ca=world.callers.ca)
            await server.start()
            stack.push_async_callback(server.stop, 0.2)
            world.url = f"https://localhost:{server.port}/"
            return world

        yield start


async def test_a_token_is_good_with_the_certificate_that_it_is_bound_to_alone(opened: Open) -> None:
    """RFC 8705 section 3."""
    world = await opened()
    mine, thief = world.callers.make("mine", subject="mine"), world.callers.make("thief", subject="thief")
    token = sign(claims(cnf={"x5t#S256": certificate_thumbprint(der(mine[0]))}))
    got = await world.get(mine, authorization=f"Bearer {token}")
    assert got.status_code == 200
    assert got.text.startswith("person:")
    assert got.headers["strict-transport-security"] == "max-age=31536000"
    stolen = await world.get(thief, authorization=f"Bearer {token}")
    assert (stolen.status_code, stolen.text) == (401, "token-invalid")
    assert world.door.callers[0].presented.url.startswith("https://localhost:")


async def test_what_a_proxy_shows_is_not_its_callers(opened: Open) -> None:
    world = await opened(proxies=("127.0.0.1",))
    proxy = world.callers.make("proxy", PROXY)
    for headers in ({}, {"x_forwarded_for": "203.0.113.7"}):
        got = await world.get(proxy, **headers)
        assert (got.status_code, got.text) == (401, "not-authenticated"), headers
    direct = await opened(proxies=("192.0.2.1",))
    assert (await direct.get(direct.callers.make("proxy", PROXY))).text == PROXY


async def test_what_cannot_be_asked_for_is_refused_at_the_start(tmp_path: Path) -> None:
    world = World(tmp_path)
    cert, key = world.files
    with pytest.raises(ConfigError):
        EmbeddedServer(world.door, "127.0.0.1", 0, client_ca=world.callers.ca)
    with pytest.raises(ConfigError):
        EmbeddedServer(world.door, "127.0.0.1", 0, tls_cert=cert, tls_key=key, client_ca=cert, interface="asgi")
    server = EmbeddedServer(world.door, "127.0.0.1", 0, tls_cert=cert, tls_key=key, client_ca=tmp_path / "none")
    with pytest.raises(ConfigError, match="authorities"):
        await server.start()


async def test_a_stranger_who_says_nothing_holds_nothing_up(opened: Open) -> None:
    world = await opened()
    port = int(world.url.rstrip("/").rpartition(":")[2])
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    got = await world.get(world.callers.make("mine", subject="mine"))
    assert got.status_code == 200
    for _, writer in silent:
        writer.close()
    assert isinstance(world.door.callers[0].principal, Principal)
