"""The load generator against small servers: what it counts, what it calls an error, and when text is first seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.bench.load import Job, Result, quantile, run
from chatward.bench.upstream import Thinking, Upstream
from chatward.bench.wire import THINKING, Answers, Kind

Writer = asyncio.StreamWriter
Scene = Callable[[Writer], Awaitable[None]]


@asynccontextmanager
async def listening(scene: Scene) -> AsyncIterator[int]:
    """A server that plays ``scene`` after each request."""

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                await scene(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def job(port: int, kind: Kind = Kind.PLAIN, **changes: object) -> Job:
    given: dict[str, object] = {"clients": 2, "seconds": 5.0, "warmup": 0.0, "first": 0, "watched": {}, "requests": 20}
    return Job(port=port, kind=kind, **{**given, **changes})  # type: ignore[arg-type]


async def played(scene: Scene, kind: Kind = Kind.PLAIN, **changes: object) -> Result:
    async with listening(scene) as port:
        return await run(job(port, kind, **changes))


@pytest.mark.parametrize("kind", Kind)
async def test_the_scripted_bot_answers_every_kind(kind: Kind) -> None:
    loop = asyncio.get_running_loop()
    answers = Answers()
    thinking = Thinking(loop)
    server = await loop.create_server(lambda: Upstream(answers, loop, thinking), "127.0.0.1", 0)
    async with server:
        result = await run(job(server.sockets[0].getsockname()[1], kind, requests=4, seconds=20.0))
    assert (result.requests, result.errors) == (4, 0)
    assert result.p50_ms > 0
    assert (result.first_p50_ms > 0) == kind.streams
    if kind is Kind.FIRST:
        assert result.first_p50_ms >= THINKING * 1000


async def test_answers_in_pieces_are_one_answer() -> None:
    async def scene(writer: Writer) -> None:
        for piece in (b"HTTP/1.1 200 OK\r\nConte", b"nt-Length: 4\r\n\r", b"\nab", b"cd"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    result = await played(scene)
    assert (result.requests, result.errors) == (20, 0)


async def test_other_statuses_are_errors_and_not_requests() -> None:
    async def scene(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno")

    result = await played(scene, seconds=0.2)
    assert result.requests == 0
    assert result.errors > 0
    assert result.error.startswith("HTTP/1.1 503")


async def test_a_closed_connection_is_an_error_and_ends_its_client() -> None:
    async def scene(writer: Writer) -> None:
        writer.close()

    result = await played(scene, seconds=0.2)
    assert (result.requests, result.errors, result.error) == (0, 2, "connection closed")


async def test_first_text_is_not_the_first_byte() -> None:
    """A role without text, and silence, come before the first token."""
    chunk = b"%x\r\n%b\r\n"
    role = b'data: {"delta": {"role": "assistant", "content": ""}}\n\n'
    text = b'data: {"delta": {"content": "Hi"}}\n\n'

    async def scene(writer: Writer) -> None:
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head + chunk % (len(role), role))
        await asyncio.sleep(0.05)
        writer.write(chunk % (len(text), text))
        await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r")
        await asyncio.sleep(0)
        writer.write(b"\n")

    result = await played(scene, Kind.PACED, requests=2)
    assert result.errors == 0
    assert 40 < result.first_p50_ms < result.p50_ms - 5


async def test_the_rate_of_paced_streams_does_not_come_in_lumps() -> None:
    """Two clients in step, a tenth of a second each: never more than twenty a second, whatever the window caught."""

    async def scene(writer: Writer) -> None:
        await asyncio.sleep(0.1)
        event = b'data: {"delta": {"content": "Hi"}}\n\n'
        writer.write(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(event), event)
        )

    result = await played(scene, Kind.PACED, seconds=0.25, requests=0)
    assert result.requests % 2 == 0
    assert 2 / result.p99_ms * 1000 * 0.999 <= result.per_second <= 20


async def test_a_stream_without_text_is_an_error() -> None:
    async def scene(writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")

    result = await played(scene, Kind.PACED, seconds=0.2)
    assert (result.requests, result.error) == (0, "no text")


async def test_nobody_listening_is_said() -> None:
    async with listening(lambda writer: asyncio.sleep(0)) as port:
        pass
    with pytest.raises(ConnectionRefusedError):
        await run(job(port))


@given(st.lists(st.floats(0, 10), min_size=1, max_size=50), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in [round(value * 1000, 4) for value in values]
    assert quantile(values, 0.0) <= found <= quantile(values, 1.0)


def test_a_quantile_of_nothing_is_zero() -> None:
    assert quantile([], 0.5) == 0.0
