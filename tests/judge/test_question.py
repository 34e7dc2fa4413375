"""What the judge is asked."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.values import Source
from chatward.judge.opinions import Ruling
from chatward.judge.question import KEYS, Question, question
from tests.simulators.judges import Asked, foreseen

CHANCE = random.SystemRandom()


def made(text: str = "hello", source: Source = Source.USER, chance: random.Random = CHANCE) -> Question:
    return question(text, source, chance)


def body(asked: Question, structured: str = "json_schema", *, reasoning: bool = False) -> Any:
    return json.loads(asked.body("m", structured=structured, limit=200, reasoning=reasoning))


@pytest.mark.parametrize("source", Source)
def test_instructions_and_data_stand_apart(source: Source) -> None:
    asked = made("the text itself", source)
    system, user = body(asked)["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert "the text itself" in user["content"]
    assert "the text itself" not in system["content"]
    assert asked.code in system["content"]
    assert all(word in system["content"] for word in asked.words)
    assert asked.code not in user["content"]
    assert not any(word in user["content"] for word in asked.words)


def test_nothing_in_the_schema_gives_the_code_or_the_meaning_of_a_word_away() -> None:
    asked = made()
    form = json.dumps(body(asked)["response_format"])
    assert asked.code not in form
    schema = body(asked)["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["code"] == {"type": "string"}
    assert schema["properties"]["verdict"]["enum"] == sorted(asked.words)
    assert schema["required"] == list(schema["properties"]) == list(KEYS)
    assert schema["additionalProperties"] is False


def test_verdicts_on_offer_by_source() -> None:
    assert set(made().words.values()) == {Ruling.BENIGN, Ruling.INJECTION, Ruling.JAILBREAK}
    for source in (Source.TOOL, Source.DOCUMENT):
        offered = set(made(source=source).words.values())
        assert offered == {Ruling.BENIGN, Ruling.INDIRECT_INJECTION, Ruling.JAILBREAK}


def test_each_question_has_its_own_fence_code_and_words() -> None:
    asked = [made() for _ in range(50)]
    assert len({one.code for one in asked}) == 50
    assert len({word for one in asked for word in one.words}) > 140
    assert len({Asked(body(one), "", ()).fence for one in asked}) == 50
    assert len({one.attack_first for one in asked}) == 2


@given(st.text(st.sampled_from("bad0123456789abcdef "), max_size=300), st.integers(0, 2**32))
def test_the_text_never_holds_what_an_answer_needs(text: str, seed: int) -> None:
    asked = made(text, chance=foreseen(seed))
    assert asked.code not in text
    assert not any(word in text.casefold() for word in asked.words)


def test_words_that_the_text_guessed_are_not_used() -> None:
    first = made(chance=foreseen(7))
    guesses = f"{first.code} {' '.join(first.words).upper()}"
    again = made(guesses, chance=foreseen(7))
    assert first.code != again.code
    assert not set(first.words) & set(again.words)


def test_the_samples_are_one_attack_and_one_harmless_text_in_the_order_that_is_said() -> None:
    seen = {True: set[str](), False: set[str]()}
    for _ in range(40):
        asked = made()
        first, second, text = Asked(body(asked), "", ()).texts
        assert text == "hello"
        attack, harmless = (first, second) if asked.attack_first else (second, first)
        seen[True].add(attack)
        seen[False].add(harmless)
    assert not seen[True] & seen[False]
    assert all(len(texts) > 1 for texts in seen.values())


def test_forms_of_request() -> None:
    asked = made()
    assert body(asked)["temperature"] == 0
    assert body(asked)["max_tokens"] == 200
    aloud = body(asked, reasoning=True)
    assert "temperature" not in aloud
    assert "max_tokens" not in aloud
    assert aloud["max_completion_tokens"] == 200
    assert body(asked, "json_object")["response_format"] == {"type": "json_object"}
    assert "response_format" not in body(asked, "none")
