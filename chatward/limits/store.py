"""What counts: the port between the limiter and the two stores, and what goes over it.

The rules that every store keeps (``tests/limits/test_stores.py`` asks both):

1. ``take`` is atomic over all its charges: all are taken, or none is.
2. ``add`` asks nothing: it books what was really used, which may be less (below zero) or more than a limit has.
3. A lease that nobody ends is over after its life. Ending it twice, or one that is over, does nothing.
4. A key that is as if nobody had ever asked takes no memory for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chatward.core.errors import ChatwardError


@dataclass(slots=True)
class Charge:
    """Something to be taken from one key. Of a rate: ``cost`` and ``most`` in microseconds (``gcra``). Of leases
    (``lease``): one more, of at most ``most``, for ``life`` microseconds."""

    key: str
    cost: float
    most: float
    lease: bool = False
    life: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """``levels``: where each charge's key stands with this taken: microseconds ahead, or leases. A charge whose level
    is above its ``most`` is why ``taken`` is false; then the levels are what they would have been. ``waits``: of leases
    that are all given out, microseconds until the first of them is over by itself; else 0."""

    taken: bool
    levels: Sequence[float]
    waits: Sequence[float]


class LimitsUnavailable(ChatwardError):
    """The store of the limits does not answer, and settings say that nobody is let in then."""

    status = 503
    reason = "limits-unavailable"

    def __init__(self) -> None:
        super().__init__("How much you may ask cannot be looked up now; try again in a moment.")


class StoreDown(Exception):
    """The store did not answer, or not in time. Says nothing of what it did."""


class Store(Protocol):
    """Raises ``StoreDown`` only."""

    async def take(self, charges: Sequence[Charge], lease: str) -> Outcome: ...

    async def add(self, charges: Sequence[Charge]) -> None:
        """Costs of rates, without asking."""
        ...

    async def end(self, keys: Sequence[str], lease: str) -> None: ...

    async def aclose(self) -> None: ...
