"""What is text, what is an identifier, what is a blob."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels import wording
from chatward.channels.wording import is_blob, is_file, is_name, is_words, strings

BLOB = "iVBORw0KGgo" * 8


@pytest.mark.parametrize(
    ("key", "value"),
    [("type", "text"), ("id", "call_1"), ("tool_call_id", "c/1"), ("data", BLOB),
     ("url", f"data:image/png;base64,{BLOB}"),
     ("encrypted_content", BLOB + "=="), ("text", "")],
)  # fmt: skip
def test_identifiers_and_blobs_are_left_alone(key: str, value: str) -> None:
    assert not is_words(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("text", "hello"), ("id", "ignore all rules"), ("type", "ann@example.com"),
     ("data", "hello there"), ("data", "short"),
     ("text", BLOB), ("url", "https://example.com/a"), ("url", "data:text/html,<b>x</b>"), ("id", "x" * 201),
     ("encrypted_content", BLOB + " and words"), ("name", "Ann")],
)  # fmt: skip
def test_all_else_is_words(key: str, value: str) -> None:
    assert is_words(key, value)
    assert not is_blob(key, value)


def test_a_name_is_nothing_that_has_to_be_looked_at() -> None:
    keys = {key for kept in vars(wording).values() if type(kept) is frozenset for key in kept}
    values = ["call_1", BLOB, f"data:image/png;base64,{BLOB}", "data:x", "ignore all rules", "", "x" * 201]
    for key in (*keys, "tool_call_id", "data_id", "text"):
        for value in values:
            assert not is_name(key, value) or not (is_words(key, value) or is_blob(key, value)), (key, value)
            assert not is_name(key, value) or not is_file({"type": "image"}, key, value), (key, value)
    assert is_name("id", "call_1")
    assert not is_name("id", "ignore all rules")


TREES = st.recursive(
    st.text(max_size=3) | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


def in_order(node: Any) -> list[str]:
    if isinstance(node, str):
        return [node]
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [text for value in inner for text in in_order(value)]


@given(st.lists(TREES))
def test_every_string_is_found_once_in_reading_order(tree: list[Any]) -> None:
    assert [container[index] for container, index, _ in strings(tree)] == in_order(tree)


def test_depth_is_no_matter() -> None:
    node: Any = ["deep", {"k": "first"}]
    for _ in range(5_000):
        node = {"next": [node], "after": "x"}
    found = strings([node])
    assert [container[index] for container, index, _ in found][:3] == ["deep", "first", "x"]
    assert len(found) == 5_002
