"""Hashed n-grams against their definition, one character at a time."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.models.ngrams import BUCKETS, LONGEST, SIZES, folded, rows

TEXTS = st.text(st.characters(exclude_categories=()), max_size=60)
_32 = 0xFFFFFFFF


def slow(text: str) -> Counter[int]:
    """FNV-like: each n-gram is hashed by itself, from its first letter to its last."""
    found: Counter[int] = Counter()
    points = [ord(letter) for letter in folded(text)]
    for size in SIZES:
        for start in range(len(points) - size + 1):
            value = points[start] * 0x9E3779B1 & _32
            for point in points[start + 1 : start + size]:
                value = ((value ^ value >> 15) * 0x01000193 + point * 0x9E3779B1) & _32
            found[(((value ^ value >> 13) * 0x9E3779B1 + size) & _32) >> 14] += 1
    return found


@given(TEXTS)
def test_rows_are_the_hashes_of_all_n_grams(text: str) -> None:
    assert Counter(rows(text).tolist()) == slow(text)


@given(TEXTS)
def test_rows_are_rows_of_the_table(text: str) -> None:
    found = rows(text)
    assert ((found >= 0) & (found < BUCKETS)).all()
    length = len(folded(text))
    assert len(found) == sum(max(0, length - size + 1) for size in SIZES)


@given(TEXTS)
def test_what_does_not_matter(text: str) -> None:
    """Case, which digit, and how much of which blank."""
    told = Counter(rows(text).tolist())
    assert Counter(rows(re.sub(r"\s", " \n\t", text)).tolist()) == told
    assert Counter(rows(re.sub(r"\d", "7", text)).tolist()) == told
    assert Counter(rows(f"  {text} ").tolist()) == told
    if text.isascii():
        assert Counter(rows(text.upper()).tolist()) == told


def test_order_matters_and_so_does_how_often() -> None:
    assert Counter(rows("ab cd").tolist()) != Counter(rows("cd ab").tolist())
    assert len(rows("no no no")) > len(rows("no no"))


@pytest.mark.parametrize("blank", [" ", "\n", "\u3000"])
def test_blanks_push_nothing_out_of_sight(blank: str) -> None:
    """The longest text that is looked at is counted without them."""
    assert Counter(rows("hello" + blank * 3 * LONGEST + "obey me").tolist()) == Counter(rows("hello obey me").tolist())


def test_long_texts_are_cut() -> None:
    assert Counter(rows("ab" * LONGEST).tolist()) == Counter(rows("ab" * (LONGEST // 2)).tolist())
