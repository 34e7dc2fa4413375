"""Small words from pages: counted or put on record, never kept as text."""

from __future__ import annotations

import json

import pytest

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.identity import Kind, Principal
from chatward.core.ports import Entry
from chatward.education.api import REPORTS, EducationApi
from chatward.education.counting import TipCounts
from chatward.stores.database import Database

ANN = Principal("person:ann", Kind.PERSON)


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.entries: list[Entry] = []
        self.counts = TipCounts(Database(None))
        self.api = EducationApi(self.counts, self.entries.append, lambda: self.now)

    def tip(self, body: object, method: str = "POST", path: str = "/v1/tips") -> int:
        return self.api.tips(method, path, {}, _bytes(body), ANN)[0]

    def report(self, body: object) -> int:
        return self.api.reports("POST", "/v1/reports", {}, _bytes(body), ANN)[0]


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def world() -> World:
    return World()


def test_what_pages_say_of_tips_is_counted(world: World) -> None:
    assert world.tip({"tip": "card", "what": "shown"}) == 204
    world.counts.flush()
    assert world.counts.totals(1) == {"card": {"shown": 1}}
    assert world.entries == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"tip": "card", "what": "given"}, "tip-invalid"),
        ({"tip": "my diary", "what": "shown"}, "tip-invalid"),
        ({}, "tip-invalid"),
        ({"tip": ["card"], "what": {}}, "tip-invalid"),
        ([], "json-invalid"),
        (b"{", "json-invalid"),
    ],
)
def test_other_words_are_refused(world: World, body: object, reason: str) -> None:
    with pytest.raises(ClientError) as caught:
        world.tip(body)
    assert caught.value.reason == reason


def test_methods_and_paths(world: World) -> None:
    with pytest.raises(ClientError) as caught:
        world.tip({}, method="GET")
    assert caught.value.status == 405
    with pytest.raises(ClientError) as caught:
        world.tip({}, path="/v1/tips/more")
    assert caught.value.status == 404


def test_a_report_goes_on_record_with_who_and_why(world: World) -> None:
    assert world.report({"request": "cw-0123abcd-1", "why": "private", "note": "my text"}) == 202
    assert world.entries == [
        Entry(Event.REPLY_REPORTED, "cw-0123abcd-1", {"why": "private", "principal": "person:ann"})
    ]


@pytest.mark.parametrize("request_id", ["", "x", "a b c d e f g h", 7, "x" * 65, "cw-\n12345678"])
def test_a_report_names_an_answer(world: World, request_id: object) -> None:
    with pytest.raises(ClientError) as caught:
        world.report({"request": request_id, "why": "other"})
    assert caught.value.reason == "report-invalid"
    assert world.entries == []


def test_reports_cannot_fill_the_record(world: World) -> None:
    for _ in range(REPORTS):
        world.report({"request": "cw-0123abcd-1", "why": "other"})
    with pytest.raises(ClientError) as caught:
        world.report({"request": "cw-0123abcd-1", "why": "other"})
    assert (caught.value.status, len(world.entries)) == (503, REPORTS)
    world.now = 2.0
    assert world.report({"request": "cw-0123abcd-1", "why": "other"}) == 202
