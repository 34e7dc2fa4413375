"""How risky somebody is just now, by what this gateway itself has found of them: a band for policy (``context.risk``).

The rules:

1. What counts is what the ledger is told anyway: a refused message by the rule that refused it, a listed link in a
   message, a canary in a reply, a proof that failed. Each is worth points (``points``); one entry counts once, by its
   worst rule. Points fade by half in ``half_life`` seconds, so whoever stops is low again.
2. ``raised`` and ``high`` are bands from so many points on; below is ``low``. The band is read anew for every message
   and tool call, also inside an open stream (``identity.access``).
3. Rated are people and visitors. Behind a key of a program there may be many people, of whom one could shut out the
   others; nobody in particular is everybody. Of those nobody has said anything: ``unknown``, which is not low.
4. What a document or a tool's result tried to do is not its reader's fault: rules of indirect injection count nothing.
   Nor does a link that the bot wrote, or a message that was not refused.
5. In memory, ``most`` principals: of more, those are forgotten of whom nothing was heard the longest. Other processes
   and a restart hear of it by ``shared_risk``. It is a signal with an end, never a ban: disabling somebody is ``users``
   and ``keys``.

Another source (behaviour, bot score) calls ``add``.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from chatward.core.events import Event
from chatward.core.identity import Kind, Principal
from chatward.core.ports import Entry, Ledger

LOW: Final = "low"
RAISED: Final = "raised"
HIGH: Final = "high"
UNKNOWN: Final = "unknown"
RATED: Final = frozenset({Kind.PERSON, Kind.VISITOR})
"""Kinds of principals that stand for one person."""

REFUSED: Final = 1.0
"""Points of a refused message whose rule has none of its own."""
PROOF: Final = 1.5
"""Points of a proof that failed."""
_OF_REFUSED: Final = (
    ("text.injection/indirect", 0.0),
    ("text.hidden/", 0.0),
    ("text.injection/", 3.0),
    ("session.escalation/", 3.0),
)
_OF_MESSAGES: Final = (("links.intel/", 2.0),)
_OF_REPLIES: Final = (("text.leak/canary", 5.0),)
_REFUSED: Final = Event.MESSAGE_JUDGED.value
_SENT: Final = Event.UPSTREAM_INTENDED.value
_REPLIES: Final = frozenset({Event.REPLY_JUDGED.value, Event.REPLY_DELIVERED.value, Event.REPLY_ABORTED.value})
_PROOF_FAILED: Final = Event.STEP_UP_FAILED.value
_FLIGHTS: Final = 10_000
"""Requests under way whose principal is remembered for their reply."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Points from which on a band holds, and the seconds in which points fade by half."""

    raised: float = 4.0
    high: float = 10.0
    half_life: float = 600.0


@dataclass(frozen=True, slots=True)
class Rated:
    """How somebody stands: ``points`` as they are now, and what they are from (signal -> how often, not faded)."""

    band: str
    points: float
    signals: tuple[tuple[str, int], ...]


class _Kept:
    __slots__ = ("at", "points", "signals")

    def __init__(self, at: float) -> None:
        self.points = 0.0
        self.at = at
        self.signals: dict[str, int] = {}


class Risks:
    """Implements the rules above. May be asked and told from several threads. ``clock`` gives seconds of any origin;
    ``name`` says what a principal is called in memory. ``told`` hears of what is added: name, signal and points."""

    def __init__(
        self,
        bands: Bands = Bands(),
        *,
        most: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
        name: Callable[[str], str] = str,
    ) -> None:
        self._bands = bands
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._flights: OrderedDict[str, str] = OrderedDict()
        self._name = name
        self.told: Callable[[str, str, float], None] = lambda name, signal, points: None

    def __len__(self) -> int:
        return len(self._kept)

    def band(self, principal: Principal) -> str:
        """Implements ``identity.access.Risk``."""
        if principal.kind not in RATED:
            return UNKNOWN
        kept = self._kept.get(self._name(principal.id)) if self._kept else None
        return LOW if kept is None else self._band(self._points(kept))

    def rated(self, principal: str) -> Rated:
        """How somebody stands, for who has to explain it."""
        with self._lock:
            kept = self._kept.get(self._name(principal))
            if kept is None:
                return Rated(LOW, 0.0, ())
            points = self._points(kept)
            return Rated(self._band(points), round(points, 2), tuple(sorted(kept.signals.items())))

    def add(self, principal: str, signal: str, points: float) -> None:
        """Somebody did something. ``signal`` names it for ``rated``: a rule's id, or another fixed name."""
        if points <= 0 or not principal:
            return
        name = self._name(principal)
        self.join(name, signal, points)
        self.told(name, signal, points)

    def join(self, name: str, signal: str, points: float) -> None:
        """The same of who is called so, told by another process."""
        with self._lock:
            now = self._clock()
            kept = self._kept.get(name)
            if kept is None:
                kept = self._kept[name] = _Kept(now)
            kept.points, kept.at = self._points(kept) + points, now
            if signal in kept.signals or len(kept.signals) < 20:
                kept.signals[signal] = kept.signals.get(signal, 0) + 1
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def forget(self, principal: str) -> None:
        """Nothing is held against somebody any more."""
        with self._lock:
            self._kept.pop(self._name(principal), None)

    def entry(self, entry: Entry) -> None:
        """An entry of the ledger, of any kind. Never raises; microseconds."""
        event = entry.event
        if event.__class__ is not str:
            event = getattr(event, "value", event)
        fields = entry.fields
        if event in (_SENT, _REFUSED):
            principal = str(fields.get("principal", ""))
            if event == _SENT and entry.exchange:
                self._under_way(entry.exchange, principal)
            if event == _REFUSED or "rules" in fields:
                found = [(rule, _points_of(rule, _OF_MESSAGES)) for rule in _rules(fields)]
                if event == _REFUSED:
                    rule = str(fields.get("rule", ""))
                    found.append((rule or "refused", _points_of(rule, _OF_REFUSED, REFUSED)))
                self._count(principal, found)
        elif event in _REPLIES:
            with self._lock:
                principal = self._flights.pop(entry.exchange, "")
            if "rules" in fields:
                self._count(principal, [(rule, _points_of(rule, _OF_REPLIES)) for rule in _rules(fields)])
        elif event == _PROOF_FAILED:
            self.add(str(fields.get("principal", "")), "proof-failed", PROOF)

    def _under_way(self, exchange: str, principal: str) -> None:
        with self._lock:
            self._flights[exchange] = principal
            while len(self._flights) > _FLIGHTS:
                self._flights.popitem(last=False)

    def _count(self, principal: str, found: Iterable[tuple[str, float]]) -> None:
        rule, points = max(found, key=lambda one: one[1], default=("", 0.0))
        self.add(principal, rule, points)

    def _points(self, kept: _Kept) -> float:
        return float(kept.points * 0.5 ** (max(0.0, self._clock() - kept.at) / self._bands.half_life))

    def _band(self, points: float) -> str:
        return HIGH if points >= self._bands.high else RAISED if points >= self._bands.raised else LOW


class Watched:
    """A ledger whose entries ``watchers`` see as they are appended; all else is the ledger's. They neither wait nor
    raise."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.watchers: list[Callable[[Entry], None]] = []

    def append(self, entry: Entry) -> Awaitable[None]:
        writing = self._ledger.append(entry)
        for watcher in self.watchers:
            watcher(entry)
        return writing

    async def aclose(self) -> None:
        await self._ledger.aclose()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


def _rules(fields: Any) -> list[str]:
    rules = fields.get("rules", ())
    return [rule for rule in rules if isinstance(rule, str)] if isinstance(rules, (list, tuple)) else []


def _points_of(rule: str, table: tuple[tuple[str, float], ...], otherwise: float = 0.0) -> float:
    """Of the first prefix that fits."""
    return next((points for prefix, points in table if rule.startswith(prefix)), otherwise)
