"""What pip-audit finds where the same advisories are asked about the same versions, and what we find."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assurance.making import advisory
from tests.assurance.pip_audited import Difference, Document, Pair, differences, ours


def ranged(*events: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}], **more}


SINCE, FIXED = {"introduced": "1.0"}, {"fixed": "2.0"}
TWICE = ranged(SINCE, {"fixed": "1.2"}, {"introduced": "2.0"}, {"fixed": "2.3"})
CASES: dict[str, tuple[list[dict[str, Any]], tuple[str, str]]] = {
    "from-one-to-two": ([ranged(SINCE, FIXED)], ("1.0", "2.0")),
    "release-candidates": ([ranged(SINCE, FIXED)], ("2.0rc1", "2.0.post1")),
    "before-it-began": ([ranged(SINCE, FIXED)], ("1.0.dev1", "0.9")),
    "of-a-builder": ([ranged(SINCE, FIXED)], ("2.0+ours", "1.9+ours")),
    "another-epoch": ([ranged({"introduced": "0"}, {"fixed": "1!1.0"})], ("2026.1", "1!1.0")),
    "the-last-that-is": ([ranged(SINCE, {"last_affected": "1.5"})], ("1.5", "1.5.0.1")),
    "twice": ([TWICE], ("1.5", "2.2")),
    "events-in-any-order": ([ranged({"fixed": "2.3"}, {"introduced": "2.0"}, FIXED, SINCE)], ("2.0", "2.3")),
    "listed": ([{"versions": ["1.0", "1.1"]}], ("1.0.0", "1.2")),
    "listed-beside-a-range": ([ranged(SINCE, FIXED, versions=["3.0"])], ("3", "2.5")),
    "up-to-a-limit": ([ranged(SINCE, {"limit": "1.5"})], ("1.4", "1.6")),
    "never-fixed": ([ranged({"introduced": "0"})], ("0", "99")),
    "two-entries": ([ranged(SINCE, {"fixed": "1.2"}), ranged({"introduced": "2.0"}, {"fixed": "2.3"})], ("1.1", "2.1")),
    "Written_Otherwise": ([ranged(SINCE, FIXED)], ("1.5", "2.5")),
}
DOCUMENTS: list[Document] = [
    {
        **advisory(f"OWN-2026-{number}", aliases=[f"CVE-2026-{number:04}"]),
        "affected": [{"package": {"name": name, "ecosystem": "PyPI"}, **one} for one in affected],
    }
    for number, (name, (affected, _)) in enumerate(CASES.items())
]
DOCUMENTS += [
    advisory("OWN-2026-90", "withdrawn", withdrawn="2026-09-20T00:00:00Z"),
    advisory("PYSEC-2026-91", "named-twice", aliases=["CVE-2026-0091"]),
    advisory("GHSA-2222-3333-4444", "named-twice", aliases=["CVE-2026-0091"]),
    advisory("OWN-2026-92", "of-two", aliases=["CVE-2026-0092"]),
    advisory("OWN-2026-93", "of-two", fixed="1.0", aliases=["CVE-2026-0093"]),
    advisory("OWN-2026-94", "elsewhere", ecosystem="npm"),
]
PAIRS: list[Pair] = [
    (name.lower().replace("_", "-"), version) for name, (_, versions) in CASES.items() for version in versions
]
PAIRS += [(name, version) for name in ("withdrawn", "named-twice", "of-two", "elsewhere") for version in ("0.5", "1.5")]
EXPLAINED = [
    # It reads the fixes of the last entry about a package alone.
    Difference(("two-entries", "1.1"), ("CVE-2026-0012", "OWN-2026-12"), "fixed in {'1.2'}, not {'2.3'}"),
    # It reads the fixes of a package only where its name is written as it writes names itself.
    Difference(("written-otherwise", "1.5"), ("CVE-2026-0013", "OWN-2026-13"), "fixed in {'2.0'}, not set()"),
]


@pytest.fixture(scope="module")
def compared() -> tuple[int, list[Difference]]:
    return differences(PAIRS, DOCUMENTS)


def test_pip_audit_finds_what_we_find_under_the_same_names(compared: tuple[int, list[Difference]]) -> None:
    count, found = compared
    assert found == EXPLAINED
    assert count == sum(len(one) for one in ours(PAIRS, DOCUMENTS).values()) == 20


def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that we miss, one that we make up, one that is fixed elsewhere, one by another name."""
    told = {
        ("a", "1"): [(frozenset({"X-1", "CVE-1"}), frozenset({"2"})), (frozenset({"X-2"}), frozenset())],
        ("b", "1"): [(frozenset({"X-3"}), frozenset({"2", "3"}))],
    }
    said = {
        ("a", "1"): [(frozenset({"X-1", "CVE-2"}), frozenset({"2"})), (frozenset({"X-4"}), frozenset())],
        ("b", "1"): [(frozenset({"X-3"}), frozenset({"3"}))],
    }
    monkeypatch.setattr("tests.assurance.pip_audited.theirs", lambda *_: told)
    monkeypatch.setattr("tests.assurance.pip_audited.ours", lambda *_: said)
    count, found = differences([*told], [])
    assert count == 3
    assert [one.what.partition(" in ")[0] for one in found] == ["other names", "missed", "false", "fixed"]
