"""Images in the texts of replies, through a running gateway: files like any other, however the text comes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from chatward.guards.files.images import stripped
from chatward.guards.files.kinds import JPEG
from tests.files.test_replies import ANTHROPIC, ASKED, CHAT, RASA, RESPONSES, _Bot, _encoded, _photo, gateway
from tests.simulators.gateway import RunningGateway

__all__ = ["gateway"]

PHOTO = _photo()
CLEAN = _encoded(stripped(PHOTO, JPEG)[0])
URL = f"data:image/jpeg;base64,{_encoded(PHOTO)}"
PACKED = _encoded(b"\x7fELF" + bytes(300))
PROGRAM = f"data:image/png;base64,{PACKED}"
PLACES = [(CHAT, 0), (CHAT, 5), (CHAT, 10_000), (RESPONSES, 5), (ANTHROPIC, 0), (ANTHROPIC, 5), (RASA, 10_000)]


def whole(path: str, text: str) -> Any:
    if path == CHAT:
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return {"id": "c", "object": "chat.completion", "choices": [choice]}
    if path == RESPONSES:
        return {"id": "r", "object": "response", "status": "completed", "output": [_message(text)]}
    if path == ANTHROPIC:
        return {"id": "m", "type": "message", "role": "assistant", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": text}],
                "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
    return [{"recipient_id": "ann", "text": text}]


def _message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": content}


def streamed(path: str, text: str, size: int) -> bytes:
    """The text in pieces of ``size``, where the protocol has pieces."""
    if path == RASA:
        return b"".join(json.dumps(one).encode() + b"\n" for one in whole(path, text))
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    if path == CHAT:
        deltas = [({"content": piece}, None) for piece in pieces]
        events: list[dict[str, Any]] = [
            {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": d, "finish_reason": end}]}
            for d, end in (*deltas, ({}, "stop"))
        ]
        return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in events) + b"data: [DONE]\n\n"
    if path == ANTHROPIC:
        events = [
            {"type": "message_start", "message": {**whole(path, ""), "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": p}} for p in pieces),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ]
    else:
        place = {"item_id": "i", "output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        events = [
            {"type": "response.created", "response": {**whole(path, ""), "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": {**_message(""), "content": []}},
            {"type": "response.content_part.added", **place, "part": part},
            *({"type": "response.output_text.delta", **place, "delta": piece} for piece in pieces),
            {"type": "response.output_text.done", **place, "text": text},
            {"type": "response.content_part.done", **place, "part": {**part, "text": text}},
            {"type": "response.output_item.done", "output_index": 0, "item": _message(text)},
            {"type": "response.completed", "response": whole(path, text)},
        ]
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


def told(path: str, answer: httpx.Response, stream: int) -> str:
    """The text that a client puts together."""
    if not stream or path == RASA:
        return answer.text.replace('\\"', '"')
    events = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    if path == CHAT:
        return "".join(one["choices"][0]["delta"].get("content") or "" for one in events)
    if path == ANTHROPIC:
        return "".join(one["delta"].get("text", "") for one in events if one["type"] == "content_block_delta")
    assert all(URL not in json.dumps(one) for one in events)
    return "".join(one["delta"] for one in events if one["type"] == "response.output_text.delta")


def ask(gateway: RunningGateway, path: str, text: str, stream: int) -> httpx.Response:
    _Bot.said = streamed(path, text, stream) if stream else json.dumps(whole(path, text)).encode()
    _Bot.streams = bool(stream)
    asked = dict(ASKED[path])
    if stream and path.startswith("/v1"):
        asked["stream"] = True
    target = path + ("/webhooks/rest/webhook?stream=true" if stream and path == RASA else "")
    return httpx.post(gateway.url + target, json=asked, timeout=60)


@pytest.mark.parametrize(("path", "stream"), PLACES)
def test_an_image_in_a_text_is_a_file(gateway: RunningGateway, path: str, stream: int) -> None:
    text = f'Here: ![chart]({URL}), and <img src="{URL}"> too. Done.'
    clean = told(path, ask(gateway, path, text, stream), stream)
    assert text.replace(_encoded(PHOTO), CLEAN) in clean
    bad = ask(gateway, path, f"Here: ![chart]({PROGRAM}) it is.", stream)
    assert PACKED[:40] not in bad.text
    assert "stopped by" in bad.text
