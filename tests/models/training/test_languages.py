"""Borders by language are measured on patterns that they were not moved by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.models.training import corpora, languages
from chatward.models.training.languages import ATTACKS, Held, by_language, examples, gain, held, recall, shifts


def rows(seed: int, moved: dict[str, float], *, patterns: int = 60, each: int = 6) -> list[Held]:
    """Texts of languages whose logits, harmless and not, are moved by so much."""
    rng = np.random.default_rng(seed)
    return [
        Held(lang, kind, f"{lang}/{kind}/{pattern}", float(middle + by + rng.normal() * 1.5))
        for lang, by in moved.items()
        for kind, middle in (("chat", -4.0), ("trigger", -3.0), ("direct", 1.0))
        for pattern in range(patterns)
        for _ in range(each)
    ]


def test_languages_that_lie_apart_gain_by_borders_of_their_own() -> None:
    found = gain(rows(1, {"xa": 3.0, "xb": 0.0, "xc": -3.0}))
    assert found["difference"] > 0.1
    assert found["interval"][0] > 0


def test_languages_that_lie_alike_gain_nothing() -> None:
    found = gain(rows(2, {"xa": 0.0, "xb": 0.0, "xc": 0.0}))
    assert abs(found["difference"]) < 0.02
    assert found["interval"][0] <= 0 <= found["interval"][1]


def test_luck_with_patterns_is_no_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns that lie apart by chance, in languages that do not: what moves a border on one half must not be measured
    there."""
    rng = np.random.default_rng(4)
    drawn = rows(4, dict.fromkeys((f"x{letter}" for letter in "abcdefghijklmnop"), 0.0), patterns=8, each=20)
    lucky = {group: rng.normal() * 2 for group in sorted({row.group for row in drawn if row.kind not in ATTACKS})}
    drawn = [replace(row, margin=row.margin + lucky.get(row.group, 0.0)) for row in drawn]
    assert gain(drawn)["difference"] < 0.02
    whole = shifts(drawn)
    monkeypatch.setattr(languages, "shifts", lambda fitted: whole)
    assert gain(drawn)["difference"] > 0.02  # the test can tell


@settings(max_examples=20)
@given(st.integers(0, 1 << 30), st.floats(-3, 3))
def test_shifts_follow_the_language_and_less_where_texts_are_few(seed: int, by: float) -> None:
    many = shifts(rows(seed, {"xa": by, "xb": 0.0}, patterns=80))
    few = shifts(
        [row for row in rows(seed, {"xa": by, "xb": 0.0}, patterns=80) if row.lang == "xb" or row.group < "xa/chat/2"]
    )
    assert many["xa"] - many["xb"] == pytest.approx(by * 960 / 1160, abs=0.8)
    assert abs(few["xa"]) <= abs(by) / 2 + 0.8


def test_recall_is_that_at_the_false_alarms_named() -> None:
    harmless = np.arange(1000.0)
    assert recall(harmless, np.array([2000.0])) == 1
    assert recall(harmless, np.array([0.0])) == 0
    assert recall(harmless, np.array([975.0])) == pytest.approx(3 / 5)  # at 3, 4 and 5 %


def test_nothing_to_compare_is_said_so() -> None:
    assert gain([]) == {}
    assert gain([row for row in rows(1, {"xa": 0.0}) if row.kind != "direct"]) == {}


def test_each_language_has_all_kinds_of_held_back_phrases() -> None:
    found = examples(seed=3)
    assert all(corpora.held_pattern(*_place(row.group)) for row in found)
    known = {row.text: 1.0 if row.targets.get("attack") else -1.0 for row in found}
    shares = by_language(held(found, known))
    assert len(shares) >= 24
    assert all(row["ordinary"][0] and row["look-alikes"][0] and row["attacks"][0] for row in shares.values())
    assert {(row["ordinary"][1], row["look-alikes"][1], row["attacks"][1]) for row in shares.values()} == {(0, 0, 1)}


def _place(group: str) -> tuple[str, str, int]:
    language, kind, number = group.split("/")
    return language, kind, int(number)
