"""The caller's side of the wire: conversations with polite, clumsy and hostile callers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from chatward.gateway import http1_server
from chatward.gateway.server import EmbeddedServer

Serve = Callable[[Any], Awaitable["Caller"]]
HOST = b"host: x\r\n"


class Echo:
    """Answers with what it was asked; some paths misbehave on purpose."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.got = 0
        self.sent = 0
        self.go = asyncio.Event()
        self.left = asyncio.Event()

    async def __rsgi__(self, scope: Any, door: Any) -> None:
        self.asked.append((scope.method, scope.path, scope.query_string))
        name = scope.path.rpartition("/")[2]
        if name == "refuse":
            door.response_bytes(413, [], b"no")
            return
        if name == "wait":
            await self.go.wait()
        if name == "watch":
            await door.client_disconnect()
            self.left.set()
            return
        if name == "chunks":
            async for piece in door:
                self.got += len(piece)
                await self.go.wait()
            door.response_bytes(200, [], b"%d" % self.got)
            return
        if name == "raise":
            raise LookupError("canary-7f")
        if name == "nothing":
            return
        if name in {"stream", "flood", "half", "loud"}:
            stream = door.response_stream(200, [("x-a", "1")])
            await stream.send_bytes(b"one ")
            if name == "half":
                raise RuntimeError("canary-7f")
            for _ in range(64 if name == "flood" else 0):
                await stream.send_bytes(b"x" * 1_000_000)
                self.sent += 1_000_000
            await stream.send_bytes(b"")
            await stream.send_bytes(b"two")
            return
        if name == "smuggle":
            door.response_bytes(200, [("x-a", "1\r\nset-cookie: a=b")], b"")
            return
        if name == "empty":
            door.response_empty(204, [])
            return
        if name == "who":
            door.response_bytes(200, [], f"{scope.scheme} {scope.client}".encode())
            return
        body = await door()
        door.response_bytes(200, [("x-twice", ",".join(scope.headers.get_all("x-twice")))], body)


class Caller:
    """One connection to the server."""

    def __init__(self, server: EmbeddedServer, app: Echo) -> None:
        self.server, self.app = server, app
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def dial(self) -> Caller:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        return self

    async def another(self) -> Caller:
        return await Caller(self.server, self.app).dial()

    def say(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """One answer with its length."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode("latin-1")
        line, *rest = head[:-4].split("\r\n")
        fields = dict(field.split(": ", 1) for field in rest)
        body = await asyncio.wait_for(self.reader.readexactly(int(fields.get("content-length", 0))), 5)
        return int(line.split()[1]), fields, body

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 5)
        return b""

    async def closed(self) -> bool:
        return await self.rest() == b""


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    app = Echo()
    server = EmbeddedServer(app, "127.0.0.1", 0)
    await server.start()
    caller = await Caller(server, app).dial()
    yield caller
    caller.writer.transport.abort()
    await server.stop(0.1)


def post(body: bytes, path: bytes = b"/echo", head: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\n%b%bcontent-length: %d\r\n\r\n%b" % (path, HOST, head, len(body), body)


GET = b"GET /echo HTTP/1.1\r\n" + HOST + b"\r\n"


# --- polite ---


async def test_a_connection_is_used_again_and_the_date_is_told(call: Caller) -> None:
    for body in (b"one", b"two"):
        call.say(post(body))
        status, fields, got = await call.answer()
        assert (status, got) == (200, body)
        assert fields["date"].endswith("GMT")
        assert "connection" not in fields


async def test_the_peers_address_is_the_sockets_whatever_headers_say(call: Caller) -> None:
    call.say(post(b"", b"/who", b"x-forwarded-for: 192.0.2.9\r\nforwarded: for=192.0.2.9;proto=https\r\n"))
    assert (await call.answer())[2] == b"http 127.0.0.1"


async def test_a_request_may_come_byte_by_byte(call: Caller) -> None:
    for at in range(len(post(b"slow"))):
        call.say(post(b"slow")[at : at + 1])
        await asyncio.sleep(0)
    assert (await call.answer())[2] == b"slow"


async def test_requests_in_a_row_are_answered_in_order(call: Caller) -> None:
    call.say(post(b"", b"/wait"), *(post(b"%d" % number) for number in range(10)))
    await asyncio.sleep(0.05)
    assert len(call.app.asked) == 1
    call.app.go.set()
    assert [(await call.answer())[2] for _ in range(11)] == [b"", *(b"%d" % number for number in range(10))]
    call.say(post(b"again"))
    assert (await call.answer())[2] == b"again"


async def test_who_asks_too_far_ahead_is_cut_off(call: Caller) -> None:
    """What waits is bounded: later requests are not even read while one waits."""
    call.say(post(b"", b"/wait"), *[GET] * (http1_server.MAX_WAITING + 5))
    await asyncio.sleep(0.05)
    call.app.go.set()
    said = await call.rest()
    assert said.count(b"HTTP/1.1 200") <= http1_server.MAX_WAITING + 1
    assert b"connection: close" in said


async def test_one_that_waits_stops_the_reading(call: Caller) -> None:
    call.say(post(b"", b"/wait"), GET)
    await asyncio.sleep(0.05)
    big = post(b"z" * 30_000_000)
    call.say(big)
    await asyncio.sleep(0.2)
    assert call.writer.transport.get_write_buffer_size() > 10_000_000
    call.app.go.set()
    assert [(await call.answer())[0] for _ in range(2)] == [200, 200]
    assert len((await call.answer())[2]) == 30_000_000


async def test_old_callers(call: Caller) -> None:
    call.say(b"GET /echo HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
    assert (await call.answer())[1]["connection"] == "keep-alive"
    call.say(b"GET /stream HTTP/1.0\r\n\r\n")
    said = await call.rest()
    assert said.endswith(b"\r\n\r\none two")
    assert b"transfer-encoding" not in said


async def test_streams_are_chunked_and_the_connection_goes_on(call: Caller) -> None:
    call.say(b"GET /stream HTTP/1.1\r\n", HOST, b"\r\n")
    said = await asyncio.wait_for(call.reader.readuntil(b"0\r\n\r\n"), 5)
    assert b"\r\ntransfer-encoding: chunked\r\n" in said
    assert said.endswith(b"\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n")
    call.say(GET)
    assert (await call.answer())[0] == 200


async def test_head_and_empty_answers_have_no_body(call: Caller) -> None:
    for path in (b"/echo", b"/stream"):
        call.say(b"HEAD %b HTTP/1.1\r\n" % path, HOST, b"\r\n")
        head = await asyncio.wait_for(call.reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    call.say(b"GET /empty HTTP/1.1\r\n", HOST, b"\r\n")
    status, fields, _ = await call.answer()
    assert (status, "content-length" in fields) == (204, False)
    call.say(GET)
    assert (await call.answer())[0] == 200


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a%20b/%C3%A9?x=%20", "/a b/é", "x=%20"),
        (b"http://x/echo?y", "/echo", "y"),
        (b"HTTP://x", "/", ""),
        (b"/echo?a#b", "/echo", "a"),
        (b"//echo", "//echo", ""),
    ],
)
async def test_targets(call: Caller, target: bytes, path: str, query: str) -> None:
    for _ in range(2):  # the second time from memory
        call.say(b"GET %b HTTP/1.1\r\n" % target, HOST, b"\r\n")
        await call.answer()
        assert call.app.asked[-1] == ("GET", path, query)


async def test_fields_that_come_twice_are_all_there(call: Caller) -> None:
    call.say(post(b"", head=b"X-Twice: a\r\nx-twice: b\r\n"))
    assert (await call.answer())[1]["x-twice"] == "a,b"


async def test_a_body_is_invited_when_it_is_wanted(call: Caller) -> None:
    whole = post(b"hello", head=b"expect: 100-continue\r\n")
    call.say(whole[:-5])
    assert await asyncio.wait_for(call.reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
    call.say(b"hello")
    assert (await call.answer())[2] == b"hello"
    call.say(post(b"hello", b"/refuse", b"expect: 100-continue\r\n")[:-5])
    status, fields, _ = await call.answer()
    assert (status, fields["connection"]) == (413, "close")
    assert await call.closed()


async def test_an_offer_to_upgrade_is_not_taken_up(call: Caller) -> None:
    """Some clients offer HTTP/2 on every first request, those with a body included."""
    offer = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AA\r\n"
    call.say(post(b"first", head=offer), post(b"second"))
    assert [(await call.answer())[2] for _ in range(2)] == [b"first", b"second"]
    call.say(b"POST /echo HTTP/1.1\r\n", HOST, offer, b"transfer-encoding: chunked\r\n\r\n5\r\nthird")
    await asyncio.sleep(0.05)
    call.say(b"\r\n0\r\n\r\n")
    assert (await call.answer())[2] == b"third"
    call.say(b"GET /echo HTTP/1.1\r\n", HOST, offer, b"\r\n")
    assert (await call.answer())[0] == 200


# --- clumsy and hostile ---


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\nhost: x\n\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\0y\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_the_connection_closed(call: Caller, request_: bytes) -> None:
    call.say(GET)
    await call.answer()
    call.say(request_, GET)
    status, fields, body = await call.answer()
    assert (status, fields["connection"]) == (400, "close")
    assert b'"code":"http-invalid"' in body
    assert await call.closed()
    assert len(call.app.asked) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"x-long: " + b"a" * 70_000,
        b"x-long: " + b"a" * 700_000,
        b"".join(b"x-%d: a\r\n" % number for number in range(200)),
        b"".join(b"x-%d: %b\r\n" % (number, b"a" * 1000) for number in range(100)),
    ],
)
@pytest.mark.parametrize("step", [1000, 1_000_000])
async def test_a_head_is_bounded(call: Caller, head: bytes, step: int) -> None:
    data = b"GET /echo HTTP/1.1\r\n" + HOST + head
    with contextlib.suppress(ConnectionError):
        for at in range(0, len(data), step):
            call.say(data[at : at + step])
            await call.writer.drain()
    status, _, body = await call.answer()
    assert status == 431
    assert b'"code":"head-too-large"' in body
    assert call.app.asked == []


@pytest.mark.parametrize("step", [40_000, 1_000_000])
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"".join(b"x-%d: %b\r\n" % (number, b"a" * 1000) for number in range(60)), 200),
        (b"".join(b"x-%d: %b\r\n" % (number, b"a" * 1000) for number in range(70)), 431),
        (b"x: a\r\n" * 129, 431),
        (b"x: a\r\n" * 70 + b"".join(b"x-%d: a\r\n" % number for number in range(70)), 431),
    ],
)
async def test_a_later_head_is_bounded_too(call: Caller, head: bytes, status: int, step: int) -> None:
    call.say(GET)
    await call.answer()
    data = b"GET /echo HTTP/1.1\r\n" + HOST + head + b"\r\n"
    for at in range(0, len(data), step):
        call.say(data[at : at + step])
        await call.writer.drain()
    assert (await call.answer())[0] == status
    assert len(call.app.asked) == 1 + (status == 200)


async def test_a_caller_who_is_slow_or_silent_is_let_go(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_TIMEOUT", "IDLE_TIMEOUT"):
        monkeypatch.setattr(http1_server, name, 0.2)
    monkeypatch.setattr(http1_server, "_SWEEP", 0.05)
    dribbling = await call.another()
    call.say(GET)
    await call.answer()
    dribbling.say(GET[:9])
    waiting = await call.another()
    waiting.say(post(b"", b"/wait"))
    assert all(await asyncio.wait_for(asyncio.gather(call.closed(), dribbling.closed()), 5))
    call.app.go.set()
    assert (await waiting.answer())[0] == 200


async def test_a_caller_who_does_not_read_stops_the_application_and_is_let_go(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_server, "STALL_TIMEOUT", 0.3)
    monkeypatch.setattr(http1_server, "_SWEEP", 0.05)
    call.reader._transport.pause_reading()  # type: ignore[attr-defined]
    call.say(b"GET /flood HTTP/1.1\r\n", HOST, b"\r\n")
    await asyncio.sleep(0.15)
    assert call.app.sent < 32_000_000
    front = call.server._front
    assert front is not None
    for _ in range(200):
        if not front.connections:
            break
        await asyncio.sleep(0.02)
    assert not front.connections
    assert call.app.sent < 32_000_000


async def test_a_body_nobody_reads_stops_the_reading(call: Caller) -> None:
    size = 40_000_000
    call.say(post(b"y" * size, b"/chunks"))
    await asyncio.sleep(0.2)
    assert call.writer.transport.get_write_buffer_size() > size // 2
    call.app.go.set()
    assert (await call.answer())[2] == b"%d" % size


async def test_one_who_leaves_is_noticed(call: Caller) -> None:
    call.say(GET.replace(b"/echo", b"/watch"))
    await asyncio.sleep(0.05)
    call.writer.close()
    await asyncio.wait_for(call.app.left.wait(), 5)


@pytest.mark.parametrize("path", [b"/raise", b"/nothing", b"/smuggle"])
async def test_without_a_good_answer_the_connection_ends(
    call: Caller, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        call.say(b"GET %b HTTP/1.1\r\n" % path, HOST, b"\r\n", GET)
        assert await call.closed()
    assert "canary-7f" not in caplog.text
    assert len(call.app.asked) == 1


async def test_half_an_answer_does_not_look_whole(call: Caller) -> None:
    call.say(b"GET /half HTTP/1.1\r\n", HOST, b"\r\n")
    assert not (await call.rest()).endswith(b"0\r\n\r\n")


async def test_connections_are_bounded(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_server, "MAX_CONNECTIONS", 3)
    call.say(post(b"", b"/wait"))
    idle = await call.another()
    busy = await call.another()
    busy.say(post(b"", b"/wait"))
    await asyncio.sleep(0.05)
    fourth = await call.another()
    assert await idle.closed()  # it makes room
    fourth.say(post(b"", b"/wait"))
    await asyncio.sleep(0.05)
    assert await (await call.another()).closed()  # none is idle: the new one goes
    call.app.go.set()
    assert [(await one.answer())[0] for one in (call, busy, fourth)] == [200] * 3
