"""Small answers beside messages: what is asked by path and answered at once, such as proofs for a challenge.

The rules:

1. A service stands below a prefix of its own. Who asks is known before it is asked (``Checkpoint``), as for a message.
2. It is a function without I/O of its own kind, called on a thread: it may wait for the disk.
3. Bodies are JSON of at most ``MOST`` bytes; every answer is told not to be stored.
4. An ``Open`` service is asked by whoever asks, since asking it is how one becomes known: it decides for itself. So
   does an ``Entrance``, where browsers sign in and identity providers tell what is over: it reads bodies of any type,
   and asks other servers, so it runs on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chatward.core.errors import ClientError
from chatward.core.identity import Caller, Fields, Presented, Principal
from chatward.core.ports import Headers
from chatward.gateway.answers import answer_headers
from chatward.gateway.bodies import check_declared, read_body, too_large
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.inflight import Flight
from chatward.gateway.parties import Door, Scope

MOST: Final = 64 * 1024
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
Answered = tuple[int, Headers, bytes]
"""Status, headers, body."""
Service = Callable[[str, str, Fields, bytes, Principal], Answered]
"""Method, path, headers, body and who asks, to an answer. Raises ``ChatwardError``."""


@dataclass(frozen=True, slots=True)
class Open:
    """A service for those who are not known: what is presented, path and body, to an answer. Raises
    ``ChatwardError``."""

    handle: Callable[[Presented, str, bytes], Answered]


@dataclass(frozen=True, slots=True)
class Entrance:
    """The same for browsers and identity providers: what is presented, path, query and body."""

    handle: Callable[[Presented, str, str, bytes], Awaitable[Answered]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A service for who is known, that needs to see more of the request or waits for others: who asks, path and body.
    Runs on the event loop. Raises ``ChatwardError``."""

    handle: Callable[[Caller, str, bytes], Awaitable[Answered]]


AnyService = Service | Open | Entrance | Asked


class Services:
    """Services by prefix (``/v1/challenges/``): the longest that fits answers."""

    def __init__(self, services: Mapping[str, AnyService], checkpoint: Checkpoint) -> None:
        self._services = sorted(services.items(), key=lambda item: -len(item[0]))
        self._checkpoint = checkpoint

    def find(self, path: str) -> tuple[str, AnyService] | None:
        """The service of a path, and its prefix."""
        for prefix, service in self._services:
            if path.startswith(prefix) or path == prefix.rstrip("/"):
                return prefix, service
        return None

    async def serve(self, service: AnyService, flight: Flight, scope: Scope, door: Door) -> None:
        """Answers one request. Raises ``ChatwardError``."""
        if isinstance(service, Entrance):
            body = await self._body(flight, scope, door, check=_check_size)
            presented = self._checkpoint.presented(scope)
            answered = await service.handle(presented, scope.path, scope.query_string, body)
        elif isinstance(service, Open):
            body = await self._body(flight, scope, door, check=check_declared)
            presented = self._checkpoint.presented(scope)
            answered = await asyncio.to_thread(service.handle, presented, scope.path, body)
        elif isinstance(service, Asked):
            caller = await self._checkpoint.identify(scope)
            body = await self._body(flight, scope, door, check=check_declared)
            answered = await service.handle(caller, scope.path, body)
        else:
            caller = await self._checkpoint.identify(scope)
            body = await self._body(flight, scope, door, check=check_declared)
            answered = await asyncio.to_thread(service, scope.method, scope.path, scope.headers, body, caller.principal)
        status, told, answer = answered
        flight.action = "allow" if status < 400 else "block"
        flight.status, flight.own = status, flight.overhead
        names = {name for name, _ in told}
        kind = dict(told).get("content-type", "application/json")
        own = [header for header in answer_headers(flight, kind) if header[0] not in names]
        flight.over = True
        if answer:
            door.response_bytes(status, [*own, *told], answer)
        else:
            door.response_empty(status, [header for header in (*own, *told) if header[0] != "content-type"])

    @staticmethod
    async def _body(flight: Flight, scope: Scope, door: Door, check: Callable[[Fields, int], None]) -> bytes:
        headers = scope.headers
        if scope.method in _BODILESS:
            if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
                raise ClientError("This request takes no body.", reason="body-unexpected")
            return b""
        check(headers, MOST)
        flight.reading = flight.body_begun = True
        body = await read_body(headers, door, MOST)
        flight.reading = False
        return body


def _check_size(headers: Fields, limit: int) -> None:
    if (headers.get("content-encoding") or "identity").strip().lower() != "identity":
        raise ClientError("The request must not be compressed.", reason="content-encoding", status=415)
    if int(headers.get("content-length") or 0) > limit:
        raise too_large(limit)
