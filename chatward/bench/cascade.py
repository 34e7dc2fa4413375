"""The shipped models on mixed traffic: tier 1 alone, the whole cascade, by language, and on two threads.

The method: every text is new, so that nothing is answered from what was remembered (``traffic``). Tier 1 is
``Cascade.first``. The whole cascade is ``Cascade.analyse`` with names, which is what all guards together ask of a text.
Both are CPU time of one thread on one core; figures are medians over rounds, the first round is not counted.
Throughput is texts a second of the clock, with as many cores as there are, one thread and two in turns.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from chatward.bench.report import Progress, median, significant
from chatward.bench.times import Times, size
from chatward.bench.traffic import CYCLE, MIX, Text, Traffic
from chatward.models.cascade import Analysis
from chatward.models.encoder import windows
from chatward.models.training import phrases
from chatward.models.wordpiece import WordPiece

FIGURES: Final = ("tier1_ms_p50", "cascade_ms_mean", "cascade_ms_p99")
CYCLES: Final = 10
"""Cycles of the mix in one measurement: 500 texts."""
LANGUAGE_CYCLES: Final = 1
LOADING_SECONDS: Final = 120.0
_GROUPS: Final = {
    "ordinary": ("chat", "pii"),
    "look_alikes": ("trigger", "scam_benign", "abuse_benign"),
    "documents": ("document",),
    "attacks": ("direct", "extraction", "jailbreak", "indirect"),
}


class Models(Protocol):
    """What is measured; ``chatward.models.cascade.Cascade`` is one."""

    @property
    def cutter(self) -> WordPiece: ...

    def first(self, text: str) -> Mapping[str, float]: ...

    def analyse(self, text: str, *, untrusted: bool = False, names: bool = False) -> Analysis: ...


@dataclass(frozen=True, slots=True)
class Run:
    """Whole analyses: their times, and for each text how many windows it has and how many the encoder read."""

    texts: tuple[Text, ...]
    times: Times
    windows: tuple[int, ...]
    read: tuple[int, ...]

    def share(self, *kinds: str) -> float | None:
        """The share of windows that the encoder read, of texts of these kinds (else of all)."""
        chosen = [place for place, text in enumerate(self.texts) if not kinds or text.kind in kinds]
        count = sum(self.windows[place] for place in chosen)
        return significant(sum(self.read[place] for place in chosen) / count) if count else None


def traffic_for(models: Models, *, seed: int = 1) -> Traffic:
    """Traffic whose lengths are counted in the models' own tokens."""
    return Traffic(lambda text: len(models.cutter(text).ids), seed=seed)


def measure(
    models: Models, traffic: Traffic, rounds: int, progress: Progress
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """The figures, and details. Call it on one core."""
    firsts: list[Times] = []
    whole: list[Run] = []
    nameless: list[Run] = []
    for turn in range(rounds + 1):
        progress(f"models, round {turn} of {rounds}" if turn else "models, warming up")
        first = _first(models, traffic.take(CYCLES * CYCLE))
        with_names = _whole(models, traffic.take(CYCLES * CYCLE), names=True)
        without = _whole(models, traffic.take(CYCLES * CYCLE), names=False)
        if turn:
            firsts.append(first)
            whole.append(with_names)
            nameless.append(without)
    progress("models, by language")
    by_language = {language: _language(models, traffic, language) for language in phrases.languages()}
    figures = {
        "tier1_ms_p50": median([times.quantile_ms(0.5) for times in firsts]),
        "cascade_ms_mean": median([run.times.mean_ms for run in whole]),
        "cascade_ms_p99": median([run.times.quantile_ms(0.99) for run in whole]),
    }
    details = {
        "traffic": _told(whole[0].texts),
        "tier1": _row(firsts),
        "cascade": _row([run.times for run in whole]),
        "cascade_without_names": _row([run.times for run in nameless]),
        "windows_read": _read(whole),
        "windows_read_without_names": _read(nameless),
        "languages": by_language,
    }
    return figures, details


def throughput(models: Models, traffic: Traffic, rounds: int, progress: Progress) -> dict[str, Any]:
    """Texts a second of the clock with one thread and with two, over texts of the mix. ``cores_used`` is CPU time over
    the clock's: what of the cores other work on the machine left; ``texts_per_core_second`` does not depend on it.
    Call it with all cores."""
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for turn in range(rounds):
        progress(f"models on threads, round {turn + 1} of {rounds}")
        for threads, rates in found.items():
            rates.append(_threaded(models, traffic.take(CYCLES * CYCLE), threads))
    return {
        f"threads_{threads}": {
            "texts_per_second": median([rate for rate, _ in rates]),
            "cores_used": median([cores for _, cores in rates]),
            "texts_per_core_second": median([rate / cores for rate, cores in rates]),
        }
        for threads, rates in found.items()
    }


def starved(threads: Mapping[str, Mapping[str, float | None]]) -> bool:
    """True where other work took so much of the cores that texts a second say little."""
    return any((told["cores_used"] or 0.0) < 0.8 * number for number, told in enumerate(threads.values(), 1))


def loading() -> dict[str, float] | None:
    """Time and memory of loading the models, in a process of its own; ``None`` if that fails (``loading.py``)."""
    command = [sys.executable, "-m", "chatward.bench.loading"]
    try:
        ended = subprocess.run(  # noqa: S603 - a program of this package
            command, capture_output=True, text=True, check=True, timeout=LOADING_SECONDS
        )
        told: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    return told


def _first(models: Models, texts: Sequence[Text]) -> Times:
    clock = time.thread_time
    each: list[float] = []
    for one in texts:
        began = clock()
        models.first(one.text)
        each.append(clock() - began)
    return Times(tuple(each), _size(texts))


def _whole(models: Models, texts: Sequence[Text], *, names: bool) -> Run:
    clock = time.thread_time
    each: list[float] = []
    read: list[int] = []
    for one in texts:
        began = clock()
        analysis = models.analyse(one.text, untrusted=one.untrusted, names=names)
        each.append(clock() - began)
        read.append(analysis.read)
    cut = tuple(len(windows(models.cutter(one.text), untrusted=one.untrusted)) for one in texts)
    return Run(tuple(texts), Times(tuple(each), _size(texts)), cut, tuple(read))


def _language(models: Models, traffic: Traffic, language: str) -> dict[str, float | None]:
    first = _first(models, traffic.take(LANGUAGE_CYCLES * CYCLE, language))
    run = _whole(models, traffic.take(LANGUAGE_CYCLES * CYCLE, language), names=True)
    return {
        "tokens_mean": _tokens(run.texts),
        "tier1_ms_p50": significant(first.quantile_ms(0.5)),
        "cascade_ms_mean": significant(run.times.mean_ms),
        "cascade_ms_p95": significant(run.times.quantile_ms(0.95)),
        "windows_read": run.share(),
    }


def _threaded(models: Models, texts: Sequence[Text], threads: int) -> tuple[float, float]:
    """Texts a second, and cores used. Raises what a thread raised."""
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for one in texts[number::threads]:
                models.analyse(one.text, untrusted=one.untrusted, names=True)
        except Exception as error:
            failed.append(error)

    crew = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    began, spent = time.perf_counter(), time.process_time()
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    seconds = time.perf_counter() - began
    if failed:
        raise failed[0]
    return len(texts) / seconds, (time.process_time() - spent) / seconds


def _told(texts: Sequence[Text]) -> dict[str, Any]:
    tokens = sorted(text.tokens for text in texts)
    return {
        "texts": len(texts),
        "languages": len({text.language for text in texts}),
        "tokens_mean": _tokens(texts),
        "tokens_p50": tokens[len(tokens) // 2],
        "tokens_max": tokens[-1],
        "mix": {kind: count / CYCLE for kind, count in MIX.items()},
    }


def _tokens(texts: Sequence[Text]) -> float:
    return significant(statistics.fmean(text.tokens for text in texts))


def _row(rounds: Sequence[Times]) -> dict[str, float | None]:
    return {
        "texts_per_second": median([times.per_second for times in rounds]),
        "ms_mean": median([times.mean_ms for times in rounds]),
        "ms_p50": median([times.quantile_ms(0.5) for times in rounds]),
        "ms_p99": median([times.quantile_ms(0.99) for times in rounds]),
    }


def _read(runs: Sequence[Run]) -> dict[str, float | None]:
    """Shares of windows that the encoder read: of all texts, and of kinds of them."""
    groups: dict[str, tuple[str, ...]] = {"all": (), **_GROUPS}
    return {
        name: median([share for run in runs if (share := run.share(*kinds)) is not None])
        for name, kinds in groups.items()
    }


def _size(texts: Sequence[Text]) -> int:
    return size([one.text for one in texts])
