"""Cumulative sums: a small change of level that lasts (Page, Biometrika 41, 1954).

``up`` grows by what a standardised value is above ``drift``, and never falls below zero; ``down`` is the same for
falls. Either above ``limit`` is a change. A value counts at most ``most`` either way, so that one wild value is no
change of level. O(1) a value, no I/O, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Cusum:
    """Units are standard deviations. After a change the sums begin anew."""

    drift: float = 0.5
    limit: float = 8.0
    most: float = 4.0
    up: float = 0.0
    down: float = 0.0

    def add(self, value: float) -> bool:
        """One standardised value; whether the level has changed."""
        self.up = stepped(self.up, value, self.drift, self.most)
        self.down = stepped(self.down, -value, self.drift, self.most)
        if max(self.up, self.down) <= self.limit:
            return False
        self.up = self.down = 0.0
        return True


def stepped(total: float, value: float, drift: float, most: float) -> float:
    """The sum after one more value."""
    return max(0.0, total + min(max(value, -most), most) - drift)
