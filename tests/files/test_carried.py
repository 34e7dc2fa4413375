"""Which files a request carries, wherever a dialect lets them stand, and what takes their place."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from chatward.channels.anthropic import Messages
from chatward.channels.labels import Labelled
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_responses import Responses
from chatward.channels.request import REMOVED
from chatward.core.values import PartKind, Source

DATA = b"the bytes of a file, more than a line of them, so that nobody takes them for a word" * 2
BASE64 = base64.b64encode(DATA).decode()
URL = f"data:application/pdf;base64,{BASE64}"


def _chat(content: Any, **more: Any) -> Any:
    return ChatCompletions(), {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}, {"content": content, **more}],
    }


def _responses(*items: Any) -> Any:
    return Responses(), {"model": "m", "input": list(items)}


def _anthropic(*blocks: Any) -> Any:
    return Messages(), {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": list(blocks)}]}


SOURCE = {"type": "base64", "media_type": "application/pdf", "data": BASE64}
PLACES: dict[str, tuple[Any, Source]] = {
    "chat file": (
        _chat([{"type": "file", "file": {"filename": "a.pdf", "file_data": URL}}], role="user"),
        Source.DOCUMENT,
    ),
    "chat file, bare": (_chat([{"type": "file", "file": {"file_data": BASE64}}], role="user"), Source.DOCUMENT),
    "chat image": (_chat([{"type": "image_url", "image_url": {"url": URL}}], role="user"), Source.USER),
    "chat image, short": (_chat([{"type": "image_url", "image_url": URL}], role="user"), Source.USER),
    "chat sound": (
        _chat([{"type": "input_audio", "input_audio": {"data": BASE64, "format": "wav"}}], role="user"),
        Source.USER,
    ),
    "chat image of a tool": (
        _chat([{"type": "image_url", "image_url": {"url": URL}}], role="tool", tool_call_id="c"),
        Source.TOOL,
    ),
    "chat, a block nobody knows": (_chat([{"type": "video_url", "video_url": {"url": URL}}], role="user"), Source.USER),
    "responses file": (
        _responses({"role": "user", "content": [{"type": "input_file", "filename": "a", "file_data": URL}]}),
        Source.DOCUMENT,
    ),
    "responses image": (
        _responses({"role": "user", "content": [{"type": "input_image", "image_url": URL}]}),
        Source.USER,
    ),
    "responses output of a tool": (
        _responses(
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": URL}]}
        ),
        Source.TOOL,
    ),
    "responses image that was made": (
        _responses({"type": "image_generation_call", "id": "i", "status": "completed", "result": BASE64}),
        Source.BOT,
    ),
    "anthropic document": (_anthropic({"type": "document", "source": SOURCE, "title": "a.pdf"}), Source.DOCUMENT),
    "anthropic image": (_anthropic({"type": "image", "source": SOURCE}), Source.USER),
    "anthropic tool result": (
        _anthropic({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": SOURCE}]}),
        Source.TOOL,
    ),
}


def _parsed(place: Any) -> Labelled:
    dialect, body = place
    call: Labelled = dialect.parse(orjson.dumps(body))
    return call


@pytest.mark.parametrize("name", PLACES)
def test_a_file_is_found_where_it_stands(name: str) -> None:
    place, source = PLACES[name]
    call: Any = _parsed(place)
    (file,) = call.files
    part = call.parts[file.part]
    assert (part.kind, part.text, part.source) == (PartKind.OPAQUE, "", source)
    assert file.data in {URL, BASE64}
    assert call.body({}) == orjson.dumps(place[1])


@pytest.mark.parametrize("name", PLACES)
def test_what_is_put_in_its_place_goes_on_and_nothing_of_the_file(name: str) -> None:
    place, _ = PLACES[name]
    call: Any = _parsed(place)
    (file,) = call.files
    call.read_as(file, "what it says", plain=False)
    sent = call.body({file.part: "what may be said"})
    assert b"what may be said" in sent
    assert BASE64.encode() not in sent
    assert call.body({}) == orjson.dumps(place[1])  # the document is as it was


@pytest.mark.parametrize("name", PLACES)
def test_a_plain_text_keeps_its_form(name: str) -> None:
    place, _ = PLACES[name]
    call: Any = _parsed(place)
    (file,) = call.files
    call.read_as(file, "text", plain=True)
    changed = base64.b64encode("täxt".encode())
    sent = call.body({file.part: "täxt"})
    assert changed in sent
    assert len(sent) == len(orjson.dumps(place[1])) - len(BASE64) + len(changed)


@pytest.mark.parametrize("name", PLACES)
def test_other_bytes_take_the_place_of_a_file(name: str) -> None:
    place, _ = PLACES[name]
    call: Any = _parsed(place)
    (file,) = call.files
    call.files[0].replace(b"other")
    assert base64.b64encode(b"other") in call.body({})
    assert file.data.startswith("data:") is (URL in str(place[1]))


def test_a_block_is_of_its_dialect() -> None:
    forms: dict[str, Callable[[Any], Any]] = {
        "chat file": lambda body: body["messages"][1]["content"][0],
        "responses file": lambda body: body["input"][0]["content"][0],
        "anthropic document": lambda body: body["messages"][0]["content"][0],
    }
    for name, find in forms.items():
        call: Any = _parsed(PLACES[name][0])
        call.read_as(call.files[0], "x", plain=False)
        block = find(orjson.loads(call.body({call.files[0].part: ""})))
        assert block == {"type": "input_text" if name.startswith("responses") else "text", "text": REMOVED}


def test_what_is_no_file_is_none() -> None:
    content = [
        {"type": "text", "text": BASE64},
        {"type": "reasoning", "encrypted_content": BASE64, "signature": BASE64, "embedding": BASE64},
    ]
    call: Any = _parsed(_chat(content, role="user"))
    assert call.files == []


def test_two_files_of_one_block_go_together_and_come_back() -> None:
    place = _chat([{"type": "image_url", "image_url": {"url": URL}, "data": BASE64, "title": "a title"}], role="user")
    call: Any = _parsed(place)
    assert len(call.files) == 2
    edits = {file.part: "said" for file in call.files}
    edits |= {at: "another title" for at, part in enumerate(call.parts) if part.text == "a title"}
    for file in call.files:
        call.read_as(file, "x", plain=False)
    assert orjson.loads(call.body(edits))["messages"][1]["content"] == [{"type": "text", "text": "said"}]
    assert call.body({}) == orjson.dumps(place[1])
