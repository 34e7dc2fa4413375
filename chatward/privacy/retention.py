"""How long what is stored of people stays: by purpose, unless it is held for a legal reason.

The rules:

1. A stored turn does not say which purpose it is of, so the shortest time of the purposes that are served counts for
   all of a person's turns, and never more than ``conversations.retention_days``: nothing stays longer than any purpose
   needs (GDPR Article 5(1)(e)). Purposes that need other times need another Chatward, or another tenant's settings.
2. A legal hold (Article 17(3)(e), and duties to preserve) keeps everything of one person until it is lifted. It is on
   record before it counts; lifting it too.
3. Purging may be killed and asked again.

Waits for the disk: call it on a thread. ``purge`` is to be called once a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.settings import Settings
from chatward.stores.conversations import ConversationStore, Purged
from chatward.stores.database import Database, Schema, Tables

SCHEMA: Final = Schema(
    "privacy-holds",
    (
        "CREATE TABLE privacy_holds (tenant TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL,"
        " at REAL NOT NULL, by TEXT NOT NULL, PRIMARY KEY (tenant, subject)) WITHOUT ROWID",
    ),
)


def by_purpose(settings: Settings) -> Mapping[str, int | None]:
    """Days by purpose, as they are configured."""
    return {name: one.retention_days for name, one in settings.privacy.purposes.items()}


@dataclass(frozen=True, slots=True)
class Hold:
    """``reason`` is a word, such as the number of a case."""

    tenant: str
    subject: str
    reason: str
    at: float
    by: str


class Holds:
    """Legal holds in a ``Database``. ``record`` puts an entry on record and returns once it is durable."""

    def __init__(
        self, database: Database, record: Record = lambda entry: None, clock: Callable[[], float] = time.time
    ) -> None:
        self.database = database
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)

    def set(self, tenant: str, subject: str, reason: str, *, by: str) -> None:
        """Holds all of a person."""
        self._record(Entry(Event.LEGAL_HOLD_SET, "", {"tenant": tenant, "principal": subject, "by": by}))
        self.database.write(
            "INSERT OR REPLACE INTO privacy_holds VALUES (?, ?, ?, ?, ?)", (tenant, subject, reason, self._clock(), by)
        )

    def lift(self, tenant: str, subject: str, *, by: str) -> bool:
        """Whether there was one."""
        if not self.held(tenant, subject):
            return False
        self._record(Entry(Event.LEGAL_HOLD_LIFTED, "", {"tenant": tenant, "principal": subject, "by": by}))
        return self.database.write("DELETE FROM privacy_holds WHERE tenant = ? AND subject = ?", (tenant, subject)) > 0

    def held(self, tenant: str, subject: str) -> bool:
        sql = "SELECT 1 FROM privacy_holds WHERE tenant = ? AND subject = ?"
        return self.database.row(sql, (tenant, subject)) is not None

    def all(self) -> list[Hold]:
        rows = self.database.rows("SELECT tenant, subject, reason, at, by FROM privacy_holds ORDER BY at")
        return [Hold(*row) for row in rows]


def oldest(database: Tables) -> float | None:
    """When the oldest stored turn was written (seconds since 1970 UTC); ``database`` is that of the conversations."""
    row = database.row("SELECT min(at) FROM turns")
    return None if row is None else row[0]


def purge(store: ConversationStore, holds: Holds) -> Purged:
    """Takes out what is past its time, but of nobody who is held. ``store`` was made with ``retention`` of
    ``settings.privacy_rules.retention_days``."""
    return store.purge(kept=holds.held)
