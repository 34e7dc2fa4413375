"""A turn's doubts put to the judge, and what policy makes of the answers.

The rule: what comes back is joined to the verdict of the first two tiers with ``|``, which keeps the stricter, so that
asking can only add. ``Consulted.cleared`` alone speaks for less, and is empty unless the settings allow it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatward.core.values import Decision, Finding, Inspected, Moment, Outcome, Source, Span, Unavailable, Verdict
from chatward.judge.judge import Judge
from chatward.judge.opinions import clears, outcome
from chatward.policy.policy import Policy


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
    outcomes = [one for one in outcomes if isinstance(one, Unavailable)][:1] or outcomes[:1]
    return Consulted(policy.judge(outcomes, decisions), findings, frozenset(cleared))
