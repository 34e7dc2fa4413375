"""Names that impostors use: one skeleton for what looks alike, and whose hosts are whose."""

from __future__ import annotations

import pytest

from chatward.core.brands import brand_of, brands, overlooked, scripts, skeleton

KNOWN = brands()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("paypal", "paypa1"),
        ("paypal", "раураl"),  # Cyrillic р, а, у
        ("paypal", "pаypаl"),
        ("microsoft", "rnicrosoft"),
        ("microsoft", "micr0s0ft"),
        ("apple", "аррӏе"),
        ("google", "gооgle"),
        ("google", "goog1e"),
        ("google", "ɡoogle"),
        ("facebook", "faceb00k"),
        ("wellsfargo", "vvellsfargo"),
        ("netflix", "nеtflіх"),
        ("instagram", "ınstagram"),
        ("coinbase", "çoinbase"),
    ],
)
def test_what_looks_alike_has_one_skeleton(name: str, other: str) -> None:
    assert skeleton(other) == skeleton(name)
    assert KNOWN.by_skeleton[skeleton(other)].name == name


@pytest.mark.parametrize(("name", "other"), [("paypal", "payroll"), ("google", "giggle"), ("apple", "apply")])
def test_other_words_have_another(name: str, other: str) -> None:
    assert skeleton(other) != skeleton(name)


def test_a_brand_owns_its_hosts_and_no_others() -> None:
    paypal = KNOWN.by_name["paypal"]
    assert KNOWN.owns(paypal, "www.paypal.com")
    assert KNOWN.owned("login.microsoftonline.com")
    assert not KNOWN.owns(paypal, "paypal.com.login.example")
    assert not KNOWN.owned("notpaypal.com")


@pytest.mark.parametrize(
    ("label", "name", "seen"),
    [
        ("paypall", "paypal", True),
        ("gooogle", "google", True),
        ("payapl", "paypal", True),
        ("microsft", "microsoft", True),
        ("telegraf", "telegram", False),
        ("xgoogle", "google", False),
        ("nordex", "nordea", False),
    ],
)
def test_slips_that_readers_overlook(label: str, name: str, seen: bool) -> None:
    near = KNOWN.near(label)
    assert near is not None
    assert near.name == name
    assert overlooked(name, label) is seen


def test_an_operators_own_brand() -> None:
    own = brand_of("*.Shop-Nine.example/help/*")
    assert (own.name, own.domains) == ("shopnine", frozenset({"shop-nine.example"}))
    assert brand_of("login.example").word  # an ordinary word says nothing by itself
    assert brands(("shop-nine.example",)).by_name["shopnine"] == own


def test_scripts() -> None:
    assert scripts("pаypal") == {"LATIN", "CYRILLIC"}
    assert scripts("日本ひらカタ") == {"HAN"}
    assert scripts("123-") == frozenset()


@pytest.mark.parametrize("name", sorted(KNOWN.by_name))
def test_no_brand_plays_another(name: str) -> None:
    assert KNOWN.by_skeleton[skeleton(name)].name == name


def test_a_text_that_may_hold_no_brand_holds_none() -> None:
    known = brands()
    assert all(known.may_hold(f"my-{name}") for name in known.long)
    assert not known.may_hold("harbour-garden")
    assert not known.may_hold("ab")
