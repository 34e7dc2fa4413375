"""Reports: states that follow the code, evidence up to a checkpoint, the same bytes again, and formats."""

from __future__ import annotations

import asyncio
import csv
import importlib
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatward import cli
from chatward.assurance.controls import AGENTIC, INJECTION, OWASP, REPORTS, SECRET, SOC2, TITLES
from chatward.assurance.evidence import Context, Control, Seen, broken, row
from chatward.assurance.reports import as_csv, as_html, as_oscal, canonical, proof, proven, report
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.values import Action, Verdict
from chatward.ledger.checkpointing import Plan, sign_now
from chatward.ledger.sqlite import SqliteLedger
from chatward.privacy.requirements import Status
from chatward.settings import Bot, Conversations, LedgerSettings, Limit, Route, Settings
from chatward.settings.assurance import Assurance, AssuredBot, Vendor
from chatward.settings.rules import NONE, complete
from chatward.ward import Ward

Check = Callable[[str, str], Verdict]
ALL = [(name, control) for name, controls in REPORTS.items() for control in controls]


def settings(**more: Any) -> Settings:
    made = Settings(
        bots={"default": Bot(upstream="https://bot.example")},
        routes={"default": Route()},
        limits={"requests": Limit()},
        assurance=Assurance(quarantine=True, bots={"default": AssuredBot(inventory=("x",))}),
        vendors={"v": Vendor(bots=("default",))},
        **more,
    )
    return complete(made)


@pytest.fixture(scope="module")
def check() -> Check:
    return Ward().check


@pytest.fixture
def recorded(tmp_path: Path) -> Settings:
    """Settings with a record of three entries, of which a checkpoint vouches for two."""
    path = tmp_path / "ledger.db"

    async def write(*entries: Entry) -> None:
        ledger = SqliteLedger(path, checkpoints=Plan(every=0))
        for entry in entries:
            await ledger.append(entry)
        await ledger.aclose()

    asyncio.run(
        write(Entry(Event.MESSAGE_JUDGED, "r1"), Entry(Event.REQUEST_REFUSED, "r2", {"reason": "rate-limited"}))
    )
    sign_now(path)
    asyncio.run(write(Entry(Event.PATCHES_SCANNED, "")))
    return settings(ledger=LedgerSettings(path=str(path)))


def states(made: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["status"] for one in made["controls"]}


# --- controls ------------------------------------------------------------------------------------------------


def test_every_list_is_whole() -> None:
    assert [one.id for one in OWASP] == [f"LLM{number:02}" for number in range(1, 11)]
    assert [one.id for one in AGENTIC] == [f"ASI{number:02}" for number in range(1, 11)]
    assert len({one.id for one in SOC2}) == len(SOC2)
    assert [one.id for one in REPORTS["atlas"]] == [f"AML.M{number:04}" for number in range(35)]
    assert [one.id for one in REPORTS["asvs"]] == [f"V{number}" for number in range(1, 18)]
    assert (len(REPORTS["nist-ai-rmf"]), len(REPORTS["nist-csf"])) == (6 + 5 + 4 + 4, 6 + 3 + 5 + 2 + 4 + 2)
    assert REPORTS.keys() == TITLES.keys()
    events = {event.value for event in Event}
    for _, control in ALL:
        assert {name.partition("/")[0] for name in control.evidence} <= events, control.id
        assert not broken(control.enforced_by), control.id


@pytest.mark.parametrize(
    ("name", "control"), [(n, c) for n, c in ALL if c.enforced_by], ids=[f"{n}-{c.id}" for n, c in ALL if c.enforced_by]
)
def test_without_its_code_a_control_is_not_enforced(
    name: str, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {event: Seen(1, 0, 0) for event in control.evidence}
    on = Control(
        **{**{slot: getattr(control, slot) for slot in Control.__slots__}, "on": lambda settings: True, "probe": None}
    )
    assert on.status(Context(settings(), everything))[0] in {Status.OBSERVED, Status.UNOBSERVED}
    for place in control.enforced_by:
        module, _, attribute = place.partition(":")
        with monkeypatch.context() as patch:
            owner: Any = importlib.import_module(module)
            *above, last = attribute.split(".")
            patch.delattr(attrgetter(".".join(above))(owner) if above else owner, last)
            status, why = on.status(Context(settings(), everything))
        assert (status, why) == (Status.NOT_ASSESSED, f"its code is not there: {place}")


def test_what_does_not_do_what_it_says_is_not_enforced(check: Check) -> None:
    control = OWASP[0]
    assert control.status(Context(settings(), {}, check))[0] is Status.UNOBSERVED
    assert control.status(Context(settings(), {control.evidence[0]: Seen(1, 0, 0)}, check))[0] is Status.OBSERVED

    def blind(text: str, role: str) -> Verdict:
        return Verdict()

    def failing(text: str, role: str) -> Verdict:
        raise RuntimeError(text)

    for broken_check, word in ((blind, "did not do"), (failing, "RuntimeError"), (None, "did not do")):
        status, why = control.status(Context(settings(), {}, broken_check))
        assert status is Status.NOT_ASSESSED
        assert word in why
        assert INJECTION not in why


def test_a_line_that_rests_on_others_stands_while_all_of_them_do(check: Check) -> None:
    known = {one.id: one for one in (*OWASP, *AGENTIC, *SOC2)}
    line = next(one for one in REPORTS["atlas"] if one.id == "AML.M0033")  # on LLM01 and LLM05
    assert line.near == ("owasp-llm-2025:LLM01", "owasp-llm-2025:LLM05")
    assert set(line.enforced_by) == {*known["LLM01"].enforced_by, *known["LLM05"].enforced_by}
    both = {known["LLM01"].evidence[0]: Seen(1, 0, 0)}
    off = replace(settings(), routes={"default": Route(guards=(NONE,))})
    assert line.status(Context(settings(), both, check))[0] is Status.OBSERVED
    assert line.status(Context(settings(), both, lambda text, role: Verdict()))[0] is Status.NOT_ASSESSED
    assert line.status(Context(off, both, check))[0] is Status.OFF
    apart = next(one for one in REPORTS["asvs"] if one.id == "V14")  # on LLM02 and C1.2: each has to be seen
    kept = settings(conversations=Conversations(store=True))
    one = {known["LLM02"].evidence[0]: Seen(1, 0, 0)}
    state = Control(**{**{slot: getattr(apart, slot) for slot in Control.__slots__}, "drill": ""}).status
    assert state(Context(kept, one, check))[0] is Status.UNOBSERVED
    assert state(Context(kept, one | {known["C1.2"].evidence[0]: Seen(1, 0, 0)}, check))[0] is Status.OBSERVED
    for name in ("atlas", "asvs", "nist-ai-rmf", "nist-csf"):
        assert all(one.limit for one in REPORTS[name] if one.enforced_by)


def test_what_is_tried_is_what_guards_stop(check: Check) -> None:
    assert check(INJECTION, "user").action >= Action.CHALLENGE
    assert check(SECRET, "assistant").action >= Action.REDACT


def test_what_is_switched_off_says_so(check: Check) -> None:
    off = complete(
        Settings(bots={"default": Bot(upstream="https://bot.example")}, routes={"default": Route(guards=("none",))})
    )
    found = {one.id: one.status(Context(off, {}, check))[0] for one in (*OWASP, *SOC2)}
    assert {found[id_] for id_ in ("LLM01", "LLM02", "LLM03", "LLM05", "LLM10", "CC6.6", "CC9.2")} == {Status.OFF}
    assert found["CC1"] is Status.DUTY
    assert found["LLM04"] is Status.NOT_ASSESSED
    monitored = complete(replace(off, routes={"default": Route(mode="monitor")}))
    assert OWASP[0].status(Context(monitored, {}, check))[0] is Status.OFF


def test_a_law_without_its_profile_is_off() -> None:
    found = {one.id: one.status(Context(settings()))[0] for one in REPORTS["gdpr"]}
    assert found["gdpr.12"] is Status.OFF


# --- the report ------------------------------------------------------------------------------------------------


def test_evidence_counts_up_to_the_checkpoint(recorded: Settings, check: Check) -> None:
    made = report("owasp", recorded, check)
    assert made["record"]["checkpoint"]["size"] == made["record"]["entries"] == 2
    found = states(made)
    assert found["LLM01"] == Status.OBSERVED.value
    assert found["LLM10"] == Status.OBSERVED.value
    assert found["LLM03"] == Status.UNOBSERVED.value, "its entry came after the checkpoint"
    limited = next(one for one in made["controls"] if one["id"] == "LLM10")
    assert limited["evidence"]["request:call:refused/rate-limited"]["entries"] == [2]
    left_out = {one["id"] for one in made["not_covered"]}
    assert {"LLM03", "LLM04", "LLM01"} <= left_out, "what is enforced has limits, and they are told"
    assert "LLM10" not in left_out
    sign_now(Path(recorded.ledger.path))
    assert states(report("owasp", recorded, check))["LLM03"] == Status.OBSERVED.value


def test_the_same_record_gives_the_same_bytes(recorded: Settings, check: Check) -> None:
    first, again = (report("owasp", recorded, check) for _ in range(2))
    assert canonical(first) == canonical(again)
    assert as_html(first) == as_html(again)
    assert as_oscal(first) == as_oscal(again)
    other = report("owasp", replace(recorded, limits={}), check)
    assert other["settings_sha256"] != first["settings_sha256"]


def test_a_report_is_signed_and_a_change_is_found(recorded: Settings, tmp_path: Path) -> None:
    ledger = Path(recorded.ledger.path)
    made = report("soc2", recorded)
    note = proof(made, ledger)
    assert proven(made, note, ledger)
    assert not proven({**made, "at": "2030-01-01"}, note, ledger)
    assert not proven(made, note.replace("soc2", "gdpr"), ledger)
    assert not proven(made, note[:-10] + "AAAAAAAA=\n", ledger)
    assert not proven(made, proof(made, tmp_path / "another.db"), ledger)
    assert not proven(made, "nothing", ledger)


def test_without_a_record_nobody_vouches(tmp_path: Path) -> None:
    made = report("gdpr", settings(ledger=LedgerSettings(path=str(tmp_path / "none.db"))))
    assert made["record"] == {"checkpoint": None, "entries": 0, "from": None}
    assert "nobody vouches" in as_html(made)
    assert made["processing"][0]["routes"] == ["default"]


# --- formats ---------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_stands_alone_and_says_first_what_is_missing(name: str, recorded: Settings) -> None:
    text = as_html(report(name, recorded))
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.seen}
    assert not re.search(r"(?:src|href)=|url\(|@import", text)
    assert text.index("What is not covered") < text.index("Scope and evidence") < text.index(">Controls</h2>")
    assert "Not legal advice" in text
    assert "@media print" in text
    widths = [float(one["width"] or 0) for tag, one in page.seen if tag == "rect" and one.get("height") == "28"]
    assert sum(widths) == pytest.approx(600, abs=0.1)


def test_names_of_settings_are_text_on_the_page_and_in_tables(recorded: Settings) -> None:
    odd = replace(recorded, bots={**recorded.bots, "<b>&": Bot(upstream="https://x.example")})
    text = as_html(report("owasp", odd))
    assert "<b>&" not in text
    assert "&lt;b&gt;&amp;" in text
    made = report("owasp", recorded)
    made["controls"][0]["sentence"] = "=HYPERLINK(1)"
    rows = list(csv.DictReader(io.StringIO(as_csv(made))))
    assert rows[0]["sentence"] == "'=HYPERLINK(1)"
    assert [one["id"] for one in rows] == [one["id"] for one in made["controls"]]


@pytest.mark.parametrize("name", REPORTS)
def test_oscal_holds_every_control_and_only_what_is_observed_is_satisfied(name: str, recorded: Settings) -> None:
    made = report(name, recorded)
    results = as_oscal(made)["assessment-results"]
    (result,) = results["results"]
    satisfied = {
        one["target"]["target-id"] for one in result["findings"] if one["target"]["status"]["state"] == "satisfied"
    }
    assert satisfied == {one["id"] for one in made["controls"] if one["status"] == Status.OBSERVED.value}
    observed = {one["uuid"] for one in result["observations"]}
    assert all(one["related-observations"][0]["observation-uuid"] in observed for one in result["findings"])
    ids = re.findall(r'"uuid": "([^"]+)"', json.dumps(results))
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", REPORTS)
def test_oscal_by_its_own_validator(name: str, recorded: Settings) -> None:
    from trestle.oscal.assessment_results import Model

    Model.model_validate(as_oscal(report(name, recorded)))


def test_a_row_names_what_was_asked_for() -> None:
    one = row(OWASP[9], Context(settings(), {}))
    assert one["evidence"] == {}
    assert one["asked"] == list(OWASP[9].evidence)


def test_the_command_writes_a_report_and_its_signature(
    recorded: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    (tmp_path / "chatward.toml").write_text('upstream = "http://127.0.0.1:9"\n[ledger]\npath = "ledger.db"\n', "utf-8")
    assert cli.main(["report", "owasp", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    note = told.pop("proof")
    assert proven(told, note, tmp_path / "ledger.db")
    assert states(told)["LLM01"] == Status.OBSERVED.value
    assert cli.main(["report", "soc2", "--format", "oscal", "--out", "soc2.json"]) == 0
    assert "assessment-results" in json.loads((tmp_path / "soc2.json").read_text("utf-8"))
    assert "chatward report\nsoc2\n" in (tmp_path / "soc2.json.note").read_text("utf-8")
    assert cli.main(["report", "nothing", "--json"]) == 2
