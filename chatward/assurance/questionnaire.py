"""The questionnaire for vendors of AI services: questions, answers, a score that says why.

The rules:

1. Answers are ``yes``, ``partly``, ``no``, ``not-applicable``. What is not answered counts as ``no``; what does not
   apply counts for nothing, and needs a comment.
2. A question weighs 1 to 3. The score is the part of the weight that was answered with yes (partly: half), of 100. A
   question that is a *must* and is not answered with yes or partly holds the score at 49 or below.
3. Every lost point is told with its question, and so is what changed since the last time.

The questions are our own (Apache-2.0), in ``questionnaire.json``; ids of other catalogues beside them (OWASP Top 10
for LLM 2025, NIST SP 800-53 rev. 5, CSA CCM v4, which AICM keeps, AICM's own, HECVAT's sections) say what they are near
to. They are facts only, and no text is taken from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from chatward.core.errors import ClientError

FILE: Final = Path(__file__).with_name("questionnaire.json")
ANSWERS: Final = ("yes", "partly", "no", "not-applicable")
HELD_AT: Final = 49
LONGEST: Final = 4_000
"""Code points of a comment."""
_VALUES: Final = {"yes": 1.0, "partly": 0.5, "no": 0.0}


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """``ids``: what it is near to in other catalogues (``owasp``, ``nist``, ``ccm``, ``aicm``, ``hecvat``)."""

    id: str
    topic: str
    text: str
    weight: int
    must: bool = False
    ids: dict[str, tuple[str, ...]] = {}


class Questionnaire(Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    license: str
    questions: tuple[Question, ...]


class Answer(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    answer: Literal["yes", "partly", "no", "not-applicable"]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """``lost``: question and the points that it costs, the most first. ``held_by``: musts that hold it down."""

    score: int
    lost: tuple[tuple[str, float], ...]
    held_by: tuple[str, ...]
    unanswered: int
    by_topic: Mapping[str, int]


@cache
def questionnaire() -> Questionnaire:
    return msgspec.json.decode(FILE.read_bytes(), type=Questionnaire)


def checked(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Raises ``ClientError`` for what is no answer to a question."""
    known = {one.id for one in questionnaire().questions}
    for name, one in answers.items():
        if name not in known:
            raise ClientError("There is no such question.", reason="question-unknown")
        if len(one.comment) > LONGEST:
            raise ClientError(f"A comment has at most {LONGEST} characters.", reason="answer-invalid")
        if one.answer == "not-applicable" and not one.comment.strip():
            raise ClientError("What does not apply needs a comment that says why.", reason="answer-invalid")
    return dict(answers)


def scored(answers: Mapping[str, Answer]) -> Score:
    questions = questionnaire().questions
    counted = [one for one in questions if _said(answers, one) != "not-applicable"]
    whole = sum(one.weight for one in counted) or 1
    lost, held = list[tuple[str, float]](), list[str]()
    for one in counted:
        missing = one.weight * (1 - _VALUES[_said(answers, one)])
        if missing:
            lost.append((one.id, round(100 * missing / whole, 1)))
        if one.must and missing == one.weight:
            held.append(one.id)
    score = _part(counted, answers)
    return Score(
        min(score, HELD_AT) if held else score,
        tuple(sorted(lost, key=lambda pair: (-pair[1], pair[0]))),
        tuple(held),
        sum(one.id not in answers for one in questions),
        {topic: _part([one for one in counted if one.topic == topic], answers) for topic in _topics(counted)},
    )


def _topics(questions: Sequence[Question]) -> list[str]:
    return list(dict.fromkeys(one.topic for one in questions))


def _said(answers: Mapping[str, Answer], question: Question) -> str:
    answer = answers.get(question.id)
    return "no" if answer is None else answer.answer


def _part(questions: Sequence[Question], answers: Mapping[str, Answer]) -> int:
    whole = sum(one.weight for one in questions)
    good = sum(one.weight * _VALUES[_said(answers, one)] for one in questions)
    return int(100 * good / whole) if whole else 0


def changes(before: Mapping[str, Answer], after: Mapping[str, Answer]) -> list[dict[str, str | None]]:
    """Questions that are answered otherwise than the last time."""

    def said(answers: Mapping[str, Answer], id_: str) -> str | None:
        return answers[id_].answer if id_ in answers else None

    ids = [one.id for one in questionnaire().questions]
    return [
        {"question": id_, "before": said(before, id_), "after": said(after, id_)}
        for id_ in ids
        if said(before, id_) != said(after, id_)
    ]
