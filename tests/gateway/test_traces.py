"""Where traces are followed, the bot is below our span and our span below the caller's; else nothing changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chatward.gateway.parties import Beside
from chatward.monitoring.traces import context

Open = Callable[..., Awaitable[Any]]
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"


async def test_the_bot_is_below_our_span_and_the_record_knows_the_callers(
    open_gate: Open, say: Callable[..., bytes]
) -> None:
    gate = await open_gate(["read", say("hello")], beside=Beside(tracing=context))
    response = await gate.chat("hi", headers={"traceparent": GIVEN})
    number = response.headers["x-chatward-request-id"]
    ours = context(number, GIVEN)
    assert gate.bot.requests[0].header("traceparent") == ours.header
    intended = next(entry for entry in gate.ledger.entries if entry.event == "upstream:call:intended")
    assert (intended.fields["trace"], intended.fields["parent"]) == (TRACE, PARENT)
    assert ours.span != PARENT


@pytest.mark.parametrize("given", ["Zyxomorph", f"00-{'0' * 32}-{PARENT}-01"])
async def test_a_traceparent_of_another_form_goes_nowhere(
    open_gate: Open, say: Callable[..., bytes], given: str
) -> None:
    gate = await open_gate(["read", say("hello")], beside=Beside(tracing=context))
    response = await gate.chat("hi", headers={"traceparent": given})
    ours = context(response.headers["x-chatward-request-id"], None)
    assert gate.bot.requests[0].header("traceparent") == ours.header
    assert all("trace" not in entry.fields for entry in gate.ledger.entries)


async def test_without_traces_the_bot_gets_the_callers_as_it_is(open_gate: Open, say: Callable[..., bytes]) -> None:
    gate = await open_gate(["read", say("hello")])
    await gate.chat("hi", headers={"traceparent": GIVEN})
    assert gate.bot.requests[0].header("traceparent") == GIVEN
    assert all("trace" not in entry.fields for entry in gate.ledger.entries)
