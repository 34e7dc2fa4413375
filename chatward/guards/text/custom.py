"""Recognisers of an operator's own: words and patterns that are personal, secret or unwanted in one organisation.

The rule: a recogniser is configuration (``routes.*.recognisers``), not code. Its words match as whole words in any
case; its pattern is bounded like every other rule's (``core.rules``), so that it holds in streams as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from chatward.core.ports import Cost, GuardSpec
from chatward.core.rules import Rule
from chatward.core.values import Category, Moment, Severity
from chatward.settings import Recogniser

GUARD: Final = "text.custom"
_CATEGORIES: Final = {
    "pii": Category.PII,
    "phi": Category.PHI,
    "secret": Category.SECRET,
    "policy": Category.POLICY,
}


class CustomGuard:
    """A ``RuleGuard`` with the rules of one route's recognisers."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Words and patterns of the operator's own (`routes.*.recognisers`)",
        moments=frozenset((Moment.INPUT, Moment.OUTPUT, Moment.TOOL_CALL)),
        cost=Cost.PATTERN,
    )

    def __init__(self, recognisers: Sequence[Recogniser] = ()) -> None:
        self._rules = tuple(rule_of(recogniser) for recogniser in recognisers)

    @property
    def rules(self) -> Sequence[Rule]:
        return self._rules


def rule_of(recogniser: Recogniser) -> Rule:
    """The rule that a recogniser stands for."""
    pattern = recogniser.pattern
    if recogniser.words:
        longest_first = sorted(set(recogniser.words), key=len, reverse=True)
        pattern = r"(?<!\w)(?:" + "|".join(re.escape(word) for word in longest_first) + r")(?!\w)"
    return Rule(
        id=f"{GUARD}/{recogniser.name}",
        pattern=pattern,
        category=_CATEGORIES[recogniser.category],
        severity=Severity.MEDIUM,
        confidence=recogniser.confidence,
        summary=recogniser.summary or "A recogniser of the operator's own",
        entity=recogniser.entity,
        flags=re.IGNORECASE if recogniser.words else re.RegexFlag(0),
    )
