"""The way out to one guarded bot: a small pool of keep-alive connections over httptools.

The rules:

1. At most ``max_connections`` sockets. Who comes when all are busy waits in line, first come, first served, no
   longer than ``connect_timeout``. The connection used last is used next, so that spare ones grow old and
   are closed.
2. A request is sent again **once**, on a fresh connection, when it went out on a reused connection that the
   server closed before any byte of an answer (RFC 9112 section 9.3.1: the race with a server's idle timeout).
   Nothing else is ever repeated.
3. Only what the caller names is sent. Hop-by-hop fields (RFC 9110 section 7.6.1) never go on; ``host``,
   ``content-length`` and ``accept-encoding`` are set here; a field with a line break or NUL in it is refused.
4. TLS always verifies the certificate and the name, or the SPIFFE ID in place of the name, before a byte is sent
   (``outbound_tls``). ``ca_file`` replaces the system's authorities.
5. Every failure is an ``UpstreamError``: ``upstream-unreachable``, ``upstream-timeout``, ``upstream-tls``,
   ``upstream-truncated``, ``upstream-malformed``, ``upstream-too-large``.

The read timeout is the longest silence while someone waits for bytes. It is kept by one timer for the pool,
so it may fire up to an eighth late.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from typing import Final
from urllib.parse import urlsplit

from chatward.core.errors import ClientError, ConfigError
from chatward.core.ports import Headers
from chatward.gateway.http1_client import Http1Connection, Http1Response, not_trusted, timed_out, unreachable
from chatward.gateway.outbound_tls import OutboundTls

IDLE_TIMEOUT: Final = 30.0
"""Seconds that an unused connection is kept."""

_HANDLED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# RFC 9110 section 5.6.2: token
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 3986 sections 3.3 and 3.4: pchar, "/", "?"
_TARGET: Final = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_MAX_KNOWN: Final = 256


class HttpUpstream:
    """Implements ``core.ports.Upstream`` for one base URL. Belongs to the event loop it is first used in."""

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 300.0,
        max_connections: int = 256,
        idle_timeout: float = IDLE_TIMEOUT,
        ca_file: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        spiffe_id: str | None = None,
    ) -> None:
        """Raises ``ConfigError`` for a URL or files that cannot be used."""
        self._host, self._port, self._authority, self._prefix, secure = _origin(base_url)
        if not secure and (client_cert or client_key or spiffe_id):
            raise ConfigError("Certificates need an https:// upstream.", reason="upstream-url")
        self._tls = OutboundTls(ca_file, client_cert, client_key, spiffe_id) if secure else None
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._idle_timeout = idle_timeout
        self._max_connections = max_connections
        self._idle: list[Http1Connection] = []
        self._open: set[Http1Connection] = set()
        self._dialing = 0
        self._line: deque[asyncio.Future[Http1Connection | None]] = deque()
        self._heads: dict[tuple[str, str], str] = {}
        self._known_names: set[str] = set()
        self._loop: asyncio.AbstractEventLoop  # set when the first connection is needed
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def connections(self) -> int:
        """How many sockets are open or being opened."""
        return len(self._open) + self._dialing

    @property
    def idle(self) -> int:
        """How many sockets wait to be used again."""
        return len(self._idle)

    def target(self, path: str) -> str:
        """The request target for ``path`` (which starts with ``/v1``): ``/v1`` is not doubled."""
        if self._prefix.endswith("/v1") and (path == "/v1" or path.startswith("/v1/")):
            return self._prefix + path[3:]
        return self._prefix + path

    async def send(self, method: str, path: str, headers: Headers, body: bytes) -> Http1Response:
        """Sends one request and returns once the response's head is there.

        Raises ``UpstreamError``. Cancelling closes the connection.
        """
        head = self._head(method, path, headers, len(body))
        connection = self._reuse()
        if connection is None:
            connection = await self._obtain()
        again = False
        while True:
            response = connection.start(head, body, method == "HEAD")
            try:
                await response.wait()
            except BaseException:
                connection.abort()
                raise
            if response.status:
                return response
            error = response.error or unreachable()
            if again or response.heard or connection.uses < 2 or error.reason != "upstream-unreachable":
                raise error
            again = True
            connection = await self._obtain(fresh=True)

    async def aclose(self) -> None:
        """Closes every connection; later calls of ``send`` fail."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in tuple(self._open):
            connection.fail(unreachable("The gateway is shutting down."))
        self._idle.clear()
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_exception(unreachable("The gateway is shutting down."))

    # --- the pool ---

    def released(self, connection: Http1Connection) -> None:
        while self._line:
            waiter = self._line.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if self._closed:
            connection.abort()
        else:
            self._idle.append(connection)

    def gone(self, connection: Http1Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._offer_slot()

    def _offer_slot(self) -> None:
        """A place for a new connection is free: the next in line may open one."""
        while self._line and self.connections < self._max_connections:
            waiter = self._line.popleft()
            if not waiter.done():
                self._dialing += 1
                waiter.set_result(None)
                return

    def _reuse(self) -> Http1Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None

    async def _obtain(self, *, fresh: bool = False) -> Http1Connection:
        if self._closed:
            raise unreachable("The gateway is shutting down.")
        self._loop = asyncio.get_running_loop()
        if not self._line and self.connections < self._max_connections:
            self._dialing += 1
            return await self._dial()
        connection = self._idle.pop(0) if self._idle else await self._queue()
        if connection is not None:
            if not fresh:
                return connection
            # It may be as stale as the one that just failed: its place is taken, it is not.
            self._open.discard(connection)
            connection.abort()
            self._dialing += 1
        return await self._dial()

    async def _queue(self) -> Http1Connection | None:
        """Waits for a connection, or for the right to open one (``None``; counted in ``_dialing``)."""
        deadline = self._loop.time() + self._connect_timeout
        again = False
        while True:
            waiter: asyncio.Future[Http1Connection | None] = self._loop.create_future()
            if again:
                self._line.appendleft(waiter)
            else:
                self._line.append(waiter)
            try:
                async with asyncio.timeout_at(deadline):
                    connection = await waiter
            except BaseException as error:
                self._unqueue(waiter)
                if isinstance(error, TimeoutError):
                    raise timed_out("All connections to the bot are busy.") from error
                raise
            if connection is None or not connection.closed:
                return connection
            again = True  # It died on the way here; keep the place in line.
            if self.connections < self._max_connections:
                self._dialing += 1
                return None

    def _unqueue(self, waiter: asyncio.Future[Http1Connection | None]) -> None:
        """Leaves the line; what was already handed over goes to the next."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._dialing -= 1
                self._offer_slot()
            elif not connection.closed:
                self.released(connection)
        elif waiter in self._line:
            self._line.remove(waiter)

    async def _dial(self) -> Http1Connection:
        """Opens a connection; one was already counted in ``_dialing``."""
        loop = self._loop
        connection: Http1Connection | None = None
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, connection = await loop.create_connection(
                    lambda: Http1Connection(self, loop),
                    self._host,
                    self._port,
                    ssl=self._tls.context() if self._tls is not None else None,
                    server_hostname=self._host if self._tls is not None else None,
                )
                if self._tls is not None and not self._tls.is_expected(connection.tls):
                    connection.abort()
                    raise not_trusted()
        except TimeoutError as error:
            raise timed_out("The bot cannot be reached in time.") from error
        except ssl.SSLError as error:
            raise not_trusted() from error
        except OSError as error:
            raise unreachable() from error
        finally:
            self._dialing -= 1
            if connection is None:
                self._offer_slot()
        if connection.closed:
            self._offer_slot()
            raise unreachable("The bot closed the connection at once.")
        self._open.add(connection)
        if self._closed:
            connection.abort()
            raise unreachable("The gateway is shutting down.")
        if self._timer is None:
            self._arm()
        return connection

    # --- time ---

    def _arm(self) -> None:
        interval = min(1.0, self._read_timeout / 8, self._idle_timeout / 4)
        self._timer = self._loop.call_later(interval, self._sweep)

    def _sweep(self) -> None:
        """Ends what was silent for too long, closes what was idle for too long."""
        self._timer = None
        now = self._loop.time()
        for connection in tuple(self._open):
            since = connection.overdue_since
            if since is not None and now - since >= self._read_timeout:
                connection.fail(timed_out())
        oldest = now - self._idle_timeout
        expired = [connection for connection in self._idle if connection.active_at < oldest]
        if expired:
            self._idle = [connection for connection in self._idle if connection.active_at >= oldest]
            for connection in expired:
                connection.abort()
        if self._open and not self._closed:
            self._arm()

    # --- the request's head ---

    def _head(self, method: str, path: str, headers: Headers, length: int) -> bytes:
        prefix = self._heads.get((method, path))
        if prefix is None:
            prefix = self._start_line(method, path)
        lines = [prefix]
        nominated: frozenset[str] = frozenset()
        for name, value in headers:
            if name not in self._known_names:
                key = name.lower()
                if key == "connection":
                    nominated |= {token.strip().lower() for token in value.split(",")}
                if key in _HANDLED:
                    continue
                self._learn(name)
            lines.append(f"{name}: {value}\r\n")
        if nominated:
            lines[1:] = [line for line in lines[1:] if line.partition(":")[0].lower() not in nominated]
        lines.append(f"content-length: {length}\r\n\r\n" if length or method != "GET" else "\r\n")
        text = "".join(lines)
        # Every line break is one that was put here; so none can be smuggled in by a value.
        breaks = len(lines) + 3 if length or method != "GET" else len(lines) + 2
        if text.count("\r") != breaks or text.count("\n") != breaks or "\0" in text:
            raise _unsendable()
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError as error:
            raise _unsendable() from error

    def _start_line(self, method: str, path: str) -> str:
        target = self.target(path)
        if not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
            raise _unsendable()
        prefix = f"{method} {target} HTTP/1.1\r\nhost: {self._authority}\r\naccept-encoding: identity\r\n"
        if len(self._heads) < _MAX_KNOWN and "?" not in path:
            self._heads[method, path] = prefix
        return prefix

    def _learn(self, name: str) -> None:
        if not _TOKEN.fullmatch(name):
            raise _unsendable()
        if len(self._known_names) < _MAX_KNOWN:
            self._known_names.add(name)


def _unsendable() -> ClientError:
    return ClientError("The request has a header or path that cannot be sent.", reason="header-invalid")


def _origin(base_url: str) -> tuple[str, int, str, str, bool]:
    """Host, port, authority for ``host``, path prefix without a trailing slash, and whether TLS is used."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError("The upstream is not a valid URL.", reason="upstream-url") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError("The upstream must be an http:// or https:// URL.", reason="upstream-url")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError("The upstream must have no user, query or fragment.", reason="upstream-url")
    secure = parts.scheme == "https"
    default = 443 if secure else 80
    name = f"[{host}]" if ":" in host else host
    authority = name if port in {None, default} else f"{name}:{port}"
    prefix = parts.path.rstrip("/")
    if not _TARGET.fullmatch(prefix or "/") or not authority.isascii() or re.search(r"\s", authority):
        raise ConfigError("The upstream has characters that a URL cannot have.", reason="upstream-url")
    return host, port or default, authority, prefix, secure
