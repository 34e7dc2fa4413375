"""What the scripted bot says, written down in three dialects.

The rule: a ``Scene`` is what is said, a dialect's two functions are how: ``chat``, ``responses`` and ``messages``, each
whole (a JSON document) or streamed (the data of each event). Streams are as unkind as the dialects allow: text in
pieces of one to three code points, arguments in tiny fragments, tool calls interleaved, usage in an event of its own.

In texts and arguments ``{said}`` stands for the newest message as the bot received it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, zip_longest
from typing import Any, Final, TypeVar

Json = dict[str, Any]
T = TypeVar("T")

USAGE: Final = (7, 11)
"""Tokens in and out that every reply claims."""


@dataclass(frozen=True)
class Call:
    """One tool call; ``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Scene:
    """One reply. ``choices`` are further texts (chat completions only). ``in_turn``: streamed tool calls come one
    after another, not interleaved. ``endless``: the stream never ends. ``sizes`` of the pieces, in code points, go
    round."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    refusal: str = ""
    choices: tuple[str, ...] = ()
    in_turn: bool = False
    endless: bool = False
    sizes: tuple[int, ...] = (1, 3, 2, 1, 1, 2)
    status: int = 200
    body: bytes | None = None
    """Sent as it is in place of a reply."""
    content_type: str = ""
    cut: int = 0
    """The stream ends, mid-event, after so many events."""

    def filled(self, said: str) -> Scene:
        """With ``{said}`` filled in."""
        inner = json.dumps(said, ensure_ascii=False)[1:-1]
        calls = tuple(replace(call, arguments=call.arguments.replace("{said}", inner)) for call in self.calls)
        return replace(self, text=self.text.replace("{said}", said), calls=calls)

    def pieces(self, text: str) -> Iterator[str]:
        """``text`` in pieces of ``sizes``."""
        at = 0
        for size in cycle(self.sizes):
            if at >= len(text):
                return
            yield text[at : at + size]
            at += size


def _groups(calls: list[T], scene: Scene) -> list[list[T]]:
    """The calls that are streamed together."""
    if not calls:
        return []
    return [[call] for call in calls] if scene.in_turn else [calls]


# --- chat completions --------------------------------------------------------------------------------


def chat_whole(scene: Scene, model: str) -> Json:
    message: Json = {"role": "assistant", "content": scene.text or None, "refusal": scene.refusal or None}
    if scene.reasoning:
        message["reasoning_content"] = scene.reasoning
    if scene.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in scene.calls
        ]
    finish = "tool_calls" if scene.calls else "stop"
    choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}]
    for index, text in enumerate(scene.choices, 1):
        other = {"role": "assistant", "content": text, "refusal": None}
        choices.append({"index": index, "message": other, "logprobs": None, "finish_reason": "stop"})
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": choices,
        "usage": _chat_usage(),
    }


def chat_stream(scene: Scene, model: str) -> Iterator[Json | str]:
    def chunk(delta: Json, index: int = 0, finish: str | None = None) -> Json:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**shell, "choices": [choice], "usage": None}

    shell = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    for index in range(1 + len(scene.choices)):
        yield chunk({"role": "assistant", "content": ""}, index)
    for piece in scene.pieces(scene.reasoning):
        yield chunk({"reasoning_content": piece})
    for row in zip_longest(*(scene.pieces(text) for text in (scene.text, *scene.choices))):
        for index, piece in enumerate(row):
            if piece:
                yield chunk({"content": piece}, index)
    for piece in scene.pieces(scene.refusal):
        yield chunk({"refusal": piece})
    for group in _groups(list(enumerate(scene.calls)), scene):
        # In one chunk for the whole group, which is the dialect's way to interleave.
        yield chunk(
            {
                "tool_calls": [
                    {"index": n, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
                    for n, call in group
                ]
            }
        )
        for row in zip_longest(*(scene.pieces(call.arguments) for _, call in group), fillvalue=""):
            parts = [{"index": n, "function": {"arguments": piece}} for (n, _), piece in zip(group, row, strict=True)]
            yield chunk({"tool_calls": parts})
    while scene.endless:
        yield chunk({"content": "and so on "})
    yield chunk({}, 0, "tool_calls" if scene.calls else "stop")
    for index in range(1, 1 + len(scene.choices)):
        yield chunk({}, index, "stop")
    yield {**shell, "choices": [], "usage": _chat_usage()}
    yield "[DONE]"


def _chat_usage() -> Json:
    into, out = USAGE
    return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


# --- responses ---------------------------------------------------------------------------------------


def _response(model: str, status: str, output: Sequence[Json], identity: str) -> Json:
    into, out = USAGE
    usage = {
        "input_tokens": into,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": into + out,
    }
    return {
        "id": identity,
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": model,
        "output": list(output),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage if status == "completed" else None,
        "metadata": {},
    }


def _items(scene: Scene) -> list[Json]:
    items: list[Json] = []
    if scene.reasoning:
        items.append(
            {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": scene.reasoning}]}
        )
    content: list[Json] = []
    if scene.text:
        content.append({"type": "output_text", "text": scene.text, "annotations": [], "logprobs": []})
    if scene.refusal:
        content.append({"type": "refusal", "refusal": scene.refusal})
    if content:
        items.append({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content})
    for number, call in enumerate(scene.calls, 1):
        items.append(
            {
                "id": f"fc_{number}",
                "type": "function_call",
                "status": "completed",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
            }
        )
    return items


def responses_whole(scene: Scene, model: str, identity: str = "resp_1") -> Json:
    return _response(model, "completed", _items(scene), identity)


def responses_stream(scene: Scene, model: str, identity: str = "resp_1") -> Iterator[Json | str]:
    for number, event in enumerate(_responses_events(scene, model, identity)):
        yield {**event, "sequence_number": number}


def _responses_events(scene: Scene, model: str, identity: str) -> Iterator[Json]:
    items = _items(scene)
    begun = _response(model, "in_progress", [], identity)
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(items):
        at: Json = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "summary": []}}
            yield from _summary(item, at, scene)
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
        elif item["type"] == "message":
            empty = {**item, "status": "in_progress", "content": []}
            yield {"type": "response.output_item.added", "output_index": index, "item": empty}
            for place, part in enumerate(item["content"]):
                yield from _part(part, {**at, "content_index": place}, scene)
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
    calls = [(index, item) for index, item in enumerate(items) if item["type"] == "function_call"]
    for group in _groups(calls, scene):
        yield from _interleaved(group, scene)
    yield {"type": "response.completed", "response": _response(model, "completed", items, identity)}


def _summary(item: Json, at: Json, scene: Scene) -> Iterator[Json]:
    text = item["summary"][0]["text"]
    at = {**at, "summary_index": 0}
    yield {"type": "response.reasoning_summary_part.added", **at, "part": {"type": "summary_text", "text": ""}}
    for piece in scene.pieces(text):
        yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", **at, "text": text}
    yield {"type": "response.reasoning_summary_part.done", **at, "part": {"type": "summary_text", "text": text}}


def _part(part: Json, at: Json, scene: Scene) -> Iterator[Json]:
    key, name = ("text", "output_text") if part["type"] == "output_text" else ("refusal", "refusal")
    tokens: Json = {"logprobs": []} if key == "text" else {}
    yield {"type": "response.content_part.added", **at, "part": {**part, key: ""}}
    for piece in scene.pieces(part[key]):
        yield {"type": f"response.{name}.delta", **at, "delta": piece, **tokens}
    while scene.endless:
        yield {"type": f"response.{name}.delta", **at, "delta": "and so on ", **tokens}
    yield {"type": f"response.{name}.done", **at, key: part[key], **tokens}
    yield {"type": "response.content_part.done", **at, "part": part}


def _interleaved(calls: list[tuple[int, Json]], scene: Scene) -> Iterator[Json]:
    for index, item in calls:
        empty = {**item, "status": "in_progress", "arguments": ""}
        yield {"type": "response.output_item.added", "output_index": index, "item": empty}
    for row in zip_longest(*(scene.pieces(item["arguments"]) for _, item in calls)):
        for (index, item), piece in zip(calls, row, strict=True):
            if piece:
                kind = "response.function_call_arguments.delta"
                yield {"type": kind, "item_id": item["id"], "output_index": index, "delta": piece}
    for index, item in calls:
        yield {
            "type": "response.function_call_arguments.done",
            "item_id": item["id"],
            "output_index": index,
            "name": item["name"],
            "arguments": item["arguments"],
        }
        yield {"type": "response.output_item.done", "output_index": index, "item": item}


# --- messages ----------------------------------------------------------------------------------------

SIGNATURE: Final = "c2lnbmF0dXJlIG9mIHRoaW5raW5n"


def _blocks(scene: Scene) -> list[Json]:
    blocks: list[Json] = []
    if scene.reasoning:
        blocks.append({"type": "thinking", "thinking": scene.reasoning, "signature": SIGNATURE})
    text = scene.text or scene.refusal
    if text:
        blocks.append({"type": "text", "text": text})
    for call in scene.calls:
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)})
    return blocks


def messages_whole(scene: Scene, model: str) -> Json:
    into, out = USAGE
    stop = "tool_use" if scene.calls else "refusal" if scene.refusal else "end_turn"
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": _blocks(scene),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": into, "output_tokens": out},
    }


def messages_stream(scene: Scene, model: str) -> Iterator[Json | str]:
    whole = messages_whole(scene, model)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        if block["type"] != "tool_use":
            yield from _told(block, index, scene)
    arguments = {
        index: call.arguments for index, call in enumerate(scene.calls, len(whole["content"]) - len(scene.calls))
    }
    for group in _groups(list(arguments), scene):
        for index in group:
            block = {**whole["content"][index], "input": {}}
            yield {"type": "content_block_start", "index": index, "content_block": block}
        for row in zip_longest(*(scene.pieces(arguments[index]) for index in group)):
            for index, piece in zip(group, row, strict=True):
                if piece:
                    delta = {"type": "input_json_delta", "partial_json": piece}
                    yield {"type": "content_block_delta", "index": index, "delta": delta}
        for index in group:
            yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": USAGE[1]}}
    yield {"type": "message_stop"}


def _told(block: Json, index: int, scene: Scene) -> Iterator[Json]:
    key = str(block["type"])
    empty = {**block, key: ""} | ({"signature": ""} if key == "thinking" else {})
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for piece in scene.pieces(block[key]):
        yield {"type": "content_block_delta", "index": index, "delta": {"type": f"{key}_delta", key: piece}}
    while scene.endless and key == "text":
        delta = {"type": "text_delta", "text": "and so on "}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    if key == "thinking":
        delta = {"type": "signature_delta", "signature": block["signature"]}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


# --- embeddings --------------------------------------------------------------------------------------


def embeddings(_: Scene, model: str) -> Json:
    data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


# --- bytes -------------------------------------------------------------------------------------------


def event(data: Json | str, *, named: bool, unkind: bool) -> bytes:
    """One server-sent event. ``unkind``: CR LF, comments, and nothing escaped that need not be."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    end = "\r\n" if unkind else "\n"
    name = f"event: {data['type']}{end}" if named and not isinstance(data, str) else ""
    comment = f": a comment{end}" if unkind else ""
    return f"{comment}{name}data: {text}{end}{end}".encode()


def chopped(data: bytes) -> Iterator[bytes]:
    """``data`` split at every second byte of a character, at quotation marks, and after at most 13 bytes."""
    start = 0
    for at in range(1, len(data)):
        inside = data[at] & 0xC0 == 0x80
        if inside or data[at] == 0x22 or at - start >= 13:
            yield data[start:at]
            start = at
    yield data[start:]
