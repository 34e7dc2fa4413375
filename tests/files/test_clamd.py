"""ClamAV by its daemon. The protocol is tested against a peer that says anything; the verdicts against the real
daemon."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatward.core.errors import ConfigError
from chatward.files.clamd import Clamd, ClamdError
from chatward.guards.files.signatures import EICAR
from tests.simulators.clamav import LARGEST, SIGNED, RunningClamd, daemon
from tests.simulators.documents import zipped

real = pytest.mark.skipif(
    daemon() is None, reason="no clamd (scripts/install-clamav): its protocol is tested against a peer alone"
)


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        running = RunningClamd(Path(folder))
        yield Clamd(running.address)
        running.stop()


@real
@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"hello", ""),
        (b"", ""),
        (EICAR, "eicar"),
        (b"a " + SIGNED, "chatward-test"),
        (zipped({"a": SIGNED}), "chatward-test"),
    ],
    ids=["text", "nothing", "eicar", "own", "own-in-zip"],
)
async def test_the_real_daemon_tells(clamd: Clamd, data: bytes, name: str) -> None:
    found = await clamd.scan(data, 10)
    assert [one.removesuffix("-unofficial") for one in found] == ([name] if name else [])


@real
async def test_the_real_daemon_takes_no_more_than_its_limit(clamd: Clamd) -> None:
    with pytest.raises(ClamdError):
        await clamd.scan(bytes(3 * LARGEST), 10)
    assert await clamd.scan(b"hello", 10) == []


@real
async def test_many_files_at_once(clamd: Clamd) -> None:
    found = await asyncio.gather(*(clamd.scan(SIGNED if at % 2 else b"hello", 10) for at in range(20)))
    assert [bool(one) for one in found] == [bool(at % 2) for at in range(20)]


@asynccontextmanager
async def _peer(answer: bytes, *, reads: bool = True, hangs: bool = False) -> AsyncIterator[tuple[Clamd, list[bytes]]]:
    """A daemon that reads what it is sent, says ``answer`` and hangs up, or stays silent."""
    taken: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reads:
            taken.append(await reader.readexactly(len(b"zINSTREAM\0")))
            while size := int.from_bytes(await reader.readexactly(4)):
                taken.append(await reader.readexactly(size))
        if hangs:
            await reader.read()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Clamd(f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}"), taken


async def test_a_file_is_sent_in_pieces_with_their_lengths() -> None:
    data = bytes(range(256)) * 1000
    async with _peer(b"stream: OK\0") as (client, taken):
        assert await client.scan(data, 5) == []
    assert taken[0] == b"zINSTREAM\0"
    assert b"".join(taken[1:]) == data
    assert len(taken) > 2


async def test_a_signature_is_named_in_our_words() -> None:
    async with _peer(b"stream: Win.Test_\"'<x>\r\n-1 FOUND\0") as (client, _):
        with pytest.raises(ClamdError):  # a line break is in no name
            await client.scan(b"x", 5)
    async with _peer(b"stream: Win.Test.<b>-1 FOUND\0") as (client, _):
        assert await client.scan(b"x", 5) == ["win-test-b-1"]


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"stream: OK", b"\0", b"OK\0", b"stream: \0", b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: Can't allocate memory ERROR\0", b"stream: OK\nstream: X FOUND\0", b"x" * 9000 + b"\0",
        b"stream: FOUND\0",
    ],
    ids=range(10),
)  # fmt: skip
async def test_any_other_answer_is_none(answer: bytes) -> None:
    async with _peer(answer) as (client, _):
        with pytest.raises(ClamdError):
            await client.scan(b"hello", 5)


async def test_nobody_is_there() -> None:
    with pytest.raises(ClamdError):
        await Clamd("unix:/nonexistent/clamd").scan(b"hello", 5)


async def test_silence_is_a_timeout() -> None:
    async with _peer(b"", hangs=True) as (client, _):
        with pytest.raises(TimeoutError):
            await client.scan(b"hello", 0.05)


@pytest.mark.parametrize("address", ["", "clamd", "unix:relative", "tcp:host", "tcp::1", "http://x"])
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError):
        Clamd(address)
