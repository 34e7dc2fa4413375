"""``chatward bench seal``: what sealing and opening cost, in this process, on one core.

The method: fields of 1 KiB and 64 KiB of text, of many subjects, sealed and opened through the same ``KeySealer`` that
the stores use (its look at the keys' file, the cache, blind checks and all), over a keys' file on the disk. Subjects'
and records' keys are in memory, as in a conversation; ``new_key_us`` is what the first field of a record costs beyond
that, its key made in a group of 64. What is timed is the time of this thread on the CPU; figures are medians over
rounds.

``us_per_kb``: microseconds to seal one kilobyte (1,024 bytes) of a field of 64 KiB and one of 1 KiB, the worse of the
two.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatward.bench.report import Progress, Report, machine, median
from chatward.bench.times import one_core
from chatward.core.sealing import Place
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots
from chatward.seal.sealer import KeySealer
from chatward.stores.database import Database

FIGURES: Final = ("us_per_kb",)
SIZES: Final = (1024, 65536)
SUBJECTS: Final = 50
FIELDS: Final = 2000
GROUP: Final = 64


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements."""

    rounds: int = 3


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes some seconds."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    with tempfile.TemporaryDirectory() as folder, one_core():
        sealer = KeySealer(Keys(Database(Path(folder) / "keys.db"), LocalRoots({1: os.urandom(32)})))
        places = [Place("bench", f"person:{n % SUBJECTS}", "turns.body", str(n), "day") for n in range(FIELDS)]
        sealer.prepare(places)
        for size in SIZES:
            progress(f"fields of {size} bytes")
            some = places if size <= 4096 else places[: FIELDS // 10]
            report.details[f"{size}_bytes"] = _measure(sealer, some, os.urandom(size), options.rounds)
        progress("new keys")
        report.details["new_key_us"] = median([_new_keys(sealer, turn) for turn in range(options.rounds)])
        sealer.keys.database.close()
    costs = [report.details[f"{size}_bytes"]["seal_us_per_kb"] for size in SIZES]
    report.figures["us_per_kb"] = max(costs)
    return report


def _measure(sealer: KeySealer, places: Sequence[Place], data: bytes, rounds: int) -> dict[str, float | None]:
    seals: list[float] = []
    opens: list[float] = []
    for turn in range(rounds + 1):
        sealed: list[bytes] = []
        seal = _timed(lambda: sealed.extend(sealer.seal(place, data) for place in places))  # noqa: B023 - called at once
        open_ = _timed(lambda: [sealer.open(*pair) for pair in zip(places, sealed, strict=True)])  # noqa: B023
        if turn:
            seals.append(seal / len(places) * 1e6)
            opens.append(open_ / len(places) * 1e6)
    kilobytes = len(data) / 1024
    return {
        "seal_us": median(seals),
        "open_us": median(opens),
        "seal_us_per_kb": median([each / kilobytes for each in seals]),
        "open_us_per_kb": median([each / kilobytes for each in opens]),
        "sealed_per_s": median([1e6 / each for each in seals]),
        "opened_per_s": median([1e6 / each for each in opens]),
    }


def _new_keys(sealer: KeySealer, turn: int) -> float:
    """Microseconds of the CPU that one new record's key costs, made in a group."""
    places = [Place("bench", f"person:{n % SUBJECTS}", "turns.body", "1", f"{turn}.{n}") for n in range(GROUP)]
    return _timed(lambda: sealer.prepare(places)) / GROUP * 1e6


def _timed(do: Callable[[], object]) -> float:
    began = time.thread_time()
    do()
    return time.thread_time() - began
