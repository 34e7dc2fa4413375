"""What follows from an opinion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatward.core.values import Category, Inspected, Severity, Source, Unavailable
from chatward.judge.opinions import FIRM, GUARD, Judged, NoOpinion, Ruling, Why, clears, outcome


@pytest.mark.parametrize(
    ("verdict", "rule", "category"),
    [
        (Ruling.INJECTION, "text.judge/injection", Category.INJECTION),
        (Ruling.JAILBREAK, "text.judge/jailbreak", Category.JAILBREAK),
        (Ruling.STEERING, "text.judge/steering", Category.INJECTION),
    ],
)
def test_an_attack_is_a_finding_on_the_whole_text(verdict: Ruling, rule: str, category: Category) -> None:
    found = outcome(Judged(verdict, 0.7), span=(3, 9), part=2, source=Source.USER)
    assert isinstance(found, Inspected)
    (finding,) = found.findings
    assert (finding.rule, finding.category, finding.confidence) == (rule, category, 0.7)
    assert (finding.span, finding.part, finding.severity) == ((3, 9), 2, Severity.HIGH)
    assert finding.guard == found.guard == GUARD


@pytest.mark.parametrize("verdict", [one for one in Ruling if one.attack])
@pytest.mark.parametrize("source", [Source.TOOL, Source.DOCUMENT])
def test_in_untrusted_text_every_attack_is_an_indirect_one(verdict: Ruling, source: Source) -> None:
    found = outcome(Judged(verdict, 0.7), span=(0, 1), source=source)
    assert isinstance(found, Inspected)
    assert found.findings[0].category is Category.INDIRECT_INJECTION
    assert not found.findings[0].rule.partition("/")[2].startswith("indirect-")


def test_benign_is_a_look_without_findings() -> None:
    assert outcome(Judged(Ruling.BENIGN, 0.1), span=(0, 1), source=Source.USER) == Inspected(GUARD)


@pytest.mark.parametrize("why", Why)
def test_no_opinion_is_unavailable_and_never_a_look(why: Why) -> None:
    found = outcome(NoOpinion(why), span=(0, 1), source=Source.USER)
    assert found == Unavailable(GUARD, "timeout" if why in {Why.TIMEOUT, Why.BUSY} else "error")
    assert outcome(NoOpinion(why), span=(0, 1), source=Source.USER, required=False) is None


def test_only_a_firm_benign_clears_and_only_where_allowed() -> None:
    assert clears(Judged(Ruling.BENIGN, FIRM), allowed=True)
    assert not clears(Judged(Ruling.BENIGN, 1.0), allowed=False)
    assert not clears(Judged(Ruling.BENIGN, FIRM - 0.01), allowed=True)
    assert not any(clears(Judged(ruling, 1.0), allowed=True) for ruling in Ruling if ruling.attack)
    assert not any(clears(NoOpinion(why), allowed=True) for why in Why)


def test_every_reason_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/judge.md").read_text("utf-8").partition("## No opinion")[2]
    rows = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)
    assert {reason for row in rows for reason in re.findall(r"`([a-z-]+)`", row)} == {why.value for why in Why}
