"""Anthropic Messages: what becomes a part, and how whole replies leave."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from anthropic.types import Message

from chatward.channels.anthropic import Messages
from chatward.channels.anthropic_stream import UNSIGNED
from chatward.core.errors import ChatwardError, ClientError, UpstreamError
from chatward.core.values import PartKind

DIALECT = Messages()


def call(**fields: Any) -> Any:
    fields.setdefault("messages", [{"role": "user", "content": "Hello"}])
    return DIALECT.parse(orjson.dumps({"model": "m", "max_tokens": 9, **fields}))


def seen(of: Any) -> list[tuple[str, str]]:
    return [(part.source.value, part.text) for part in of.parts]


def message(*content: dict[str, Any], **fields: Any) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    tail = {"stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 2}}
    return orjson.dumps({**head, "content": content, **tail, **fields})


def answer(body: bytes, reply: Any) -> dict[str, Any]:
    result = call().reply(body, reply)
    assert result.status == 200
    Message.model_validate_json(result.body)
    document: dict[str, Any] = orjson.loads(result.body)
    return document


def test_blocks_decide_the_source() -> None:
    document = {"type": "text", "media_type": "text/plain", "data": "The report."}
    parsed = call(
        system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        tools=[{"name": "mail", "description": "Sends.", "input_schema": {"type": "object", "properties": {}}}],
        messages=[
            {"role": "user", "content": [{"type": "document", "source": document, "title": "Q3"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                    {"type": "redacted_thinking", "data": "AAAA"},
                    {"type": "text", "text": "I will."},
                    {"type": "tool_use", "id": "toolu_1", "name": "mail", "input": {"to": "Ann"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Sent."}]},
                    {
                        "type": "search_result",
                        "source": "https://example.com/a b",
                        "title": "A",
                        "content": [{"type": "text", "text": "Found."}],
                    },
                    {"type": "new_block", "deep": [{"text": "Words."}]},
                ],
            },
            {"role": "assistant", "content": "Do"},
        ],
        metadata={"user_id": "ann@example.com"},
        stop_sequences=["STOP HERE"],
        stream=True,
    )
    assert seen(parsed) == [
        ("operator", "Sends."),
        ("operator", "Be kind."),
        ("document", "The report."),
        ("document", "Q3"),
        ("bot", "Hm."),
        ("bot", ""),
        ("bot", "I will."),
        ("bot", '{"to":"Ann"}'),
        ("tool", "Sent."),
        ("document", "https://example.com/a b"),
        ("document", "A"),
        ("document", "Found."),
        ("user", "Words."),
        ("bot", "Do"),
        ("user", "ann@example.com"),
    ]
    roles = ["tools", "system", "user", "assistant", "user", "assistant", "metadata"]
    assert [one.role for one in parsed.messages] == roles
    assert (parsed.parts[7].kind, parsed.parts[7].name, parsed.parts[8].name) == (PartKind.JSON, "mail", "mail")
    assert (list(parsed.tools), parsed.stream, parsed.model) == (["mail"], True, "m")


def test_images_and_files_are_opaque() -> None:
    png = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    content = [
        {"type": "image", "source": png},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": pdf},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Inside."}]}},
    ]
    parts = call(messages=[{"role": "user", "content": content}]).parts
    assert [(part.kind.value, part.name, part.source.value, part.text) for part in parts] == [
        ("opaque", "image/png", "user", ""),
        ("opaque", "image", "user", ""),
        ("opaque", "application/pdf", "document", ""),
        ("text", "", "document", "Inside."),
    ]


def test_edits_reach_texts_and_tool_inputs_but_never_signed_thinking() -> None:
    content = [
        {"type": "thinking", "thinking": "Ann?", "signature": "c2ln"},
        {"type": "text", "text": "Ann"},
        {"type": "tool_use", "id": "toolu_1", "name": "mail", "input": {"to": "Ann", "n": [1, 2.5, None]}},
    ]
    parsed = call(messages=[{"role": "assistant", "content": content}])
    plain = orjson.loads(parsed.body({}))
    assert plain["messages"][0]["content"] == content
    sent = orjson.loads(parsed.body({0: "X?", 1: "X", 2: '{"to":"X","n":[1,2.5,null]}'}))
    plain["messages"][0]["content"][1]["text"] = "X"
    plain["messages"][0]["content"][2]["input"]["to"] = "X"
    assert sent == plain


def test_thinking_that_we_changed_is_not_sent_back() -> None:
    changed = {"type": "thinking", "thinking": "Hm.", "signature": UNSIGNED}
    parsed = call(
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [changed, {"type": "text", "text": "Yes"}]},
            {"role": "assistant", "content": [changed]},
            {"role": "user", "content": "And?"},
        ]
    )
    assert orjson.loads(parsed.body({}))["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "Yes"}]},
        {"role": "user", "content": "And?"},
    ]


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        (None, "messages"),
        ([], "messages"),
        ([1], "messages[0]"),
        ([{"role": "tool", "content": "x"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": [1]}], "messages[0].content[0]"),
        ([{"role": "user", "content": [{}]}], "messages[0].content[0].type"),
        ([{"role": "user", "content": [{"type": "text", "text": 1}]}], "messages[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "image"}]}], "messages[0].content[0].source"),
        ([{"role": "user", "content": [{"type": "tool_use"}]}], "messages[0].content[0].name"),
        ([{"role": "user", "content": [{"type": "tool_use", "name": "f"}]}], "messages[0].content[0].input"),
        ([{"role": "user", "content": [{"type": "tool_result", "content": 1}]}], "messages[0].content[0].content"),
    ],
)
def test_wrong_types_are_named_by_path(messages: Any, path: str) -> None:
    with pytest.raises(ClientError) as caught:
        call(messages=messages)
    assert caught.value.reason in {"field-type", "field-missing"}
    assert f"{path} " in caught.value.public


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"),
        (404, "not_found_error"), (413, "request_too_large"), (429, "rate_limit_error"), (500, "api_error"),
        (502, "api_error"), (503, "api_error"), (529, "overloaded_error"),
    ],
)  # fmt: skip
def test_errors_have_the_types_of_the_api(status: int, kind: str) -> None:
    result = DIALECT.error(ChatwardError("Sorry.", reason="some-reason", status=status))
    assert result.status == status
    body = orjson.loads(result.body)
    assert body["type"] == "error"
    assert body["error"] == {"type": kind, "message": "Sorry.", "code": "some-reason"}


def test_an_input_block_is_a_400_with_its_rule(fakes: Any) -> None:
    refused = call().refused(fakes.verdict, fakes.sentence)
    error = orjson.loads(refused.body)["error"]
    assert (refused.status, error["type"], error["message"]) == (400, "invalid_request_error", fakes.sentence)
    assert (error["code"], error["chatward"]["rule"]) == ("content_filter", "text.injection/override")


def test_every_text_of_a_reply_goes_through_a_lane(fakes: Any) -> None:
    citation = {
        "type": "char_location", "cited_text": "SECRET", "document_index": 0, "document_title": "t",
        "start_char_index": 0, "end_char_index": 6, "file_id": None,
    }  # fmt: skip
    body = message(
        {"type": "thinking", "thinking": "The SECRET", "signature": "c2ln"},
        {"type": "thinking", "thinking": "Fine", "signature": "c2ln"},
        {"type": "text", "text": "a SECRET", "citations": [citation]},
        {"type": "tool_use", "id": "toolu_1", "name": "mail", "input": {"to": "SECRET", "n": 1}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "SECRET"}},
        note="SECRET",
    )
    reply = fakes.Reply(mask="SECRET")
    out = answer(body, reply)
    assert b"SECRET" not in orjson.dumps(out)
    changed, kept, text, tool, _ = out["content"]
    assert (changed["signature"], kept["signature"]) == (UNSIGNED, "c2ln")
    assert (text["text"], text["citations"]) == ("a [hidden]", [])
    assert tool["input"] == {"to": "[hidden]", "n": 1}
    assert (PartKind.JSON, "mail") in [(kind, name) for kind, name, _ in reply.lanes]


def test_an_untouched_reply_stays_equal(fakes: Any) -> None:
    body = message(
        {"type": "text", "text": "Hi", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
    )
    assert answer(body, fakes.Reply(delay=3)) == orjson.loads(body)


def test_a_block_leaves_one_text_and_the_stop_reason(fakes: Any) -> None:
    body = message(
        {"type": "text", "text": "fine"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "BAD"}},
        note="fine",
    )
    out = answer(body, fakes.Reply(bad="BAD"))
    assert out["content"] == [{"type": "text", "text": fakes.sentence}]
    assert (out["stop_reason"], out["id"], out["usage"]["output_tokens"]) == ("refusal", "msg_1", 2)
    assert b"fine" not in orjson.dumps(out)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"content": "x"}', b'{"content": [1]}', b'{"content": [{}]}'])
def test_what_is_no_message_is_refused(body: bytes, fakes: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        call().reply(body, fakes.Reply())
    assert caught.value.reason == "upstream-malformed"
