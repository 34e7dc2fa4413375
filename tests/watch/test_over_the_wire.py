"""The real fetch against real servers of loopback: logs over HTTP, and TLS that is verified or not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chatward.core.errors import UpstreamError
from chatward.watch.certificates import read
from chatward.watch.fetching import Fetcher
from chatward.watch.transparency import Rfc6962, Tiled
from tests.watch import logs
from tests.watch.logs import TestLog, named
from tests.watch.test_fetching import OUR, Web, whole

NAMES = ["a.example", "b.example", "c.example"]


def fetcher(port: int, ca_file: str | None = None) -> Fetcher:
    async def here(host: str, port: int) -> Sequence[str]:
        return [OUR]

    return Fetcher(
        ports=frozenset((port,)),
        resolve=here,
        allowed=lambda address: str(address) == OUR,
        seconds=5.0,
        ca_file=ca_file,
    )


def served(log: TestLog, target: str) -> bytes:
    parts = urlsplit(target)
    query = parse_qs(parts.query)
    if parts.path == "/2026/ct/v1/get-sth":
        return whole(log.head())
    if parts.path == "/2026/ct/v1/get-entries":
        return whole(log.some(int(query["start"][0]), int(query["end"][0])))
    if parts.path == "/2026/checkpoint":
        return whole(log.checkpoint())
    if parts.path == "/2026/tile/data/000.p/3":
        return whole(log.tile(0, 3))
    return whole(b"", status="404 Not Found")


@pytest.mark.parametrize("kind", [Rfc6962, Tiled], ids=["rfc6962", "static"])
async def test_logs_over_http(kind: type[Rfc6962] | type[Tiled]) -> None:
    log = TestLog(named(NAMES))
    async with Web(lambda target: served(log, target)).at() as web:
        found = kind(f"http://log.example:{web.port}/2026/", log.key, fetcher(web.port))
        head = await found.head()
        seen = [read(one.der) for one in await found.entries(0, head.size)]
    assert [one.names[0] for one in seen if one is not None] == NAMES


@asynccontextmanager
async def secure(folder: Path, host: str) -> AsyncIterator[tuple[int, bytes]]:
    der = logs.certificate(host)
    (folder / "cert.pem").write_text(ssl.DER_cert_to_PEM_cert(der))
    key = logs._LOG.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(whole(b"page"))
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, OUR, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], der
    finally:
        server.close()


async def test_tls_is_verified_unless_it_is_evidence(tmp_path: Path) -> None:
    async with secure(tmp_path, "copy.example") as (port, der):
        url = f"https://copy.example:{port}/"
        with pytest.raises(UpstreamError) as caught:
            await fetcher(port)(url)
        assert caught.value.reason == "watch-unreachable"
        answer = await fetcher(port)(url, verify=False)
        assert (answer.body, answer.certificate) == (b"page", sha256(der).hexdigest())
