"""``chatward bench scan``: the guards on chat messages, in this process, on one core.

The method:

1. Messages are written by hand and varied by a seed: several languages, one to twelve sentences, personal data in
   some. Each round has messages of its own, so nothing is answered from what was remembered. Megabytes (10**6 bytes)
   are of UTF-8.
2. Measured are: reading (normalising) a text, the shared pass of all rules over texts that are read, a whole
   ``Ward.check``, each guard alone in a ``Ward`` of its own, and Presidio's analyzer on the English messages, in a
   process of its own on the same core.
3. What is timed is the time of this thread on the CPU, so that other work on the machine counts less. Everything is
   run once before; figures are medians over rounds.

There are no models yet: ``tier1_ms_p50`` is reading and the shared pass, ``cascade_*`` a whole check.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatward.bench import peers, stages
from chatward.bench.report import Progress, Report, machine, median, significant
from chatward.bench.texts import Text, messages
from chatward.core.normalise import read
from chatward.core.values import Moment
from chatward.guards.catalog import IDS
from chatward.settings import Conversations, Route, Settings
from chatward.ward import Ward

FIGURES: Final = ("pattern_mb_s", "tier1_ms_p50", "cascade_ms_mean", "cascade_ms_p99", "pii_vs_presidio")
MESSAGES: Final = 1000
PEER_MESSAGES: Final = 100
"""Presidio takes milliseconds a message."""
PEER_SECONDS: Final = 180.0
NOTE: Final = (
    "There are no models yet: tier1 is reading a message and the shared pass of all rules, cascade a whole Ward.check."
)
_PEER: Final = Path(__file__).with_name("presidio_peer.py")


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements; ``offline``: nothing is installed."""

    rounds: int = 3
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """CPU seconds of each message, and how many bytes they were."""

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


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes a minute or two."""
    report = Report(dict.fromkeys(FIGURES), machine=machine(), notes=[NOTE])
    with one_core():
        progress("compiling the rules")
        ward = Ward(_settings())
        alone = {guard: Ward(_settings(guard)) for guard in IDS}
        reading: list[Times] = []
        passes: list[Times] = []
        tier1: list[Times] = []
        checks: list[Times] = []
        guards: dict[str, list[Times]] = {guard: [] for guard in IDS}
        for turn in range(options.rounds + 1):
            progress(f"round {turn} of {options.rounds}" if turn else "warming up")
            texts = list(messages(MESSAGES, seed=turn))
            read_times, pass_times = _passes(ward, texts)
            check_times = timed(ward.check, texts)
            by_guard = {guard: timed(alone[guard].check, texts) for guard in IDS}
            if not turn:
                continue
            reading.append(read_times)
            passes.append(pass_times)
            tier1.append(Times(tuple(map(sum, zip(read_times.each, pass_times.each, strict=True))), read_times.size))
            checks.append(check_times)
            for guard, times in by_guard.items():
                guards[guard].append(times)
        figures = report.figures
        figures["pattern_mb_s"] = median([times.megabytes_per_second for times in passes])
        figures["tier1_ms_p50"] = median([times.quantile_ms(0.5) for times in tier1])
        figures["cascade_ms_mean"] = median([times.mean_ms for times in checks])
        figures["cascade_ms_p99"] = median([times.quantile_ms(0.99) for times in checks])
        report.details = {
            "messages": _corpus(list(messages(MESSAGES, seed=1))),
            "reading": _row(reading),
            "shared_pass": _row(passes) | {"rules": len(ward.plan.watches[Moment.INPUT].scanner.rules)},
            "all_guards": _row(checks),
            "guard_alone": {guard: _row(times) for guard, times in guards.items()},
        }
        progress("stages of a guarded turn")
        report.details["stages_us"] = stages.measure()
        _presidio(report, alone["text.pii"], options, progress)
    return report


@contextmanager
def one_core() -> Iterator[None]:
    """Holds this process, and what it starts, to one core meanwhile."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def timed(function: Callable[[str], object], texts: Sequence[Text]) -> Times:
    """CPU time of ``function`` on each text."""
    clock = time.thread_time
    each: list[float] = []
    for one in texts:
        began = clock()
        function(one.text)
        each.append(clock() - began)
    return Times(tuple(each), _bytes(texts))


def _passes(ward: Ward, texts: Sequence[Text]) -> tuple[Times, Times]:
    """Reading alone, and the shared pass over what was read."""
    clock = time.thread_time
    scanner = ward.plan.watches[Moment.INPUT].scanner
    reads: list[float] = []
    scans: list[float] = []
    for one in texts:
        began = clock()
        reading = read(one.text, deep=True)
        read_at = clock()
        scanner.scan(reading, failed={})
        scans.append(clock() - read_at)
        reads.append(read_at - began)
    size = _bytes(texts)
    return Times(tuple(reads), size), Times(tuple(scans), size)


def _settings(*guards: str) -> Settings:
    route = Route(guards=guards or ("*",))
    return Settings(routes={"default": route}, conversations=Conversations(memory=MESSAGES))


def _bytes(texts: Sequence[Text]) -> int:
    return sum(len(one.text.encode()) for one in texts)


def _corpus(texts: Sequence[Text]) -> dict[str, Any]:
    lengths = sorted(len(one.text) for one in texts)
    return {
        "count": len(texts),
        "languages": len({one.language for one in texts}),
        "with_personal_data": sum(one.personal for one in texts),
        "code_points_p50": lengths[len(lengths) // 2],
        "code_points_max": lengths[-1],
    }


def _row(rounds: Sequence[Times]) -> dict[str, float | None]:
    return {
        "messages_per_second": median([times.per_second for times in rounds]),
        "mb_per_second": median([times.megabytes_per_second for times in rounds]),
        "us_p50": median([times.quantile_ms(0.5) * 1e3 for times in rounds]),
        "us_p99": median([times.quantile_ms(0.99) * 1e3 for times in rounds]),
    }


# --- Presidio ----------------------------------------------------------------------------------------


def _presidio(report: Report, ward: Ward, options: Options, progress: Progress) -> None:
    """Presidio and our PII guard on the same English messages, in turns."""
    progress("looking for Presidio")
    program = peers.presidio(offline=options.offline)
    report.peers["presidio"] = None
    if isinstance(program, peers.Missing):
        report.notes.append(f"presidio is not compared: {program.reason}.")
        return
    ours: list[Times] = []
    theirs: list[dict[str, float]] = []
    for turn in range(options.rounds):
        progress(f"Presidio, round {turn + 1} of {options.rounds}")
        texts = list(messages(PEER_MESSAGES, seed=1000 + turn, english=1.0))
        answer = _ask(program, [one.text for one in texts])
        if answer is None:
            report.notes.append("presidio is not compared: it did not run.")
            return
        theirs.append(answer)
        ours.append(timed(ward.check, texts))
    report.peers["presidio"] = program.version
    per_second = [times.per_second for times in ours]
    ratios = {
        name: median([mine / PEER_MESSAGES * answer[name] for mine, answer in zip(per_second, theirs, strict=True)])
        for name in ("analyzer_s", "patterns_only_s")
    }
    report.figures["pii_vs_presidio"] = ratios["analyzer_s"]
    report.details["presidio"] = {
        "messages": PEER_MESSAGES,
        "ours_ms_mean": significant(statistics.median(times.mean_ms for times in ours)),
        "analyzer_ms_mean": significant(statistics.median(one["analyzer_s"] for one in theirs) / PEER_MESSAGES * 1e3),
        "patterns_only_ms_mean": significant(
            statistics.median(one["patterns_only_s"] for one in theirs) / PEER_MESSAGES * 1e3
        ),
        "ratio_to_patterns_only": ratios["patterns_only_s"],
    }


def _ask(program: peers.Program, texts: Sequence[str]) -> dict[str, float] | None:
    """CPU seconds that Presidio takes for all texts, with its language model and without."""
    try:
        ended = subprocess.run(  # noqa: S603 - a program of this package, in the peer's environment
            [*program.command, str(_PEER)],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=True,
            timeout=PEER_SECONDS,
        )
        answer: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    return answer
