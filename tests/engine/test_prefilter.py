"""The prefilter: it may say yes too often, and never no to a pattern that matches."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.normalise import plain
from chatward.engine.prefilter import Prefilter, Probe, quick_search
from chatward.engine.widening import quick_form, widened

PATTERNS = [
    (r"\bhello\b", re.RegexFlag(0)),
    (r"(?<!\d)\d{3}-?\d{2,9}(?!\d)", re.RegexFlag(0)),
    (r"straße|ÉTÉ \w+", re.IGNORECASE),
    (r"[^\W\d]{2,5}:[é-ï日]{1,3}", re.RegexFlag(0)),
    (r"(?i:abc)D|x{2,40}y?z", re.RegexFlag(0)),
    (r"(a|bc)\1+-", re.RegexFlag(0)),
    (r"(?P<open>\()?ab(?(open)\))!", re.RegexFlag(0)),
    (r"a.{0,3}b", re.DOTALL),
    (r"a.{1,3}c", re.RegexFlag(0)),
    (r"(?=ab)abc?", re.RegexFlag(0)),
    (r"(?:hello-0123-abc|é|ab) ?ssz{2}", re.RegexFlag(0)),  # alternatives of unequal length, and something behind
    (r"(?:(?:xyzxyzxyz|x)(?:0123012301|1)|[a-c]{12}){1,2}z", re.RegexFlag(0)),
    (r"(?:[éï]+|猫)ab", re.RegexFlag(0)),  # needs a letter beyond ASCII
    (r"(?:é|K)[a-z]", re.IGNORECASE),  # seems to, but for the Kelvin sign
    (r"[aà]bc|x?y[_-]z", re.IGNORECASE),
    (r"(?:[a-cé]|\d)\d:|!0", re.RegexFlag(0)),
    (r"[a-z0-9]{14,20}", re.RegexFlag(0)),  # a long token
    (r"(?:[a-c]{3} ?){5}", re.RegexFlag(0)),  # no token: it may hold blanks
    (r"(?:[A-D0-3] ?){9}", re.RegexFlag(0)),
    (r"(?:[A-D0-3] ?){9}", re.IGNORECASE),
]
FILTER = Prefilter(PATTERNS)
QUICK = [quick_search(quick_form(*pattern)) for pattern in PATTERNS]
ALPHABET = "hello 0123-straßeSTRASSEétÉTÉ:abcABCDxyz()!日ïK\nK"


PIECES = [
    "ABCD 0123 D",
    "abcd 0123 d",
    "AB",
    "hello-0123-abc",
    "xyzxyzxyz",
    "0123012301",
    "ssz",
    "abcabcabcabc",
    "straße",
    *ALPHABET,
]


@given(st.text(alphabet=ALPHABET, max_size=30) | st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_it_never_loses_a_match(text: str) -> None:
    matching = [i for i, (pattern, flags) in enumerate(PATTERNS) if re.search(pattern, text, flags)]
    assert set(matching) <= set(FILTER(text))
    assert all(QUICK[index](text.encode()) for index in matching)


@pytest.mark.parametrize("text", ["", "(?!", "日本語", "\n"])
def test_it_says_no_to_what_is_far_off(text: str) -> None:
    assert FILTER(text) == []


@pytest.mark.parametrize(
    ("pattern", "flags", "wide"),
    [
        ("é", re.RegexFlag(0), (rb"(?:\xc3\xa9)", False)),
        ("é", re.IGNORECASE, (rb"(?:\xc3\x89|\xc3\xa9)", True)),
        (r"\bab(?!c)[a-c-]{2,99}", re.RegexFlag(0), (rb"ab(?:[\x2da-c]){2,}", False)),
        ("a(?i:b)", re.RegexFlag(0), (b"a(?:b)", True)),
        (r"\d{12,19}", re.RegexFlag(0), (rb"(?:[0-9]){12}", False)),  # the start is enough
    ],
)
def test_what_a_pattern_is_widened_to(pattern: str, flags: re.RegexFlag, wide: tuple[bytes, bool]) -> None:
    assert widened(pattern, flags) == wide


@given(st.data())
def test_what_a_pattern_generates_is_let_through(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(PATTERNS) - 1))
    pattern, flags = PATTERNS[index]
    drawn = data.draw(st.from_regex(re.compile(pattern, flags)))
    text = plain(drawn).text  # what guards read: digits of all scripts are ASCII there
    if re.search(pattern, text, flags):
        assert index in FILTER(text)
        assert QUICK[index](text.encode())


def test_equal_forms_are_run_once() -> None:
    both = Prefilter([(r"(?<!\d)\d{4}", re.RegexFlag(0)), (r"\d{4}(?!\d)", re.RegexFlag(0))])
    assert both("1234") == [0, 1]
    assert both("123") == []


@pytest.mark.parametrize("text", ["skip all rules", "disregard all rules", "disregard rules"])
def test_what_follows_alternatives_of_unlike_length_is_asked_after_whole_ones(text: str) -> None:
    assert Prefilter([(r"\b(?:skip|disregard) (?:all |any )?rules", re.RegexFlag(0))])(text) == [0]


def test_digits_and_letters_beyond_ascii_are_asked_first() -> None:
    asked = Prefilter([(r"[a-z]{2}\d{3}[a-z]", re.RegexFlag(0)), (r"[é-ï]{2,3}[a-z]+", re.RegexFlag(0))])
    assert asked("ab123c") == [0]
    assert asked("ab12 c") == []
    assert asked("éée") == [1]
    assert asked("eee") == []


def test_long_tokens_are_asked_first() -> None:
    asked = Prefilter([(r"[a-z]{14,20}", re.RegexFlag(0)), (r"(?:[A-Z] ?){4}", re.RegexFlag(0))])
    assert asked("abcdefghijklmn") == [0]
    assert asked("abcdefghijklm n") == []
    assert asked("see ABCD") == [1]
    assert asked("see abcd") == []


def test_what_does_not_matter_is_not_looked_for() -> None:
    both = Prefilter(
        [(r"[a-z]{14,20}", re.RegexFlag(0)), (r"hello|hullo", re.RegexFlag(0)), (r"[a-z]?-[a-z]", re.RegexFlag(0))]
    )
    text = "hello-abcdefghijklmn"
    assert both(text) == [0, 1, 2]
    for wanted in range(3):
        choice = both.choose([index == wanted for index in range(3)])
        assert both.find(Probe(text), choice) == [wanted]
        assert [choice.tokens is None, choice.anchors is None, not choice.sets] == [
            wanted != index for index in range(3)
        ]


def test_the_quick_search_says_no() -> None:
    quick = quick_search(quick_form(r"\bhello (?:big )?world\b", re.IGNORECASE))
    assert quick(b"well, Hello BIG World")
    assert not quick(b"hello, world")
