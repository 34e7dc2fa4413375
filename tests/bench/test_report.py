"""What a benchmark says."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.bench.report import machine, median, significant

POSITIVE = st.floats(1e-6, 1e9)


@given(st.lists(POSITIVE, min_size=1))
def test_a_median_is_the_median_to_four_digits(values: list[float]) -> None:
    assert median(values) == pytest.approx(statistics.median(values), rel=1e-3)


def test_a_median_of_nothing_is_none() -> None:
    assert median([]) is None


@given(POSITIVE)
def test_significant_keeps_four_digits(value: float) -> None:
    digits = significant(value) / 10 ** (math.floor(math.log10(significant(value))) - 3)
    assert digits == pytest.approx(round(digits), abs=1e-6)


def test_the_machine_is_described() -> None:
    told = machine()
    assert set(told) == {"cpu", "cores", "memory_gb", "system", "python", "busy_before"}
    assert told["cores"] >= 1
    assert told["memory_gb"] > 0
    assert told["busy_before"] is None or 0 <= told["busy_before"] <= 1
