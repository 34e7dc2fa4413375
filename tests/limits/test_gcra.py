"""The laws of the algorithm, in exact numbers; then the doubles that the stores compute with."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.limits.gcra import MICROSECONDS, ROUNDING, Rate, take

small = st.fractions(min_value=0, max_value=50, max_denominator=12)
positive = st.fractions(min_value=Fraction(1, 12), max_value=50, max_denominator=12)
asked = st.lists(st.tuples(small, positive), min_size=1, max_size=25)
"""Requests: how long after the one before, and how many units."""


@given(rate=positive, burst=positive, requests=asked)
@settings(max_examples=60, deadline=None)
def test_never_more_than_burst_and_rate_in_any_window(
    rate: Fraction, burst: Fraction, requests: list[tuple[Fraction, Fraction]]
) -> None:
    interval, at, taken = 1 / rate, Fraction(0), []
    for now, (_, units) in zip(accumulate(pause for pause, _ in requests), requests, strict=True):
        passes, new = take(at, now, units * interval, burst * interval)
        if passes:
            at = new
            taken.append((now, units))
    for first in range(len(taken)):
        units = Fraction(0)
        for now, more in taken[first:]:
            units += more
            assert units <= burst + rate * (now - taken[first][0])


@given(at=small, now=small, cost=positive, most=positive, later=small, less=small)
def test_who_waits_or_took_less_never_stands_worse(
    at: Fraction, now: Fraction, cost: Fraction, most: Fraction, later: Fraction, less: Fraction
) -> None:
    passes, new = take(at, now, cost, most)
    assert not passes or take(at, now + later, cost, most)[0]
    assert not passes or take(at - less, now, cost, most)[0]
    assert not passes or take(at, now, cost, most + less)[0]
    assert take(at - less, now, cost, most)[1] <= new
    assert new >= now + cost


@given(rate=positive, burst=positive, units=positive)
def test_who_asks_for_what_is_left_gets_it(rate: Fraction, burst: Fraction, units: Fraction) -> None:
    interval = 1 / rate
    passes, new = take(Fraction(0), Fraction(7), min(units, burst) * interval, burst * interval)
    assert passes
    wait = new - burst * interval - 7 + interval * min(units, burst)
    if wait > 0:
        assert not take(new, 7 + wait - Fraction(1, 1000), min(units, burst) * interval, burst * interval)[0]
    assert take(new, 7 + max(wait, Fraction(0)), min(units, burst) * interval, burst * interval)[0]


@given(at=small, now=small, cost=positive)
def test_what_is_given_back_at_once_was_never_taken(at: Fraction, now: Fraction, cost: Fraction) -> None:
    new = take(at, now, cost, cost)[1]
    assert take(new, now, -cost, cost)[1] == max(at, now)


@given(at=small, now=small, cost=positive, pause=small)
def test_giving_back_later_makes_no_credit(at: Fraction, now: Fraction, cost: Fraction, pause: Fraction) -> None:
    back = take(take(at, now, cost, cost)[1], now + pause, -cost, cost)[1]
    assert max(back, now + pause) == max(at, now + pause)


@pytest.mark.parametrize(
    ("rate", "period"), [(60, 60), (7, 60), (3, 1), (1e6, 60), (999_983, 86_400), (1, 2_592_000), (50_000, 1)]
)
def test_no_drift(rate: float, period: float) -> None:
    """Who asks as fast as allowed, to a ten-millionth and the rounding, is never refused, and ends as it began."""
    limit = Rate(rate, period, 1)
    now = at = start = 65_000_000 * MICROSECONDS
    for number in range(min(100_000, int(365 * 86_400 * MICROSECONDS / limit.interval))):
        now = start + number * limit.interval * (1 + 1e-7) + number * ROUNDING / 2
        passes, at = take(at, now, limit.cost(1), limit.most)
        assert passes
    assert at - now == pytest.approx(limit.interval, rel=1e-3)


@pytest.mark.parametrize("burst", [1, 10, 333, 4096])
@pytest.mark.parametrize(("rate", "period"), [(60, 60), (7, 60), (3, 1), (999_983, 86_400)])
def test_a_whole_burst_in_doubles(rate: float, period: float, burst: int) -> None:
    limit = Rate(rate, period, burst)
    now = 65_000_000 * MICROSECONDS + 0.3
    at, passed = 0.0, 0
    for _ in range(burst + 2):
        passes, new = take(at, now, limit.cost(1), limit.most)
        if passes:
            at, passed = new, passed + 1
    assert passed == burst


def test_more_than_the_burst_takes_the_burst() -> None:
    limit = Rate(10, 1, 5)
    assert limit.cost(50) == limit.cost(5) <= limit.most


@given(
    rate=st.floats(0.001, 1e6),
    period=st.floats(0.1, 1e6),
    burst=st.floats(1, 1e6),
    requests=st.lists(st.floats(0.1, 1e6)),
)
@settings(max_examples=60, deadline=None)
def test_doubles_keep_the_law_to_a_thousandth(rate: float, period: float, burst: float, requests: list[float]) -> None:
    limit = Rate(rate, period, burst)
    now = 65_000_000 * MICROSECONDS
    at = taken = 0.0
    for units in requests:
        passes, new = take(at, now, limit.cost(units), limit.most)
        if passes:
            at, taken = new, taken + min(units, burst)
    assert taken <= burst * 1.001 + 1 / limit.interval
