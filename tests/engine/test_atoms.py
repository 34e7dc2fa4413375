"""Atoms: a match always holds one of each set; prose without them is not searched."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatward.engine.atoms import anchor_of, atoms_of, fold, needs_foreign
from chatward.engine.patterns import parse

I = re.IGNORECASE  # noqa: E741
NONE = re.RegexFlag(0)
PATTERNS = [
    (r"\b(?:ignore|forget) (?:all )?(?:rules|instructions?)\b", I),
    (r"abc(?:d|e)?fgh|xyz", NONE),
    (r"(?-i:[sS])ıks|(?:ska){2}", I),
    (r"σας+|Kelvin|ſtop", I),
    (r"(?:abc)?d{3}(?=efg)efgh", NONE),
    (r"(a(?:bcd|cde))f\1?", NONE),
]
WORDS = (
    "ignore FORGET rules INSTRUCTION abc d e fgh xyz sıks SIKS ska ddd σας ΣΑΣ kelvin stop ſTOP efgh bcd cde f a İ ß"
)
TEXTS = st.lists(st.sampled_from([" ", "all ", *WORDS.split()]), max_size=8).map("".join)


@given(TEXTS)
@example("ſıks")
@example("İgnore rules")
def test_a_match_always_holds_its_atoms(text: str) -> None:
    for pattern, flags in PATTERNS:
        if re.search(pattern, text, flags):
            assert all(any(atom in fold(text) for atom in chosen) for chosen in atoms_of(pattern, flags))
            anchor = anchor_of(pattern, flags)
            assert not anchor or any(atom in fold(text) for atom in anchor)


@pytest.mark.parametrize(
    ("pattern", "sets"),
    [
        (r"\b(?:show|give) me (?:the )?system prompt", (("system prompt",), ("show me ", "give me "))),
        (r"\b(?:show|give|tell|hand|name) me", ((" me",), ("show", "give", "tell", "hand", "name"))),
        (r"(?:instruction|instructions|rule)s?", (("rule", "instruction"),)),
        (r"(?:abc|\d+)", ()),
        (r"(?:x|abc)", ()),
        (r"(?-i:[aA])bcd", (("abcd",),)),
        (r"\d{4}-?[a-f]{3}", ()),
    ],
)
def test_atoms_of_a_pattern(pattern: str, sets: tuple[tuple[str, ...], ...]) -> None:
    assert {frozenset(chosen) for chosen in atoms_of(pattern, I)} == {frozenset(chosen) for chosen in sets}


@pytest.mark.parametrize(
    ("pattern", "anchor"),
    [
        (r"(?:show|give) the system prompt", ("give the system prompt", "show the system prompt")),
        (r"(?:the|and) \w+", ()),  # too common
        (r"nf[pco]_[a-z]{9}", ("nfc_", "nfo_", "nfp_")),
        (r"\w+@\w+", ("@",)),
        (r"忽略\w?", ("忽略",)),
        (r"[a-f]{2}x", ()),
    ],
)
def test_the_anchor_is_the_rarest_set(pattern: str, anchor: tuple[str, ...]) -> None:
    assert anchor_of(pattern, NONE) == anchor


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [("é+", True), ("é*", False), ("(?:é|a)", False), ("a[à-ï]", True), ("[aà]", False), ("K", False), ("İ", False),
     ("(?:é|[ï日])x", True), (r"[^\W\d]", False), ("(?=é)a", False)],
)  # fmt: skip
def test_what_needs_a_letter_beyond_ascii(pattern: str, needs: bool) -> None:
    assert needs_foreign(parse(pattern, I), True) is needs
