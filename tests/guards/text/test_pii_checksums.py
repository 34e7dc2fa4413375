"""Check digits: each catches a single wrong digit as its scheme promises, and none fails on any number of its form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.guards.text import pii_checksums as checks
from chatward.guards.text.pii_national_europe import IDS as EUROPE
from chatward.guards.text.pii_national_world import IDS as WORLD
from chatward.guards.text.pii_words import compact

digits = st.text("0123456789", min_size=2, max_size=20)


@given(digits, st.data())
def test_luhn_catches_every_single_wrong_digit(body: str, data: st.DataObject) -> None:
    good = next(f"{body}{digit}" for digit in range(10) if checks.luhn(f"{body}{digit}"))
    place = data.draw(st.integers(0, len(good) - 1))
    wrong = data.draw(st.sampled_from(sorted(set("0123456789") - {good[place]})))
    assert not checks.luhn(good[:place] + wrong + good[place + 1 :])


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<", min_size=1, max_size=39))
def test_the_mrz_digit_is_a_digit_and_blind_to_fillers_at_the_end(text: str) -> None:
    assert 0 <= checks.mrz_digit(text) <= 9
    assert checks.mrz_digit(text + "<<<") == checks.mrz_digit(text)


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (checks.mrz_passport_line, "L898902C36UTO7408122F1204159ZE184226B<<<<<10"),  # ICAO Doc 9303-4, appendix B
        (checks.vin, "1M8GDM9AXKP042788"),
        (checks.vin, "11111111111111111"),  # 49 CFR 565's own test number
        (checks.us_npi, "1234567893"),
        (checks.us_dea, "AB1234563"),
        (checks.de_health, "A123456780"),
        (checks.hk_person, "A1234563"),
        (checks.hk_person, "AB9876543"),
        (checks.sg_person, "S1234567D"),
        (checks.tw_person, "A123456789"),
        (checks.mx_clabe, "032180000118359719"),
        (checks.ru_snils, "11223344595"),
        (checks.nz_health, "ZZZ0016"),
        (checks.uk_driver, "MORGA657054SM9IJ"),
    ],
)
def test_published_numbers_pass_and_their_neighbours_fail(check: checks.Check, number: str) -> None:
    assert check(number)
    if check is not checks.uk_driver:  # its last two characters are issued, not computed
        place = max(index for index, char in enumerate(number) if char.isdigit()) if number[-1] != "D" else 8
        if check is checks.vin:
            place = 8
        wrong = {str((int(number[place]) + 1) % 10)} if number[place].isdigit() else {"E", "0"} - {"0"}
        assert not any(check(number[:place] + char + number[place + 1 :]) for char in wrong)


@pytest.mark.parametrize(
    ("year", "month", "day", "real"),
    [(2000, 2, 29, True), (1900, 2, 29, False), (1999, 13, 1, False), (1999, 4, 0, False)],
)
def test_the_calendar(year: int, month: int, day: int, real: bool) -> None:
    assert checks.plausible_date(year, month, day) is real


@pytest.mark.parametrize("entry", [*EUROPE, *WORLD], ids=lambda entry: entry.slug)
@settings(max_examples=20)
@given(st.data())
def test_a_check_answers_for_every_number_of_its_form(entry: object, data: st.DataObject) -> None:
    from chatward.guards.text.pii_national import NationalId

    assert isinstance(entry, NationalId)
    text = data.draw(st.from_regex(rf"(?:{entry.form})", fullmatch=True))
    assert entry.check(text if entry.keep_grouping else compact(text)) in {True, False}
    confidence = entry.validator()(text, "number: ")
    assert confidence is None or 0 < confidence <= 1


@given(st.text(max_size=30))
def test_the_library_never_raises(text: str) -> None:
    for module in ("pl.pesel", "es.dni", "it.codicefiscale", "cn.ric", "mx.curp", "iban"):
        assert checks.stdnum(module)(text) in {True, False}
