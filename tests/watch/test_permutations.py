"""The classes by table, and the laws: none is ours, each once, each a name that a registry takes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.addresses import unicode_host
from chatward.core.brands import latin
from chatward.core.hosts import split
from chatward.watch.permutations import LIKELY, permutations

TABLE = (
    ("omission", "parcl.com"),
    ("omission", "pacel.com"),
    ("repetition", "parrcel.com"),
    ("transposition", "pacrel.com"),
    ("transposition", "aprcel.com"),
    ("replacement", "psrcel.com"),
    ("replacement", "parcwl.com"),
    ("insertion", "parfcel.com"),
    ("addition", "parcelb.com"),
    ("addition", "parcel0.com"),
    ("hyphenation", "par-cel.com"),
    ("bitsquatting", "qarcel.com"),
    ("bitsquatting", "parcml.com"),
    ("homoglyph", "parce1.com"),
    ("homoglyph", "parcei.com"),
    ("homoglyph", "p4rcel.com"),
    ("homoglyph", "xn--arcel-uye.com"),
    ("homoglyph", "xn--prcel-4ve.com"),
    ("vowel-swap", "porcel.com"),
    ("vowel-swap", "parcal.com"),
    ("subdomain", "par.cel.com"),
    ("ending", "parcel.shop"),
    ("ending", "parcel.co.uk"),
    ("dictionary", "parcel-login.com"),
    ("dictionary", "support-parcel.com"),
    ("dictionary", "parcelbot.com"),
    ("dictionary", "parcel-tollgate.com"),
    ("joined", "wwwparcel.com"),
    ("joined", "parcelcom.com"),
    ("joined", "parcels.com"),
)


@pytest.mark.parametrize(("kind", "domain"), TABLE)
def test_classes(kind: str, domain: str) -> None:
    made = {one.domain: one for one in permutations(["parcel.com"], words=["tollgate"])}
    assert made[domain].kind == kind
    assert made[domain].of == "parcel.com"


def test_pairs_of_letters_play_one() -> None:
    made = {one.domain for one in permutations(["modern.com"]) if one.kind == "homoglyph"}
    assert {"rnodern.com", "modem.com", "moclern.com", "m0dern.com"} <= made


def test_every_class_makes_some_and_the_likeliest_come_first() -> None:
    made = [one.kind for one in permutations(["parcel.com"])]
    assert set(made) == set(LIKELY)
    assert list(dict.fromkeys(made)) == list(LIKELY)


def test_a_whole_word_of_another_script_is_there() -> None:
    made = [unicode_host(one.domain) for one in permutations(["peace.com"]) if one.kind == "homoglyph"]
    assert "\u0440\u0435\u0430\u0441\u0435.com" in made


def test_homoglyphs_look_like_the_name() -> None:
    made = [unicode_host(one.domain) for one in permutations(["parcel.com"]) if "xn--" in one.domain]
    assert len(made) > 20
    assert {latin(one) for one in made} == {"parcel.com"}


def test_ours_are_left_out() -> None:
    made = {one.domain for one in permutations(["parcel.com", "parcel.net"], ours=["parcels.com", "parcel-help.com"])}
    assert not made & {"parcel.com", "parcel.net", "parcels.com", "parcel-help.com"}
    assert "parcel.org" in made


def test_only_the_registered_name_varies() -> None:
    made = [one for one in permutations(["chat.parcel.co.uk"]) if one.kind not in {"ending", "subdomain"}]
    assert made
    assert all(split(one.domain).suffix == "co.uk" and split(one.domain).subdomain == "" for one in made)
    assert not list(permutations(["uk"]))


_NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True).filter(lambda name: name[2:4] != "--")


@settings(max_examples=25, deadline=None)
@given(_NAMES, st.sampled_from(["com", "co.uk", "de"]))
def test_each_is_made_once_and_can_be_registered(name: str, ending: str) -> None:
    ours = f"{name}.{ending}"
    made = [one.domain for one in permutations([ours])]
    assert Counter(made).most_common(1)[0][1] == 1
    assert ours not in made
    for domain in made:
        labels = domain.split(".")
        assert domain.isascii()
        assert domain == domain.lower()
        assert all(0 < len(label) <= 63 and not label.startswith("-") and not label.endswith("-") for label in labels)
