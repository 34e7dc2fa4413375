"""Dates of birth: any day since 1900, in any common order, after a word for being born; no other date."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.ports import RuleGuard
from chatward.guards.text.pii import PiiGuard

Find = Callable[[RuleGuard, str], list[tuple[str, str, float]]]
GUARD = PiiGuard()
FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d.%m.%y", "%d %B %Y",
    "%B %d, %Y", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%dth %B %Y", "%d de %B de %Y", "%Y年%m月%d日", "%Y. %B %d",
    "%Y%m%d", "%d%m%Y",
)  # fmt: skip
WORDS = (
    "born", "DOB:", "D.O.B.", "date of birth", "birthday is", "geboren am", "geb.", "Geburtsdatum", "né le", "née le",
    "date de naissance", "fecha de nacimiento", "nací el", "nascido em", "data de nascimento", "nato il",
    "data di nascita", "geboortedatum", "data urodzenia", "född", "født", "syntynyt", "дата рождения", "родился",
    "出生日期", "生年月日", "생년월일", "تاريخ الميلاد", "जन्म तिथि", "doğum tarihi",
    "ngày sinh", "วันเกิด", "tanggal lahir",
    "datum narození", "született", "data nașterii", "ημερομηνία γέννησης", "תאריך לידה",
)  # fmt: skip
days = st.dates(datetime.date(1900, 1, 1), datetime.date(2030, 12, 31))


def births(find: Find, text: str) -> list[str]:
    return [found for rule, found, confidence in find(GUARD, text) if "birth" in rule and confidence >= 0.5]


@given(days, st.sampled_from(FORMS), st.sampled_from(WORDS))
def test_a_date_after_a_word_for_birth_is_found(find: Find, day: datetime.date, form: str, word: str) -> None:
    written = day.strftime(form)
    assert births(find, f"{word} {written}.") == [written]


@given(days, st.sampled_from(FORMS))
def test_another_date_is_left_alone(find: Find, day: datetime.date, form: str) -> None:
    assert births(find, f"the report of {day.strftime(form)} is late") == []


@pytest.mark.parametrize("text", ["born 31.02.1980", "born 1879-03-14", "born 45/45/1980", "born 2020-13-01"])
def test_what_is_no_day_since_1900_is_left_alone(text: str, find: Find) -> None:
    assert births(find, text) == []


@pytest.mark.parametrize(
    "text",
    ["my order is 19870412", "I was born in Leeds, and my order number is 19870412", "dob 19871342", "born 87041987"],
)
def test_eight_digits_are_a_date_of_birth_only_right_after_its_name(find: Find, text: str) -> None:
    assert births(find, text) == []
