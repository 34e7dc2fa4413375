"""E-mail addresses of any alphabet, and an example number of every region that phonenumbers knows."""

from __future__ import annotations

import string
from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.ports import RuleGuard
from chatward.guards.text.pii import PiiGuard

Find = Callable[[RuleGuard, str], list[tuple[str, str, float]]]
GUARD = PiiGuard()
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)

local_parts = st.from_regex(r"[a-z0-9_][a-z0-9._+'-]{0,40}[a-z0-9_]", fullmatch=True)
labels = st.from_regex(r"[a-zäöüñçáéа-яα-ω0-9][a-zäöüñçáéа-яα-ω0-9-]{0,20}[a-zäöüа-я]", fullmatch=True)
surroundings = st.sampled_from((" ", "\n", "<", "(", ",", ";", '"', "：", "。", "は", "是"))


def certain(find: Find, text: str, entity: str) -> list[str]:
    named = {rule.id: rule.entity for rule in GUARD.rules}
    return [found for rule, found, confidence in find(GUARD, text) if confidence >= 0.5 and named[rule] == entity]


@given(
    local_parts, st.lists(labels, min_size=1, max_size=3), st.sampled_from(("com", "example", "рф", "co.uk", "中国"))
)
def test_any_address_is_found_whole(find: Find, local: str, domain: list[str], top: str) -> None:
    address = f"{local}@{'.'.join(domain)}.{top}"
    assert address in certain(find, f"to {address} ", "EMAIL")


@given(surroundings, surroundings)
def test_what_touches_an_address_is_no_part_of_it(find: Find, left: str, right: str) -> None:
    assert "ann@example.com" in certain(find, f"x{left}ann@example.com{right}", "EMAIL")


@given(st.text(string.ascii_letters + " .,@-_", max_size=60).filter(lambda text: "@" not in text))
def test_without_an_at_there_is_no_address(find: Find, text: str) -> None:
    assert [rule for rule, _, _ in find(GUARD, text) if rule == "text.pii/email"] == []


@pytest.mark.parametrize("region", REGIONS)
def test_a_number_of_every_region_is_found_in_international_form(region: str, find: Find) -> None:
    kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    for kind in kinds:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        for form in (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164):
            written = phonenumbers.format_number(number, form)
            assert written in certain(find, f"it is {written}.", "PHONE"), written


@pytest.mark.parametrize("region", REGIONS)
def test_a_number_of_every_region_is_found_in_national_form_with_a_word(region: str, find: Find) -> None:
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
    assert number is not None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = sum(char.isdigit() for char in written)
    if digits >= 7:
        found = certain(find, f"phone: {written}", "PHONE")
        assert any(sum(char.isdigit() for char in value) >= digits - 1 for value in found), (written, found)
    else:  # islands with a few thousand lines: too short to be told from any other number
        assert certain(find, f"it is {written}", "PHONE") == []


@pytest.mark.parametrize(
    "word", ["order no.", "invoice", "Bestellnummer", "commande n°", "pedido", "заказ", "订单号", "SKU"]
)
def test_a_number_called_something_else_is_no_telephone(word: str, find: Find) -> None:
    for number in ("020 7946 0958", "(212) 555-0123", "0612345678", "+44 20 7946 0958"):
        assert certain(find, f"call us about {word} {number}", "PHONE") == []


def test_the_nearer_word_decides(find: Find) -> None:
    assert certain(find, "order 17 is late, call me on 0612345678", "PHONE") == ["0612345678"]


@pytest.mark.parametrize(
    "account", ["DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "DE89 3704 0044 0532 0130 01"]
)
def test_groups_of_an_account_are_no_telephone_number(account: str, find: Find) -> None:
    text = f"Please call me, or pay to {account}, thanks"
    assert [found for rule, found, _ in find(GUARD, text) if rule.startswith("text.pii/phone")] == []
    assert "0532 0130 00" in certain(find, "Please call 0532 0130 00, thanks", "PHONE")


@pytest.mark.parametrize(
    "number", ["+1 415 555 2671", "(212) 664-7665", "212-664-7665", "030 901820-0", "020 7946 0018"]
)
@pytest.mark.parametrize(
    "extension",
    [
        "x1234",
        " x 12",
        " ext. 12",
        ", ext 4",
        ";ext=5512",
        " Durchwahl 7",
        " DW 12",
        " poste 12",
        " доб. 123",
        " (доб. 12)",
        "转8001",
        " 内線 12",
        " #12",
        " ramal 123",
        " (Ext: 99)",
    ],
)
def test_an_extension_is_part_of_the_number(number: str, extension: str, find: Find) -> None:
    assert number + extension in certain(find, f"Please call my office at {number}{extension} tomorrow.", "PHONE")


@pytest.mark.parametrize(
    "address",
    [
        "anna dot kovacs at gmail dot com",
        "anna_at_gmail_dot_com",
        "anna-at-firm-dot-io",
        "anna arroba correo punto es",
        "anna punkt kovacs at web punkt de",
        "anna (at) firm.example",
        "anna @ gmail . com",
        "anna@ gmail.com",
        "anna.k at firm.com",
        "anna at gmail.com",
        "anna@[203.0.113.9]",
    ],
)
def test_an_address_that_is_said_or_misspelled_is_found_whole(address: str, find: Find) -> None:
    assert address in certain(find, f"It is {address}, thanks.", "EMAIL")


@pytest.mark.parametrize(
    "text",
    [
        "Dinner at ikea.com or stay at booking.com",
        "contact us at acme.com",
        "log in at gmail.com",
        "5 at Hilton dot com",
        "shop @ 3.99 each",
        "I @ you. Then he left",
        "found at github.com/user/repo",
        "see you @ work. Bye",
    ],
)
def test_a_place_on_the_web_is_no_address(text: str, find: Find) -> None:
    assert certain(find, text, "EMAIL") == []
