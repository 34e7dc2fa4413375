"""The register of personal data breaches: since when it is known, until when who is told, and what is told.

The rules:

1. The clock runs from awareness (GDPR Article 33(1)), whatever is known by then; what is not known yet is filled in
   later, in phases (33(4)). The authority is told within ``hours``; individuals under HIPAA within 60 days (45 CFR
   164.404(b)), the Department of Health with them where 500 or more are affected, else by the end of 60 days after the
   year (164.408).
2. Every breach stays in the register, told or not (33(5)). Who is not told is not told for a reason, which is written
   down: ``told`` with ``none-needed``.
3. The fields are those of Article 33(3). They are text that operators write about what happened; they are kept here and
   nowhere else, never in the ledger. Write no names into them.
4. ``affected`` finds subjects by what the ledger says was sent to bots in a window of time, so it names everybody who
   could be affected, not who was.

Waits for the disk: call it on a thread.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.ledger.reading import Record as Read
from chatward.privacy import clocks
from chatward.settings import Privacy
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "privacy-incidents",
    (
        "CREATE TABLE privacy_incidents (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        " aware REAL NOT NULL, due REAL NOT NULL, opened REAL NOT NULL, by TEXT NOT NULL, fields TEXT NOT NULL,"
        " told TEXT NOT NULL, closed REAL)",
    ),
)
FIELDS: Final[Mapping[str, str]] = {
    "nature": "33(3)(a): what happened",
    "categories": "33(3)(a): which kinds of people and records",
    "subjects": "33(3)(a): about how many people",
    "records": "33(3)(a): about how many records",
    "contact": "33(3)(b): whom to ask",
    "consequences": "33(3)(c): what is likely to follow",
    "measures": "33(3)(d): what is done about it",
}
"""What a notification holds, by name: where the law asks for it, and what it is."""
TOLD: Final = ("authority", "subjects", "controller", "none-needed")
"""Who can be told. ``none-needed``: unlikely to result in a risk (33(1)), documented all the same."""
_HEADINGS: Final = {
    "nature": "What happened",
    "categories": "Which people and which data are concerned",
    "subjects": "About how many people",
    "records": "About how many records",
    "contact": "Whom to ask",
    "consequences": "What is likely to follow",
    "measures": "What is done about it, and what you can do",
}
_DRAFTS: Final = {
    "authority": ("Notification of a personal data breach (GDPR Article 33)", tuple(FIELDS)),
    "subjects": ("A breach of your personal data", ("nature", "contact", "consequences", "measures")),
}
_UNKNOWN: Final = "[not known yet]"
_LONGEST: Final = 10_000
_COLUMNS: Final = "id, aware, due, opened, by, fields, told, closed"


@dataclass(frozen=True, slots=True)
class Incident:
    """Times are seconds since 1970 UTC. ``told``: whom, and when. ``due``: when the authority has been told."""

    id: str
    aware: float
    due: float
    opened: float
    by: str
    fields: Mapping[str, str]
    told: Mapping[str, float]
    closed: float | None

    @property
    def missing(self) -> list[str]:
        """Fields of Article 33(3) that are not filled in."""
        return [name for name in FIELDS if not self.fields.get(name)]

    @property
    def individuals_due(self) -> date:
        """The last day to tell individuals under HIPAA."""
        return clocks.breach_individuals(datetime.fromtimestamp(self.aware, UTC).date())

    def late(self, now: float) -> bool:
        """Whether the authority was told, or is not told, in time. Not needed is in time."""
        done = [at for who, at in self.told.items() if who in {"authority", "none-needed"}]
        return (min(done) if done else now) > self.due


class Incidents:
    """The register in a ``Database``. ``hours``: ``privacy.breach_hours``. Raises ``ClientError``
    (``incident-unknown``, ``incident-closed``, ``incident-untold``, ``field-type``) and ``StoreError``."""

    def __init__(
        self,
        database: Database,
        record: Record = lambda entry: None,
        clock: Callable[[], float] = time.time,
        hours: int = 72,
    ) -> None:
        self.database = database
        self._record = record
        self._clock = clock
        self._hours = hours
        database.adopt(SCHEMA)

    def open(self, *, by: str, aware: float | None = None) -> Incident:
        """A breach is known since ``aware`` (now)."""
        now = self._clock()
        since = now if aware is None else aware
        if since > now:
            raise ClientError("Nobody can be aware of it tomorrow.", reason="field-type")
        due = clocks.breach_authority(datetime.fromtimestamp(since, UTC), self._hours).timestamp()
        made = Incident(secrets.token_hex(8), since, due, now, by, {}, {}, None)
        fields: dict[str, object] = {"incident": made.id, "aware": int(since), "due": int(due), "by": by}
        self._record(Entry(Event.INCIDENT_OPENED, "", fields))
        self.database.write(
            f"INSERT INTO privacy_incidents ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            _values(made),
        )
        return made

    def describe(self, id_: str, fields: Mapping[str, str], *, by: str) -> Incident:
        """Fills in fields of Article 33(3)."""
        found = self._unclosed(id_)
        unknown = [name for name in fields if name not in FIELDS]
        if unknown or any(len(text) > _LONGEST for text in fields.values()):
            raise ClientError(f"The fields are {', '.join(FIELDS)}.", reason="field-type")
        changed = replace(found, fields={**found.fields, **{name: text.strip() for name, text in fields.items()}})
        return self._changed(changed, list(fields), by)

    def told(self, id_: str, who: str, *, by: str) -> Incident:
        """Somebody was told now; the first time counts."""
        found = self._unclosed(id_)
        if who not in TOLD:
            raise ClientError(f"Told are {', '.join(TOLD)}.", reason="field-type")
        return self._changed(replace(found, told={who: self._clock(), **found.told}), [who], by)

    def close(self, id_: str, *, by: str) -> Incident:
        """It is over: once the authority was told, or that it need not be is documented."""
        found = self._unclosed(id_)
        if not {"authority", "none-needed"} & found.told.keys():
            raise ClientError("Tell the authority first, or document why not.", reason="incident-untold", status=409)
        closed = replace(found, closed=self._clock())
        fields = {"incident": id_, "by": by, "late": closed.late(self._clock())}
        self._record(Entry(Event.INCIDENT_CLOSED, "", fields))
        self._write(closed)
        return closed

    def get(self, id_: str) -> Incident:
        row = self.database.row(f"SELECT {_COLUMNS} FROM privacy_incidents WHERE id = ?", (id_,))  # noqa: S608
        if row is None:
            raise ClientError("There is no such incident.", reason="incident-unknown", status=404)
        return _incident(row)

    def all(self) -> list[Incident]:
        """The whole register, newest first."""
        rows = self.database.rows(f"SELECT {_COLUMNS} FROM privacy_incidents ORDER BY number DESC")  # noqa: S608
        return [_incident(row) for row in rows]

    # --- inside

    def _unclosed(self, id_: str) -> Incident:
        found = self.get(id_)
        if found.closed is not None:
            raise ClientError("It is closed.", reason="incident-closed", status=409)
        return found

    def _changed(self, incident: Incident, what: Sequence[str], by: str) -> Incident:
        self._record(Entry(Event.INCIDENT_CHANGED, "", {"incident": incident.id, "what": list(what), "by": by}))
        self._write(incident)
        return incident

    def _write(self, incident: Incident) -> None:
        sets = ", ".join(f"{column} = ?" for column in _COLUMNS.split(", "))
        self.database.write(
            f"UPDATE privacy_incidents SET {sets} WHERE id = ?",  # noqa: S608 - our own columns
            (*_values(incident), incident.id),
        )


def draft(incident: Incident, who: str, settings: Privacy, now: float) -> str:
    """A notification to fill in and send: to the ``authority`` with all of Article 33(3), or to ``subjects`` with what
    Article 34(2) asks for, in that order. What is not known yet says so. Raises ``ClientError`` (``field-type``)."""
    if who not in _DRAFTS:
        raise ClientError(f"There are drafts for {' and '.join(_DRAFTS)}.", reason="field-type")
    title, names = _DRAFTS[who]
    since = datetime.fromtimestamp(incident.aware, UTC)
    lines = [title, "", f"From: {settings.controller or _UNKNOWN}", f"Known since: {since:%Y-%m-%d %H:%M} UTC"]
    if who == "authority" and incident.late(now):
        lines.append(f"Told later than {settings.breach_hours} hours because: {_UNKNOWN}")  # Article 33(1)
    for name in names:
        told = incident.fields.get(name) or (settings.officer or settings.contact if name == "contact" else "")
        lines += ["", _HEADINGS[name], told or _UNKNOWN]
    return "\n".join([*lines, ""])


def affected(records: Iterable[Read], since: float, until: float, routes: Sequence[str] = ()) -> dict[str, int]:
    """Principals whose messages went to a bot in this time (seconds since 1970 UTC), and how many; on these routes, or
    on all."""
    found: dict[str, int] = {}
    for record in records:
        if record.event != Event.UPSTREAM_INTENDED.value or not since <= record.at / 1e9 <= until:
            continue
        who, route = record.fields.get("principal"), record.fields.get("route")
        if isinstance(who, str) and (not routes or route in routes):
            found[who] = found.get(who, 0) + 1
    return found


def _values(incident: Incident) -> tuple[Any, ...]:
    return (
        incident.id, incident.aware, incident.due, incident.opened, incident.by, json.dumps(dict(incident.fields)),
        json.dumps(dict(incident.told)), incident.closed,
    )  # fmt: skip


def _incident(row: tuple[Any, ...]) -> Incident:
    id_, aware, due, opened, by, fields, told, closed = row
    return Incident(id_, aware, due, opened, by, json.loads(fields), json.loads(told), closed)
