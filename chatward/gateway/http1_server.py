"""HTTP/1.1 from callers: one object a connection over httptools (llhttp), speaking RSGI to the application.

Why not the server below it all: it costs a message more time than parsing, routing and forwarding it together.
TLS stays with granian (``server``), except where callers show certificates (``inbound_tls``). The rules:

1. **One framing or none.** llhttp runs strict: two lengths, a length beside ``transfer-encoding``, any coding but
   ``chunked``, bare line feeds, folded lines, blanks before a colon are refused with 400 and the connection is closed
   (RFC 9112 sections 2.2, 5.1, 6.1, 6.3). So is an HTTP/1.1 request without exactly one ``host`` (section 3.2).
   Trailers are refused: what is not inspected does not pass.
2. **One request at a time.** Requests that come before the answer wait in order, at most ``MAX_WAITING``, and while
   one waits the socket is not read (RFC 9112 section 9.3.2).
3. **Bounded.** A head has at most ``MAX_HEAD`` bytes and ``MAX_FIELDS`` fields (431); a body nobody has asked for
   stops the reading at ``HIGH_WATER``; an answer the caller does not read stops the application. A caller has
   ``HEAD_TIMEOUT`` seconds for a head, ``IDLE_TIMEOUT`` between two requests, ``STALL_TIMEOUT`` to read some of
   an answer. At most ``MAX_CONNECTIONS``: then the one that was idle longest makes room, or the new one goes.
4. **A connection is used again** only when the request was read to its end and the answer written whole.
   An offer to upgrade is not taken up (RFC 9110 section 7.8), ``100 Continue`` is sent when the body is asked for.
5. An application that ends without an answer, or breaks off inside one, ends the connection: nobody may take a
   part for the whole.

What the application gets (``http1_exchange.Door``) is scope and protocol of RSGI in one. Nothing about a message is
ever logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any, Final, Protocol, cast

import httptools
import orjson
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from chatward.core.errors import ClientError
from chatward.gateway.bodies import LINGER_SECONDS
from chatward.gateway.http1_exchange import STATUS, Door, Fields, http_date
from chatward.gateway.inbound_tls import peer_certificate

MAX_HEAD: Final = 64 * 1024
MAX_FIELDS: Final = 128
MAX_WAITING: Final = 16
MAX_CONNECTIONS: Final = 2048
HEAD_TIMEOUT: Final = 15.0
IDLE_TIMEOUT: Final = 75.0
STALL_TIMEOUT: Final = 60.0
_SWEEP: Final = 1.0
_MAX_KNOWN: Final = 1024

_log = logging.getLogger("chatward.gateway")
_names: dict[bytes, str] = {}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class _RefusedError(Exception):
    """Raised inside parser callbacks; ``args[0]`` is the status."""


class App(Protocol):
    """An RSGI application."""

    async def __rsgi__(self, scope: Any, door: Any) -> None: ...


class Connection(asyncio.Protocol):
    """One socket of a caller."""

    __slots__ = (
        "_active",
        "_again",
        "_fields",
        "_front",
        "_lingering",
        "_measured",
        "_message",
        "_parser",
        "_partial",
        "_paused",
        "_refusal",
        "_serving",
        "_target",
        "_task",
        "_transport",
        "_waiting",
        "certificate",
        "closing",
        "full",
        "loop",
        "lost",
        "peer",
        "scheme",
    )

    def __init__(self, front: Front) -> None:
        self._front = front
        self.loop = front.loop
        self._transport: asyncio.Transport  # set by connection_made, before anything else happens
        self._parser = httptools.HttpRequestParser(self)
        self._fields = Fields()
        self._target = b""
        self._measured = False
        self._partial = 1  # bytes of a head that is not whole yet; a new connection owes one
        self._message: Door | None = None  # the request whose body is being read
        self._waiting: deque[Door] = deque()
        self._serving: Door | None = None
        self._task: asyncio.Task[None] | None = None
        self._refusal = 0  # the status that ends the connection once those before it are answered
        self._again = False  # a head is read a second time, without its offer to upgrade
        self._paused = False
        self._lingering = False
        self._active = front.loop.time()
        self.closing = False
        self.full = False
        """True while the caller does not read what was written."""
        self.lost = False
        self.peer = ""
        """The caller's IP address."""
        self.scheme = "http"
        self.certificate: bytes | None = None
        """The caller's verified certificate (DER)."""

    # --- for doors ---

    def write(self, data: bytes) -> None:
        if not self.lost:
            self._transport.write(data)

    def invite(self, door: Door) -> None:
        if door is self._serving and "100-continue" in (door.headers.get("expect") or "").lower():
            self.write(_CONTINUE)

    def pause(self) -> None:
        if not self._paused and not self.lost:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self._waiting:
            self._paused = False
            if not self.lost:
                self._transport.resume_reading()

    # --- for the front ---

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is asked, ``None`` while something is."""
        return self._active if self._serving is None else None

    def close_when_done(self) -> None:
        self.closing = True
        if self._serving is None:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()

    def sweep(self, now: float) -> None:
        quiet = now - self._active
        if self._lingering:
            if quiet > LINGER_SECONDS:
                self._transport.abort()
        elif self.full or self.closing:
            if quiet > STALL_TIMEOUT and (self.full or self._serving is None):
                self._transport.abort()
        elif self._serving is None and quiet > (HEAD_TIMEOUT if self._partial else IDLE_TIMEOUT):
            self._transport.close()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        self.peer = name[0] if isinstance(name, tuple) else ""
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.scheme = "https"
            self.certificate = peer_certificate(tls)
        self._front.entered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._front.left(self)
        self._waiting.clear()
        if self._serving is not None:
            self._serving.gone()

    def pause_writing(self) -> None:
        self.full = True
        self._active = self.loop.time()

    def resume_writing(self) -> None:
        self.full = False
        if self._serving is not None and self._serving.stream is not None:
            self._serving.stream.wake()

    def data_received(self, data: bytes) -> None:
        if self._refusal or (self.closing and self._serving is None):
            return
        under_way = self._partial
        self._measured = not under_way and len(data) <= MAX_HEAD  # a head that ends here is no longer
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._malformed(error)
        if under_way and self._partial and not self._refusal:
            # The parser keeps half a field to itself, so what is not whole is counted here, from its second piece on.
            self._partial += len(data)
            if self._partial > MAX_HEAD:
                self._refusal = 431
        if self._serving is None:
            if self._waiting:
                self._next()
            elif self._refusal:
                self._refuse()
                return
        if self._waiting:
            self.pause()

    def _malformed(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        message = self._message
        if message is not None and not message.complete:
            message.broken = True
            message.keep = False
            message.wake()
            self._refusal = -1
        else:
            self._refusal = cause.args[0] if isinstance(cause, _RefusedError) else 400

    def _refuse(self) -> None:
        """Ends the connection with an error that no application sees: what came is no request."""
        if self._refusal > 0:
            error = _REFUSALS[self._refusal]
            told = {"message": error.public, "type": "invalid_request_error", "param": None, "code": error.reason}
            body = orjson.dumps({"error": told})
            head = (
                f"{STATUS[self._refusal]}content-type: application/json\r\ncontent-length: {len(body)}\r\n"
                f"connection: close\r\ndate: {http_date()}\r\n\r\n"
            )
            self.write(head.encode() + body)
        self.closing = True
        if self._refusal < 0 or self.lost or not self._transport.can_write_eof():
            self._transport.close()
            return
        # Who is still sending gets to read this instead of a reset (RFC 9112 section 9.6); what comes is dropped.
        self._transport.write_eof()
        self._lingering = True
        self._active = self.loop.time()

    def _stay(self, rest: bytes) -> None:
        """The offer to speak another protocol is not taken up: the body is read as HTTP/1.1 after all."""
        message = self._message
        if message is None or message.method == "CONNECT":
            self._refusal = -1
            if message is not None:
                message.keep = False
            return
        lines = [f"{message.method} / HTTP/{message.http_version}"]
        lines += [
            f"{name}: {value}"
            for name in ("content-length", "transfer-encoding")
            if (value := message.headers.get(name)) is not None
        ]
        if not message.keep:
            lines.append("connection: close")
        self._parser = httptools.HttpRequestParser(self)
        self._again = True
        try:
            self._parser.feed_data("\r\n".join([*lines, "", ""]).encode("latin-1"))
            self._again = False
            if rest:
                self._parser.feed_data(rest)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(rest[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._malformed(error)

    # --- requests ---

    def _next(self) -> None:
        door = self._serving = self._waiting.popleft()
        door.task = self._task = self.loop.create_task(self._serve(door))

    async def _serve(self, door: Door) -> None:
        whole = False
        try:
            await self._front.app.__rsgi__(door, door)
            whole = door.answered
        except asyncio.CancelledError:
            pass  # the connection ends below
        except Exception as error:
            if not isinstance(error, ProtocolClosed):
                _log.error("an application ended with %s", type(error).__name__)
        finally:
            self._over(door, whole)

    def _over(self, door: Door, whole: bool) -> None:
        self._serving = self._task = None
        if self.lost:
            return
        if not whole:
            self._transport.abort()
            return
        if door.stream is not None:
            door.stream.end()
        self._active = self.loop.time()
        if not door.keep or self.closing:
            self.closing = True
            self._transport.close()
        elif self._waiting:
            self._next()
        elif self._refusal:
            self._refuse()
        if self._paused:
            self.resume()

    # --- httptools ---

    def on_message_begin(self) -> None:
        if self._again:
            return
        self._message = None
        self._target = b""
        self._fields = Fields()
        self._partial = 1
        self._active = self.loop.time()

    def on_url(self, part: bytes) -> None:
        if not self._again:
            self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._message is not None:
            if self._again:
                return
            raise _RefusedError(400)  # a trailer
        key = _names.get(name) or _learn(name)
        fields = self._fields
        if key not in fields:
            fields[key] = value.decode("latin-1")
            if len(fields) > MAX_FIELDS:
                raise _RefusedError(431)
        else:
            fields.more.append((key, value.decode("latin-1")))
            if len(fields.more) > MAX_FIELDS:
                raise _RefusedError(431)

    def _fits(self) -> bool:
        """Whether a head that came in pieces, or with much else, keeps to ``MAX_HEAD``."""
        fields = self._fields
        pairs = [*fields.items(), *fields.more]
        return len(self._target) <= MAX_HEAD and sum(len(name) + len(value) for name, value in pairs) <= MAX_HEAD

    def on_headers_complete(self) -> None:
        if self._again:
            return
        parser = self._parser
        fields, more = self._fields, self._fields.more
        version = parser.get_http_version()
        if version != "1.0" and ("host" not in fields or (more and any(name == "host" for name, _ in more))):
            raise _RefusedError(400)
        if (more and len(fields) + len(more) > MAX_FIELDS) or not (self._measured or self._fits()):
            raise _RefusedError(431)
        if len(self._waiting) >= MAX_WAITING:
            raise _RefusedError(400)
        self._partial = 0
        message = Door(self, parser.get_method().decode("ascii"), self._target, fields, version)
        message.keep = parser.should_keep_alive()
        self._message = message
        self._waiting.append(message)

    def on_body(self, piece: bytes) -> None:
        if self._message is not None:
            self._message.arrived(piece)

    def on_message_complete(self) -> None:
        message = self._message
        if message is None or (self._parser.should_upgrade() and message.method != "CONNECT"):
            return
        message.complete = True
        message.wake()
        if not message.keep:
            self._refusal = -1  # nothing after it is read


_REFUSALS: Final = {
    400: ClientError("This is not valid HTTP.", reason="http-invalid"),
    431: ClientError("The request's head is too large.", reason="head-too-large", status=431),
}


class Front:
    """All connections of one address."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop) -> None:
        self.app = app
        self.loop = loop
        self.connections: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()

    def connection(self) -> Connection:
        return Connection(self)

    def entered(self, connection: Connection) -> None:
        if len(self.connections) >= MAX_CONNECTIONS:
            idle = [(one.idle_since, id(one), one) for one in self.connections if one.idle_since is not None]
            (min(idle)[2] if idle else connection).abort()
        self.connections.add(connection)
        if self._timer is None:
            self._timer = self.loop.call_later(_SWEEP, self._sweep)

    def left(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if not self.connections:
            self._emptied.set()

    def close_idle(self) -> None:
        """No connection is used again from now on; those without a request are closed."""
        for connection in tuple(self.connections):
            connection.close_when_done()

    async def empty(self, seconds: float) -> bool:
        """Waits until all connections are gone; false where some are left after ``seconds``."""
        if self.connections:
            self._emptied.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), seconds)
        return not self.connections

    def abort(self) -> None:
        for connection in tuple(self.connections):
            connection.abort()
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        self._timer = None
        now = self.loop.time()
        for connection in tuple(self.connections):
            connection.sweep(now)
        if self.connections:
            self._timer = self.loop.call_later(_SWEEP, self._sweep)


def _learn(name: bytes) -> str:
    key = name.decode("latin-1").lower()
    if len(_names) < _MAX_KNOWN:
        _names[name] = key
    return key
