"""The requests being served now, and what ends them before their time.

The rules: a body that takes longer than ``body_timeout`` ends its request; so does a caller who leaves, and a
shutdown that has waited long enough. Ending means cancelling the request's task, which closes the connection to
the bot; ``Flight.ended_by`` says why. One timer looks after all of them, so that an ordinary request costs a
set insertion and not a timer of its own. Who leaves is noticed within ``WATCH_AFTER`` and one tick.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

TICK: Final = 0.05
WATCH_AFTER: Final = 0.1
"""Seconds after which it is worth while to watch whether the caller is still there."""

BODY_TIMEOUT: Final = "body-timeout"
CLIENT_LEFT: Final = "client-left"
SHUTDOWN: Final = "shutting-down"

_CONTEXT: Final = contextvars.Context()


class Door(Protocol):
    """The caller's side of a request (RSGI's HTTP protocol object), as far as it is watched."""

    def client_disconnect(self) -> Any: ...


class Flight:
    """One request on its way through. Times are ``time.perf_counter()``."""

    # Class attributes are the defaults: most requests never set most of them.
    waited = 0.0
    """Seconds spent waiting for the caller's body and for the bot."""
    took = 0.0
    """Our own seconds before its streamed reply began: from there on they mix with the bot's."""
    own = 0.0
    """Our own seconds until its answer, or until that began to flow."""
    path = "-"
    """Its path as it is served; that of the caller's own making is not kept."""
    channel = "none"
    route = "none"
    action = "block"
    status = 0
    """The status of its answer, once there is one."""
    reason = ""
    """The stable id of what went wrong, if anything did."""
    reading = False
    body_begun = False
    intended = False
    """True once the intent to call the bot is on record."""
    streaming = False
    over = False
    """True once the answer was given: nothing is left to be ended."""
    ended_by = ""
    watch: Any = None
    taken: Any = None
    """What it took of its limits (``parties.Taken``)."""
    caller: Any = None
    """Who asks (``core.identity.Caller``), once that is known."""
    refusal: Any = None
    """Why it was refused before it went to a bot (``core.errors.ChatwardError``), though guards had let it pass."""
    observed: Any = None
    """What is told that it is over (``parties.Observing``), where anything is."""
    teach: Any = None
    """Gives the tip that goes with what was hidden of the answer (``parties.Teaching``), where tips are given."""
    reply: Any = None
    """The engine's own of its reply, once there is one."""
    bound: Any = None
    """The dialect as this request has it (``channels.wire.Bound``), where a bot is met by name."""
    watched: Any = None
    """Who is automated (``parties.WatchedMessage``)."""
    trace: Any = None
    """Where its span stands (``parties.Span``), where traces are followed."""
    sharing: Sequence[tuple[str, str]] = ()
    """Further headers of the answer: what it says to a page of another origin (CORS), and of limits."""

    def __init__(self, number: str, door: Door, task: asyncio.Task[Any] | None) -> None:
        self.id = number
        self.door = door
        self.task = task
        self.began = time.perf_counter()

    @property
    def overhead(self) -> float:
        """Our own seconds so far."""
        return time.perf_counter() - self.began - self.waited

    def end(self, why: str) -> None:
        if not self.over and not self.ended_by and self.task is not None:
            self.ended_by = why
            self.task.cancel()

    def watch_caller(self) -> None:
        self.watch = self.door.client_disconnect()
        self.watch.add_done_callback(self._left, context=_CONTEXT)

    def unwatch(self) -> None:
        # Left alone, granian keeps the watch until the connection closes, however many requests it carries.
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.cancel()

    def _left(self, _watch: object) -> None:
        if self.watch is not None:
            self.end(CLIENT_LEFT)


class Flights:
    """All flights, with the timer that looks after them. Belongs to one event loop."""

    def __init__(self, body_timeout: float) -> None:
        self._body_timeout = body_timeout
        self._tick = min(TICK, body_timeout / 4)
        self._flights: set[Flight] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._flights)

    def enter(self, flight: Flight) -> None:
        self._flights.add(flight)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._look)

    def leave(self, flight: Flight) -> None:
        self._flights.discard(flight)
        if flight.watch is not None:
            flight.unwatch()

    def end_all(self, why: str) -> None:
        for flight in tuple(self._flights):
            flight.end(why)

    def _look(self) -> None:
        self._timer = None
        if not self._flights:
            return
        now = time.perf_counter()
        for flight in tuple(self._flights):
            age = now - flight.began
            if flight.reading:
                if age > self._body_timeout:
                    flight.end(BODY_TIMEOUT)
            elif age > WATCH_AFTER and flight.watch is None and not flight.over and not flight.ended_by:
                flight.watch_caller()
        self._timer = asyncio.get_running_loop().call_later(self._tick, self._look)
