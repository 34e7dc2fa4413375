"""Reports that were made and kept: to be read, taken along in every form, and compared with what is found later.

The rules: a report is kept whole, as its canonical JSON with the signed note over it (``reports``, rule 3); it is never
changed; on record before it counts, by its SHA-256.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chatward.assurance.reports import canonical
from chatward.assurance.tasks import Record
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "reports",
    (
        """CREATE TABLE reports (
            id INTEGER PRIMARY KEY, name TEXT, at REAL, by TEXT, sha256 TEXT, note TEXT, counts BLOB, body BLOB)""",
    ),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A report without its body. ``at``: seconds since 1970; ``note``: empty where nothing is signed (no ledger);
    ``counts``: controls by state."""

    id: int
    name: str
    at: float
    by: str
    sha256: str
    note: str
    counts: Mapping[str, int]


class KeptReports:
    """Raises ``StoreError``."""

    def __init__(self, database: Database, record: Record, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)

    def keep(self, made: dict[str, Any], note: str, by: str) -> Kept:
        body = canonical(made)
        digest = hashlib.sha256(body).hexdigest()
        told = {"report": made["report"], "sha256": digest, "entries": made["record"]["entries"], "by": by}
        self._record(Entry(Event.REPORT_MADE, "", told))
        self._database.write(
            "INSERT INTO reports (name, at, by, sha256, note, counts, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (made["report"], self._clock(), by, digest, note, msgspec.json.encode(made["counts"]), body),
        )
        return self.all(1)[0]

    def all(self, most: int = 100) -> list[Kept]:
        """The newest first."""
        rows = self._database.rows(
            "SELECT id, name, at, by, sha256, note, counts FROM reports ORDER BY id DESC LIMIT ?", (most,)
        )
        return [Kept(*(*row[:6], msgspec.json.decode(row[6]))) for row in rows]

    def one(self, number: int) -> tuple[Kept, dict[str, Any]]:
        """A report, and what it says. Raises ``ClientError``."""
        row = self._database.row(
            "SELECT id, name, at, by, sha256, note, counts, body FROM reports WHERE id = ?", (number,)
        )
        if row is None:
            raise ClientError("There is no such report.", reason="report-unknown", status=404)
        return Kept(*(*row[:6], msgspec.json.decode(row[6]))), msgspec.json.decode(row[7])

    def before(self, kept: Kept) -> dict[str, Any] | None:
        """What the one of the same name before it says."""
        row = self._database.row(
            "SELECT body FROM reports WHERE name = ? AND id < ? ORDER BY id DESC LIMIT 1", (kept.name, kept.id)
        )
        return None if row is None else dict(msgspec.json.decode(row[0]))
