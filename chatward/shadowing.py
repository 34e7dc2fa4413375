"""A file that is not in force, judged beside what passes: a shadow.

The rules:

1. The message path gives a share of its messages away and never waits: where ``WAITING`` are waiting, or one is long,
   it is not taken, and counted. A thread of its own judges, by the file in force and by the other one, and rests after
   each.
2. Messages alone are judged, not replies; without what is looked up elsewhere (files, the judge). Both sides see the
   same.
3. It ends by its time, when settings are read again (the other file was applied, or another), when an operator ends it,
   and with the process. What it found stays to be looked at until the next one; rules, actions, numbers and ids of
   messages, no text.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from typing import Final, Protocol

from chatward.console.rejudged import Differences, Shadowed
from chatward.core.errors import ClientError
from chatward.core.values import Exchange
from chatward.replaying import Compared, Side, rules_of
from chatward.routing import Routing
from chatward.settings import Settings

WAITING: Final = 32
"""Messages that wait at most."""
LONGEST: Final = 65_536
"""Characters of the longest message with its conversation."""
REST: Final = 0.005
"""Seconds after each message in which other threads run."""
_Taken = tuple[Exchange, str, str, str]


class Engine(Protocol):
    """Where messages come from (``assembly.engine.RoutedEngine``)."""

    routing: Routing
    shadow: Shadow | None


class Shadow:
    """One run. ``see`` is called on the event loop, everything else on threads."""

    def __init__(
        self,
        engine: Engine,
        before: Side,
        after: Side,
        *,
        digest: str,
        until: float,
        share: float,
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._of = engine.routing
        self._before = before
        self._after = after
        self._share = share
        self._clock = clock
        self._chance = chance
        self._queue: Queue[_Taken | None] = Queue(WAITING)
        self._found = Differences()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._digest, self._since, self._until = digest, clock(), until
        self._judged = self._changed = self._unknown = self._dropped = 0
        self._ended = ""
        self._thread.start()

    def see(self, exchange: Exchange, path: str, model: str, message: str) -> None:
        """Takes a message, or not."""
        if self._over() or self._chance() >= self._share:
            return
        if sum(len(part.text) for part in exchange.parts) > LONGEST:
            self._dropped += 1
            return
        try:
            self._queue.put_nowait((exchange, path, model, message))
        except Full:
            self._dropped += 1

    def _over(self) -> bool:
        if not self._ended and self._clock() >= self._until:
            self.end("time")
        elif not self._ended and self._engine.routing is not self._of:
            self.end("settings")
        return bool(self._ended)

    def end(self, why: str) -> None:
        """Ends it; messages that wait are let go. Does not wait."""
        if self._ended:
            return
        self._ended = why
        if self._engine.shadow is self:
            self._engine.shadow = None
        with suppress(Full):  # then the thread finds a message, and that it is over
            self._queue.put_nowait(None)

    def join(self) -> None:
        """Waits for the thread of one that has ended."""
        self._thread.join()

    def told(self) -> Shadowed:
        self._over()
        return Shadowed(
            self._digest, self._since, self._until, self._share, self._judged, self._changed, self._unknown,
            self._dropped, self._ended, self._found.told(),
        )  # fmt: skip

    def _run(self) -> None:
        for side in (self._before, self._after):
            with suppress(Exception):  # a guard that cannot run says so in the verdict
                side.warm()
        while (taken := self._queue.get()) is not None and not self._ended:
            exchange, path, model, message = taken
            try:
                before = self._before.judge_exchange(exchange, path, model)
                after = self._after.judge_exchange(exchange, path, model)
            except Exception:  # a guard's fault is no reason to see no more messages
                self._unknown += 1
                time.sleep(REST)
                continue
            self._judged += 1
            one = Compared(self._judged, message, before, after)
            if before.missing or after.missing:
                self._unknown += 1
            elif one.changes:
                self._changed += 1
                self._found.add(rules_of(one), before.action.label, after.action.label, message)
            time.sleep(REST)


class Shadowing:
    """The shadow of a running gateway: one at a time. ``clock`` gives seconds since 1970 UTC."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._last: Shadow | None = None
        self._lock = threading.Lock()

    def start(self, current: Settings, new: Settings, *, digest: str, hours: float, share: float) -> None:
        """Begins one; it takes a moment. Raises ``ClientError`` (``policy-busy``: there is one) and ``ConfigError``."""
        with self._lock:
            if self._engine.shadow is not None:
                raise ClientError("There is a shadow already. End it first.", reason="policy-busy", status=409)
            pool = self._engine.routing.pool.beside()
            before = Side(current, pool=pool)
            after = Side(new, like=before, pool=pool)
            until = self._clock() + hours * 3_600
            self._last = self._engine.shadow = Shadow(
                self._engine, before, after, digest=digest, until=until, share=share, clock=self._clock
            )

    def end(self) -> bool:
        """Ends it; false where there is none."""
        shadow = self._engine.shadow
        if shadow is None:
            return False
        shadow.end("operator")
        return True

    def told(self) -> Shadowed | None:
        """The one there is, or the last one."""
        return None if self._last is None else self._last.told()
