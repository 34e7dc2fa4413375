"""Looking through stored conversations for links that are listed now, and were not when they came.

What is read is the masked text, as everybody reads it: no reveal, no reason, nobody's values. What is told names the
conversation, the turn and the source, and quotes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, nextafter
from typing import Final

from chatward.core.indicators import IndicatorKind, Indicators, NoIndicators, Sighting
from chatward.core.values import Exchange, Moment, Part, Severity
from chatward.guards.links.intel import IntelGuard
from chatward.stores.conversations import ConversationStore, Listed

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Hunted:
    """A listed link in a stored turn. ``at``: seconds since 1970 UTC; ``said`` is who wrote it."""

    tenant: str
    conversation: str
    subject: str
    turn: int
    at: float
    said: str
    rule: str
    confidence: float


@dataclass(slots=True)
class Count:
    """What was gone through; ``unread`` are turns that cannot be read any more."""

    conversations: int = 0
    turns: int = 0
    unread: int = 0


def hunt(
    store: ConversationStore, tenants: Sequence[str], indicators: Indicators, count: Count, *, least: float = 0.5
) -> Iterator[Hunted]:
    """Links with a confidence of ``least`` or more in all conversations of these tenants. They are not counted as
    sightings: a hunt tells of the past."""
    guard = IntelGuard(_Quiet(indicators))
    for tenant in tenants:
        for listed in _all(store, tenant):
            count.conversations += 1
            yield from _conversation(store, listed, guard, count, least)


def _all(store: ConversationStore, tenant: str) -> Iterator[Listed]:
    """Conversations, newest first; each once, also where more of them have the same last moment than a page holds."""
    before: float | None = None
    limit = _PAGE
    seen: set[str] = set()
    while True:
        page = store.listing(tenant, limit=limit, before=before)
        fresh = [one for one in page if one.id not in seen]
        yield from fresh
        if len(page) < limit:
            return
        seen.update(one.id for one in page)
        if fresh:
            before = nextafter(page[-1].last, inf)  # that moment again: others may share it
        else:
            limit *= 2


def _conversation(
    store: ConversationStore, listed: Listed, guard: IntelGuard, count: Count, least: float
) -> Iterator[Hunted]:
    after = 0
    while turns := store.read(listed.tenant, listed.id, after=after, limit=_PAGE):
        for turn in turns:
            after = turn.number
            count.turns += 1
            count.unread += turn.gone
            parts = tuple(Part(part.text, part.source, part.kind, name=part.name) for part in turn.parts)
            for finding in guard.inspect(Exchange("hunt", parts), Moment.INPUT, []):
                if finding.severity > Severity.INFO and finding.confidence >= least:
                    said = parts[finding.part].source.value
                    found = (turn.number, turn.at, said, finding.rule, finding.confidence)
                    yield Hunted(listed.tenant, listed.id, listed.subject, *found)


class _Quiet(NoIndicators):
    """Indicators that are asked, and note nothing; what is out of date is told by ``chatward intel status``."""

    empty = False

    def __init__(self, indicators: Indicators) -> None:
        self._indicators = indicators

    def look_up(self, kind: IndicatorKind, values: Sequence[str]) -> Sequence[Sighting]:
        return self._indicators.look_up(kind, values)
