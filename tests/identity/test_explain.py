"""Rulings in words: what is said, and what is not."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from chatward.core.identity import Assurance, Kind, Principal, Question, Ruling
from chatward.identity.cedar import REASONS, CedarAuthorizer
from chatward.identity.cedar_policies import book
from chatward.identity.explain import OUTCOMES, explain, outcome

SECRET = "tenant-limit-4711"
POLICIES = book(
    {
        "/etc/secret-place/f.cedar": f"""
        @id("talk") @title("People may talk") @owner("ops") permit (principal, action, resource)
        when {{ !(context has purpose && context.purpose == "{SECRET}") }};
        @id("strong") @title("Strongly") @step_up("passkey") forbid (principal, action == Action::"tool:call", resource)
        when {{ context.assurance < 3 }};
        @id("consent") @approval("operator") forbid (principal, action == Action::"tool:call", resource == Tool::"wire")
        unless {{ context.approved }};
        """
    }
)
AUTHORIZER = CedarAuthorizer(POLICIES)
PERSON = Principal("person:someone", Kind.PERSON, roles=frozenset({"a-role"}), assurance=Assurance.SINGLE)


def told(action: str, resource: tuple[str, str], **context: object) -> tuple[str, tuple[str, ...]]:
    explanation = explain(AUTHORIZER.decide(Question(PERSON, action, resource, context)), AUTHORIZER.policies)
    assert explanation.outcome in OUTCOMES
    said = repr(asdict(explanation))
    for hidden in (SECRET, "secret-place", "person:someone", "a-role", "context."):
        assert hidden not in said
    return explanation.outcome, explanation.sentences


def test_allowed() -> None:
    assert told("message:send", ("Bot", "b")) == (
        "allow",
        ("Allowed: a policy permits it.", "The policy `talk` (People may talk) permits it."),
    )


def test_denied_by_default_names_no_policy() -> None:
    assert told("message:send", ("Bot", "b"), purpose=SECRET) == ("deny", ("Denied: no policy permits it.",))


def test_step_up_and_approval() -> None:
    assert told("tool:call", ("Tool", "wire")) == (
        "step-up-and-approval",
        (
            "Held back: it needs a stronger proof of who asks.",
            "The policy `consent` forbids it.",
            "The policy `strong` (Strongly) forbids it.",
            "It goes on with a passkey.",
            "It goes on with an operator's consent.",
        ),
    )


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_words(reason: str) -> None:
    sentences = explain(Ruling(reason == "permitted", ("talk",), reason), AUTHORIZER.policies).sentences
    assert sentences[0].endswith(REASONS[reason][1:])
    assert ("failed" in sentences[1]) == (reason == "policy-error")


def test_an_unknown_policy_and_reason_are_told_as_such() -> None:
    explanation = explain(Ruling(False, ("gone",), "x"), {})
    assert explanation.sentences == ("Denied: no reason is given.", "The policy `gone` decided it.")


def test_outcomes() -> None:
    assert outcome(Ruling(True)) == "allow"
    assert outcome(Ruling(False)) == "deny"
    assert outcome(Ruling(False, step_up=Assurance.MULTI)) == "step-up"
    assert outcome(Ruling(False, approval=True)) == "approval"
    assert outcome(Ruling(False, step_up=Assurance.MULTI, approval=True)) == "step-up-and-approval"
