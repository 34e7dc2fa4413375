"""Abuse and safety topics: harassment, hate, sexual content, self-harm, violence, illegal goods; by the shipped models,
and by rule where words leave no doubt.

The rule: what is done depends on who is hurt. An insult at a bot is noted and nothing more; hate, sexual advances,
threats and asks for illegal things are stopped; words of a person who may harm herself are answered with a help
line, never with a bare refusal (``routes.*.help_line``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from chatward.core.ports import Cost, GuardSpec, Item, Weighed
from chatward.core.rules import Rule
from chatward.core.values import MODEL, Category, Finding, Moment, PartKind, Severity, Source
from chatward.guards.text import abuse_rules
from chatward.models.shipped import shipped

if TYPE_CHECKING:
    from chatward.models.cascade import Cascade

GUARD: Final = "text.abuse"
SELF_HARM: Final = f"{GUARD}/self-harm"
_LEAST: Final = 0.05  # below it a score is not worth a line; policy's threshold decides what counts
_HEADS: Final = (
    ("toxic", "harassment", Severity.INFO),
    ("hate", "hate", Severity.MEDIUM),
    ("sexual", "sexual", Severity.MEDIUM),
    ("self-harm", "self-harm", Severity.HIGH),
    ("violence", "violence", Severity.HIGH),
    ("illegal", "illegal", Severity.HIGH),
)


class AbuseRules:
    """Plain words of self-harm and threats (a ``RuleGuard``) in what users write."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Harassment, hate, sexual content, self-harm, violence and asks for illegal things, by model; plain "
        "words of self-harm and threats by rule",
        moments=frozenset({Moment.INPUT}),
        look_ahead=None,
        cost=Cost.MODEL,
        sources=frozenset({Source.USER}),
    )

    @property
    def rules(self) -> Sequence[Rule]:
        return abuse_rules.RULES


class AbuseGuard(AbuseRules):
    """The rules, and the models' answer (a ``RuleGuard``, ``ModelGuard`` and ``PreparingGuard``)."""

    def __init__(self, models: Callable[[], Cascade] = shipped) -> None:
        self._models = models

    def prepare(self, item: Item) -> Sequence[Awaitable[None]]:
        """What ``weigh`` will need, being read beside the event loop."""
        return () if item.kind is PartKind.OPAQUE else self._models().prepare(item.reading.plain.text)

    def weigh(self, item: Item) -> Weighed:
        if item.kind is PartKind.OPAQUE:
            return Weighed()
        analysis = self._models().analyse(item.reading.plain.text)
        found: list[Finding] = []
        scores: list[tuple[str, float]] = [(GUARD, max(analysis.scores[head] for head, _, _ in _HEADS))]
        for head, rule, severity in _HEADS:
            score = analysis.scores[head]
            scores.append((f"{GUARD}/{rule}", score))
            if score >= _LEAST and head in analysis.where:
                span = item.reading.plain.original(*analysis.where[head])
                found.append(
                    Finding(
                        f"{GUARD}/{rule}", Category.ABUSE, severity, round(score, 4), span, item.index, detail=MODEL
                    )
                )
        return Weighed(tuple(found), tuple(scores))
