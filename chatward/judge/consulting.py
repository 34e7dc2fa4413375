"""A turn's doubts put to the judge, and what policy makes of the answers.

The rule: what comes back is joined to the verdict of the first two tiers with ``|``, which keeps the stricter, so that
asking can only add. ``Consulted.cleared`` alone speaks for less, and is empty unless the settings allow it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chatward.core.values import (
    Action,
    Decision,
    Finding,
    Inspected,
    Moment,
    Outcome,
    Part,
    Source,
    Span,
    Unavailable,
    Verdict,
)
from chatward.judge.judge import Judge
from chatward.judge.opinions import clears, outcome
from chatward.policy.policy import Policy

_BY_MODEL: Final = re.compile(r"text\.injection/(?:model-.+|indirect-model)")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A part that the first two tiers are unsure of. ``text`` is what the judge gets to read: the part as it would go
    on to the bot, placeholders in it; ``span`` is where a finding would point in the original."""

    part: int
    text: str
    source: Source
    span: Span


@dataclass(frozen=True, slots=True)
class Consulted:
    """``verdict`` of the judge's findings alone. ``findings`` by part, for who remembers parts. ``cleared``: parts
    whose unsure findings may be dropped."""

    verdict: Verdict
    findings: Mapping[int, Finding]
    cleared: frozenset[int]


def doubts(judge: Judge, verdict: Verdict, parts: Sequence[Part], edits: Mapping[int, str]) -> list[Doubt]:
    """What of a turn's input is left to the judge: parts with an unsure finding of the injection models, unless the
    turn is stopped already. ``edits`` are the texts as they go on, by part."""
    if verdict.would >= Action.CHALLENGE:
        return []
    unsure: dict[int, Finding] = {}
    for decision in verdict.decisions:
        finding = decision.finding
        if _BY_MODEL.fullmatch(finding.rule) and judge.unsure(finding.confidence):
            unsure.setdefault(finding.part, finding)
    return [
        Doubt(index, edits.get(index, parts[index].text), parts[index].source, finding.span)
        for index, finding in unsure.items()
    ]


async def consult(judge: Judge, policy: Policy, doubts: Sequence[Doubt]) -> Consulted:
    """Asks about all doubts at once."""
    opinions = await asyncio.gather(*(judge.ask(doubt.text, source=doubt.source) for doubt in doubts))
    settings = judge.settings
    outcomes: list[Outcome] = []
    decisions: list[Decision] = []
    findings: dict[int, Finding] = {}
    cleared: set[int] = set()
    for doubt, opinion in zip(doubts, opinions, strict=True):
        found = outcome(opinion, span=doubt.span, part=doubt.part, source=doubt.source, required=settings.required)
        if found is None:
            continue
        outcomes.append(found)
        for finding in found.findings if isinstance(found, Inspected) else ():
            findings[doubt.part] = finding
            decisions.append(policy.decide(finding, Moment.INPUT, doubt.source))
        if clears(opinion, allowed=settings.clears):
            cleared.add(doubt.part)
    # A guard has one outcome: it could not look at all that it was to look at, or it could.
    failed: list[Outcome] = [one for one in outcomes if isinstance(one, Unavailable)]
    return Consulted(policy.judge((failed or outcomes)[:1], decisions), findings, frozenset(cleared))
