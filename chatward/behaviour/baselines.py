"""What is usual for one entity, and what is not: windows of time, looked at against its own past and its peers'.

The rules:

1. A message counts for its principal, its address block, its bot and its tenant. What each did in a window (``width``
   seconds) is a vector of ``values.FEATURES``; counts are looked at as they grow, the rest at the window's end.
2. A baseline is of windows with messages, by their logarithm: mean and variance, and by hour of the week what differs
   from the mean. It fades by half in ``half_life`` seconds without messages; as it fades, the peers' takes its place,
   which is also where a newcomer begins (``PEERS``).
3. How far from a baseline is too far is what the peers' tails say (``peers``): a probability, ``risk``. No alert of
   few: ``LEAST`` of a count.
4. A window teaches at most ``CLIPPED`` deviations, so a burst does not become usual at once; what lasts does. A window
   with an alert teaches the peers nothing.
5. An entity and feature raise one alert in a window.

O(1) a message. No I/O and no clock: time is that of the observations, and one that comes late counts for the window
under way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.behaviour.cusum import stepped
from chatward.behaviour.peers import Peers
from chatward.behaviour.rows import HOURS, Rows
from chatward.behaviour.series import Series
from chatward.behaviour.values import COUNTS, FEATURES, FORMS, Deviation

Floats = NDArray[np.float64]
PEERS: Final = 6.0
"""Windows of one's own that weigh as much as the peers."""
CLIPPED: Final = 3.0
LEAST: Final = np.array([10.0, 3.0, 4.0, 4.0, 3.0])
"""Counts below these are never extreme, by ``COUNTS``."""
_FLOOR: Final = np.array([0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4, 0.08, 1.0])
"""Standard deviations that are taken at least."""
_LONGEST: Final = 256.0
_SLOWEST: Final = 1 / 64
_BIT: Final = np.uint64(1)
_DRIFT: Final = 1.0
_SHIFTED: Final = 8.0
_SHIFTS: Final = ("messages", "refused", "flagged")
_N: Final = len(COUNTS)
_REFUSED: Final = COUNTS.index("refused")
_SHARED: Final = frozenset(FORMS.index(form) * 16 + kind for form in ("bot", "tenant") for kind in range(16))
"""Groups of what many share."""
_HOUR: Final = FEATURES.index("hour")
_TOPIC: Final = FEATURES.index("topic")
EVIDENCE: Final = 5
_SERIES: Final = 2_000
_RECORD: Final = 0.1
_SEEN: Final = 500
"""Windows of a bot or tenant before its volume can be a record."""


@dataclass(slots=True)
class Seen:
    """What one message adds to an entity: by ``COUNTS`` without sessions and novelty, and by ``MEANS``, which are
    ``None`` of one that nobody has read."""

    request: str
    at: float
    refused: bool
    flagged: bool
    session: int
    marks: int
    length: float | None
    duration: float | None
    topic: Floats | None = None


@dataclass(frozen=True, slots=True)
class Unusual:
    """``signal`` as in ``values.Alert``."""

    signal: str
    deviations: tuple[Deviation, ...]
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Baselines:
    """All entities. ``groups`` by number: the form times 16 and the kind. ``width`` and ``half_life`` in seconds."""

    rows: Rows
    risk: float = 1e-5
    width: float = 300.0
    half_life: float = 14 * 86_400.0
    groups: dict[int, Peers] = field(default_factory=dict)
    series: dict[bytes, Series] = field(default_factory=dict)
    """The volume of bots and tenants over time."""
    _requests: dict[bytes, list[str]] = field(default_factory=dict)

    def add(self, entity: bytes, group: int, seen: Seen) -> list[Unusual]:
        """One message of an entity; what is unusual about it, by now."""
        at, new = self.rows.place(entity)
        row = self.rows.array[at]
        window = int(seen.at // self.width)
        found: list[Unusual] = []
        if new:
            row["peers"] = group
            self._open(row, window)
        elif window > row["window"]:
            found = list(self._close(entity, row))
            self._fade(row, window)
            self._open(row, window)
        self._count(entity, row, seen)
        crossed = self._crossed(entity, row)
        return [*found, crossed] if crossed is not None else found

    def peers(self, group: int) -> Peers:
        peers = self.groups.get(group)
        if peers is None:
            peers = self.groups[group] = Peers(self.risk, many=group in _SHARED)
        return peers

    def forget(self, entity: bytes) -> bool:
        self._requests.pop(entity, None)
        return self.rows.forget(entity)

    def evict(self, now: float) -> int:
        """Takes out entities whose baseline has faded to nothing; how many."""
        before = int((now - 6 * self.half_life) // self.width)
        return sum(self.forget(entity) for entity in self.rows.faded(before))

    # --- a window

    def _expected(self, row: Any, hour: int) -> tuple[Floats, Floats, float]:
        """Mean and standard deviation of each feature, and how far the entity's own baseline counts."""
        peers = self.peers(int(row["peers"]))
        weight = float(row["weight"])
        own = weight / (weight + PEERS)
        mean = own * row["mean"].astype(np.float64) + (1 - own) * peers.mean
        between = own * (1 - own) * (row["mean"] - peers.mean) ** 2
        variance = own * row["variance"] + (1 - own) * peers.variance + between
        visited = float(row["visits"][hour])
        mean[0] += float(row["season"][hour]) * visited / (visited + 3)
        if int(row["peers"]) not in _SHARED:
            # Who is refused from the first message on is not used to it: at most three times the peers' share.
            share = math.expm1(float(peers.mean[_REFUSED])) / max(math.expm1(float(peers.mean[0])), 0.1)
            most = math.log1p(0.05 + 3 * share * math.expm1(max(float(mean[0]), 0.0)))
            mean[_REFUSED] = min(float(mean[_REFUSED]), most)
            variance[_REFUSED] = min(float(variance[_REFUSED]), max(float(peers.variance[_REFUSED]), 0.1))
        rate = np.expm1(np.maximum(mean[:_N], 0.0))
        variance[:_N] = np.maximum(
            variance[:_N], rate / (1 + rate) ** 2
        )  # counts vary by chance (delta method on log1p)
        return mean, np.sqrt(variance + _FLOOR**2), own

    def _open(self, row: Any, window: int) -> None:
        row["window"], row["raised"], row["sessions"] = window, 0, 0
        row["sums"] = 0.0
        mean, spread, _ = self._expected(row, self._hour(window))
        limits = np.expm1(mean[:_N] + self.peers(int(row["peers"])).thresholds[:_N] * spread[:_N])
        row["limits"] = np.maximum(np.minimum(limits, 1e9), LEAST - 0.5)

    def _count(self, entity: bytes, row: Any, seen: Seen) -> None:
        sums = row["sums"]
        sums[0] += 1
        sums[1] += seen.refused
        sums[2] += seen.flagged
        bit = _BIT << np.uint64(seen.session & 63)
        if not row["sessions"] & bit:
            row["sessions"] |= bit
            sums[3] += 1
        fresh = np.uint64(seen.marks) & ~row["known"]
        if fresh:
            row["known"] |= fresh
            sums[4] += int(fresh).bit_count()
        # What nobody read says nothing of how long they are: it counts as usual.
        sums[5] += float(row["mean"][5]) if seen.length is None else seen.length
        sums[6] += float(row["mean"][6]) if seen.duration is None else seen.duration
        if seen.topic is not None:
            centre = row["topic"].astype(np.float64)
            norm = float(np.linalg.norm(centre))
            sums[_TOPIC] += (1 - float(centre @ seen.topic) / norm) if norm > 1e-3 else 0.0
            row["topic"] = centre + max(1 / (float(row["seen"]) + 1), 0.02) * (seen.topic - centre)
        row["seen"] += 1
        kept = self._requests.setdefault(entity, [])
        kept.append(seen.request)
        del kept[:-EVIDENCE]

    def _crossed(self, entity: bytes, row: Any) -> Unusual | None:
        """Counts that have just become extreme."""
        sums, limits = row["sums"], row["limits"]
        over = [at for at in range(_N) if sums[at] > limits[at] and not int(row["raised"]) >> at & 1]
        if not over:
            return None
        for at in over:
            row["raised"] |= 1 << at
        values, _ = self._values(row)
        mean, spread, own = self._expected(row, self._hour(int(row["window"])))
        told = self._told(row, values, mean, spread, own, over)
        return Unusual("extreme", told, tuple(self._requests.get(entity, ())))

    def _values(self, row: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """The vector of the window, and which features it has."""
        sums = row["sums"].astype(np.float64)
        count = max(sums[0], 1.0)
        values = np.concatenate([np.log1p(sums[:_N]), sums[_N:] / count])
        known = np.ones(values.size, np.bool_)
        known[_TOPIC] = bool(row["topic"].any()) and row["weight"] >= 1
        known[_HOUR] = row["weight"] >= 4 * PEERS and int(row["peers"]) not in _SHARED
        if known[_HOUR]:
            visits = row["visits"].astype(np.float64)
            values[_HOUR] = self.peers(int(row["peers"])).surprise(visits, self._hour(int(row["window"])))
        return values, known

    def _close(self, entity: bytes, row: Any) -> Iterator[Unusual]:
        peers, hour = self.peers(int(row["peers"])), self._hour(int(row["window"]))
        values, known = self._values(row)
        mean, spread, own = self._expected(row, hour)
        scores = np.where(known, (values - mean) / spread, 0.0)
        extreme = peers.extreme(scores, known)
        extreme[:_N] = False  # told as they grew
        evidence = tuple(self._requests.pop(entity, ()))
        over = np.flatnonzero(extreme).tolist()
        if over:
            yield Unusual("extreme", self._told(row, values, mean, spread, own, over), evidence)
        odd = peers.odd(scores)
        if odd and not over and not row["raised"] and values[0] > math.log1p(3):
            most = np.argsort(-scores)[:3].tolist()
            yield Unusual("odd", self._told(row, values, mean, spread, own, most), evidence)
        shifted = self._drifted(row, scores)
        if shifted and not row["raised"]:
            yield Unusual("shift", self._told(row, values, mean, spread, own, shifted), evidence)
        if int(row["peers"]) in _SHARED and self._record(entity, row, float(values[0])) and not row["raised"]:
            yield Unusual("record", self._told(row, values, mean, spread, own, [0]), evidence)
        clipped = np.where(known, mean + np.clip(scores, -CLIPPED, CLIPPED) * spread, mean)
        if not (over or odd or shifted or row["raised"]):
            peers.learn(clipped, known, hour)
        self._learn(row, clipped, known, hour)

    def _record(self, entity: bytes, row: Any, value: float) -> bool:
        """Whether a bot's or tenant's volume goes beyond all it has done, given the hour (``series``)."""
        series = self.series.get(entity)
        if series is None:
            if len(self.series) >= _SERIES:
                return False
            series = self.series[entity] = Series()
        score = series.add(int(row["window"]) * self.width, value)
        return score > _RECORD and series.seen > _SEEN

    @staticmethod
    def _drifted(row: Any, scores: Floats) -> list[int]:
        """Counts whose level has changed (``cusum``)."""
        found = []
        for name in _SHIFTS:
            at = COUNTS.index(name)
            total = stepped(float(row["drift"][at]), float(scores[at]), _DRIFT, CLIPPED)
            lasting = name == "refused" or row["weight"] >= 2 * PEERS
            if total > _SHIFTED and lasting and row["sums"][at] >= LEAST[at] / 2:
                found.append(at)
                total = 0.0
            row["drift"][at] = total
        return found

    @staticmethod
    def _learn(row: Any, values: Floats, known: NDArray[np.bool_], hour: int) -> None:
        weight = float(row["weight"])
        rate = max(1 / (weight + 1), _SLOWEST)
        off = np.where(known, values - row["mean"], 0.0)
        row["mean"] += rate * off
        row["variance"] += rate * np.where(known, off * (values - row["mean"]) - row["variance"], 0.0)
        season = float(row["season"][hour])
        row["season"][hour] = season + 0.2 * (values[0] - float(row["mean"][0]) - season)
        row["visits"][hour] += 1
        if row["visits"][hour] > 500:
            row["visits"] *= np.float16(0.5)
        row["weight"] = min(weight + 1, _LONGEST)

    def _fade(self, row: Any, window: int) -> None:
        """What was learnt counts less after silence."""
        silent = (window - int(row["window"]) - 1) * self.width
        if silent > 0:
            left = 0.5 ** (silent / self.half_life)
            row["weight"] *= left
            row["drift"] *= 0.5 ** (silent / 3600)
            if left < 0.9:
                row["visits"] *= np.float16(left)

    def _told(
        self, row: Any, values: Floats, mean: Floats, spread: Floats, own: float, which: list[int]
    ) -> tuple[Deviation, ...]:
        thresholds = self.peers(int(row["peers"])).thresholds
        return tuple(
            Deviation(
                FEATURES[at],
                round(_unit(at, float(values[at])), 3),
                round(_unit(at, float(mean[at])), 3),
                round(float((values[at] - mean[at]) / spread[at]), 2),
                round(float(thresholds[at]), 2),
                round(float(row["weight"]), 1),
                round(own, 3),
            )
            for at in which
        )

    def _hour(self, window: int) -> int:
        """Of the week, 0 being Monday's first (UTC). 1 January 1970 was a Thursday."""
        return int((window * self.width // 3600 + 72) % HOURS)


def _unit(at: int, value: float) -> float:
    """A feature as people count it."""
    return math.expm1(value) if at < _N or FEATURES[at] in {"length", "duration"} else value


def group_of(form: str, kind: str) -> int:
    """The number of the group of entities of one form, and principals of one kind. At most 255."""
    kinds = ("", "anonymous", "visitor", "service", "person", "operator")
    return FORMS.index(form) * 16 + (kinds.index(kind) if kind in kinds else 0)
