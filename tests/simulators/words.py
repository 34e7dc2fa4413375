"""A stand-in for the shipped models: scores by words, so that a test can choose them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

HEADS = ("attack", "direct", "extraction", "jailbreak", "indirect", "illegal")


@dataclass(frozen=True)
class Analysis:
    scores: Mapping[str, float]


@dataclass
class WordModels:
    """Implements ``first`` and ``analyse`` of the cascade. ``words``: pattern -> (head, score); the highest counts.

    ``sure`` are scores that only ``analyse`` gives, for texts on which the two tiers differ. Counts its calls."""

    words: Mapping[str, tuple[str, float]]
    sure: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    firsts: int = 0
    analyses: int = 0

    def first(self, text: str) -> dict[str, float]:
        self.firsts += 1
        return _scores(text, self.words)

    def analyse(self, text: str, *, untrusted: bool = False, names: bool = False) -> Analysis:
        del names
        self.analyses += 1
        scores = _scores(text, {**self.words, **self.sure})
        return Analysis(scores if untrusted else {**scores, "indirect": 0.0})


def _scores(text: str, words: Mapping[str, tuple[str, float]]) -> dict[str, float]:
    scores = dict.fromkeys(HEADS, 0.01)
    for pattern, (head, score) in words.items():
        if re.search(pattern, text, re.IGNORECASE):
            scores[head] = max(scores[head], score)
    return scores
