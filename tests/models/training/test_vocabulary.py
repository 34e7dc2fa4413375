"""The vocabulary: the base's tokens stay, and what is often needed beside them is added."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chatward.models.training.vocabulary import extended, origins
from chatward.models.wordpiece import WordPiece, fold
from tests.simulators.models import SPECIAL

BASE = [*SPECIAL, *"abcdefgh", *(f"##{letter}" for letter in "abcdefgh"), "bad", "."]
WORDS = st.sampled_from(["abba", "bad", "Bad", "fee", "дом", "и", "中", "文字", "çe", "ab", "."])


@given(st.lists(WORDS, max_size=60))
def test_what_is_added(words: list[str]) -> None:
    """Letters that are seen three times, words that are seen eight times and were cut; nothing twice."""
    found = extended(BASE, [" ".join(words)])
    assert found[: len(BASE)] == BASE
    added = found[len(BASE) :]
    assert len(set(found)) == len(found)
    cut = WordPiece(BASE)
    text = " ".join(words)
    seen = Counter(fold(text[start:end]) for start, end in cut(text).spans)
    letters = Counter(letter for word, count in seen.items() for letter in word * count)
    for token in added:
        plain = token.removeprefix("##")
        assert plain.strip()
        if len(plain) == 1:
            assert letters[plain] >= 3
            assert not plain.isascii()
        else:
            assert seen[plain] >= 8
            assert len(plain) > 2
    for letter, count in letters.items():
        assert letter.isascii() or (count >= 3) == (letter in added)
    assert ("abba" in added) == (seen["abba"] >= 8)
    assert "bad" not in added


def test_limits_are_kept() -> None:
    texts = ["абвгдежз"] * 10 + [" ".join(f"abba{letter}" for letter in "cdefgh")] * 10
    found = extended(BASE, texts, words=2, characters=3)[len(BASE) :]
    assert sum(len(token.removeprefix("##")) > 1 for token in found) <= 2
    assert sum(len(token.removeprefix("##")) == 1 for token in found) <= 4  # a letter comes with its inner form


def test_characters_that_stand_alone_need_no_inner_form() -> None:
    added = extended(BASE, ["中中中 жжж"])[len(BASE) :]
    assert sorted(added) == sorted(["中", "ж", "##ж"])


def test_a_new_token_starts_from_the_pieces_that_it_replaces() -> None:
    vocabulary = [*BASE, "abba", "ж", "##ж"]
    pieces = [[BASE[i] for i in ids] for ids in origins(BASE, vocabulary)]
    assert pieces == [["a", "##b", "##b", "##a"], ["[UNK]"], ["[UNK]"]]
    assert origins(BASE, BASE) == []


@given(st.lists(WORDS, min_size=1, max_size=40))
def test_the_new_vocabulary_cuts_no_word_into_more_pieces(words: list[str]) -> None:
    text = " ".join(words)
    before, after = WordPiece(BASE)(text), WordPiece(extended(BASE, [text]))(text)
    assert before.spans == after.spans
    assert len(after.ids) <= len(before.ids)
