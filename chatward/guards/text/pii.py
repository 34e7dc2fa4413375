"""The PII guard: personal data found by pattern, proved by check digit or by name, and by model.

The rule: a value is personal data where its form *and* its check digit say so, or where the words before
it do. Confidence says which: 0.85 and more for form with check, 0.6 to 0.8 for a name alone, below 0.5
for what only might be. What is found and how stands in the modules beside this one:

* ``pii_contact``: e-mail, telephone
* ``pii_address``, ``pii_birth``: postal addresses, postcodes, dates of birth
* ``pii_finance``, ``pii_wallets``: cards, IBAN, bank accounts, crypto wallets
* ``pii_national`` with its tables of Europe and the world: national ids
* ``pii_documents``: passport, driving licence, vehicle, health and customer numbers
* ``pii_device``: IP, MAC, IMEI, coordinates

Names of people, places, organisations, health terms, dates and ages are found by the shipped model in texts on
their way in (``pii_model``). Nothing is compiled or loaded here: the engine compiles the patterns, validators and
models load when first asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from chatward.core.ports import Cost, GuardSpec, Item, Weighed
from chatward.core.rules import Rule
from chatward.core.values import Moment
from chatward.guards.text import (
    pii_address,
    pii_birth,
    pii_contact,
    pii_device,
    pii_documents,
    pii_finance,
    pii_model,
    pii_national,
    pii_national_europe,
    pii_national_world,
    pii_wallets,
)
from chatward.models.shipped import shipped

if TYPE_CHECKING:
    from chatward.models.cascade import Cascade

_SPEC: Final = GuardSpec(
    id="text.pii",
    summary="Personal data by pattern and check digit (contact, cards, accounts, national ids, documents, devices) "
    "and by model (names, addresses, organisations, places, health)",
    moments=frozenset((Moment.INPUT, Moment.OUTPUT, Moment.TOOL_CALL)),
    cost=Cost.MODEL,
)

RULES: Final[tuple[Rule, ...]] = (
    *pii_contact.RULES,
    *pii_finance.RULES,
    *pii_wallets.RULES,
    *pii_national.rules(pii_national_europe.IDS),
    *pii_national.rules(pii_national_world.IDS),
    *pii_documents.RULES,
    *pii_birth.RULES,
    *pii_address.RULES,
    *pii_device.RULES,
)

ENTITIES: Final[frozenset[str]] = frozenset(rule.entity for rule in RULES) | pii_model.ENTITIES
"""Every kind of value that this guard's placeholders can stand for."""


class PiiRules:
    """Rules, run in the engine's one pass (a ``RuleGuard``)."""

    @property
    def spec(self) -> GuardSpec:
        return _SPEC

    @property
    def rules(self) -> Sequence[Rule]:
        return RULES


class PiiGuard(PiiRules):
    """Rules, and the model's names (a ``RuleGuard`` and a ``ModelGuard``)."""

    def __init__(self, models: Callable[[], Cascade] = shipped) -> None:
        self._models = models

    def weigh(self, item: Item) -> Weighed:
        return pii_model.weigh(self._models, item)

    def prepare(self, item: Item) -> Sequence[Awaitable[None]]:
        return pii_model.prepare(self._models, item)
