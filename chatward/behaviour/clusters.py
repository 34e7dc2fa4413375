"""Texts that many send: clusters of near-duplicates over conversations, and what is suspicious about one.

The rules:

1. A text joins the cluster that it shares a band with (``signatures``) and is at least ``ALIKE`` to; else it founds
   one. Tenants are kept apart. At most ``most`` clusters are kept, those heard of the longest ago go first; counts fade
   by half in ``half_life`` seconds.
2. That many people ask the same is no campaign: questions are popular, and when something breaks all ask at once. So
   spread alone is never suspicious. ``suspicion`` adds up what is: refusals of it, messages written faster than anybody
   types, senders who are unusual themselves, one cadence over many conversations, many newcomers of few addresses.
3. In memory there are signatures, counts, and hashes of who sent it. No text.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from chatward.behaviour.signatures import Signature, alike, bands

ALIKE: Final = 0.3
SUSPICIOUS: Final = 2.0
_CHANCE: Final = 1e-4
"""How probable by chance what is suspicious may be: there are many texts."""
_KEPT: Final = 512
"""Hashes of conversations, senders and address blocks that a cluster remembers of each."""


@dataclass(slots=True)
class Sent:
    """One message as clusters see it: hashes of who sent it where, and what was remarkable about it."""

    at: float
    session: int
    sender: int
    block: int
    refused: bool = False
    fast: bool = False
    fresh: bool = False
    unusual: bool = False


@dataclass(slots=True)
class Cluster:
    """Near-duplicates. Counts fade."""

    id: str
    tenant: str
    signature: Signature
    at: float
    messages: float = 0.0
    refused: float = 0.0
    fast: float = 0.0
    fresh: float = 0.0
    unusual: float = 0.0
    gap: float = 0.0
    gap_squared: float = 0.0
    gaps: int = 0
    sessions: dict[int, None] = field(default_factory=dict)
    senders: dict[int, None] = field(default_factory=dict)
    blocks: dict[int, None] = field(default_factory=dict)

    @property
    def spread(self) -> int:
        """Conversations that it was seen in lately, ``_KEPT`` at most."""
        return len(self.sessions)

    def add(self, sent: Sent, half_life: float) -> None:
        silence = max(sent.at - self.at, 0.0)
        if silence > 4 * half_life:
            for seen in (self.sessions, self.senders, self.blocks):
                seen.clear()
            self.gaps = 0
        left = 0.5 ** (silence / half_life)
        self.messages = self.messages * left + 1
        self.refused = self.refused * left + sent.refused
        self.fast = self.fast * left + sent.fast
        self.fresh = self.fresh * left + sent.fresh
        self.unusual = self.unusual * left + sent.unusual
        if self.messages > 1 and sent.session not in self.sessions:
            rate = max(1 / (self.gaps + 1), 0.05)
            self.gap += rate * (silence - self.gap)
            self.gap_squared += rate * (silence * silence - self.gap_squared)
            self.gaps += 1
        self.at = max(self.at, sent.at)
        for seen, one in ((self.sessions, sent.session), (self.senders, sent.sender), (self.blocks, sent.block)):
            seen.pop(one, None)
            seen[one] = None
            if len(seen) > _KEPT:
                del seen[next(iter(seen))]

    def suspicion(self, usual_refused: float) -> dict[str, float]:
        """What is suspicious, with its weight. ``usual_refused``: the share of messages that are refused anyway."""
        found: dict[str, float] = {}
        count = max(self.messages, 1e-9)
        if _unlikely(self.refused, count * usual_refused) < _CHANCE:
            found["refused"] = 2.0
        if self.fast >= 4 and self.fast / count >= 0.5:
            found["fast"] = 1.5
        if self.unusual >= 2.5 and self.unusual / count >= 0.3:
            found["unusual"] = 1.0
        steady = self.gaps >= 10 and self.gap_squared - self.gap**2 < (0.5 * self.gap) ** 2
        if steady and len(self.senders) >= 5:
            found["steady"] = 1.0
        newcomers = self.fresh >= 5 and self.fresh / count >= 0.8
        if newcomers and len(self.senders) >= 8 and len(self.blocks) <= len(self.senders) / 5:
            found["newcomers"] = 1.0
        return found


class Clusters:
    """All clusters. ``half_life`` in seconds."""

    def __init__(self, most: int = 20_000, half_life: float = 2 * 86_400.0) -> None:
        self._most = most
        self._half_life = half_life
        self._all: OrderedDict[str, Cluster] = OrderedDict()
        self._places: dict[bytes, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._all)

    def add(self, tenant: str, signature: Signature, sent: Sent) -> Cluster:
        """Counts a text; its cluster."""
        keys = _keys(tenant, signature)
        found = self._find(keys, signature)
        if found is None:
            found = self._found(keys, tenant, signature, sent.at)
        else:
            self._all.move_to_end(found.id)
        found.add(sent, self._half_life)
        return found

    def restore(self, tenant: str, id: str, signature: Sequence[int], at: float) -> Cluster:
        """A cluster of an incident that began elsewhere, or before a restart."""
        if id in self._all:
            return self._all[id]
        values = np.array(signature, np.uint32)
        return self._found(_keys(tenant, values), tenant, values, at, id)

    def _find(self, keys: Sequence[bytes], signature: Signature) -> Cluster | None:
        best, likeness = None, ALIKE
        for id in dict.fromkeys(self._places[key] for key in keys if key in self._places):
            one = self._all[id]
            close = alike(one.signature, signature)
            if close >= likeness:
                best, likeness = one, close
        return best

    def _found(self, keys: Sequence[bytes], tenant: str, signature: Signature, at: float, id: str = "") -> Cluster:
        self._count += 1
        id = id or f"{signature[:4].tobytes().hex()}"
        while id in self._all:
            id = f"{id[:32]}-{self._count}"
        made = self._all[id] = Cluster(id, tenant, signature, at)
        for key in keys:
            self._places.setdefault(key, id)
        if len(self._all) > self._most:
            _, gone = self._all.popitem(last=False)
            for key in _keys(gone.tenant, gone.signature):
                if self._places.get(key) == gone.id:
                    del self._places[key]
        return made


def _unlikely(count: float, expected: float) -> float:
    """At most how probable ``count`` or more is of what is expected so often (Chernoff's bound for Poisson)."""
    if count <= expected:
        return 1.0
    return math.exp(-(count * math.log(count / expected) - count + expected))


def _keys(tenant: str, signature: Signature) -> list[bytes]:
    scope = tenant.encode("utf-8", "surrogatepass") + b"\0"
    return [scope + band for band in bands(signature)]
