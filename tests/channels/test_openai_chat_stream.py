"""Streamed chat completions: whatever the split, the same comes out; a block and an end read as the dialect wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI
from openai._streaming import SSEDecoder
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_chat_stream import DONE, ChatRewriter
from chatward.core.errors import UpstreamError

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **extra: Any) -> bytes:
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish, **extra}
    return b"data: " + orjson.dumps({**HEAD, "choices": [choice]}) + b"\n\n"


def call(arguments: str, index: int = 0, name: str = "") -> dict[str, Any]:
    begin = {"id": f"call_{index}", "type": "function"} if name else {}
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return {"tool_calls": [{"index": index, **begin, "function": function}]}


def stream(*chunks: bytes) -> bytes:
    return b"".join((chunk({"role": "assistant", "content": ""}), *chunks, DONE))


def run(pieces: Iterable[bytes], reply: Any) -> tuple[bytes, ChatRewriter]:
    rewriter = ChatRewriter(reply)
    out = b"".join(rewriter.feed(piece) for piece in pieces)
    return out + rewriter.close(), rewriter


def one_by_one(stream: bytes) -> list[bytes]:
    """The stream, one event at a time: events that come together may go on as one."""
    return [event + b"\n\n" for event in stream.split(b"\n\n") if event]


def said(out: bytes) -> dict[str, Any]:
    """What OpenAI's own client accumulates, by its own decoder and models."""
    state: Any = ChatCompletionStreamState()
    for event in SSEDecoder().iter_bytes(iter([out])):
        if event.data != "[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate_json(event.data))
    found: dict[str, Any] = state.current_completion_snapshot.to_dict()
    return found


PIECES = ["Dear Ann, ", "the SEC", "RET i", "s SECR", "ET; ✓é", "漢 and SECRE", "t.", "Bye SECRET"]
FULL = stream(
    *(chunk({"reasoning_content": piece}) for piece in ["I kn", "ow SECR", "ET things"]),
    *(chunk({"content": piece}) for piece in PIECES),
    chunk(call('{"to": "SE', name="mail")),
    chunk(call('CRET"}')),
    chunk(call("{}", 1, "stop")),
    chunk({}, "tool_calls"),
    b"data: " + orjson.dumps({**HEAD, "choices": [], "usage": USAGE}) + b"\n\n",
)


@given(st.data())
def test_splits_and_look_ahead_do_not_matter(fakes: Any, data: st.DataObject) -> None:
    ends = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    full = FULL.replace(b"\n", ends).replace(b"data: ", data.draw(st.sampled_from([b"data: ", b"data:"])))
    reply = fakes.Reply(delay=data.draw(st.integers(0, 40)), mask="SECRET")
    out, rewriter = run(fakes.cuts(full, data.draw(fakes.offsets(len(full)))), reply)
    (choice,) = said(out)["choices"]
    message = choice["message"]
    assert message["content"] == "".join(PIECES).replace("SECRET", "[hidden]")
    assert message["reasoning_content"] == "I know [hidden] things"
    assert [c["function"]["arguments"] for c in message["tool_calls"]] == ['{"to": "[hidden]"}', "{}"]
    assert [c["function"]["name"] for c in message["tool_calls"]] == ["mail", "stop"]
    assert [c["id"] for c in message["tool_calls"]] == ["call_0", "call_1"]
    assert choice["finish_reason"] == "tool_calls"
    assert out.endswith(DONE)
    assert b"SECRET" not in out
    assert rewriter.done
    assert rewriter.usage == {"input": 7, "output": 3}


@given(st.data())
def test_nothing_after_a_block(fakes: Any, data: st.DataObject) -> None:
    full = stream(*(chunk({"content": piece}) for piece in ["good ", "so B", "AD and", " more"]), chunk({}, "stop"))
    reply = fakes.Reply(delay=data.draw(st.integers(0, 20)), bad="BAD")
    out, rewriter = run(fakes.cuts(full, data.draw(fakes.offsets(len(full)))), reply)
    (choice,) = said(out)["choices"]
    assert choice["message"]["content"] == f"good so \n\n{fakes.sentence}"
    assert choice["finish_reason"] == "content_filter"
    assert out.endswith(DONE)
    assert rewriter.done
    assert rewriter.feed(chunk({"content": "late"})) == b""
    assert rewriter.close() == b""


def test_an_untouched_stream_keeps_its_events(fakes: Any) -> None:
    out, _ = run(one_by_one(FULL), fakes.Reply())
    assert fakes.events(out) == fakes.events(FULL)


def test_former_voice_is_complete_before_the_next_begins(fakes: Any) -> None:
    out, _ = run([FULL], fakes.Reply(delay=30))
    order = []
    for event in fakes.events(out):
        for choice in event["choices"]:
            delta = choice["delta"]
            calls = delta.get("tool_calls") or []
            kinds = [key for key in ("reasoning_content", "content") if delta.get(key)]
            order += [*kinds, *(f"call{c['index']}" for c in calls)]
    assert list(dict.fromkeys(order)) == ["reasoning_content", "content", "call0", "call1"]
    assert order == sorted(order, key=["reasoning_content", "content", "call0", "call1"].index)


def test_a_blocked_tool_call_is_never_completed(fakes: Any) -> None:
    full = stream(chunk(call('{"a": 1', name="f")), chunk(call(', "b": "BAD"}')), chunk({}, "tool_calls"))
    out, _ = run([full], fakes.Reply(bad="BAD"))
    (choice,) = said(out)["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["content"] == fakes.sentence
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])


def test_a_block_found_at_the_end_leaves_no_other_finish(fakes: Any) -> None:
    class Late(fakes.Reply):  # type: ignore[misc]
        def lane(self, *arguments: Any, **named: Any) -> Any:
            inner = super().lane(*arguments, **named)
            outer = self

            class Lane:
                def feed(self, piece: str) -> str:
                    return "" if outer.verdict else str(inner.feed(piece))

                def close(self) -> str:
                    outer.verdict = fakes.verdict
                    return ""

                def whole(self, text: str) -> str:
                    return self.feed(text) + self.close()

            return Lane()

    out, _ = run([stream(chunk({"content": "abc"}), chunk({}, "stop"))], Late(delay=9))
    assert [c["finish_reason"] for e in fakes.events(out) for c in e["choices"]].count("stop") == 0
    assert said(out)["choices"][0]["message"]["content"] == fakes.sentence


def test_every_open_choice_is_ended_by_a_block(fakes: Any) -> None:
    full = stream(
        chunk({"content": "one"}), chunk({"content": "two"}, index=1), chunk({}, "stop"),
        chunk({"content": "BAD"}, index=1),
    )  # fmt: skip
    out, _ = run([full], fakes.Reply(bad="BAD"))
    first, second = said(out)["choices"]
    assert (first["message"]["content"], first["finish_reason"]) == ("one", "stop")
    assert (second["message"]["content"], second["finish_reason"]) == (
        f"two\n\n{fakes.sentence}",
        "content_filter",
    )


def test_held_chunks_are_dropped_unless_they_carry_something_else(fakes: Any) -> None:
    full = stream(*(chunk({"role": "assistant", "content": c, "refusal": None}) for c in "abc"), chunk({}, "stop"))
    out, _ = run([full], fakes.Reply(delay=100))
    events = fakes.events(out)
    assert [event["choices"][0]["delta"] for event in events] == [
        {"role": "assistant", "content": ""},
        {"content": "abc"},
        {},
    ]


def test_text_in_the_finish_chunk_stays_there(fakes: Any) -> None:
    out, _ = run([stream(chunk({"content": "ab"}), chunk({"content": "cd"}, "stop"))], fakes.Reply(delay=1))
    events = fakes.events(out)
    assert [event["choices"][0]["delta"].get("content") for event in events] == ["", "a", "bcd"]
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


@given(st.data())
def test_unknown_fields_add_up_over_chunks(fakes: Any, data: st.DataObject) -> None:
    def detail(text: str) -> dict[str, Any]:
        return {
            "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": text}],
            "x": {"aside": text},
        }

    full = stream(chunk(detail("my SEC")), chunk(detail("RET is")), chunk({"content": "ok"}), chunk({}, "stop"))
    reply = fakes.Reply(mask="SECRET", delay=data.draw(st.integers(0, 9)))
    out, _ = run(fakes.cuts(full, data.draw(fakes.offsets(len(full)))), reply)
    deltas = [choice["delta"] for event in fakes.events(out) for choice in event["choices"]]
    details = [item for delta in deltas for item in delta.get("reasoning_details", [])]
    assert "".join(item["text"] for item in details) == "my [hidden] is"
    assert all(item["type"] == "reasoning.text" and item["index"] == 0 for item in details)
    assert "".join(delta["x"]["aside"] for delta in deltas if "x" in delta) == "my [hidden] is"


def test_reasoning_that_comes_back_starts_anew(fakes: Any) -> None:
    full = stream(
        chunk({"reasoning": "SEC"}), chunk({"content": "a"}), chunk({"reasoning": "RET"}), chunk({"content": "b"}),
        chunk({}, "stop"),
    )  # fmt: skip
    message = said(run([full], fakes.Reply(mask="SECRET", delay=5))[0])["choices"][0]["message"]
    assert message["reasoning"] == "SEC\n\nRET"
    assert message["content"] == "a\n\nb"


def test_token_strings_go_once_a_piece_was_held(fakes: Any) -> None:
    def logprobs(token: str) -> dict[str, Any]:
        return {"content": [{"token": token, "bytes": None, "logprob": 0.0, "top_logprobs": []}]}

    full = stream(
        chunk({"content": "ok "}, logprobs=logprobs("ok ")), chunk({"content": "SECRET"}, logprobs=logprobs("SECRET")),
        chunk({"content": "."}, logprobs=logprobs(".")), chunk({}, "stop"),
    )  # fmt: skip
    out, _ = run([full], fakes.Reply(mask="SECRET"))
    assert b"SECRET" not in out
    probabilities = [choice.get("logprobs") for event in fakes.events(out) for choice in event["choices"]]
    assert probabilities == [None, logprobs("ok "), None, None, None]


@pytest.mark.parametrize("end", [b"", b'data: {"id": "x", "choi', b": comment\n"])
def test_a_cut_stream_says_so_after_what_was_settled(end: bytes, fakes: Any) -> None:
    full = chunk({"role": "assistant", "content": "abc"}) + end
    out, rewriter = run([full], fakes.Reply(delay=2))
    *chunks, error = fakes.events(out)
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in chunks) == "abc"
    assert error["error"]["code"] == "upstream-truncated"
    assert out.endswith(DONE)
    assert rewriter.done


@pytest.mark.parametrize(
    "bad",
    [
        b"not json", b"[]", b"\xff", b"{}", b'{"choices": [1]}', b'{"choices": [{"delta": "x"}]}',
        b'{"choices": [{"delta": {}, "finish_reason": 1}]}', b'{"choices": [{"delta": {"tool_calls": [1]}}]}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": {}}}]}}]}',
    ],
)  # fmt: skip
def test_malformed_events_become_the_dialects_error(bad: bytes, fakes: Any) -> None:
    full = stream(chunk({"content": "abc"}))[: -len(DONE)] + b"data: " + bad + b"\n\n" + chunk({"content": "late"})
    out, rewriter = run([full], fakes.Reply(delay=2))
    *_, error = fakes.events(out)
    assert error["error"]["code"] == "upstream-malformed"
    assert out.endswith(DONE)
    assert b"late" not in out
    assert rewriter.done


def test_an_error_of_the_upstream_is_passed_on_inspected(fakes: Any) -> None:
    event = b'data: {"error": {"message": "no SECRET left", "type": "server_error", "code": "overloaded"}}\n\n'
    out, rewriter = run([chunk({"content": "abc"}) + event], fakes.Reply(mask="SECRET", delay=1))
    error = fakes.events(out)[-1]["error"]
    assert error == {"message": "no [hidden] left", "type": "server_error", "code": "overloaded"}
    assert rewriter.done


def test_a_broken_upstream_is_told_after_what_was_settled(fakes: Any) -> None:
    rewriter = ChatRewriter(fakes.Reply(delay=2))
    out = rewriter.feed(chunk({"content": "abc"})) + rewriter.fail(UpstreamError("It broke."))
    assert [event.get("error", {}).get("message") for event in fakes.events(out)] == [None, None, "It broke."]
    assert rewriter.fail(UpstreamError("Again.")) == b""


def test_comments_keep_the_line_alive_without_their_text(fakes: Any) -> None:
    rewriter = ChatRewriter(fakes.Reply())
    assert rewriter.feed(b": SECRET\n\n") == b":\n\n"


def test_a_call_opens_this_rewriter(fakes: Any) -> None:
    call = ChatCompletions().parse(b'{"messages":[{"role":"user","content":"x"}],"stream":true}')
    assert isinstance(call.rewriter(fakes.Reply()), ChatRewriter)
    assert call.reply_id() == ""


def test_the_official_client_reads_a_block_without_an_exception(fakes: Any) -> None:
    out, _ = run([stream(chunk({"content": "good "}), chunk({"content": "BAD"}))], fakes.Reply(bad="BAD"))

    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=out)

    client = OpenAI(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(handle)))
    with client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True) as opened:
        choices = [choice for found in opened for choice in found.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == f"good \n\n{fakes.sentence}"
    assert choices[-1].finish_reason == "content_filter"


def test_pieces_that_come_together_are_looked_at_once(fakes: Any) -> None:
    reply = fakes.Reply()
    shell = b'"id":"c","object":"chat.completion.chunk","created":1,"model":"m"'
    chunk = b"data: {" + shell + b',"choices":[{"index":0,"delta":%s}]}\n\n'
    pieces = [chunk % b'{"role":"assistant","content":""}', *(chunk % b'{"content":"word "}' for _ in range(50))]
    rewriter = ChatRewriter(reply)
    out = rewriter.feed(b"".join(pieces))
    texts = [event["choices"][0]["delta"]["content"] for event in fakes.events(out)]
    assert texts == ["", "word " * 50]
