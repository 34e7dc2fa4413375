"""How often codes may be tried, without a way to lock somebody else out.

The rules:

1. An attempt is counted before it is looked at, in the transaction that looks at it: attempts at the same time are
   counted too, here or in another process.
2. ``PER_SESSION`` attempts that failed within ``WINDOW`` seconds: this session waits. Other sessions do not notice.
3. ``PER_PRINCIPAL`` attempts that failed within a day, over all sessions: sessions in which this principal has not been
   right before wait. A session in which it has, keeps its own allowance: who guesses with a stolen log-in spends the
   strangers' share. Other principals never notice (NIST SP 800-63B, 5.2.2 bounds failures per account at 100).
4. Being right ends the count of the session.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from chatward.core.errors import ClientError
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "attempts",
    (
        "CREATE TABLE attempts (kind TEXT NOT NULL, principal TEXT NOT NULL, session TEXT NOT NULL, at REAL NOT NULL)",
        "CREATE INDEX attempts_of ON attempts (kind, principal, session)",
        "CREATE TABLE attempts_right (kind TEXT NOT NULL, principal TEXT NOT NULL, session TEXT NOT NULL,"
        " at REAL NOT NULL, PRIMARY KEY (kind, principal, session))",
    ),
)

PER_SESSION: Final = 5
WINDOW: Final = 900.0
PER_PRINCIPAL: Final = 50
DAY: Final = 86_400.0
_REMEMBERED: Final = 30 * DAY
"""Seconds for which a session counts as one that was right."""


class Attempts:
    """Counts tries of one ``kind`` of code. Both methods belong inside the transaction that checks the code."""

    def __init__(self, database: Database, kind: str, clock: Callable[[], float] = time.time) -> None:
        database.adopt(SCHEMA)
        self._kind = kind
        self._clock = clock

    def admit(self, connection: Any, principal: str, session: str) -> None:
        """Counts one attempt. Raises ``ClientError`` (429, ``too-many-attempts``) where none is left."""
        now, who = self._clock(), (self._kind, principal)
        connection.execute("DELETE FROM attempts WHERE kind = ? AND principal = ? AND at <= ?", (*who, now - DAY))
        connection.execute("DELETE FROM attempts_right WHERE at <= ?", (now - _REMEMBERED,))
        here = self._count(connection, "AND session = ? AND at > ?", (*who, session, now - WINDOW))
        everywhere = self._count(connection, "", who)
        known = connection.execute(
            "SELECT 1 FROM attempts_right WHERE kind = ? AND principal = ? AND session = ?", (*who, session)
        ).fetchone()
        if here >= PER_SESSION or (everywhere >= PER_PRINCIPAL and known is None):
            raise ClientError(
                "Too many codes were tried; wait a while, or use another way.", reason="too-many-attempts", status=429
            )
        connection.execute("INSERT INTO attempts VALUES (?, ?, ?, ?)", (*who, session, now))

    def right(self, connection: Any, principal: str, session: str) -> None:
        """The attempt that was just counted was good."""
        who = (self._kind, principal, session)
        connection.execute("DELETE FROM attempts WHERE kind = ? AND principal = ? AND session = ?", who)
        connection.execute("INSERT OR REPLACE INTO attempts_right VALUES (?, ?, ?, ?)", (*who, self._clock()))

    @staticmethod
    def _count(connection: Any, condition: str, values: tuple[object, ...]) -> int:
        sql = "SELECT COUNT(*) FROM attempts WHERE kind = ? AND principal = ? " + condition  # noqa: S608 - constants
        found: int = connection.execute(sql, values).fetchone()[0]
        return found
