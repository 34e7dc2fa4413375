"""One incident: what is in it, and how two processes come to the same of it.

The rule: joining two states of an incident loses nothing, and in whatever order and however often it is done, the
result is the same. So sets are united, the larger of two numbers is taken, and alerts are counted by the process that
raised them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST: Final = 2_000
"""Conversations, entities, blocks, keys that are told apart."""
_EVIDENCE: Final = 20
_KEYS: Final = 200


@dataclass(slots=True)
class Incident:
    """``size`` is the conversations in it, ``told`` its size when it was last told. ``suppressed``: scope and end.
    ``counts``: alerts by process and signal. ``blocks`` are those seen here, and there were at least ``least``."""

    id: str
    opened: float
    heard: float
    tenant: str
    keys: dict[str, None] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    told: int = 0
    sessions: dict[int, None] = field(default_factory=dict)
    entities: dict[tuple[str, str], None] = field(default_factory=dict)
    blocks: dict[int, None] = field(default_factory=dict)
    least: int = 0
    bots: dict[str, None] = field(default_factory=dict)
    because: dict[str, float] = field(default_factory=dict)
    evidence: deque[str] = field(default_factory=lambda: deque(maxlen=_EVIDENCE))
    texts: dict[str, list[int]] = field(default_factory=dict)
    suppressed: tuple[float, float] | None = None
    changed: bool = True

    @property
    def size(self) -> int:
        return max(len(self.sessions), len(self.entities))

    @property
    def signals(self) -> Counter[str]:
        """Alerts by signal."""
        return sum(self.counts.values(), Counter())

    @property
    def alerts(self) -> int:
        return sum(count.total() for count in self.counts.values())

    @property
    def networks(self) -> int:
        """Address blocks, at least."""
        return max(len(self.blocks), self.least)

    def state(self) -> dict[str, Any]:
        """Plain data, as it is stored and shown. Keys and signatures are keyed digests."""
        return {
            "tenant": self.tenant,
            "alerts": self.alerts,
            "size": self.size,
            "entities": len(self.entities),
            "blocks": self.networks,
            "bots": list(self.bots),
            "signals": dict(self.signals),
            "counts": {process: dict(count) for process, count in self.counts.items()},
            "because": self.because,
            "evidence": list(self.evidence),
            "told": self.told,
            "keys": list(self.keys)[:_KEYS],
            "texts": self.texts,
            "sessions": list(self.sessions),
        }

    def join(self, other: Incident) -> bool:
        """Takes in what ``other`` has; whether this has alerts that ``other`` had not heard of."""
        self.opened = min(self.opened, other.opened)
        self.heard = max(self.heard, other.heard)
        more = self.told > other.told
        self.told = max(self.told, other.told)
        self.least = max(self.networks, other.networks)
        for process, count in other.counts.items():
            self.counts[process] = self.counts.get(process, Counter()) | count
        more |= any(count - other.counts.get(process, Counter()) for process, count in self.counts.items())
        _unite(self.keys, other.keys)
        _unite(self.sessions, other.sessions)
        _unite(self.entities, other.entities)
        self.bots |= other.bots
        self.because = other.because | self.because
        self.texts = other.texts | self.texts
        self.evidence.extend(one for one in other.evidence if one not in self.evidence)
        return more


def _unite(mine: dict[Any, None], others: Iterable[Any]) -> None:
    for one in others:
        if len(mine) >= MOST:
            return
        mine[one] = None


def restored(told: Mapping[str, Any], members: Iterable[str]) -> Incident:
    """An incident as it was stored (``state``, with id and times), with its entities."""
    one = Incident(told["id"], told["opened"], told["heard"], told["tenant"], changed=False)
    counts = told.get("counts", {"": told["signals"]})
    one.counts = {process: Counter(count) for process, count in counts.items()}
    one.told, one.because, one.least = told["told"], dict(told["because"]), told["blocks"]
    one.keys, one.bots = dict.fromkeys(told["keys"]), dict.fromkeys(told["bots"])
    one.sessions, one.texts = dict.fromkeys(told["sessions"]), dict(told["texts"])
    one.evidence.extend(told["evidence"])
    one.entities = {(told["tenant"], entity): None for entity in members}
    return one
