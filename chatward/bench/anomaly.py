"""``chatward bench anomaly``: how good and how quick the detector of one number over time is, by the Numenta Anomaly
Benchmark.

The method:

1. *Standard profile score*: the scorer of ``bench.nab`` over its whole corpus, where it is given (``--data FOLDER``:
   the archive ``bots-anomaly/nab.tar.gz`` or ``nab.tar.gz`` in it, or the corpus unpacked); else ``null``. One
   threshold for all series, the best, as the benchmark has it. The scorer is checked each time: silence is 0,
   perfection 100, and the benchmark's own base line, a windowed Gaussian, is told beside the published 39.6.
2. The corpus is for evaluation. The detector (``behaviour.series``) has seven settings and none for a series or a
   group of them; how they were found is in ``docs/behaviour.md``.
3. *Microseconds a point*: CPU time of this thread over the corpus, or over made-up series where there is none.
4. *Memory* of the baselines of ``entities`` entities, by ``bench.entities``, among the details.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from chatward.behaviour.series import Series
from chatward.bench import nab
from chatward.bench.entities import MANY, measured
from chatward.bench.report import Progress, Report, machine, median, significant
from chatward.core.errors import ConfigError

FIGURES: Final = ("nab_standard", "us_per_point")
PUBLISHED: Final = {"best_published": 74.9, "windowed_gaussian_published": 39.6}
_PLACES: Final = (nab.ARCHIVE, "nab.tar.gz", "labels/combined_windows.json")


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of the timing; ``data``: the folder of data sets, or ``None``; ``entities``: 0 leaves memory out."""

    rounds: int = 3
    data: Path | None = None
    entities: int = MANY


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes seconds. Raises ``ConfigError`` where the folder holds no corpus."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    corpus = _corpus(options.data)
    if not corpus:
        report.notes.append("There is no NAB corpus: --data FOLDER says where; the score is not measured.")
    series = corpus or made_up()
    each: list[float] = []
    scores: dict[str, nab.Floats] = {}
    for turn in range(options.rounds + 1):
        progress(f"round {turn} of {options.rounds}" if turn else "warming up")
        began = time.thread_time()
        scores = {one.name: scored(one) for one in series}
        spent = time.thread_time() - began
        if turn:
            each.append(spent * 1e6 / sum(len(one.values) for one in series))
    report.figures["us_per_point"] = median(each)
    if corpus:
        progress("scoring")
        _score(report, corpus, scores)
    if options.entities:
        progress(f"baselines of {options.entities:,} entities")
        report.details["memory"] = measured(options.entities)
    return report


def scored(series: nab.Series) -> nab.Floats:
    """The detector's score of every point."""
    detector = Series()
    return np.array(list(map(detector.add, series.times.tolist(), series.values.tolist())))


def _score(report: Report, corpus: Sequence[nab.Series], scores: dict[str, nab.Floats]) -> None:
    result = nab.best(corpus, scores)
    report.figures["nab_standard"] = significant(result.score)
    gaussian = nab.best(corpus, {one.name: nab.windowed_gaussian(one.values) for one in corpus})
    silent = nab.best(corpus, {one.name: np.zeros(len(one.values)) for one in corpus})
    perfect = nab.best(corpus, {one.name: _perfect(one) for one in corpus})
    report.peers["windowed Gaussian (NAB)"] = "own reading of it"
    report.details |= {
        "series": len(corpus),
        "points": sum(len(one.values) for one in corpus),
        "windows": sum(len(one.windows) for one in corpus),
        "threshold": result.threshold,
        "windows_found": result.hits,
        "windows_missed": result.misses,
        "false_detections": result.false,
        "windowed_gaussian": significant(gaussian.score),
        "silence": silent.score,
        "perfection": perfect.score,
        **PUBLISHED,
    }


def _perfect(series: nab.Series) -> nab.Floats:
    scores = np.zeros(len(series.values))
    scores[[first for first, _ in series.windows]] = 1.0
    return scores


def _corpus(data: Path | None) -> list[nab.Series]:
    if data is None:
        return []
    for place in _PLACES:
        if (data / place).exists():
            return nab.corpus(data if place.endswith(".json") else data / place)
    raise ConfigError(f"{data} holds no NAB corpus ({', '.join(_PLACES)})", reason="file-missing")


def made_up(count: int = 4, points: int = 4_000) -> list[nab.Series]:
    """Series with a rhythm of a day, for the timing alone."""
    pick = random.Random(1)  # noqa: S311 - the same each time
    times = np.arange(points, dtype=np.float64) * 300.0
    found = []
    for number in range(count):
        values = [10 * math.sin(at / 86_400 * 2 * math.pi) + pick.gauss(0, 1) for at in times]
        found.append(nab.Series(f"made-up-{number}", times, np.array(values), ()))
    return found
