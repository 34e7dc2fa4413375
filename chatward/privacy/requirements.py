"""How requirements of law stand in this installation: a table made from the settings, the code and the ledger.

The rules:

1. A requirement names the code that enforces it, a test that fails without it, and the evidence it writes. The code is
   looked up every time, the tests by the test of this table: a name that is not there is an error, never a pass.
2. Its state is one of five. *Enforced and observed*: switched on, and the ledger holds its evidence.
   *Enforced and unobserved*: switched on, and no evidence yet. *Configured off*: its profile, or its setting, is not
   on. *The customer's duty*: no program can do it. *Not assessed*: nobody has looked; never a pass.
3. ``limit`` says what of the requirement is not done. Enforced means: what is said, less its limit.

Clauses were checked against secondary sources, not against the official texts, whose versions are in ``LAWS``. Not
legal advice, and no certification.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, Final

from chatward.core.events import Event
from chatward.ledger.reading import Record as Read
from chatward.settings import Settings
from chatward.settings.privacy_rules import profiles

LAWS: Final[Mapping[str, str]] = {
    "gdpr": "Regulation (EU) 2016/679 of 27 April 2016, as corrected on 23 May 2018",
    "hipaa": "45 CFR Part 164, as amended on 25 January 2013 and later",
    "ccpa": "California Civil Code 1798.100-1798.199.100 as amended by the CPRA (2020); 11 CCR 7000-7304 (2023)",
    "eu-ai-act": "Regulation (EU) 2024/1689 of 13 June 2024; Article 50 applies from 2 August 2026",
    "companion": "California Business and Professions Code 22601-22606 (SB 243 of 2025), in force 1 January 2026",
}
DISCLAIMER: Final = "Not legal advice, and not a certification."


class Status(str, Enum):
    OBSERVED = "enforced and observed"
    UNOBSERVED = "enforced and unobserved"
    OFF = "configured off"
    DUTY = "customer's duty"
    NOT_ASSESSED = "not assessed"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of a law. ``enforced_by``: ``module:name`` of live objects. ``tests``: ``path::name``. ``evidence``:
    events, or ``event/reason``. ``on``: whether the settings switch it on, besides its profile."""

    id: str
    law: str
    sentence: str
    enforced_by: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    on: Callable[[Settings], bool] = lambda settings: True
    limit: str = ""
    duty: bool = False

    @property
    def profile(self) -> str:
        return self.id.rpartition(".")[0]

    def objects(self) -> list[Any]:
        """The code. Raises ``ImportError`` and ``AttributeError`` where it is not there."""
        found = []
        for name in self.enforced_by:
            module, _, attribute = name.partition(":")
            found.append(attrgetter(attribute)(importlib.import_module(module)))
        return found

    def status(self, settings: Settings, seen: Mapping[str, int]) -> Status:
        if self.duty:
            return Status.DUTY
        if not self.enforced_by:
            return Status.NOT_ASSESSED
        if self.profile not in profiles(settings.privacy) or not self.on(settings):
            return Status.OFF
        return Status.OBSERVED if any(seen.get(one) for one in self.evidence) else Status.UNOBSERVED


def evidence(records: Iterable[Read]) -> dict[str, int]:
    """How often each event is in the ledger, and each refusal by its reason (``request:call:refused/REASON``)."""
    seen: dict[str, int] = {}
    for record in records:
        names = [record.event]
        why = record.fields.get("reason")
        if record.event == Event.REQUEST_REFUSED.value and isinstance(why, str):
            names.append(f"{record.event}/{why}")
        for name in names:
            seen[name] = seen.get(name, 0) + 1
    return seen


def table(requirements: Iterable[Requirement], settings: Settings, seen: Mapping[str, int]) -> list[dict[str, Any]]:
    """A row for each requirement, with what was looked up."""
    rows = []
    for one in requirements:
        one.objects()
        rows.append(
            {
                "id": one.id,
                "law": one.law,
                "version": LAWS[one.profile],
                "requirement": one.sentence,
                "enforced_by": list(one.enforced_by),
                "tests": list(one.tests),
                "evidence": {name: seen.get(name, 0) for name in one.evidence},
                "status": one.status(settings, seen).value,
                "limit": one.limit or None,
            }
        )
    return rows
