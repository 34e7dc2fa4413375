"""Mixed traffic: the mix and lengths it is said to have, nothing that was fitted on, nothing twice."""

from __future__ import annotations

from collections import Counter

import pytest

from chatward.bench.traffic import CYCLE, LENGTHS, MIX, Traffic, sentences
from chatward.models.training import phrases
from chatward.models.training.corpora import held_pattern


def words(text: str) -> int:
    """Stands in for the models' tokens: letters, in fives."""
    return sum(not letter.isspace() for letter in text) // 5


def test_every_cycle_has_the_mix() -> None:
    traffic = Traffic(words, seed=1)
    for _ in range(3):
        texts = traffic.take(CYCLE)
        assert Counter(text.kind for text in texts) == MIX
        assert {text.kind for text in texts if text.untrusted} == {"document", "indirect"}


def test_most_is_ordinary_and_some_is_an_attack() -> None:
    assert CYCLE == 50
    assert MIX["chat"] / CYCLE > 0.6
    assert sum(MIX[kind] for kind in ("direct", "extraction", "jailbreak", "indirect")) / CYCLE < 0.1


def test_texts_have_about_sixty_tokens() -> None:
    texts = Traffic(words, seed=2).take(10 * CYCLE)
    mean = sum(text.tokens for text in texts) / len(texts)
    assert mean == pytest.approx(sum(LENGTHS) / len(LENGTHS), abs=4)
    assert all(0 <= words(text.text) - text.tokens < 30 for text in texts)  # fifths of many sentences
    assert min(text.tokens for text in texts) < 25
    assert max(text.tokens for text in texts) > 95


def test_no_text_comes_twice_whatever_is_taken() -> None:
    traffic = Traffic(words, seed=3)
    texts = [text.text for language in ("", "th", "en", "th") for text in traffic.take(4 * CYCLE, language)]
    assert len(set(texts)) == len(texts)


def test_a_seed_gives_the_same_texts_again() -> None:
    assert Traffic(words, seed=4).take(60) == Traffic(words, seed=4).take(60)
    assert Traffic(words, seed=4).take(60) != Traffic(words, seed=5).take(60)


def test_languages_are_those_asked_for_or_all_of_them() -> None:
    traffic = Traffic(words, seed=6)
    assert {text.language for text in traffic.take(CYCLE, "ja")} == {"ja"}
    counts = Counter(text.language for text in traffic.take(20 * CYCLE))
    assert set(counts) == set(phrases.languages())
    assert counts["en"] / counts.total() == pytest.approx(0.4, abs=0.06)


def test_sentences_come_from_patterns_that_nothing_was_fitted_on() -> None:
    for language in ("en", "th", "tr"):
        for kind in MIX:
            samples = list(phrases.samples(language, kind, 8))
            held = {one.text for pattern, one in samples if held_pattern(language, kind, pattern.number)}
            assert set(sentences(language, kind)) == (held or {one.text for _, one in samples}) != set()
