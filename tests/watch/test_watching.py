"""Whole rounds: from names, logs and pages to cases. The web and DNS are the test's own, the parts the real ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatward import cli
from chatward.core.errors import UpstreamError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.settings import Settings
from chatward.settings.watch import Watch
from chatward.stores.database import Database
from chatward.watch import opening
from chatward.watch.cases import Cases
from chatward.watch.fetching import Answer
from chatward.watch.following import Following
from chatward.watch.opening import Opened
from chatward.watch.watching import Round
from tests.watch.conftest import Clock, Zones
from tests.watch.logs import TestLog, named
from tests.watch.test_pages import HERE, OTHER, OURS

THERE = {"NS": ["ns.a"], "A": ["198.51.100.7"]}


class Sites:
    """Implements ``Fetch``: URLs to bodies, and a log where there is one."""

    def __init__(self, pages: Mapping[str, bytes], log: TestLog | None = None) -> None:
        self.pages = dict(pages)
        self.log = log
        self.asked: list[str] = []

    async def __call__(self, url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None) -> Answer:
        self.asked.append(url)
        if self.log is not None and url.startswith(self.log.url):
            return await self.log(url, most=most)
        if url not in self.pages:
            raise UpstreamError("nobody", reason="watch-unreachable")
        return Answer(url, 200, (("content-type", "text/html"),), self.pages[url], "198.51.100.7")


def watched(log: TestLog | None = None, **said: Any) -> Watch:
    if log is not None:
        said["logs"] = [{"url": log.url, "key": base64.b64encode(log.spki).decode(), "kind": "rfc6962"}]
        said.setdefault("start", "beginning")
    return msgspec.convert({"domains": ["parcelway.com"], "per_second": 1000.0, **said}, Watch)


class Installation:
    def __init__(self, watch: Watch, zones: Zones, sites: Sites, clock: Clock) -> None:
        self.entries: list[Entry] = []
        settings = msgspec.convert({"genuine": {"domains": ["parcelway.com"]}}, Settings)
        settings = msgspec.structs.replace(settings, genuine=msgspec.structs.replace(settings.genuine, watch=watch))
        database = Database(None)
        self.cases = Cases(database, self.entries.append, clock)
        self.opened = Opened(settings, self.cases, Following(database, clock), self.entries.append)
        self.zones, self.sites = zones, sites

    async def round(self) -> Round:
        return await self.opened.watching([], self.sites, self.zones).once()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pace between questions."""

    class Free:
        def __init__(self, per_second: float) -> None: ...

        async def __call__(self) -> None: ...

    monkeypatch.setattr(opening, "Pace", Free)


async def test_names_that_exist_become_candidates_and_the_clear_ones_cases(clock: Clock) -> None:
    zones = Zones(
        {
            "parcelway.com": {"NS": ["ns1.parcelway.com"]},
            "parce1way.com": {**THERE, "MX": ["10 mx"]},
            "parcelwayb.com": {"NS": ["ns.b"]},
            "parcelway.net": {"NS": ["ns1.parcelway.com"], "A": ["198.51.100.1"]},
        },
        frozenset({"parcelway.org"}),
    )
    here = Installation(watched(permutations=True), zones, Sites({}), clock)
    done = await here.round()
    assert (done.exist, done.unknown, done.cases) == (3, 1, 1)
    assert done.candidates[0].host == "parce1way.com"
    assert "our-name-servers" in next(one for one in done.candidates if one.host == "parcelway.net").reasons
    case = here.cases.all()[0]
    assert (case.host, case.of) == ("parce1way.com", "parcelway.com")
    assert here.cases.evidence(case)[0].data["a"] == ["198.51.100.7"]
    assert here.sites.asked == []
    assert [entry.event for entry in here.entries] == [Event.COPY_FOUND, Event.COPY_WATCHED]
    assert here.entries[1].fields["unknown"] == 1
    again = await here.round()
    assert again.cases == 0


async def test_the_number_of_names_is_bounded(clock: Clock) -> None:
    here = Installation(watched(permutations=True, most=10), Zones(), Sites({}), clock)
    done = await here.round()
    assert done.asked == 10
    assert done.left > 100
    assert len(here.zones.asked) == 11  # and ours


async def test_known_domains_are_not_asked_for(clock: Clock) -> None:
    here = Installation(watched(permutations=True, ignore=["parcelway.net"]), Zones(), Sites({}), clock)
    await here.round()
    assert ("parcelway.net", "NS") not in here.zones.asked
    assert ("parcelway.org", "NS") in here.zones.asked


async def test_a_page_like_ours_makes_a_weak_name_a_case(clock: Clock) -> None:
    zones = Zones({"parcelwayb.com": THERE, "parcelwayc.com": THERE, "parcelwayd.com": THERE})
    asks = b"<form action=https://thief.example/><input type=password></form>"
    sites = Sites({HERE: OURS, "https://parcelwayb.com/": OURS + asks, "http://parcelwayd.com/": OTHER})
    here = Installation(watched(permutations=True, fetch=True, pages=[HERE]), zones, sites, clock)
    done = await here.round()
    assert (done.pages, done.cases) == (2, 1)
    case = here.cases.all()[0]
    assert case.host == "parcelwayb.com"
    assert {"page-text", "page-structure", "page-asks-password"} <= set(case.reasons)
    page = next(one for one in here.cases.evidence(case) if one.kind == "page")
    assert page.data["likeness"]["of"] == HERE
    assert page.data["forms"] == [{"to": "thief.example", "asks": "password"}]
    assert b"parcels and where" not in json.dumps(page.data).encode()


async def test_nothing_is_fetched_unless_the_settings_say_so(clock: Clock) -> None:
    here = Installation(watched(permutations=True), Zones({"parce1way.com": THERE}), Sites({}), clock)
    await here.round()
    assert here.sites.asked == []


async def test_certificates_for_names_like_ours_become_cases(clock: Clock) -> None:
    log = TestLog(named(["garden.example", "*.parcelway-login.com", "chat.parcelway.com", "parce1way.com"]), given=2)
    here = Installation(watched(log), Zones(), Sites({}, log), clock)
    done = await here.round()
    assert (done.entries, done.cases, done.problems) == (4, 2, [])
    assert {case.host for case in here.cases.all()} == {"parcelway-login.com", "parce1way.com"}
    case = next(one for one in here.cases.all() if one.host == "parcelway-login.com")
    seen = here.cases.evidence(case)[0]
    assert (seen.kind, seen.data["index"], seen.data["precertificate"]) == ("certificate", 1, True)
    assert (seen.data["proven"], seen.data["tree"]) == (True, 4)
    assert here.zones.asked == []
    assert (await here.round()).entries == 0


async def test_an_entry_that_the_log_does_not_prove_is_told_as_that(clock: Clock) -> None:
    log = TestLog(named(["parce1way.com"]))
    log.fails["/ct/v1/get-proof-by-hash"] = log.answer("", b'{"leaf_index": 0, "audit_path": ["AAAA"]}')
    here = Installation(watched(log), Zones(), Sites({}, log), clock)
    done = await here.round()
    assert (done.cases, [one["reason"] for one in done.problems]) == (1, ["watch-log-proof"])
    assert here.cases.evidence(here.cases.all()[0])[0].data["proven"] is False


async def test_a_log_that_is_away_is_a_problem_and_not_nothing(clock: Clock) -> None:
    log = TestLog(named(["parce1way.com"]))
    here = Installation(watched(log), Zones(), Sites({}), clock)
    done = await here.round()
    assert done.problems == [{"asked": log.url, "reason": "watch-unreachable"}]


async def test_a_harmless_host_is_never_a_case_again(clock: Clock) -> None:
    here = Installation(
        watched(permutations=True), Zones({"parce1way.com": {**THERE, "MX": ["10 mx"]}}), Sites({}), clock
    )
    await here.round()
    here.cases.change(here.cases.all()[0], "closed", "harmless")
    assert (await here.round()).cases == 0
    assert len(here.cases.all()) == 1


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "chatward.toml"
    text = f"""upstream = "https://bot.example/v1"
[ledger]
path = "{tmp_path / "ledger.db"}"
[genuine]
domains = ["parcelway.com"]
owner = "Parcelway Ltd"
"""
    config.write_text(text)

    def run(*arguments: str) -> tuple[int, Any]:
        status = cli.main(["genuine", *arguments, "--config", str(config), "--json"])
        return status, json.loads(capsys.readouterr().out)

    assert run("watch", "--once")[0] == 2  # nobody may be asked
    config.write_text(text + "[genuine.watch]\npermutations = true\n")
    monkeypatch.setattr(opening, "dns_resolver", lambda _: Zones({"parce1way.com": {**THERE, "MX": ["10 mx"]}}))
    status, told = run("watch", "--once")
    assert (status, told["cases"], told["candidates"][0]["host"]) == (1, 1, "parce1way.com")
    assert run("watch", "--once")[0] == 0
    number = str(run("cases")[1]["cases"][0]["id"])
    assert run("case", number)[1]["evidence"][0]["kind"] == "dns"
    assert "suspend the domain parce1way[.]com" in run("letter", number, "--to", "registrar")[1]["letter"]
    assert run("case", number, "--as", "reported")[1]["state"] == "reported"
    assert run("case", number, "--as", "gone")[1]["outcome"] == "gone"
    assert run("cases")[1]["cases"] == []
    assert len(run("cases", "--all")[1]["cases"]) == 1
    assert run("case", "99")[0] == 2
    assert cli.main(["genuine", "case", number, "--config", str(config)]) == 0
    assert "parce1way.com, gone" in capsys.readouterr().out
    assert cli.main(["ledger", "verify", "--config", str(config)]) == 0
