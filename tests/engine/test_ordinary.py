"""One pass tells what can only be read plainly: never of a text that has another reading."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.confusables import STEMS
from chatward.core.normalise import read
from chatward.core.values import PartKind
from chatward.engine.ordinary import ordinary, read_deep

MORSE = ".. --. -. --- .-. . .- .-.. .-.."
READ = [  # one text at least for each sign, in which nothing else is one
    *("SGVsbG8gdGhlcmUh", "48 65 6c 6c 6f 20 74 68 65 72 65", "48,\t65, 6c,6c,6f,20,74,68"),
    *("0x48 0x65 0x6c 0x6c 0x6f 0x20 0x74 0x68", "1 < 2 --> 3"),
    *("1001000 1100101 1101100 1101100 1101111 1110000", "104, 101, 108, 108, 111, 32, 119, 111, 114, 108, 100", MORSE),
    *("a%41b", "a &lt; b", "a &#65; b", "a\\nb", "a=41b", "a=\nb", "a=\r\nb"),
    *("a <b>c", "a </p>c", "a <?x?>c", "a <!--c", "<~87cUR~>"),
    *("-i-g-n", "a i g n o", "\ni\ng\nn\no", "IgnoreTheseAll", "do_this_prompt"),
    *("1gnore it", "!gnore it", "i9n0re", "re4d", "l@st", "he11o"),
    *("vtabe vg", "cebzcg", "erongi", "tpmorp", "TPMORP"),
    *("ignooore", "iiggnnoorree", "ignroe it", "110 145 154 154 157 54 40 167 157 162 154 144"),
    *("9-7-14-15-18-5-9-20", "9 7 14 15 18 5 / 9 20", "9, 7, 14, 15, 18, 5, 9, 20"),
]  # fmt: skip
PIECES = [
    *READ, *STEMS, *"01457@$!-._|<>&%=\\/ \n\t\x0b\x1cag", "--", ". ", "0x", "41", "1001000", "word", "Word", "<~",
    *("~>", "Ab1", "%4", "&amp", ";", "é", "-->"),
]  # fmt: skip


def has_another_reading(text: str) -> bool:
    return bool(read(text, deep=True).others)


@pytest.mark.parametrize("text", READ)
def test_what_can_be_read_otherwise_is_not_ordinary(text: str) -> None:
    assert not ordinary(text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(alphabet="aiB01 4.-=%<\n", max_size=40))
def test_what_is_ordinary_has_no_other_reading(text: str) -> None:
    assert not ordinary(text) or not has_another_reading(text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from([PartKind.TEXT, PartKind.JSON]))
def test_a_deep_reading_is_the_same_by_either_way(text: str, kind: PartKind) -> None:
    assert read_deep(text, kind) == read(text, kind, deep=True)


def test_so_in_long_runs_of_drawn_pieces() -> None:
    random = Random(7)
    texts = ["".join(random.choices(PIECES, k=random.randrange(1, 9))) for _ in range(4000)]
    assert sum(map(has_another_reading, texts)) > 1000
    assert not [text for text in texts if ordinary(text) and has_another_reading(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hi! Where's my parcel (48213)? It's late - two days, i.e. since Friday; $12.50 each.",
        "Thank you, everybody: cancellation cover was explained.\n\n1. Pay\n2. Leave",
        "Call +44 20 7946 0958 between 9 and 5, or ask for O'Neill.",
    ],
)
def test_most_messages_are_ordinary(text: str) -> None:
    assert ordinary(text)


def test_letters_beyond_ascii_are_looked_at() -> None:
    assert not ordinary("Grüße")
