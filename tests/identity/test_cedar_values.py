"""Plain data as Cedar values: forms, limits, and that nothing is made that the schema would refuse."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.identity import Kind, Principal, Question
from chatward.identity import cedar
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, schema
from chatward.identity.cedar_schema import ARGUMENTS, CERTIFICATE, FIELDS, RISKS
from chatward.identity.cedar_values import MAX_DEPTH, MAX_TEXT, MAX_VALUES, MAX_WORDS, VALUES, arguments_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("x", {"texts": "x"}),
        ("", {"texts": ""}),
        (True, {"flags": True}),
        (0, {"numbers": 0, "decimals": "0.0000"}),
        (-5, {"numbers": -5, "decimals": "-5.0000"}),
        (3.0, {"numbers": 3, "decimals": "3.0000"}),
        (0.1, {"decimals": "0.1000"}),
        (1.2345, {"decimals": "1.2345"}),
        (Decimal("1.5"), {"decimals": "1.5000"}),
        (2**63 - 1, {"numbers": 2**63 - 1}),
        (-(2**63), {"numbers": -(2**63)}),
        (922337203685477, {"numbers": 922337203685477, "decimals": "922337203685477.0000"}),
        (922337203685478, {"numbers": 922337203685478}),
        (["a", "b"], {"lists": ["a", "b"]}),
        ([], {"lists": []}),
    ],
)
def test_what_converts(value: Any, parts: dict[str, Any]) -> None:
    found = arguments_of({"a": value})
    made = {
        part: tags["/a"]["__extn"]["arg"] if part == "decimals" else tags["/a"]
        for part, tags in found.parts.items()
        if "/a" in tags
    }
    assert made == parts
    assert found.lost == set()
    assert type(made.get("numbers", 0)) is int


@pytest.mark.parametrize(
    "value",
    [
        1.23456, 1e-9, 1e300, math.inf, -math.inf, math.nan, 2**63, -(2**63) - 1, 10**5000, Decimal("NaN"),
        "x" * (MAX_TEXT + 1), "\ud800", b"x", {1: 2}, {"\udfff": 1}, ["x"] * (MAX_WORDS + 1), object(),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_lost_is_said(value: Any) -> None:
    found = arguments_of({"a": value, "b": 1})
    assert found.lost == {"/a"}
    assert found.parts["numbers"] == {"/b": 1}
    assert found.unreadable([("numbers", "/a")], all_of_them=False)
    assert found.unreadable([("numbers", "/a/0/x")], all_of_them=False)
    assert found.unreadable([], all_of_them=True)
    assert not found.unreadable([("numbers", "/b"), ("numbers", "/ab")], all_of_them=False)


def test_null_is_not_there() -> None:
    found = arguments_of({"a": None})
    assert not found.lost
    assert not found.unreadable([("texts", "/a")], all_of_them=True)


def test_pointers_are_those_of_rfc_6901() -> None:
    found = arguments_of({"a/b": 1, "m~n": 2, "": 3, " ": 4, "a": {"b": 5}, "l": ["x", {"y": 6}]})
    wanted = {"/a~1b": 1, "/m~0n": 2, "/": 3, "/ ": 4, "/a/b": 5, "/l/1/y": 6}
    assert found.parts["numbers"] == wanted
    assert found.parts["texts"] == {"/l/0": "x"}


@pytest.mark.parametrize(
    ("arguments", "reads", "unreadable"),
    [
        ({"order": '{"amount": 5}'}, ("numbers", "/order/amount"), True),  # an object written as text
        ({"order": {"amount": 5}}, ("numbers", "/order/amount"), False),
        ({"order": {}}, ("numbers", "/order/amount"), False),
        ({"order": ["x"]}, ("texts", "/order/0"), False),
        ({"a": 5}, ("decimals", "/a"), False),
        ({"a": 5}, ("texts", "/a"), True),
        ({"a": "5"}, ("numbers", "/a"), True),
        ({"a": ["x", 1]}, ("lists", "/a"), True),
        ({"a": ["x", "y" * (MAX_TEXT + 1)]}, ("lists", "/a"), True),
        ("text", ("texts", ""), True),
        (7, ("numbers", "/a"), True),
    ],
)
def test_writing_it_differently_evades_no_policy(arguments: Any, reads: tuple[str, str], unreadable: bool) -> None:
    assert arguments_of(arguments).unreadable([reads], all_of_them=False) == unreadable


def test_depth_and_number_are_bounded() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH + 5):
        deep = {"a": deep}
    assert arguments_of(deep).lost == {"/a" * MAX_DEPTH}
    wide = arguments_of({"first": 1, "many": {str(number): number for number in range(MAX_VALUES)}})
    assert wide.lost == {""}
    assert wide.parts["numbers"]["/first"] == 1
    assert sum(map(len, wide.parts.values())) <= 2 * MAX_VALUES


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=6), JSON, max_size=6))
def test_every_value_is_somewhere_or_lost_and_fits_the_schema(arguments: dict[str, Any]) -> None:
    found = arguments_of(arguments)
    for name, value in arguments.items():
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        there = pointer in found.forms or pointer in found.lost or "" in found.lost
        assert there == (value is not None)
    entities = [
        {"uid": {"type": part.title(), "id": "a"}, "attrs": {}, "parents": [], "tags": tags}
        for part, tags in found.parts.items()
    ]
    cedarpy.Entities.from_json_str(json.dumps(entities), schema())


# --- the context as a whole

ANYTHING = JSON | st.sampled_from(("low", "raised", "10.0.0.1", "::1", 7, True))
EVERYTHING_READ = """
@id("a") permit (principal, action, resource) when {
  context.assurance > 0 && context.approved && context.risk == Risk::"low" && context.hour > 0 && context.weekday > 0 &&
  context has address && context has network && context has device && context has purpose &&
  context.posture.isEmpty() && context has certificate && principal.hasTag("x")
};
@id("b") permit (principal, action == Action::"tool:call", resource) when {
  context.arguments.lost.isEmpty() && context has bot && context has model && context has route
};
"""
READ = CedarAuthorizer(book({"f": EVERYTHING_READ}), clock=lambda: 0.0)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from([field.name for field in FIELDS]), ANYTHING),
    st.dictionaries(st.sampled_from(("x", "device", "network")), st.text(max_size=5)),
)
def test_what_cedar_is_given_fits_the_schema(context: dict[str, Any], attributes: dict[str, str]) -> None:
    """Cedar does not check types while it decides, since nothing else is ever made."""
    question = Question(Principal("p", Kind.PERSON, attributes=attributes), "tool:call", ("Tool", "t"), context)
    seen: list[tuple[Any, str]] = []

    def watched(request: Any, handle: Any, entities: str) -> Any:
        seen.append((request, entities))
        return real(request, handle, entities)

    real = cedarpy.is_authorized
    cedar.cedarpy.is_authorized = watched
    try:
        ruling = READ.decide(question)
    finally:
        cedar.cedarpy.is_authorized = real
    assert bool(seen) == (ruling.reason not in {"policy-error", "arguments-unreadable"})
    for request, entities in seen:
        handle = cedarpy.Entities.from_json_str(entities, schema())
        whole = json.loads(request["context"])
        for part in ARGUMENTS:  # what no policy reads is left out
            whole["arguments"].setdefault(part, {"__entity": {"type": part.title(), "id": "none"}})
        result = real({**request, "context": whole}, "permit (principal, action, resource);", handle, schema=schema())
        assert result.allowed, result.diagnostics.errors


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("risk", "Low"), ("risk", ""), ("hour", 24), ("hour", -1), ("hour", None), ("weekday", 0), ("weekday", 8),
        ("address", "10.0.0"), ("address", "0x7f.1"), ("address", "2130706433"), ("address", "10.0.0.0/8"),
        ("text", "x" * (MAX_TEXT + 1)),
    ],
)  # fmt: skip
def test_values_out_of_range(form: str, value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong denies alike
        VALUES[form](value)


def test_absent_is_absent_and_risk_is_unknown() -> None:
    assert (
        VALUES["text"](None) is VALUES["address"](None) is VALUES["address"]("") is VALUES["certificate"](None) is None
    )
    assert VALUES["risk"](None) == {"__entity": {"type": "Risk", "id": RISKS[0]}}
    assert VALUES["certificate"]((None,) * len(CERTIFICATE)) == {}
