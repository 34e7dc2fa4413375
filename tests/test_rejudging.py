"""Stored conversations judged by another file: what differs by rule and verdict, bounded, and nothing that was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chatward.core.errors import ClientError
from chatward.core.values import Part, PartKind, Source
from chatward.engine.plan import ScannerPool
from chatward.guards.catalog import catalog
from chatward.rejudging import Rejudging
from chatward.settings import Route, Settings, Treatments
from tests.seal.conftest import DATABASES, House, on, turn

WORD = "zebra-quartz"
GUARDS = ("text.pii",)
NOW = Settings(routes={"default": Route(guards=GUARDS)})
STRICT = Settings(routes={"default": Route(guards=GUARDS, treatments=Treatments(pii_input="block"))})
MAIL = f"Write to {WORD}@example.com."


@pytest.fixture(scope="module")
def pool() -> ScannerPool:
    return ScannerPool(catalog())


@pytest.fixture(params=DATABASES)
def house(tmp_path: Path, request: pytest.FixtureRequest) -> House:
    return on(tmp_path, request)


@pytest.fixture
def judging(house: House, pool: ScannerPool) -> Callable[..., Rejudging]:
    return lambda **more: Rejudging(
        house.store, lambda: pool, clock=lambda: house.now, rest=lambda seconds: None, **more
    )


def default(exchange: str) -> str:
    return "default"


def test_what_differs_is_told_by_rule_with_messages_and_without_a_word(
    house: House, judging: Callable[..., Rejudging]
) -> None:
    house.say("key:1", "Hello.", MAIL)
    house.say("key:2", MAIL, tenant="other")
    opaque = replace(turn(""), parts=(Part("x", Source.USER, PartKind.OPAQUE),))
    broken = replace(turn(""), parts=(Part("\ud800", Source.USER),))
    house.store.write("default", "key:3", "thread", [opaque, broken])
    it = judging()
    assert it.due(7) == 5
    found = it.judge(NOW, STRICT, 7, default)
    assert found.told() == {
        "days": 7, "turns": 5, "changed": 2, "unknown": 2, "whole": True,
        "differences": [
            {"rule": "text.pii/email", "before": "redact", "after": "block", "number": 2, "messages": ["exchange-1"]}
        ],
    }  # fmt: skip
    assert WORD not in repr(found)
    assert it.judge(NOW, NOW, 7, default).changed == 0
    assert it.judge(NOW, STRICT, 7, lambda exchange: "gone").unknown == 5


def test_it_ends_by_number_by_time_and_by_days(house: House, judging: Callable[..., Rejudging]) -> None:
    house.say("key:1", *[MAIL] * 5)
    found = judging(most=3).judge(NOW, STRICT, 7, default)
    assert (found.whole, found.turns) == (False, 3)
    assert judging(most=3).due(7) == 3
    ticks = iter(range(100))
    found = judging(seconds=1.5, elapsed=lambda: float(next(ticks))).judge(NOW, STRICT, 7, default)
    assert (found.whole, found.turns) == (False, 2)
    house.now += 8 * 86_400
    assert judging().judge(NOW, STRICT, 7, default).turns == judging().due(7) == 0


def test_one_at_a_time(house: House, judging: Callable[..., Rejudging]) -> None:
    house.say("key:1", MAIL)
    it = judging()

    def again(exchange: str) -> str:
        with pytest.raises(ClientError) as caught:
            it.judge(NOW, STRICT, 7, default)
        assert caught.value.reason == "policy-busy"
        return "default"

    assert it.judge(NOW, STRICT, 7, again).turns == 1
    assert it.judge(NOW, STRICT, 7, default).turns == 1
