"""Rows of the console come from the ledger's fields, whatever stands there."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from chatward.console.verdicts import rows, verdict_object
from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Verdict
from chatward.ledger.events import EVENTS


@dataclass(frozen=True)
class Stored:
    event: str
    fields: dict[str, object] = field(default_factory=dict)
    seq: int = 1
    at: int = 1_750_000_000_123_456_789
    exchange: str = "e1"


def test_a_row_says_what_was_done_and_what_would_have_been():
    [row] = rows(
        [
            Stored(
                "message:input:judged",
                {"action": "allow", "would": "block", "rule": "a.b/c", "rules": ["d.e/f", "a.b/c"], "route": "r"},
            )
        ]
    )
    assert (row.side, row.action, row.would, row.rules, row.route) == (
        "message",
        "allow",
        "block",
        ("a.b/c", "d.e/f"),
        "r",
    )
    assert row.at == "2025-06-15 15:06:40"


def test_would_is_said_only_where_it_differs():
    [row] = rows([Stored("reply:output:judged", {"action": "redact", "would": "redact"})])
    assert row.would == ""


def test_only_verdicts_are_rows():
    shown = {row.side for event in EVENTS for row in rows([Stored(event, {"action": "allow"})])}
    assert shown == {"message", "reply", "tool call", "asked"}
    assert rows([Stored(event) for event in EVENTS]) == []


def test_a_message_that_was_let_through_is_a_row_too():
    said = {"action": "redact", "rules": ["text.pii/email"], "bot": "default"}
    [row] = rows([Stored("upstream:call:intended", said), Stored("upstream:call:failed", {"reason": "x"})])
    assert (row.side, row.action) == ("message", "redact")


values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=5) | st.none())


@given(st.dictionaries(st.sampled_from(["action", "would", "rule", "rules", "route", "channel"]), values))
def test_no_fields_break_the_console(fields):
    [row] = rows([Stored("message:input:judged", {**fields, "action": "block"})])
    assert len(rows([Stored("reply:output:judged", fields)])) <= 1
    assert all(isinstance(rule, str) for rule in row.rules)
    assert isinstance(row.action, str)


def judged(action: Action, confidence: float, span: tuple[int, int]) -> Decision:
    return Decision(Finding("a.b/c", Category.LINK, Severity.LOW, confidence, span), action, Treatment.KEEP)


def test_findings_are_those_that_policy_acts_on():
    verdict = Verdict(decisions=(judged(Action.ALLOW, 0.2, (0, 1)), judged(Action.REDACT, 0.9, (1, 2))))
    assert [finding["span"] for finding in verdict_object(verdict, "hé")["findings"]] == [[1, 2]]


def test_an_unchanged_text_is_its_own_forwarding():
    assert verdict_object(Verdict(), "hé")["text"] == "hé"
    assert verdict_object(Verdict(text=""), "hé")["text"] == ""


def test_scores_are_of_every_guard_that_ran_the_surest_finding_or_the_models_own():
    decisions = (judged(Action.ALLOW, 0.2, (0, 1)), judged(Action.REDACT, 0.9, (1, 2)))
    verdict = Verdict(decisions=decisions, ran=("a.b", "d.e", "f.g"), scores=(("f.g", 0.31),))
    assert verdict_object(verdict, "hé", scores=True)["scores"] == {"a.b": 0.9, "d.e": 0.0, "f.g": 0.31}
    assert "scores" not in verdict_object(verdict, "hé")
