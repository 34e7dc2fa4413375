"""What tips led to, counted by day: given, shown, followed, dismissed. No person, no text.

The rule: counts are kept in memory and written behind; a process that is killed forgets the last seconds of them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from chatward.identity.behind import Behind
from chatward.stores.database import Database, Schema

GIVEN: Final = "given"
SAID: Final = ("shown", "followed", "dismissed")
"""What pages say of a tip; ``given`` is counted here."""
SCHEMA: Final = Schema(
    "education",
    (
        "CREATE TABLE tip_counts (day TEXT NOT NULL, tip TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL,"
        " PRIMARY KEY (day, tip, what)) WITHOUT ROWID",
    ),
)
_ADD: Final = "INSERT INTO tip_counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
_PAUSE: Final = 2.0


class TipCounts:
    """Counts in a ``Database``. May be told from several threads. ``clock`` gives seconds since 1970 UTC. Raises
    ``StoreError`` where it reads or flushes; ``add`` never does."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._new: Counter[tuple[str, str, str]] = Counter()
        database.adopt(SCHEMA)
        self._behind = Behind("chatward-tip-counts", self.flush, _PAUSE)

    def add(self, tip: str, what: str = GIVEN) -> None:
        with self._lock:
            self._new[(_day(self._clock()).isoformat(), tip, what)] += 1
        self._behind.due()

    def flush(self) -> None:
        with self._lock:
            new, self._new = self._new, Counter()
        if not new:
            return
        try:
            with self._database.writing() as connection:
                connection.executemany(_ADD, [(*key, count) for key, count in new.items()])
        except BaseException:
            with self._lock:
                self._new.update(new)
            raise

    def totals(self, days: int) -> Mapping[str, Mapping[str, int]]:
        """Tip -> what -> how often, in the newest ``days`` days, today included."""
        since = _day(self._clock()) - timedelta(days=days - 1)
        rows = self._database.rows(
            "SELECT tip, what, sum(count) FROM tip_counts WHERE day >= ? GROUP BY tip, what", (since.isoformat(),)
        )
        found: dict[str, dict[str, int]] = {}
        for tip, what, count in rows:
            found.setdefault(tip, {})[what] = count
        return found

    def close(self) -> None:
        self._behind.close()


def _day(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()
