"""Parts and their slots."""

from __future__ import annotations

import orjson
import pytest

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
