"""Forward-confirmed reverse DNS, beside the message path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from chatward.traffic.reverse import AGAIN, AT_ONCE, FRESH, Reverse

DOMAINS = ("crawler.example",)
TRUE, FALSE = "192.0.2.1", "192.0.2.2"


class Zone:
    """A resolver that knows two machines."""

    def __init__(self, names: dict[str, str], addresses: dict[str, str], failing: bool = False) -> None:
        self._names, self._addresses = names, addresses
        self.failing = failing
        self.asked = 0

    async def names(self, address: str) -> Sequence[str]:
        self.asked += 1
        if self.failing:
            raise OSError
        return [self._names[address]] if address in self._names else []

    async def addresses(self, name: str) -> Sequence[str]:
        return [self._addresses[name]] if name in self._addresses else []


def zone(**more: Any) -> Zone:
    return Zone(
        {TRUE: "m1.crawler.example", FALSE: "m1.crawler.example", "192.0.2.3": "m1.crawler.example.attacker.example"},
        {"m1.crawler.example": TRUE, "m1.crawler.example.attacker.example": "192.0.2.3"},
        **more,
    )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("address", "found"), [(TRUE, True), (FALSE, False), ("192.0.2.3", False), ("192.0.2.9", False)]
)
async def test_the_name_must_lead_back(address: str, found: bool) -> None:
    """192.0.2.2 has somebody put the crawler's name on; 192.0.2.3 a name that only begins like it."""
    reverse = Reverse(zone())
    assert reverse.confirmed(address, DOMAINS) is None
    await reverse.settled()
    assert reverse.confirmed(address, DOMAINS) is found


async def test_one_question_is_enough_for_a_day() -> None:
    clock, asked = Clock(), zone()
    reverse = Reverse(asked, clock=clock)
    for _ in range(5):
        reverse.confirmed(TRUE, DOMAINS)
    await reverse.settled()
    for _ in range(5):
        assert reverse.confirmed(TRUE, DOMAINS)
    assert asked.asked == 1
    clock.now += FRESH + 1
    assert reverse.confirmed(TRUE, DOMAINS) is True  # what was known holds while it is asked again
    await reverse.settled()
    assert asked.asked == 2


async def test_who_cannot_be_asked_about_is_no_fake() -> None:
    clock, asked = Clock(), zone(failing=True)
    reverse = Reverse(asked, clock=clock)
    reverse.confirmed(TRUE, DOMAINS)
    await reverse.settled()
    assert reverse.confirmed(TRUE, DOMAINS) is None
    asked.failing = False
    clock.now += AGAIN + 1
    reverse.confirmed(TRUE, DOMAINS)
    await reverse.settled()
    assert reverse.confirmed(TRUE, DOMAINS) is True


async def test_few_are_asked_at_once_and_few_are_kept() -> None:
    asked = zone()
    reverse = Reverse(asked, most=2)
    for number in range(20):
        reverse.confirmed(f"192.0.2.{number}", DOMAINS)
    await asyncio.wait_for(reverse.settled(), 5)
    assert asked.asked == AT_ONCE
    assert len(reverse._known) == 2
