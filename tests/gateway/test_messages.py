"""Streams: inspected as they flow, on record before they start, and ended in the dialect's own way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest

Open = Callable[..., Awaitable[Any]]
Make = Callable[..., bytes]
Events = Callable[..., list[bytes]]

SSE = b"content-type: text/event-stream\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n" + SSE + b"transfer-encoding: chunked\r\n\r\n"


def piece(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def told(raw: bytes) -> list[Any]:
    """The data of each event; ``None`` for the end mark. Comments are passed over."""
    blocks = [block for block in raw.decode().split("\n\n") if block.strip() and not block.startswith(":")]
    lines = [next(line[5:].strip() for line in block.split("\n") if line.startswith("data:")) for block in blocks]
    return [None if line == "[DONE]" else orjson.loads(line) for line in lines]


def text_of(raw: bytes) -> str:
    choices = [event["choices"][0] for event in told(raw) if event and event.get("choices")]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def read(response: httpx.Response) -> bytes:
    return b"".join([part async for part in response.aiter_bytes()])


async def until(true: Callable[[], object]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


async def ask(gate: Any, text: str = "hi") -> httpx.Response:
    response: httpx.Response = await gate.chat(text, stream=True)
    return response


async def test_a_stream_is_inspected_and_recorded(open_gate: Open, events: Events, chunked: Make) -> None:
    gate = await open_gate(
        ["read", chunked(*events("it is hi", "de-", "me, really"), head=SSE), "read", chunked(head=SSE)]
    )
    got = await ask(gate)
    assert got.headers["content-type"] == "text/event-stream"
    assert got.headers["x-chatward-action"] == "allow"
    assert text_of(got.content) == "it is [hidden], really"
    assert told(got.content)[-1] is None
    await gate.settled("reply:output:delivered")
    assert gate.ledger.events == ["upstream:call:intended", "reply:output:started", "reply:output:delivered"]
    assert gate.ledger.entries[-1].fields["action"] == "redact"
    await ask(gate)
    assert gate.bot.accepted == 1


async def test_a_stream_flows_while_the_bot_still_thinks(open_gate: Open, events: Events) -> None:
    first, *rest = events("the beginning of a longer answer", " and its end")
    go_on = asyncio.Event()
    gate = await open_gate(["read", HEAD + piece(first + rest[0]), 0.6, *map(piece, rest[1:]), b"0\r\n\r\n"])
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    async with gate.client.stream("POST", "/v1/chat/completions", json=body) as response:
        parts = []
        async for part in response.aiter_bytes():
            parts.append(part)
            if "the beginning" in text_of(b"".join(parts)):
                go_on.set()
                break
    assert go_on.is_set()


async def test_a_blocked_stream_stops_and_closes_the_bot(open_gate: Open, events: Events) -> None:
    first, *rest = events("fine so far. ", "stop-me and more")
    gate = await open_gate(["read", HEAD, *map(piece, [first, *rest[:2]]), "stall"])
    got = await ask(gate)
    assert "stop-me" not in got.text
    assert told(got.content)[-2]["choices"][0]["finish_reason"] == "content_filter"
    await asyncio.wait_for(gate.bot.gone.wait(), 5)
    await gate.settled("reply:output:aborted")
    assert gate.ledger.entries[-1].fields["outcome"] == "blocked"


@pytest.mark.parametrize("inspects", [True, False])
@pytest.mark.parametrize(
    ("ending", "reason"),
    [(["close"], "upstream-truncated"), ([b"zz\r\n", "stall"], "upstream-malformed"), (["stall"], "upstream-timeout")],
)
async def test_a_stream_that_breaks_ends_in_an_error_event(
    open_gate: Open, events: Events, inspects: bool, ending: list[Any], reason: str
) -> None:
    gate = await open_gate(
        ["read", HEAD, *map(piece, events("half an ans", done=False)[:2]), 0.1, *ending], read_timeout=0.4
    )
    gate.engine.inspects = inspects
    got = await ask(gate)
    assert text_of(got.content) == "half an ans"
    assert told(got.content)[-2:] == [{"error": got_error(got)}, None]
    assert got_error(got)["code"] == reason
    await gate.settled("reply:output:aborted")
    assert gate.ledger.entries[-1].fields["outcome"] == reason


def got_error(response: httpx.Response) -> dict[str, Any]:
    return next(event["error"] for event in told(response.content) if event and "error" in event)


async def test_a_stream_without_its_end_mark_is_truncated(open_gate: Open, events: Events, chunked: Make) -> None:
    gate = await open_gate(["read", chunked(*events("half", done=False)[:2], head=SSE)])
    assert got_error(await ask(gate))["code"] == "upstream-truncated"


async def test_a_stream_that_is_too_long_is_ended(open_gate: Open, events: Events) -> None:
    gate = await open_gate(["read", HEAD, *map(piece, events(*["x" * 500] * 40)), "stall"], max_reply=5000)
    assert got_error(await ask(gate))["code"] == "upstream-too-large"
    await asyncio.wait_for(gate.bot.gone.wait(), 5)


async def test_a_bug_in_a_stream_lets_nothing_more_out(
    open_gate: Open, events: Events, chunked: Make, caplog: pytest.LogCaptureFixture
) -> None:
    gate = await open_gate(["read", chunked(*events("good. ", "explode canary-7f", "after"), head=SSE)])
    got = await ask(gate)
    assert "after" not in got.text
    assert "canary-7f" not in got.text
    assert "canary-7f" not in caplog.text
    assert got_error(got)["code"] == "internal-error"


async def test_no_byte_leaves_before_the_start_is_on_record(open_gate: Open, events: Events, chunked: Make) -> None:
    gate = await open_gate(["read", 0.05, chunked(*events("hello"), head=SSE)] * 2)
    asking = asyncio.ensure_future(ask(gate))
    await gate.settled("reply:output:started")
    gate.ledger.entries.clear()
    await asking

    gate.ledger.failing = None
    gate.ledger.stalled = True
    asking = asyncio.ensure_future(ask(gate))
    await until(lambda: gate.ledger.waiting)
    gate.ledger.release()  # The intent is on record; the start is not.
    await until(lambda: len(gate.bot.requests) == 2)
    gate.ledger.failing = "ledger-disk-full"
    gate.ledger.release()
    gate.ledger.stalled = False
    got = await asking
    assert (got.status_code, got.json()["error"]["code"]) == (503, "ledger-disk-full")


async def test_a_caller_who_leaves_a_stream_ends_the_call(open_gate: Open, events: Events) -> None:
    gate = await open_gate(["read", HEAD, *map(piece, events("hello there, dear caller")[:2]), "stall"])
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    async with gate.client.stream("POST", "/v1/chat/completions", json=body) as response:
        async for _ in response.aiter_bytes():
            break
    await asyncio.wait_for(gate.bot.gone.wait(), 5)
    await gate.settled("reply:output:aborted")
    assert gate.ledger.entries[-1].fields["outcome"] == "client-left"
    assert gate.app.in_flight == 0


async def test_a_bot_that_does_not_stream_is_answered_whole(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("whole hide-me")])
    got = await ask(gate)
    assert got.json()["choices"][0]["message"]["content"] == "whole [hidden]"
    await gate.settled("reply:output:judged")


async def test_a_bot_that_lingers_after_the_end_mark_does_not_hold_the_caller(open_gate: Open, events: Events) -> None:
    gate = await open_gate(["read", HEAD, *map(piece, events("done")), "stall"])
    got = await asyncio.wait_for(ask(gate), 5)
    assert text_of(got.content) == "done"
    await asyncio.wait_for(gate.bot.gone.wait(), 5)


async def test_without_guards_the_bytes_pass_as_they_are(
    open_gate: Open, answer: Make, chunked: Make, completion: Make, events: Events
) -> None:
    whole = completion("hide-me stop-me") + b"  \n"
    pieces = [b": a comment\n\n", *events("hide-me", "stop-me")]
    gate = await open_gate(
        [
            "read",
            answer(whole, head=b"content-type: application/json; charset=utf-8\r\n"),
            "read",
            chunked(*pieces, head=SSE),
        ]
    )
    gate.engine.inspects = False
    assert (await gate.chat()).content == whole
    assert (await ask(gate)).content == b"".join(pieces)
    await gate.settled("reply:output:delivered")
    assert gate.engine.screenings[0].finished == []


async def test_without_guards_an_error_keeps_its_words(open_gate: Open, answer: Make) -> None:
    body = b'{"error":{"message":"hide-me","type":"x_error","param":null,"code":null}}'
    gate = await open_gate(["read", answer(body, head=b"content-type: application/json\r\n", status=b"404 Not Found")])
    gate.engine.inspects = False
    got = await gate.chat()
    assert (got.status_code, got.json()["error"]["message"]) == (404, "hide-me")
