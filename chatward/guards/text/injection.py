"""Prompt injection and jailbreaks, by rule in thirty-seven languages and by the shipped models.

The rule: a rule knows a *way of speaking to the bot*, not a topic. Asking about injection, quoting an attack or
ordinary support language ("disregard my last message") stays below the threshold; telling the bot to drop its
instructions does not. Rules read every view of a text, so that encoded and disguised attacks count as plain ones.

Rules named ``indirect-`` are for tool results and documents alone; policy leaves them out elsewhere. What rules cannot
tell is left to the models (``injection_model``): an ordinary request in the wrong place, or an attack in words of
its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from chatward.core.ports import Cost, GuardSpec, Item, Weighed
from chatward.core.rules import Rule
from chatward.core.values import Moment
from chatward.guards.text import (
    injection_model,
    injection_rules_asia,
    injection_rules_balkans,
    injection_rules_en,
    injection_rules_europe,
    injection_rules_indirect,
    injection_rules_jailbreak,
    injection_rules_nordic,
    injection_rules_smuggling,
    injection_rules_south,
    injection_rules_uralic,
)
from chatward.guards.text.injection_grammar import GUARD
from chatward.models.shipped import shipped

if TYPE_CHECKING:
    from chatward.models.cascade import Cascade

_RULES: Final[tuple[Rule, ...]] = (
    *injection_rules_en.RULES,
    *injection_rules_jailbreak.RULES,
    *injection_rules_smuggling.RULES,
    *injection_rules_indirect.RULES,
    *injection_rules_europe.RULES,
    *injection_rules_nordic.RULES,
    *injection_rules_uralic.RULES,
    *injection_rules_balkans.RULES,
    *injection_rules_asia.RULES,
    *injection_rules_south.RULES,
)


class InjectionRules:
    """All injection rules (a ``RuleGuard``)."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Prompt injection and jailbreaks by rule and by model, in many languages, encoded and disguised forms "
        "included",
        moments=frozenset({Moment.INPUT}),
        look_ahead=None,
        cost=Cost.MODEL,
    )

    @property
    def rules(self) -> Sequence[Rule]:
        return _RULES


class InjectionGuard(InjectionRules):
    """All injection rules, and the models' answer (a ``RuleGuard`` and a ``ModelGuard``)."""

    def __init__(self, models: Callable[[], Cascade] = shipped) -> None:
        self._models = models

    def weigh(self, item: Item) -> Weighed:
        return injection_model.weigh(self._models, item)

    def prepare(self, item: Item) -> Sequence[Awaitable[None]]:
        return injection_model.prepare(self._models, item)
