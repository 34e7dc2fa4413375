"""Serving an application in this process, in this event loop.

Plain RSGI connections, which carry the message path, and those whose callers show certificates are served by
``http1_server``; other TLS (with HTTP/2) and ASGI, which carries the admin plane, by granian (hyper, rustls).

The rules:

1. The socket is bound here and handed over. So port 0 works, a name is resolved as the system does it, and a port
   that is taken is an error at once (granian's own sockets share ports silently).
2. Plain connections speak HTTP/1.1 only; TLS is 1.3 and offers HTTP/2, except with ``client_ca``: granian verifies a
   caller's certificate and does not tell whose it is. The application cannot tell them apart.
3. Stopping first closes the door to new connections, then lets what runs end for ``grace`` seconds, then ends it
   (``end_all`` of the application, if it has one). A caller that does not read cannot hold the process.
4. ``reload`` takes certificates that have changed: new connections get the new one, those that are open go on. A pair
   that cannot be used leaves everything as it was.

Embedding is marked experimental by granian. What is used of it beyond the public class is ``_shd`` (the socket) and
``wrks``; both are covered by tests here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from chatward.core.errors import ConfigError
from chatward.gateway.certificates import Watch, check
from chatward.gateway.http1_server import Front
from chatward.gateway.inbound_tls import InboundTls

BACKLOG: Final = 1024
MAX_HEAD: Final = 64 * 1024
HEAD_TIMEOUT_MS: Final = 15_000
LAST_WRITES: Final = 1.0
"""Seconds that ended requests get to write their last bytes."""

_log = logging.getLogger("chatward.gateway")


class _Embedded(Server):
    """granian's embedded server on a socket that is already bound."""

    bound: int

    def _init_shared_socket(self) -> None:
        self._shd: Any = SocketHolder(self.bound, False, BACKLOG)  # type: ignore[call-arg]


class EmbeddedServer:
    """One application on one address, in the running event loop."""

    def __init__(
        self,
        app: Any,
        host: str,
        port: int,
        *,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
        client_ca: Path | None = None,
        interface: str = "rsgi",
    ) -> None:
        """``interface`` is ``rsgi`` or ``asgi``; ``client_ca`` (``rsgi`` alone) are the authorities that callers'
        certificates must come from. Raises ``ConfigError`` for TLS files that cannot be used."""
        self._app = app
        self._host = host
        self._wanted = port
        self._secure = tls_cert is not None
        self._options: dict[str, Any] = {
            "interface": Interfaces.ASGI if interface == "asgi" else Interfaces.RSGI,
            "http": HTTPModes.auto if self._secure else HTTPModes.http1,
            "ssl_cert": tls_cert,
            "ssl_key": tls_key,
        }
        if (tls_cert is None) != (tls_key is None):
            raise ConfigError("TLS needs both a certificate and a key.", key="server.tls_cert")
        if client_ca is not None and (tls_cert is None or interface != "rsgi"):
            raise ConfigError("Certificates of callers need TLS of the gateway's own.", key="server.client_ca")
        self._files = (tls_cert, tls_key)
        self._watch = Watch(tls_cert, tls_key)
        self._client_ca = client_ca
        self._own = interface == "rsgi" and (not self._secure or client_ca is not None)
        self._inbound: InboundTls | None = None
        self._front: Front | None = None
        self._listener: asyncio.Server | None = None
        self._server: _Embedded | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = 0
        """The port that is listened on; known after ``start``."""

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._secure else 'http'}://{host}:{self.port}"

    async def start(self) -> int:
        """Listens; returns the port. Raises ``ConfigError`` when the address cannot be used."""
        cert, key = self._files
        if self._own and cert is not None and key is not None:
            self._inbound = InboundTls(cert, key, self._client_ca)
        bound = _bind(self._host, self._wanted)
        self.port = bound.getsockname()[1]
        if self._own:
            loop = asyncio.get_running_loop()
            self._front = Front(self._app, loop)
            context = None if self._inbound is None else self._inbound.context
            seconds = None if context is None else HEAD_TIMEOUT_MS / 1000
            self._listener = await loop.create_server(
                self._front.connection, sock=bound, backlog=BACKLOG, ssl=context, ssl_handshake_timeout=seconds
            )
            return self.port
        try:
            server = _Embedded(
                self._app,
                address=self._host,
                port=self.port,
                backlog=BACKLOG,
                backpressure=2 * BACKLOG,
                websockets=False,
                log_enabled=False,
                http1_settings=HTTP1Settings(header_read_timeout=HEAD_TIMEOUT_MS, max_buffer_size=MAX_HEAD),
                **self._options,
            )
        except (OSError, ssl.SSLError, ValueError) as error:
            bound.close()
            raise ConfigError("The TLS certificate or key cannot be read.", key="server.tls_cert") from error
        # From here the descriptor belongs to granian, which closes it.
        server.bound = bound.detach()
        self._server = server
        self._serving = asyncio.ensure_future(self._serve(server))
        return self.port

    def reload(self) -> bool:
        """Takes the certificate and key anew if they have changed; whether they had. Raises ``ConfigError``
        (``certificate-invalid``), and asks again the next time."""
        if self._inbound is not None:
            return self._inbound.reload()
        cert, key = self._files
        if cert is None or key is None or self._server is None or not self._watch.changed():
            return False
        try:
            check(cert, key)
        except ConfigError:
            self._watch.forget()
            raise
        self._server.reload()  # type: ignore[no-untyped-call]
        return True

    async def stop(self, grace: float = 10.0) -> None:
        """Stops as told in the module's rule 3. Does nothing when not started."""
        if self._front is not None:
            await self._stop_front(self._front, grace)
        server, serving = self._server, self._serving
        if server is None or serving is None:
            return
        self._server = self._serving = None
        server.stop()  # type: ignore[no-untyped-call]
        done, _ = await asyncio.wait({serving}, timeout=grace)
        if not done:
            end_all = getattr(self._app, "end_all", None)
            if end_all is not None:
                end_all()
            done, _ = await asyncio.wait({serving}, timeout=LAST_WRITES)
        if not done:
            for worker in server.wrks:
                worker.kill()  # type: ignore[no-untyped-call]
            serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    async def _stop_front(self, front: Front, grace: float) -> None:
        self._front = None
        if self._listener is not None:
            self._listener.close()
        front.close_idle()
        if not await front.empty(grace):
            end_all = getattr(self._app, "end_all", None)
            if end_all is not None:
                end_all()
            await front.empty(LAST_WRITES)
        front.abort()

    async def _serve(self, server: _Embedded) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            await server.serve()


async def serve(
    server: EmbeddedServer,
    *,
    grace: float = 10.0,
    started: Callable[[EmbeddedServer], None] | None = None,
) -> None:
    """Starts ``server``, calls ``started`` once it listens, and runs until SIGINT, SIGTERM or cancellation."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    await server.start()
    for number in signals:
        loop.add_signal_handler(number, asked.set)
    try:
        if started is not None:
            started(server)
        await asked.wait()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        await server.stop(grace)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"The address {host} cannot be listened on.", key="server.host") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.setblocking(False)
        bound.bind(address)
        bound.listen(BACKLOG)  # Who connects before granian accepts waits in the backlog.
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"Port {port} on {host} cannot be listened on: {error.strerror}.", key="server.port", reason="port-in-use"
        ) from error
    return bound
