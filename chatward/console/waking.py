"""The admin plane's pages, made when the first request needs them: a gateway whose console nobody opens does not
carry it.

The rules:

1. It stands behind ``guarding``: who may not ask wakes nothing.
2. What machines ask for all day, ``/healthz`` and ``/metrics``, wakes nothing either.
3. The pages are made on a thread, once, while messages go on; requests that come meanwhile wait for them. Where that
   fails the request fails, and the next one tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from chatward.console.asgi import App, Receive, Scope, Send

log = logging.getLogger(__name__)

METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of Prometheus' text format."""


class Waking:
    """An ASGI application. ``make`` makes the pages and may block; ``metrics`` is what ``/metrics`` says."""

    def __init__(self, make: Callable[[], App], metrics: Callable[[], str]) -> None:
        self._make = make
        self._metrics = metrics
        self._made: App | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        made = self._made
        if made is None:
            plain = self._plain(scope)
            if plain is not None:
                kind, body = plain
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
                await send({"type": "http.response.body", "body": body})
                return
            made = await self._wake()
        await made(scope, receive, send)

    def _plain(self, scope: Scope) -> tuple[bytes, bytes] | None:
        """Media type and body of what is answered asleep."""
        match scope["method"], scope["path"]:
            case "GET", "/healthz":
                return b"application/json", b'{"status":"ok"}'
            case "GET", "/metrics":
                return METRICS.encode(), self._metrics().encode()
        return None

    async def _wake(self) -> App:
        async with self._making:
            if self._made is None:
                try:
                    self._made = await asyncio.to_thread(self._make)
                except Exception:  # whatever it is: logged here, and the request fails by it
                    log.exception("The pages of the console could not be made.")
                    raise
            return self._made


async def _live(receive: Receive, send: Send) -> None:
    """The pages wait for no server to start or stop (ASGI, lifespan protocol 2.0)."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
