"""What the words before a value say, and what they do not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.guards.text.pii_contact import PHONE_WORDS
from chatward.guards.text.pii_national import ID_WORDS
from chatward.guards.text.pii_national_europe import IDS as EUROPE
from chatward.guards.text.pii_national_world import IDS as WORLD
from chatward.guards.text.pii_words import (
    OTHER_NUMBERS,
    compact,
    has_letters,
    label,
    label_start,
    mentions,
    named_otherwise,
    split,
)

WORDS = "dob, date of birth, d.o.b., born*, tel, 生日*, driver's license"


@pytest.mark.parametrize(
    "before",
    [
        "DOB: ",
        "date of birth ",
        "date_of_birth=",
        '"dateOfBirth": "',
        "date-of-birth: ",
        "d.o.b. ",
        "born ",
        "bornholm ",
        "Tel.: ",
        "tel",
        "(tel) ",
        "我的生日是",
        "driver's license ",
        "drivers license ".replace("s l", "’s l"),
        "x; TEL ",
    ],
)
def test_a_word_is_read_however_it_is_written(before: str) -> None:
    assert mentions(WORDS, before)


@pytest.mark.parametrize(
    "before", ["", "hotel ", "telling ", "reborn ", "dobro ", "date of ", "birth ", "12345 ", "..."]
)
def test_a_part_of_a_word_is_none(before: str) -> None:
    assert not mentions(WORDS, before)


def test_a_word_that_the_reach_cuts_in_two_is_none() -> None:
    assert not mentions("sin", "take aspirin" + " " * 61)
    assert mentions("sin", "the sin" + " " * 61)


def test_what_is_out_of_reach_says_nothing() -> None:
    assert mentions(WORDS, "tel " + "." * 60)
    assert not mentions(WORDS, "tel " + "." * 61)
    assert not mentions(WORDS, "tel 0123456789", 8)


@pytest.mark.parametrize(
    "before",
    [
        "order ",
        "order no. ",
        "Order #",
        "order_id=",
        '"orderId": ',
        "invoice number: ",
        "Bestellnummer ",
        "ISBN ",
        "Rechnungsnummer ",
        "commande n° ",
        "订单号",
        "注文番号：",
        "версия 2, заказ № ",
        "version ",
        "s/n ",
        "unix time ",
        "ref. ",
        "order no. 020 7946 ",
    ],
)
def test_what_directly_names_something_else(before: str) -> None:
    assert named_otherwise(before)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "my order is late, call ",
        "order 17, phone ",
        "in order to reach me ",
        "my number is ",
        "is no ",
        "order, ann ",
    ],
)
def test_what_does_not(before: str) -> None:
    assert not named_otherwise(before)


@given(st.sampled_from(split(PHONE_WORDS) + split(ID_WORDS)), st.sampled_from((" ", ": ", "：", " - ", '": "', "\n")))
def test_every_stem_is_read(stem: str, after: str) -> None:
    assert mentions(stem, f"x {stem.rstrip('*')}{after}")


@given(st.sampled_from(split(OTHER_NUMBERS)))
def test_every_other_name_is_read(stem: str) -> None:
    assert named_otherwise(f"the {stem.rstrip('*')} ")


@given(st.text(max_size=120))
def test_any_text_may_stand_before_a_value(before: str) -> None:
    assert mentions(PHONE_WORDS, before) in {True, False}
    assert named_otherwise(before) in {True, False}


@given(st.lists(st.from_regex(r"[a-zäßéа-я]{2,12}( [a-z]{2,8})?!?", fullmatch=True), min_size=1, max_size=5), st.data())
def test_a_label_starts_with_its_start(stems: list[str], data: st.DataObject) -> None:
    listed = ", ".join(stems)
    text = data.draw(st.sampled_from(stems)).rstrip("!").replace(" ", data.draw(st.sampled_from(("", " ", "-", "_"))))
    match = re.search(label(listed), f" {text} ", re.IGNORECASE)
    assert match is not None
    assert re.compile(label_start(listed), re.IGNORECASE).match(f" {text} ", match.start())


def test_a_marked_label_has_no_ending() -> None:
    assert re.search(label("cap!"), "CAP 1", re.IGNORECASE)
    assert not re.search(label("cap!"), "capacity 1", re.IGNORECASE)
    assert re.search(label("cap"), "capacity 1", re.IGNORECASE)


@given(st.text("0123456789abcXYZ -./()–", max_size=30))
def test_compact_keeps_letters_and_digits(text: str) -> None:
    assert compact(text) == "".join(char for char in text.upper() if char.isalnum())


@pytest.mark.parametrize("stems", [OTHER_NUMBERS, PHONE_WORDS, ID_WORDS, *(entry.words for entry in (*EUROPE, *WORLD))])
def test_every_word_is_told_from_numbers_by_a_letter(stems: str) -> None:
    """Where there is none, no name is sought and no check digit reckoned."""
    assert all(has_letters(stem) for stem in split(stems))


@given(st.text(alphabet="0123456789 .,;:-/()+#", max_size=80))
def test_numbers_name_nothing(before: str) -> None:
    assert not has_letters(before)
    assert not any(mentions(entry.words, before) for entry in (*EUROPE, *WORLD))
