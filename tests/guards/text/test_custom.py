from __future__ import annotations

from datetime import date

import pytest

from chatward.core.errors import ConfigError
from chatward.core.values import Action
from chatward.routing import routing
from chatward.settings import Recogniser, Route, Settings
from chatward.settings.rules import problems_of
from chatward.ward import Ward

STAFF = Recogniser(name="staff-number", entity="STAFF_NUMBER", pattern=r"\bEMP-[0-9]{6}\b")
CODENAMES = Recogniser(name="codenames", entity="CODENAME", words=("Blue Heron", "Heron"), category="secret")


def ward(*recognisers: Recogniser, **more: object) -> Ward:
    guards = ("text.custom",)
    return Ward(Settings(routes={"default": Route(guards=guards, recognisers=recognisers, **more)}))  # type: ignore[arg-type]


def test_a_pattern_becomes_a_rule_whose_values_travel_as_placeholders() -> None:
    verdict = ward(STAFF).check("I am EMP-123456, and EMP-12 is none")
    assert verdict.text == "I am [STAFF_NUMBER_1], and EMP-12 is none"
    assert [finding.rule for finding in verdict.findings] == ["text.custom/staff-number"]


def test_words_match_whole_in_any_case_and_the_longest_wins() -> None:
    verdict = ward(CODENAMES).check("is BLUE HERON late? herons are birds; heron")
    assert verdict.text == "is [CODENAME_1] late? herons are birds; [CODENAME_2]"


def test_replies_are_masked_by_the_same_rules() -> None:
    assert ward(STAFF).check("ask EMP-654321", "assistant").text == "ask [staff number hidden]"


def test_the_allow_list_holds_for_them() -> None:
    assert ward(STAFF, allow=("EMP-000000",)).check("EMP-000000").action is Action.ALLOW


def test_routes_may_give_one_name_to_different_patterns() -> None:
    other = Recogniser(name="staff-number", entity="STAFF_NUMBER", pattern=r"\bP[0-9]{4}\b")
    settings = Settings(
        routes={
            "default": Route(guards=("text.custom",), recognisers=(STAFF,)),
            "old": Route(guards=("text.custom",), recognisers=(other,), models=("old",)),
        }
    )
    made = routing(settings)
    assert Ward(route="default", routing_=made).check("EMP-123456 P1234").text == "[STAFF_NUMBER_1] P1234"
    assert Ward(route="old", routing_=made).check("EMP-123456 P1234").text == "EMP-123456 [STAFF_NUMBER_1]"


@pytest.mark.parametrize("pattern", [r"x+", r"^a", r"("])
def test_a_pattern_that_no_stream_can_hold_refuses_to_start(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ward(Recogniser(name="bad", pattern=pattern))
    assert caught.value.key == "routes.default.recognisers"


@pytest.mark.parametrize(
    ("recogniser", "key"),
    [
        (Recogniser(name="Bad Name", words=("x",)), "name"),
        (Recogniser(name="x", entity="lower", words=("x",)), "entity"),
        (Recogniser(name="x"), 0),
        (Recogniser(name="x", words=("a",), pattern="a"), 0),
        (Recogniser(name="x", words=(" ",)), "words"),
    ],
)
def test_what_is_wrong_with_one_is_named(recogniser: Recogniser, key: object) -> None:
    settings = Settings(routes={"default": Route(recognisers=(recogniser,))})
    found = [problem.steps for problem in problems_of(settings, None, date(2026, 1, 1))]
    assert any(steps[:3] == ("routes", "default", "recognisers") and steps[-1] == key for steps in found)
