"""Callers with certificates at a running gateway: real TLS, real authorities, a real bot behind."""

from __future__ import annotations

import json
import signal
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from chatward.identity.key_store import KeyStore
from chatward.settings import Authorization, Bot, LedgerSettings, Route, Server, Settings
from chatward.stores.database import Database
from tests.simulators.authority import Authority, context
from tests.simulators.gateway import RunningGateway
from tests.simulators.plain_bot import plain_bot
from tests.test_callers import ASKED, PATH

SHOP, THIEF = "spiffe://example.org/shop", "spiffe://example.org/thief"
ANYWHERE = "0.0.0.0"  # noqa: S104 - that is what is tested
POLICY = """
@id("own/thief")
forbid (principal == Service::"spiffe://example.org/thief", action, resource);
@id("own/issuer")
forbid (principal, action == Action::"message:send", resource)
when { !(context has certificate && context.certificate has issuer && context.certificate.issuer == "CN=callers") };
"""


class World:
    def __init__(self, folder: Path, url: str) -> None:
        self.servers, self.callers = Authority(folder / "servers", "servers"), Authority(folder / "callers", "callers")
        self.strangers = Authority(folder / "strangers", "strangers")
        (folder / "own.cedar").write_text(POLICY)
        cert, key = self.servers.make("gateway", server=True)
        self.cert = cert
        settings = Settings(
            server=Server(port=0, admin_port=0, tls_cert=str(cert), tls_key=str(key), client_ca=str(self.callers.ca)),
            bots={"default": Bot(upstream=url)},
            routes={"default": Route(guards=("text.leak",))},
            ledger=LedgerSettings(path="chatward.db"),
            authorization=Authorization(policies=(str(folder / "own.cedar"),)),
        )
        self.gateway = RunningGateway(settings, folder)
        self.keys = KeyStore(Database(folder / "chatward-identity.db"), lambda entry: None)
        self.shop = self.callers.make("shop", SHOP)

    def ask(self, shows: tuple[Path, Path] | None, **headers: str) -> httpx.Response:
        verify = context(self.servers.ca, shows)
        return httpx.post(self.gateway.url + PATH, json=ASKED, headers=headers, verify=verify, timeout=30)

    def calls(self) -> int:
        """Of the bot, so far."""
        return sum(record.event == "upstream:call:intended" for record in self.gateway.records())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with plain_bot() as url:
        world = World(tmp_path_factory.mktemp("tls"), url)
        yield world
        world.gateway.stop()


def test_a_workload_is_known_by_its_certificate_alone(world: World) -> None:
    got = world.ask(world.shop)
    assert got.status_code == 200, got.text
    assert got.headers["strict-transport-security"] == "max-age=31536000"
    number = got.headers["x-chatward-request-id"]
    assert SHOP in {record.fields.get("principal") for record in world.gateway.records(number)}


def test_policy_names_it(world: World) -> None:
    got = world.ask(world.callers.make("thief", THIEF))
    assert (got.status_code, got.json()["error"]["code"]) == (403, "not-permitted")


def test_without_a_good_certificate_there_is_no_connection(world: World) -> None:
    before = world.calls()
    for shows in (
        None,
        world.strangers.make("shop", SHOP),
        world.callers.make("ended", SHOP, days=-1),
        world.callers.make("server", SHOP, server=True),  # not for clients
    ):
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            world.ask(shows)
    assert world.calls() == before


def test_who_shows_a_key_too_is_known_by_the_key(world: World) -> None:
    issued = world.keys.create("shop")
    got = world.ask(world.shop, authorization=f"Bearer {issued.key}")
    number = got.headers["x-chatward-request-id"]
    assert issued.record.principal in {record.fields.get("principal") for record in world.gateway.records(number)}
    assert world.ask(world.shop, authorization="Bearer cw_live_0000000000000000_nothing").status_code == 401


def test_a_header_makes_nobody(world: World) -> None:
    """RFC 9440's field is for proxies that are trusted; here there is none."""
    forged = ":" + "A" * 40 + ":"
    assert world.ask(world.shop, **{"client-cert": forged, "x-forwarded-proto": "http"}).status_code == 200


def test_a_new_certificate_is_taken_while_a_connection_goes_on(world: World) -> None:
    def served(client: httpx.Client) -> int:
        with client.stream("POST", world.gateway.url + PATH, json=ASKED) as got:
            tls = got.extensions["network_stream"].get_extra_info("ssl_object")
            found = x509.load_der_x509_certificate(tls.getpeercert(True)).serial_number
            assert json.loads(got.read())["object"] == "chat.completion"
        return found

    with httpx.Client(verify=context(world.servers.ca, world.shop), timeout=30) as kept:
        old = served(kept)
        world.servers.make("gateway", server=True)
        new = x509.load_pem_x509_certificate(world.cert.read_bytes()).serial_number
        world.gateway.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            with httpx.Client(verify=context(world.servers.ca, world.shop), timeout=30) as fresh:
                if served(fresh) == new:
                    break
            time.sleep(0.05)
        else:
            raise AssertionError("the new certificate is not served")
        assert served(kept) == old != new
    assert "Certificate reloaded." in world.gateway.log.read_text()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), (ANYWHERE, 401)], ids=["here", "anywhere"])
def test_beyond_this_machine_everybody_must_be_known(tmp_path: Path, host: str, status: int) -> None:
    """Without any key in the settings, and though ``identity.anonymous`` says yes."""
    servers = Authority(tmp_path / "servers", "servers")
    files = servers.make("gateway", server=True)
    with plain_bot() as url:
        settings = Settings(
            server=Server(host=host, port=0, admin_port=0, tls_cert=str(files[0]), tls_key=str(files[1])),
            bots={"default": Bot(upstream=url)},
            routes={"default": Route(guards=("text.leak",))},
            ledger=LedgerSettings(path="chatward.db"),
        )
        gateway = RunningGateway(settings, tmp_path)
        try:
            here = gateway.url.replace(ANYWHERE, "127.0.0.1")
            verify = context(servers.ca)
            assert httpx.post(here + PATH, json=ASKED, verify=verify, timeout=30).status_code == status
            stranger = {"authorization": "Bearer somebody-elses-key"}
            assert (
                httpx.post(here + PATH, json=ASKED, headers=stranger, verify=verify, timeout=30).status_code == status
            )
            keys = KeyStore(Database(tmp_path / "chatward-identity.db"), lambda entry: None)
            known = {"authorization": f"Bearer {keys.create('shop').key}"}
            assert httpx.post(here + PATH, json=ASKED, headers=known, verify=verify, timeout=30).status_code == 200
        finally:
            gateway.stop()
