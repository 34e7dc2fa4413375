"""One number over time: how far it goes beyond all that it has done before, given the hour.

The rules:

1. What is usual at this time is the mean of two profiles, by half hour of the day and of the week, which move by
   ``RATE`` (the week's by twice that) at every visit. Before a half hour was visited, the profile is the number's own
   slow mean.
2. What is looked at is the number, and how far it is from the profile, smoothed over ``SCALES``: a spike shows in the
   first, a level or a rhythm that has changed in the others.
3. Each of these has a range in which it has been (``Record``). The score is by how much of that range the one that is
   furthest out goes beyond it: 0 within. A range forgets by ``FORGETS`` a point, so what was once extreme may be so
   again. Records become rare by themselves, without a distribution being presumed.
4. After a score, only higher ones count for the next ``QUIET`` of the points seen so far: one event is told once.

O(1) a point, no I/O, no clock: ``at`` is seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

RATE: Final = 0.1
SCALES: Final = (8, 32)
FORGETS: Final = 1e-4
QUIET: Final = 0.03
FIRST: Final = 50
"""Points before anything is said."""
_HALF_HOUR: Final = 1800
_DAY: Final = 48
_WEEK: Final = 336
_SLOW: Final = 30


class Record:
    """The range that a number has been in, which shrinks slowly to its middle."""

    __slots__ = ("high", "low", "seen")

    def __init__(self) -> None:
        self.low = self.high = 0.0
        self.seen = 0

    def beyond(self, value: float) -> float:
        """Takes a value; by how much of the range so far it is outside."""
        if not self.seen:
            self.low = self.high = value
        width = self.high - self.low
        out = 0.0
        if self.seen > FIRST and width > 0:
            out = max(value - self.high, self.low - value, 0.0) / width
        self.seen += 1
        self.high, self.low = max(self.high, value), min(self.low, value)
        shrink = (self.high - self.low) / 2 * FORGETS
        self.high -= shrink
        self.low += shrink
        return out


class Series:
    """One number's past."""

    __slots__ = ("_day", "_held", "_held_at", "_records", "_slow", "_smooth", "_week", "seen")

    def __init__(self) -> None:
        self._day: list[float | None] = [None] * _DAY
        self._week: list[float | None] = [None] * _WEEK
        self._smooth = [0.0] * len(SCALES)
        self._records = [Record() for _ in range(1 + len(SCALES))]
        self._slow = 0.0
        self._held = 0.0
        self._held_at = 0
        self.seen = 0

    def state(self) -> list[Any]:
        """Plain data, for ``restore``."""
        ranges = [[one.low, one.high, one.seen] for one in self._records]
        return [self._day, self._week, self._smooth, ranges, self._slow, self._held, self._held_at, self.seen]

    def restore(self, state: Sequence[Any]) -> None:
        day, week, smooth, ranges, self._slow, self._held, self._held_at, self.seen = state
        self._day, self._week, self._smooth = list(day), list(week), list(smooth)
        for record, (low, high, seen) in zip(self._records, ranges, strict=True):
            record.low, record.high, record.seen = low, high, seen

    def add(self, at: float, value: float) -> float:
        """One point; its score, 0 where it is within what was."""
        if not self.seen:
            self._slow = value
        half = int(at // _HALF_HOUR)
        # 1 January 1970 was a Thursday: the week's first half hour is Monday's.
        day, week = half % _DAY, (half + 3 * _DAY) % _WEEK
        known, of_week = self._day[day], self._week[week]
        of_day = self._slow if known is None else known
        usual = (of_day + (of_day if of_week is None else of_week)) / 2
        score = self._records[0].beyond(value)
        for place, scale in enumerate(SCALES):
            self._smooth[place] += (value - usual - self._smooth[place]) / scale
            score = max(score, self._records[place + 1].beyond(self._smooth[place]))
        self._slow += (value - self._slow) / _SLOW
        self._day[day] = value if known is None else known + RATE * (value - known)
        self._week[week] = value if of_week is None else of_week + 2 * RATE * (value - of_week)
        if self.seen - self._held_at > QUIET * self.seen:
            self._held = 0.0
        self.seen += 1
        if score <= self._held:
            return 0.0
        self._held, self._held_at = score, self.seen - 1
        return score
