"""Policy: what findings mean on a route."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.values import (
    Action,
    Category,
    Decision,
    Finding,
    Inspected,
    Moment,
    Severity,
    Source,
    Treatment,
    Unavailable,
    Verdict,
)
from chatward.policy.policy import Policy
from chatward.settings import Route, RuleException, RuleSetting, Treatments

TODAY = date(2026, 11, 22)


def policy(**route: object) -> Policy:
    return Policy(Route(**route), version="v1", today=TODAY)  # type: ignore[arg-type]


def finding(
    rule: str = "text.pii/email", category: Category = Category.PII, confidence: float = 0.9, **more: object
) -> Finding:
    return Finding(rule, category, Severity.MEDIUM, confidence, (0, 5), entity="EMAIL", **more)  # type: ignore[arg-type]


def decide(
    made: Policy, found: Finding, moment: Moment = Moment.INPUT, source: Source = Source.USER, **more: object
) -> Decision:
    return made.decide(found, moment, source, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("category", "moment", "own", "treatment"),
    [
        (Category.PII, Moment.INPUT, False, Treatment.PLACEHOLDER),
        (Category.PII, Moment.OUTPUT, False, Treatment.MASK),
        (Category.PII, Moment.OUTPUT, True, Treatment.KEEP),
        (Category.PHI, Moment.TOOL_CALL, False, Treatment.MASK),
        (Category.SECRET, Moment.INPUT, False, Treatment.PLACEHOLDER),
        (Category.SECRET, Moment.OUTPUT, False, Treatment.MASK),
        (Category.LINK, Moment.INPUT, False, Treatment.BLOCK),
        (Category.LINK, Moment.OUTPUT, False, Treatment.REMOVE),
        (Category.INJECTION, Moment.INPUT, False, Treatment.BLOCK),
        (Category.JAILBREAK, Moment.INPUT, False, Treatment.BLOCK),
        (Category.LEAK, Moment.OUTPUT, False, Treatment.BLOCK),
        (Category.MALWARE, Moment.OUTPUT, False, Treatment.BLOCK),
        (Category.POLICY, Moment.INPUT, False, Treatment.BLOCK),
    ],
)
def test_the_defaults_are_safe(category: Category, moment: Moment, own: bool, treatment: Treatment) -> None:
    decision = decide(policy(), finding(category=category), moment, own=own)
    assert decision.treatment is treatment
    assert (decision.action is Action.ALLOW) == (treatment is Treatment.KEEP)


def test_the_threshold_is_the_rules_then_the_routes() -> None:
    assert decide(policy(), finding(confidence=0.49)).because == "below threshold"
    assert decide(policy(), finding(confidence=0.5)).action is Action.REDACT
    assert decide(policy(threshold=0.95), finding()).action is Action.ALLOW
    rules = {"text.pii": RuleSetting(threshold=0.95), "text.pii/email": RuleSetting(threshold=0.2)}
    assert decide(policy(rules=rules), finding(confidence=0.3)).action is Action.REDACT
    assert decide(policy(rules=rules), finding("text.pii/card")).action is Action.ALLOW


def test_the_most_specific_setting_counts() -> None:
    rules = {"text.*": RuleSetting(enabled=False), "text.pii/e*": RuleSetting(treatment="block")}
    assert decide(policy(rules=rules), finding()).treatment is Treatment.BLOCK
    assert decide(policy(rules=rules), finding("text.pii/card")).because == "rules.text.*"


def test_exceptions_end() -> None:
    def excepted(expires: str, *values: str) -> Decision:
        exception = RuleException(rule="text.pii/*", owner="ops", expires=expires, values=values)
        return decide(policy(exceptions=(exception,)), finding(), value="Bob@Example.com")

    assert excepted("2026-11-22").because == "exceptions"
    assert excepted("2026-11-21").action is Action.REDACT
    assert excepted("2026-12-01", "*@example.com").because == "exceptions"
    assert excepted("2026-12-01", "ann@example.com").action is Action.REDACT


def test_allowed_values_are_values_only() -> None:
    made = policy(allow=("help@example.com",))
    assert decide(made, finding(), value="HELP@example.com").because == "allow"
    attack = finding("text.injection/x", Category.INJECTION)
    assert decide(made, attack, value="help@example.com").action is Action.BLOCK


@pytest.mark.parametrize("source", list(Source))
def test_indirect_rules_speak_of_untrusted_text(source: Source) -> None:
    decision = decide(policy(), finding("text.injection/indirect-x", Category.INDIRECT_INJECTION), source=source)
    assert (decision.action is Action.BLOCK) == (source not in (Source.USER, Source.OPERATOR))


def test_injection_in_untrusted_text_is_indirect() -> None:
    for source in (Source.TOOL, Source.DOCUMENT):
        decision = decide(policy(), finding("text.injection/x", Category.INJECTION), source=source)
        assert decision.finding.category is Category.INDIRECT_INJECTION
    assert (
        decide(policy(), finding("text.injection/x", Category.INJECTION), source=Source.OPERATOR).action is Action.ALLOW
    )


def test_information_never_acts() -> None:
    found = Finding("a.b/c", Category.LEAK, Severity.INFO, 1.0, (0, 0))
    assert decide(policy(), found).action is Action.ALLOW


DECISIONS = st.lists(
    st.sampled_from(
        [
            Decision(finding(), Action.ALLOW, Treatment.KEEP),
            Decision(finding(), Action.REDACT, Treatment.MASK),
            Decision(finding("text.leak/x", Category.LEAK), Action.BLOCK, Treatment.BLOCK),
        ]
    ),
    max_size=4,
)
OUTCOMES = st.lists(st.sampled_from([Inspected("text.pii"), Unavailable("text.leak", "error")]), max_size=3)


@given(OUTCOMES, DECISIONS, st.sampled_from(["enforce", "monitor"]), st.sampled_from(["block", "allow"]))
def test_the_verdict_is_the_strictest(
    outcomes: list[Inspected | Unavailable], decisions: list[Decision], mode: str, missing: str
) -> None:
    verdict = policy(mode=mode, on_unavailable=missing).judge(outcomes, decisions)
    down = [o for o in outcomes if isinstance(o, Unavailable)]
    strictest = max((d.action for d in decisions), default=Action.ALLOW)
    assert verdict.would == (Action.BLOCK if down and missing == "block" else strictest)
    assert verdict.action == (verdict.would if mode == "enforce" else Action.ALLOW)
    assert list(verdict.unavailable) == down  # a guard that could not run is always named
    assert (verdict.rule == "") == (verdict.would is Action.ALLOW)


VERDICTS = st.builds(
    lambda action, name: Verdict(action, action, name, ran=(name,)), st.sampled_from(Action), st.sampled_from("abc")
)


@given(VERDICTS, VERDICTS, VERDICTS)
def test_or_keeps_the_stricter(a: Verdict, b: Verdict, c: Verdict) -> None:
    assert (a | b).action == max(a.action, b.action)
    assert ((a | b) | c).action == (a | (b | c)).action
    assert set((a | b).ran) == {*a.ran, *b.ran}


def test_every_treatment_can_be_set() -> None:
    for name in ("keep", "mask", "placeholder", "hash", "remove", "block"):
        made = policy(treatments=Treatments(pii_input=name))
        assert decide(made, finding()).treatment is Treatment(name)
