"""What is found, how urgent it is, what is not known; and what follows from it: tasks, due days, a shut bot."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chatward.assurance import ranking, vex
from chatward.assurance.inventory import Component, Inventory
from chatward.assurance.osv import Advisories
from chatward.assurance.reach import Reach
from chatward.assurance.scanning import Lists, Scan, scan
from chatward.assurance.tasks import DAY, Quarantine, Tasks
from chatward.core.errors import ClientError, ConfigError
from chatward.core.ports import Entry
from chatward.settings.assurance import Due
from chatward.stores.database import Database
from tests.assurance.making import CRITICAL, LOW, NOW, advisory, write

LEAKY = Component("PyPI", "leaky-bot", "2.0.0")
WEEK = 7 * DAY


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def look(*parts: Component, of: list[dict[str, Any]], lists: Lists | None = None, **others: Any) -> Scan:
    advisories = Advisories(None)
    folder = others.pop("folder")
    for index, one in enumerate(of):
        write(folder / f"{index}.json", one)
    if of:
        advisories.take([folder], now=NOW)
    unread = others.pop("unread", ())
    now = others.pop("now", NOW)
    found = Inventory(parts, unread)
    return scan("bot", found, advisories, lists or Lists(), now=now, stale_after=WEEK, **others)


def test_a_version_before_the_fix_is_found_and_one_after_it_is_not(tmp_path: Path) -> None:
    made = look(LEAKY, Component("PyPI", "Leaky_Bot", "2.0.1"), of=[advisory()], folder=tmp_path)
    assert not made.unknown
    (found,) = made.findings
    assert (found.id, found.severity, found.score, found.fixed) == ("CVE-2026-0001", "critical", 9.8, "2.0.1")
    assert found.component is LEAKY


@pytest.mark.parametrize(
    ("parts", "advisories", "others", "word"),
    [
        ((LEAKY,), [], {}, "no advisories"),
        ((LEAKY,), [advisory()], {"now": NOW + 8 * DAY}, "old ones"),
        ((Component("npm", "x", "1.0.0"),), [advisory()], {}, "npm"),
        ((Component("npm", "leaky-bot", "latest"),), [advisory(ecosystem="npm")], {}, "compared"),
        ((LEAKY,), [advisory()], {"unread": ("loose>=1",)}, "looked up"),
        ((LEAKY,), [advisory()], {"lists": Lists(problems=("epss.csv is older than 7 days",))}, "older"),
    ],
    ids=["missing", "stale", "other-ecosystem", "not-comparable", "unread", "old-list"],
)
def test_what_is_not_known_is_said(
    parts: tuple[Component, ...], advisories: list[Any], others: dict[str, Any], word: str, tmp_path: Path
) -> None:
    made = look(*parts, of=advisories, folder=tmp_path, **others)
    assert any(word in sentence for sentence in made.unknown), made.unknown


def test_advisories_that_name_each_other_are_one_finding_as_bad_as_the_worst(tmp_path: Path) -> None:
    low = [{"type": "CVSS_V3", "score": LOW}]
    of = [
        advisory("OWN-1", severity=low),
        advisory("OWN-2", aliases=["CVE-2026-0001", "OWN-3"]),
        advisory("OWN-3", aliases=[]),
    ]
    (found,) = look(LEAKY, of=of, folder=tmp_path).findings
    assert found.ids == ("CVE-2026-0001", "OWN-1", "OWN-2", "OWN-3")
    assert found.severity == "critical"


def test_what_distributions_call_upstream_is_ranked_by_and_one_alone_is_a_name(tmp_path: Path) -> None:
    red_hat = {"ecosystem": "Red Hat:enterprise_linux:9::baseos", "fixed": "1:3.0.7-28.el9", "aliases": []}
    many = advisory("RHSA-2026:1", "openssl", upstream=["CVE-2026-1001", "CVE-2026-1002"], **red_hat)
    one = advisory("RHSA-2026:2", "openssl", upstream=["CVE-2026-1003"], related=["CVE-2026-1009"], **red_hat)
    alma = {"ecosystem": "AlmaLinux:9", "aliases": [], "related": ["CVE-2026-1002", "CVE-2026-1004"]}
    parts = (
        Component("Red Hat:enterprise_linux:9", "openssl", "1:3.0.7-27.el9"),
        Component("Red Hat:enterprise_linux:9", "openssl", "1:3.0.7-28.el9"),
        Component("AlmaLinux:9", "leaky-bot", "0:2.0.0-3.el9"),
    )
    lists = Lists(exploited=ranking.Exploited(frozenset({"CVE-2026-1002", "CVE-2026-1009"})))
    made = look(*parts, of=[many, one, advisory("ALSA-2026:3", **alma)], lists=lists, folder=tmp_path)
    assert not made.unknown
    assert {found.ids: (found.exploited, found.fixed) for found in made.findings} == {
        ("RHSA-2026:1",): (True, "1:3.0.7-28.el9"),
        ("CVE-2026-1003", "RHSA-2026:2"): (False, "1:3.0.7-28.el9"),
        ("ALSA-2026:3",): (True, "2.0.1"),
    }


def test_exploited_comes_first_then_likely_then_severe(tmp_path: Path) -> None:
    names = {"OWN-1": "CVE-2026-0001", "OWN-2": "CVE-2026-0002", "OWN-3": "CVE-2026-0003", "OWN-4": "CVE-2026-0004"}
    scores = [CRITICAL, LOW, LOW, LOW]
    of = [
        advisory(id_, aliases=[cve], severity=[{"type": "CVSS_V3", "score": score}])
        for (id_, cve), score in zip(names.items(), scores, strict=True)
    ]
    lists = Lists(ranking.Exploited(frozenset({"CVE-2026-0004"}), NOW), ranking.Likely({"CVE-2026-0003": 0.9}, NOW))
    made = look(LEAKY, of=of, folder=tmp_path, lists=lists)
    assert [one.id[-1] for one in made.findings] == ["4", "3", "1", "2"]
    assert [one.urgency for one in made.findings] == ["critical", "low", "critical", "low"]


@pytest.mark.parametrize(
    ("chains", "unsure", "order", "ways"),
    [
        ({"leaky-bot": ("main.py", "leaky-bot")}, (), "LH", [("main.py", "leaky-bot"), ()]),
        ({}, ("*",), "HL", [None, None]),
        ({}, (), "HL", [(), ()]),
    ],
    ids=["one-is", "not-known", "none-is"],
)
def test_what_is_not_imported_comes_later_and_stays(
    chains: dict[str, tuple[str, ...]], unsure: tuple[str, ...], order: str, ways: list[Any], tmp_path: Path
) -> None:
    of = [advisory("L", severity=[{"type": "CVSS_V3", "score": LOW}]), advisory("H", name="other", aliases=[])]
    other = Component("PyPI", "other", "2.0.0")
    made = look(LEAKY, other, of=of, folder=tmp_path, reached=lambda: Reach(chains, frozenset(unsure)))
    assert ["H" if one.component is other else "L" for one in made.open] == list(order)
    assert [one.reached for one in made.open] == ways
    assert {one.urgency for one in made.open} == {"critical", "low"}


def test_what_nobody_rated_is_as_urgent_as_what_is_high(tmp_path: Path) -> None:
    (found,) = look(LEAKY, of=[advisory(severity=[])], folder=tmp_path).findings
    assert (found.severity, found.urgency) == ("unknown", "high")


# --- files that rank and close -----------------------------------------------------------------------------


def test_lists_are_read_as_they_are_published(tmp_path: Path) -> None:
    kev = {"dateReleased": "2026-09-20T10:00:00.000Z", "vulnerabilities": [{"cveID": "CVE-2026-0001"}]}
    found = ranking.read_exploited(write(tmp_path / "kev.json", kev))
    assert found.cves == {"CVE-2026-0001"}
    assert NOW - found.as_of < 2 * DAY
    rows = "cveID,dateAdded\nCVE-2026-0001,2026-09-01\n"
    assert ranking.read_exploited(write(tmp_path / "kev.csv", rows)).cves == {"CVE-2026-0001"}
    epss = "#model_version:v1,score_date:2026-09-20T00:00:00+0000\ncve,epss,percentile\nCVE-2026-0001,0.25,0.9\n"
    (tmp_path / "epss.csv.gz").write_bytes(gzip.compress(epss.encode()))
    likely = ranking.read_likely(tmp_path / "epss.csv.gz")
    assert likely.scores == {"CVE-2026-0001": 0.25}
    assert likely.as_of > 0


@pytest.mark.parametrize("reader", [ranking.read_exploited, ranking.read_likely, ranking.read_ends, vex.read])
@pytest.mark.parametrize(
    "content",
    ["[1, 2]", '{"vulnerabilities": 1}', "cve,epss\nCVE-1,two\n", "\x00\n\x00", '{"a":' * 100_000, "[" * 100_000],
    ids=["numbers", "one", "words", "zeros", "objects without end", "lists without end"],
)
def test_what_is_no_list_is_an_error(reader: Any, content: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        reader(write(tmp_path / "file", content))


def test_support_that_ended_is_told(tmp_path: Path) -> None:
    ends = {"leaky-bot": [{"cycle": "2.0", "eol": "2026-09-01"}, {"cycle": "2", "eol": "2030-01-01"}]}
    lists = Lists(ends=ranking.read_ends(write(tmp_path / "ends.json", ends)))
    made = look(LEAKY, Component("PyPI", "leaky-bot", "2.1"), of=[advisory()], folder=tmp_path / "osv", lists=lists)
    assert made.ended == ("leaky-bot 2.0 on 2026-09-01",)


def openvex(**statement: Any) -> dict[str, Any]:
    made = {"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:pypi/leaky-bot@2.0.0"}], **statement}
    return {"@context": "https://openvex.dev/ns/v0.2.0", "statements": [made]}


CDX_VEX = {
    "bomFormat": "CycloneDX",
    "components": [{"bom-ref": "r1", "purl": "pkg:pypi/leaky-bot@2.0.0"}],
    "vulnerabilities": [
        {
            "id": "CVE-2026-0001",
            "analysis": {"state": "not_affected", "justification": "code_not_reachable"},
            "affects": [{"ref": "r1"}],
        }
    ],
}  # fmt: skip
REASON = {"status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}


@pytest.mark.parametrize(
    ("document", "closes"),
    [
        (openvex(**REASON), True),
        (openvex(**REASON, products=[{"@id": "pkg:pypi/leaky-bot"}]), True),
        (openvex(status="fixed"), True),
        (CDX_VEX, True),
        (openvex(status="not_affected"), False),
        (openvex(status="under_investigation"), False),
        (openvex(status="affected", action_statement="update"), False),
        (openvex(**REASON, products=[{"@id": "pkg:pypi/leaky-bot@1.9.9"}]), False),
        (openvex(**REASON, products=[{"@id": "pkg:pypi/leaky-bot-extra"}]), False),
        (openvex(**REASON, products=[]), False),
        (openvex(**REASON, vulnerability={"name": "CVE-2026-9999"}), False),
    ],
    ids=[f"{number:02}" for number in range(11)],
)
def test_what_a_maker_says_closes_a_finding_for_a_reason_alone(document: Any, closes: bool, tmp_path: Path) -> None:
    lists = Lists(statements=vex.read(write(tmp_path / "vex.json", document)))
    made = look(LEAKY, of=[advisory()], folder=tmp_path / "osv", lists=lists)
    assert len(made.findings) == 1
    assert (not made.open) is closes


def test_the_last_statement_wins(tmp_path: Path) -> None:
    document = openvex(**REASON)
    document["statements"].append({**document["statements"][0], "status": "affected"})
    lists = Lists(statements=vex.read(write(tmp_path / "vex.json", document)))
    assert look(LEAKY, of=[advisory()], folder=tmp_path / "osv", lists=lists).open


# --- the index ------------------------------------------------------------------------------------------


def test_an_archive_is_taken_and_an_older_entry_does_not_come_back(tmp_path: Path) -> None:
    advisories = Advisories(tmp_path / "advisories.db")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("OWN-2026-1.json", json.dumps(advisory(withdrawn="2026-09-19T00:00:00Z")))
        archive.writestr("nonsense.json", "{")
        archive.writestr("README.md", "no advisory")
    done = advisories.take([tmp_path / "all.zip"], now=NOW)
    assert (done.advisories, done.ecosystems, done.refused) == (1, ("PyPI",), ("nonsense.json",))
    old = write(tmp_path / "old.json", advisory(modified="2020-01-01T00:00:00Z"))
    advisories.take([old], now=NOW)
    (known,) = advisories.of("PyPI", "leaky-bot")
    assert known.withdrawn is not None
    (feed,) = advisories.feeds()
    assert NOW - feed.as_of < 2 * DAY


def test_an_entry_that_names_other_packages_by_now_is_found_by_those_alone(tmp_path: Path) -> None:
    advisories = Advisories(None)
    advisories.take([write(tmp_path / "a.json", advisory())], now=NOW)
    newer = advisory(name="renamed", modified="2026-09-21T00:00:00Z")
    advisories.take([write(tmp_path / "b.json", newer)], now=NOW)
    assert not advisories.of("PyPI", "leaky-bot")
    assert advisories.of("PyPI", "renamed")


@pytest.mark.parametrize("content", ["{}", '{"id": "X"}', "[]", '{"id": "X", "modified": "soon"}'])
def test_files_without_advisories_change_nothing(content: str, tmp_path: Path) -> None:
    advisories = Advisories(None)
    with pytest.raises(ConfigError):
        advisories.take([write(tmp_path / "x.json", content)], now=NOW)
    assert not advisories.feeds()


def test_a_day_that_lies_ahead_is_today(tmp_path: Path) -> None:
    advisories = Advisories(None)
    advisories.take([write(tmp_path / "a.json", advisory(modified="2099-01-01T00:00:00Z"))], now=NOW)
    assert advisories.feeds()[0].as_of == NOW


# --- tasks ----------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorded() -> list[Entry]:
    return []


@pytest.fixture
def database() -> Database:
    return Database(None)


@pytest.fixture
def tasks(database: Database, recorded: list[Entry], clock: Clock) -> Tasks:
    return Tasks(database, recorded.append, clock)


def test_a_finding_is_a_task_with_a_day_until_a_scan_knows_that_it_is_gone(
    tasks: Tasks, clock: Clock, recorded: list[Entry], tmp_path: Path
) -> None:
    found = look(LEAKY, of=[advisory()], folder=tmp_path)
    assert tasks.settle(found, Due(), "ann") == (1, 0)
    (task,) = tasks.all()
    assert (task.urgency, task.owner, task.due) == ("critical", "ann", NOW + 7 * DAY)
    assert tasks.settle(found, Due()) == (0, 0)
    blind = look(LEAKY, of=[], folder=tmp_path / "none")
    assert tasks.settle(blind, Due()) == (0, 0), "not to know closes nothing"
    unread = look(of=[advisory()], folder=tmp_path, unread=("leaky-bot",))
    assert tasks.settle(unread, Due()) == (0, 0)
    clock.now += 8 * DAY
    assert tasks.all()[0].state(clock.now) == "late"
    fixed = look(Component("PyPI", "leaky-bot", "2.0.1"), of=[advisory()], folder=tmp_path)
    assert tasks.settle(fixed, Due()) == (0, 1)
    assert tasks.all()[0].state(clock.now) == "closed"
    told = json.dumps([entry.fields for entry in recorded])
    assert "CVE-2026-0001" in told
    assert [entry.event.value for entry in recorded if "task" in entry.event.value] == [
        "patches:task:opened",
        "patches:task:closed",
    ]


def test_a_task_stays_the_same_and_its_day_never_moves_back(tasks: Tasks, clock: Clock, tmp_path: Path) -> None:
    low = [{"type": "CVSS_V3", "score": LOW}]
    tasks.settle(look(LEAKY, of=[advisory(severity=low)], folder=tmp_path / "1"), Due())
    (first,) = tasks.all()
    assert first.due == NOW + 180 * DAY
    clock.now += DAY
    other = Component("PyPI", "leaky-bot", "1.9.0")
    tasks.settle(look(other, of=[advisory("GHSA-x")], folder=tmp_path / "2"), Due())
    (second,) = tasks.all()
    assert (second.id, second.urgency, second.due) == (first.id, "critical", NOW + 8 * DAY)
    clock.now += DAY
    tasks.settle(look(other, of=[advisory("GHSA-x", severity=low)], folder=tmp_path / "3"), Due())
    assert tasks.all()[0].due == second.due


def test_a_bot_is_shut_from_its_day_on_and_opens_when_somebody_answers_for_it(
    tasks: Tasks, database: Database, clock: Clock, tmp_path: Path
) -> None:
    gate = Quarantine(database, clock)
    gate.check("bot")
    tasks.settle(look(LEAKY, of=[advisory()], folder=tmp_path), Due())
    clock.now = NOW + 7 * DAY - 1
    gate.check("bot")
    clock.now += 1
    with pytest.raises(ClientError) as caught:
        gate.check("bot")
    assert (caught.value.reason, caught.value.status) == ("bot-quarantined", 403)
    gate.check("another")
    assert gate.shut(["bot", "another"]) == ["bot"]
    (task,) = tasks.all()
    tasks.accept(task.id, owner="ann", until=clock.now + DAY, reason="behind a wall")
    gate.check("bot")
    clock.now += DAY
    with pytest.raises(ClientError):
        gate.check("bot")
    tasks.settle(look(Component("PyPI", "leaky-bot", "2.0.1"), of=[advisory()], folder=tmp_path), Due())
    gate.check("bot")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"task_id": 9}, "task-unknown"),
        ({"owner": " "}, "owner-missing"),
        ({"reason": ""}, "owner-missing"),
        ({"until": NOW}, "until-invalid"),
    ],
    ids=["unknown", "no-owner", "no-reason", "past"],
)
def test_accepting_needs_an_owner_a_reason_and_an_end(
    wanted: dict[str, Any], reason: str, tasks: Tasks, tmp_path: Path
) -> None:
    tasks.settle(look(LEAKY, of=[advisory()], folder=tmp_path), Due())
    call: dict[str, Any] = {"task_id": 1, "owner": "ann", "until": NOW + DAY, "reason": "why", **wanted}
    with pytest.raises(ClientError) as caught:
        tasks.accept(call.pop("task_id"), **call)
    assert caught.value.reason == reason
