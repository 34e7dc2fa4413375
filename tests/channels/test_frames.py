"""A stream whose events have frames comes out as one that is read event by event."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.channels.anthropic_stream import MessagesRewriter
from chatward.channels.frames import Frame
from chatward.channels.openai_chat_stream import ChatRewriter
from chatward.channels.stream import EventRewriter

HEAD = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":['
CHAT = [
    HEAD + b'{"index":0,"delta":{"content":%b}}]}',
    HEAD + b'{"index":0,"delta":{"content":%b},"logprobs":null,"finish_reason":null}],"usage":null}',
    HEAD + b'{"delta": {"content" : %b}}]}',
    HEAD + b'{"index":1,"delta":{"content":%b}}]}',
    HEAD.replace(b'"c"', b'"d"') + b'{"index":0,"delta":{"content":%b}}]}',
    HEAD.replace(b'"m"', b'"the SECRET"') + b'{"index":0,"delta":{"content":%b}}]}',
    HEAD.replace(b"{", b'{"content":"x",', 1) + b'{"index":0,"delta":{"content":%b}}]}',
    HEAD + b'{"index":0,"delta":{"content":%b}}],"obfuscation":"xyz"}',
    HEAD + b'{"index":0,"delta":{"content":%b,"content":"SE"}}]}',
    HEAD + b'{"index":0,"delta":{"content":%b,"cont\\u0065nt":"CRET"}}]}',
    HEAD + b'{"index":0,"delta":{"content":"SECRET","cont\\u0065nt":%b}}]}',
    HEAD + b'{"index":0,"delta":{"reasoning_content":%b}}]}',
    HEAD + b'{"index":0,"delta":{"role":"assistant","content":%b}}]}',
    HEAD + b'{"index":0,"delta":{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":%b}}]}}]}',
    HEAD + b'{"index":0,"delta":{"content":%b},"finish_reason":"stop"}]}',
    b"[DONE]",
]
DELTA = b'{"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%%b}}'
ANTHROPIC = [
    DELTA % 0,
    DELTA % 1,
    (DELTA % 0).replace(b":", b": "),
    b'{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":%b}}',
    b'{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":%b}}',
    b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":%b}}',
    b'{"type":"content_block_start","index":1,"content_block":{"type":"text","text":%b}}',
    b'{"type":"content_block_stop","index":0}',
    b'{"type":"message_stop"}',
]
TEXTS = [
    b'"word "',
    b'"SEC"',
    b'"RET "',
    b'"BAD "',
    b'"\\"q\\\\"',
    b'"\\u00e9\xc3\xa9"',
    b'""',
    b'"\\"',
    b'"a","b":"c"',
    b"7",
]


def plainly(rewriter: type[EventRewriter]) -> type[EventRewriter]:
    """The same without frames."""
    return type("Plainly", (rewriter,), {"_text_of": lambda self, event: None})


def compare(fakes: Any, rewriter: type[EventRewriter], pieces: list[bytes], delay: int) -> bytes:
    outs = []
    for made in (rewriter, plainly(rewriter)):
        one = made(fakes.Reply(delay=delay, mask="SECRET", bad="BAD"))
        outs.append([*(one.feed(piece) for piece in pieces), one.close()])
    assert outs[0] == outs[1]
    return b"".join(outs[0])


@pytest.mark.parametrize(("rewriter", "forms"), [(ChatRewriter, CHAT), (MessagesRewriter, ANTHROPIC)])
def test_what_comes_out_is_the_same_without_frames(
    fakes: Any, rewriter: type[EventRewriter], forms: list[bytes]
) -> None:
    texts = st.lists(st.sampled_from([*TEXTS[:7], *TEXTS]), min_size=1, max_size=4)
    few = st.lists(st.sampled_from(forms), min_size=1, max_size=2)  # else hardly anything comes twice in a row
    runs_of = few.flatmap(lambda some: st.lists(st.tuples(st.sampled_from(some), texts), max_size=5))

    @settings(max_examples=400)
    @given(runs_of, st.integers(0, 6), st.lists(st.booleans(), max_size=12))
    def same(runs: list[tuple[bytes, list[bytes]]], delay: int, together: list[bool]) -> None:
        events = [form % text if b"%b" in form else form for form, texts in runs for text in texts]
        if rewriter is MessagesRewriter:
            events = [ANTHROPIC[5] % b'""', *events]
        pieces = [b""]
        for number, event in enumerate(events):
            pieces[-1] += b"data: " + event + b"\n\n"
            if not (number < len(together) and together[number]):
                pieces.append(b"")
        compare(fakes, rewriter, pieces, delay)

    same()


def test_a_voice_that_comes_back_starts_anew(fakes: Any) -> None:
    said = [(0, b'"word "'), (11, b'"so "'), (0, b'"SEC"'), (0, b'"SEC"'), (0, b'"word "'), (0, b'"word "')]
    out = compare(fakes, ChatRewriter, [b"data: " + CHAT[form] % text + b"\n\n" for form, text in said], 6)
    assert b'"\\n\\nSECSE"' in out


def test_what_goes_on_after_its_end_is_not_told_beside_a_block(fakes: Any) -> None:
    said = [(14, b'"word "'), (0, b'"word "'), (0, b'"word "'), (0, b'"BAD "')]
    compare(fakes, ChatRewriter, [b"data: " + CHAT[form] % text + b"\n\n" for form, text in said], 1)


def test_events_of_one_place_that_come_together_go_on_as_one_in_whatever_bytes(fakes: Any) -> None:
    framed, other = (b"data: " + CHAT[form] % b'"word "' + b"\n\n" for form in (0, 1))
    compare(fakes, ChatRewriter, [framed, framed, framed + other], 0)


def test_a_shell_that_was_changed_stays_changed(fakes: Any) -> None:
    event = b"data: " + CHAT[5] % b'"word "' + b"\n\n"
    assert b"SECRET" not in compare(fakes, ChatRewriter, [event] * 4, 0)


def test_a_frame_is_taken_where_the_text_can_be_told_from_the_rest() -> None:
    payload = b'{"a": {"text" : "x\\"y"}, "b": 1}'
    event = orjson.loads(payload)
    frame = Frame.of(payload, event, event["a"], "text")
    assert frame is not None
    assert event == orjson.loads(payload)
    assert frame.text(b'{"a": {"text" : "\\u00e9\\\\"}, "b": 1}') == "é\\"
    assert frame.event('1"') == b'data: {"a":{"text":"1\\""},"b":1}\n\n'
    for other in (
        b'{"a": {"text" : "x", "c": "y"}, "b": 1}',
        b'{"a": {"text" : "x\\"}, "b": 1}',
        b'{"a": {"text" : "}, "b": 1}',
        b'{"a": {"text" : 7}, "b": 1}',
        b'{"a": {"text": "x"}, "b": 1}',
        b'{"a": {"text" : "x"}, "b": 2}',
    ):
        assert frame.text(other) is None


@pytest.mark.parametrize(
    "payload", [b'{"a":{"text":"x","te\\u0078t":"y"}}', b'{"text":"z","a":{"text":"x","text":"y"},"text":"z"}']
)
def test_of_keys_that_come_twice_the_one_that_counts_is_the_text(payload: bytes) -> None:
    event = orjson.loads(payload)
    frame = Frame.of(payload, event, event["a"], "text")
    assert frame is None or frame.text(payload) == event["a"]["text"]
