"""TLS to bots: a server that demands a certificate, one with a SPIFFE ID, certificates that change."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatward.core.errors import ConfigError, UpstreamError
from chatward.gateway.outbound_tls import OutboundTls
from chatward.gateway.upstream import HttpUpstream
from chatward.identity.certificates import spiffe_id_of

BOT = "spiffe://example.org/bot"
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


class Authority:
    """A small authority whose certificates are in files."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(self._sign(self.name, self.key, [], ca=True).public_bytes(PEM))

    def _sign(self, subject: x509.Name, key: Any, names: list[x509.GeneralName], *, ca: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            self.name,
            subject,
            key.public_key(),
            x509.random_serial_number(),
            now - timedelta(days=1),
            now + timedelta(days=1),
        ).add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        return builder.sign(self.key, hashes.SHA256())

    def make(self, file: str, *names: str, ca: bool = False) -> tuple[str, str]:
        """Certificate and key for these URIs, and for 127.0.0.1 where there is none."""
        key = ec.generate_private_key(ec.SECP256R1())
        sans: list[x509.GeneralName] = [x509.UniformResourceIdentifier(name) for name in names]
        made = self._sign(x509.Name([]), key, sans or [x509.IPAddress(ip_address("127.0.0.1"))], ca=ca)
        cert, private = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        cert.write_bytes(made.public_bytes(PEM))
        private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return str(cert), str(private)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def serving(files: tuple[str, str], client_ca: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def outcome(upstream: HttpUpstream) -> str:
    """``ok``, or the reason why not."""
    try:
        response = await upstream.send("POST", "/v1/x", [], b"{}")
        await response.read(100)
    except UpstreamError as error:
        return error.reason
    finally:
        await upstream.aclose()
    return "ok"


class StrictBot:
    """A bot on OpenSSL's own blocking sockets, on a thread: it says why it does not like a certificate (asyncio's
    servers hang up without a word). One request a connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.requests: list[bytes] = []
        self.shown: list[bytes | None] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain, self._context.wrap_socket(plain, server_side=True) as secure:
                self.requests.append(secure.recv(65536))
                self.shown.append(secure.getpeercert(binary_form=True))
                secure.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def strict(authority: Authority) -> Iterator[StrictBot]:
    bot = StrictBot(serving(authority.make("bot"), authority.ca))
    yield bot
    bot.close()


async def test_a_bot_that_demands_a_certificate_gets_it(strict: StrictBot, authority: Authority) -> None:
    url, ca = f"https://127.0.0.1:{strict.port}", str(authority.ca)
    cert, key = authority.make("us", "spiffe://example.org/chatward")
    assert await outcome(HttpUpstream(url, ca_file=ca, client_cert=cert, client_key=key)) == "ok"
    strangers = Authority(authority.folder, "strangers")
    theirs, its_key = strangers.make("them")
    assert await outcome(HttpUpstream(url, ca_file=ca, client_cert=theirs, client_key=its_key)) == "upstream-tls"
    assert await outcome(HttpUpstream(url, ca_file=ca)) == "upstream-tls"
    assert len(strict.requests) == 1
    assert spiffe_id_of(strict.shown[0] or b"") == "spiffe://example.org/chatward"


async def test_a_certificate_that_changes_is_shown_from_the_next_connection_on(
    strict: StrictBot, authority: Authority
) -> None:
    strangers = Authority(authority.folder, "strangers")
    cert, key = authority.make("us")
    upstream = HttpUpstream(
        f"https://127.0.0.1:{strict.port}", ca_file=str(authority.ca), client_cert=cert, client_key=key
    )

    async def once() -> str:
        try:
            await (await upstream.send("POST", "/v1/x", [], b"{}")).read(100)
        except UpstreamError as error:
            return error.reason
        return "ok"

    assert await once() == "ok"
    strangers.make("us")
    assert await once() == "upstream-tls", "the new certificate is another authority's"
    spoil(key)
    assert await once() == "upstream-tls", "what does not fit leaves the last one"
    authority.make("us")
    assert await once() == "ok"
    await upstream.aclose()


def spoil(file: str) -> None:
    Path(file).write_bytes(b"half a f")


@pytest.mark.parametrize(
    ("names", "ca", "expected"),
    [
        ((BOT,), False, "ok"),
        (("spiffe://example.org/other",), False, "upstream-tls"),
        (("spiffe://example.org/bot/x",), False, "upstream-tls"),
        (("spiffe://example.com/bot",), False, "upstream-tls"),
        ((BOT, "spiffe://example.org/other"), False, "upstream-tls"),
        ((BOT, "https://example.org/"), False, "upstream-tls"),
        ((), False, "upstream-tls"),
        ((BOT,), True, "upstream-tls"),
    ],
)
async def test_who_must_be_there_by_spiffe_id(
    play: Any, answer: Any, authority: Authority, names: tuple[str, ...], ca: bool, expected: str
) -> None:
    bot = await play(["read", answer()], tls=serving(authority.make("bot", *names, ca=ca)))
    url = f"https://127.0.0.1:{bot.port}"
    assert await outcome(HttpUpstream(url, ca_file=str(authority.ca), spiffe_id=BOT)) == expected
    assert len(bot.requests) == (1 if expected == "ok" else 0)


async def test_the_right_id_of_a_wrong_authority_is_nobody(play: Any, answer: Any, authority: Authority) -> None:
    strangers = Authority(authority.folder, "strangers")
    bot = await play(["read", answer()], tls=serving(strangers.make("bot", BOT)))
    url = f"https://127.0.0.1:{bot.port}"
    assert await outcome(HttpUpstream(url, ca_file=str(authority.ca), spiffe_id=BOT)) == "upstream-tls"
    assert bot.requests == []


async def test_without_an_id_the_name_counts(play: Any, answer: Any, authority: Authority) -> None:
    bot = await play(["read", answer()], tls=serving(authority.make("bot", BOT)))
    assert await outcome(HttpUpstream(f"https://127.0.0.1:{bot.port}", ca_file=str(authority.ca))) == "upstream-tls"


async def test_who_is_not_expected_leaves_its_place_to_others(play: Any, answer: Any, authority: Authority) -> None:
    bot = await play(["read", answer()], tls=serving(authority.make("bot", "spiffe://example.org/other")))
    url = f"https://127.0.0.1:{bot.port}"
    upstream = HttpUpstream(url, ca_file=str(authority.ca), spiffe_id=BOT, max_connections=1, connect_timeout=5.0)
    for _ in range(3):
        with pytest.raises(UpstreamError) as refused:
            await upstream.send("GET", "/v1/x", [], b"")
        assert refused.value.reason == "upstream-tls"
    await asyncio.sleep(0.05)
    assert upstream.connections == 0
    await upstream.aclose()


def test_settings_that_cannot_be_meant(authority: Authority) -> None:
    cert, key = authority.make("us")
    _, other = authority.make("other")
    ca = str(authority.ca)
    for arguments in (
        (ca, cert, None, None),
        (ca, None, key, None),
        (ca, cert, other, None),
        (ca, cert, "/nowhere", None),
        ("/nowhere", None, None, None),
        (None, None, None, BOT),
        (ca, None, None, "https://example.org/bot"),
        (ca, None, None, "spiffe://example.org"),
        (ca, None, None, "spiffe://Example.org/bot"),
        (ca, None, None, "spiffe://example.org/a/../bot"),
        (ca, None, None, BOT + "/" + "x" * 2048),
    ):
        with pytest.raises(ConfigError):
            OutboundTls(*arguments)
    with pytest.raises(ConfigError):
        HttpUpstream("http://127.0.0.1:1", client_cert=cert, client_key=key)


def test_what_has_no_spiffe_id(authority: Authority) -> None:
    for names in ((), ("https://example.org/",), ("spiffe://example.org",), (BOT, BOT)):
        cert, _ = authority.make("x", *names)
        assert spiffe_id_of(x509.load_pem_x509_certificate(Path(cert).read_bytes()).public_bytes(DER)) is None
    assert spiffe_id_of(b"nonsense") is None
