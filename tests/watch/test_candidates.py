"""Why a name is a candidate, and how its score adds up."""

from __future__ import annotations

import pytest

from chatward.watch.candidates import CONTAINS, Ours, judged
from chatward.watch.resolving import Records

OURS = Ours(["parcelway.com", "parcelway.de"], ["wayfinder"], ["parcelway-partner.com"])
FULL = Records(("ns.a",), ("198.51.100.7",), (), ("mx.a",))


@pytest.mark.parametrize("host", ["parcelway.com", "chat.parcelway.de", "shop.parcelway-partner.com"])
def test_ours_and_those_that_are_known_are_none(host: str) -> None:
    assert OURS.owned(host)
    assert OURS.seen_in(host) == (0.0, "")


SEEN = (
    "parce1way.com",
    "parcelway-login.com",
    "parcelway.com.verify.example",
    "xn--parcelwy-76g.com",
    "parcelwaysupport.top",
    "wayfinder-help.com",
    "secure-parcelway.xyz",
    "parcelwway.com",
)


@pytest.mark.parametrize("host", SEEN)
def test_names_like_ours(host: str) -> None:
    score, rule = OURS.seen_in(host)
    assert score >= 0.4, rule
    assert rule


@pytest.mark.parametrize("host", ["example.com", "parcel.com", "way.com", "mailserver.net", "parcels-and-ways.org"])
def test_other_names(host: str) -> None:
    assert OURS.seen_in(host)[0] < CONTAINS


def test_a_name_inside_another_is_a_hint() -> None:
    assert OURS.seen_in("bestparcelwaydeals.net") == (CONTAINS, "name-inside")


def test_presence_counts() -> None:
    def score(records: Records) -> float:
        return judged("parcelway-x.com", OURS, kind="dictionary", records=records).score

    only = score(Records(("ns.a",)))
    one = score(Records(("ns.a",), ("198.51.100.7",)))
    both = score(FULL)
    assert only < one < both
    assert both == 0.55


def test_our_own_name_servers_make_it_half() -> None:
    plain = judged("parcelwayy.com", OURS, kind="repetition", records=FULL)
    same = judged("parcelwayy.com", OURS, kind="repetition", records=FULL, our_servers=frozenset({"ns.a", "ns.b"}))
    assert same.score == pytest.approx(plain.score / 2, abs=0.001)
    assert "our-name-servers" in same.reasons
    assert "our-name-servers" not in plain.reasons


def test_reasons_name_what_was_seen() -> None:
    found = judged("parcelway-login.com", OURS, kind="dictionary", of="parcelway.com", records=FULL)
    assert found.reasons == ("dictionary", "brand", "address", "mail")
    assert found.told()["records"]["mx"] == ["mx.a"]
    assert judged("parcelway-login.com", OURS, certificate=True).reasons == ("brand", "certificate")
