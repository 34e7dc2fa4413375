"""Which vendors are approved today, and the gate that asks for it on every message.

A vendor is approved as long as nothing is lacking by the settings (``settings_vendors.lacks``) and its newest
assessment, where one is demanded, has the score and has not run out. What is lacking shuts all of its bots from that
day on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from chatward.assurance.assessments import Assessments
from chatward.assurance.tasks import DAY
from chatward.core.errors import ClientError
from chatward.settings import Settings
from chatward.settings.types import dotted
from chatward.settings.vendors import REASON, lacks


def lacking(settings: Settings, assessments: Assessments, now: float) -> dict[str, list[str]]:
    """Vendor -> why it is not approved, as sentences; approved ones have none."""
    today, newest = datetime.fromtimestamp(now, UTC).date(), assessments.newest()
    found: dict[str, list[str]] = {}
    for name, vendor in settings.vendors.items():
        why = [f"{dotted(key)} {sentence}" for key, sentence in lacks(settings, vendor, today)]
        if vendor.least_score:
            at, score = newest.get(name, (0.0, -1))
            if score < 0:
                why.append("it was never assessed")
            elif now >= at + vendor.assessed_days * DAY:
                why.append("its assessment has run out")
            elif score < vendor.least_score:
                why.append(f"its score is {score}, and {vendor.least_score} is demanded")
        found[name] = why
    return found


class VendorGate:
    """``check`` looks again when a day begins, or anybody has written to the store."""

    def __init__(self, settings: Settings, assessments: Assessments, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._assessments = assessments
        self._clock = clock
        self._vendor_of = {bot: name for name, vendor in settings.vendors.items() for bot in vendor.bots}
        self._seen: Any = None
        self._ends = 0.0
        self._lacking: Mapping[str, list[str]] = {}

    def check(self, bot: str) -> None:
        """Raises ``ClientError`` (``vendor-not-approved``) and ``StoreError``."""
        vendor = self._vendor_of.get(bot)
        if vendor is None:
            return
        now, generation = self._clock(), self._assessments.generation
        if generation != self._seen or now >= self._ends:
            self._lacking = lacking(self._settings, self._assessments, now)
            self._seen, self._ends = generation, self._next(now)
        if self._lacking.get(vendor):
            raise ClientError(
                "This bot may not be used just now: its provider is not approved; ask who runs it.",
                reason=REASON,
                status=403,
            )

    def _next(self, now: float) -> float:
        """The next moment at which something may run out: midnight (UTC), or an assessment's end."""
        ends = [(now // DAY + 1) * DAY]
        newest = self._assessments.newest()
        ends += [
            newest[name][0] + one.assessed_days * DAY for name, one in self._settings.vendors.items() if name in newest
        ]
        return min(end for end in ends if end > now)
