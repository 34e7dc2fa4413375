"""The quiz at ``/v1/quiz``: five questions about what really happened here, without anybody's text.

The rules:

1. A question is of a kind of tip (``tips.TIPS``) and its words are ours. What is the organisation's own is which kinds
   are asked about and how often each was hidden or stopped: counts of ``counting.TipCounts``, of nobody.
2. Kinds that happened ``LEAST`` times and more are asked about first, the most frequent first; numbers are told rounded
   down. A question of another kind says that it is a general example: rare cases could be told apart by who was there.
3. What is right is told after all five were answered. Kept are counts by kind, of days: no person, no single sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson

from chatward.core.errors import ClientError
from chatward.core.identity import Fields, Principal
from chatward.education import translated
from chatward.education.api import Answered, asked_object
from chatward.education.counting import GIVEN, TipCounts
from chatward.education.tips import preferred

QUIZ_PATH: Final = "/v1/quiz"
QUESTIONS: Final = 5
DAYS: Final = 90
"""Days back that count as what happens here."""
LEAST: Final = 5
"""Cases below which a kind is not told to have happened."""
TAKEN: Final = "taken"
RIGHT: Final = "right"
WRONG: Final = "wrong"
QUIZ: Final = "quiz"
"""Counted as ``quiz`` (``taken``) and ``quiz:KIND`` (``right``, ``wrong``)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: answers, which of them is right (its index), and why."""

    id: str
    case: str
    answers: tuple[str, ...]
    right: int
    why: str


def languages() -> tuple[str, ...]:
    """The languages there are questions in."""
    return translated.languages("quiz_texts")


@cache
def questions(language: str) -> Mapping[str, Question]:
    """Every question in one of ``languages``, by kind of tip."""
    found = translated.words("quiz_texts", language)["questions"]
    return {
        kind: Question(kind, one["case"], tuple(one["answers"]), one["right"], one["why"])
        for kind, one in found.items()
    }


def chosen(cases: Mapping[str, int]) -> tuple[str, ...]:
    """The kinds of one quiz, for how often each kind happened: pure, and the same for all people of a time."""
    kinds = list(questions("en"))
    return tuple(sorted(kinds, key=lambda kind: -cases.get(kind, 0) if cases.get(kind, 0) >= LEAST else 1))[:QUESTIONS]


def rounded(count: int) -> int:
    """A number of cases as it is told: rounded down to a step that hides single ones."""
    step = LEAST if count < 50 else 50 if count < 1000 else 500
    return count // step * step


class QuizApi:
    """The service. ``off``: tips that nobody gets, and so no questions either."""

    def __init__(self, counts: TipCounts, *, language: str = "", off: Sequence[str] = ()) -> None:
        self._counts = counts
        self._language = language
        self._off = frozenset(off)

    def answer(self, method: str, path: str, headers: Fields, body: bytes, principal: Principal) -> Answered:
        """Raises ``ClientError`` and ``StoreError``."""
        asked = self._language or headers.get("accept-language") or ""
        language = preferred(asked, languages())
        if method == "GET" and path.rstrip("/") == QUIZ_PATH:
            return _said(self._sheet(language))
        return _said(self._marked(asked_object(method, path, QUIZ_PATH, body), language))

    def _cases(self) -> Mapping[str, int]:
        totals = self._counts.totals(DAYS)
        return {kind: told.get(GIVEN, 0) for kind, told in totals.items() if kind not in self._off}

    def _sheet(self, language: str) -> Mapping[str, Any]:
        cases, words = self._cases(), translated.words("quiz_texts", language)
        told = []
        for kind in chosen(cases):
            one, count = questions(language)[kind], cases.get(kind, 0)
            own = count >= LEAST
            happened = words["happened"].format(count=rounded(count), days=DAYS) if own else words["general"]
            told.append({"id": kind, "own": own, "happened": happened, "case": one.case, "answers": list(one.answers)})
        return {"language": language, "days": DAYS, "questions": told}

    def _marked(self, said: Mapping[str, Any], language: str) -> Mapping[str, Any]:
        given, known = said.get("answers"), questions(language)
        if (
            not isinstance(given, dict)
            or len(given) != QUESTIONS
            or not all(
                kind in known and type(index) is int and 0 <= index < len(known[kind].answers)
                for kind, index in given.items()
            )
        ):
            wanted = f'{{"answers": {{question: number of the answer, from 0}}}}, all {QUESTIONS} of them'
            raise ClientError(f"The body must be {wanted}.", reason="quiz-invalid")
        results = []
        for kind, index in given.items():
            one = known[kind]
            held = index == one.right
            self._counts.add(f"{QUIZ}:{kind}", RIGHT if held else WRONG)
            results.append({"id": kind, "right": held, "answer": one.right, "why": one.why})
        self._counts.add(QUIZ, TAKEN)
        return {"right": sum(one["right"] for one in results), "of": len(results), "results": results}


def _said(value: Mapping[str, Any]) -> Answered:
    return 200, (("content-type", "application/json"),), orjson.dumps(value)
