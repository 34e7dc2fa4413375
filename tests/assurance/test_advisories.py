"""What an advisory says of a version: the schema's own rules, and what may not be guessed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.assurance.advisories import Advisory
from chatward.assurance.cvss import base_score, rating
from chatward.assurance.versions import order


def advisory(*events: dict[str, str], kind: str = "ECOSYSTEM", ecosystem: str = "PyPI", **others: Any) -> Advisory:
    affected = {
        "package": {"name": "Some.Thing", "ecosystem": ecosystem},
        "ranges": [{"type": kind, "events": list(events)}] if events else [],
        "versions": others.pop("versions", []),
    }
    return msgspec.convert(
        {"id": "TEST-1", "modified": "2026-01-01T00:00:00Z", "affected": [affected], **others}, Advisory
    )


INTRODUCED = {"introduced": "0"}
VERSIONS = st.from_regex(r"0?[0-2](\.0?[0-2]){0,2}(-?(a|rc|post|dev)?0?[01])?(\+[01])?", fullmatch=True)


@pytest.mark.parametrize(
    ("events", "affected", "free"),
    [
        ([INTRODUCED, {"fixed": "2.0"}], "0 1.0 2.0a1 1.9.9", "2.0 2.0.1 3"),
        ([{"introduced": "1.0"}, {"fixed": "2.0"}], "1.0 1.5", "0.9 1.0rc1 2.0"),
        ([INTRODUCED, {"last_affected": "2.0"}], "1 2.0 2", "2.0.post1 2.1"),
        ([INTRODUCED], "0.1 99", ""),
        ([{"introduced": "1"}, {"fixed": "2"}, {"introduced": "3"}, {"fixed": "4"}], "1 1.9 3 3.9", "0.9 2 2.9 4"),
        ([{"fixed": "4"}, {"introduced": "3"}, {"fixed": "2"}, {"introduced": "1"}], "1 1.9 3 3.9", "0.9 2 2.9 4"),
        ([INTRODUCED, {"limit": "2.0"}], "1.9", "2.0 3"),
        ([INTRODUCED, {"limit": "*"}], "1.9 3", ""),
        ([{"introduced": "2"}, {"fixed": "2"}], "2 3", "1"),
    ],
    ids=["fixed", "introduced", "last-affected", "never-fixed", "twice", "any-order", "limit", "no-limit", "again"],
)
def test_ranges(events: list[dict[str, str]], affected: str, free: str) -> None:
    one = advisory(*events)
    assert {version: one.about("PyPI", "some-thing").affects(version) for version in affected.split()} == dict.fromkeys(
        affected.split(), True
    )
    assert {version: one.about("PyPI", "some-thing").affects(version) for version in free.split()} == dict.fromkeys(
        free.split(), False
    )


def test_listed_versions_count_beside_ranges_and_as_pep_440_has_them() -> None:
    one = advisory({"introduced": "5"}, {"fixed": "6"}, versions=["1.0", "1.1"])
    assert one.about("PyPI", "some_thing").affects("1.0.0") is True
    assert one.about("PyPI", "some_thing").affects("5.5") is True
    assert one.about("PyPI", "some_thing").affects("1.2") is False


def test_commits_say_nothing_of_versions() -> None:
    assert advisory(INTRODUCED, kind="GIT").about("PyPI", "some.thing").affects("1") is False


def test_what_was_withdrawn_affects_nothing() -> None:
    assert advisory(INTRODUCED, withdrawn="2026-02-01T00:00:00Z").about("PyPI", "some.thing").affects("1") is False


def test_other_packages_and_ecosystems_are_not_meant() -> None:
    one = advisory(INTRODUCED)
    assert one.about("PyPI", "something").affects("1") is False
    assert one.about("npm", "Some.Thing").affects("1") is False


def test_a_release_is_met_by_its_own_advisories_and_those_without_one() -> None:
    assert advisory(INTRODUCED, ecosystem="Debian:12").about("Debian:12", "Some.Thing").affects("1.0-1") is True
    assert advisory(INTRODUCED, ecosystem="Debian").about("Debian:12", "Some.Thing").affects("1.0-1") is True
    assert advisory(INTRODUCED, ecosystem="Debian:11").about("Debian:12", "Some.Thing").affects("1.0-1") is False


@pytest.mark.parametrize(("ecosystem", "version"), [("Maven", "1.0"), ("npm", "latest"), ("Debian", "one two")])
def test_what_cannot_be_compared_is_unknown(ecosystem: str, version: str) -> None:
    one = advisory(INTRODUCED, {"fixed": "2.0.0"}, ecosystem=ecosystem)
    assert one.about(ecosystem, "Some.Thing").affects(version) is None


@pytest.mark.parametrize("never", ["<end-of-life>", "<unfixed>"])
def test_what_debian_will_not_fix_stays_affected(never: str) -> None:
    one = advisory(INTRODUCED, {"fixed": never}, ecosystem="Debian:12")
    assert one.about("Debian:12", "Some.Thing").affects("99:1.0-1") is True
    assert one.about("Debian:12", "Some.Thing").fixed("1.0-1") is None


def test_the_next_fix_is_the_one_after_the_version() -> None:
    one = advisory({"introduced": "1"}, {"fixed": "1.9"}, {"introduced": "2"}, {"fixed": "2.4"})
    assert one.about("PyPI", "some-thing").fixed("1.1") == "1.9"
    assert one.about("PyPI", "some-thing").fixed("2.1") == "2.4"
    assert one.about("PyPI", "some-thing").fixed("3") is None


@settings(max_examples=80)
@given(st.sampled_from(["PyPI", "npm", "Debian"]), VERSIONS, VERSIONS)
def test_a_version_is_in_the_list_by_all_its_names(ecosystem: str, one: str, two: str) -> None:
    key = order(ecosystem)
    assert key is not None
    same = one == two
    with suppress(ValueError):
        same = key(one) == key(two)
    assert advisory(ecosystem=ecosystem, versions=[one]).about(ecosystem, "Some.Thing").affects(two) is same


V4 = "CVSS:4.0/"


# Vectors and scores as CVSS v3.1 "Examples" and the National Vulnerability Database have them.
@pytest.mark.parametrize(
    ("vector", "score", "word"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "critical"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, "critical"),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, "medium"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4, "medium"),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1, "low"),
        ("CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2, "medium"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", 7.5, "high"),
        ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, "none"),
        # CVSS v4.0 "Examples", and what FIRST's calculator says of others: one for each way through the rules
        (f"{V4}AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0, "critical"),
        (f"{V4}AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3, "high"),
        (f"{V4}AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N", 5.1, "medium"),
        (f"{V4}AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:N/SC:N/SI:N/SA:N", 8.8, "high"),
        (f"{V4}AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/VI:N/VA:H/SC:L/SI:N/SA:H", 8.4, "high"),
        (f"{V4}AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:L/VA:N/SC:N/SI:L/SA:L", 1.0, "low"),
        (f"{V4}AV:A/AC:H/AT:N/PR:L/UI:A/VC:H/VI:H/VA:L/SC:H/SI:L/SA:N", 6.9, "medium"),
        (f"{V4}AV:L/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N", 4.6, "medium"),
        (f"{V4}AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0, "none"),
        (f"{V4}AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U/MAV:P/U:Red", 9.3, "critical"),
    ],
)
def test_base_scores(vector: str, score: float, word: str) -> None:
    assert base_score(vector) == score
    assert rating(score) == word


@pytest.mark.parametrize(
    "vector",
    ["", "7.5", "CVSS:3.1/AV:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/A:H", "CVSS:4.0/AV:N/AC:L/AT:N"]
    + [f"{V4}AV:N/AC:L/AT:N/PR:N/UI:{ui}/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N{more}" for ui, more in (("R", ""), ("N", "/E"))],
    ids=["empty", "number", "short", "twice", "4-short", "4-value", "4-metric"],
)
def test_what_is_no_vector_has_no_score(vector: str) -> None:
    assert base_score(vector) is None


def rated(one: Advisory) -> tuple[str, float | None]:
    about = one.about("PyPI", "some-thing")
    return about.severity, about.score


def test_severity_is_the_score_or_the_word_or_unknown() -> None:
    vector = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
    assert rated(advisory(INTRODUCED, severity=[vector])) == ("critical", 9.8)
    assert rated(advisory(INTRODUCED, database_specific={"severity": "MODERATE"})) == ("medium", None)
    assert rated(advisory(INTRODUCED, database_specific={"severity": 3})) == ("unknown", None)
    assert rated(advisory(INTRODUCED)) == ("unknown", None)
