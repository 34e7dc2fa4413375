"""What was hidden is told by kind and number: in a header for the message, in a comment at the end of a stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import orjson
import pytest
from anthropic.types import MessageParam
from openai.types.chat import ChatCompletionUserMessageParam

from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Verdict
from chatward.gateway.notices import comment, hidden, notice
from tests.simulators.engine import BLOCKED, WordReply

Open = Callable[..., Awaitable[Any]]
Make = Callable[..., bytes]
Events = Callable[..., list[bytes]]

SSE = b"content-type: text/event-stream\r\n"


def decided(
    span: tuple[int, int],
    *,
    entity: str = "EMAIL",
    action: Action = Action.REDACT,
    part: int = 0,
    category: Category = Category.PII,
) -> Decision:
    finding = Finding("text.pii/x", category, Severity.MEDIUM, 0.9, span, part, entity)
    return Decision(finding, action, Treatment.MASK)


def test_each_changed_value_counts_once() -> None:
    decisions = (
        decided((0, 10)),
        decided((2, 8), entity="PHONE"),  # inside a value that was treated
        decided((12, 20), action=Action.ALLOW),
        decided((30, 35), entity="", category=Category.INDIRECT_INJECTION),
        decided((0, 5), part=1),
    )
    verdict = Verdict(Action.REDACT, Action.REDACT, decisions=decisions)
    assert hidden(verdict) == {"EMAIL": 2, "indirect-injection": 1}
    assert notice(verdict) == (("x-chatward-notice", '{"EMAIL":2,"indirect-injection":1}'),)


@pytest.mark.parametrize("action", [Action.ALLOW, Action.CHALLENGE, Action.BLOCK])
def test_nothing_was_hidden_in_a_message_that_went_on_as_it_was_or_not_at_all(action: Action) -> None:
    """``ALLOW`` with redacting decisions is monitor mode."""
    assert notice(Verdict(action, Action.BLOCK, decisions=(decided((0, 10)),))) == ()


def test_a_whole_answer_adds_what_was_hidden_in_the_reply() -> None:
    reply = WordReply()
    assert notice(Verdict(), reply) == ()
    reply.changed = 2
    assert notice(Verdict(), reply) == (("x-chatward-notice", '{"WORD":2}'),)
    message = Verdict(Action.REDACT, Action.REDACT, decisions=(decided((0, 4), entity="WORD"),))
    assert notice(message, reply) == (("x-chatward-notice", '{"WORD":3}'),)


def test_the_comment_says_what_happened_to_the_reply() -> None:
    reply = WordReply()
    assert comment(reply) == b""
    reply.changed = 1
    assert comment(reply) == b': chatward {"action":"redact","hidden":{"WORD":1}}\n\n'
    reply.blocked = BLOCKED
    assert comment(reply) == b': chatward {"action":"block","hidden":{"WORD":1}}\n\n'


async def test_a_whole_answer_says_what_was_hidden_in_both_directions(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("hide-me"), "read", say("fine"), "read", say("fine")])
    assert (await gate.chat("hide-me too")).headers["x-chatward-notice"] == '{"WORD":2}'
    assert (await gate.chat("hide-me")).headers["x-chatward-notice"] == '{"WORD":1}'
    assert "x-chatward-notice" not in (await gate.chat()).headers
    assert "x-chatward-notice" not in (await gate.chat("refuse-me")).headers


async def test_a_stream_says_it_before_its_end_mark(open_gate: Open, events: Events, chunked: Make) -> None:
    streamed = [chunked(*events(text), head=SSE) for text in ("it is hide-me.", "it is fine.", "fine. stop-me now")]
    gate = await open_gate([step for one in streamed for step in ("read", one)])
    got = [await gate.chat("hide-me", stream=True), *[await gate.chat(stream=True) for _ in range(2)]]
    assert [one.headers.get("x-chatward-notice") for one in got] == ['{"WORD":1}', None, None]
    comments = [[line for line in one.text.splitlines() if line.startswith(": chatward")] for one in got]
    assert comments == [
        [': chatward {"action":"redact","hidden":{"WORD":1}}'],
        [],
        [': chatward {"action":"block","hidden":{}}'],
    ]
    for one in (got[0], got[2]):
        assert one.text.index(": chatward") < one.text.index("data: [DONE]")


async def test_a_stream_that_breaks_still_says_it(open_gate: Open, events: Events, chunked: Make) -> None:
    gate = await open_gate(["read", chunked(*events("it is hide-me.", done=False)[:2], head=SSE)])
    text = (await gate.chat(stream=True)).text
    assert text.index(": chatward") < text.index('"upstream-truncated"')


async def test_a_bot_cannot_speak_in_our_name(open_gate: Open, events: Events, chunked: Make) -> None:
    forged = b': chatward {"action":"allow","hidden":{"CARD":9}}\n\n'
    first, *rest = events("hello")
    head = SSE + b'x-chatward-notice: {"CARD":9}\r\n'
    gate = await open_gate(["read", chunked(first, forged, *rest, head=head)])
    got = await gate.chat(stream=True)
    assert "CARD" not in got.text
    assert "x-chatward-notice" not in got.headers


async def test_official_clients_skip_the_comment(open_gate: Open, events: Events, chunked: Make) -> None:
    gate = await open_gate(["read", chunked(*events("it is hide-me."), head=SSE)])
    async with openai.AsyncOpenAI(base_url=f"{gate.server.url}/v1", api_key="k", max_retries=0) as client:
        asked: ChatCompletionUserMessageParam = {"role": "user", "content": "hi"}
        stream = await client.chat.completions.create(model="m", stream=True, messages=[asked])
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    assert text == "it is [hidden]."

    gate = await open_gate(["read", chunked(*anthropic_events("it is hide-me."), head=SSE)])
    async with anthropic.AsyncAnthropic(base_url=gate.server.url, api_key="k", max_retries=0) as other:
        message: MessageParam = {"role": "user", "content": "hi"}
        async with other.messages.stream(model="m", max_tokens=9, messages=[message]) as streaming:
            assert await streaming.get_final_text() == "it is [hidden]."


def anthropic_events(text: str) -> list[bytes]:
    message: dict[str, Any] = {
        "id": "m-1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
    }
    usage = {"input_tokens": 1, "output_tokens": 1}
    made: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "stop_sequence": None, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    return [f"event: {one['type']}\ndata: ".encode() + orjson.dumps(one) + b"\n\n" for one in made]
