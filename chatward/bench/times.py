"""Times of texts, on one core: what a benchmark in this process measures with.

The rule: what is timed is the time of this thread on the CPU, so that other work on the machine counts less.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from chatward.bench.report import median

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Times:
    """CPU seconds of each text, and how many bytes (UTF-8) they were."""

    each: tuple[float, ...]
    size: int

    @property
    def megabytes_per_second(self) -> float:
        return self.size / 1e6 / sum(self.each)

    @property
    def per_second(self) -> float:
        return len(self.each) / sum(self.each)

    @property
    def mean_ms(self) -> float:
        return statistics.fmean(self.each) * 1e3

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.each)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e3

    def __add__(self, other: Times) -> Times:
        """One step after another, text by text, over the same texts."""
        return Times(tuple(map(sum, zip(self.each, other.each, strict=True))), self.size)


def timed(function: Callable[[str], object], texts: Sequence[str]) -> Times:
    """CPU time of ``function`` on each text."""
    return Times(tuple(spent(function, texts)), size(texts))


def spent(function: Callable[[T], object], items: Sequence[T]) -> list[float]:
    """CPU seconds of ``function`` on each item."""
    clock = time.thread_time
    each: list[float] = []
    for item in items:
        began = clock()
        function(item)
        each.append(clock() - began)
    return each


def size(texts: Sequence[str]) -> int:
    """Bytes of texts in UTF-8."""
    return sum(len(text.encode()) for text in texts)


def row(rounds: Sequence[Times]) -> dict[str, float | None]:
    """What rounds of measurements say: medians over them."""
    return {
        "messages_per_second": median([times.per_second for times in rounds]),
        "mb_per_second": median([times.megabytes_per_second for times in rounds]),
        "us_p50": median([times.quantile_ms(0.5) * 1e3 for times in rounds]),
        "us_p99": median([times.quantile_ms(0.99) * 1e3 for times in rounds]),
    }


@contextmanager
def one_core() -> Iterator[None]:
    """Holds this thread, and what it starts, to one core meanwhile."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
