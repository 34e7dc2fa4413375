"""Cards by Luhn, IBANs by mod 97: any valid one is found, and no broken one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatward.core.ports import RuleGuard
from chatward.guards.text.pii import PiiGuard
from chatward.guards.text.pii_finance import IBAN_LENGTHS, card_issuer_known

Find = Callable[[RuleGuard, str], list[tuple[str, str, float]]]
GUARD = PiiGuard()

PREFIXES = (
    ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("6011", 16), ("65", 16),
    ("644", 16), ("36", 14), ("300", 14), ("3528", 16), ("3589", 16), ("62", 16), ("2200", 16),
)  # fmt: skip


def luhn_digit(body: str) -> str:
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def certain(find: Find, text: str, *entities: str) -> list[str]:
    named = {rule.id: rule.entity for rule in GUARD.rules}
    return [found for rule, found, confidence in find(GUARD, text) if confidence >= 0.5 and named[rule] in entities]


def grouped(digits: str, separator: str) -> str:
    sizes = (4, 6, len(digits) - 10) if len(digits) < 16 else (4, 4, 4, 4)
    parts, start = [], 0
    for size in sizes:
        parts.append(digits[start : start + size])
        start += size
    return separator.join(parts)


@given(st.sampled_from(PREFIXES), st.integers(0, 10**15), st.sampled_from(("", " ", "-", ".", " - ", "–")))
def test_any_card_with_the_right_digit_is_found(
    find: Find, issuer: tuple[str, int], serial: int, separator: str
) -> None:
    prefix, length = issuer
    body = (prefix + f"{serial:015d}")[: length - 1]
    good = body + luhn_digit(body)
    text = grouped(good, separator)
    assert text in certain(find, f"pay with {text}, please", "CARD")
    bad = grouped(body + str((int(good[-1]) + 1) % 10), separator)
    assert certain(find, f"pay with {bad}, please", "CARD") == []


@pytest.mark.parametrize("tail", [" 12/28", " 123", ", 42", " exp 01/30", ".", "\n5"])
def test_what_follows_a_card_does_not_hide_it(tail: str, find: Find) -> None:
    assert "4111 1111 1111 1111" in certain(find, f"4111 1111 1111 1111{tail}", "CARD")


def test_a_card_inside_a_longer_run_is_none(find: Find) -> None:
    for text in ("94111111111111111", "41111111111111112", "0x4111111111111111", "id_4111111111111111.5"):
        assert certain(find, text, "CARD") == []


def test_a_card_with_a_wrong_digit_is_a_weak_finding_where_its_owner_names_it(find: Find) -> None:
    hits = [hit for hit in find(GUARD, "my card number is 4111 1111 1111 1112") if hit[0] == "text.pii/card-named"]
    assert [(found, confidence < 0.5) for _, found, confidence in hits] == [("4111 1111 1111 1112", True)]


def test_issuers_by_prefix_and_length() -> None:
    assert card_issuer_known("4" * 16)
    assert card_issuer_known("378282246310005")
    assert not card_issuer_known("4" * 15)
    assert not card_issuer_known("1" * 16)
    assert not card_issuer_known("2221" + "0" * 11)


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data())
def test_any_iban_with_the_right_digits_is_found(find: Find, length: int, data: st.DataObject) -> None:
    country = data.draw(st.sampled_from(["DE", "AT", "CH", "LU", "AE", "JO", "KW", "LT", "PT", "TR", "XK"]))
    length = next(size for size, countries in IBAN_LENGTHS.items() if country in countries.split())
    account = "".join(data.draw(st.lists(st.sampled_from("0123456789"), min_size=length - 4, max_size=length - 4)))
    value = int("".join(str(int(char, 36)) for char in f"{account}{country}00"))
    check = 98 - value % 97
    assume(_in_form(country, account))
    iban = f"{country}{check:02d}{account}"
    spaced = " ".join(iban[place : place + 4] for place in range(0, length, 4))
    for text in (iban, spaced, iban.lower(), spaced.replace(" ", "-")):
        assert text in certain(find, f"pay to {text} today", "IBAN")
    broken = f"{country}{(check + 1) % 97 + 1:02d}{account}"
    if broken != iban:
        assert certain(find, f"pay to {broken} today", "IBAN") == []


def _in_form(country: str, account: str) -> bool:
    """True where the registry allows digits everywhere; Jordan and Kuwait ask for letters."""
    from stdnum import iban

    value = int("".join(str(int(char, 36)) for char in f"{account}{country}00"))
    return iban.is_valid(f"{country}{98 - value % 97:02d}{account}")
