"""One HTTP/1.1 connection to a guarded bot, and the response that is being read from it.

The rule: a connection is used again only when the last response ended by its own framing, every byte of the
request was written, the server did not ask to close, and nothing came after the end. Everything else, an early
``aclose`` included, closes it. Framing follows RFC 9112 section 6.3:

1. Responses to HEAD, and 204 and 304, have no body.
2. ``transfer-encoding`` must be exactly ``chunked``; together with ``content-length`` it is refused, as are two
   lengths. (The parser, llhttp in strict mode, refuses both.)
3. ``content-length`` bytes: a close before that is ``upstream-truncated``.
4. Neither: the body ends when the server closes.

1xx responses are skipped (RFC 9110 section 15.2), except 101, which was not asked for and is refused. The head,
with all 1xx heads before it, and later the bytes between two pieces of body (chunk sizes, extensions,
trailers) are bounded. A body is buffered up to ``HIGH_WATER`` bytes, then the socket is no longer read until
the consumer has caught up.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Final, Protocol, cast

import httptools

from chatward.core.errors import UpstreamError
from chatward.core.ports import Headers
from chatward.gateway.content_coding import CodingError, Inflater, coding_of

MAX_HEAD: Final = 64 * 1024
MAX_HEADERS: Final = 256
MAX_BETWEEN: Final = 64 * 1024
HIGH_WATER: Final = 256 * 1024
_MAX_NAMES: Final = 1024
_JOIN: Final = 64 * 1024

_names: dict[bytes, str] = {}


def unreachable(public: str = "The bot cannot be reached.") -> UpstreamError:
    return UpstreamError(public, reason="upstream-unreachable")


def timed_out(public: str = "The bot did not answer in time.") -> UpstreamError:
    return UpstreamError(public, reason="upstream-timeout", status=504)


def truncated(public: str = "The bot's reply was cut short.") -> UpstreamError:
    return UpstreamError(public, reason="upstream-truncated")


def not_trusted(public: str = "The bot's certificate or TLS is not valid.") -> UpstreamError:
    return UpstreamError(public, reason="upstream-tls")


def malformed(public: str = "The bot's reply is not valid HTTP.") -> UpstreamError:
    return UpstreamError(public, reason="upstream-malformed")


def too_large(public: str = "The bot's reply is too large.") -> UpstreamError:
    return UpstreamError(public, reason="upstream-too-large")


class Owner(Protocol):
    """Who owns connections: told when one can be used again and when one is gone."""

    def released(self, connection: Http1Connection) -> None: ...

    def gone(self, connection: Http1Connection) -> None: ...


class _RefusedError(Exception):
    """Raised inside parser callbacks: what arrived is not acceptable."""


class Http1Response:
    """A response in the making; implements ``core.ports.UpstreamResponse`` once its head is there."""

    __slots__ = (
        "_buffered",
        "_complete",
        "_connection",
        "_error",
        "_inflater",
        "_length",
        "_limit",
        "_loop",
        "_pieces",
        "_waiter",
        "bodiless",
        "headers",
        "heard",
        "status",
    )

    def __init__(self, connection: Http1Connection, loop: asyncio.AbstractEventLoop, bodiless: bool) -> None:
        self.status = 0
        self.headers: Headers = ()
        self.bodiless = bodiless
        self.heard = False
        """True once any byte of an answer came."""
        self._connection: Http1Connection | None = connection
        self._loop = loop
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._length: int | None = None
        self._limit = -1
        """While the whole body is read: its limit, so that the reader is not woken for each piece."""
        self._complete = False
        self._error: UpstreamError | None = None
        self._inflater: Inflater | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def waiting(self) -> bool:
        """True while a task waits for bytes: only then does the read timeout run."""
        return self._waiter is not None

    def wait(self) -> asyncio.Future[None]:
        """A future that is done when something new is known: head, body, end or error."""
        waiter = self._waiter = self._loop.create_future()
        return waiter

    # --- told by the connection ---

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def progressed(self) -> None:
        """More is there. Who reads the whole body is woken at its end, or when it is too much."""
        if self._buffered > self._limit:
            self.wake()

    def opened(self, status: int, headers: Headers, length: int | None, coding: str | None) -> None:
        if coding is not None and not self.bodiless:
            try:
                self._inflater = Inflater(coding)
            except CodingError as error:
                raise _RefusedError("content-encoding") from error
        self._length = length
        self.headers = headers
        self.status = status

    def arrived(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._buffered += len(piece)
        if self._buffered > HIGH_WATER and self._limit < 0 and self._connection is not None:
            self._connection.pause()

    def finished(self) -> None:
        self._complete = True
        self._connection = None

    def failed(self, error: UpstreamError) -> None:
        if not self._complete and self._error is None:
            self._error = error
            self._connection = None

    # --- read by the gateway ---

    @property
    def error(self) -> UpstreamError | None:
        return self._error

    async def read(self, limit: int) -> bytes:
        """The whole body. ``upstream-too-large`` above ``limit`` bytes, counted after decoding."""
        if self._length is not None and self._length > limit:
            raise self._abandon(too_large())
        self._limit = limit
        if self._connection is not None:
            self._connection.resume()
        try:
            while not self._complete and self._error is None:
                if self._buffered > limit:
                    raise self._abandon(too_large())
                await self.wait()
        except BaseException:
            self._close()
            raise
        if self._error is not None:
            raise self._error
        if self._buffered > limit:
            raise too_large()
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._buffered = 0
        return body if self._inflater is None else self._inflated(self._inflater, body, limit)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; what came together leaves together. Errors follow what did arrive."""
        try:
            while True:
                if self._pieces:
                    taken = self._take()
                    if self._inflater is None:
                        yield taken
                        continue
                    try:
                        for piece in self._inflater.feed(taken):
                            yield piece
                    except CodingError as error:
                        raise self._abandon(malformed()) from error
                elif self._complete:
                    if self._inflater is not None and not self._inflater.ended:
                        raise truncated()
                    return
                elif self._error is not None:
                    raise self._error
                else:
                    await self.wait()
        finally:
            self._close()

    async def aclose(self) -> None:
        self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
            if self._error is None and not self._complete:
                self._error = truncated("The reply was closed early.")
            self.wake()

    def _abandon(self, error: UpstreamError) -> UpstreamError:
        self._error = error
        self._close()
        return error

    def _take(self) -> bytes:
        pieces = self._pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._buffered = 0
        if self._connection is not None:
            self._connection.resume()
        return taken

    def _inflated(self, inflater: Inflater, body: bytes, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in inflater.feed(body):
                size += len(piece)
                if size > limit:
                    raise too_large()
                pieces.append(piece)
        except CodingError as error:
            raise malformed() from error
        if not inflater.ended:
            raise truncated()
        return b"".join(pieces)


class Http1Connection(asyncio.Protocol):
    """One socket with its parser. At most one response is in the making at a time."""

    __slots__ = (
        "_between",
        "_ended",
        "_head_size",
        "_headers",
        "_loop",
        "_owner",
        "_parser",
        "_paused",
        "_response",
        "_status",
        "_transport",
        "_until_close",
        "active_at",
        "closed",
        "uses",
    )

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self._transport: asyncio.Transport  # set by connection_made, before anything else happens
        self._parser = httptools.HttpResponseParser(self)
        self._response: Http1Response | None = None
        self._headers: list[tuple[str, str]] = []
        self._status = 0
        self._between = 0
        self._head_size = 0
        self._ended = False
        self._until_close = False
        self._paused = False
        self.closed = False
        self.uses = 0
        self.active_at = loop.time()
        """When bytes last moved (``loop.time()``)."""

    def start(self, head: bytes, body: bytes, bodiless: bool) -> Http1Response:
        """Writes a request and returns its response, whose head is still to come."""
        response = self._response = Http1Response(self, self._loop, bodiless)
        self._headers = []
        self._status = 0
        self._between = 0
        self._head_size = 0
        self._ended = False
        self._until_close = False
        self.uses += 1
        self.active_at = self._loop.time()
        if self.closed:
            self.fail(unreachable("The bot closed the connection without an answer."))
        elif len(body) <= _JOIN:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return response

    @property
    def overdue_since(self) -> float | None:
        """Since when a reader has been waiting in vain, or ``None`` when nobody waits."""
        response = self._response
        return self.active_at if response is not None and response.waiting else None

    def abort(self) -> None:
        """Closes at once. The response in the making, if any, is the caller's to end."""
        self._response = None
        if not self.closed:
            self.closed = True
            self._transport.abort()

    def fail(self, error: UpstreamError) -> None:
        """Ends the response in the making with ``error`` and closes."""
        response = self._response
        self.abort()
        if response is not None:
            response.failed(error)
            response.wake()

    def pause(self) -> None:
        if not self._paused and not self.closed:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self.active_at = self._loop.time()
            if not self.closed:
                self._transport.resume_reading()

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What is known of the server, where TLS is spoken."""
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            self.abort()  # Nobody asked: whatever this is, it is not an answer to the next request.
            return
        self.active_at = self._loop.time()
        response.heard = True
        self._between += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._ended:
                self.fail(malformed())
                return
            # The response is whole; what follows it is not ours, so the connection is not used again.
            self._finish(reusable=False)
            return
        if self._ended:
            self._finish(reusable=self._until_close is False)
        elif self._between > MAX_BETWEEN:
            self.fail(malformed("The bot's reply has an oversized head."))
        elif response.status:
            response.progressed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        response, self._response = self._response, None
        if response is not None:
            if self._until_close and exc is None:
                response.finished()
            elif response.heard:
                response.failed(truncated())
            elif isinstance(exc, ssl.SSLError):
                # In TLS 1.3 a server says only after the handshake that it wants another certificate.
                response.failed(not_trusted("The bot did not accept the connection: it may want another certificate."))
            else:
                response.failed(unreachable("The bot closed the connection without an answer."))
            response.wake()
        self._owner.gone(self)

    # --- httptools ---

    def on_message_begin(self) -> None:
        if self._ended:
            raise _RefusedError("a second response")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._status:
            return  # A trailer (RFC 9110 section 6.5): nothing relies on one.
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD or len(self._headers) >= MAX_HEADERS:
            raise _RefusedError("oversized head")
        key = _names.get(name)
        if key is None:
            key = name.decode("latin-1").lower()
            if len(_names) < _MAX_NAMES:
                _names[name] = key
        self._headers.append((key, value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        response = self._response
        status = self._parser.get_status_code()
        if response is None:
            raise _RefusedError("a second response")
        if status < 200:
            if status < 100 or status == 101:
                raise _RefusedError("status")
            self._headers = []
            return
        length: int | None = None
        coding: str | None = None
        framed = False
        for key, value in self._headers:
            if key == "content-length":
                length = int(value)
                framed = True
            elif key == "transfer-encoding":
                if value.strip().lower() != "chunked":
                    raise _RefusedError("transfer-encoding")
                framed = True
            elif key == "content-encoding":
                if coding is not None:
                    raise _RefusedError("content-encoding")
                coding = coding_of(value)
        if status in {204, 304}:
            response.bodiless = True
        self._status = status
        self._between = 0
        response.opened(status, self._headers, None if response.bodiless else length, coding)
        if response.bodiless:
            # llhttp expects a body after HEAD, so this parser is spent: not used again.
            self._ended = True
            self._until_close = status not in {204, 304}
        else:
            self._until_close = not framed

    def on_body(self, piece: bytes) -> None:
        self._between = 0
        response = self._response
        if response is not None and not response.bodiless:
            response.arrived(piece)

    def on_message_complete(self) -> None:
        if not self._status:
            return  # The end of a 1xx response.
        self._ended = True
        if not self._parser.should_keep_alive() or self._transport.get_write_buffer_size():
            self._until_close = True

    def _finish(self, *, reusable: bool) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.finished()
            response.wake()
        if self._paused:
            self.resume()
        if reusable and not self.closed:
            self._owner.released(self)
        else:
            self.abort()
