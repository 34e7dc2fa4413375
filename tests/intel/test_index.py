"""What is listed, how much it counts, when it is unknown, and how a new snapshot takes the old one's place."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.indicators import IndicatorKind, ThreatType, Tlp, domains_of
from chatward.intel.decay import LIFETIMES, lifetimes, score
from chatward.intel.index import POLL, SNAPSHOT, STATUS, Index
from chatward.intel.sightings import SIGHTINGS, Seen, bundle, read
from tests.intel.conftest import DAY, NOW, Desk

AGE = st.floats(0, 1e9)
LIFE = st.floats(0.1, 2000)


@given(st.floats(0, 1), AGE, AGE, LIFE)
def test_a_score_never_rises_with_age(confidence: float, age: float, more: float, life: float) -> None:
    now, later = score(confidence, age, life), score(confidence, age + more, life)
    assert 0.0 <= later <= now <= confidence


@given(st.floats(0, 1), LIFE)
def test_a_score_is_the_confidence_first_and_nothing_at_last(confidence: float, life: float) -> None:
    assert score(confidence, 0.0, life) == confidence
    assert score(confidence, -5.0, life) == confidence
    assert score(confidence, life * DAY, life) == 0.0


def test_lifetimes_are_known_for_every_type() -> None:
    assert set(LIFETIMES) == set(ThreatType)
    assert lifetimes({"phishing": 3.0})[ThreatType.PHISHING] == 3.0


def test_another_lifetime_counts_without_another_import(desk: Desk) -> None:
    desk.source("own", "when,v\n2027-01-05,evil.example.net\n", format="csv", columns={"value": "v", "first": "when"})
    desk.update()
    (before,) = desk.look_up("domain", "evil.example.net")
    desk.more["lifetimes"] = {"malicious": 11.0}
    (after,) = desk.look_up("domain", "evil.example.net")
    assert 0 < after.score < before.score
    desk.more["lifetimes"] = {"malicious": 1.0}
    (ended,) = desk.look_up("domain", "evil.example.net")
    assert ended.score == 0.0


def test_domains_above_a_host() -> None:
    assert domains_of("a.b.example.net") == ("a.b.example.net", "b.example.net", "example.net")
    assert domains_of("example.net") == ("example.net",)
    assert len(domains_of("a." * 50 + "example.net")) == 8
    assert domains_of("a." * 50 + "example.net")[-1] == "example.net"


def test_a_url_does_not_stand_for_its_host(desk: Desk) -> None:
    desk.source("own", "https://sites.example.net/bad\n")
    desk.update()
    assert not desk.look_up("domain", "sites.example.net")
    assert not desk.look_up("url", "sites.example.net/good")


# --- stale -------------------------------------------------------------------------------------------


def test_a_source_is_stale_before_its_first_success_and_long_after_its_last(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n", stale_after=2 * DAY, on_stale="unavailable")
    assert desk.index().stale() == ["own"]
    desk.update()
    assert desk.index().stale() == []
    (desk.folder / "own").unlink()
    desk.now += 2 * DAY
    desk.update()
    assert desk.index().stale() == []
    desk.now += 1
    assert desk.index().stale() == desk.index().required() == ["own"]
    assert desk.look_up("domain", "evil.example.net")


def test_only_what_the_settings_require_is_required(desk: Desk) -> None:
    desk.source("own", location="nothing")
    assert (desk.index().stale(), desk.index().required()) == (["own"], [])


@pytest.mark.parametrize("name", [SNAPSHOT, STATUS])
def test_a_broken_file_makes_every_source_stale(desk: Desk, name: str) -> None:
    desk.source("own", "evil.example.net\n")
    desk.update()
    (desk.folder / "kept" / name).write_bytes(b"broken")
    assert desk.index().stale() == ["own"]


def test_without_a_source_there_is_nothing_to_ask(desk: Desk) -> None:
    assert desk.index().empty
    assert desk.index().stale() == []


# --- a new snapshot ----------------------------------------------------------------------------------


def test_a_new_snapshot_takes_the_place_of_the_old_one(desk: Desk) -> None:
    ticks = [0.0]
    desk.source("own", "evil.example.net\n")
    desk.update()
    index = Index(desk.folder / "kept", desk.settings, clock=lambda: desk.now, steady=lambda: ticks[0])
    assert not index.look_up(IndicatorKind.DOMAIN, ["new.example.net"])
    desk.source("own", "new.example.net\n")
    desk.update()
    assert not index.look_up(IndicatorKind.DOMAIN, ["new.example.net"])
    ticks[0] = POLL
    assert index.look_up(IndicatorKind.DOMAIN, ["new.example.net"])


def test_a_broken_snapshot_leaves_the_old_one_in_force(desk: Desk) -> None:
    ticks = [0.0]
    desk.source("own", "evil.example.net\n")
    desk.update()
    index = Index(desk.folder / "kept", desk.settings, clock=lambda: desk.now, steady=lambda: ticks[0])
    assert index.look_up(IndicatorKind.DOMAIN, ["evil.example.net"])
    (desk.folder / "kept" / f"{SNAPSHOT}.x").write_bytes(b"broken")
    (desk.folder / "kept" / f"{SNAPSHOT}.x").replace(desk.folder / "kept" / SNAPSHOT)
    ticks[0] = POLL
    assert index.look_up(IndicatorKind.DOMAIN, ["evil.example.net"])
    assert index.stale() == ["own"]


# --- sightings ---------------------------------------------------------------------------------------


def seen(desk: Desk) -> list[Seen]:
    return list(read(desk.folder / "kept" / SIGHTINGS))


def test_sightings_are_counted_by_hour_and_written_at_leisure(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n", type="phishing", tlp="green")
    desk.update()
    index = desk.index()
    (found,) = index.look_up(IndicatorKind.DOMAIN, ["evil.example.net"])
    for _ in range(3):
        index.seen(found, "evil.example.net")
    index.sightings.write()
    assert seen(desk) == []
    desk.now += 5
    index.sightings.write()
    hour = int(NOW) // 3600 * 3600
    assert seen(desk) == [
        Seen(hour, "own", IndicatorKind.DOMAIN, "evil.example.net", ThreatType.PHISHING, Tlp.GREEN, 3)
    ]


def test_exports_hold_what_may_be_told_and_are_the_same_each_time() -> None:
    some = [
        Seen(3600, "own", IndicatorKind.URL, "evil.example.net/it's", ThreatType.PHISHING, Tlp.GREEN, 2),
        Seen(7200, "own", IndicatorKind.URL, "evil.example.net/it's", ThreatType.PHISHING, Tlp.GREEN, 5),
        Seen(7200, "own", IndicatorKind.IP, "2001:db8::1", ThreatType.SCANNER, Tlp.AMBER, 1),
    ]
    told = bundle(some, strictest=Tlp.GREEN)
    assert told == bundle(some, strictest=Tlp.GREEN)
    assert "2001:db8::1" not in str(told)
    by_type = {one["type"]: one for one in told["objects"]}
    assert by_type["indicator"]["pattern"] == r"[url:value = 'http://evil.example.net/it\'s']"
    assert (by_type["sighting"]["count"], by_type["sighting"]["sighting_of_ref"]) == (7, by_type["indicator"]["id"])
    assert by_type["sighting"]["first_seen"] == "1970-01-01T01:00:00.000Z"
    assert by_type["sighting"]["last_seen"] == "1970-01-01T03:00:00.000Z"
    marking = by_type["marking-definition"]["id"]
    assert by_type["sighting"]["object_marking_refs"] == by_type["indicator"]["object_marking_refs"] == [marking]
    assert len(bundle(some, strictest=Tlp.AMBER)["objects"]) == 7


def test_nothing_seen_is_an_empty_bundle() -> None:
    assert bundle([], strictest=Tlp.RED)["objects"] == []


def test_lines_that_are_cut_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / SIGHTINGS
    whole = msgspec.json.encode(Seen(0, "own", IndicatorKind.IP, "203.0.113.9", ThreatType.SPAM, Tlp.RED))
    path.write_bytes(whole[:-5] + b"\n" + whole + b"\n" + whole[:9])
    assert len(list(read(path))) == 1
    assert list(read(tmp_path / "none")) == []


def test_ages(desk: Desk) -> None:
    desk.source("own", "evil.example.net\n")
    desk.source("other", location="missing")
    desk.update()
    desk.now += 60
    ages = desk.index().ages()
    assert ages["own"] == 60
    assert math.isnan(ages["other"])
