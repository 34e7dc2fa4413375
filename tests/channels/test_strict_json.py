"""One body has one meaning, or it is refused."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.strict_json import parse
from chatward.core.errors import ClientError

TEXT = st.text(st.characters(codec="utf-8")) | st.sampled_from(['":', '\\":', '" :', ":)", '"', "\\", '\\\\":', ": "])
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)
LAYOUTS = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), ("\n,", "\t:\r\n")])


def reason(body: bytes, **limits: int) -> str:
    with pytest.raises(ClientError) as caught:
        parse(body, **limits)
    assert caught.value.status == 400
    return caught.value.reason


@given(OBJECTS, LAYOUTS, st.booleans())
def test_every_unambiguous_object_is_read(value: dict[str, Any], layout: tuple[str, str], ascii_only: bool) -> None:
    body = json.dumps(value, separators=layout, ensure_ascii=ascii_only).encode()
    assert parse(body) == orjson.loads(body)


@given(OBJECTS, st.lists(OBJECTS, max_size=3), st.data())
def test_a_key_twice_is_refused_wherever_it_stands(outer: dict[str, Any], more: list[Any], data: st.DataObject) -> None:
    key = data.draw(TEXT)
    blanks = data.draw(st.sampled_from(["", " ", "\n", " \t"]))
    again = json.dumps(key) + blanks + ":"
    twice = "{" + again + "1," + (json.dumps("x") + ":2,") * (key != "x") + again + "2}"
    rest = json.dumps({"o": outer, "m": more, "s": ['":', " :", "\\"]})
    assert reason(f'{{"rest":{rest},"deep":[{twice}]}}'.encode()) == "json-duplicate-key"


def test_keys_that_are_equal_only_after_unescaping_are_equal() -> None:
    assert reason(b'{"a":1,"\\u0061":2}') == "json-duplicate-key"


def test_missed_candidates_cannot_be_paid_with_duplicates() -> None:
    # A key with a blank before its colon would lower a careless count by as much as a duplicate raises it.
    assert reason(b'{"a":1,"a":2,"b" :3}') == "json-duplicate-key"
    assert reason(b'{"a":1,"a":2,"k\\\\":3}') == "json-duplicate-key"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b'{"a":1}x', b'{"a":1}{}', b"\xef\xbb\xbf{}", b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}', b'{"a":01}', b'{"a":"\n"}', b"{'a':1}", b'{"a":1,}', b'{"a":"N"', b"\x00", b'{"a":nul}',
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert reason(body) == "json-invalid"


@pytest.mark.parametrize(
    "number",
    [
        "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "18446744073709551616", "-9223372036854775809",
        "123456789012345678901234567890", "1" + "0" * 400,
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_refused(number: str) -> None:
    assert reason(f'{{"a":[1.5,"9999999999999999999999",{number}]}}'.encode()) == "json-number"


@pytest.mark.parametrize("number", ["18446744073709551615", "-9223372036854775808", "1e300", "123456789012345678901.5"])
def test_numbers_that_fit_are_read(number: str) -> None:
    assert parse(f'{{"a":{number},"b":"123456789012345678901234"}}'.encode())["a"] == json.loads(number)


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
def test_a_body_is_an_object(body: bytes) -> None:
    assert reason(body) == "field-type"


@given(st.integers(1, 80), st.integers(1, 80))
def test_depth_counts_the_document_as_one(depth: int, limit: int) -> None:
    body = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}" if depth > 1 else b"{}"
    if depth <= limit:
        assert parse(body, limit) is not None
    else:
        assert reason(body, max_depth=limit) == "json-too-deep"


@pytest.mark.parametrize("depth", [1_000, 1_100, 200_000])
def test_any_depth_is_refused_and_nothing_breaks(depth: int) -> None:
    assert reason(b'{"a":' + b"[" * depth + b"]" * depth + b"}") == "json-too-deep"
    assert reason(b'{"a":' * depth + b"1" + b"}" * depth) == "json-too-deep"


def test_no_error_quotes_the_body() -> None:
    for body in (b'{"secret":1,"secret":2}', b'{"secret', b'{"secret":NaN}', b'["secret"]'):
        with pytest.raises(ClientError) as caught:
            parse(body)
        assert "secret" not in str(caught.value)
