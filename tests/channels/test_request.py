"""Parts and their slots."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.request import Request, media_type
from chatward.core.errors import ChatwardError, ClientError
from chatward.core.values import PartKind, Source


def test_values_are_read_as_json_and_put_back_as_json() -> None:
    document = {"input": {"to": "Ann", "n": [1, None]}}
    request = Request(document, 10)
    request.value(document, "input", Source.BOT, "mail")
    assert request.parts[0].text == '{"to":"Ann","n":[1,null]}'
    assert (request.parts[0].kind, request.parts[0].name) == (PartKind.JSON, "mail")
    assert orjson.loads(request.serialise({0: '{"to":"[PERSON_1]","n":[1,null]}'}))["input"]["to"] == "[PERSON_1]"
    assert request.serialise({}) == b'{"input":{"to":"Ann","n":[1,null]}}'
    with pytest.raises(ChatwardError):
        request.serialise({0: "{broken"})
    assert request.serialise({}) == b'{"input":{"to":"Ann","n":[1,null]}}'


def test_what_is_signed_or_opaque_is_seen_but_never_edited() -> None:
    document = {"thinking": "signed", "image": "x"}
    request = Request(document, 10)
    request.fixed("signed", Source.BOT)
    request.opaque("image/png", Source.USER)
    assert [part.text for part in request.parts] == ["signed", ""]
    assert orjson.loads(request.serialise({0: "changed", 1: "changed"})) == document


def test_messages_hold_the_parts_since_the_last_one() -> None:
    document = {"a": "x", "b": "y z", "c": {"d": "z"}}
    request = Request(document, 3)
    request.close_message("empty", keep_empty=False)
    request.field(document, "a", Source.USER)
    request.close_message("user")
    request.close_message("assistant")
    request.field(document, "b", Source.TOOL)
    request.field(document, "c", Source.TOOL)
    request.close_message("tool")
    assert [(message.role, message.parts) for message in request.messages] == [
        ("user", (0,)), ("assistant", ()), ("tool", (1, 2)),
    ]  # fmt: skip
    assert [part.message for part in request.parts] == [0, 2, 2]
    with pytest.raises(ClientError):
        request.field(document, "a", Source.USER)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("data:image/png;base64,AA", "image/png"), ("data:,x", "text/plain"), ("https://example.com", "")],
)
def test_media_types_of_data_urls(url: str, expected: str) -> None:
    assert media_type(url) == expected


@given(st.lists(st.booleans(), max_size=8), st.integers(0, 9))
def test_messages_that_are_made_late_are_those_that_are_made_at_once(plain: list[bool], asked: int) -> None:
    """``message`` puts its part off; whenever parts are asked for, they are what ``text`` would have made."""
    documents = [{"content": f"text {at}"} for at in range(len(plain))]
    late, at_once = Request({"all": documents}, 20), Request({"all": documents}, 20)
    for at, (document, put_off) in enumerate(zip(documents, plain, strict=True)):
        if put_off:
            late.message(document, "content", "user", Source.USER)
        else:
            late.text(document, "content", Source.USER)
            late.close_message("user")
        if at == asked:
            assert late.messages[-1].parts == (at,)
        at_once.text(document, "content", Source.USER)
        at_once.close_message("user")
    assert late.serialise({}) == at_once.serialise({})
    assert late.parts == at_once.parts
    assert late.messages == at_once.messages
    edits = {at: f"edited {at}" for at in range(0, len(plain), 2)}
    assert late.serialise(edits) == at_once.serialise(edits)


def test_messages_that_are_made_late_count_at_once() -> None:
    request = Request({}, 2)
    request.text({"a": "x"}, "a", Source.USER)
    request.close_message("user")
    request.message({"a": "x"}, "a", "user", Source.USER)
    with pytest.raises(ClientError) as caught:
        request.message({"a": "x"}, "a", "user", Source.USER)
    assert caught.value.reason == "too-many-parts"
    with pytest.raises(ClientError):
        request.text({"a": "x"}, "a", Source.USER)
