"""The data plane: every request enters here, and every failure becomes an answer here.

The order of a message's life (DESIGN section 5):

1. *admit*: path, method, media type, declared size, free capacity. Before the body is read.
2. *identify*: who asks (``Checkpoint``). Then the body is read, within its size and time.
3. *inspect and judge*: the dialect parses, the engine screens. A block is recorded, then answered.
4. *record intent*, then *forward*. If the intent cannot be recorded nothing is sent: 503.
5. *inspect reply*, *record outcome*, answer.

These steps stand in ``messages``; pages and health stand here. Whatever goes wrong becomes an error of the
caller's dialect with a stable reason; nothing is answered with less inspection for it. A caller who leaves ends
the call to the bot.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from chatward.channels.dialect import JSON_TYPE, Dialect
from chatward.channels.wire import Asked, Wire
from chatward.core.errors import ChatwardError, ClientError, ConfigError, StoreError
from chatward.core.ports import Headers, Ledger
from chatward.gateway import inflight
from chatward.gateway.answers import Answers, answer_headers, detailed, log_unexpected
from chatward.gateway.bodies import Fields, cut_short, linger, timed_out
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.credentials import Keys, OpenDoor
from chatward.gateway.cross_origin import CrossOrigin
from chatward.gateway.inflight import Flight, Flights
from chatward.gateway.messages import Messages
from chatward.gateway.meter import Meter
from chatward.gateway.parties import (
    Beside,
    BotLink,
    Door,
    Engine,
    Limits,
    Scope,
    Screening,
)
from chatward.gateway.records import Records
from chatward.gateway.refusing import Refusing
from chatward.gateway.request_log import RequestLog
from chatward.gateway.router import MODELS, Kind, Router, allowed
from chatward.gateway.services import AnyService, Services

__all__ = ["BotLink", "Engine", "GatewayApp", "Limits", "Screening"]

_STRICTEST: Final = (
    ("content-security-policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
"""For pages that come without headers of their own."""
_NOBODY: Final = Beside()


class GatewayApp:
    """The data plane as an RSGI application.

    ``channels`` are dialects by path; the first one's errors answer paths that no dialect claims. They serve POST,
    but the one on ``/v1/models``, which serves GET, and the single models below it. ``bots`` needs ``default``.
    ``checkpoint`` says who asks; without one it is ``keys`` alone that count. ``ready`` returns why the gateway is not
    ready, empty when it is. ``pages`` are served as they are, by path: content type and bytes, each with
    ``page_headers`` or those of its path in ``other_headers``; a page's path with a slash too many leads to it.
    ``wires`` are bots that are met by name, ``beside`` who is told of messages.
    ``services`` answer below their prefixes. ``cross_origin`` says who of other origins may ask; without it nobody.
    ``log`` gets a line of every request.
    """

    def __init__(
        self,
        *,
        channels: Mapping[str, Dialect],
        engine: Engine,
        bots: Mapping[str, BotLink],
        ledger: Ledger,
        meter: Meter,
        keys: Sequence[str] = (),
        checkpoint: Checkpoint | None = None,
        limits: Limits | None = None,
        ready: Callable[[], Sequence[str]] = tuple,
        pages: Mapping[str, tuple[str, bytes]] | None = None,
        services: Mapping[str, AnyService] | None = None,
        cross_origin: CrossOrigin | None = None,
        wires: Sequence[Wire] = (),
        beside: Beside = _NOBODY,
        page_headers: Headers = _STRICTEST,
        other_headers: Mapping[str, Headers] | None = None,
        log: RequestLog | None = None,
    ) -> None:
        if not channels or "default" not in bots:
            raise ConfigError("The gateway needs a dialect and a bot named default.")
        self._channels = dict(channels)
        limits = limits or Limits()
        self._models = self._channels.get(MODELS)
        self._posts = {path: dialect for path, dialect in self._channels.items() if path != MODELS}
        self._records = Records(ledger)
        own = Keys(keys)
        checkpoint = checkpoint or Checkpoint(OpenDoor(own))
        self._ready = ready
        self._pages = dict(pages or {})
        self._page_headers = tuple(page_headers)
        self._other_headers = dict(other_headers or {})
        self._wires = {path: wire for wire in wires for path in wire.paths}
        self._router = Router(
            frozenset((*self._posts, *self._wires)),
            frozenset(self._pages),
            models=self._models is not None,
            sessions=frozenset(path for path, wire in self._wires.items() if "DELETE" in wire.methods),
        )
        self._services = Services(services or {}, checkpoint)
        self._refusing = Refusing(beside, checkpoint)
        self._cross_origin = cross_origin or CrossOrigin(checkpoint.origin)
        self._flights = Flights(limits.body_timeout)
        self._answers = Answers(meter)
        self._log = log
        self._messages = Messages(
            engine,
            bots,
            self._records,
            meter,
            self._answers,
            checkpoint,
            own,
            limits,
            self._flights,
            beside,
        )
        self._prefix = f"cw-{secrets.token_hex(6)}-"
        self._count = 0
        meter.in_flight = self._flights.__len__

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    def end_all(self) -> None:
        """Ends every request still being served; for the end of a shutdown's grace."""
        self._flights.end_all(inflight.SHUTDOWN)

    async def __rsgi__(self, scope: Scope, door: Door) -> None:
        self._count += 1
        task = getattr(door, "task", None) or asyncio.current_task()  # granian's door does not know
        flight = Flight(f"{self._prefix}{self._count:x}", door, task)
        path = scope.path
        self._flights.enter(flight)
        try:
            preflight = self._cross_origin.preflight(scope) if scope.method == "OPTIONS" else None
            if preflight is not None:
                flight.action, flight.status = "allow", 204
                door.response_empty(204, answer_headers(flight, JSON_TYPE, extra=preflight)[1:])
                return
            # Bound first: a refused origin is told in the dialect too.
            dialect = self._wired(flight, scope, path) if self._wires else self._served_by(scope.method, path)
            flight.sharing = self._cross_origin.answer(scope)
            if dialect is not None:
                flight.channel = dialect.name
                known = path if flight.bound is None else flight.bound.path
                flight.path = MODELS if dialect is self._models else known
                await self._messages.serve(flight, scope, door, dialect, known)
            else:
                await self._other(flight, scope, door, path)
        except ChatwardError as error:
            await self._fail(flight, scope, door, path, error)
        except ProtocolClosed:
            await self._left(flight, scope, door, path)
        except asyncio.CancelledError:
            if not flight.ended_by:
                raise
            if task is not None:
                task.uncancel()
            await self._cancelled(flight, scope, door, path)
        except Exception as error:
            log_unexpected(flight, error)
            await self._fail(flight, scope, door, path, ChatwardError("Something went wrong here."))
        finally:
            self._flights.leave(flight)
            if self._log is not None and flight.status:
                self._log.note(flight, scope.method)
            if flight.taken is not None:
                flight.taken.end()
            if flight.observed is not None:
                flight.observed()
            if flight.watched is not None:
                flight.watched.end()

    def _wired(self, flight: Flight, scope: Scope, path: str) -> Dialect | None:
        """The same where bots are met by name."""
        wire = self._wires.get(path)
        if wire is None:
            return self._served_by(scope.method, path)
        if scope.method not in wire.methods:
            return None
        flight.bound = wire.bind(Asked(scope.method, scope.query_string, scope.headers))
        return flight.bound  # type: ignore[no-any-return]

    def _served_by(self, method: str, path: str) -> Dialect | None:
        """The dialect that serves a request, unless its path or method is none of a dialect's."""
        if method == "POST":
            return self._posts.get(path)
        if method in {"GET", "HEAD"} and self._router.find(path) is Kind.MODELS:
            return self._models
        return None

    # --- everything else ---

    async def _other(self, flight: Flight, scope: Scope, door: Door, path: str) -> None:
        found = self._services.find(path)
        if found is not None:
            flight.path, service = found
            await self._services.serve(service, flight, scope, door)
            return
        kind = self._router.find(path)
        method = scope.method
        if kind is None:
            if path.endswith("/") and path[:-1] in self._pages and method in {"GET", "HEAD"}:
                flight.action, flight.path, flight.status = "allow", path, 308
                there = ("location", f"../{path[:-1].rpartition('/')[2]}")  # relative: it holds behind any prefix
                door.response_empty(308, answer_headers(flight, "text/plain", extra=[there])[1:])
                return
            raise ClientError("There is nothing at this address.", reason="not-found", status=404)
        flight.path = MODELS if kind is Kind.MODELS else path
        methods = allowed(kind)
        if method == "OPTIONS":
            flight.action, flight.status = "allow", 204
            door.response_empty(204, answer_headers(flight, JSON_TYPE, extra=[("allow", ", ".join(methods))])[1:])
            return
        if method not in methods:
            raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)
        flight.action, flight.status = "allow", 200
        if kind is Kind.PAGE:
            content_type, body = self._pages[path]
            page_headers = self._other_headers.get(path, self._page_headers)
            given = {name for name, _ in page_headers}
            headers = [header for header in answer_headers(flight, content_type) if header[0] not in given]
            door.response_bytes(200, [*headers, *page_headers], body)
        elif kind is Kind.HEALTH:
            door.response_bytes(200, answer_headers(flight, "text/plain; charset=utf-8"), b"ok\n")
        else:
            reasons = list(self._ready())
            flight.status = 503 if reasons else 200
            body = b'{"ready":true}' if not reasons else orjson.dumps({"ready": False, "reasons": reasons})
            door.response_bytes(flight.status, answer_headers(flight, JSON_TYPE), body)

    # --- when something is wrong ---

    async def _fail(self, flight: Flight, scope: Scope, door: Door, path: str, error: ChatwardError) -> None:
        """Answers with an error in the caller's dialect."""
        if flight.streaming:
            return
        if flight.intended:
            try:
                await self._records.failed(flight, error.reason, error.status)
            except StoreError as unrecorded:
                error = unrecorded
        else:
            self._records.refused(flight, error.reason, error.status)
            self._refusing.tell(flight, scope, path if flight.bound is None else flight.bound.path, error)
        if flight.bound is not None:
            answer = flight.bound.error(error)
        else:
            answer = detailed(self._dialect_for(path, scope.headers).error(error), error)
        kind = self._router.find(path)
        extra = list(error.headers)
        if error.status == 405 and kind is not None:
            extra.append(("allow", ", ".join(allowed(kind))))
        elif error.status == 401 and not extra:
            extra.append(("www-authenticate", "Bearer"))
        elif error.status == 503:
            extra.append(("retry-after", "1"))
        self._answers.give(flight, door, answer, reason=error.reason, extra=extra)
        if not flight.body_begun and ("content-length" in scope.headers or "transfer-encoding" in scope.headers):
            await linger(scope.headers, door, begun=False)
        elif error.reason == "body-too-large":
            await linger(scope.headers, door, begun=True)

    async def _left(self, flight: Flight, scope: Scope, door: Door, path: str) -> None:
        """The caller's connection broke, or what came on it did not hold together."""
        if flight.reading:
            await self._fail(flight, scope, door, path, cut_short())
        elif not flight.streaming:
            self._answers.note(flight, 499, inflight.CLIENT_LEFT, flight.overhead)

    async def _cancelled(self, flight: Flight, scope: Scope, door: Door, path: str) -> None:
        if flight.ended_by == inflight.BODY_TIMEOUT:
            await self._fail(flight, scope, door, path, timed_out())
        elif flight.ended_by == inflight.SHUTDOWN:
            error = ChatwardError("The gateway is shutting down.", reason=inflight.SHUTDOWN, status=503)
            await self._fail(flight, scope, door, path, error)
        elif not flight.streaming:
            self._answers.note(flight, 499, inflight.CLIENT_LEFT, flight.overhead)
            self._records.ended(flight, inflight.CLIENT_LEFT, None, {})

    def _dialect_for(self, path: str, headers: Fields) -> Dialect:
        """The dialect in which a caller expects an error, guessed where the path is no message's."""
        dialect = self._channels.get(path)
        if dialect is None and (path.startswith("/v1/messages") or "anthropic-version" in headers):
            dialect = self._channels.get("/v1/messages")
        return dialect if dialect is not None else next(iter(self._channels.values()))
