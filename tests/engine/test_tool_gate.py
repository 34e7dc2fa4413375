"""Tool calls in replies: nothing of a call leaves before it was ruled on, in any dialect and for any splitting."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.anthropic import Messages
from chatward.channels.dialect import Dialect
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_responses import Responses
from chatward.core.identity import Assurance, Ruling
from chatward.core.values import Action
from chatward.engine.engine import Screening
from chatward.engine.reply import DENIED, STEP_UP
from chatward.routing import routing
from chatward.settings import Route, Settings
from tests.simulators.tool_calls import chat, chat_stream, messages, messages_stream, responses, responses_stream

ARGUMENTS = '{"to":"canary-7f","amount":5}'
DEAR = {"amount": 900, "to": "canary-7f"}


DENIES = Ruling(False, ("p1",), "policy-denied")


class Gate:
    """Denies one tool by its name, and another where the amount is too high."""

    def __init__(self, ruling: Ruling = DENIES) -> None:
        self.ruling = ruling
        self.seen: list[tuple[str, str]] = []

    def begins(self, tool: str) -> Ruling | None:
        if tool == "transfer":
            return None
        return self.ruling if tool == "wipe" else Ruling(True)

    def calls(self, tool: str, arguments: str) -> Ruling:
        self.seen.append((tool, arguments))
        amount = json.loads(arguments or "{}").get("amount", 1000)
        return Ruling(True) if amount < 100 else self.ruling


ROUTING = routing(Settings(routes={"default": Route(guards=("none",))}), key=bytes(32), today=date(2026, 1, 1))


Make = Callable[[str, str], bytes]
DIALECTS: list[tuple[Dialect, bytes, Make, Make]] = [
    (ChatCompletions(), b'{"model":"m","messages":[{"role":"user","content":"go"}]', chat, chat_stream),
    (Responses(), b'{"model":"m","input":"go"', responses, responses_stream),
    (Messages(), b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"go"}]', messages, messages_stream),
]
each_dialect = pytest.mark.parametrize(
    ("dialect", "asked", "whole", "streamed"), DIALECTS, ids=lambda value: getattr(value, "name", "")
)


def screened(gate: Gate, call: Any) -> Screening:
    screening = ROUTING.engine.screen(call, ROUTING.plan("default"), channel="test")
    screening.gate = gate
    return screening


def through(gate: Gate, dialect: Dialect, asked: bytes, reply: bytes) -> tuple[str, Screening, Any]:
    call = dialect.parse(asked + b"}")
    screening = screened(gate, call)
    session = screening.reply()
    return call.reply(reply, session).body.decode(), screening, session


def through_stream(gate: Gate, dialect: Dialect, asked: bytes, pieces: list[bytes]) -> tuple[str, Any]:
    call = dialect.parse(asked + b',"stream":true}')
    session = screened(gate, call).reply()
    rewriter = call.rewriter(session)
    out = b"".join(rewriter.feed(piece) for piece in pieces if not rewriter.done)
    return (out if rewriter.done else out + rewriter.close()).decode(), session


@each_dialect
def test_a_tool_that_is_denied_by_name_does_not_leave(
    dialect: Dialect, asked: bytes, whole: Make, streamed: Make
) -> None:
    said, screening, session = through(Gate(), dialect, asked, whole("wipe", ARGUMENTS))
    assert "wipe" not in said
    assert "canary-7f" not in said
    verdict = screening.finish(session, "")
    assert (verdict.action, verdict.rule) == (Action.BLOCK, DENIED)
    assert verdict.decisions[0].because == "p1"
    said, _ = through_stream(Gate(), dialect, asked, [streamed("wipe", ARGUMENTS)])
    assert "wipe" not in said
    assert "canary-7f" not in said


@each_dialect
@pytest.mark.parametrize("tool", ["look", "transfer"])
def test_what_is_allowed_leaves_unchanged(
    dialect: Dialect, asked: bytes, whole: Make, streamed: Make, tool: str
) -> None:
    gate = Gate()
    said, _, session = through(gate, dialect, asked, whole(tool, ARGUMENTS))
    assert json.loads(said) == json.loads(whole(tool, ARGUMENTS))
    assert session.blocked is None
    assert gate.seen == ([(tool, ARGUMENTS)] if tool == "transfer" else [])
    said, session = through_stream(Gate(), dialect, asked, [streamed(tool, ARGUMENTS)])
    assert session.blocked is None
    assert "".join(session.parts()[-1].text.split()) == ARGUMENTS
    assert tool in said


@each_dialect
@given(data=st.data())
def test_arguments_that_decide_are_held_for_any_splitting(
    dialect: Dialect, asked: bytes, whole: Make, streamed: Make, data: st.DataObject
) -> None:
    stream = streamed("transfer", json.dumps(DEAR))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    gate = Gate()
    said, session = through_stream(gate, dialect, asked, pieces)
    assert gate.seen == [("transfer", json.dumps(DEAR))]
    assert "canary" not in said
    assert "900" not in said
    assert session.blocked is not None


@each_dialect
def test_a_call_without_arguments_is_ruled_on_before_its_end(
    dialect: Dialect, asked: bytes, whole: Make, streamed: Make
) -> None:
    gate = Gate()
    _, session = through_stream(gate, dialect, asked, [streamed("transfer", "")])
    assert gate.seen == [("transfer", "")]
    assert session.blocked is not None
    _, _, session = through(Gate(), dialect, asked, whole("transfer", ""))
    assert session.blocked is not None


@each_dialect
def test_more_assurance_would_do_is_a_challenge(dialect: Dialect, asked: bytes, whole: Make, streamed: Make) -> None:
    gate = Gate(Ruling(False, ("p2",), "step-up", step_up=Assurance.STRONG))
    _, screening, session = through(gate, dialect, asked, whole("wipe", ARGUMENTS))
    verdict = screening.finish(session, "")
    assert (verdict.action, verdict.rule) == (Action.CHALLENGE, STEP_UP)


def test_rights_are_enforced_in_monitor_mode_too() -> None:
    watching = routing(Settings(routes={"default": Route(mode="monitor")}), key=bytes(32), today=date(2026, 1, 1))
    call = ChatCompletions().parse(DIALECTS[0][1] + b"}")
    screening = watching.engine.screen(call, watching.plan("default"), channel="test")
    screening.gate = Gate()
    assert "wipe" not in call.reply(chat("wipe", ARGUMENTS), screening.reply()).body.decode()


def test_a_name_in_pieces_is_refused() -> None:
    """Clients put the pieces together: the name that was judged would not be the one that is called."""
    stream = chat_stream("wi", "{}").replace(b'"arguments": "{}"', b'"name": "pe", "arguments": "{}"')
    assert b'"pe"' in stream
    said, _ = through_stream(Gate(), *DIALECTS[0][:2], [stream])
    assert '"pe"' not in said
    assert "upstream-malformed" in said


def test_a_name_that_is_repeated_leaves_once() -> None:
    stream = chat_stream("look", "{}").replace(b'"arguments": "{}"', b'"name": "look", "arguments": "{}"')
    said, session = through_stream(Gate(), *DIALECTS[0][:2], [stream])
    assert said.count('"look"') == 1
    assert session.blocked is None


def test_arguments_of_no_tool_are_refused() -> None:
    stream = responses_stream("wipe", ARGUMENTS)
    begun = stream[: stream.index(b"event: response.output_item.added")]
    rest = stream[stream.index(b"event: response.function_call_arguments.delta") :]
    said, _ = through_stream(Gate(), *DIALECTS[1][:2], [begun, rest])
    assert "canary" not in said
    assert "upstream-malformed" in said


def test_a_call_whose_name_changes_is_refused() -> None:
    stream = responses_stream("look", ARGUMENTS)
    at = stream.index(b"event: response.output_item.done")
    said, _ = through_stream(Gate(), *DIALECTS[1][:2], [stream[:at], stream[at:].replace(b"look", b"wipe")])
    assert "wipe" not in said
