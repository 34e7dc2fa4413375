"""One request over HTTP/1.1 and the way to its answer, as RSGI's scope and protocol: what an application gets.

The connection below (``http1_server``) parses and frames; nothing here reads a socket.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import unquote

from granian._granian import RSGIProtocolClosed as ProtocolClosed

HIGH_WATER: Final = 256 * 1024
_JOIN: Final = 64 * 1024
_MAX_KNOWN: Final = 1024
_LONG_TARGET: Final = 256
_NO_BODY: Final = frozenset({204, 304})
STATUS: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_targets: dict[bytes, tuple[str, str]] = {}


class Connection(Protocol):
    """What a request needs of the connection that it came on."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    @property
    def lost(self) -> bool: ...

    @property
    def full(self) -> bool: ...

    @property
    def closing(self) -> bool: ...

    @property
    def peer(self) -> str: ...

    @property
    def scheme(self) -> str: ...

    @property
    def certificate(self) -> bytes | None: ...

    def write(self, data: bytes) -> None: ...

    def invite(self, door: Any) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Fields(dict[str, str]):
    """Request headers, names in lower case (``bodies.Fields``). Of a field that came twice, the mapping has the first,
    ``more`` the others."""

    __slots__ = ("more",)

    def __init__(self, first: Iterable[tuple[str, str]] = (), more: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(first)
        self.more = list(more)

    def get_all(self, key: str) -> list[str]:
        if key not in self:
            return []
        return [self[key], *[value for name, value in self.more if name == key]] if self.more else [self[key]]

    def names(self) -> tuple[str, ...]:
        """Each once, in the order in which they came."""
        return tuple(self)


class Door:
    """One request and the way to its answer: RSGI's scope and HTTP protocol in one object."""

    __slots__ = (
        "_buffered",
        "_connection",
        "_left",
        "_pieces",
        "_waiter",
        "answered",
        "broken",
        "certificate",
        "client",
        "complete",
        "headers",
        "http_version",
        "keep",
        "method",
        "path",
        "query_string",
        "scheme",
        "stream",
        "task",
        "whole",
    )

    def __init__(self, connection: Connection, method: str, target: bytes, headers: Fields, version: str) -> None:
        self._connection = connection
        self.client = connection.peer
        """The peer's address, without its port."""
        self.scheme = connection.scheme
        self.certificate = connection.certificate
        """The caller's certificate (DER), where TLS has asked for one and verified it."""
        self.method = method
        self.path, self.query_string = _targets.get(target) or _read_target(target)
        self.headers = headers
        self.http_version = version
        self.keep = False
        """Whether the connection may be used again after the answer."""
        self.complete = False
        """True once the whole request is here."""
        self.broken = False
        """True when the rest of the body will not come, or came wrong."""
        self.whole = False
        """True once all of the body was asked for: then its size was found acceptable."""
        self.answered = False
        self.stream: Stream | None = None
        self.task: asyncio.Task[None] | None = None
        """What serves it."""
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._waiter: asyncio.Future[None] | None = None
        self._left: asyncio.Future[None] | None = None

    # --- the body ---

    def arrived(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._buffered += len(piece)
        if self._buffered > HIGH_WATER and not self.whole:
            self._connection.pause()
        self.wake()

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and (self.complete or self.broken or not self.whole):
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def __call__(self) -> bytes:
        """The whole body. Raises ``ProtocolClosed`` where it does not come to its end."""
        self.whole = True
        while not self.complete:
            await self._more()
        return self._take()

    def __aiter__(self) -> Door:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self.complete:
                raise StopAsyncIteration
            await self._more()
        return self._take()

    async def _more(self) -> None:
        if self.broken:
            raise ProtocolClosed
        connection = self._connection
        if not self._pieces and "expect" in self.headers and not self.answered:
            connection.invite(self)
        connection.resume()
        self._waiter = connection.loop.create_future()
        await self._waiter

    def _take(self) -> bytes:
        pieces = self._pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._buffered = 0
        return taken

    # --- the caller ---

    def client_disconnect(self) -> asyncio.Future[None]:
        """A future that is done when the caller has left."""
        left = self._left = self._connection.loop.create_future()
        if self._connection.lost:
            left.set_result(None)
        return left

    def gone(self) -> None:
        """The connection is lost."""
        self.broken = self.broken or not self.complete
        if self._left is not None and not self._left.done():
            self._left.set_result(None)
        self.wake()
        if self.stream is not None:
            self.stream.wake()

    # --- the answer ---

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        head = self._head(status, headers, f"content-length: {len(body)}\r\n")
        write = self._connection.write
        if len(body) <= _JOIN and self.method != "HEAD":
            write(head + body)
            return
        write(head)
        if self.method != "HEAD":
            write(body)

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self._connection.write(self._head(status, headers, "" if status in _NO_BODY else "content-length: 0\r\n"))

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Stream:
        chunked = self.http_version != "1.0"
        self.keep = self.keep and chunked  # else the end of the body is that of the connection
        self.stream = Stream(self._connection, chunked, silent=self.method == "HEAD")
        self._connection.write(self._head(status, headers, "transfer-encoding: chunked\r\n" if chunked else ""))
        return self.stream

    def _head(self, status: int, headers: list[tuple[str, str]], framing: str) -> bytes:
        if self.answered:
            raise RuntimeError("a second answer")
        self.answered = True
        keep = self.keep = self.keep and self.complete and not self._connection.closing
        fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
        # Every line break is one that was put here; so none can be smuggled in by a value.
        if fields.count("\n") != len(headers) or fields.count("\r") != len(headers) or "\0" in fields:
            raise ValueError("a header with a line break")
        if not keep:
            framing += "connection: close\r\n"
        elif self.http_version == "1.0":
            framing += "connection: keep-alive\r\n"
        start = STATUS.get(status) or f"HTTP/1.1 {status} \r\n"
        return f"{start}{fields}{framing}date: {http_date()}\r\n\r\n".encode("latin-1")


class Stream:
    """An answer that is written piece by piece, in chunks (RFC 9112 section 7.1)."""

    __slots__ = ("_chunked", "_connection", "_silent", "_waiter", "ended")

    def __init__(self, connection: Connection, chunked: bool, *, silent: bool) -> None:
        self._connection = connection
        self._chunked = chunked
        self._silent = silent
        self._waiter: asyncio.Future[None] | None = None
        self.ended = False

    async def send_bytes(self, data: bytes) -> None:
        """Writes a piece; waits while the caller does not read. Raises ``ProtocolClosed`` once it has left."""
        connection = self._connection
        if connection.lost or self.ended:
            raise ProtocolClosed
        if not data or self._silent:
            return
        connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        while connection.full:
            self._waiter = connection.loop.create_future()
            await self._waiter
            if connection.lost:
                raise ProtocolClosed

    def end(self) -> None:
        """The answer is whole."""
        if not self.ended:
            self.ended = True
            if self._chunked and not self._silent:
                self._connection.write(b"0\r\n\r\n")

    def wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _read_target(target: bytes) -> tuple[str, str]:
    """The decoded path and the query of a request target (RFC 9112 section 3.2)."""
    text = target.decode("latin-1")
    path, _, query = text.partition("?")
    if not path.startswith("/"):  # absolute-form; authority-form and "*" are no paths of ours
        scheme, mark, rest = path.partition("://")
        path = "/" + rest.partition("/")[2] if mark and scheme.lower() in {"http", "https"} else path
    found = unquote(path.partition("#")[0]), query.partition("#")[0]
    if len(_targets) < _MAX_KNOWN and len(target) <= _LONG_TARGET:
        _targets[target] = found
    return found


class _Date:
    """The ``date`` field's value (RFC 9110 section 5.6.7), made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def __call__(self) -> str:
        now = int(time.time())
        if now != self._second:
            self._second, self._text = now, formatdate(now, usegmt=True)
        return self._text


http_date: Final = _Date()
