"""Chat completions: what becomes a part, and how whole replies leave."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from chatward.channels.openai_chat import ChatCompletions
from chatward.core.errors import ClientError, UpstreamError
from chatward.core.values import PartKind, Source

DIALECT = ChatCompletions()


def call(**fields: Any) -> Any:
    fields.setdefault("messages", [{"role": "user", "content": "Hello"}])
    return DIALECT.parse(orjson.dumps({"model": "m", **fields}))


def seen(of: Any) -> list[tuple[str, str]]:
    return [(part.source.value, part.text) for part in of.parts]


def completion(*messages: dict[str, Any], **fields: Any) -> bytes:
    choices = [
        {"index": index, "message": {"role": "assistant", **message}, "finish_reason": "stop", "logprobs": None}
        for index, message in enumerate(messages)
    ]
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    return orjson.dumps({**head, "choices": choices, **fields})


def answer(body: bytes, reply: Any) -> dict[str, Any]:
    result = call().reply(body, reply)
    assert result.status == 200
    ChatCompletion.model_validate_json(result.body, strict=True)
    document: dict[str, Any] = orjson.loads(result.body)
    return document


def test_roles_decide_the_source() -> None:
    parsed = call(
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": "Weather?", "name": "Ann Example"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Ulm"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        ]
    )
    assert seen(parsed) == [
        ("operator", "Be kind."),
        ("operator", "Be brief."),
        ("user", "Weather?"),
        ("user", "Ann Example"),
        ("bot", '{"city":"Ulm"}'),
        ("tool", "Rain"),
    ]
    assert [message.role for message in parsed.messages] == ["system", "developer", "user", "assistant", "tool"]
    assert [message.parts for message in parsed.messages] == [(0,), (1,), (2, 3), (4,), (5,)]
    assert [part.message for part in parsed.parts] == [0, 1, 2, 2, 3, 4]
    arguments, result = parsed.parts[4:]
    assert (arguments.kind, arguments.name) == (PartKind.JSON, "weather")
    assert (result.kind, result.name) == (PartKind.TEXT, "weather")


def test_what_a_model_reads_of_tools_is_seen_but_their_names_stay() -> None:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Where?", "enum": ["Ulm", "Bad Urach"]}},
        "required": ["city"],
    }
    tool = {
        "type": "function",
        "function": {"name": "weather", "description": "Tells it.", "parameters": parameters},
    }
    schema = {"type": "json_schema", "json_schema": {"name": "answer", "description": "An answer."}}
    parsed = call(tools=[tool], response_format=schema)
    assert seen(parsed)[:-1] == [
        ("operator", "Tells it."),
        ("operator", "Where?"),
        ("operator", "Bad Urach"),
        ("operator", "An answer."),
    ]
    assert parsed.messages[0].role == "tools"
    assert parsed.parts[-1].message == 1
    assert list(parsed.tools) == ["weather"]


def test_attachments_are_opaque_and_files_are_documents() -> None:
    png = "data:image/png;base64," + "iVBORw0KGgo" * 9
    content = [
        {"type": "image_url", "image_url": {"url": png}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "the plan.pdf"}},
        {"type": "text", "text": "Compare."},
    ]
    parts = call(messages=[{"role": "user", "content": content}]).parts
    assert [(part.kind.value, part.name, part.source.value, part.text) for part in parts] == [
        ("opaque", "image/png", "user", ""),
        ("opaque", "image_url", "user", ""),
        ("opaque", "audio/wav", "user", ""),
        ("opaque", "application/pdf", "document", ""),
        ("text", "", "document", "the plan.pdf"),
        ("text", "", "user", "Compare."),
    ]


def test_unknown_fields_are_seen_and_travel() -> None:
    parsed = call(
        messages=[
            {"role": "user", "content": [{"type": "new", "deep": {"text": "words of it", "id": "x_1"}}]},
            {"role": "assistant", "content": "Yes", "reasoning_content": "Because."},
        ],
        documents=[{"title": "Doc", "text": "Retrieved."}],
        user="ann@example.com",
        metadata={"conversation_id": "c-7", "note": "a note"},
        extra={"hint": "be odd"},
        stop=["END NOW"],
        stream_options={"include_usage": True},
        stream=True,
    )
    assert ("document", "Retrieved.") in seen(parsed)
    assert ("user", "words of it") in seen(parsed)
    assert ("bot", "Because.") in seen(parsed)
    assert ("user", "ann@example.com") in seen(parsed)
    assert ("user", "a note") in seen(parsed)
    assert ("operator", "be odd") in seen(parsed)
    assert "END NOW" not in [part.text for part in parsed.parts]
    assert (parsed.conversation, parsed.stream, parsed.model, parsed.previous) == ("c-7", True, "m", "")
    assert orjson.loads(parsed.body({}))["stream_options"] == {"include_usage": True}


def test_an_edit_changes_its_text_and_nothing_else() -> None:
    fields = {
        "messages": [
            {"role": "user", "content": "I am Ann", "x": [1.5, None, {"k": True}]},
            {"role": "assistant", "function_call": {"name": "f", "arguments": '{"a":"Ann"}'}},
        ]
    }
    parsed = call(**fields)
    expected = orjson.loads(parsed.body({}))
    assert expected == {"model": "m", **fields}
    index = next(i for i, part in enumerate(parsed.parts) if part.kind is PartKind.JSON)
    expected["messages"][0]["content"] = "I am [PERSON_1]"
    expected["messages"][1]["function_call"]["arguments"] = '{"a":"[PERSON_1]"}'
    assert orjson.loads(parsed.body({0: "I am [PERSON_1]", index: '{"a":"[PERSON_1]"}'})) == expected
    assert orjson.loads(parsed.body({})) == {"model": "m", **fields}


@given(st.data())
def test_edits_reach_exactly_their_parts(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=6))
    parsed = call(messages=[{"role": "user", "content": text} for text in texts])
    chosen = data.draw(st.sets(st.integers(0, len(texts) - 1)))
    sent = orjson.loads(parsed.body({index: f"<{index}>" for index in chosen}))
    for index, text in enumerate(texts):
        assert sent["messages"][index]["content"] == (f"<{index}>" if index in chosen else text)


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        ({}, "field-missing", "messages"),
        ({"messages": []}, "field-type", "messages"),
        ({"messages": "secret"}, "field-type", "messages"),
        ({"messages": ["secret"]}, "field-type", "messages[0]"),
        ({"messages": [{"role": "secret", "content": "x"}]}, "field-type", "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "field-type", "messages[0].role"),
        ({"messages": [{"role": "user", "content": 1}]}, "field-type", "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "field-type",
            "content[0].text",
        ),
        ({"messages": [{"role": "user", "content": [{"type": 1}]}]}, "field-type", "content[0].type"),
        ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "field-type", "tool_calls"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}]},
            "field-type",
            "tool_calls[0].function.arguments",
        ),
        ({"messages": [{"role": "user", "content": "x"}], "model": 1}, "field-type", "model"),
        ({"messages": [{"role": "user", "content": "x"}], "stream": "yes"}, "field-type", "stream"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": {}}, "field-type", "tools"),
        ({"messages": [{"role": "user", "content": "x"}], "metadata": []}, "field-type", "metadata"),
    ],
)
def test_wrong_types_are_named_by_path_and_never_quoted(body: dict[str, Any], reason: str, path: str) -> None:
    with pytest.raises(ClientError) as caught:
        DIALECT.parse(orjson.dumps(body))
    assert caught.value.reason == reason
    assert path in caught.value.public
    assert "secret" not in caught.value.public
    answer = DIALECT.error(caught.value)
    assert answer.status == 400
    assert orjson.loads(answer.body)["error"]["code"] == reason


def test_parts_are_limited() -> None:
    body = orjson.dumps({"messages": [{"role": "user", "content": "x"}] * 4})
    assert len(ChatCompletions(max_parts=4).parse(body).parts) == 4
    with pytest.raises(ClientError) as caught:
        ChatCompletions(max_parts=3).parse(body)
    assert caught.value.reason == "too-many-parts"


def test_an_input_block_is_a_400_with_its_rule(fakes: Any) -> None:
    refused = call().refused(fakes.verdict, fakes.sentence)
    error = orjson.loads(refused.body)["error"]
    assert refused.status == 400
    assert (error["code"], error["type"], error["param"]) == (
        "content_filter",
        "invalid_request_error",
        "messages",
    )
    assert error["message"] == fakes.sentence
    assert error["chatward"]["rule"] == "text.injection/override"


def test_every_text_of_a_reply_goes_through_a_lane(fakes: Any) -> None:
    tool_calls = [
        {"id": "call_1", "type": "function", "function": {"name": "mail", "arguments": '{"to":"SECRET"}'}},
        {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "echo SECRET"}},
    ]
    body = completion(
        {"content": "a SECRET", "refusal": None, "reasoning_content": "the SECRET", "tool_calls": tool_calls},
        {"content": "plain", "x_notes": [{"text": "SECRET too", "id": "n_1"}]},
        provider_note="also SECRET",
    )
    reply = fakes.Reply(mask="SECRET")
    out = answer(body, reply)
    assert b"SECRET" not in orjson.dumps(out)
    first, second = (choice["message"] for choice in out["choices"])
    assert first["content"] == "a [hidden]"
    assert first["tool_calls"][0]["function"]["arguments"] == '{"to":"[hidden]"}'
    assert second["x_notes"] == [{"text": "[hidden] too", "id": "n_1"}]
    assert (PartKind.JSON, "mail") in [(kind, name) for kind, name, _ in reply.lanes]


def test_an_untouched_reply_stays_equal(fakes: Any) -> None:
    logprobs = {
        "content": [{"token": "Hi", "bytes": [72, 105], "logprob": -0.1, "top_logprobs": []}],
        "refusal": None,
    }
    body = orjson.loads(
        completion(
            {"content": "Hi", "annotations": []},
            usage={"prompt_tokens": 1, "total_tokens": 2, "completion_tokens": 1},
        )
    )
    body["choices"][0]["logprobs"] = logprobs
    assert answer(orjson.dumps(body), fakes.Reply()) == body


def test_token_strings_do_not_outlive_a_mask(fakes: Any) -> None:
    body = orjson.loads(
        completion(
            {
                "content": "SECRET",
                "annotations": [
                    {
                        "type": "url_citation",
                        "url_citation": {
                            "start_index": 0,
                            "end_index": 6,
                            "title": "t",
                            "url": "https://example.com/a",
                        },
                    }
                ],
            }
        )
    )
    body["choices"][0]["logprobs"] = {
        "content": [{"token": "SECRET", "bytes": None, "logprob": 0.0, "top_logprobs": []}],
        "refusal": None,
    }
    out = answer(orjson.dumps(body), fakes.Reply(mask="SECRET"))
    assert out["choices"][0]["logprobs"] is None
    assert out["choices"][0]["message"]["annotations"] == []
    assert b"SECRET" not in orjson.dumps(out)


def test_a_block_replaces_every_choice(fakes: Any) -> None:
    body = completion({"content": "fine", "tool_calls": []}, {"content": "so BAD", "audio": None}, note="fine")
    out = answer(body, fakes.Reply(bad="BAD"))
    assert [choice["finish_reason"] for choice in out["choices"]] == ["content_filter"] * 2
    assert [choice["message"]["content"] for choice in out["choices"]] == [fakes.sentence] * 2
    assert b"fine" not in orjson.dumps(out)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"choices": 1}',
        b'{"choices": [1]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": {"content": 1}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {}}]}}]}',
    ],
)
def test_what_is_no_completion_is_refused(body: bytes, fakes: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        call().reply(body, fakes.Reply())
    assert caught.value.reason == "upstream-malformed"


def test_sources_of_all_roles_are_known() -> None:
    for role, source in [("system", Source.OPERATOR), ("user", Source.USER), ("function", Source.TOOL)]:
        message = {"role": role, "content": "x", "name": "f"}
        assert call(messages=[message]).parts[0].source is source
