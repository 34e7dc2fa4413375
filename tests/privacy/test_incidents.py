"""The register of breaches: awareness, clocks, fields of Article 33(3), and who could be affected."""

from __future__ import annotations

from datetime import date

import pytest

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.ledger.events import encode
from chatward.ledger.reading import Record
from chatward.privacy.incidents import FIELDS, Incidents, affected, draft
from chatward.settings import Privacy
from tests.privacy.conftest import START, Office

HOUR = 3600.0
HEADINGS = (
    "What happened",
    "Which people",
    "how many people",
    "how many records",
    "Whom to ask",
    "likely",
    "What is done",
)


def test_a_breach_from_awareness_to_its_end(office: Office) -> None:
    register = office.incidents
    made = register.open(by="o", aware=START - 2 * HOUR)
    assert made.due == START + 70 * HOUR
    assert made.individuals_due == date(2026, 5, 8)
    assert made.missing == list(FIELDS)
    register.describe(made.id, {"nature": " A laptop was lost. ", "measures": "Locked."}, by="o")
    assert register.get(made.id).fields == {"nature": "A laptop was lost.", "measures": "Locked."}
    with pytest.raises(ClientError) as caught:
        register.close(made.id, by="o")
    assert caught.value.reason == "incident-untold"
    office.now += 10 * HOUR
    register.told(made.id, "authority", by="o")
    told_at = office.now
    office.now += 100 * HOUR
    register.told(made.id, "authority", by="o")
    closed = register.close(made.id, by="o")
    assert closed.told == {"authority": told_at}  # the first time counts
    assert not closed.late(office.now)
    assert register.all() == [closed]
    assert office.events() == [
        Event.INCIDENT_OPENED, Event.INCIDENT_CHANGED, Event.INCIDENT_CHANGED, Event.INCIDENT_CHANGED,
        Event.INCIDENT_CLOSED,
    ]  # fmt: skip
    assert all(encode(entry) for entry in office.entries)
    assert "laptop" not in str(office.entries)
    with pytest.raises(ClientError) as caught:
        register.told(made.id, "subjects", by="o")
    assert caught.value.reason == "incident-closed"


def test_the_clock_of_hours(office: Office) -> None:
    made = office.incidents.open(by="o")
    assert not made.late(START + 72 * HOUR)
    assert made.late(START + 72 * HOUR + 1)
    office.now += 73 * HOUR
    assert office.incidents.told(made.id, "authority", by="o").late(office.now)
    strict = Incidents(office.database, clock=office.clock, hours=24)
    assert strict.open(by="o").due == office.now + 24 * HOUR


def test_not_telling_is_documented(office: Office) -> None:
    made = office.incidents.open(by="o")
    office.incidents.told(made.id, "none-needed", by="o")
    office.days(100)
    assert not office.incidents.close(made.id, by="o").late(office.now)


def test_what_is_not_allowed(office: Office) -> None:
    with pytest.raises(ClientError):
        office.incidents.open(by="o", aware=START + 1)
    made = office.incidents.open(by="o")
    for call in (
        lambda: office.incidents.describe(made.id, {"colour": "red"}, by="o"),
        lambda: office.incidents.describe(made.id, {"nature": "x" * 10_001}, by="o"),
        lambda: office.incidents.told(made.id, "the press", by="o"),
        lambda: office.incidents.get("nothing"),
    ):
        with pytest.raises(ClientError):
            call()


def test_drafts_hold_what_the_law_asks_for_and_say_what_is_not_known(office: Office) -> None:
    made = office.incidents.open(by="o")
    known = {"nature": "A laptop was lost.", "subjects": "12"}
    told = office.incidents.describe(made.id, known, by="o")
    privacy = Privacy(controller="Example Ltd", contact="privacy@example.com")
    authority = draft(told, "authority", privacy, START)
    assert [authority.index(heading) for heading in HEADINGS] == sorted(authority.index(one) for one in HEADINGS)
    assert "A laptop was lost." in authority
    assert "Known since: 2026-03-09 12:00 UTC" in authority
    assert authority.count("[not known yet]") == 4
    assert "Whom to ask\nprivacy@example.com\n" in authority
    assert "later than" not in authority
    assert "later than 72 hours" in draft(told, "authority", privacy, START + 73 * HOUR)
    subjects = draft(told, "subjects", privacy, START + 73 * HOUR)
    assert "A laptop was lost." in subjects
    assert "About how many" not in subjects
    assert "later than" not in subjects
    with pytest.raises(ClientError):
        draft(told, "the press", privacy, START)


def test_who_could_be_affected() -> None:
    def sent(at: float, principal: str, event: str = Event.UPSTREAM_INTENDED.value, route: str = "default") -> Record:
        return Record(1, int(at * 1e9), event, "", {"principal": principal, "route": route}, b"")

    records = [sent(9, "a"), sent(10, "b"), sent(15, "b"), sent(20, "c"), sent(21, "d"), sent(15, "e", "other")]
    records += [sent(15, "f", route="vault")]
    assert affected(records, 10, 20) == {"b": 2, "c": 1, "f": 1}
    assert affected(records, 10, 20, ["vault"]) == {"f": 1}
