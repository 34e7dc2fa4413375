"""How this process has been doing, minute by minute: its own time in a request, and who sends messages.

The rules:

1. Metrics are counters since the process started; a sample of them is kept each ``STEP`` seconds, ``KEPT`` of them, in
   memory alone: it begins anew with the process.
2. What lies between two samples is their difference. Where a counter went back, or nothing came, it is not known.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Final

from chatward.console.figures import Figures, quantile

STEP: Final = 60.0
KEPT: Final = 24 * 60
ACTORS: Final = ("human", "unsure", "bot", "agent", "crawler")


@dataclass(frozen=True, slots=True)
class Moment:
    """What came in a step that begins at ``at``, seconds since 1970 UTC. ``overhead``: seconds within which Chatward's
    own time lay for half and for 99 of 100 requests. ``actors``: messages by what sent them."""

    at: float
    overhead: tuple[float, float] | None
    actors: Mapping[str, int] | None

    @property
    def share(self) -> float | None:
        """Per cent of messages that bots sent."""
        total = sum(self.actors.values()) if self.actors else 0
        return None if self.actors is None or not total else 100 * self.actors["bot"] / total


class Trail:
    """``read`` gives the figures of now; ``clock`` seconds since 1970 UTC. For the event loop alone."""

    def __init__(self, read: Callable[[], Figures], clock: Callable[[], float] = time.time) -> None:
        self._read = read
        self._clock = clock
        self._bounds: tuple[float, ...] = ()
        self._samples: deque[tuple[float, array[float], array[int]]] = deque(maxlen=KEPT)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """A sample now, and one each ``STEP`` seconds of the running loop, until ``stop``."""
        self.sample()
        self._timer = asyncio.get_running_loop().call_later(STEP, self.start)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def sample(self) -> None:
        found = self._read()
        bounds = tuple(sorted(found.buckets))
        if bounds != self._bounds:  # before the first request there are none
            self._bounds = bounds
            self._samples.clear()
        buckets = array("d", (found.buckets[bound] for bound in bounds))
        self._samples.append((self._clock(), buckets, array("q", (found.actors.get(name, 0) for name in ACTORS))))

    def since(self, seconds: float, most: int = 96) -> list[Moment]:
        """The last ``seconds``, in at most ``most`` steps of one length."""
        begin = self._clock() - seconds
        samples = [one for one in self._samples if one[0] >= begin]
        every = max(1, -(-(len(samples) - 1) // most))
        # Counted from the newest, so that the last step is whole.
        chosen = samples[::-1][::every][::-1]
        return [self._between(before, after) for before, after in pairwise(chosen)]

    def _between(
        self, before: tuple[float, array[float], array[int]], after: tuple[float, array[float], array[int]]
    ) -> Moment:
        passed = {bound: now - then for bound, then, now in zip(self._bounds, before[1], after[1], strict=True)}
        known = passed.get(inf, 0) > 0 and min(passed.values()) >= 0
        sent = {name: now - then for name, then, now in zip(ACTORS, before[2], after[2], strict=True)}
        return Moment(
            before[0],
            (quantile(passed, 0.5), quantile(passed, 0.99)) if known else None,
            sent if any(sent.values()) and min(sent.values()) >= 0 else None,
        )
