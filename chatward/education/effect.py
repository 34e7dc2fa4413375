"""Do people share less, and report more? Counted by week from the ledger, which holds no text."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from chatward.core.events import Event
from chatward.education.drills import FOLLOWED
from chatward.ledger.reading import between, tail

_DAY: Final = 86_400
_STEP: Final = 5_000
"""Entries that are read at a time."""
_SHARED: Final = ("text.pii/", "text.secrets/")
_SENT: Final = Event.UPSTREAM_INTENDED.value
_STOPPED: Final = Event.MESSAGE_JUDGED.value
_REPORTED: Final = Event.REPLY_REPORTED.value
_DRILL_SHOWN: Final = Event.DRILL_SHOWN.value
_DRILL_ENDED: Final = Event.DRILL_ENDED.value


@dataclass(slots=True)
class Week:
    """What was counted from ``monday`` (ISO 8601, UTC) on: messages, those in which something private was hidden, those
    that were stopped, reports of answers, and drills (which are no messages) with those whose link was followed."""

    monday: str
    messages: int = 0
    hidden: int = 0
    stopped: int = 0
    reports: int = 0
    drills: int = 0
    followed: int = 0

    @property
    def hidden_share(self) -> float | None:
        """Of all messages, those in which something private was hidden; ``None`` without messages."""
        return round(self.hidden / self.messages, 4) if self.messages else None


def weeks(ledger: str | os.PathLike[str], days: int, *, now: float | None = None) -> list[Week]:
    """The weeks of the newest ``days`` days that have entries, oldest first; none where there is no ledger. Raises
    ``StoreError``."""
    if not Path(ledger).exists():
        return []
    since = (time.time() if now is None else now) - days * _DAY
    found: dict[str, Week] = {}
    last = next((record.seq for record in tail(ledger, 1)), 0)
    while last > 0:
        records = between(ledger, max(1, last - _STEP + 1), last)
        for record in records:
            at = record.at / 1e9
            if at < since:
                continue
            day = datetime.fromtimestamp(at, UTC).date()
            monday = (day - timedelta(days=day.weekday())).isoformat()
            week = found.setdefault(monday, Week(monday))
            if record.event in {_SENT, _STOPPED}:
                week.messages += 1
                week.stopped += record.event == _STOPPED
                rules = record.fields.get("rules")
                shared = isinstance(rules, list) and any(str(rule).startswith(_SHARED) for rule in rules)
                week.hidden += shared and record.fields.get("action") == "redact"
            elif record.event == _REPORTED:
                week.reports += 1
            elif record.event == _DRILL_SHOWN:
                week.drills += 1
            elif record.event == _DRILL_ENDED:
                week.followed += record.fields.get("did") == FOLLOWED
        if not records or records[0].at / 1e9 < since:
            break
        last -= _STEP
    return [found[monday] for monday in sorted(found)]
