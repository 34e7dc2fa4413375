"""Benchmark messages: made again from the same seed, never repeated, and what they are said to be."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chatward.bench.texts import answer, chat_turn, messages, word

SEEDS = st.integers(0, 10_000)


@given(SEEDS)
def test_a_seed_gives_the_same_messages_again(seed: int) -> None:
    assert list(messages(40, seed=seed)) == list(messages(40, seed=seed))


@given(SEEDS, SEEDS)
def test_no_message_repeats_within_a_set_or_between_sets(one: int, other: int) -> None:
    first = {text.text for text in messages(60, seed=one)}
    assert len(first) == 60
    if one != other:
        second = {text.text for text in messages(60, seed=other)}
        assert len(first & second) <= 1  # short messages end in a word drawn from eight


@given(SEEDS)
def test_shares_are_kept(seed: int) -> None:
    assert not any(text.personal for text in messages(50, seed=seed, personal=0.0))
    assert all(text.personal for text in messages(50, seed=seed, personal=1.0))
    assert {text.language for text in messages(50, seed=seed, english=1.0)} == {"en"}
    assert "en" not in {text.language for text in messages(50, seed=seed, english=0.0)}


def test_a_set_has_many_languages_and_lengths() -> None:
    texts = list(messages(1000, seed=1))
    lengths = [len(text.text) for text in texts]
    assert len({text.language for text in texts}) >= 12
    assert min(lengths) < 40
    assert max(lengths) > 800


@given(SEEDS)
def test_turns_and_answers_have_the_length_of_chat(seed: int) -> None:
    random = Random(seed)
    assert 200 <= len(chat_turn(random)) <= 500
    assert 240 <= len(answer(random)) <= 400


@given(st.integers(0, 500), st.integers(0, 500))
def test_words_tell_indexes_apart(one: int, other: int) -> None:
    if one != other:
        assert len({word(index, Random(1)) for index in (one, other)}) == 2
