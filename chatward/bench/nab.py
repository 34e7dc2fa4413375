"""The Numenta Anomaly Benchmark: its corpus read, and its score, by an own scorer after the paper.

Lavin and Ahmad: Evaluating Real-time Anomaly Detection Algorithms (ICMLA 2015), and the rules of the benchmark's
version 1. They are:

1. A detector sees a series point by point, and gives each an anomaly score of 0..1. It may know nothing of the series
   but the least and the greatest value that its source can have.
2. The first 15 % of a series, 750 points at most, are for learning: nothing there counts.
3. One threshold for all series of the corpus, that with the best score, says what is a detection.
4. In a window around a labelled anomaly the earliest detection counts, all others nothing: from 1 at the window's left
   end to 0 at its right, by a sigmoid of the place. A window without a detection costs ``miss``. A detection outside
   costs ``false`` at most, less shortly after a window.
5. The sum is scaled so that a detector which never says anything has 0, and a perfect one 100.

The corpus is read from ``nab.tar.gz``, or a folder with ``data`` and ``labels/combined_windows.json``.
"""

from __future__ import annotations

import csv
import io
import json
import math
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ARCHIVE: Final = "bots-anomaly/nab.tar.gz"
_PROBATION: Final = 0.15
_LONGEST: Final = 5000
_FORGIVEN: Final = 3.0
"""Widths of a window after it from which on a false detection costs all of its price."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an application pays: for a detection, for a false one, and for a miss."""

    hit: float
    false: float
    miss: float


STANDARD: Final = Profile(1.0, 0.11, 1.0)


@dataclass(frozen=True, slots=True)
class Series:
    """``times`` are seconds since 1970 as if of UTC. ``windows``: first and last place of each, both inside."""

    name: str
    times: Floats
    values: Floats
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """Points that do not count."""
        return math.floor(_PROBATION * min(len(self.values), _LONGEST))


def corpus(path: Path) -> list[Series]:
    """All series by name. Raises ``OSError``, ``KeyError`` and ``ValueError`` where it is no such corpus."""
    held = dict(_files(path))
    windows = json.loads(held["labels/combined_windows.json"])
    return [_series(name, held[f"data/{name}"].decode(), windows[name]) for name in sorted(windows)]


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in (*path.glob("data/*/*.csv"), path / "labels/combined_windows.json"):
            yield file.relative_to(path).as_posix(), file.read_bytes()
        return
    with tarfile.open(path) as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.isfile() else None
            if opened is not None:
                name = member.name.removeprefix("./")
                yield (
                    name[min(found for found in (name.find("data/"), name.find("labels/")) if found >= 0) :]
                    if ("data/" in name or "labels/" in name)
                    else name,
                    opened.read(),
                )


def _series(name: str, text: str, spans: Sequence[Sequence[str]]) -> Series:
    rows = list(csv.DictReader(io.StringIO(text)))
    times = np.array([_seconds(row["timestamp"]) for row in rows])
    values = np.array([float(row["value"]) for row in rows])
    windows = []
    for first, last in spans:
        inside = np.flatnonzero((times >= _seconds(first)) & (times <= _seconds(last)))
        windows.append((int(inside[0]), int(inside[-1])))
    return Series(name, times, values, tuple(windows))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# --- the score


def sigmoid(place: float) -> float:
    """1 far before, 0 at the window's right end, -1 far behind."""
    return -1.0 if place > _FORGIVEN else 2 / (1 + math.exp(5 * place)) - 1


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a detection at each point would bring. ``window``: which one it is in, -1 outside; ``counts``: after the
    points for learning."""

    gains: Floats
    window: NDArray[np.intp]
    counts: NDArray[np.bool_]


def weighed(series: Series, profile: Profile = STANDARD) -> Weighed:
    size = len(series.values)
    gains = np.full(size, -profile.false)
    window = np.full(size, -1, np.intp)
    behind = [first for first, _ in (*series.windows[1:], (size, size))][: len(series.windows)]
    for which, ((first, last), until) in enumerate(zip(series.windows, behind, strict=True)):
        width = last - first + 1
        window[first : last + 1] = which
        for at in range(first, last + 1):
            gains[at] = profile.hit * sigmoid(-(last - at + 1) / width) / sigmoid(-1.0)
        for at in range(last + 1, until):
            gains[at] = profile.false * sigmoid((at - last) / max(width - 1, 1))
    counts = np.arange(size) >= series.probation
    return Weighed(gains, window, counts)


@dataclass(frozen=True, slots=True)
class Result:
    """The score, 0 for silence and 100 for perfection, with the threshold that it is of."""

    score: float
    threshold: float
    hits: int
    misses: int
    false: int


def best(all_series: Sequence[Series], scores: Mapping[str, Floats], profile: Profile = STANDARD) -> Result:
    """The best score over all thresholds: points are let in from the highest score down, ties at once."""
    points: list[tuple[float, float, int]] = []
    total = 0
    for series in all_series:
        weights, given = weighed(series, profile), scores[series.name]
        if len(given) != len(series.values):
            raise ValueError(f"{series.name}: a score for each point is needed")
        chosen = np.flatnonzero(weights.counts)
        windows = np.where(weights.window[chosen] >= 0, weights.window[chosen] + total, -1)
        points += zip(given[chosen].tolist(), weights.gains[chosen].tolist(), windows.tolist(), strict=True)
        total += len(series.windows)
    points.sort(key=lambda one: -one[0])
    silent = -profile.miss * total
    perfect = profile.hit * total

    def scaled(raw: float) -> float:
        return 100 * (raw - silent) / (perfect - silent)

    reached: dict[int, float] = {}
    raw, false = silent, 0
    found = Result(0.0, math.inf, 0, total, 0)
    for at, (score, gain, window) in enumerate(points):
        if window < 0:
            raw += gain
            false += 1
        elif window not in reached:
            raw += profile.miss + gain
            reached[window] = gain
        elif gain > reached[window]:
            raw += gain - reached[window]
            reached[window] = gain
        if at + 1 == len(points) or points[at + 1][0] < score:
            now = scaled(raw)
            if now > found.score:
                found = Result(now, score, len(reached), total - len(reached), false)
    return found


# --- the benchmark's own base line


def windowed_gaussian(values: Floats, size: int = 6400, step: int = 100) -> Floats:
    """How far each value lies in the tails of a normal distribution of those before: the benchmark's own detector,
    against which the scorer is checked (39.6 by its table)."""
    moved = values - values[0]
    sums, squares = np.cumsum(moved), np.cumsum(moved * moved)
    scores = np.zeros(len(values))
    for at in range(1, len(values)):
        until = at if at <= size else size + (at - size) // step * step
        first = max(0, until - size)
        total = sums[until - 1] - (sums[first - 1] if first else 0.0)
        square = squares[until - 1] - (squares[first - 1] if first else 0.0)
        mean = total / (until - first)
        deviation = math.sqrt(max(square / (until - first) - mean * mean, 0.0)) or 1e-6
        scores[at] = 1 - 0.5 * math.erfc(abs(moved[at] - mean) / deviation / 1.4142)
    return scores
