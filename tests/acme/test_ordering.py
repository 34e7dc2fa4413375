"""A certificate from a real authority (Pebble), which looks at the name over HTTP."""

from __future__ import annotations

import asyncio
import ssl
import stat
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

pytest.importorskip("acme", reason="the extra acme is not installed: orders are not checked")

from chatward.acme.answering import Answering
from chatward.acme.keeping import CERT, KEY, Authority, Keeping
from chatward.acme.ordering import ACCOUNT, order
from chatward.core.errors import UpstreamError
from chatward.settings import Bot, LedgerSettings, Route, Server, Settings
from chatward.settings.acme import Acme
from tests.simulators.gateway import RunningGateway
from tests.simulators.pebble import PEBBLE, WHY, Pebble, pebble

pytestmark = pytest.mark.skipif(PEBBLE is None, reason=WHY)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with pebble(tmp_path_factory.mktemp("pebble")) as running:
        yield running


def kept(authority: Pebble, folder: Path, said: list[str], *domains: str) -> Keeping:
    asked = Authority(authority.directory, "ops@example.com", authority.ca_file)
    names = domains or ("localhost",)
    return Keeping(asked, names, folder, Answering(names), 30, order, said.append)


async def ready(keeping: Keeping, authority: Pebble) -> None:
    await keeping.answering.start("127.0.0.1", authority.http_port)
    try:
        await keeping.ready()
    finally:
        await keeping.answering.stop()


def test_a_certificate_is_issued_and_kept(authority: Pebble, tmp_path: Path) -> None:
    said: list[str] = []
    keeping = kept(authority, tmp_path / "acme", said)
    asyncio.run(ready(keeping, authority))
    chain = x509.load_pem_x509_certificates((tmp_path / "acme" / CERT).read_bytes())
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert len(chain) > 1
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "acme" / CERT, tmp_path / "acme" / KEY)  # they fit together
    for name in (CERT, KEY, ACCOUNT):
        assert stat.S_IMODE((tmp_path / "acme" / name).stat().st_mode) == 0o600
    assert keeping.answering.answers == {}  # nothing is answered once it is over
    assert said == ["A certificate for localhost was issued."]
    # It lasts: nobody is asked again, and the account is known.
    before = (tmp_path / "acme" / CERT).read_bytes()
    asyncio.run(ready(kept(authority, tmp_path / "acme", said), authority))
    assert (tmp_path / "acme" / CERT).read_bytes() == before
    assert len(said) == 1
    # Near its end it is renewed, with the same account and another key.
    key, account = (tmp_path / "acme" / KEY).read_bytes(), (tmp_path / "acme" / ACCOUNT).read_bytes()
    assert not keeping.due(datetime.now(UTC))
    assert keeping.due(chain[0].not_valid_after_utc - timedelta(days=1))

    async def again() -> None:
        await keeping.answering.start("127.0.0.1", authority.http_port)
        await keeping._order()
        await keeping.answering.stop()

    asyncio.run(again())
    assert (tmp_path / "acme" / CERT).read_bytes() != before
    assert (tmp_path / "acme" / KEY).read_bytes() != key
    assert (tmp_path / "acme" / ACCOUNT).read_bytes() == account


def test_a_name_that_is_not_ours_is_refused_in_the_authoritys_words(authority: Pebble, tmp_path: Path) -> None:
    """Nobody answers the question here."""
    keeping = kept(authority, tmp_path / "acme", [])
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(keeping.ready())
    assert caught.value.reason == "acme-failed"
    assert "localhost" in str(caught.value)
    assert not (tmp_path / "acme" / CERT).exists()


def test_another_name_in_the_settings_asks_for_another_certificate(authority: Pebble, tmp_path: Path) -> None:
    said: list[str] = []
    asyncio.run(ready(kept(authority, tmp_path, said), authority))
    assert kept(authority, tmp_path, said, "localhost", "chat.localhost").due(datetime.now(UTC))


def test_with_a_certificate_the_gateway_starts_whatever_the_authority_says(authority: Pebble, tmp_path: Path) -> None:
    said: list[str] = []
    asyncio.run(ready(kept(authority, tmp_path, said), authority))
    nobody = Authority("https://127.0.0.1:9/dir")
    keeping = Keeping(nobody, ("localhost", "more.localhost"), tmp_path, Answering(()), 30, order, said.append)
    asyncio.run(keeping.ready())
    assert said[-1].startswith("Certificate not renewed: No certificate from https://127.0.0.1:9/dir")


def test_the_gateway_gets_its_certificate_by_itself(authority: Pebble, tmp_path: Path) -> None:
    settings = Settings(
        server=Server(port=0, admin_port=0),
        acme=Acme(
            domains=("localhost",),
            agree=True,
            directory=authority.directory,
            ca_file=authority.ca_file,
            http_host="127.0.0.1",
            http_port=authority.http_port,
        ),
        bots={"default": Bot(upstream="http://127.0.0.1:9")},
        routes={"default": Route(guards=("text.leak",))},
        ledger=LedgerSettings(path="chatward.db", durability="process"),
    )
    gateway = RunningGateway(settings, tmp_path)
    try:
        url = gateway.url.replace("127.0.0.1", "localhost")
        trusted = ssl.create_default_context(cadata=authority.root().decode())
        with urllib.request.urlopen(f"{url}/readyz", context=trusted, timeout=20) as got:
            assert got.status == 200
        assert (tmp_path / "chatward-acme" / CERT).exists()
    finally:
        gateway.stop()
