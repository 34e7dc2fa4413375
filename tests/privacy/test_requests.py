"""The register of requests: from receipt to end, with the clocks of two laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.privacy.requests import Kind, Law, Reason, Requests, State, kept_months
from chatward.seal.receipt import digest
from chatward.settings import Privacy
from tests.privacy.conftest import Office


def test_a_request_from_its_receipt_to_its_end(office: Office) -> None:
    register = office.requests
    made = register.open("t", "p", Kind.ACCESS, by="operator:1")
    assert (made.state, made.received, made.due) == (State.RECEIVED, date(2026, 3, 9), date(2026, 4, 9))
    assert made.confirm() is None
    with pytest.raises(ClientError) as caught:
        register.close(made.id, "done", by="operator:1")
    assert caught.value.reason == "request-not-verified"
    assert register.verify(made.id, "passport", by="operator:1").state is State.VERIFIED
    office.days(20)
    longer = register.extend(made.id, Reason.COMPLEXITY, by="operator:1")
    assert (longer.due, longer.extended) == (date(2026, 6, 9), "complexity")
    office.days(60)
    closed = register.close(made.id, "done", by="operator:1")
    assert (closed.state, closed.outcome, closed.late(register.today)) == (State.CLOSED, "done", False)
    assert register.get(made.id) == closed
    assert register.all() == []
    assert register.all(closed=True) == [closed]
    assert office.events() == [
        Event.SUBJECT_REQUEST_OPENED,
        Event.SUBJECT_REQUEST_CHANGED,
        Event.SUBJECT_REQUEST_CHANGED,
        Event.SUBJECT_REQUEST_CLOSED,
    ]
    assert office.entries[0].fields["due"] == "2026-04-09"
    assert office.entries[-1].fields["late"] is False


def test_california_has_its_own_clock(office: Office) -> None:
    made = office.requests.open("t", "p", Kind.ERASURE, Law.CCPA, by="p", verified="SINGLE")
    assert (made.due, made.confirm()) == (date(2026, 4, 23), date(2026, 3, 23))
    assert office.requests.confirm(made.id, by="operator:1").confirmed == date(2026, 3, 9)
    assert office.requests.extend(made.id, Reason.NUMBER, by="operator:1").due == date(2026, 6, 7)


def test_what_is_late_says_so(office: Office) -> None:
    made = office.requests.open("t", "p", Kind.ACCESS, by="p", verified="SINGLE")
    office.days(31)
    assert not made.late(office.requests.today)
    office.days(1)
    assert made.late(office.requests.today)
    with pytest.raises(ClientError) as caught:
        office.requests.extend(made.id, Reason.NUMBER, by="operator:1")
    assert caught.value.reason == "request-late"
    office.requests.close(made.id, "done", by="operator:1")
    assert office.entries[-1].fields["late"] is True


def test_a_letter_counts_from_the_day_it_came(office: Office) -> None:
    made = office.requests.open("t", "p", Kind.ACCESS, by="operator:1", received=date(2026, 3, 2))
    assert made.due == date(2026, 4, 2)
    with pytest.raises(ClientError):
        office.requests.open("t", "p", Kind.ACCESS, by="operator:1", received=date(2026, 3, 10))


def test_a_holiday_moves_the_day(office: Office) -> None:
    register = Requests(office.database, clock=office.clock, holidays=frozenset({date(2026, 4, 9)}))
    assert register.open("t", "p", Kind.ACCESS, by="p").due == date(2026, 4, 10)


@pytest.mark.parametrize(
    ("twice", "reason"),
    [
        (lambda register, id_: register.extend(id_, Reason.NUMBER, by="o"), "request-extended"),
        (lambda register, id_: register.close(id_, "withdrawn", by="o"), "request-closed"),
    ],
    ids=["extend", "close"],
)
def test_some_things_happen_once(office: Office, twice: Callable[[Requests, str], object], reason: str) -> None:
    made = office.requests.open("t", "p", Kind.ACCESS, by="p")
    twice(office.requests, made.id)
    with pytest.raises(ClientError) as caught:
        twice(office.requests, made.id)
    assert caught.value.reason == reason


def test_who_asks_too_often_waits(office: Office) -> None:
    for _ in range(10):
        made = office.requests.open("t", "p", Kind.ACCESS, by="p")
    with pytest.raises(ClientError) as caught:
        office.requests.open("t", "p", Kind.ACCESS, by="p")
    assert caught.value.reason == "too-many-requests"
    office.requests.close(made.id, "withdrawn", by="p")
    assert office.requests.open("t", "p", Kind.ACCESS, by="p")
    assert office.requests.open("t", "q", Kind.ACCESS, by="q")


def test_what_ended_two_years_ago_is_forgotten(office: Office) -> None:
    open_ = office.requests.open("t", "p", Kind.ACCESS, by="p")
    closed = office.requests.open("t", "p", Kind.ERASURE, by="p")
    office.requests.close(closed.id, "refused", by="o")
    office.days(731)
    assert office.requests.forget() == 0  # 9 March 2028: to the day
    office.days(1)
    assert office.requests.forget() == 1
    assert office.requests.all(closed=True) == [open_]


def test_under_hipaa_six_years_are_kept(office: Office) -> None:
    closed = office.requests.open("t", "p", Kind.ACCESS, by="p")
    office.requests.close(closed.id, "refused", by="o")
    months = kept_months(Privacy(profile=("hipaa-strict",)))
    assert (months, kept_months(Privacy(profile=("gdpr", "ccpa")))) == (72, 24)
    office.days(6 * 365 + 1)  # of six years, at least one is a leap year
    assert office.requests.forget(months) == 0
    office.days(2)
    assert office.requests.forget(months) == 1


def test_after_an_erasure_the_request_is_of_a_digest(office: Office) -> None:
    made = office.requests.open("t", "p", Kind.ERASURE, by="p", verified="SINGLE")
    office.requests.open("t", "q", Kind.ACCESS, by="o")
    assert office.requests.disown("t", "p") == 1
    assert office.requests.get(made.id).subject == digest("t", "p")
    assert office.requests.get(made.id).by == ""
    assert office.requests.close(made.id, "done", by="o").outcome == "done"
    assert len(office.requests.of("t", "q")) == 1


def test_what_is_not_there(office: Office) -> None:
    with pytest.raises(ClientError) as caught:
        office.requests.get("nothing")
    assert (caught.value.reason, caught.value.status) == ("request-unknown", 404)
    made = office.requests.open("t", "p", Kind.ACCESS, by="p")
    with pytest.raises(ClientError):
        office.requests.close(made.id, "somehow", by="o")
