"""Whatever an entry may hold, each format keeps its grammar or schema, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

from chatward.core.events import Event
from chatward.ledger.reading import Record
from chatward.monitoring.cef import _in_header, _in_value, cef
from chatward.monitoring.formats import formatted
from chatward.monitoring.levels import Level, is_finding, level
from chatward.monitoring.ocsf import event, ocsf
from chatward.monitoring.syslog import plain, rfc5424, timestamp
from tests.monitoring import grammars
from tests.monitoring.records import AT, BLOCKED, record

IDENTIFIERS = st.from_regex(r"[\w.:/@*+=-]{0,200}\Z", fullmatch=True).filter(str.isascii)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = SCALARS | IDENTIFIERS | st.lists(IDENTIFIERS, max_size=3)
FIELDS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,31}\Z", fullmatch=True), VALUES, max_size=6)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["allow", "redact", "challenge", "block"]),
        "rules": st.lists(st.sampled_from(["text.pii/email", "text.leak/prompt"]), min_size=1, max_size=2),
        "findings": st.integers(1, 9),
        "principal": IDENTIFIERS,
        "reason": IDENTIFIERS,
        "status": st.integers(100, 599),
        "outcome": st.sampled_from(["complete", "blocked"]),
    },
)
RECORDS = st.builds(
    lambda seq, at, name, exchange, fields, known: Record(
        seq, at, name.value, exchange, {**fields, **known}, b"h" * 32
    ),
    st.integers(1, 2**40),
    st.integers(10**9, 4 * 10**18),
    st.sampled_from(list(Event)),
    IDENTIFIERS,
    FIELDS,
    KNOWN,
)


@settings(max_examples=40, deadline=None)
@given(RECORDS)
def test_syslog_messages_are_rfc_5424_and_hold_every_field(one: Record) -> None:
    found = grammars.syslog(rfc5424("gw-1.example", 13)(one))
    assert (found.facility, found.severity) == (13, level(one).syslog)
    assert (found.time, found.host, found.app, found.msgid) == (
        timestamp(one.at),
        "gw-1.example",
        "chatward",
        one.event,
    )
    assert found.parameters["seq"] == str(one.fields.get("seq", one.seq))
    assert {name: plain(value) for name, value in one.fields.items()}.items() <= found.parameters.items()


@settings(max_examples=40, deadline=None)
@given(RECORDS)
def test_cef_events_are_read_back_with_every_field(one: Record) -> None:
    found = grammars.cef(cef("gw-1", "1|2\\3")(one))
    assert (found.id, found.version, found.severity) == (one.event, "1|2\\3", level(one).cef)
    assert (found.extension["externalId"], found.extension["rt"]) == (str(one.seq), str(one.at // 10**6))
    told = list(found.extension.values())
    assert all(plain(value) in told for value in one.fields.values() if plain(value))


@given(st.text())
def test_cef_escapes_what_its_grammar_says(text: str) -> None:
    line = f"CEF:0|{_in_header(text)}|p|v|i|n|1|msg={_in_value(text)} act=x".encode("utf-8", "replace")
    found = grammars.cef(line)
    flat = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    assert found.extension == {"msg": flat, "act": "x"}


SCHEMA = Draft202012Validator(
    json.loads(Path(__file__).with_name("api_activity.schema.json").read_text(encoding="utf-8"))
)


def api_activity(found: dict[str, Any]) -> None:
    """API Activity by its schema, and what the schema leaves to its text: derived ids."""
    SCHEMA.validate(found)
    assert found["type_uid"] == 600300 + found["activity_id"]
    assert found["metadata"]["version"] == "1.5.0"


@pytest.mark.parametrize(
    "change",
    [{"api": None}, {"actor": {}}, {"src_endpoint": {}}, {"class_uid": 6004}, {"status_id": 7}, {"severity_id": "low"},
     {"made_up": 1}, {"metadata": {"version": "1.5.0"}}, {"http_response": {"code": "200"}}],
)  # fmt: skip
def test_the_schema_refuses_what_is_none(change: dict[str, Any]) -> None:
    found = event(record("request:call:refused", status=403), "h", "1")
    api_activity(found)
    with pytest.raises(ValidationError):
        api_activity(found | change)


@settings(max_examples=40, deadline=None)
@given(RECORDS)
def test_ocsf_events_are_of_their_class(one: Record) -> None:
    found = json.loads(ocsf("gw-1", "0.1.0")(one))
    assert found["time"] == one.at // 10**6
    assert found["metadata"]["sequence"] == one.seq
    assert found["unmapped"] == json.loads(json.dumps(dict(one.fields)))
    if is_finding(one):
        DetectionFinding.model_validate(found)
        assert found["type_uid"] == 200401
        assert found["class_uid"] * 100 + found["activity_id"] == found["type_uid"]
        assert found["action_id"] in range(5)
        assert found["disposition_id"] in {1, 2, 11, 15}
    else:
        api_activity(found)


@pytest.mark.parametrize("name", list(Event))
def test_every_event_has_a_form_in_every_format(name: Event) -> None:
    one = record(name.value)
    assert grammars.syslog(rfc5424("h")(one)).msgid == name.value  # at most 32 characters
    grammars.cef(cef("h", "1")(one))
    api_activity(event(one, "h", "1"))


def test_a_block_is_a_finding_that_was_denied() -> None:
    found = event(record("message:input:judged", **BLOCKED), "h", "1")
    assert (found["class_uid"], found["action"], found["disposition"]) == (2004, "Denied", "Blocked")
    assert found["finding_info"]["types"] == ["text.injection/direct", "text.leak/system-prompt"]
    assert found["is_alert"]
    assert found["metadata"]["correlation_uid"] == "e1"


def test_by_syslog_other_formats_stand_in_a_message() -> None:
    one = record("message:input:judged", **BLOCKED)
    for name in ("cef", "ocsf", "json"):
        found = grammars.syslog(formatted(name, "syslog", "h", "1", 4)(one))
        assert found.facility == 4
        assert found.message.encode() == formatted(name, "http", "h", "1", 4)(one)
    assert json.loads(found.message)["fields"] == BLOCKED


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("upstream:call:intended", {"action": "allow"}, Level.INFORMATIONAL),
        ("upstream:call:intended", {"action": "redact"}, Level.LOW),
        ("upstream:call:intended", {"action": "allow", "would": "block"}, Level.MEDIUM),
        ("upstream:call:intended", {"action": "allow", "unavailable": ["text.pii"]}, Level.MEDIUM),
        ("message:input:judged", {"action": "block"}, Level.MEDIUM),
        ("reply:output:judged", {"action": "block"}, Level.HIGH),
        ("reply:output:aborted", {"outcome": "blocked"}, Level.HIGH),
        ("reply:output:aborted", {"outcome": "client-left"}, Level.INFORMATIONAL),
        ("request:call:refused", {"reason": "json-invalid"}, Level.LOW),
        ("gate:state:closed", {}, Level.CRITICAL),
        ("operator:break-glass:used", {}, Level.HIGH),
    ],
)
def test_how_serious_entries_are(name: str, fields: dict[str, object], expected: Level) -> None:
    assert level(record(name, **fields)) is expected


def test_times_are_cut_to_microseconds_and_never_rounded_up() -> None:
    assert timestamp(AT) == "2026-05-28T20:26:40.123456Z"
    assert timestamp(10**9 - 1) == "1970-01-01T00:00:00.999999Z"


def test_what_no_ledger_holds_could_not_break_out_either() -> None:
    """The ledger lets no such value in; the formats do not rely on it."""
    hostile = 'a"b]c\\d=e|f\n<13>1 - - - - - -'
    one = record("upstream:call:intended", reason=hostile, rule=hostile)
    found = grammars.syslog(rfc5424("h\nh")(one))
    assert found.parameters["reason"] == hostile
    assert found.host == "hh"
    assert grammars.cef(cef("h", "1")(one)).extension["reason"] == hostile
    assert json.loads(formatted("json", "http", "h", "1", 13)(one))["fields"]["reason"] == hostile
    assert b"\n" not in formatted("json", "http", "h", "1", 13)(one) + cef("h", "1")(one)
