"""The register of requests of subjects: who asked for what, until when it is answered, and how it ended.

The rules:

1. A request goes ``received`` -> ``verified`` -> ``closed``; it is answered only once it is known who asks (GDPR
   Article 12(6), 11 CCR 7060). Who asks by their own credential is verified by it; an operator says how they verified
   others.
2. The clock runs from receipt, not from verification. It is extended once, before the first period has ended, and for
   one of the two reasons of the law: how complex it is, or how many there are (Article 12(3); 11 CCR 7021(b)).
3. The register holds no text of anybody: what is to be put right, and what is answered, is written elsewhere.
4. What is on record of a request is kept 24 months after its end (11 CCR 7101) and then taken out by ``forget``, at
   every start.
5. An erasure leaves the request, which says that it was done, under a digest of the subject's id (``receipt.digest``).

Waits for the disk: call it on a thread.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.privacy import clocks
from chatward.seal.receipt import digest
from chatward.settings import Privacy
from chatward.settings.privacy_rules import profiles
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "privacy-requests",
    (
        "CREATE TABLE privacy_requests (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        " tenant TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, law TEXT NOT NULL, state TEXT NOT NULL,"
        " received TEXT NOT NULL, due TEXT NOT NULL, extended TEXT NOT NULL, confirmed TEXT, verified TEXT NOT NULL,"
        " by TEXT NOT NULL, closed TEXT, outcome TEXT NOT NULL, opened REAL NOT NULL)",
        "CREATE INDEX privacy_requests_subject ON privacy_requests (tenant, subject)",
    ),
)
KEPT_MONTHS: Final = 24
"""11 CCR 7101: records of requests."""
HIPAA_MONTHS: Final = 72
"""45 CFR 164.316(b)(2)(i), 164.530(j): six years."""
MOST_OPEN: Final = 10
_COLUMNS: Final = (
    "id, tenant, subject, kind, law, state, received, due, extended, confirmed, verified, by, closed, outcome"
)


class Kind(str, Enum):
    """What is asked for. GDPR Articles 15, 20, 16, 17, 21, 18; Civil Code 1798.110, .105, .106, .120."""

    ACCESS = "access"
    PORTABILITY = "portability"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    OBJECTION = "objection"
    RESTRICTION = "restriction"


class Law(str, Enum):
    """Whose clock runs."""

    GDPR = "gdpr"
    CCPA = "ccpa"


class State(str, Enum):
    RECEIVED = "received"
    VERIFIED = "verified"
    CLOSED = "closed"


class Reason(str, Enum):
    """Why it takes longer."""

    COMPLEXITY = "complexity"
    NUMBER = "number"


OUTCOMES: Final = ("done", "refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class Request:
    """``due``: the last day to answer. ``confirm``: the last day to confirm receipt, where the law has one.
    ``verified``: how it is known who asks, empty while it is not. ``extended``: why, empty where it was not."""

    id: str
    tenant: str
    subject: str
    kind: Kind
    law: Law
    state: State
    received: date
    due: date
    extended: str
    confirmed: date | None
    verified: str
    by: str
    closed: date | None
    outcome: str

    def confirm(self, holidays: AbstractSet[date] = clocks.NO_HOLIDAYS) -> date | None:
        return clocks.ccpa_confirmation(self.received, holidays) if self.law is Law.CCPA else None

    def late(self, today: date) -> bool:
        """Whether it was, or is, not answered in time."""
        return (self.closed or today) > self.due


class Requests:
    """The register in a ``Database``. ``record`` puts an entry on record and returns once it is durable. Raises
    ``ClientError`` (``request-unknown``, ``request-closed``, ``request-not-verified``, ``request-extended``,
    ``request-late``, ``too-many-requests``) and ``StoreError``."""

    def __init__(
        self,
        database: Database,
        record: Record = lambda entry: None,
        clock: Callable[[], float] = time.time,
        holidays: AbstractSet[date] = clocks.NO_HOLIDAYS,
    ) -> None:
        self.database = database
        self._record = record
        self._clock = clock
        self._holidays = holidays
        database.adopt(SCHEMA)

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()

    def open(
        self,
        tenant: str,
        subject: str,
        kind: Kind,
        law: Law = Law.GDPR,
        *,
        by: str,
        verified: str = "",
        received: date | None = None,
    ) -> Request:
        """Takes a request. ``received``: the day it came, where that was earlier (by letter)."""
        came = received or self.today
        if came > self.today:
            raise ClientError("A request cannot come tomorrow.", reason="request-late")
        waiting = [one for one in self.of(tenant, subject) if one.state is not State.CLOSED]
        if len(waiting) >= MOST_OPEN:
            raise ClientError("Your earlier requests are still open.", reason="too-many-requests", status=409)
        state = State.VERIFIED if verified else State.RECEIVED
        made = Request(
            secrets.token_hex(8), tenant, subject, kind, law, state, came, self._due(law, came, extended=False),
            "", None, verified, by, None, "",
        )  # fmt: skip
        fields = {"request": made.id, "tenant": tenant, "subject": digest(tenant, subject), "by": by}
        fields |= {"kind": kind.value, "law": law.value, "due": made.due.isoformat(), "verified": verified}
        self._record(Entry(Event.SUBJECT_REQUEST_OPENED, "", fields))
        values = (*_values(made), self._clock())
        self.database.write(
            f"INSERT INTO privacy_requests ({_COLUMNS}, opened) VALUES ({', '.join('?' * len(values))})",  # noqa: S608
            values,
        )
        return made

    def verify(self, id_: str, how: str, *, by: str) -> Request:
        """It is known who asks. ``how``: a word such as ``passkey`` or ``passport``."""
        found = self._unclosed(id_)
        return self._changed(replace(found, state=State.VERIFIED, verified=how), "verified", by)

    def confirm(self, id_: str, *, by: str) -> Request:
        """The person was told that the request has come."""
        return self._changed(replace(self._unclosed(id_), confirmed=self.today), "confirmed", by)

    def extend(self, id_: str, reason: Reason, *, by: str) -> Request:
        """It takes longer, and the person was told why."""
        found = self._unclosed(id_)
        if found.extended:
            raise ClientError("It was extended already.", reason="request-extended", status=409)
        if self.today > found.due:
            raise ClientError("The time to extend it is over.", reason="request-late", status=409)
        longer = replace(found, extended=reason.value, due=self._due(found.law, found.received, extended=True))
        return self._changed(longer, "extended", by)

    def close(self, id_: str, outcome: str, *, by: str) -> Request:
        """It was answered. Only ``withdrawn`` and ``refused`` need not know who asked."""
        found = self._unclosed(id_)
        if outcome not in OUTCOMES:
            raise ClientError(f"The outcome is one of {', '.join(OUTCOMES)}.", reason="field-type")
        if outcome == "done" and found.state is not State.VERIFIED:
            raise ClientError("It is not known yet who asks.", reason="request-not-verified", status=409)
        today = self.today
        closed = replace(found, state=State.CLOSED, closed=today, outcome=outcome)
        fields = {"request": id_, "tenant": found.tenant, "by": by, "outcome": outcome, "late": closed.late(today)}
        self._record(Entry(Event.SUBJECT_REQUEST_CLOSED, "", fields))
        self._write(closed)
        return closed

    def get(self, id_: str) -> Request:
        row = self.database.row(f"SELECT {_COLUMNS} FROM privacy_requests WHERE id = ?", (id_,))  # noqa: S608
        if row is None:
            raise ClientError("There is no such request.", reason="request-unknown", status=404)
        return _request(row)

    def of(self, tenant: str, subject: str) -> list[Request]:
        """A subject's requests, oldest first."""
        rows = self.database.rows(
            f"SELECT {_COLUMNS} FROM privacy_requests WHERE tenant = ? AND subject = ? ORDER BY number",  # noqa: S608
            (tenant, subject),
        )
        return [_request(row) for row in rows]

    def all(self, *, closed: bool = False) -> list[Request]:
        """Those that wait, the most urgent first; with ``closed`` all of them."""
        rows = self.database.rows(
            f"SELECT {_COLUMNS} FROM privacy_requests WHERE ? OR state != 'closed' ORDER BY due, number",  # noqa: S608
            (closed,),
        )
        return [_request(row) for row in rows]

    def forget(self, months: int = KEPT_MONTHS) -> int:
        """Takes out what ended more than ``months`` ago; how many."""
        before = clocks.months_after(self.today, -months).isoformat()
        return self.database.write("DELETE FROM privacy_requests WHERE closed IS NOT NULL AND closed < ?", (before,))

    def disown(self, tenant: str, subject: str, before: float | None = None) -> int:
        """The subject was erased: their requests, those opened up to this time or all, stay under a digest. How many
        there were."""
        return self.database.write(
            "UPDATE privacy_requests SET subject = ?1, by = CASE WHEN by = subject THEN '' ELSE by END"
            " WHERE tenant = ?2 AND subject = ?3 AND (?4 IS NULL OR opened <= ?4)",
            (digest(tenant, subject), tenant, subject, before),
        )

    def subjects(self) -> list[tuple[str, str]]:
        """Tenants and subjects who have asked for anything; the erased under their digest."""
        rows = self.database.rows("SELECT DISTINCT tenant, subject FROM privacy_requests")
        return [(tenant, subject) for tenant, subject in rows]

    # --- inside

    def _due(self, law: Law, received: date, *, extended: bool) -> date:
        if law is Law.CCPA:
            return clocks.ccpa_answer(received, extended=extended)
        return clocks.gdpr_answer(received, extended=extended, holidays=self._holidays)

    def _unclosed(self, id_: str) -> Request:
        found = self.get(id_)
        if found.state is State.CLOSED:
            raise ClientError("It is closed.", reason="request-closed", status=409)
        return found

    def _changed(self, request: Request, what: str, by: str) -> Request:
        fields = {"request": request.id, "tenant": request.tenant, "by": by}
        fields |= {"what": what, "due": request.due.isoformat()}
        self._record(Entry(Event.SUBJECT_REQUEST_CHANGED, "", fields))
        self._write(request)
        return request

    def _write(self, request: Request) -> None:
        sets = ", ".join(f"{column} = ?" for column in _COLUMNS.split(", "))
        self.database.write(
            f"UPDATE privacy_requests SET {sets} WHERE id = ?",  # noqa: S608 - our own columns
            (*_values(request), request.id),
        )


def _values(request: Request) -> tuple[Any, ...]:
    return (
        request.id, request.tenant, request.subject, request.kind.value, request.law.value, request.state.value,
        request.received.isoformat(), request.due.isoformat(), request.extended, _day(request.confirmed),
        request.verified, request.by, _day(request.closed), request.outcome,
    )  # fmt: skip


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _request(row: tuple[Any, ...]) -> Request:
    id_, tenant, subject, kind, law, state, received, due, extended, confirmed, verified, by, closed, outcome = row
    return Request(
        id_, tenant, subject, Kind(kind), Law(law), State(state), date.fromisoformat(received),
        date.fromisoformat(due), extended, confirmed and date.fromisoformat(confirmed), verified, by,
        closed and date.fromisoformat(closed), outcome,
    )  # fmt: skip


def kept_months(privacy: Privacy) -> int:
    """Months that ended requests are kept: two years, or six under ``hipaa``."""
    return HIPAA_MONTHS if "hipaa" in profiles(privacy) else KEPT_MONTHS
