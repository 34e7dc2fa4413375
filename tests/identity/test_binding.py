"""Bindings: the same for what means the same, another for everything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.identity.binding import message_binding, message_digest, tool_binding

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def typed(value: object) -> object:
    """A value that is equal only to its like: Python's True is 1, JSON's is not."""
    if isinstance(value, dict):
        return {name: typed(one) for name, one in value.items()}
    return [typed(one) for one in value] if isinstance(value, list) else (type(value).__name__, value)


@given(json_values)
def test_spelling_does_not_count(value: object) -> None:
    spelled = [
        json.dumps(value),
        json.dumps(value, indent=3, ensure_ascii=False),
        json.dumps(value, sort_keys=True, separators=(" ,", " : ")),
    ]
    assert len({tool_binding("t", text, "s") for text in spelled}) == 1


@given(json_values, json_values)
def test_two_values_have_two_bindings(one: object, other: object) -> None:
    same = typed(one) == typed(other)
    assert (tool_binding("t", json.dumps(one), "s") == tool_binding("t", json.dumps(other), "s")) == same


@given(st.tuples(*[st.text(max_size=4)] * 3), st.tuples(*[st.text(max_size=4)] * 3))
def test_nothing_moves_between_tool_arguments_and_session(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    first, second = ((tool, json.dumps(text), session) for tool, text, session in (one, other))
    assert (tool_binding(*first) == tool_binding(*second)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"amount": 1}', '{"amount": 1.0}'),
        ('{"amount": 1}', '{"amount": "1"}'),
        ('{"amount": 0.1}', '{"amount": 0.10000000000000000001}'),
        ('{"a": 0}', '{"a": -0}'),
        ('{"a": 1}', '{"a": 1, "a": 1}'),
        ('{"a": 1, "a": 2}', '{"a": 2, "a": 1}'),
        ('{"a": 1, "a": 2}', '{"a": 2}'),
        ("[NaN]", "[null]"),
        ("not json", '"not json"'),
        ("[" * 200 + "]" * 200, "[" * 199 + "]" * 199),
        ("", "null"),
        ("true", "1"),
        ('{"a": {"b": 1}}', '{"a": {}, "b": 1}'),
        ("[[1], 2]", "[[1, 2]]"),
    ],
)
def test_what_may_be_read_differently_is_not_the_same(one: str, other: str) -> None:
    assert tool_binding("t", one, "s") != tool_binding("t", other, "s")


def test_a_message_is_not_a_tool_call() -> None:
    digest = message_digest(b'{"a": 1}')
    assert digest == message_digest(b'{ "a" : 1 }')
    assert digest != message_digest(b'{"a": 2}')
    assert message_digest(b"\xff") != message_digest(b"\xfe")
    assert message_binding(digest, "s") != message_binding(digest, "t")
    assert message_binding(digest, "s") != tool_binding(digest, "", "s")
