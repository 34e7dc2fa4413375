"""A quantile of a stream in five numbers: the P-square algorithm (Jain and Chlamtac, CACM 28(10), 1985).

The markers stand at the least, half-way to the quantile, the quantile, half-way from it, and the greatest. Each value
moves their counts by one and, where a marker is more than one place off, its height by a parabola through its
neighbours, or a line where the parabola would leave their order. O(1) a value, no I/O, no clock.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence


class Quantile:
    """The ``share`` quantile (0..1) of what was added. ``state`` is plain data, taken back by ``of``."""

    __slots__ = ("_heights", "_places", "_wanted", "count", "share")

    def __init__(self, share: float) -> None:
        if not 0.0 < share < 1.0:
            raise ValueError("a quantile is between 0 and 1")
        self.share = share
        self.count = 0
        self._heights: list[float] = []
        self._places = [1.0, 2.0, 3.0, 4.0, 5.0]
        self._wanted = [1.0, 1 + 2 * share, 1 + 4 * share, 3 + 2 * share, 5.0]

    @classmethod
    def of(cls, state: Sequence[object]) -> Quantile:
        share, count, heights, places, wanted = state
        made = cls(share)  # type: ignore[arg-type]
        made.count = count  # type: ignore[assignment]
        made._heights, made._places, made._wanted = list(heights), list(places), list(wanted)  # type: ignore[call-overload]
        return made

    @property
    def state(self) -> tuple[float, int, list[float], list[float], list[float]]:
        return self.share, self.count, list(self._heights), list(self._places), list(self._wanted)

    @property
    def value(self) -> float:
        """The estimate; exact up to five values, 0 of nothing."""
        heights = self._heights
        if not heights:
            return 0.0
        return heights[2] if self.count > 5 else heights[round(self.share * (len(heights) - 1))]

    def add(self, value: float) -> None:
        self.count += 1
        heights, places = self._heights, self._places
        if self.count <= 5:
            insort(heights, value)
            return
        if value < heights[0]:
            heights[0], cell = value, 0
        elif value >= heights[4]:
            heights[4], cell = value, 3
        else:
            cell = next(place for place in range(4) if value < heights[place + 1])
        for place in range(cell + 1, 5):
            places[place] += 1
        wanted, share = self._wanted, self.share
        for place, step in enumerate((0.0, share / 2, share, (1 + share) / 2, 1.0)):
            wanted[place] += step
        for place in (1, 2, 3):
            off = wanted[place] - places[place]
            if (off >= 1 and places[place + 1] - places[place] > 1) or (
                off <= -1 and places[place - 1] - places[place] < -1
            ):
                self._move(place, 1 if off > 0 else -1)

    def _move(self, place: int, way: int) -> None:
        q, n = self._heights, self._places
        before, here, after = n[place - 1], n[place], n[place + 1]
        moved = q[place] + way / (after - before) * (
            (here - before + way) * (q[place + 1] - q[place]) / (after - here)
            + (after - here - way) * (q[place] - q[place - 1]) / (here - before)
        )
        if not q[place - 1] < moved < q[place + 1]:
            moved = q[place] + way * (q[place + way] - q[place]) / (n[place + way] - here)
        q[place] = moved
        n[place] += way
