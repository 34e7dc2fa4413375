"""What may be recorded: identifiers and numbers; text never."""

from __future__ import annotations

import json
import re
from enum import Enum, IntEnum
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger.events import EVENTS, IDENTIFIER, encode

identifiers = st.from_regex(IDENTIFIER, fullmatch=True)
names = st.from_regex(re.compile(r"[a-z][a-z0-9_]{0,39}"), fullmatch=True)
scalars = (
    identifiers
    | st.integers(-(2**63), 2**64 - 1)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
)


def test_every_event_is_subject_object_action() -> None:
    for event in Event:
        assert re.fullmatch(r"[a-z-]+:[a-z-]+:[a-z-]+", event.value), event
    assert len(EVENTS) == len(Event)


@given(identifiers, st.dictionaries(names, scalars | st.lists(scalars, max_size=20), max_size=12))
def test_what_is_allowed_comes_back_unchanged(exchange: str, fields: dict[str, object]) -> None:
    event, told, text = encode(Entry(Event.MESSAGE_JUDGED, exchange, fields))
    assert (event, told) == ("message:input:judged", exchange)
    assert type(event) is str
    assert json.loads(text) == fields
    assert b"\n" not in text
    assert list(json.loads(text)) == sorted(fields)
    again = encode(Entry("message:input:judged", exchange, dict(reversed(fields.items()))))
    assert again == (event, told, text)


@given(names, st.text(min_size=1).filter(lambda text: not IDENTIFIER.fullmatch(text)), st.booleans(), st.booleans())
def test_text_never_gets_in(name: str, text: str, listed: bool, known: bool) -> None:
    if known:
        encode(Entry(Event.MESSAGE_JUDGED, "x", {name: 1}))
    with pytest.raises(ValueError, match=f"field {name} ") as caught:
        encode(Entry(Event.MESSAGE_JUDGED, "x", {name: ["ok", text] if listed else text}))
    if len(text) > 3 and text.strip() == text:
        assert text not in str(caught.value).replace(IDENTIFIER.pattern, "")
    with pytest.raises(ValueError, match="exchange"):
        encode(Entry(Event.MESSAGE_JUDGED, text))


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**64,
        -(2**63) - 1,
        b"bytes",
        {"nested": "mapping"},
        [["nested"]],
        object(),
        "x" * 201,
        ["x"] * 201,
        "Ärger",
        "two words",
        "line\nfeed",
        "\ud800",
        "",
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_are_neither_numbers_nor_identifiers(value: object) -> None:
    entry = Entry(Event.MESSAGE_JUDGED, "x", {"field": value})
    if value == "":
        assert encode(entry)[2] == b'{"field":""}'
        return
    for _ in range(2):  # the second time the name is known
        with pytest.raises(ValueError, match="field field "):
            encode(entry)


@pytest.mark.parametrize("name", ["two words", "Upper", "", "x" * 41, "ünï", "a-b", 3])
def test_names_of_fields_cannot_carry_text(name: str) -> None:
    with pytest.raises(ValueError, match="field's name"):
        encode(Entry(Event.MESSAGE_JUDGED, "x", {name: 1}))


def test_long_but_allowed() -> None:
    fields = {"guards": [f"text.guard-{n}" for n in range(60)], "rule": "r" * 200}
    assert json.loads(encode(Entry(Event.MESSAGE_JUDGED, "x", fields))[2]) == fields


def test_too_many_fields() -> None:
    encode(Entry(Event.MESSAGE_JUDGED, "x", {f"f{n}": n for n in range(64)}))
    with pytest.raises(ValueError, match="64 fields"):
        encode(Entry(Event.MESSAGE_JUDGED, "x", {f"f{n}": n for n in range(65)}))


def test_enums_sets_and_other_mappings_are_written_plainly() -> None:
    class Colour(str, Enum):
        RED = "red"

    class Level(IntEnum):
        HIGH = 3

    fields = MappingProxyType({"colour": Colour.RED, "level": Level.HIGH, "tools": frozenset({"b", "a"})})
    text = encode(Entry(Event.MESSAGE_JUDGED, "x", fields))[2]
    assert text == b'{"colour":"red","level":3,"tools":["a","b"]}'


def test_what_was_checked_is_what_is_written() -> None:
    fields: dict[str, object] = {"rule": "text.pii/email"}
    text = encode(Entry(Event.MESSAGE_JUDGED, "x", fields))[2]
    fields["rule"] = "something a person wrote"
    assert text == b'{"rule":"text.pii/email"}'
