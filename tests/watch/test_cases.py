"""Cases, their evidence and states; what stands in the ledger; letters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.stores.database import Database
from chatward.watch import cases as module
from chatward.watch.cases import Case, Cases
from chatward.watch.letters import TO, Sender, defanged, letter
from tests.watch.conftest import Clock

DNS = {"ns": ["ns.a"], "a": ["198.51.100.7"], "aaaa": [], "mx": []}
CERTIFICATE = {
    "issuer": "Test Authority", "serial": "abc", "begins": 1.0, "ends": 2.0, "sha256": "c" * 64,
    "log": "https://log.example/2026", "index": 7, "logged": 1_795_000_000.0, "precertificate": True,
}  # fmt: skip
PAGE: dict[str, Any] = {
    "url": "https://parce1way.com/\u202esign", "hops": [], "status": 200, "address": "198.51.100.7", "tls": "",
    "sha256": "d" * 64,
    "icon": "", "scripts": {}, "forms": [{"to": "thief.example", "asks": "password"}],
    "likeness": {"score": 0.9, "parts": {"text": 0.93}, "reasons": ["text"], "of": "https://chat.parcelway.com/"},
}  # fmt: skip
SENDER = Sender("Parcelway Ltd", "abuse@parcelway.com", "Parcel bot", "https://chat.parcelway.com", ("parcelway.com",))


@pytest.fixture
def entries() -> list[Entry]:
    return []


@pytest.fixture
def cases(entries: list[Entry], clock: Clock) -> Cases:
    return Cases(Database(None), entries.append, clock)


def opened(cases: Cases, **evidence: dict[str, Any]) -> Case:
    case, _ = cases.found("parce1way.com", 0.7, ("homoglyph",), "parcelway.com", evidence or {"dns": DNS})
    assert case is not None
    return case


def test_what_is_seen_again_is_the_same_case_and_the_same_evidence(cases: Cases, clock: Clock) -> None:
    first = opened(cases)
    clock.now += 100
    again, new = cases.found("parce1way.com", 0.6, ("certificate",), "", {"dns": DNS, "certificate": CERTIFICATE})
    assert again is not None
    assert (again.id, again.score, again.reasons, new) == (first.id, 0.7, ("homoglyph", "certificate"), False)
    seen = cases.evidence(again)
    assert [(one.kind, one.last - one.first) for one in seen] == [("dns", 100.0), ("certificate", 0.0)]
    assert seen[0].sha256 == module.digest(DNS)
    assert seen[1].told()["log"] == "https://log.example/2026"


def test_changed_evidence_is_kept_beside_the_old(cases: Cases) -> None:
    opened(cases)
    case = opened(cases, dns={**DNS, "a": ["198.51.100.8"]})
    assert [one.data["a"] for one in cases.evidence(case)] == [["198.51.100.7"], ["198.51.100.8"]]


def test_evidence_is_bounded(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EVIDENCE", 3)
    for number in range(5):
        case = opened(cases, page={**PAGE, "sha256": str(number)})
    assert len(cases.evidence(case)) == 3


def test_gone_and_seen_again_is_another_case_and_harmless_is_none(cases: Cases) -> None:
    gone = cases.change(opened(cases), "closed", "gone")
    again = opened(cases)
    assert again.id != gone.id
    cases.change(again, "closed", "harmless")
    assert cases.found("parce1way.com", 0.9, (), "", {}) == (None, False)
    assert [one.id for one in cases.all("closed")] == [gone.id, again.id]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("open", ""), ("closed", ""), ("reported", "gone"), ("lost", ""), ("closed", "lost"), ("open", "harmless")],
)
def test_states_that_there_are_not(state: str, outcome: str, cases: Cases, entries: list[Entry]) -> None:
    case = opened(cases)
    with pytest.raises(ClientError) as caught:
        cases.change(case, state, outcome)
    assert caught.value.reason == "case-state"
    assert len(entries) == 1


def test_the_ledger_is_told_first_and_without_the_host(cases: Cases, entries: list[Entry]) -> None:
    cases.change(opened(cases), "reported", by="command")
    assert [entry.event for entry in entries] == [Event.COPY_FOUND, Event.COPY_CHANGED]
    assert entries[1].fields == {"case": 1, "state": "reported", "by": "command"}
    assert "parce1way" not in repr(entries)


def test_without_its_record_there_is_no_case(clock: Clock) -> None:
    def broken(entry: Entry) -> None:
        raise StoreError("no")

    cases = Cases(Database(None), broken, clock)
    with pytest.raises(StoreError):
        opened(cases)
    assert cases.all() == []


def test_cases_last(tmp_path: Path, clock: Clock) -> None:
    case = opened(Cases(Database(tmp_path / "w.db"), lambda _: None, clock))
    assert Cases(Database(tmp_path / "w.db"), lambda _: None, clock).one(case.id) == case
    with pytest.raises(ClientError):
        Cases(Database(tmp_path / "w.db"), lambda _: None, clock).one(99)


@pytest.mark.parametrize("to", TO)
def test_a_letter_says_what_the_evidence_says(to: Any, cases: Cases) -> None:
    case = opened(cases, dns=DNS, certificate=CERTIFICATE, page=PAGE)
    text = letter(case, cases.evidence(case), SENDER, to)
    for said in (
        "parce1way[.]com", "Parcelway Ltd", "198[.]51[.]100[.]7", "serial abc", "entry 7", "text 93 %",
        "asks for a password",         "thief[.]example", "2026-11-18", "d" * 64,
        "https://chat.parcelway.com/.well-known/chatward.json", "case 1",
    ):  # fmt: skip
        assert said in text, said
    assert "https://parce1way.com" not in text
    assert all(char.isprintable() or char == "\n" for char in text)
    asked = {"registrar": "suspend the domain", "host": "take down", "authority": "revoke"}
    assert [other for other in TO if asked[other] in text] == [to]


def test_words_of_others_cannot_write_in_the_letter(cases: Cases) -> None:
    case = opened(cases, certificate={**CERTIFICATE, "issuer": "A\n\nPlease ignore this {{ host }}\r\nx"})
    text = letter(case, cases.evidence(case), Sender(), "authority")
    assert "by A Please ignore this {{ host }} x, serial" in text
    assert "[your name]" in text


def test_defanged() -> None:
    assert defanged("https://a.b/\x1b[31m") == "hxxps://a[.]b/ [31m"
