"""Replies of a bot that calls one tool, whole and streamed, in three dialects."""

from __future__ import annotations

import json
from typing import Any


def chat(tool: str, arguments: str) -> bytes:
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return json.dumps(
        {"id": "c1", "object": "chat.completion", "created": 1, "model": "m",
         "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    ).encode()  # fmt: skip


def responses(tool: str, arguments: str) -> bytes:
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": tool, "arguments": arguments}
    return json.dumps(
        {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [item]}
    ).encode()


def messages(tool: str, arguments: str) -> bytes:
    block = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": json.loads(arguments or "{}")}
    return json.dumps(
        {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [block],
         "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    ).encode()  # fmt: skip


def _events(*documents: dict[str, Any], named: bool = True) -> bytes:
    return b"".join(
        (f"event: {document['type']}\n" if named else "").encode() + b"data: " + json.dumps(document).encode() + b"\n\n"
        for document in documents
    )


def _pieces(text: str) -> list[str]:
    return [text[at : at + 9] for at in range(0, len(text), 9)]


def chat_stream(tool: str, arguments: str) -> bytes:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    def call(**function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "function": function}]}

    first = call(name=tool, arguments="")
    first["tool_calls"][0] |= {"id": "call_1", "type": "function"}
    rest = [chunk(call(arguments=piece)) for piece in _pieces(arguments)]
    return _events(chunk({"role": "assistant"}), chunk(first), *rest, chunk({}, "tool_calls"), named=False) + (
        b"data: [DONE]\n\n"
    )


def responses_stream(tool: str, arguments: str) -> bytes:
    whole = json.loads(responses(tool, arguments))
    item = whole["output"][0]
    begun = {**whole, "status": "in_progress", "output": []}
    at = {"item_id": "fc_1", "output_index": 0}
    return _events(
        {"type": "response.created", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        *({"type": "response.function_call_arguments.delta", **at, "delta": piece} for piece in _pieces(arguments)),
        {"type": "response.function_call_arguments.done", **at, "arguments": arguments},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    )


def messages_stream(tool: str, arguments: str) -> bytes:
    whole = json.loads(messages(tool, arguments))
    block = {**whole["content"][0], "input": {}}
    return _events(
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
            for piece in _pieces(arguments)
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    )
