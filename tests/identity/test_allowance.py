"""Who asks too often waits, and nobody else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.identity.allowance import Allowance


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_in_a_minute_and_then_one_after_the_other() -> None:
    clock = Clock()
    allowance = Allowance(6, clock)
    assert [allowance.take("192.0.2.1") for _ in range(6)] == [0.0] * 6
    assert allowance.take("192.0.2.1") == pytest.approx(10.0)
    assert allowance.take("192.0.2.2") == 0.0
    clock.now += 9.0
    assert allowance.take("192.0.2.1") == pytest.approx(1.0)
    clock.now += 1.0
    assert allowance.take("192.0.2.1") == 0.0
    assert allowance.take("192.0.2.1") > 0.0


def test_who_has_not_asked_for_long_has_no_more_than_the_bucket() -> None:
    clock = Clock()
    allowance = Allowance(6, clock)
    allowance.take("192.0.2.1")
    clock.now += 3600.0
    assert [allowance.take("192.0.2.1") > 0.0 for _ in range(7)] == [False] * 6 + [True]


@given(st.lists(st.floats(0, 30), min_size=1, max_size=80), st.integers(1, 20))
def test_never_more_than_the_bucket_and_what_flows_in(pauses: list[float], per_minute: int) -> None:
    clock = Clock()
    allowance, begun, taken = Allowance(per_minute, clock), clock.now, 0
    for pause in pauses:
        clock.now += pause
        taken += allowance.take("192.0.2.1") == 0.0
        assert taken <= per_minute + (clock.now - begun) * per_minute / 60 + 1e-6


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("what", "ever", False),
    ],
)
def test_who_counts_as_one(one: str, other: str, same: bool) -> None:
    allowance = Allowance(1, Clock())
    allowance.take(one)
    assert (allowance.take(other) > 0.0) is same


def test_what_is_remembered_is_bounded() -> None:
    clock = Clock()
    allowance = Allowance(1, clock, most=10)
    for number in range(100):
        allowance.take(f"192.0.2.{number}")
    assert len(allowance) == 10
    assert allowance.take("192.0.2.99") > 0.0
    clock.now -= 5.0  # a clock that goes back gives nothing
    assert allowance.take("192.0.2.99") > 0.0
