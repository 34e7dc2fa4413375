"""Five questions, of what happened here; never of whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.errors import ClientError
from chatward.core.identity import Kind, Principal
from chatward.education.counting import GIVEN, TipCounts
from chatward.education.quiz import LEAST, QUESTIONS, QuizApi, chosen, languages, questions, rounded
from chatward.education.tips import TIPS
from chatward.stores.database import Database

ANN = Principal("person:ann", Kind.PERSON)


class World:
    def __init__(self, **cases: int) -> None:
        self.counts = TipCounts(Database(None))
        for kind, count in cases.items():
            for _ in range(count):
                self.counts.add(kind, GIVEN)
        self.counts.flush()
        self.api = QuizApi(self.counts, off=("health",))

    def ask(self, body: Any = None, language: str = "en") -> Any:
        method = "GET" if body is None else "POST"
        headers = {"accept-language": language}
        status, _, said = self.api.answer(method, "/v1/quiz", headers, json.dumps(body).encode(), ANN)
        assert status == 200
        return json.loads(said)


def test_what_happened_most_is_asked_first_and_numbers_are_rounded_down() -> None:
    sheet = World(link=23, secret=LEAST, card=LEAST - 1).ask()
    assert len(sheet["questions"]) == QUESTIONS
    first, second, *rest = sheet["questions"]
    assert (first["id"], second["id"]) == ("link", "secret")
    assert first["happened"] == "This happened here more than 20 times in the last 90 days."
    assert not any(one["own"] for one in rest)
    assert all(one["happened"].startswith("A general example") for one in rest)
    assert "right" not in str(sheet)  # nor why
    assert "why" not in str(sheet)


def test_answers_are_marked_explained_and_counted_by_kind_alone() -> None:
    world = World()
    sheet = world.ask()
    right = {one["id"]: questions("en")[one["id"]].right for one in sheet["questions"]}
    assert world.ask({"answers": right})["right"] == QUESTIONS
    wrong = next(iter(right))
    marked = world.ask({"answers": {**right, wrong: (right[wrong] + 1) % 3}}, "de")
    assert marked["right"] == QUESTIONS - 1
    assert [one["why"] for one in marked["results"] if not one["right"]] == [questions("de")[wrong].why]
    world.counts.flush()
    totals = world.counts.totals(1)
    assert totals["quiz"] == {"taken": 2}
    assert totals[f"quiz:{wrong}"] == {"right": 1, "wrong": 1}
    assert "ann" not in str(totals)


@pytest.mark.parametrize(
    "body", [{}, {"answers": {}}, {"answers": {"card": 0}}, {"answers": dict.fromkeys("abcde", 0)},
             {"answers": [0] * 5}, {"answers": {**dict.fromkeys(("card", "link", "scam", "file"), 0), "secret": 3}},
             {"answers": {**dict.fromkeys(("card", "link", "scam", "file"), 0), "secret": True}}],
)  # fmt: skip
def test_other_sheets_are_refused(body: Any) -> None:
    with pytest.raises(ClientError) as refused:
        World().ask(body)
    assert refused.value.reason == "quiz-invalid"


def test_every_language_has_the_same_questions() -> None:
    kinds = questions("en")
    assert set(kinds) <= set(TIPS)
    assert len(kinds) > QUESTIONS
    for language in languages():
        there = questions(language)
        assert {kind: (one.right, len(one.answers)) for kind, one in there.items()} == {
            kind: (one.right, len(one.answers)) for kind, one in kinds.items()
        }
        assert all(0 <= one.right < len(set(one.answers)) for one in there.values())


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(sorted(questions("en"))), st.integers(0, 10_000)))
def test_a_quiz_is_five_different_questions_and_none_that_is_rare_goes_before_one_that_is_not(
    cases: dict[str, int],
) -> None:
    kinds = chosen(cases)
    assert len(set(kinds)) == QUESTIONS
    own = [cases.get(kind, 0) >= LEAST for kind in kinds]
    assert own == sorted(own, reverse=True)
    assert all(rounded(count) <= count for count in cases.values())
