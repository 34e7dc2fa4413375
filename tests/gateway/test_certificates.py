"""Certificates made and read, and TLS with them: with Python's ``ssl`` at the other end."""

from __future__ import annotations

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatward.core.errors import ConfigError
from chatward.gateway.certificates import LEAF_DAYS, Watch, check, expiries, local, not_after
from chatward.gateway.http1_server import Front
from chatward.gateway.inbound_tls import InboundTls, peer_certificate
from chatward.gateway.server import EmbeddedServer
from chatward.settings import Bot, Server, Settings

PEM = serialization.Encoding.PEM


def reason(error: pytest.ExceptionInfo[ConfigError]) -> str:
    return error.value.reason


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def sans(path: Path) -> set[str]:
    names = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


# --- the local authority


def test_what_is_made_is_for_this_machine(tmp_path: Path) -> None:
    files = local(tmp_path / "tls", ["chat.example", "192.0.2.7", "*.dev.example"])
    assert sans(files.cert) == {"localhost", "127.0.0.1", "::1", "chat.example", "192.0.2.7", "*.dev.example"}
    for path in (tmp_path / "tls").iterdir():
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o600 if path.suffix == ".key" else 0o644), path.name
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    leaf, authority = certificate(files.cert), certificate(files.ca)
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    assert (leaf.not_valid_after_utc - datetime.now(UTC)).days in {LEAF_DAYS - 1, LEAF_DAYS}
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert {str(one.value) for one in limits.value.permitted_subtrees or ()} == {
        *("127.0.0.0/8", "::1/128", "localhost", "chat.example", "192.0.2.7/32", "dev.example"),
    }
    basic = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)


def test_what_is_there_is_kept_and_renewed_before_it_ends(tmp_path: Path) -> None:
    first = local(tmp_path)
    assert first.made
    ca, cert = first.ca.read_bytes(), first.cert.read_bytes()
    again = local(tmp_path)
    assert not again.made
    assert again.cert.read_bytes() == cert
    later = datetime.now(UTC) + timedelta(days=LEAF_DAYS - 20)
    renewed = local(tmp_path, clock=lambda: later)
    assert renewed.made
    assert renewed.not_after > first.not_after
    assert renewed.ca.read_bytes() == ca
    check(renewed.cert, renewed.key)


def test_names_that_the_authority_may_not_sign(tmp_path: Path) -> None:
    local(tmp_path, ["chat.example"])
    assert local(tmp_path, ["sub.chat.example"]).made
    with pytest.raises(ConfigError) as refused:
        local(tmp_path, ["bank.example"])
    assert reason(refused) == "certificate-names"
    for name in ("", "-a.example", "a..b", "ex ample", "é.example", "1.2.3", "*", "a" * 64, "fe80::1%eth0", "*.1"):
        with pytest.raises(ConfigError):
            local(tmp_path / "other", [name])


def test_a_stolen_authority_cannot_vouch_for_others(tmp_path: Path) -> None:
    files = local(tmp_path, ["chat.example"])
    key = serialization.load_pem_private_key((tmp_path / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    forged_key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    forged = (
        x509.CertificateBuilder(
            certificate(files.ca).subject,
            x509.Name([]),
            forged_key.public_key(),
            7,
            now - timedelta(days=1),
            now + timedelta(days=1),
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "forged.pem"
    private = forged_key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + forged.public_bytes(PEM))
    for cert, key_file, name, good in (
        (files.cert, files.key, "chat.example", True),
        (path, path, "bank.example", False),
    ):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(cert, key_file)
        assert handshake(server, ssl.create_default_context(cafile=str(files.ca)), name) is good, name


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bool:
    """Whether the two agree, in memory."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(down, up, server_hostname=name)
    other = server.wrap_bio(up, down, server_side=True)
    for _ in range(10):
        done = True
        for side in (one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError:
                return False
        if done:
            return True
    return False


# --- given files


def test_when_configured_certificates_end(tmp_path: Path) -> None:
    ours, theirs = local(tmp_path / "a"), local(tmp_path / "b", clock=lambda: datetime.now(UTC) - timedelta(days=30))
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(ours.ca.read_bytes() + theirs.cert.read_bytes())
    settings = Settings(
        server=Server(tls_cert=str(ours.cert), tls_key=str(ours.key), client_ca=str(bundle)),
        bots={"one": Bot(upstream="https://x", client_cert=str(theirs.cert), ca_file=str(ours.ca))},
    )
    assert expiries(settings) == [
        (str(ours.cert), ours.not_after),
        (str(bundle), theirs.not_after),
        (str(theirs.cert), theirs.not_after),
        (str(ours.ca), not_after(ours.ca)),
    ]
    assert expiries(Settings()) == []
    bundle.write_text("nothing")
    with pytest.raises(ConfigError) as refused:
        expiries(settings)
    assert reason(refused) == "certificate-invalid"


def test_pairs_that_cannot_be_served(tmp_path: Path) -> None:
    one, other = local(tmp_path / "a"), local(tmp_path / "b")
    check(one.cert, one.key)
    old = local(tmp_path / "c", clock=lambda: datetime.now(UTC) - timedelta(days=LEAF_DAYS + 1))
    for cert, key in ((one.cert, other.key), (one.cert, tmp_path / "none"), (one.key, one.key), (old.cert, old.key)):
        with pytest.raises(ConfigError) as refused:
            check(cert, key)
        assert reason(refused) == "certificate-invalid"


def test_a_change_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "x"
    watch = Watch(path, None)
    assert not watch.changed()
    path.write_text("1")
    assert watch.changed()
    assert not watch.changed()
    watch.forget()
    assert watch.changed()


# --- TLS from callers


class App:
    """Answers; ``/slow`` writes until it is told to end."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.began = asyncio.Event()

    async def __rsgi__(self, scope: Any, door: Any) -> None:
        if scope.path != "/slow":
            door.response_bytes(200, [], b"hello")
            return
        stream = door.response_stream(200, [])
        await stream.send_bytes(b"first ")
        self.began.set()
        await self.end.wait()
        await stream.send_bytes(b"last")


Connect = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def connect(port: int, ca: Path, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cafile=str(ca))
    if "maximum" in options:
        context.maximum_version = options["maximum"]
    if "shows" in options:
        context.load_cert_chain(*options["shows"])
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")


def serial(writer: asyncio.StreamWriter) -> int:
    return x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(True)).serial_number


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str = "/") -> bytes:
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)


def renew(folder: Path) -> int:
    """Another certificate of the same authority in the same files; its serial number."""
    (folder / "server.pem").unlink()
    return certificate(local(folder).cert).serial_number


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    files = local(tmp_path / "tls")
    server = EmbeddedServer(App(), "127.0.0.1", 0, tls_cert=files.cert, tls_key=files.key)
    await server.start()
    yield server
    server._app.end.set()
    await server.stop(2.0)


async def test_the_planes_speak_tls_1_3_only(server: EmbeddedServer, tmp_path: Path) -> None:
    ca = tmp_path / "tls" / "ca.pem"
    _, writer = await connect(server.port, ca)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.close()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await connect(server.port, ca, maximum=ssl.TLSVersion.TLSv1_2)
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(ca)), http2=False) as client:
        assert (await client.get(f"https://localhost:{server.port}/")).text == "hello"


async def test_granian_takes_a_new_certificate_while_open_connections_go_on(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    folder = tmp_path / "tls"
    ca = folder / "ca.pem"
    running = await connect(server.port, ca)
    await ask(*running, "/slow")
    await server._app.began.wait()
    idle = await connect(server.port, ca)
    assert b"200" in await ask(*idle)
    old, new = serial(running[1]), renew(folder)
    assert server.reload()
    for _ in range(200):
        _, writer = await connect(server.port, ca)
        writer.close()
        if serial(writer) == new:
            break
        await asyncio.sleep(0.05)
    assert serial(writer) == new != old
    assert b"200" in await ask(*idle), "an idle connection is used on"
    server._app.end.set()
    whole = await asyncio.wait_for(running[0].readuntil(b"0\r\n\r\n"), 10)
    assert b"first" in whole
    assert b"last" in whole
    for _, writer in (running, idle):
        writer.close()


async def test_a_pair_that_does_not_fit_leaves_the_old_one(server: EmbeddedServer, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    old = certificate(folder / "server.pem").serial_number
    assert not server.reload()
    good, other = (folder / "server.key").read_bytes(), local(tmp_path / "other")
    (folder / "server.key").write_bytes(other.key.read_bytes())
    for _ in range(2):  # it is tried again until it fits
        with pytest.raises(ConfigError) as refused:
            server.reload()
        assert reason(refused) == "certificate-invalid"
    _, writer = await connect(server.port, folder / "ca.pem")
    assert serial(writer) == old
    writer.close()
    (folder / "server.key").write_bytes(good)
    assert server.reload()
    assert not server.reload()


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[tuple[Front, InboundTls, int]]]]:
    """``front, tls, port = await own(client_ca=...)``: our own front behind ``InboundTls``."""
    servers: list[tuple[asyncio.Server, Front]] = []

    async def start(client_ca: Path | None = None) -> tuple[Front, InboundTls, int]:
        files = local(tmp_path / "tls")
        tls = InboundTls(files.cert, files.key, client_ca)
        loop = asyncio.get_running_loop()
        front = Front(App(), loop)
        listener = await loop.create_server(front.connection, "127.0.0.1", 0, ssl=tls.context)
        servers.append((listener, front))
        return front, tls, listener.sockets[0].getsockname()[1]

    yield start
    for listener, front in servers:
        listener.close()
        front.abort()


def client_files(folder: Path, ca_folder: Path) -> tuple[Path, Path]:
    """A certificate for a client, of the authority in ``ca_folder``."""
    ca = certificate(ca_folder / "ca.pem")
    signer = serialization.load_pem_private_key((ca_folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            ca.subject, x509.Name([]), key.public_key(), 9, now - timedelta(days=1), now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        .sign(signer, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    cert, private = folder / "client.pem", folder / "client.key"
    cert.write_bytes(made.public_bytes(PEM))
    private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return cert, private


async def test_our_own_front_asks_for_certificates_and_knows_them(own: Any, tmp_path: Path) -> None:
    local(tmp_path / "clients")
    local(tmp_path / "strangers")
    front, _, port = await own(tmp_path / "clients" / "ca.pem")
    ca = tmp_path / "tls" / "ca.pem"
    shows = client_files(tmp_path / "c", tmp_path / "clients")
    connection = await connect(port, ca, shows=shows)
    assert b"200" in await ask(*connection)
    (held,) = front.connections
    der = peer_certificate(held._transport.get_extra_info("ssl_object"))
    assert der == certificate(shows[0]).public_bytes(serialization.Encoding.DER)
    connection[1].close()
    for options in ({}, {"shows": client_files(tmp_path / "s", tmp_path / "strangers")}):
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await ask(*await connect(port, ca, **options))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await connect(port, ca, shows=shows, maximum=ssl.TLSVersion.TLSv1_2)


async def test_our_own_front_takes_new_files_and_keeps_the_old_where_they_do_not_fit(own: Any, tmp_path: Path) -> None:
    _, tls, port = await own()
    folder = tmp_path / "tls"
    ca = folder / "ca.pem"
    running = await connect(port, ca)
    await ask(*running, "/slow")
    assert not tls.reload()
    new = renew(folder)
    assert tls.reload()
    _, writer = await connect(port, ca)
    assert serial(writer) == new
    writer.close()
    key = (folder / "server.key").read_bytes()
    (folder / "server.key").write_bytes(b"half a f")
    with pytest.raises(ConfigError):
        tls.reload()
    _, writer = await connect(port, ca)
    assert serial(writer) == new, "the old pair is still served"
    writer.close()
    (folder / "server.key").write_bytes(key)
    assert tls.reload()
    running[1].close()


def test_files_that_stop_the_start(tmp_path: Path) -> None:
    files = local(tmp_path)
    with pytest.raises(ConfigError):
        InboundTls(files.cert, tmp_path / "none")
    with pytest.raises(ConfigError):
        InboundTls(files.cert, files.key, tmp_path / "none")
