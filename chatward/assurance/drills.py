"""What was practised, and when it is due again: erasure, putting a backup back, an incident, attacks on one's own.

The rules:

1. A drill is an entry of the record (``report:drill:recorded``): its kind, its day, whether it went well, who answers
   for it, and the SHA-256 of what was written about it. A run of ``chatward redteam`` is a drill of its kind.
2. The newest of a kind counts, by its day. One that failed does not count, nor does one older than ``assurance.drills``
   allows; a control that rests on it is *unobserved* then, with the reason.
3. How old it is, is seen from the last entry of the record, so that the same record gives the same report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from chatward.core.events import Event
from chatward.ledger.reading import Record
from chatward.settings.assurance import Drills

KINDS: Final[Mapping[str, str]] = {
    "erasure": "Somebody's data were erased and the receipt was verified",
    "restore": "A backup was put back and the record in it was verified",
    "incident": "A breach was gone through, with its clocks and who is told",
    "redteam": "The suite of attacks was run against a bot",
}
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Drill:
    """``at``: seconds since 1970."""

    kind: str
    at: float
    good: bool
    by: str = ""

    def fields(self, sha256: str = "") -> dict[str, Any]:
        """For the record."""
        told = {"kind": self.kind, "day": int(self.at), "good": self.good, "by": self.by}
        return {**told, "sha256": sha256} if sha256 else told


def drills(records: Iterable[Record]) -> list[Drill]:
    """Every drill of the record, in its order."""
    found = []
    for one in records:
        if one.event == Event.DRILL_RECORDED.value:
            kind, day, by = one.fields.get("kind"), one.fields.get("day"), one.fields.get("by", "")
            if isinstance(kind, str) and isinstance(day, int):
                found.append(Drill(kind, day, one.fields.get("good") is True, str(by)))
        elif one.event == Event.REDTEAM_RUN.value:
            found.append(Drill("redteam", one.at / 1e9, True))
    return found


def newest(found: Iterable[Drill]) -> dict[str, Drill]:
    """The one of each kind that counts."""
    made: dict[str, Drill] = {}
    for one in found:
        if one.kind not in made or one.at >= made[one.kind].at:
            made[one.kind] = one
    return made


def lacking(kind: str, wanted: Drills, known: Mapping[str, Drill], now: float) -> str:
    """Why a drill does not count; empty where it does, or where none is asked for."""
    days = getattr(wanted, kind)
    if not days:
        return ""
    last = known.get(kind)
    if last is None:
        return f"there is no drill of it: {kind}"
    day = datetime.fromtimestamp(last.at, UTC).date().isoformat()
    if not last.good:
        return f"its last drill failed: {kind} on {day}"
    if now - last.at > days * _DAY:
        return f"its last drill is older than {days} days: {kind} on {day}"
    return ""


def standing(wanted: Drills, known: Mapping[str, Drill], now: float) -> list[dict[str, Any]]:
    """A row for each kind: when it was, when it is due, and what lacks."""
    rows = []
    for kind, what in KINDS.items():
        last, days = known.get(kind), getattr(wanted, kind)
        due = None if last is None or not days else last.at + days * _DAY
        rows.append(
            {
                "kind": kind,
                "what": what,
                "every": days or None,
                "last": None if last is None else _date(last.at),
                "good": None if last is None else last.good,
                "by": last.by if last is not None and last.by else None,
                "due": None if due is None else _date(due),
                "why": lacking(kind, wanted, known, now) or None,
            }
        )
    return rows


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
