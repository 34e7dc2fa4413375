"""The abuse guard: which heads become which findings, and what policy makes of them."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.normalise import read
from chatward.core.ports import Item, ModelGuard, PreparingGuard
from chatward.core.values import Action, Category, Moment, PartKind, Severity, Source
from chatward.guards.text.abuse import SELF_HARM, AbuseGuard
from chatward.policy.policy import Policy
from chatward.settings import Route, RuleSetting
from tests.simulators.models import Scripted

RULES = {
    "toxic": "harassment",
    "hate": "hate",
    "sexual": "sexual",
    "self-harm": "self-harm",
    "violence": "violence",
    "illegal": "illegal",
}


def item(text: str, kind: PartKind = PartKind.TEXT) -> Item:
    return Item(1, Source.USER, kind, read(text, kind, deep=True))


@given(st.dictionaries(st.sampled_from(sorted(RULES)), st.floats(0.001, 1.0)))
def test_each_head_is_a_rule_of_its_own(said: dict[str, float]) -> None:
    text = "you word there"
    weighed = AbuseGuard(Scripted({"word": said})).weigh(item(text))
    expected = {RULES[head]: round(score, 4) for head, score in said.items() if score >= 0.05}
    assert {finding.rule.partition("/")[2]: finding.confidence for finding in weighed.findings} == expected
    assert {finding.span for finding in weighed.findings} <= {(4, 8)}
    assert {(finding.category, finding.part) for finding in weighed.findings} <= {(Category.ABUSE, 1)}
    assert weighed.scores[0] == ("text.abuse", max(said.values(), default=0.0))
    assert dict(weighed.scores[1:]) == {f"text.abuse/{rule}": said.get(head, 0.0) for head, rule in RULES.items()}


def test_other_heads_are_not_its_business() -> None:
    weighed = AbuseGuard(Scripted({"word": {"attack": 0.99, "scam": 0.99, "indirect": 0.99}})).weigh(item("word"))
    assert weighed.findings == ()
    assert {score for _, score in weighed.scores} == {0.0}


@pytest.mark.parametrize("head", sorted(RULES))
def test_an_insult_is_noted_and_the_rest_is_stopped(head: str) -> None:
    policy = Policy(Route(), version="v1", today=date(2026, 11, 22))
    (finding,) = AbuseGuard(Scripted({"word": {head: 0.9}})).weigh(item("word")).findings
    action = policy.decide(finding, Moment.INPUT, Source.USER, value="word").action
    assert action is (Action.ALLOW if head == "toxic" else Action.BLOCK)
    (weak,) = AbuseGuard(Scripted({"word": {head: 0.4}})).weigh(item("word")).findings
    assert policy.decide(weak, Moment.INPUT, Source.USER, value="word").action is Action.ALLOW


def test_a_rule_may_be_switched_off() -> None:
    route = Route(rules={SELF_HARM: RuleSetting(enabled=False)})
    policy = Policy(route, version="v1", today=date(2026, 11, 22))
    (finding,) = AbuseGuard(Scripted({"word": {"self-harm": 0.9}})).weigh(item("word")).findings
    assert finding.rule == SELF_HARM
    assert finding.severity is Severity.HIGH
    assert policy.decide(finding, Moment.INPUT, Source.USER).action is Action.ALLOW


def test_spans_point_at_the_original() -> None:
    text = "oh ｗｏｒｄ"
    (finding,) = AbuseGuard(Scripted({"word": {"hate": 0.9}})).weigh(item(text)).findings
    assert text[slice(*finding.span)] == "ｗｏｒｄ"


def test_what_is_prepared_is_not_read_again() -> None:
    models = Scripted({"word": {"hate": 0.9}})
    guard = AbuseGuard(models)

    async def prepare() -> None:
        await asyncio.gather(*guard.prepare(item("a word")))

    asyncio.run(prepare())
    assert guard.weigh(item("a word")).findings
    assert models.reads == 0
    assert models.asked == [("a word", False, False)]


def test_it_reads_users_and_texts_alone() -> None:
    models = Scripted()
    guard = AbuseGuard(models)
    assert guard.spec.sources == {Source.USER}
    assert guard.weigh(item("", PartKind.OPAQUE)).scores == ()
    assert guard.prepare(item("", PartKind.OPAQUE)) == ()
    assert models.asked == []
    assert isinstance(guard, ModelGuard)
    assert isinstance(guard, PreparingGuard)
