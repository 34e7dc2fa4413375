"""The generic cell rate algorithm, and what a limit is in its terms.

GCRA (ITU-T I.371, "virtual scheduling") needs one number for each key: the theoretical arrival time, at which all
that was taken is paid for. Taking ``n`` units moves it by ``n`` intervals; it may lie at most ``most`` ahead of now. So
in any ``t`` seconds at most ``burst + rate * t`` units pass, and nothing has to be filled up or cleared at the turn of
a period.

Times are microseconds since ``EPOCH``, in doubles: each is exact to ``ROUNDING``, here and in the script of the shared
store. A limit is wider by what a whole burst may be rounded by, so that all of it passes: by a thousandth at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeVar

EPOCH: Final = 1_735_689_600
"""Seconds since 1970 at which time begins here (2025)."""
MICROSECONDS: Final = 1e6
ROUNDING: Final = 2**-7
"""Microseconds between two doubles, until 2027; twice that until 2029, four times until 2033."""

Number = TypeVar("Number", float, Fraction)


def take(at: Number, now: Number, cost: Number, most: Number) -> tuple[bool, Number]:
    """Whether ``cost`` passes, and the arrival time if it does. A cost below zero gives back; what has been paid for by
    the passing of time is not given back again. A pure function."""
    new = (at if at > now else now) + cost
    return new - now <= most, new


@dataclass(frozen=True, slots=True)
class Rate:
    """``rate`` units in ``period`` seconds, and ``burst`` of them at once. Units need not be whole."""

    rate: float
    period: float
    burst: float

    @property
    def interval(self) -> float:
        """Microseconds of one unit."""
        return self.period * MICROSECONDS / self.rate

    @property
    def most(self) -> float:
        """Microseconds that the arrival time may lie ahead."""
        exact = self.burst * self.interval
        return exact + min(0.5 + 4 * ROUNDING * self.burst, 0.5 + exact / 1000)

    def cost(self, units: float) -> float:
        """Of more than the burst, which could never pass, the burst is taken; the rest is settled afterwards."""
        return min(units, self.burst) * self.interval
