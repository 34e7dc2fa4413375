"""Characters that a bot cuts in two: whatever is cut, the same text comes out; what stays half is U+FFFD."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.anthropic_stream import MessagesRewriter
from chatward.channels.openai_chat_stream import DONE, ChatRewriter
from chatward.channels.openai_responses_stream import ResponsesRewriter
from chatward.channels.outgoing import load
from chatward.channels.surrogates import loads, scalars
from chatward.core.errors import UpstreamError

TEXT = "Dear 😀 of 👩🏽‍🚀, 漢 is SECRET 𝒳, so is the SEC😀RET; bye 🎉"
HIDDEN = TEXT.replace("SECRET", "[hidden]")


def units(text: str) -> list[str]:
    """The UTF-16 units of ``text``, as a bot sees it that counts in them."""
    wide = text.encode("utf-16-le")
    return [wide[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(wide), 2)]


def event(document: dict[str, Any], name: str = "") -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


def chat(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


def content(pieces: Sequence[str]) -> bytes:
    return b"".join((*(chat({"content": piece}) for piece in pieces), chat({}, "stop"), DONE))


def two_choices(pieces: Sequence[str]) -> bytes:
    by_turns = (chat({"content": piece}, index=index) for piece in pieces for index in (0, 1))
    return b"".join((*by_turns, chat({}, "stop"), chat({}, "stop", 1), DONE))


def arguments(pieces: Sequence[str]) -> bytes:
    def call(piece: str, **begin: Any) -> dict[str, Any]:
        named = {"name": "mail"} if begin else {}
        return {"tool_calls": [{"index": 0, **begin, "function": {**named, "arguments": piece}}]}

    begin = chat(call("", id="call_0", type="function"))
    return b"".join((begin, *(chat(call(piece)) for piece in pieces), chat({}, "tool_calls"), DONE))


def reasoning(pieces: Sequence[str]) -> bytes:
    return b"".join((*(chat({"reasoning_content": piece}) for piece in pieces), chat({}, "stop"), DONE))


def messages(pieces: Sequence[str], begin: dict[str, Any], delta: str, key: str) -> bytes:
    start = {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "usage": {}}}
    middle = [{"type": "content_block_delta", "index": 0, "delta": {"type": delta, key: piece}} for piece in pieces]
    block = {"type": "content_block_start", "index": 0, "content_block": begin}
    stop = {"type": "content_block_stop", "index": 0}
    return b"".join(event(one, one["type"]) for one in (start, block, *middle, stop, {"type": "message_stop"}))


def said_text(pieces: Sequence[str]) -> bytes:
    return messages(pieces, {"type": "text", "text": ""}, "text_delta", "text")


def tool_input(pieces: Sequence[str]) -> bytes:
    begin = {"type": "tool_use", "id": "t", "name": "mail", "input": {}}
    return messages(pieces, begin, "input_json_delta", "partial_json")


def output_text(pieces: Sequence[str]) -> bytes:
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    deltas = [{"type": "response.output_text.delta", **at, "delta": piece} for piece in pieces]
    whole = {"type": "response.output_text.done", **at, "text": scalars("".join(pieces))}
    end = {"type": "response.completed", "response": {"id": "r", "output": []}}
    return b"".join(event(one, one["type"]) for one in (*deltas, whole, end))


def of_choice(index: int, *path: Any) -> Callable[[dict[str, Any]], Any]:
    def found(event: dict[str, Any]) -> Any:
        (choice,) = event["choices"]
        return at(choice["delta"], *path) if choice["index"] == index else None

    return found


def at(node: Any, *path: Any) -> Any:
    for step in path:
        node = node[step] if type(step) is int else node.get(step)
        if node is None:
            return None
    return node


def responses(reply: Any) -> ResponsesRewriter:
    return ResponsesRewriter(reply, {"input": "x"})


Case = tuple[Callable[[Any], Any], Callable[[Sequence[str]], bytes], Callable[[dict[str, Any]], Any]]
CASES: dict[str, Case] = {
    "chat": (ChatRewriter, content, of_choice(0, "content")),
    "first of two choices": (ChatRewriter, two_choices, of_choice(0, "content")),
    "second of two choices": (ChatRewriter, two_choices, of_choice(1, "content")),
    "chat, reasoning": (ChatRewriter, reasoning, of_choice(0, "reasoning_content")),
    "chat, arguments": (ChatRewriter, arguments, of_choice(0, "tool_calls", 0, "function", "arguments")),
    "messages": (MessagesRewriter, said_text, lambda event: at(event, "delta", "text")),
    "messages, arguments": (MessagesRewriter, tool_input, lambda event: at(event, "delta", "partial_json")),
    "responses": (responses, output_text, lambda event: at(event, "delta")),
}


def come_out(fakes: Any, case: Case, pieces: Sequence[str], offsets: list[int], delay: int = 0) -> str:
    rewriter, stream, text_in = case
    reading = rewriter(fakes.Reply(delay=delay, mask="SECRET"))
    out = b"".join(reading.feed(piece) for piece in fakes.cuts(stream(pieces), offsets)) + reading.close()
    assert reading.done
    return "".join(text_in(found) or "" for found in fakes.events(out))


@pytest.mark.parametrize("case", CASES.values(), ids=tuple(CASES))
@given(st.data())
def test_what_is_cut_in_two_comes_out_whole(fakes: Any, case: Case, data: st.DataObject) -> None:
    halves = units(TEXT)
    ends = sorted(data.draw(st.sets(st.integers(1, len(halves) - 1))))
    pieces = ["".join(halves[begin:end]) for begin, end in zip([0, *ends], [*ends, len(halves)], strict=True)]
    offsets = data.draw(fakes.offsets(len(case[1](pieces))))
    assert come_out(fakes, case, pieces, offsets, data.draw(st.integers(0, 20))) == HIDDEN


@pytest.mark.parametrize("case", CASES.values(), ids=tuple(CASES))
def test_what_stays_half_becomes_a_replacement(fakes: Any, case: Case) -> None:
    pieces = ["a", "\ude00b\ud83d", "c", "\ud83d", "\ud83d", "\ude00", "d\ud83d"]
    every = [len(case[1](pieces[:count])) for count in range(len(pieces))]
    for offsets in ([], every, list(range(len(case[1](pieces))))):
        assert come_out(fakes, case, pieces, offsets) == "a\ufffdb\ufffdc\ufffd😀d\ufffd"


def test_half_a_character_outside_of_a_text_is_replaced(fakes: Any) -> None:
    odd = chat({"content": "a", "note": "\ud83d", "tool_calls": [{"index": 0, "id": "\ude00"}]}, "st\ud83dop")
    rewriter = ChatRewriter(fakes.Reply())
    (found,) = fakes.events(rewriter.feed(odd))
    (choice,) = found["choices"]
    assert choice["finish_reason"] == "st\ufffdop"
    assert choice["delta"] == {"content": "a", "note": "\ufffd", "tool_calls": [{"index": 0, "id": "\ufffd"}]}


def test_a_whole_reply_has_none() -> None:
    assert load(rb'{"delta":{"text":"\ud83d\ude00 \ud83d"},"a":["\ude00\ud83d"]}') == {
        "delta": {"text": "😀 \ufffd"},
        "a": ["\ufffd\ufffd"],
    }
    assert loads(rb'"\ud83d"') == "\ufffd"


@pytest.mark.parametrize(
    "data",
    [
        rb'{"a":NaN,"b":"\ud83d"}',
        rb'{"a":1e999,"b":"\ud83d"}',
        rb'{"\ud83d":1}',
        rb'{"a":"\ud83d"',
        rb'"\ud83d" "b"',
        b'"\xff\\ud83d"',
        b"\xef\xbb\xbf" + rb'"\ud83d"',
        b"[" * 100_000 + rb'"\ud83d"' + b"]" * 100_000,
    ],
)
def test_nothing_else_becomes_json(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        loads(data)


def test_numbers_are_read_as_ever() -> None:
    numbers = b"[1, -2.5, 123456789012345678901234, 1e5]"
    assert loads(b'{"a": %b, "b": "\\ud83d"}' % numbers)["a"] == orjson.loads(numbers)


@pytest.mark.parametrize("bad", [b"\xff", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xe4"])
def test_bytes_of_a_stream_that_are_not_utf8_become_replacements(bad: bytes, fakes: Any) -> None:
    """In a first event, and in later ones that are told from it by their text alone."""
    said = content(["a SE", "CRET b?", "c?", "d"]).replace(b"?", bad)
    rewriter = ChatRewriter(fakes.Reply(mask="SECRET"))
    out = rewriter.feed(said) + rewriter.close()
    assert "".join(_contents(out)) == "a [hidden] b?c?d".replace("?", bad.decode("utf-8", "replace"))
    with pytest.raises(UpstreamError):
        load(b'{"a": "' + bad + b'"}')


def _contents(out: bytes) -> list[str]:
    events = [json.loads(line[6:]) for line in out.splitlines() if line.startswith(b"data: {")]
    return [choice["delta"].get("content", "") for event in events for choice in event["choices"]]


def test_a_byte_order_mark_before_an_answer_is_none_of_its_text() -> None:
    assert load(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}
