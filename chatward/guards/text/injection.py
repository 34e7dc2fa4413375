"""Prompt injection and jailbreaks by rule, in twenty languages.

The rule: a rule knows a *way of speaking to the bot*, not a topic. Asking about injection, quoting an attack or
ordinary support language ("disregard my last message") stays below the threshold; telling the bot to drop its
instructions does not. Rules read every view of a text, so that encoded and disguised attacks count as plain ones.

Rules named ``indirect-`` are for tool results and documents alone; policy leaves them out elsewhere. What rules cannot
tell is left to the models: an ordinary request in the wrong place, or a harmful one without a technique.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chatward.core.ports import Cost, GuardSpec
from chatward.core.rules import Rule
from chatward.core.values import Moment
from chatward.guards.text import (
    injection_rules_asia,
    injection_rules_en,
    injection_rules_europe,
    injection_rules_indirect,
    injection_rules_jailbreak,
    injection_rules_smuggling,
)
from chatward.guards.text.injection_grammar import GUARD

_RULES: Final[tuple[Rule, ...]] = (
    *injection_rules_en.RULES,
    *injection_rules_jailbreak.RULES,
    *injection_rules_smuggling.RULES,
    *injection_rules_indirect.RULES,
    *injection_rules_europe.RULES,
    *injection_rules_asia.RULES,
)


class InjectionGuard:
    """All injection rules."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Prompt injection and jailbreaks by rule, in twenty languages, encoded and disguised forms included",
        moments=frozenset({Moment.INPUT}),
        look_ahead=None,
        cost=Cost.PATTERN,
    )

    @property
    def rules(self) -> Sequence[Rule]:
        return _RULES
