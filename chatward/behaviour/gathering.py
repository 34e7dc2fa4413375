"""From a finished request to an observation: the only part of behaviour on the way of a message (microseconds)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from chatward.core.errors import ChatwardError
from chatward.core.identity import Caller
from chatward.core.observing import MOST, Observation, Observer
from chatward.core.values import Action, Exchange, PartKind, Source, Verdict

REFUSALS: Final = 50
"""In a second, of which something is learnt: as many tell that there are many."""
_MARKS: Final = 20
_TOO_FAST: Final = 429
_REFUSED: Final = "refused"
"""The conversation of all that is refused unread: which one it was, nobody has looked."""


class Gathering:
    """Hands finished requests to an ``observer``. ``clock``: seconds since 1970."""

    def __init__(self, observer: Observer, clock: Callable[[], float] = time.time) -> None:
        self._observer = observer
        self._clock = clock
        self._second = 0
        self._refused = 0
        self.failed = 0
        self.flooded = 0

    def finished(self, flight: Any, caller: Caller, screening: Any) -> None:
        """``flight`` is the gateway's, ``screening`` the engine's: the request is over, however it ended. Never
        raises."""
        try:
            self._observer.observe(self._observation(flight, caller, screening))
        except Exception:  # the answer has left: nothing of it may fail any more
            self.failed += 1

    def refused(self, flight: Any, caller: Caller, error: ChatwardError) -> None:
        """``flight`` ended with this error before it went to a bot. Never raises."""
        if flight.observed is not None:  # guards had let it pass: it is told by ``finished``
            flight.refusal = error
            return
        second = int(self._clock())
        if second != self._second:
            self._second, self._refused = second, 0
        if self._refused >= REFUSALS:
            self.flooded += 1
            return
        self._refused += 1
        principal = caller.person
        try:
            self._observer.observe(
                Observation(
                    flight.id,
                    self._clock(),
                    principal.tenant,
                    principal.id,
                    principal.kind.value,
                    "",
                    caller.presented.address,
                    principal.session or _REFUSED,
                    _action(error),
                    refusal=error.reason,
                )
            )
        except Exception:  # a message that cannot be read is counted (metric `why="not-read"`), and fails nobody
            self.failed += 1

    def _observation(self, flight: Any, caller: Caller, screening: Any) -> Observation:
        principal = caller.person
        verdict, exchange = screening.verdict, screening.exchange
        text, sent = _newest(exchange)
        rules = {one.finding.rule: None for one in verdict.decisions if one.action > Action.ALLOW}
        refusal = flight.refusal
        tools: tuple[str, ...] = ()
        answered = 0
        if flight.reply is not None:
            parts = flight.reply.parts()
            tools = tuple(part.name for part in parts if part.kind is PartKind.JSON)[:_MARKS]
            answered = sum(len(part.text) for part in parts)
        return Observation(
            flight.id,
            self._clock(),
            principal.tenant,
            principal.id,
            principal.kind.value,
            screening.bot,
            caller.presented.address,
            principal.session or screening.thread,
            _action(refusal) if refusal is not None else _judged(flight.action, verdict),
            tuple(rules)[:_MARKS],
            tools,
            sent,
            answered,
            time.perf_counter() - flight.began,
            text,
            refusal.reason if refusal is not None else "",
        )


def _action(error: ChatwardError) -> str:
    """Who asks too fast does that and nothing worse: it counts as a message, not as one that was refused."""
    return "wait" if error.status == _TOO_FAST else "block"


def _judged(action: str, verdict: Verdict) -> str:
    return action if verdict.would <= verdict.action else verdict.would.label


def _newest(exchange: Exchange) -> tuple[str, int]:
    """The newest text of a person, cut, and how long all that is new of them is."""
    text, sent = "", 0
    for part in reversed(exchange.parts):
        if part.message < exchange.new_from and text:
            break
        if part.source is Source.USER and part.kind is PartKind.TEXT:
            text = text or part.text[:MOST]
            sent += len(part.text)
            if part.message < exchange.new_from:
                break
    return text, sent
