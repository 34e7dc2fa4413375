"""Drills come to who wants them, seldom, and are never taken for an attack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import chatward.monitoring
from chatward.core.errors import ChatwardError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Kind, Principal
from chatward.core.ports import Entry
from chatward.education.counting import TipCounts
from chatward.education.drills import LASTS, OPEN, DrillApi, drills, languages
from chatward.monitoring.levels import level
from chatward.monitoring.sigma.rules import read
from chatward.stores.database import Database
from tests.monitoring.records import record

ANN = Principal("person:ann", Kind.PERSON, assurance=Assurance.SINGLE)
BEN = Principal("person:ben", Kind.PERSON, assurance=Assurance.SINGLE)
EVERY = 14 * 86_400.0


class World:
    def __init__(self) -> None:
        self.now = 1_000_000_000.0
        self.entries: list[Entry] = []
        self.database = Database(None)
        self.counts = TipCounts(self.database)
        self.api = DrillApi(
            self.database, self.counts, self.entries.append, lambda path, model: model,
            secret=bytes(32), bots=("intranet",), every=EVERY, clock=lambda: self.now,
        )  # fmt: skip

    def ask(self, who: Principal, body: Any = None, language: str = "en") -> Any:
        method = "GET" if body is None else "POST"
        headers = {"accept-language": language}
        return json.loads(self.api.answer(method, "/v1/drills", headers, json.dumps(body).encode(), who)[2])

    def due(self, who: Principal = ANN, model: str = "intranet") -> Any:
        return self.ask(who, {"model": model})["drill"]

    def said(self) -> list[tuple[Event, Any]]:
        return [(entry.event, entry.fields) for entry in self.entries]


@pytest.fixture
def world() -> World:
    return World()


def test_nobody_gets_a_drill_who_has_not_opted_in_or_no_longer_wants_it(world: World) -> None:
    assert world.due() is None
    assert world.ask(ANN, {"opt_in": True}) == {"opted_in": True}
    assert world.due(BEN) is None
    assert world.due(model="shop") is None  # a bot that is not internal
    assert world.ask(ANN, {"opt_in": False}) == {"opted_in": False}
    assert world.due() is None
    assert world.said() == [
        (Event.DRILLS_JOINED, {"principal": "person:ann"}), (Event.DRILLS_LEFT, {"principal": "person:ann"}),
    ]  # fmt: skip


def test_a_drill_comes_seldom_and_its_lesson_right_after(world: World) -> None:
    world.ask(ANN, {"opt_in": True})
    drill = world.due()
    assert set(drill) == {"id", "from", "text", "link"}
    assert world.due() is None
    told = world.ask(ANN, {"drill": drill["id"], "did": "reported"}, "de")
    assert told["told"].startswith("Gut erkannt")
    assert told["lesson"]
    with pytest.raises(ChatwardError, match="no such drill"):
        world.ask(ANN, {"drill": drill["id"], "did": "followed"})  # settled once
    world.now += EVERY
    again = world.due()
    with pytest.raises(ChatwardError, match="no such drill"):
        world.ask(BEN, {"drill": again["id"], "did": "followed"})  # of somebody else
    world.now += OPEN + 1
    with pytest.raises(ChatwardError, match="it is over"):
        world.ask(ANN, {"drill": again["id"], "did": "followed"})


def test_the_record_marks_a_drill_and_does_not_say_whose_it_was(world: World) -> None:
    world.ask(ANN, {"opt_in": True})
    drill = world.due()
    world.ask(ANN, {"drill": drill["id"], "did": "followed"})
    shown, ended = world.said()[1:]
    assert (shown[0], ended[0]) == (Event.DRILL_SHOWN, Event.DRILL_ENDED)
    assert set(shown[1]) == {"kind", "bot"}
    assert ended[1] == {**shown[1], "did": "followed"}
    world.counts.flush()
    assert world.counts.totals(36_500) == {f"drill:{shown[1]['kind']}": {"shown": 1, "followed": 1}}
    assert "ann" not in str(world.database.rows("SELECT * FROM drill_people"))


def test_no_rule_takes_a_drill_for_an_attack() -> None:
    rules = read([Path(chatward.monitoring.__file__).parent / "rules"])
    for n in range(200):
        shown = record(Event.DRILL_SHOWN.value, seq=2 * n + 1, kind="code", bot="intranet")
        ended = record(Event.DRILL_ENDED.value, seq=2 * n + 2, kind="code", bot="intranet", did="followed")
        assert rules.matches(shown) + rules.matches(ended) == []
    assert level(shown) is level(ended) is level(record(Event.REPLY_DELIVERED.value))


def test_opting_in_ends_by_itself_and_is_kept_over_a_restart(world: World) -> None:
    world.ask(ANN, {"opt_in": True})
    world.ask(ANN, {"opt_in": True})  # said twice, on record once
    assert len(world.entries) == 1
    other = World()
    other.api = DrillApi(
        world.database, world.counts, other.entries.append, lambda path, model: model,
        secret=bytes(32), bots=("intranet",), every=EVERY, clock=lambda: world.now,
    )  # fmt: skip
    assert other.ask(ANN) == {"opted_in": True}
    world.now += LASTS
    assert world.ask(ANN) == {"opted_in": False}
    assert world.due() is None


@pytest.mark.parametrize(
    "who",
    [
        Principal("anonymous", Kind.ANONYMOUS),
        Principal("visitor:1", Kind.VISITOR, assurance=Assurance.SINGLE),
        Principal("stranger", Kind.SERVICE, assurance=Assurance.NONE),
    ],
)
def test_strangers_and_visitors_are_never_asked(world: World, who: Principal) -> None:
    with pytest.raises(ChatwardError) as refused:
        world.ask(who, {"opt_in": True})
    assert refused.value.reason == "not-authenticated"


@pytest.mark.parametrize("body", [{}, {"opt_in": 1}, {"drill": "x", "did": "typed"}, {"model": 3}])
def test_other_words_are_refused(world: World, body: Any) -> None:
    with pytest.raises(ChatwardError) as refused:
        world.ask(ANN, body)
    assert refused.value.reason == "drill-invalid"


def test_every_language_has_the_same_drills() -> None:
    wanted = {"from", "text", "link", "followed", "reported", "ignored", "lesson"}
    for language in languages():
        there = drills(language)
        assert set(there) == set(drills("en"))
        assert all(set(one) == wanted and all(one.values()) for one in there.values())
