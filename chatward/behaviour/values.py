"""What behaviour says: features, alerts, and what an alert rests on. Nothing here holds text that anybody wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COUNTS: Final = ("messages", "refused", "flagged", "sessions", "novelty")
"""Features that are counted within a window, and so may raise an alert in the middle of it. ``novelty``: tools and
rules that were never seen of the entity."""
MEANS: Final = ("length", "duration", "topic", "hour")
"""Features that are known at the end of a window. ``length`` and ``duration`` are logarithms of code points and
milliseconds, ``topic`` is how far from its usual words, ``hour`` how many bits of surprise the hour of the week is."""
FEATURES: Final = (*COUNTS, *MEANS)
FORMS: Final = ("principal", "address", "bot", "tenant")
"""What an entity is."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One feature as it was, and as was expected: ``value`` and ``expected`` in the feature's own unit (counts are
    counts), ``score`` in standard deviations, and the score from which on it is extreme. ``windows``: how many windows
    the entity's own baseline rests on, ``own`` how far that counts against its peers' (0..1)."""

    feature: str
    value: float
    expected: float
    score: float
    threshold: float
    windows: float
    own: float


@dataclass(frozen=True, slots=True)
class Alert:
    """Something unusual of one entity. ``signal``: ``extreme`` (one feature), ``shift`` (a small change that lasts),
    ``odd`` (an unusual mixture), ``duplicates`` (one text from many), ``again`` (a refusal of who is in an incident),
    ``record`` (a volume beyond all before, given the hour).
    ``evidence``: ids of requests, newest last. ``keys``: what it may have in common with others, as keyed digests."""

    at: float
    tenant: str
    form: str
    entity: str
    bot: str
    signal: str
    deviations: tuple[Deviation, ...]
    evidence: tuple[str, ...]
    points: float = 1.0
    keys: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(one.feature for one in self.deviations)
