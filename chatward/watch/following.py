"""How far each log was read: on from there, in order, at least once.

The rules: the place moves on only after a batch was dealt with, so that a kill at any point repeats a batch and loses
none. A log that is met for the first time is begun at its end, or at its beginning. Nothing is read of a tree that does
not continue the one before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from chatward.core.errors import UpstreamError
from chatward.stores.database import Database, Schema
from chatward.watch.logged import Logged
from chatward.watch.transparency import Head, Log

SCHEMA: Final = Schema(
    "watched-logs",
    ("CREATE TABLE watched_logs (log TEXT PRIMARY KEY, next INTEGER, size INTEGER, root BLOB, at REAL)",),
)


class Following:
    """Places in logs, in a database. Raises ``StoreError``."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._clock = clock

    def place(self, log: str) -> tuple[int, int, bytes] | None:
        """The next entry, and the size and root of the last head; ``None`` for a log that was never read."""
        row = self._database.row("SELECT next, size, root FROM watched_logs WHERE log = ?", (log,))
        return None if row is None else (row[0], row[1], row[2])

    async def batches(self, log: Log, most: int, *, begin_at_end: bool) -> AsyncIterator[tuple[Head, Sequence[Logged]]]:
        """Entries not read before, ``most`` of them about, and the head of the tree that they are in. Raises
        ``UpstreamError``."""
        head = await log.head()
        known = self.place(log.name)
        if known is None:
            at = head.size if begin_at_end else 0
        else:
            at, size, root = known
            if head.size == size and head.root != root:
                raise UpstreamError("The log contradicts what it said before.", reason="watch-log-forked")
            if head.size < size:
                return
            if 0 < size < head.size:
                await log.continues(size, root, head)
        self._keep(log.name, at, head)
        stop = min(head.size, at + most)
        while at < stop:
            batch = (await log.entries(at, head.size))[: stop - at]
            yield head, batch
            at += len(batch)
            self._keep(log.name, at, head)

    def _keep(self, log: str, at: int, head: Head) -> None:
        self._database.write(
            "INSERT OR REPLACE INTO watched_logs VALUES (?, ?, ?, ?, ?)", (log, at, head.size, head.root, self._clock())
        )
