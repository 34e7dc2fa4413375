"""Streamed Anthropic messages: whatever the split, the same comes out; a block and an end read as the dialect wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx2
import orjson
import pytest
from anthropic import Anthropic
from anthropic._streaming import SSEDecoder
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from chatward.channels.anthropic import Messages
from chatward.channels.anthropic_stream import UNSIGNED, MessagesRewriter
from chatward.core.errors import UpstreamError

EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any], stop: bool = True) -> bytes:
    begin = event("content_block_start", index=index, content_block=content)
    middle = b"".join(event("content_block_delta", index=index, delta=delta) for delta in deltas)
    return begin + middle + (event("content_block_stop", index=index) if stop else b"")


def text(*pieces: str, index: int = 0, stop: bool = True) -> bytes:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas, stop=stop)


def tool(*pieces: str, index: int = 0, stop: bool = True) -> bytes:
    begin = {"type": "tool_use", "id": f"toolu_{index}", "name": "mail", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block(index, begin, *deltas, stop=stop)


def thinking(*pieces: str, index: int = 0) -> bytes:
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    begin = {"type": "thinking", "thinking": "", "signature": ""}
    return block(index, begin, *deltas, {"type": "signature_delta", "signature": "c2ln"})


START = event(
    "message_start",
    message={
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 1},
    },
)  # fmt: skip
END = event(
    "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 3}
) + event("message_stop")


def run(pieces: Iterable[bytes], reply: Any) -> tuple[bytes, MessagesRewriter]:
    rewriter = MessagesRewriter(reply)
    out = b"".join(rewriter.feed(piece) for piece in pieces)
    return out + rewriter.close(), rewriter


def one_by_one(stream: bytes) -> list[bytes]:
    """The stream, one event at a time: events that come together may go on as one."""
    return [event + b"\n\n" for event in stream.split(b"\n\n") if event]


def said(out: bytes) -> dict[str, Any]:
    """What Anthropic's own client accumulates, by its own decoder and models."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for sse in SSEDecoder().iter_bytes(iter([out])):
        if sse.event == "ping":
            continue
        parsed = EVENTS.validate_json(sse.data)
        assert parsed.type == sse.event
        snapshot = accumulate_event(event=parsed, current_snapshot=snapshot, json_bufs=buffers)
    found: dict[str, Any] = snapshot.to_dict()
    return found


PIECES = ["Dear Ann, ", "the SEC", "RET i", "s SECR", "ET; ✓é", "漢 and SECRE", "t.", "Bye SECRET"]
FULL = (
    START
    + thinking("I kn", "ow SECR", "ET things")
    + event("ping")
    + text(*PIECES, index=1)
    + tool("", '{"to": "SE', 'CRET", "n"', ": 1}", index=2)
    + END
)


@given(st.data())
def test_splits_and_look_ahead_do_not_matter(fakes: Any, data: st.DataObject) -> None:
    full = FULL.replace(b"\n", data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])))
    reply = fakes.Reply(delay=data.draw(st.integers(0, 40)), mask="SECRET")
    out, rewriter = run(fakes.cuts(full, data.draw(fakes.offsets(len(full)))), reply)
    message = said(out)
    thought, spoken, called = message["content"]
    assert thought["thinking"] == "I know [hidden] things"
    assert thought["signature"] == UNSIGNED
    assert spoken["text"] == "".join(PIECES).replace("SECRET", "[hidden]")
    assert called["input"] == {"to": "[hidden]", "n": 1}
    assert message["stop_reason"] == "end_turn"
    assert b"SECRET" not in out
    assert rewriter.done
    assert rewriter.usage == {"input": 7, "output": 3}


def test_an_untouched_stream_keeps_its_events_and_signatures(fakes: Any) -> None:
    out, _ = run(one_by_one(FULL), fakes.Reply())
    assert fakes.events(out) == fakes.events(FULL)
    held, _ = run(one_by_one(FULL), fakes.Reply(delay=12))
    assert said(held) == said(out)
    assert said(out)["content"][0]["signature"] == "c2ln"


@given(st.data())
def test_nothing_after_a_block(fakes: Any, data: st.DataObject) -> None:
    full = START + text("good ", "so B", "AD and", " more") + text("late", index=1) + END
    reply = fakes.Reply(delay=data.draw(st.integers(0, 20)), bad="BAD")
    out, rewriter = run(fakes.cuts(full, data.draw(fakes.offsets(len(full)))), reply)
    message = said(out)
    assert [one["text"] for one in message["content"]] == [f"good so \n\n{fakes.sentence}"]
    assert message["stop_reason"] == "refusal"
    assert fakes.events(out)[-1] == {"type": "message_stop"}
    assert rewriter.done
    assert rewriter.feed(text("late", index=2)) == b""
    assert rewriter.close() == b""


@pytest.mark.parametrize("delay", [0, 50])
def test_a_blocked_tool_call_is_never_stopped(delay: int, fakes: Any) -> None:
    out, _ = run(
        [START + text("ok") + tool('{"a": 1', ', "b": "BAD"}', index=1) + END], fakes.Reply(bad="BAD", delay=delay)
    )
    stopped = [one["index"] for one in fakes.events(out) if one["type"] == "content_block_stop"]
    assert stopped == [0, 2]
    message = said(out)
    assert message["content"][2] == {"type": "text", "text": fakes.sentence}
    assert message["stop_reason"] == "refusal"


def test_a_blocked_thought_is_ended_before_the_sentence(fakes: Any) -> None:
    message = said(run([START + thinking("so ", "BAD") + END], fakes.Reply(bad="BAD"))[0])
    assert [one["type"] for one in message["content"]] == ["thinking", "text"]
    assert message["content"][1]["text"] == fakes.sentence


def test_a_block_in_the_first_text_of_a_block_leaves_a_valid_message(fakes: Any) -> None:
    out, _ = run([START + block(0, {"type": "text", "text": "BAD"}) + END], fakes.Reply(bad="BAD"))
    assert [one["text"] for one in said(out)["content"]] == [fakes.sentence]


def test_held_deltas_are_dropped_and_follow_before_the_stop(fakes: Any) -> None:
    out, _ = run([START + text("a", "b", "c") + END], fakes.Reply(delay=9))
    kinds = [one["type"] for one in fakes.events(out)]
    assert kinds == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop",
    ]  # fmt: skip


def test_input_that_comes_at_once_is_inspected(fakes: Any) -> None:
    begin = {"type": "tool_use", "id": "toolu_0", "name": "mail", "input": {"to": "SECRET"}}
    reply = fakes.Reply(mask="SECRET")
    out, _ = run([START + block(0, begin) + END], reply)
    assert said(out)["content"][0]["input"] == {"to": "[hidden]"}
    assert reply.lanes[0][1] == "mail"


def test_citations_and_unknown_events_are_inspected(fakes: Any) -> None:
    citation = {"type": "page_location", "cited_text": "SECRET", "document_index": 0, "start_page_number": 1}
    delta = {"type": "citations_delta", "citation": citation}
    full = START + block(0, {"type": "text", "text": ""}, delta) + event("news", text="SECRET") + END
    out, _ = run([full], fakes.Reply(mask="SECRET"))
    assert b"SECRET" not in out
    assert out.count(b"[hidden]") == 2


@pytest.mark.parametrize("end", [b"", b'event: x\ndata: {"type": "con', b": comment\n"])
def test_a_cut_stream_says_so_after_what_was_settled(end: bytes, fakes: Any) -> None:
    out, rewriter = run([START + text("abc", stop=False) + end], fakes.Reply(delay=2))
    *before, error = fakes.events(out)
    assert "".join(one["delta"]["text"] for one in before if one["type"] == "content_block_delta") == "abc"
    assert (error["type"], error["error"]["type"]) == ("error", "api_error")
    assert error["error"]["code"] == "upstream-truncated"
    assert rewriter.done


@pytest.mark.parametrize(
    "bad",
    [
        b"not json", b"[]", b"{}", b'{"type": "a b"}', b'{"type": "message_start"}', b'{"type": "content_block_delta"}',
        b'{"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}}',
        b'{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 1}}',
        b'{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}',
        b'{"type": "content_block_start", "index": "x", "content_block": {"type": "text"}}',
    ],
)  # fmt: skip
def test_malformed_events_become_the_dialects_error(bad: bytes, fakes: Any) -> None:
    full = START + text("abc", stop=False) + b"data: " + bad + b"\n\n" + text("late", index=1)
    out, rewriter = run([full], fakes.Reply(delay=2))
    assert fakes.events(out)[-1]["error"]["code"] == "upstream-malformed"
    assert b"late" not in out
    assert rewriter.done


def test_a_block_that_goes_on_after_its_stop_is_malformed(fakes: Any) -> None:
    late = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "late"})
    out, _ = run([START + text("abc") + late], fakes.Reply())
    assert b"late" not in out
    assert fakes.events(out)[-1]["type"] == "error"


def test_an_error_of_the_upstream_is_passed_on_inspected(fakes: Any) -> None:
    error = {"type": "overloaded_error", "message": "no SECRET left"}
    out, rewriter = run([START + text("abc", stop=False) + event("error", error=error)], fakes.Reply(mask="SECRET"))
    assert fakes.events(out)[-1]["error"] == {"type": "overloaded_error", "message": "no [hidden] left"}
    assert rewriter.done


def test_a_broken_upstream_is_told_after_what_was_settled(fakes: Any) -> None:
    rewriter = MessagesRewriter(fakes.Reply(delay=2))
    out = rewriter.feed(START + text("abc", stop=False)) + rewriter.fail(UpstreamError("It broke."))
    assert fakes.events(out)[-1]["error"]["message"] == "It broke."
    assert fakes.events(out)[-2]["delta"]["text"] == "bc"


def test_the_official_client_reads_a_block_without_an_exception(fakes: Any) -> None:
    out, _ = run([START + text("good ", "BAD") + END], fakes.Reply(bad="BAD"))

    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=out)

    client = Anthropic(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(handle)))
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as stream:
        message = stream.get_final_message()
    assert message.stop_reason == "refusal"


def test_a_message_that_was_never_begun_is_begun(fakes: Any) -> None:
    """llama.cpp leaves ``message_start`` out when its first token is not yet a whole character."""
    out, _ = run([text("🌟 ", "SECRET") + END], fakes.Reply(mask="SECRET"))
    message = said(out)
    assert message["content"][0]["text"] == "🌟 [hidden]"
    assert message["stop_reason"] == "end_turn"
    assert out.count(b"event: message_start") == 1


def test_a_block_in_the_start_itself_leaves_a_valid_message(fakes: Any) -> None:
    out, _ = run([START.replace(b'"m"', b'"BAD words"')], fakes.Reply(bad="BAD"))
    assert said(out)["stop_reason"] == "refusal"
    assert b"BAD" not in out


def test_a_call_opens_this_rewriter(fakes: Any) -> None:
    call = Messages().parse(b'{"messages":[{"role":"user","content":"x"}],"stream":true}')
    assert isinstance(call.rewriter(fakes.Reply()), MessagesRewriter)
    assert call.reply_id() == ""
