"""The way out, against a scripted bot on a real socket, on both event loops."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatward.core.errors import ClientError, ConfigError, UpstreamError
from chatward.gateway import http1_client
from chatward.gateway.http1_client import Http1Response
from chatward.gateway.upstream import HttpUpstream

Answer = Callable[..., bytes]
Play = Callable[..., Awaitable[Any]]
Connect = Callable[..., HttpUpstream]
JSON = (("content-type", "application/json"),)


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    clients: list[HttpUpstream] = []

    def make(url: str, **options: Any) -> HttpUpstream:
        clients.append(HttpUpstream(url, **{"read_timeout": 5.0, "connect_timeout": 5.0, **options}))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


async def post(client: HttpUpstream, body: bytes = b"{}", path: str = "/v1/chat/completions") -> Http1Response:
    return await client.send("POST", path, JSON, body)


async def reason(awaitable: Awaitable[object]) -> str:
    with pytest.raises(UpstreamError) as caught:
        await asyncio.wait_for(awaitable, 10)
    assert caught.value.status == (504 if caught.value.reason == "upstream-timeout" else 502)
    return caught.value.reason


async def drain(response: Http1Response) -> bytes:
    return b"".join([piece async for piece in response.chunks()])


# --- what goes out ---


async def test_the_request_is_what_was_asked_for(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(b'{"a":1}', head=b"X-Request-Id: r1\r\nx-empty:\r\n")])
    client = connect(bot.url)
    response = await client.send("POST", "/v1/chat/completions", [("Authorization", "Bearer k"), *JSON], b'{"b":2}')
    assert response.status == 200
    assert ("x-request-id", "r1") in response.headers
    assert ("x-empty", "") in response.headers
    assert await response.read(100) == b'{"a":1}'
    seen = bot.requests[0]
    assert seen.line == "POST /v1/chat/completions HTTP/1.1"
    assert seen.header("host") == f"127.0.0.1:{bot.port}"
    assert seen.header("authorization") == "Bearer k"
    assert seen.header("content-length") == "7"
    assert seen.header("accept-encoding") == "identity"
    assert seen.body == b'{"b":2}'


async def test_hop_by_hop_fields_stay_here(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer()])
    headers = [
        ("Connection", "close, X-Secret"),
        ("X-Secret", "1"),
        ("keep-alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "999"),
        ("Host", "evil.example"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("Expect", "100-continue"),
        ("Accept-Encoding", "br"),
        ("proxy-authorization", "Basic x"),
        ("x-kept", "yes"),
    ]
    await (await connect(bot.url).send("POST", "/v1/x", headers, b"12")).read(10)
    names = [name.lower() for name, _ in bot.requests[0].headers]
    assert sorted(names) == ["accept-encoding", "content-length", "host", "x-kept"]
    assert bot.requests[0].body == b"12"


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\0b", "a\u2603"])
async def test_a_header_that_breaks_the_line_is_refused(connect: Connect, value: str) -> None:
    with pytest.raises(ClientError) as caught:
        await connect("http://127.0.0.1:9").send("POST", "/v1/x", [("x-a", value)], b"")
    assert caught.value.reason == "header-invalid"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/x y", "a"),
        ("POST", "/v1/x\r\nx: y", "a"),
        ("POST", "/v1/\u2603", "a"),
        ("POST", "v1", "a"),
        ("POST", "/v1/%zz", "a"),
        ("PO ST", "/v1/x", "a"),
        ("POST", "/v1/x", "a:b"),
        ("POST", "/v1/x", "a b"),
        ("POST", "/v1/x", ""),
    ],
)
async def test_a_request_line_that_is_none_is_refused(connect: Connect, method: str, path: str, name: str) -> None:
    with pytest.raises(ClientError):
        await connect("http://127.0.0.1:9").send(method, path, [(name, "v")], b"")


@pytest.mark.parametrize(
    ("base", "target"),
    [
        ("http://h.test:1", "/v1/chat/completions"),
        ("http://h.test:1/", "/v1/chat/completions"),
        ("http://h.test:1/v1", "/v1/chat/completions"),
        ("http://h.test:1/v1/", "/v1/chat/completions"),
        ("http://h.test/api/openai/v1", "/api/openai/v1/chat/completions"),
        ("http://h.test/prefix", "/prefix/v1/chat/completions"),
        ("http://[::1]:8/v1", "/v1/chat/completions"),
    ],
)
def test_the_base_url_may_end_in_v1_or_not(base: str, target: str) -> None:
    assert HttpUpstream(base).target("/v1/chat/completions") == target


@pytest.mark.parametrize(
    "base",
    ["ftp://h.test", "h.test:80", "http://", "http://u:p@h.test", "http://h.test/?a=1", "http://h.test/#x",
     "http://h.test:99999", "http://h.test/a b", "http://h.te st/"],
)  # fmt: skip
def test_a_base_url_that_cannot_be_used_is_refused(base: str) -> None:
    with pytest.raises(ConfigError):
        HttpUpstream(base)


# --- framing ---


async def test_every_framing_ends_where_it_should(
    play: Play, connect: Connect, answer: Answer, chunked: Answer
) -> None:
    bot = await play(
        [
            *("read", answer(b"length")),
            *("read", chunked(b"chu", b"nked")),
            *("read", answer(b"", status=b"204 No Content")),
            *("read", b"HTTP/1.1 200 OK\r\n\r\nuntil", b" close", "close"),
        ]
    )
    client = connect(bot.url)
    for expected in (b"length", b"chunked", b"", b"until close"):
        assert await (await post(client)).read(100) == expected
    assert bot.accepted == 1


async def test_head_has_no_body_and_ends_the_connection(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"], ["read", answer()])
    client = connect(bot.url)
    assert await (await client.send("HEAD", "/v1/models", (), b"")).read(10) == b""
    assert await (await post(client)).read(10) == b"ok"
    assert bot.accepted == 2


async def test_not_modified_has_no_body_whatever_its_length_says(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", "read", answer()])
    client = connect(bot.url)
    assert await (await client.send("GET", "/v1/models", (), b"")).read(10) == b""
    assert await (await post(client)).read(10) == b"ok"


async def test_interim_responses_are_skipped(play: Play, connect: Connect, answer: Answer) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    bot = await play(["read", interim, 0.02, interim + answer(b"final"), "read", answer()])
    client = connect(bot.url)
    response = await post(client)
    assert (response.status, await response.read(10)) == (200, b"final")
    assert all(name != "link" for name, _ in response.headers)
    assert await (await post(client)).read(10) == b"ok"


@pytest.mark.parametrize(
    "raw",
    [
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2,2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: y\r\n folded\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * (http1_client.MAX_HEAD + 1) + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * (http1_client.MAX_HEADERS + 1) + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * (http1_client.MAX_HEAD // 20),
    ],
    ids=lambda raw: raw[:60].decode(),
)
async def test_a_response_that_is_none_is_malformed(play: Play, connect: Connect, answer: Answer, raw: bytes) -> None:
    bot = await play(["read", raw, "stall"], ["read", answer()])
    client = connect(bot.url)
    assert await reason(post(client)) == "upstream-malformed"
    assert await (await post(client)).read(10) == b"ok"


@pytest.mark.parametrize(
    "tail",
    [b"zz\r\nok", b"2\r\nokXX", b"2\r\nok\n0\r\n\r\n", b"2;" + b"e" * (http1_client.MAX_BETWEEN + 100),
     b"0\r\nx-t: " + b"y" * (http1_client.MAX_BETWEEN + 100)],
    ids=lambda tail: tail[:8].decode(),
)  # fmt: skip
async def test_broken_chunks_are_malformed(play: Play, connect: Connect, answer: Answer, tail: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"
    bot = await play(["read", head, 0.05, tail, "stall"], ["read", answer()])
    client = connect(bot.url)
    response = await post(client)
    pieces = []

    async def consume() -> None:
        async for piece in response.chunks():
            pieces.append(piece)

    assert await reason(consume()) == "upstream-malformed"
    assert b"".join(pieces).startswith(b"hi")
    assert await (await post(client)).read(10) == b"ok"


@pytest.mark.parametrize("ending", ["close", "reset"])
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ],
)
async def test_a_body_cut_short_says_so_after_what_came(play: Play, connect: Connect, raw: bytes, ending: str) -> None:
    bot = await play(["read", raw, 0.1, ending])
    client = connect(bot.url)
    pieces = []

    async def consume() -> None:
        async for piece in (await post(client)).chunks():
            pieces.append(piece)

    assert await reason(consume()) == "upstream-truncated"
    assert b"".join(pieces) == b"hello"

    async def whole() -> None:
        await (await post(client)).read(100)

    assert await reason(whole()) == "upstream-truncated"


async def test_a_reset_does_not_end_a_body_without_length(play: Play, connect: Connect) -> None:
    bot = await play(["read", b"HTTP/1.1 200 OK\r\n\r\nhello", 0.1, "reset"])
    response = await post(connect(bot.url))
    assert await reason(response.read(100)) == "upstream-truncated"


async def test_a_head_cut_short_is_truncated(play: Play, connect: Connect) -> None:
    bot = await play(["read", b"HTTP/1.1 200 OK\r\ncontent-le", "close"])
    assert await reason(post(connect(bot.url))) == "upstream-truncated"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 400), max_size=8),
    pieces=st.lists(st.binary(min_size=1, max_size=60), max_size=5),
    coded=st.booleans(),
)
def test_split_anywhere_the_body_is_the_same(
    cuts: list[int], pieces: list[bytes], coded: bool, answer: Answer, chunked: Answer
) -> None:
    """Law: what is read does not depend on how the bytes were split on the wire."""
    whole = b"".join(pieces)
    raw = b"HTTP/1.1 100 Continue\r\n\r\n" + (chunked(*pieces) if coded else answer(whole))
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]

    async def run() -> tuple[bytes, bool]:
        owner = _Owner()
        connection = http1_client.Http1Connection(owner, asyncio.get_running_loop())
        connection.connection_made(_Wire())
        response = connection.start(b"", b"", False)
        reading = asyncio.ensure_future(drain(response))
        for a, b in pairwise(edges):
            if a < b:
                connection.data_received(raw[a:b])
            await asyncio.sleep(0)
        return await reading, owner.free == [connection]

    assert asyncio.run(run()) == (whole, True)


class _Owner:
    def __init__(self) -> None:
        self.free: list[http1_client.Http1Connection] = []

    def released(self, connection: http1_client.Http1Connection) -> None:
        self.free.append(connection)

    def gone(self, connection: http1_client.Http1Connection) -> None:
        raise AssertionError("closed")


class _Wire(asyncio.Transport):
    def write(self, data: object) -> None:
        assert data == b""

    def get_write_buffer_size(self) -> int:
        return 0


# --- the pool ---


async def test_a_connection_is_used_again(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer()] * 5)
    client = connect(bot.url)
    for _ in range(5):
        assert await (await post(client)).read(10) == b"ok"
    assert (bot.accepted, client.connections, client.idle) == (1, 1, 1)


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\r\njunk",
    ],
)
async def test_a_connection_in_doubt_is_not_used_again(
    play: Play, connect: Connect, answer: Answer, first: bytes
) -> None:
    bot = await play(["read", first, "stall"], ["read", answer(b"good")])
    client = connect(bot.url)
    assert await (await post(client)).read(10) == b"ok"
    assert client.idle == 0
    assert await (await post(client)).read(10) == b"good"
    assert bot.accepted == 2


async def test_bytes_on_an_idle_connection_close_it(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(), 0.05, answer(b"evil"), "stall"], ["read", answer(b"good")])
    client = connect(bot.url)
    assert await (await post(client)).read(10) == b"ok"
    await asyncio.wait_for(bot.gone.wait(), 5)
    assert client.idle == 0
    assert await (await post(client)).read(10) == b"good"


async def test_a_stale_connection_is_retried_once_on_a_fresh_one(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(), "read", "close"], ["read", answer(b"again")])
    client = connect(bot.url)
    await (await post(client)).read(10)
    assert await (await post(client, b'"second"')).read(10) == b"again"
    assert [seen.body for seen in bot.requests] == [b"{}", b'"second"', b'"second"']


async def test_stale_and_full_the_retry_is_still_on_a_fresh_one(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(), "read", "close"], ["read", answer(b"again")])
    client = connect(bot.url, max_connections=1)
    await (await post(client)).read(10)
    assert await (await post(client)).read(10) == b"again"
    assert bot.accepted == 2


async def test_a_retry_is_not_retried(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(), "read", "close"], ["read", "close"])
    client = connect(bot.url)
    await (await post(client)).read(10)
    assert await reason(post(client)) == "upstream-unreachable"
    assert len(bot.requests) == 3


async def test_a_fresh_connection_that_closes_is_not_retried(play: Play, connect: Connect) -> None:
    bot = await play(["read", "close"])
    assert await reason(post(connect(bot.url))) == "upstream-unreachable"
    assert len(bot.requests) == 1


async def test_after_a_byte_of_an_answer_nothing_is_sent_again(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(), "read", b"H", "close"])
    client = connect(bot.url)
    await (await post(client)).read(10)
    assert await reason(post(client)) == "upstream-truncated"
    assert len(bot.requests) == 2


async def test_the_last_used_goes_first_and_the_others_grow_old(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", 0.05, answer()] + ["read", answer()] * 40)
    client = connect(bot.url, idle_timeout=0.4)
    responses = await asyncio.gather(*(post(client) for _ in range(3)))
    for response in responses:
        await response.read(10)
    assert client.idle == 3
    for _ in range(30):
        await (await post(client)).read(10)
        await asyncio.sleep(0.03)
    assert (bot.accepted, client.connections) == (3, 1)


async def test_those_in_line_are_served_in_order(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", 0.02, answer()] * 10)
    client = connect(bot.url, max_connections=1)
    done: list[int] = []

    async def ask(number: int) -> None:
        response = await post(client, b"%d" % number)
        await response.read(10)
        done.append(number)

    await asyncio.gather(*(ask(number) for number in range(6)))
    assert done == list(range(6))
    assert [int(seen.body) for seen in bot.requests] == list(range(6))
    assert bot.accepted == 1


async def test_waiting_in_line_has_an_end_and_leaves_no_trace(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", 0.5, answer(), "read", answer()])
    client = connect(bot.url, max_connections=1, connect_timeout=0.1)
    first = asyncio.ensure_future(post(client))
    await asyncio.sleep(0.02)
    assert await reason(post(client)) == "upstream-timeout"
    assert await (await first).read(10) == b"ok"
    assert await (await post(client)).read(10) == b"ok"


async def test_who_is_cancelled_in_line_passes_the_place_on(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", 0.05, answer()] * 4)
    client = connect(bot.url, max_connections=1)
    first = await post(client)
    waiting = [asyncio.ensure_future(post(client)) for _ in range(3)]
    await asyncio.sleep(0.01)
    await first.read(10)  # The connection is handed to the first in line, who goes away before running.
    waiting[0].cancel()
    waiting[1].cancel()
    assert await (await asyncio.wait_for(waiting[2], 5)).read(10) == b"ok"
    await asyncio.gather(*waiting[:2], return_exceptions=True)
    assert client.connections <= 1


async def test_a_place_freed_by_a_failure_goes_to_the_next(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", 0.05, b"garbage\r\n\r\n", "stall"], ["read", answer()])
    client = connect(bot.url, max_connections=1)
    first = asyncio.ensure_future(post(client))
    second = asyncio.ensure_future(post(client))
    assert await reason(first) == "upstream-malformed"
    assert await (await asyncio.wait_for(second, 5)).read(10) == b"ok"


async def test_closing_early_closes_the_connection(play: Play, connect: Connect, chunked: Answer) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"
    bot = await play(["read", head, "stall"], ["read", chunked(b"next")])
    client = connect(bot.url)
    response = await post(client)
    async for piece in response.chunks():
        assert piece == b"hi"
        break
    await response.aclose()
    await response.aclose()
    await asyncio.wait_for(bot.gone.wait(), 5)
    assert client.idle == 0
    assert await (await post(client)).read(10) == b"next"


@pytest.mark.parametrize(
    "script", [["read", "stall"], ["read", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", "stall"]]
)
async def test_cancelling_closes_the_connection(play: Play, connect: Connect, script: list[Any]) -> None:
    bot = await play(script)
    client = connect(bot.url)

    async def ask() -> None:
        await (await post(client)).read(100)

    task = asyncio.ensure_future(ask())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(bot.gone.wait(), 5)
    await asyncio.sleep(0)
    assert client.idle == 0


async def test_closing_the_client_ends_what_is_open(play: Play, connect: Connect) -> None:
    bot = await play(["read", "stall"])
    client = connect(bot.url, max_connections=1)
    tasks = [asyncio.ensure_future(post(client)) for _ in range(2)]
    await asyncio.sleep(0.05)
    await client.aclose()
    assert {await reason(task) for task in tasks} == {"upstream-unreachable"}
    assert await reason(post(client)) == "upstream-unreachable"


# --- time and size ---


@pytest.mark.parametrize("script", [["read", "stall"], ["read", b"HTTP/1.1 200 OK\r\n", "stall"]])
async def test_silence_is_a_timeout(play: Play, connect: Connect, script: list[Any]) -> None:
    bot = await play(script)
    assert await reason(post(connect(bot.url, read_timeout=0.1))) == "upstream-timeout"
    await asyncio.wait_for(bot.gone.wait(), 5)


async def test_silence_in_a_body_is_a_timeout_and_slow_is_not(play: Play, connect: Connect) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    slow = [step for _ in range(8) for step in (b"1\r\nx\r\n", 0.06)]
    bot = await play(["read", head, *slow, "stall"])
    response = await post(connect(bot.url, read_timeout=0.3))
    pieces: list[bytes] = []

    async def consume() -> None:
        async for piece in response.chunks():
            pieces.append(piece)

    assert await reason(consume()) == "upstream-timeout"
    assert b"".join(pieces) == b"x" * 8


async def test_nobody_there(connect: Connect) -> None:
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        client = connect(f"http://127.0.0.1:{port}")
        assert await reason(post(client)) == "upstream-unreachable"
        assert client.connections == 0


async def test_a_connect_that_hangs_is_a_timeout(connect: Connect) -> None:
    with contextlib.closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        await asyncio.sleep(0.05)
        client = connect(f"http://127.0.0.1:{port}", connect_timeout=0.2)
        assert await reason(post(client)) == "upstream-timeout"
        assert client.connections == 0
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_refused(
    play: Play, connect: Connect, answer: Answer, chunked: Answer, announced: bool
) -> None:
    raw = answer(b"x" * 5000) if announced else chunked(b"x" * 5000)
    whole = await play(["read", raw, "read", answer()])
    client = connect(whole.url)
    assert await reason((await post(client)).read(4999)) == "upstream-too-large"
    assert await (await post(client)).read(10) == b"ok"

    running = await play(["read", raw[:-1], "stall"])
    client = connect(running.url)
    assert await reason((await post(client)).read(10)) == "upstream-too-large"
    await asyncio.wait_for(running.gone.wait(), 5)
    assert client.idle == 0


async def test_the_limit_itself_is_allowed(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(b"x" * 5000)])
    assert len(await (await post(connect(bot.url))).read(5000)) == 5000


async def test_a_lagging_consumer_slows_the_bot_down(play: Play, connect: Connect, chunked: Answer) -> None:
    block = b"%x\r\n%s\r\n" % (65536, b"x" * 65536)
    count = 800
    bot = await play(["read", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[block] * count, b"0\r\n\r\n"])
    response = await post(connect(bot.url))
    sizes: list[int] = []
    async for piece in response.chunks():
        if not sizes:
            while True:  # Wait until the bot can send no more.
                before = bot.sent
                await asyncio.sleep(0.1)
                if bot.sent == before:
                    break
            assert bot.sent < count * 65536 // 2
        sizes.append(len(piece))
    assert sum(sizes) == count * 65536
    assert max(sizes) <= http1_client.HIGH_WATER + 512 * 1024


async def test_a_whole_body_is_read_though_it_is_large(play: Play, connect: Connect, answer: Answer) -> None:
    body = b"y" * (3 * http1_client.HIGH_WATER)
    bot = await play(["read", answer(body), "read", answer()])
    client = connect(bot.url)
    assert await (await post(client, b"z" * 300_000)).read(len(body)) == body
    assert await (await post(client)).read(10) == b"ok"
    assert len(bot.requests[0].body) == 300_000


# --- content codings ---


async def test_gzip_is_decoded_whole_and_streamed(play: Play, connect: Connect, answer: Answer) -> None:
    packed = answer(gzip.compress(b"hello " * 1000, mtime=0), head=b"content-encoding: gzip\r\n")
    bot = await play(["read", packed, "read", packed])
    client = connect(bot.url)
    assert await (await post(client)).read(6000) == b"hello " * 1000
    assert await drain(await post(client)) == b"hello " * 1000


async def test_a_bomb_is_too_large(play: Play, connect: Connect, answer: Answer) -> None:
    bot = await play(["read", answer(gzip.compress(b"\0" * 5_000_000, mtime=0), head=b"content-encoding: gzip\r\n")])
    assert await reason((await post(connect(bot.url))).read(100_000)) == "upstream-too-large"


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"no gzip", "upstream-malformed"), (gzip.compress(b"hello" * 50, mtime=0)[:-4], "upstream-truncated")],
)
async def test_broken_gzip(play: Play, connect: Connect, answer: Answer, body: bytes, expected: str) -> None:
    bot = await play(["read", answer(body, head=b"content-encoding: gzip\r\n")] * 1)
    client = connect(bot.url)
    assert await reason((await post(client)).read(1000)) == expected
    bot = await play(["read", answer(body, head=b"content-encoding: gzip\r\n")])
    assert await reason(drain(await post(connect(bot.url)))) == expected


# --- TLS ---


def _server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_tls_with_its_own_authority(play: Play, connect: Connect, answer: Answer, certificate: Path) -> None:
    bot = await play(["read", answer(b"secret"), "read", answer()], tls=_server_side(certificate))
    client = connect(f"https://127.0.0.1:{bot.port}/v1", ca_file=str(certificate))
    assert await (await post(client)).read(10) == b"secret"
    assert await (await post(client)).read(10) == b"ok"
    assert bot.accepted == 1


async def test_an_unknown_authority_is_refused(play: Play, connect: Connect, answer: Answer, certificate: Path) -> None:
    bot = await play(["read", answer()], tls=_server_side(certificate))
    assert await reason(post(connect(f"https://127.0.0.1:{bot.port}"))) == "upstream-tls"
    assert bot.requests == []


async def test_a_certificate_for_another_name_is_refused(
    play: Play, connect: Connect, answer: Answer, certificate: Path
) -> None:
    bot = await play(["read", answer()], tls=_server_side(certificate))
    client = connect(f"https://localhost:{bot.port}", ca_file=str(certificate))
    assert await reason(post(client)) == "upstream-tls"
    assert bot.requests == []


async def test_plain_http_on_a_tls_port_is_an_error(play: Play, connect: Connect, certificate: Path) -> None:
    bot = await play(["read", b"HTTP/1.1 200 OK\r\n\r\n", "close"])
    client = connect(f"https://127.0.0.1:{bot.port}", ca_file=str(certificate))
    bot.scripts = [[b"HTTP/1.1 400 Bad Request\r\n\r\n", "close"]]
    assert await reason(post(client)) in {"upstream-tls", "upstream-unreachable"}


def test_a_missing_authority_file_stops_start_up(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        HttpUpstream("https://h.test", ca_file=str(tmp_path / "none.pem"))
