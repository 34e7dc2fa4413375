"""``chatward bench scan``: the guards and their models on chat messages, in this process, on one core.

The method:

1. Messages are written by hand and varied by a seed: several languages, one to twelve sentences, personal data in
   some. Each measurement has messages of its own, so nothing is answered from what was remembered. Megabytes (10**6
   bytes) are of UTF-8.
2. Measured are: reading (normalising) a text, the shared pass of all rules over texts that are read, a whole
   ``Ward.check``, each guard alone in a ``Ward`` of its own, and the models alone on mixed traffic (``cascade``).
3. Presidio's analyzer and our PII guard, its model included, read the same English messages in turns; Presidio in a
   process of its own on the same core.
4. What is timed is the time of this thread on the CPU, so that other work on the machine counts less. Everything is
   run once before; figures are medians over rounds. Throughput on two threads alone is by the clock.

Models that cannot be loaded have no figures, nor has what needs them.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatward.bench import cascade, peers, stages
from chatward.bench.report import Progress, Report, machine, median
from chatward.bench.texts import Text, messages
from chatward.bench.times import Times, one_core, row, size, timed
from chatward.core.errors import ChatwardError
from chatward.core.values import Moment
from chatward.engine.ordinary import read_deep
from chatward.guards.catalog import IDS
from chatward.models.shipped import shipped
from chatward.settings import Conversations, Route, Settings
from chatward.ward import Ward

FIGURES: Final = ("pattern_mb_s", *cascade.FIGURES, "pii_vs_presidio")
MESSAGES: Final = 500
PEER_MESSAGES: Final = 100
"""Presidio takes milliseconds a message."""
PEER_SECONDS: Final = 180.0
_PEER: Final = Path(__file__).with_name("presidio_peer.py")


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements; ``offline``: nothing is installed."""

    rounds: int = 3
    offline: bool = False


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes some minutes."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    models: cascade.Models | None = None
    try:
        models = shipped()
    except ChatwardError as error:
        report.notes.append(f"the models are not measured: {error}; guards that ask them ran without.")
    with one_core():
        progress("compiling the rules")
        ward = Ward(_settings())
        alone = {guard: Ward(_settings(guard)) for guard in IDS}
        _guards(report, ward, alone, options, progress)
        progress("stages of a guarded turn")
        report.details["stages_us"] = stages.measure()
        if models is not None:
            traffic = cascade.traffic_for(models)
            figures, details = cascade.measure(models, traffic, options.rounds, progress)
            report.figures.update(figures)
            report.details["models"] = details
            progress("loading the models")
            details["loading"] = cascade.loading()
            _presidio(report, alone["text.pii"], options, progress)
    if models is not None:
        threads = report.details["models"]["threads"] = cascade.throughput(models, traffic, options.rounds, progress)
        if cascade.starved(threads):
            report.notes.append("threads had less than their cores (cores_used): their texts_per_second are too low.")
    return report


def _guards(report: Report, ward: Ward, alone: dict[str, Ward], options: Options, progress: Progress) -> None:
    """Reading, the shared pass, the whole check, and each guard alone."""
    reading: list[Times] = []
    passes: list[Times] = []
    checks: list[Times] = []
    guards: dict[str, list[Times]] = {guard: [] for guard in alone}
    for turn in range(options.rounds + 1):
        progress(f"round {turn} of {options.rounds}" if turn else "warming up")
        read_times, pass_times = _passes(ward, _texts(turn, 0))
        check_times = timed(ward.check, _texts(turn, 1))
        by_guard = {guard: timed(one.check, _texts(turn, place)) for place, (guard, one) in enumerate(alone.items(), 2)}
        if not turn:
            continue
        reading.append(read_times)
        passes.append(pass_times)
        checks.append(check_times)
        for guard, times in by_guard.items():
            guards[guard].append(times)
    report.figures["pattern_mb_s"] = median([times.megabytes_per_second for times in passes])
    report.details |= {
        "messages": _corpus(list(messages(MESSAGES, seed=1))),
        "reading": row(reading),
        "shared_pass": row(passes) | {"rules": len(ward.plan.watches[Moment.INPUT].scanner.rules)},
        "all_guards": row(checks),
        "guard_alone": {guard: row(times) for guard, times in guards.items()},
    }


def _texts(turn: int, place: int) -> list[str]:
    """Messages of one measurement: no other has the same."""
    return [one.text for one in messages(MESSAGES, seed=turn * 100 + place)]


def _passes(ward: Ward, texts: Sequence[str]) -> tuple[Times, Times]:
    """Reading alone, and the shared pass over what was read."""
    clock = time.thread_time
    scanner = ward.plan.watches[Moment.INPUT].scanner
    reads: list[float] = []
    scans: list[float] = []
    for text in texts:
        began = clock()
        reading = read_deep(text)
        read_at = clock()
        scanner.scan(reading, failed={})
        scans.append(clock() - read_at)
        reads.append(read_at - began)
    return Times(tuple(reads), size(texts)), Times(tuple(scans), size(texts))


def _settings(*guards: str) -> Settings:
    route = Route(guards=guards or ("*",))
    return Settings(routes={"default": route}, conversations=Conversations(memory=MESSAGES))


def _corpus(texts: Sequence[Text]) -> dict[str, Any]:
    lengths = sorted(len(one.text) for one in texts)
    return {
        "count": len(texts),
        "languages": len({one.language for one in texts}),
        "with_personal_data": sum(one.personal for one in texts),
        "code_points_p50": lengths[len(lengths) // 2],
        "code_points_max": lengths[-1],
    }


# --- Presidio ----------------------------------------------------------------------------------------


def _presidio(report: Report, ward: Ward, options: Options, progress: Progress) -> None:
    """Presidio and our PII guard on the same English messages, in turns; our patterns alone beside its own."""
    progress("looking for Presidio")
    program = peers.presidio(offline=options.offline)
    report.peers["presidio"] = None
    if isinstance(program, peers.Missing):
        report.notes.append(f"presidio is not compared: {program.reason}.")
        return
    ours: list[Times] = []
    patterns: list[Times] = []
    theirs: list[dict[str, float]] = []
    for turn in range(options.rounds):
        progress(f"Presidio, round {turn + 1} of {options.rounds}")
        texts = [one.text for one in messages(PEER_MESSAGES, seed=1_000_000 + turn, english=1.0)]
        answer = _ask(program, texts)
        if answer is None:
            report.notes.append("presidio is not compared: it did not run.")
            return
        theirs.append(answer)
        ours.append(timed(ward.check, texts))
        reads, scans = _passes(ward, texts)
        patterns.append(reads + scans)
    report.peers["presidio"] = program.version
    ratios = [one["analyzer_s"] / sum(times.each) for times, one in zip(ours, theirs, strict=True)]
    by_pattern = [one["patterns_only_s"] / sum(times.each) for times, one in zip(patterns, theirs, strict=True)]
    report.figures["pii_vs_presidio"] = median(ratios)
    report.details["presidio"] = {
        "messages": PEER_MESSAGES,
        "ours_ms_mean": median([times.mean_ms for times in ours]),
        "analyzer_ms_mean": median([one["analyzer_s"] / PEER_MESSAGES * 1e3 for one in theirs]),
        "ours_patterns_only_ms_mean": median([times.mean_ms for times in patterns]),
        "patterns_only_ms_mean": median([one["patterns_only_s"] / PEER_MESSAGES * 1e3 for one in theirs]),
        "ratio_of_patterns_only": median(by_pattern),
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
