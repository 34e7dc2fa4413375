"""Small answers beside messages: what is asked by path and answered at once, such as proofs for a challenge.

The rules:

1. A service stands below a prefix of its own. Who asks is known before it is asked (``Checkpoint``), as for a message.
2. It is a function without I/O of its own kind, called on a thread: it may wait for the disk.
3. Bodies are JSON of at most ``MOST`` bytes; every answer is told not to be stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from chatward.core.errors import ClientError
from chatward.core.identity import Fields, Principal
from chatward.core.ports import Headers
from chatward.gateway.answers import answer_headers
from chatward.gateway.bodies import check_declared, read_body
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.inflight import Flight
from chatward.gateway.parties import Door, Scope

MOST: Final = 64 * 1024
Answered = tuple[int, Headers, bytes]
"""Status, headers, body."""
Service = Callable[[str, str, Fields, bytes, Principal], Answered]
"""Method, path, headers, body and who asks, to an answer. Raises ``ChatwardError``."""


class Services:
    """Services by prefix (``/v1/challenges/``): the longest that fits answers."""

    def __init__(self, services: Mapping[str, Service], checkpoint: Checkpoint) -> None:
        self._services = sorted(services.items(), key=lambda item: -len(item[0]))
        self._checkpoint = checkpoint

    def find(self, path: str) -> Service | None:
        for prefix, service in self._services:
            if path.startswith(prefix) or path == prefix.rstrip("/"):
                return service
        return None

    async def serve(self, service: Service, flight: Flight, scope: Scope, door: Door) -> None:
        """Answers one request. Raises ``ChatwardError``."""
        headers = scope.headers
        caller = await self._checkpoint.identify(scope)
        body = b""
        if scope.method not in {"GET", "HEAD", "DELETE", "OPTIONS"}:
            check_declared(headers, MOST)
            flight.reading = flight.body_begun = True
            body = await read_body(headers, door, MOST)
            flight.reading = False
        elif headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            raise ClientError("This request takes no body.", reason="body-unexpected")
        status, told, answer = await asyncio.to_thread(
            service, scope.method, scope.path, headers, body, caller.principal
        )
        flight.action = "allow" if status < 400 else "block"
        names = {name for name, _ in told}
        kind = dict(told).get("content-type", "application/json")
        own = [header for header in answer_headers(flight, kind) if header[0] not in names]
        flight.over = True
        if answer:
            door.response_bytes(status, [*own, *told], answer)
        else:
            door.response_empty(status, [header for header in (*own, *told) if header[0] != "content-type"])
