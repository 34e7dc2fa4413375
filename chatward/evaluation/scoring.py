"""What the guards say of many texts: a forked crew asks ``Ward.check``, as any other caller would.

The rule: a text without a score is not a text with score 0. ``Scored.scores`` holds what the verdict holds; ``value``
gives ``None`` where a score is absent. The rules' confidences may stand in for a model's score, but only where the
caller says so.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chatward.core.values import Verdict
from chatward.evaluation.metrics import Span
from chatward.ward import Ward

_CHUNK: Final = 32
_WARM_UP: Final = (
    "Hello, call me on +44 20 7946 0018 or +49 30 23125 000",
    "ann@example.com, 192.0.2.7, 4111 1111 1111 1111",
)

Ask = tuple[str, str]
"""A text and its role."""


@dataclass(frozen=True, slots=True)
class Scored:
    """``scores``: the models', by name. ``rules``: the best confidence of each guard's findings. ``stopped``: whether
    the policy in force would stop the text. ``spans``: findings that name an entity. ``seconds``: of the check."""

    scores: Mapping[str, float]
    rules: Mapping[str, float]
    stopped: bool
    spans: tuple[Span, ...]
    ran: tuple[str, ...]
    unavailable: tuple[str, ...]
    seconds: float

    def value(self, name: str, *, rules: bool = False) -> float | None:
        """The score of a name (a guard's id); with ``rules`` what the guard's rules say: 0 where it ran and found
        nothing, ``None`` where it did not run."""
        if rules:
            return self.rules.get(name, 0.0) if name in self.ran else None
        return self.scores.get(name)


def score(
    ward: Ward, asked: Sequence[Ask], *, workers: int = 0, done: Callable[[int], None] = lambda count: None
) -> list[Scored]:
    """What the guards say, in order. ``workers`` 0 takes one a core. ``done`` hears how many are done."""
    for text in _WARM_UP:
        ward.check(text)  # what is loaded at first use is loaded once, before the crew is forked
    count = min(workers or os.cpu_count() or 1, max(len(asked) // _CHUNK, 1))
    answers: list[Scored] = []
    for one in _each(ward, asked, count):
        answers.append(one)
        if len(answers) % 500 == 0:
            done(len(answers))
    return answers


def scored(verdict: Verdict, seconds: float) -> Scored:
    """What is kept of a verdict."""
    rules: dict[str, float] = {}
    for finding in verdict.findings:
        rules[finding.guard] = max(finding.confidence, rules.get(finding.guard, 0.0))
    spans = tuple((*finding.span, finding.entity) for finding in verdict.findings if finding.entity)
    missing = tuple(outcome.guard for outcome in verdict.unavailable)
    return Scored(dict(verdict.scores), rules, verdict.blocked, spans, verdict.ran, missing, seconds)


def _each(ward: Ward, asked: Sequence[Ask], workers: int) -> Iterator[Scored]:
    if workers == 1 or "fork" not in multiprocessing.get_all_start_methods():
        for one in asked:
            yield _checked(ward, one)
        return
    with multiprocessing.get_context("fork").Pool(workers, _begin, (ward,)) as pool:
        yield from pool.imap(_answer, asked, _CHUNK)


_WARD: list[Ward] = []
"""The ward of a worker process, forked with it."""


def _begin(ward: Ward) -> None:
    _WARD[:] = [ward]


def _answer(asked: Ask) -> Scored:
    return _checked(_WARD[0], asked)


def _checked(ward: Ward, asked: Ask) -> Scored:
    began = time.perf_counter()
    verdict = ward.check(asked[0], asked[1])
    return scored(verdict, time.perf_counter() - began)
