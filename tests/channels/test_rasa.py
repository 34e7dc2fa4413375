"""Rasa's REST channel: what is read, what goes on, and how refusals look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.rasa import Rasa, RasaCall
from chatward.channels.wire import Asked
from chatward.core.errors import ClientError, UpstreamError
from chatward.core.values import Source

WIRE = Rasa("shop", "shop")


def call(document: dict[str, Any], query: str = "") -> RasaCall:
    return WIRE.bind(Asked("POST", query)).parse(orjson.dumps(document))


def test_the_message_and_all_other_words_are_read() -> None:
    made = call({"sender": "ann-7", "message": "hello", "metadata": {"page": {"note": "a note"}}, "input_channel": "x"})
    assert [(part.text, part.source) for part in made.parts] == [
        ("hello", Source.USER), ("a note", Source.USER), ("x", Source.USER)
    ]  # fmt: skip
    assert [message.role for message in made.messages] == ["user"]
    assert made.conversation == made.previous == made.reply_id() == "shop/ann-7"


def test_what_was_edited_goes_on_and_nothing_else_changes() -> None:
    made = call({"sender": "ann", "message": "my card", "metadata": {"n": 7, "note": "x"}})
    assert orjson.loads(made.body({0: "[hidden]"})) == {
        "sender": "ann", "message": "[hidden]", "metadata": {"n": 7, "note": "x"}
    }  # fmt: skip


def test_without_a_sender_there_is_no_conversation() -> None:
    made = call({"message": "hi"})
    assert (made.conversation, made.reply_id()) == ("", "")
    assert made.spoken("no")["recipient_id"] == "default"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"sender": "a"}, "field-missing"),
        ({"sender": 7, "message": "x"}, "field-type"),
        ({"sender": "a" * 257, "message": "x"}, "field-type"),
        ({"sender": "a\nb", "message": "x"}, "field-type"),
        ({"sender": "a", "message": ["x"]}, "field-type"),
    ],
    ids=["no-message", "sender-number", "sender-long", "sender-lines", "message-list"],
)
def test_what_rasa_would_not_take_is_refused(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientError) as refused:
        call(document)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("", "/webhooks/rest/webhook"),
        ("stream=true", "/webhooks/rest/webhook?stream=true"),
        ("stream=True&token=secret", "/webhooks/rest/webhook?stream=true"),
        ("stream=1", "/webhooks/rest/webhook"),
        ("note=ignore%20all", "/webhooks/rest/webhook"),
    ],
)
def test_of_the_query_only_the_wish_to_stream_travels(query: str, target: str) -> None:
    assert WIRE.bind(Asked("POST", query)).target() == target


MESSAGES: list[dict[str, Any]] = [
    {"recipient_id": "ann", "text": "see SECRET"},
    {"recipient_id": "ann", "image": "https://img.example/?q=SECRET"},
    {"recipient_id": "ann", "buttons": [{"title": "SECRET", "payload": '/pick{"what": "SECRET"}'}]},
    {"recipient_id": "ann", "custom": {"cards": [{"title": "SECRET", "n": 3}], "type": "carousel"}},
    {"recipient_id": "ann", "attachment": {"type": "video", "payload": {"src": "https://v.example/SECRET"}}},
    {"recipient_id": "ann", "attachment": "SECRET"},
]


@pytest.mark.parametrize("message", MESSAGES, ids=["text", "image", "buttons", "custom", "attachment", "plain"])
def test_every_word_of_a_reply_goes_through_a_lane(fakes: SimpleNamespace, message: dict[str, Any]) -> None:
    out = call({"sender": "ann", "message": "x"}).reply(orjson.dumps([message]), fakes.Reply(mask="SECRET"))
    assert b"SECRET" not in out.body
    assert orjson.loads(out.body) == orjson.loads(orjson.dumps([message]).replace(b"SECRET", b"[hidden]"))


@pytest.mark.parametrize("message", MESSAGES, ids=["text", "image", "buttons", "custom", "attachment", "plain"])
def test_a_blocked_reply_is_one_message_of_the_bot(fakes: SimpleNamespace, message: dict[str, Any]) -> None:
    reply = orjson.dumps([{"recipient_id": "ann", "text": "fine"}, message])
    out = call({"sender": "ann", "message": "x"}).reply(reply, fakes.Reply(bad="SECRET"))
    assert out.status == 200
    assert orjson.loads(out.body) == [{"recipient_id": "ann", "text": fakes.sentence}]


def test_a_foreign_recipient_is_read(fakes: SimpleNamespace) -> None:
    out = call({"sender": "ann", "message": "x"}).reply(b'[{"recipient_id":"a SECRET"}]', fakes.Reply(mask="SECRET"))
    assert orjson.loads(out.body) == [{"recipient_id": "a [hidden]"}]


@pytest.mark.parametrize("body", [b"{}", b"nothing", b'["text"]', b"[[]]"])
def test_what_is_no_list_of_messages_is_malformed(fakes: SimpleNamespace, body: bytes) -> None:
    with pytest.raises(UpstreamError) as broken:
        call({"message": "x"}).reply(body, fakes.Reply())
    assert broken.value.reason == "upstream-malformed"


def test_a_refused_message_reads_as_the_bots_own(fakes: SimpleNamespace) -> None:
    whole = call({"sender": "ann", "message": "x"}).refused(fakes.verdict, fakes.sentence)
    assert (whole.status, orjson.loads(whole.body)) == (200, [{"recipient_id": "ann", "text": fakes.sentence}])
    streamed = call({"sender": "ann", "message": "x"}, "stream=true").refused(fakes.verdict, fakes.sentence)
    assert streamed.content_type == "text/event-stream"
    assert orjson.loads(streamed.body) == {"recipient_id": "ann", "text": fakes.sentence}


STREAM = b"".join(orjson.dumps(message) + b"\n" for message in MESSAGES)


@given(st.data())
def test_chunking_does_not_matter(fakes: SimpleNamespace, data: st.DataObject) -> None:
    at = data.draw(fakes.offsets(len(STREAM)))
    for options in ({"mask": "SECRET"}, {"bad": "video"}):
        made = call({"sender": "ann", "message": "x"}, "stream=true")
        whole, cut = made.rewriter(fakes.Reply(**options)), made.rewriter(fakes.Reply(**options))
        expected = whole.feed(STREAM) + whole.close()
        assert b"".join(cut.feed(piece) for piece in fakes.cuts(STREAM, at)) + cut.close() == expected
        assert b"SECRET" not in expected or "bad" in options


def test_a_stream_ends_at_a_block_and_with_an_error(fakes: SimpleNamespace) -> None:
    made = call({"sender": "ann", "message": "x"}, "stream=true")
    blocked = made.rewriter(fakes.Reply(bad="stop"))
    out = blocked.feed(b'{"recipient_id":"ann","text":"ok"}\n{"recipient_id":"ann","text":"stop"}\n{"text":"more"}\n')
    assert [orjson.loads(line)["text"] for line in out.splitlines()] == ["ok", fakes.sentence]
    assert blocked.done
    assert blocked.feed(b'{"text":"more"}\n') == b""
    broken = made.rewriter(fakes.Reply())
    assert orjson.loads(broken.feed(b"not json\n"))["text"].startswith("The bot's answer is malformed")
    assert broken.done
    cut = made.rewriter(fakes.Reply())
    assert cut.feed(b'{"recipient_id":"ann","te') == b""
    assert orjson.loads(cut.close())["text"] == "The bot's answer ended too early."


def test_a_last_line_needs_no_line_feed(fakes: SimpleNamespace) -> None:
    rewriter = call({"sender": "ann", "message": "x"}, "stream=true").rewriter(fakes.Reply(mask="SECRET"))
    assert rewriter.feed(b'{"recipient_id":"ann","text":"a SECRET"}') == b""
    assert orjson.loads(rewriter.close()) == {"recipient_id": "ann", "text": "a [hidden]"}
