"""Calls a minute and tokens a day."""

from __future__ import annotations

from dataclasses import dataclass

from chatward.judge.budget import BYTES_A_TOKEN, Budget, Spending
from chatward.judge.opinions import Why

DAY = 86_400.0


@dataclass
class Clocks:
    up: float = 1000.0
    date: float = 20_000 * DAY


def budget(clocks: Clocks, calls: int = 100, tokens: int = 1000) -> Budget:
    return Budget(calls, tokens, clock=lambda: clocks.up, now=lambda: clocks.date)


def taken(spending: Spending | Why) -> Spending:
    assert isinstance(spending, Spending)
    return spending


def test_calls_count_in_any_minute() -> None:
    clocks = Clocks()
    one = budget(clocks, calls=2)
    taken(one.take(3, 1))
    clocks.up += 30
    taken(one.take(3, 1))
    clocks.up += 29.9
    assert one.take(3, 1) is Why.CALLS
    clocks.up += 0.1
    taken(one.take(3, 1))
    assert one.take(3, 1) is Why.CALLS


def test_tokens_are_set_aside_before_the_call() -> None:
    one = budget(Clocks())
    assert taken(one.take(BYTES_A_TOKEN * 100 + 1, 200)).tokens == 301
    assert one.spent == 301
    taken(one.take(BYTES_A_TOKEN * 499, 200))
    assert one.take(0, 1) is Why.TOKENS
    assert one.spent == 1000


def test_a_refused_call_costs_nothing() -> None:
    one = budget(Clocks(), calls=1)
    assert one.take(9000, 1) is Why.TOKENS
    taken(one.take(3, 1))
    assert one.take(3, 1) is Why.CALLS
    assert one.spent == 2


def test_the_count_of_the_bot_takes_the_place_of_the_estimate() -> None:
    one = budget(Clocks())
    spending = taken(one.take(300, 200))
    one.settle(spending, 120)
    assert one.spent == 120
    more = taken(one.take(300, 200))
    one.settle(more, 2000)
    assert one.spent == 2120
    assert one.take(3, 1) is Why.TOKENS


def test_a_day_ends_at_midnight_utc_and_a_call_belongs_to_the_day_it_began() -> None:
    clocks = Clocks()
    one = budget(clocks)
    spending = taken(one.take(1500, 400))
    clocks.date += DAY - 1
    assert one.spent == 900
    clocks.date += 1
    assert one.spent == 0
    one.settle(spending, 5)
    assert one.spent == 0
    taken(one.take(1500, 400))
    assert one.spent == 900
