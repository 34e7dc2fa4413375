"""Limits counted in this process. A check of one key takes about two microseconds.

The rule: at most ``most`` keys are remembered. Of more, those are forgotten that asked the longest ago: they begin
anew, which is what they would have come to in most cases anyway.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from chatward.limits.gcra import MICROSECONDS, take
from chatward.limits.store import Charge, Outcome

MOST: Final = 100_000
_NONE: Final[dict[str, float]] = {}


class MemoryStore:
    """A ``Store`` for one event loop. ``clock`` gives seconds of any origin that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._ahead: OrderedDict[str, float] = OrderedDict()
        self._leases: OrderedDict[str, dict[str, float]] = OrderedDict()  # key -> lease -> when it is over

    def __len__(self) -> int:
        return len(self._ahead) + len(self._leases)

    async def take(self, charges: Sequence[Charge], lease: str) -> Outcome:
        now = self._clock() * MICROSECONDS
        taken, levels, waits, news = True, [], [], []
        for charge in charges:
            wait = new = 0.0
            if charge.lease:
                held = self._held(charge.key, now)
                level = len(held) + 1.0
                passes = level <= charge.most
                if not passes and held:
                    wait = min(held.values()) - now
            else:
                passes, new = take(self._ahead.get(charge.key, 0.0), now, charge.cost, charge.most)
                level = new - now
            taken = taken and passes
            levels.append(level)
            waits.append(wait)
            news.append(new)
        if taken:
            for charge, new in zip(charges, news, strict=True):
                if charge.lease:
                    self._leases.setdefault(charge.key, {})[lease] = now + charge.life
                    self._touch(self._leases, charge.key)
                else:
                    self._ahead[charge.key] = new
                    self._touch(self._ahead, charge.key)
        return Outcome(taken, levels, waits)

    async def add(self, charges: Sequence[Charge]) -> None:
        now = self._clock() * MICROSECONDS
        for charge in charges:
            self._ahead[charge.key] = take(self._ahead.get(charge.key, 0.0), now, charge.cost, 0.0)[1]
            self._touch(self._ahead, charge.key)

    async def end(self, keys: Sequence[str], lease: str) -> None:
        for key in keys:
            held = self._leases.get(key, {})
            held.pop(lease, None)
            if not held:
                self._leases.pop(key, None)

    async def aclose(self) -> None:
        return

    def _held(self, key: str, now: float) -> dict[str, float]:
        held = self._leases.get(key)
        if held is None:
            return _NONE
        for lease in [lease for lease, over in held.items() if over <= now]:
            del held[lease]
        return held

    def _touch(self, kept: OrderedDict[str, float] | OrderedDict[str, dict[str, float]], key: str) -> None:
        kept.move_to_end(key)
        while len(kept) > self._most:
            kept.popitem(last=False)
