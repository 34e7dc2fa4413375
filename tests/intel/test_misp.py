"""MISP feeds: from a folder and from a server, events that changed only, attributes that are meant for detection."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chatward.intel.fetching import Answer
from tests.intel.conftest import DAY, Desk

ONE = "5f1c3a1e-0001-4000-8000-000000000001"
TWO = "5f1c3a1e-0002-4000-8000-000000000002"


def attribute(kind: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "value": value,
        "to_ids": True,
        "timestamp": "1799000000",
        "category": "Network activity",
    } | more


EVENTS: dict[str, dict[str, Any]] = {
    ONE: {
        "timestamp": "1799000000",
        "Tag": [{"name": "tlp:amber"}, {"name": "osint"}],
        "Attribute": [
            attribute("domain", "evil.example.net"),
            attribute("ip-dst|port", "203.0.113.9|443", Tag=[{"name": "tlp:red"}]),
            attribute("url", "http://not.example.net/", to_ids=False),
            attribute("comment", "see http://comment.example.net/"),
        ],
        "Object": [
            {
                "name": "file",
                "Attribute": [attribute("filename|sha256", "a.exe|" + "ab" * 32, category="Payload delivery")],
            }
        ],
    },
    TWO: {"timestamp": "1799000001", "Attribute": [attribute("hostname", "other.example.net")]},
}


def files(events: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    manifest = {uuid: {"timestamp": event["timestamp"], "info": "x"} for uuid, event in events.items()}
    made = {f"{uuid}.json": json.dumps({"Event": event}).encode() for uuid, event in events.items()}
    return {"manifest.json": json.dumps(manifest).encode(), **made}


def folder(desk: Desk, events: dict[str, dict[str, Any]]) -> None:
    (desk.folder / "feed").mkdir(exist_ok=True)
    for name, data in files(events).items():
        (desk.folder / "feed" / name).write_bytes(data)


def test_a_folder(desk: Desk) -> None:
    folder(desk, EVENTS)
    desk.source("misp", location="feed", format="misp", tlp="green")
    assert desk.update()["misp"].rows == 4
    (domain,) = desk.look_up("domain", "evil.example.net")
    (address,) = desk.look_up("ip", "203.0.113.9")
    (file,) = desk.look_up("sha256", "ab" * 32)
    (other,) = desk.look_up("domain", "other.example.net")
    assert [one.tlp for one in (domain, address, file, other)] == ["amber", "red", "amber", "green"]
    assert (domain.type, file.type) == ("malicious", "malware")
    assert domain.last == 1_799_000_000.0
    assert not desk.look_up("domain", "not.example.net", "comment.example.net")


def test_only_events_that_changed_are_read(desk: Desk) -> None:
    pages = {f"https://misp.example/feed/{name}": data for name, data in files(EVENTS).items()}
    asked: list[str] = []

    def download(url: str, headers: Sequence[tuple[str, str]], write: Callable[[bytes], object], most: int) -> Answer:
        asked.append(url.rpartition("/")[2])
        write(pages[url])
        return Answer(200)

    desk.download = download
    desk.source("misp", location="https://misp.example/feed/", format="misp")
    assert desk.update()["misp"].rows == 4
    assert asked == ["manifest.json", f"{ONE}.json", f"{TWO}.json"]
    asked.clear()
    assert desk.update()["misp"].outcome == "unchanged"
    changed = {**EVENTS, TWO: {"timestamp": "1799000002", "Attribute": [attribute("domain", "third.example.net")]}}
    pages.update({f"https://misp.example/feed/{name}": data for name, data in files(changed).items()})
    assert desk.update()["misp"].rows == 1
    assert asked == ["manifest.json", "manifest.json", f"{TWO}.json"]
    assert len(desk.look_up("domain", "evil.example.net", "third.example.net")) == 2


def test_what_was_told_without_a_time_stays_young_while_the_feed_answers(desk: Desk) -> None:
    folder(desk, {ONE: {"timestamp": "1", "Attribute": [attribute("domain", "evil.example.net", timestamp="")]}})
    desk.source("misp", location="feed", format="misp")
    desk.update()
    desk.now += 30 * DAY
    folder(desk, {TWO: {"timestamp": "2", "Attribute": [attribute("domain", "other.example.net", timestamp="")]}})
    assert desk.update()["misp"].rows == 1
    (found,) = desk.look_up("domain", "evil.example.net")
    assert found.last == desk.now


def test_a_deleted_attribute_takes_its_value_back(desk: Desk) -> None:
    folder(desk, EVENTS)
    desk.source("misp", location="feed", format="misp")
    desk.update()
    gone = {TWO: {"timestamp": "1799000009", "Attribute": [attribute("hostname", "other.example.net", deleted=True)]}}
    folder(desk, gone)
    desk.update()
    assert not desk.look_up("domain", "other.example.net")


BROKEN = {
    "no manifest": {"manifest.json": b"[]"},
    "a name that leads elsewhere": {"manifest.json": b'{"../../etc/passwd": {"timestamp": "1"}}'},
    "no event": {"manifest.json": json.dumps({ONE: {"timestamp": "1"}}).encode(), f"{ONE}.json": b"{}"},
    "no JSON": {"manifest.json": b"{"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_feed_that_is_broken_is_told(desk: Desk, name: str) -> None:
    (desk.folder / "feed").mkdir()
    for file, data in BROKEN[name].items():
        (desk.folder / "feed" / file).write_bytes(data)
    desk.source("misp", location="feed", format="misp")
    assert desk.update()["misp"].error == "intel-format"


@pytest.mark.parametrize("odd", [None, 5, "x", {"a": 1}, [None, 5, {"Attribute": 7}]])
@pytest.mark.parametrize("name", ["Attribute", "Object", "Tag"])
def test_what_is_of_a_wrong_kind_in_an_event_is_left_out(desk: Desk, name: str, odd: object) -> None:
    folder(desk, {ONE: {**EVENTS[ONE], name: odd}, TWO: EVENTS[TWO]})
    desk.source("misp", location="feed", format="misp")
    assert desk.update()["misp"].outcome == "imported"
    assert desk.look_up("domain", "other.example.net")
