"""What a person gets of themselves: all of it, nothing of others, readable by machines and by people."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from chatward.core.events import Event
from chatward.ledger.events import encode
from chatward.ledger.reading import Record
from chatward.privacy.exporting import as_html, as_json, export
from chatward.privacy.requests import Kind
from chatward.privacy.standing import Word
from tests.privacy.conftest import Office

NASTY = '<script>alert("x")</script> & \ud800 café'
LEDGER = [
    Record(1, 10**18, Event.UPSTREAM_INTENDED.value, "cw-1", {"principal": "p", "route": "default"}, b""),
    Record(2, 10**18, Event.UPSTREAM_INTENDED.value, "cw-2", {"principal": "q", "route": "default"}, b""),
]


def exported(office: Office, subject: str = "p", *, stored: bool = True, **more: Any) -> dict[str, Any]:
    return export(
        office.settings, "default", subject, conversations=office.store if stored else None, standings=office.standings,
        requests=office.requests, ledger=LEDGER, record=office.entries.append, by="o", reason="request 7 of March",
        clock=office.clock, **more,
    )  # fmt: skip


def fill(office: Office) -> None:
    for subject in ("p", "q"):
        office.chat(subject, f"first of {subject}", NASTY)
        office.chat(subject, f"second of {subject}", conversation="another")
        office.standings.say("default", subject, "support", Word.CONSENTS, by=subject, notice="1")
        office.requests.open("default", subject, Kind.ACCESS, by=subject)
    office.chat("p", "of another tenant", tenant="other")


def test_all_of_a_person_and_nothing_of_others(office: Office) -> None:
    fill(office)
    made = exported(office)
    assert made["parts"] == {"conversations": 2, "statements": 1, "requests": 1, "record": 1}
    texts = {part["text"] for one in made["conversations"] for turn in one["turns"] for part in turn["parts"]}
    assert {"first of p", "second of p"} < texts
    assert "of q" not in as_json(made)
    assert "of another tenant" not in as_json(made)
    assert made["statements"][0]["word"] == "consents"
    assert [one["exchange"] for one in made["record"]] == ["cw-1"]
    assert made["purposes"]["support"]["recipients"] == ["A Inc."]
    assert made["not_covered"]
    assert json.loads(as_json(made)) == made
    assert office.events()[-3:] == [
        Event.CONVERSATION_REVEALED, Event.CONVERSATION_REVEALED, Event.SUBJECT_EXPORTED,
    ]  # fmt: skip
    assert all(encode(entry) for entry in office.entries)
    assert exported(office)["conversations"][0]["read_by"][0]["by"] == "o"


def test_many_turns_are_all_there(office: Office) -> None:
    office.chat("p", *(str(number) for number in range(1203)))
    (thread,) = exported(office)["conversations"]
    assert [turn["parts"][0]["text"] for turn in thread["turns"]] == [str(number) for number in range(1203)]


def test_people_can_read_it_and_nothing_in_it_runs(office: Office) -> None:
    fill(office)
    page = as_html(exported(office))
    tags: list[str] = []
    said: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

        def handle_data(self, data: str) -> None:
            said.append(data)

    Reader().feed(page)
    assert "script" not in tags
    assert not {"a", "img", "link", "iframe"} & set(tags)
    assert NASTY.replace("\ud800", "\ufffd") in said
    assert tags.count("section") == 2
    assert {"html", "title", "h1", "main"} <= set(tags)
    page.encode()


def test_what_was_erased_says_so(office: Office) -> None:
    office.chat("p", "early")
    (listed,) = office.store.listing("default", "p")
    office.sealing.data.write("UPDATE turns SET body = substr(body, 1, 40)")
    made = exported(office)
    assert [turn["unreadable"] for turn in made["conversations"][0]["turns"]] == [True]
    assert "cannot be read" in as_html(made)
    assert listed.turns == 1


def test_where_no_conversations_are_stored(office: Office) -> None:
    assert exported(office, stored=False)["conversations"] == []
