"""What the gateway writes into the ledger about one request.

The rule: what decides over an effect is awaited before it (``intended``, ``judged``, ``answered``). A refusal has
no effect on anyone; it is written without waiting, at most ``REFUSALS_PER_SECOND``, so that a flood of bad
requests cannot fill the disk and close the gate. The next one written says how many were left out.

Which guards ran is told by a digest of their names: nearly all messages have one of a few sets, and each set is on
record once (``guard:set:ran``), begun before the first entry that names it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Final

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.identity import Caller
from chatward.core.ports import Entry, Ledger
from chatward.core.values import Verdict
from chatward.gateway.inflight import Flight

REFUSALS_PER_SECOND: Final = 50
MAX_RULES: Final = 20
LEAST_SCORE: Final = 0.05
"""A model's score below says nothing, and is not written."""
MAX_SETS: Final = 1000
"""Sets of guards that are remembered as told; of more, all are told anew."""
TELL_AGAIN: Final = 60.0
"""Seconds between two entries about one guard that cannot run."""

# An enum's ``value`` costs as much as the rest of an entry.
_GUARDS_RAN: Final = Event.GUARDS_RAN.value
_MESSAGE_JUDGED: Final = Event.MESSAGE_JUDGED.value
_REPLY_ABORTED: Final = Event.REPLY_ABORTED.value
_REPLY_DELIVERED: Final = Event.REPLY_DELIVERED.value
_REPLY_JUDGED: Final = Event.REPLY_JUDGED.value
_REPLY_STARTED: Final = Event.REPLY_STARTED.value
_REQUEST_REFUSED: Final = Event.REQUEST_REFUSED.value
_UPSTREAM_FAILED: Final = Event.UPSTREAM_FAILED.value
_UPSTREAM_INTENDED: Final = Event.UPSTREAM_INTENDED.value

_log = logging.getLogger("chatward.gateway")


class Records:
    """Entries about requests, by what happened."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._second = 0
        self._written = 0
        self._left_out = 0
        self._told: dict[str, float] = {}
        self._sets: dict[tuple[str, ...], str] = {}
        self._pending: set[asyncio.Future[Any]] = set()

    def intended(self, flight: Flight, bot: str, caller: Caller, verdict: Verdict, stream: bool) -> Awaitable[None]:
        """Before a bot is called. Raises ``StoreError`` (here or when awaited): then nothing may be sent."""
        fields = {"bot": bot, "principal": caller.person.id, "stream": stream}
        fields |= self._judgement(flight, verdict, flight.overhead)
        if caller.subject is not None:
            fields["key"] = caller.principal.id
        if flight.trace is not None:
            fields |= _traced(flight)
        return self._ledger.append(Entry(_UPSTREAM_INTENDED, flight.id, fields))

    def judged(self, flight: Flight, principal: str, verdict: Verdict) -> Awaitable[None]:
        """Before a refused message is answered."""
        fields = {"principal": principal, **self._judgement(flight, verdict, flight.overhead)}
        if flight.trace is not None:
            fields |= _traced(flight)
        return self._ledger.append(Entry(_MESSAGE_JUDGED, flight.id, fields))

    def started(self, flight: Flight) -> Awaitable[None]:
        """Before the first byte of a streamed reply leaves."""
        return self._ledger.append(Entry(_REPLY_STARTED, flight.id, {"channel": flight.channel}))

    def answered(self, flight: Flight, status: int, verdict: Verdict | None) -> Awaitable[None]:
        """Before a whole reply leaves. Without a verdict, the route has no guards."""
        fields: dict[str, object] = {"status": status}
        if verdict is not None:
            fields.update(self._judgement(flight, verdict, flight.overhead))
        return self._ledger.append(Entry(_REPLY_JUDGED, flight.id, fields))

    def ended(self, flight: Flight, outcome: str, verdict: Verdict | None, usage: Mapping[str, int]) -> None:
        """After a streamed reply, or a caller who left: ``complete``, ``blocked`` or a reason id. Never waits."""
        fields: dict[str, object] = {"outcome": outcome}
        fields.update((f"{name}_tokens", count) for name, count in usage.items() if name.isidentifier())
        if verdict is not None:
            fields.update(self._judgement(flight, verdict, flight.took))
        event = _REPLY_DELIVERED if outcome == "complete" else _REPLY_ABORTED
        self._begin(Entry(event, flight.id, fields))

    def failed(self, flight: Flight, reason: str, status: int) -> Awaitable[None]:
        """The bot was called and did not answer as it should."""
        fields = {"reason": reason, "status": status, "route": flight.route, "channel": flight.channel}
        return self._ledger.append(Entry(_UPSTREAM_FAILED, flight.id, fields))

    def refused(self, flight: Flight, reason: str, status: int) -> None:
        """A request that was not served. Never raises, never waits."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= REFUSALS_PER_SECOND:
            self._left_out += 1
            return
        self._written += 1
        fields: dict[str, object] = {"reason": reason, "status": status, "channel": flight.channel}
        if self._left_out:
            fields["left_out"], self._left_out = self._left_out, 0
        self._begin(Entry(_REQUEST_REFUSED, flight.id, fields))

    def unavailable(self, flight: Flight, guard: str, reason: str) -> None:
        """A guard could not run; at most once a minute for each. Never raises, never waits."""
        now = time.monotonic()
        if now - self._told.get(guard, float("-inf")) < TELL_AGAIN:
            return
        self._told[guard] = now
        self._begin(Entry(Event.GUARD_UNAVAILABLE, flight.id, {"guard": guard, "reason": reason}))

    def note(self, entry: Entry) -> None:
        """Any other entry. Never raises, never waits."""
        self._begin(entry)

    def _judgement(self, flight: Flight, verdict: Verdict, took: float) -> dict[str, object]:
        """What the entry of a verdict says. ``took``: our own seconds for the request so far."""
        fields: dict[str, object] = {
            "channel": flight.channel,
            "route": flight.route,
            "action": verdict.action.label,
            "policy": verdict.policy,
            "took_us": int(took * 1_000_000),
        }
        if verdict.ran:
            fields["guards"] = self._sets.get(verdict.ran) or self._tell(verdict.ran)
        if verdict.would is not verdict.action:
            fields["would"] = verdict.would.label
        if verdict.rule:
            fields["rule"] = verdict.rule
        if verdict.decisions:
            rules = dict.fromkeys(decision.finding.rule for decision in verdict.decisions)
            fields["findings"] = len(verdict.decisions)
            fields["rules"] = list(rules)[:MAX_RULES]
        if verdict.unavailable:
            fields["unavailable"] = [outcome.guard for outcome in verdict.unavailable][:MAX_RULES]
        if verdict.scores:
            told = [f"{name}={score:.3f}" for name, score in verdict.scores if score >= LEAST_SCORE]
            if told:
                fields["scores"] = told[:MAX_RULES]
        return fields

    def _tell(self, guards: tuple[str, ...]) -> str:
        """The digest of a set of guards, which is put on record. What could not be written is told again."""
        name = sha256("\n".join(guards).encode()).hexdigest()[:16]
        writing = self._begin(Entry(_GUARDS_RAN, "", {"set": name, "guards": list(guards)}))
        if writing is not None:
            if len(self._sets) >= MAX_SETS:
                self._sets.clear()
            self._sets[guards] = name
            writing.add_done_callback(partial(self._told_or_not, guards))
        return name

    def _told_or_not(self, guards: tuple[str, ...], writing: asyncio.Future[Any]) -> None:
        if writing.cancelled() or writing.exception() is not None:
            self._sets.pop(guards, None)

    def _begin(self, entry: Entry) -> asyncio.Future[Any] | None:
        try:
            return self.later(self._ledger.append(entry))
        except (StoreError, ValueError) as error:
            _log.warning("%s %s not recorded: %s", entry.exchange, entry.event, type(error).__name__)
            return None

    def later(self, writing: Awaitable[object]) -> asyncio.Future[Any]:
        """Lets ``writing`` end by itself; its failure is logged."""
        future = asyncio.ensure_future(writing)
        self._pending.add(future)
        future.add_done_callback(self._written_later)
        return future

    def _written_later(self, future: asyncio.Future[Any]) -> None:
        self._pending.discard(future)
        if not future.cancelled() and (error := future.exception()) is not None:
            _log.warning("an entry was not recorded: %s", type(error).__name__)


def _traced(flight: Flight) -> dict[str, object]:
    """The caller's trace, where there is one: our own is known from the request's id."""
    span = flight.trace
    return {"trace": span.trace, "parent": span.parent} if span.parent else {}
