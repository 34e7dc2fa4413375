"""Times of texts: what they say together, and that one core is held and given back."""

from __future__ import annotations

import os
import time

import pytest

from chatward.bench.texts import messages
from chatward.bench.times import Times, one_core, row, timed


def test_times_are_of_all_and_of_each() -> None:
    times = Times((0.001, 0.001, 0.002), 4000)
    assert times.per_second == pytest.approx(750)
    assert times.megabytes_per_second == pytest.approx(1.0)
    assert times.mean_ms == pytest.approx(4 / 3)
    assert times.quantile_ms(0.5) == 1.0
    assert times.quantile_ms(0.99) == 2.0


def test_steps_add_up_text_by_text() -> None:
    assert Times((0.1, 0.2), 10) + Times((1.0, 2.0), 10) == Times((1.1, 2.2), 10)
    with pytest.raises(ValueError, match="shorter"):
        Times((0.1, 0.2), 10) + Times((1.0,), 10)


def test_each_text_is_timed_once() -> None:
    texts = [one.text for one in messages(30, seed=1)]
    seen: list[str] = []
    times = timed(seen.append, texts)
    assert seen == texts
    assert len(times.each) == 30
    assert times.size == sum(len(text.encode()) for text in seen)


def test_waiting_is_not_counted() -> None:
    assert timed(lambda text: time.sleep(0.05), ["a"]).mean_ms < 25


def test_rounds_are_told_by_their_medians() -> None:
    told = row([Times((0.001,), 1000), Times((0.002,), 1000), Times((0.1,), 1000)])
    assert told == {"messages_per_second": 500.0, "mb_per_second": 0.5, "us_p50": 2000.0, "us_p99": 2000.0}


def test_one_core_is_held_and_given_back() -> None:
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
