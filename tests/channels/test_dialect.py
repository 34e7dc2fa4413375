"""What every dialect promises, whatever arrives: nothing unseen, and no error but its own.

A sentence is planted anywhere in a valid request, reply or stream: in place of a text, a number or a structure, or as a
field nobody knows. It must become a part, or be masked, or the message must be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.anthropic import Messages
from chatward.channels.dialect import Dialect
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_embeddings import Embeddings
from chatward.channels.openai_models import Models
from chatward.channels.openai_responses import Responses
from chatward.core.errors import ChatwardError, ClientError, UpstreamError

PLANT = "the SEC RET words"
HIDDEN = "SEC RET"

CHAT_TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
CHAT_REQUEST = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be kind."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "data:,x"}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [CHAT_TOOL_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}],
    "metadata": {"a": "b"},
}
CHAT_REPLY = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "logprobs": None,
         "message": {"role": "assistant", "content": "Hi", "reasoning_content": "r", "tool_calls": [CHAT_TOOL_CALL]}},
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip


def chat_chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


CHAT_STREAM = [
    chat_chunk({"role": "assistant", "content": ""}),
    chat_chunk({"reasoning_content": "Hm"}),
    chat_chunk({"content": "Hi"}),
    chat_chunk({"content": " you"}),
    chat_chunk({"tool_calls": [{"index": 0, **CHAT_TOOL_CALL}]}),
    chat_chunk({}, "tool_calls"),
]

ITEM = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hi", "annotations": []}]}  # fmt: skip
CALL_ITEM = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "c",
    "name": "f",
    "arguments": "{}",
    "status": "completed",
}
RESPONSES_REQUEST = {
    "model": "m",
    "instructions": "Be kind.",
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}, ITEM, CALL_ITEM,
              {"type": "function_call_output", "call_id": "c", "output": "42"}],
    "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}],
}  # fmt: skip
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "instructions": "Be kind.",
            "output": [ITEM, CALL_ITEM], "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
RESPONSES_STREAM = [
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "content": []}},
    {"type": "response.content_part.added", **AT, "part": {"type": "output_text", "text": "", "annotations": []}},
    {"type": "response.output_text.delta", **AT, "delta": "Hi", "logprobs": []},
    {"type": "response.output_text.done", **AT, "text": "Hi", "logprobs": []},
    {"type": "response.content_part.done", **AT, "part": {"type": "output_text", "text": "Hi", "annotations": []}},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEM},
    {"type": "response.output_item.added", "output_index": 1, "item": {**CALL_ITEM, "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 1, "delta": "{}"},
    {"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 1, "arguments": "{}"},
    {"type": "response.output_item.done", "output_index": 1, "item": CALL_ITEM},
    {"type": "response.completed", "response": RESPONSE},
]

TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "b", "n": [1]}}
MESSAGES_REQUEST = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "Be kind."}],
    "messages": [
        {"role": "user", "content": [{"type": "document", "title": "t", "source": {"type": "text", "data": "words"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hi"}, TOOL_USE]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}]},
    ],
    "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
           "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
           "content": [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, {"type": "text", "text": "Hi"},
                       TOOL_USE]}  # fmt: skip
CITATION = {"type": "page_location", "cited_text": "x y"}
MESSAGES_STREAM = [
    {"type": "message_start", "message": {**MESSAGE, "content": []}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "citations_delta", "citation": CITATION},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {**TOOL_USE, "input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop"},
]

DIALECTS: list[Dialect] = [ChatCompletions(), Responses(), Messages(), Embeddings(), Models()]
SPOKEN: dict[str, tuple[Dialect, Any, Any, Any]] = {
    "chat": (DIALECTS[0], CHAT_REQUEST, CHAT_REPLY, CHAT_STREAM),
    "responses": (DIALECTS[1], RESPONSES_REQUEST, RESPONSE, RESPONSES_STREAM),
    "messages": (DIALECTS[2], MESSAGES_REQUEST, MESSAGE, MESSAGES_STREAM),
}
# What steers the upstream and that no model reads: it travels as it is.
STEERING = {"model", "stop", "stop_sequences", "conversation", "previous_response_id", "conversation_id"}


def places(node: Any, steps: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in ``node`` where something else may stand, and one new key for each object."""
    found = [steps] if steps else []
    if isinstance(node, dict):
        found += [place for key, value in node.items() for place in places(value, (*steps, key))]
        found.append((*steps, "x_new"))
    elif isinstance(node, list):
        found += [place for index, value in enumerate(node) for place in places(value, (*steps, index))]
    return found


def planted(document: Any, steps: tuple[Any, ...], value: Any) -> Any:
    copy = deepcopy(document)
    node = copy
    for step in steps[:-1]:
        node = node[step]
    node[steps[-1]] = value
    return copy


def sse(events: list[Any], tail: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + tail


def tried(work: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """What ``work`` returns, or its public refusal. Other errors than the two that a dialect has are let through."""
    try:
        return work(*arguments), ""
    except (ClientError, UpstreamError) as error:
        return None, error.public


PLANTS: list[Any] = [PLANT, [PLANT], {"deep": [{"note": PLANT}]}]


@pytest.mark.parametrize("name", SPOKEN)
def test_words_anywhere_in_a_request_are_a_part(name: str) -> None:
    dialect, request_, _, _ = SPOKEN[name]
    for steps, plant in product(places(request_), PLANTS):
        call, refusal = tried(dialect.parse, orjson.dumps(planted(request_, steps, plant)))
        assert HIDDEN not in refusal
        if call is not None and not STEERING & set(steps):
            assert any(HIDDEN in part.text for part in call.parts), steps


@pytest.mark.parametrize("name", SPOKEN)
def test_words_anywhere_in_a_reply_are_inspected(name: str, fakes: Any) -> None:
    dialect, request_, whole, _ = SPOKEN[name]
    call = dialect.parse(orjson.dumps(request_))
    for steps, plant, way in product(places(whole), PLANTS, ("mask", "bad")):
        answer, refusal = tried(call.reply, orjson.dumps(planted(whole, steps, plant)), fakes.Reply(**{way: HIDDEN}))
        assert HIDDEN not in refusal
        assert answer is None or HIDDEN.encode() not in answer.body, steps


@pytest.mark.parametrize("name", SPOKEN)
def test_words_anywhere_in_a_stream_are_inspected(name: str, fakes: Any) -> None:
    dialect, request_, _, stream = SPOKEN[name]
    call = dialect.parse(orjson.dumps(request_))
    for steps, plant, way, delay in product(places(stream), PLANTS, ("mask", "bad"), (0, 9)):
        rewriter = call.rewriter(fakes.Reply(delay=delay, **{way: HIDDEN}))
        out = rewriter.feed(sse(planted(stream, steps, plant))) + rewriter.close()
        assert HIDDEN.encode() not in out, steps
        assert rewriter.done


@pytest.mark.parametrize("name", SPOKEN)
@given(data=st.data())
def test_words_in_a_stream_are_inspected_however_it_is_split(name: str, fakes: Any, data: st.DataObject) -> None:
    dialect, request_, _, stream = SPOKEN[name]
    body = sse(planted(stream, data.draw(st.sampled_from(places(stream))), data.draw(st.sampled_from(PLANTS))))
    named = data.draw(st.sampled_from([{"mask": HIDDEN}, {"bad": HIDDEN}]))
    rewriter = dialect.parse(orjson.dumps(request_)).rewriter(fakes.Reply(delay=data.draw(st.integers(0, 20)), **named))
    pieces = fakes.cuts(body, data.draw(fakes.offsets(len(body))))
    out = b"".join(rewriter.feed(piece) for piece in pieces) + rewriter.close()
    assert HIDDEN.encode() not in out
    assert rewriter.done


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.text(max_size=3) | st.sampled_from(["text", "message", "stop"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "index", "delta", "role", "name", "id"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("name", SPOKEN)
@given(data=st.data())
def test_junk_is_refused_or_passed_but_nothing_breaks(name: str, fakes: Any, data: st.DataObject) -> None:
    dialect, request_, whole, stream = SPOKEN[name]
    junk = data.draw(JUNK)
    call = dialect.parse(orjson.dumps(request_))
    parsed, _ = tried(
        dialect.parse, orjson.dumps(planted(request_, data.draw(st.sampled_from(places(request_))), junk))
    )
    if parsed is not None:
        orjson.loads(parsed.body({index: part.text for index, part in enumerate(parsed.parts)}))
    body = orjson.dumps(planted(whole, data.draw(st.sampled_from(places(whole))), junk))
    tried(call.reply, body, fakes.Reply())
    rewriter = call.rewriter(fakes.Reply(delay=data.draw(st.integers(0, 3))))
    rewriter.feed(sse(planted(stream, data.draw(st.sampled_from(places(stream))), junk)))
    rewriter.close()
    assert rewriter.done


@pytest.mark.parametrize("name", SPOKEN)
def test_edits_with_the_same_texts_change_nothing(name: str) -> None:
    dialect, request_, _, _ = SPOKEN[name]
    call = dialect.parse(orjson.dumps(request_))
    same = {index: part.text for index, part in enumerate(call.parts)}
    assert orjson.loads(call.body(same)) == orjson.loads(call.body({})) == request_


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 502, 503])
def test_errors_keep_their_status_sentence_and_reason(dialect: Dialect, status: int) -> None:
    answer = dialect.error(ChatwardError("Sorry.", reason="some-reason", status=status))
    error = orjson.loads(answer.body)["error"]
    assert (answer.status, error["message"], error["code"]) == (status, "Sorry.", "some-reason")


def test_names_are_stable() -> None:
    names = ["openai-chat", "openai-responses", "anthropic-messages", "openai-embeddings", "openai-models"]
    assert [dialect.name for dialect in DIALECTS] == names
