"""Each figure is held against its definition, written out slowly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chatward.evaluation import metrics
from chatward.evaluation.metrics import Matches, Span

score = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1.0]) | st.floats(0, 1)
scored = st.lists(st.tuples(score, st.booleans()), min_size=2, max_size=40)
span = st.tuples(st.integers(0, 12), st.integers(1, 5), st.sampled_from(["EMAIL", "NAME"])).map(
    lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
)
texts = st.lists(st.tuples(st.lists(span, max_size=4), st.lists(span, max_size=4)), max_size=5)


def classes(rows: Sequence[tuple[float, bool]]) -> tuple[list[float], list[float]]:
    attacks = [value for value, label in rows if label]
    harmless = [value for value, label in rows if not label]
    assume(attacks and harmless)
    return attacks, harmless


def columns(rows: Sequence[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [value for value, _ in rows], [label for _, label in rows]


@given(scored)
def test_auc_is_the_chance_of_the_right_order(rows: list[tuple[float, bool]]) -> None:
    attacks, harmless = classes(rows)
    wins = sum((a > h) + 0.5 * (a == h) for a in attacks for h in harmless)
    assert metrics.auc(*columns(rows)) == pytest.approx(wins / len(attacks) / len(harmless))


@given(scored)
def test_each_point_of_the_curve_is_what_its_threshold_does(rows: list[tuple[float, bool]]) -> None:
    attacks, harmless = classes(rows)
    curve = metrics.roc(*columns(rows))
    assert curve.thresholds[1:].tolist() == sorted({value for value, _ in rows}, reverse=True)
    for threshold, alarms, recall in zip(curve.thresholds, curve.false_alarms, curve.recall, strict=True):
        assert alarms == pytest.approx(sum(value >= threshold for value in harmless) / len(harmless))
        assert recall == pytest.approx(sum(value >= threshold for value in attacks) / len(attacks))
    misses = metrics.det(*columns(rows))[1]
    assert misses[-1] == pytest.approx(metrics.probit(0.0))
    assert bool(np.all(np.diff(misses) <= 0))


@given(scored)
def test_average_precision_is_the_sum_over_thresholds(rows: list[tuple[float, bool]]) -> None:
    attacks, _ = classes(rows)
    total, before = 0.0, 0.0
    for threshold in sorted({value for value, _ in rows}, reverse=True):
        flagged = [label for value, label in rows if value >= threshold]
        recall = sum(flagged) / len(attacks)
        total += (recall - before) * sum(flagged) / len(flagged)
        before = recall
    assert metrics.average_precision(*columns(rows)) == pytest.approx(total)


@given(st.lists(score, min_size=1, max_size=40), st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.5, 1.0]))
def test_a_threshold_keeps_the_rate_and_none_below_it_would(harmless: list[float], rate: float) -> None:
    threshold = metrics.threshold_at(harmless, rate)
    flagged = metrics.rate_at(harmless, threshold)
    assert flagged is not None
    assert flagged <= rate + 1e-12
    lower = [value for value in harmless if value < threshold]
    if lower:
        worse = metrics.rate_at(harmless, max(lower))
        assert worse is not None
        assert worse > rate


@given(scored, st.sampled_from([1, 4, 10, 15]))
def test_calibration_is_the_mean_gap_by_bin(rows: list[tuple[float, bool]], bins: int) -> None:
    found = metrics.reliability(*columns(rows), bins=bins)
    gap = 0.0
    for number, one in enumerate(found):
        last = number == bins - 1
        inside = [(v, y) for v, y in rows if one.low <= v and (v < one.high or (last and v <= 1))]
        assert one.count == len(inside)
        if inside:
            gap += abs(sum(v - y for v, y in inside)) / len(rows)
    assert metrics.calibration_error(found) == pytest.approx(gap)
    squares = sum((value - label) ** 2 for value, label in rows) / len(rows)
    assert metrics.brier(*columns(rows)) == pytest.approx(squares)


@given(texts)
def test_spans_are_matched_as_defined(drawn: list[tuple[list[Span], list[Span]]]) -> None:
    gold, found = [row[0] for row in drawn], [row[1] for row in drawn]
    for overlap in (False, True):

        def meet(one: Span, other: Span, overlap: bool = overlap) -> bool:
            if not overlap:
                return one == other
            return one[2] == other[2] and bool(set(range(*one[:2])) & set(range(*other[:2])))

        matches = metrics.span_matches(gold, found, overlap=overlap)
        for entity in ("EMAIL", "NAME"):
            wanted = [(at, s) for at, row in enumerate(gold) for s in sorted(set(row)) if s[2] == entity]
            given_ = [(at, s) for at, row in enumerate(found) for s in sorted(set(row)) if s[2] == entity]
            right = sum(any(at == other and meet(s, o) for other, o in wanted) for at, s in given_)
            caught = sum(any(at == other and meet(s, o) for other, o in given_) for at, s in wanted)
            assert matches.get(entity, Matches()) == Matches(right, len(given_), caught, len(wanted))


def test_f1_is_the_harmonic_mean_and_absent_where_nothing_was_to_be_found() -> None:
    assert Matches(3, 4, 3, 6).f1 == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert Matches(0, 4, 0, 6).f1 == 0
    assert Matches(0, 0, 0, 6).f1 == 0
    assert Matches(0, 4, 0, 0).f1 is None
    assert Matches(0, 0, 0, 3).precision is None


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    chance = np.random.default_rng(5)
    covered = 0
    for trial in range(200):
        sample = chance.random(120) < 0.8
        found = metrics.interval(lambda hits: float(hits.mean()), sample, rounds=200, seed=trial)
        fast = metrics.share_interval(sample)
        assert found is not None
        assert fast is not None
        assert found.low <= found.value <= found.high
        assert abs(found.low - fast.low) < 0.04
        assert abs(found.high - fast.high) < 0.04
        covered += found.low <= 0.8 <= found.high
    assert 175 <= covered <= 199


def test_intervals_over_groups_are_as_wide_as_few_groups_make_them() -> None:
    hits = np.repeat([True, False, True, True, False, True], 100)
    groups = np.repeat(np.arange(6), 100)
    alone = metrics.interval(lambda h: float(h.mean()), hits, rounds=300)
    grouped = metrics.interval(lambda h: float(h.mean()), hits, groups=groups, rounds=300)
    assert alone is not None
    assert grouped is not None
    assert grouped.high - grouped.low > 4 * (alone.high - alone.low)
    assert grouped == metrics.interval(lambda h: float(h.mean()), hits, groups=groups, rounds=300)


def test_what_is_not_defined_is_none_or_refused() -> None:
    with pytest.raises(ValueError, match="both"):
        metrics.auc([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match="NaN"):
        metrics.rate_at([0.1, math.nan], 0.5)
    with pytest.raises(ValueError, match="labels"):
        metrics.brier([0.1], [True, False])
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.reliability([2.0], [True])
    with pytest.raises(ValueError, match="rate"):
        metrics.threshold_at([], 0.01)
    with pytest.raises(ValueError, match="length"):
        metrics.span_matches([[]], [])
    assert metrics.rate_at([], 0.5) is None
    assert metrics.calibration_error(metrics.reliability([], [])) is None
    assert metrics.brier([], []) is None
    assert metrics.share_interval([]) is None
    assert metrics.interval(metrics.auc, [0.5], [True]) is None


@settings(max_examples=30)
@given(scored)
def test_samples_without_both_classes_are_left_out(rows: list[tuple[float, bool]]) -> None:
    classes(rows)
    found = metrics.interval(metrics.auc, *map(np.array, columns(rows)), rounds=20)
    assert found is not None
    assert 0 <= found.low <= found.high <= 1


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_shares_interval_solves_the_score_equation(hits: list[bool]) -> None:
    found = metrics.share_interval(hits)
    assert found is not None
    share, count = sum(hits) / len(hits), len(hits)
    assert found.value == pytest.approx(share)
    for end in (found.low, found.high):
        if 1e-9 < end < 1 - 1e-9 and end != found.value:
            assert abs(share - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / count), rel=1e-4)
    assert found.high > 0
    assert found.low < 1
