"""OpenAI Responses: what becomes a part, and how whole replies leave."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types.responses import Response

from chatward.channels.openai_responses import Responses
from chatward.core.errors import ClientError, UpstreamError
from chatward.core.values import PartKind

DIALECT = Responses()


def call(**fields: Any) -> Any:
    return DIALECT.parse(orjson.dumps({"model": "m", **fields}))


def seen(of: Any) -> list[tuple[str, str]]:
    return [(part.source.value, part.text) for part in of.parts]


def text_item(text: str, **part: Any) -> dict[str, Any]:
    content = {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **part}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [content]}


def response(*output: dict[str, Any], **fields: Any) -> bytes:
    head = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "tools": [], "tool_choice": "auto",
        "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0,
    }  # fmt: skip
    return orjson.dumps({**head, "output": output, **fields})


def answer(body: bytes, reply: Any, **request: Any) -> dict[str, Any]:
    asked = call(input="x", **request)
    result = asked.reply(body, reply)
    assert result.status == 200
    Response.model_validate_json(result.body)
    assert asked.reply_id() == "resp_1"
    document: dict[str, Any] = orjson.loads(result.body)
    return document


def test_a_text_is_the_users_message() -> None:
    parsed = call(input="Hello", instructions="Be kind.", previous_response_id="resp_0", stream=True)
    assert seen(parsed) == [("operator", "Be kind."), ("user", "Hello")]
    assert [message.role for message in parsed.messages] == ["system", "user"]
    assert (parsed.previous, parsed.stream, parsed.model, parsed.conversation) == ("resp_0", True, "m", "")
    assert list(parsed.continues) == ["resp_0"]


def test_items_decide_the_source() -> None:
    parsed = call(
        input=[
            {"role": "developer", "content": "Be brief."},
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
                    {"type": "input_file", "filename": "the plan.pdf", "file_data": "data:application/pdf;base64,AA"},
                ],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "function_call", "call_id": "call_1", "name": "mail", "arguments": '{"to":"Ann"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "Sent."},
            {"type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "q", "arguments": "{}", "output": "Rows."},
            {"type": "item_reference", "id": "msg_7"},
            {"type": "news", "deep": {"words": "Some words."}},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Done.", "annotations": []}]},
        ]
    )
    assert seen(parsed) == [
        ("operator", "Be brief."),
        ("user", "Look"),
        ("user", ""),
        ("document", ""),
        ("document", "the plan.pdf"),
        ("bot", "Hm."),
        ("bot", '{"to":"Ann"}'),
        ("tool", "Sent."),
        ("bot", "{}"),
        ("tool", "Rows."),
        ("user", "Some words."),
        ("bot", "Done."),
    ]
    roles = ["developer", "user", "assistant", "assistant", "tool", "assistant", "user", "user", "assistant"]
    assert [message.role for message in parsed.messages] == roles
    opaque = [part.name for part in parsed.parts if part.kind is PartKind.OPAQUE]
    assert opaque == ["image/png", "application/pdf"]
    assert [(part.kind.value, part.name) for part in parsed.parts[6:8]] == [("json", "mail"), ("text", "mail")]


def test_setup_and_caller_are_seen_and_credentials_are_left_alone() -> None:
    key = "Bearer " + "k" * 20
    parsed = call(
        input="x",
        tools=[
            {"type": "function", "name": "mail", "description": "Sends.", "parameters": {"type": "object"}},
            {"type": "mcp", "server_label": "s", "server_url": "https://mcp.example.com",
             "headers": {"Authorization": key},
             "authorization": key},
        ],
        text={"format": {"type": "json_schema", "name": "out", "schema": {"description": "The shape."}}},
        prompt={"id": "pmpt_1", "variables": {"who": "Ann B", "doc": {"type": "input_text", "text": "A text."}}},
        metadata={"conversation_id": "c-1", "note": "a note"},
        user="ann@example.com",
        tool_choice={"type": "function", "name": "mail"},
        include=["reasoning.encrypted_content"],
    )  # fmt: skip
    assert seen(parsed) == [
        ("operator", "Sends."),
        ("operator", "The shape."),
        ("user", "Ann B"),
        ("user", "A text."),
        ("user", "x"),
        ("user", "a note"),
        ("user", "ann@example.com"),
    ]
    assert list(parsed.tools) == ["mail", "s"]
    assert parsed.conversation == "c-1"
    assert call(input="x", conversation={"id": "conv_1"}).conversation == "conv_1"
    kept = call(input="x", conversation="conv_2", metadata={"conversation_id": "c-1"})
    assert kept.conversation == kept.previous == kept.reply_id() == "conv_2"
    assert set(kept.continues) == {"conv_2"}
    both = call(input="x", conversation="conv_2", previous_response_id="resp_1")
    assert (both.previous, set(both.continues)) == ("resp_1", {"resp_1", "conv_2"})
    named = call(input="x", metadata={"conversation_id": "c-1"})
    assert (named.conversation, named.previous, list(named.continues)) == ("c-1", "", [])


def test_an_edit_changes_its_text_and_nothing_else() -> None:
    items = [{"role": "user", "content": "I am Ann"}, {"type": "function_call", "name": "f", "arguments": "{}"}]
    parsed = call(input=items, instructions="For Ann.")
    expected = orjson.loads(parsed.body({}))
    expected["instructions"] = "For X."
    expected["input"][0]["content"] = "I am X"
    assert orjson.loads(parsed.body({0: "For X.", 1: "I am X"})) == expected
    assert orjson.loads(parsed.body({}))["instructions"] == "For Ann."


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "input"),
        ({"input": 1}, "input"),
        ({"input": [1]}, "input[0]"),
        ({"input": [{"type": 1}]}, "input[0].type"),
        ({"input": [{"role": "x", "content": "y"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [1]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"type": "function_call", "arguments": "{}"}]}, "input[0].name"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": {}}]}, "input[0].arguments"),
        ({"input": "x", "instructions": 1}, "instructions"),
        ({"input": "x", "previous_response_id": 1}, "previous_response_id"),
        ({"input": "x", "conversation": 1}, "conversation"),
        ({"input": "x", "tools": [1]}, "tools[0]"),
    ],
)
def test_wrong_types_are_named_by_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(ClientError) as caught:
        call(**fields)
    assert caught.value.reason in {"field-type", "field-missing"}
    assert caught.value.public.startswith(f"{path} ")


def test_a_prompt_or_a_thread_needs_no_input() -> None:
    assert seen(call(prompt={"id": "pmpt_1"})) == []
    assert seen(call(previous_response_id="resp_1")) == []


def test_every_text_of_a_reply_goes_through_a_lane(fakes: Any) -> None:
    citation = {
        "type": "url_citation",
        "start_index": 0,
        "end_index": 1,
        "url": "https://example.com/SECRET",
        "title": "t",
    }
    body = response(
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "My SECRET"}]},
        text_item("a SECRET", annotations=[citation]),
        text_item("fine", annotations=[{**citation, "url": "https://example.com"}]),
        {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "mail", "arguments": '{"to":"SECRET"}',
         "status": "completed"},
        {"id": "ci_1", "type": "code_interpreter_call", "code": "print('SECRET')", "container_id": "cntr_1",
         "outputs": [{"type": "logs", "logs": "SECRET"}], "status": "completed"},
        note="SECRET",
    )  # fmt: skip
    reply = fakes.Reply(mask="SECRET")
    out = answer(body, reply)
    assert b"SECRET" not in orjson.dumps(out)
    changed, kept = (item["content"][0] for item in out["output"][1:3])
    assert (changed["text"], changed["annotations"]) == ("a [hidden]", [])
    assert len(kept["annotations"]) == 1
    assert (PartKind.JSON, "mail") in [(kind, name) for kind, name, _ in reply.lanes]


def test_an_untouched_reply_stays_equal(fakes: Any) -> None:
    body = response(text_item("Hi"), usage=None)
    assert answer(body, fakes.Reply(delay=2)) == orjson.loads(body)


def test_what_is_echoed_is_what_the_client_sent(fakes: Any) -> None:
    tool = {"type": "function", "name": "mail", "description": "Mails Ann.", "parameters": {"type": "object"}}
    echoed = {**tool, "description": "Mails [PERSON_1].", "strict": True, "note": "SECRET"}
    body = response(text_item("Hi"), instructions="For [PERSON_1].", tools=[echoed], metadata={"a": "[PERSON_1]"})
    out = answer(body, fakes.Reply(mask="SECRET"), instructions="For Ann.", tools=[tool], metadata={"a": "Ann"})
    assert out["instructions"] == "For Ann."
    assert out["tools"] == [{**tool, "strict": True, "note": "[hidden]"}]
    assert out["metadata"] == {"a": "Ann"}


def test_an_echo_that_was_not_asked_for_is_inspected(fakes: Any) -> None:
    out = answer(response(text_item("Hi"), instructions="SECRET", metadata={"a": "SECRET"}), fakes.Reply(mask="SECRET"))
    assert (out["instructions"], out["metadata"]) == ("[hidden]", {"a": "[hidden]"})


def test_a_block_leaves_one_incomplete_message(fakes: Any) -> None:
    call_item = {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": '"BAD"'}
    out = answer(response(text_item("fine"), call_item, note="fine"), fakes.Reply(bad="BAD"))
    assert (out["status"], out["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    (message,) = out["output"]
    assert message["content"][0]["text"] == fakes.sentence
    assert b"fine" not in orjson.dumps(out)
    assert Response.model_validate(out).output_text == fakes.sentence


def test_an_input_block_is_a_400(fakes: Any) -> None:
    refused = call(input="x").refused(fakes.verdict, fakes.sentence)
    error = orjson.loads(refused.body)["error"]
    assert (refused.status, error["code"], error["param"]) == (400, "content_filter", "input")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"output": {}}', b'{"output": [1]}', b'{"output": [{"type": "message", "content": [1]}]}'],
)
def test_what_is_no_response_is_refused(body: bytes, fakes: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        call(input="x").reply(body, fakes.Reply())
    assert caught.value.reason == "upstream-malformed"
