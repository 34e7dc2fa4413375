"""From a finished request to an observation: the only part of behaviour on the way of a message (microseconds)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from chatward.core.identity import Caller
from chatward.core.observing import MOST, Observation, Observer
from chatward.core.values import Action, Exchange, PartKind, Source

_MARKS: Final = 20


class Gathering:
    """Hands finished requests to an ``observer``. ``clock``: seconds since 1970."""

    def __init__(self, observer: Observer, clock: Callable[[], float] = time.time) -> None:
        self._observer = observer
        self._clock = clock
        self.failed = 0

    def finished(self, flight: Any, caller: Caller, screening: Any) -> None:
        """``flight`` is the gateway's, ``screening`` the engine's: the request is over, however it ended. Never
        raises."""
        try:
            self._observer.observe(self._observation(flight, caller, screening))
        except Exception:  # the answer has left: nothing of it may fail any more
            self.failed += 1

    def _observation(self, flight: Any, caller: Caller, screening: Any) -> Observation:
        principal = caller.person
        verdict, exchange = screening.verdict, screening.exchange
        text, sent = _newest(exchange)
        rules = {one.finding.rule: None for one in verdict.decisions if one.action > Action.ALLOW}
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
            flight.action if verdict.would <= verdict.action else verdict.would.label,
            tuple(rules)[:_MARKS],
            tools,
            sent,
            answered,
            time.perf_counter() - flight.began,
            text,
        )


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
