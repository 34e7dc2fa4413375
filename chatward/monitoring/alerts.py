"""Matches of rules become alerts: folded by rule and by whom they are about, durable until everybody was told.

The rules:

1. A match joins the open alert of its rule about the same caller, if that was last seen less than ``group`` seconds
   before; else it opens a new one. A thousand matches of one attack are one alert with a count.
2. Matches are stored before the cursor of the watching moves. After a crash entries may be counted twice, never lost.
3. Correlations remember what happened before the cursor: at the start, the entries of the longest timespan are read
   again, without alerting anybody.
4. An alert holds the rule's words, identifiers and numbers of entries. Nobody's text is in it: none is in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from chatward.ledger.reading import Record
from chatward.monitoring.levels import Level
from chatward.monitoring.past import Progress, replayed
from chatward.monitoring.sigma.rules import Match, Rules
from chatward.monitoring.syslog import timestamp
from chatward.stores.database import Database

_COLUMNS: Final = "id, rule, title, level, about, first_at, last_at, first_seq, last_seq, exchange, count"
MOST: Final = 50
"""Alerts in one message."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Times are nanoseconds since 1970; ``exchange`` and ``last_seq`` are of the latest match."""

    id: int
    rule: str
    title: str
    level: Level
    about: str
    first_at: int
    last_at: int
    first_seq: int
    last_seq: int
    exchange: str
    count: int

    def as_object(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.id,
            "rule": self.rule,
            "title": self.title,
            "level": self.level.label,
            "about": self.about,
            "first": timestamp(self.first_at),
            "last": timestamp(self.last_at),
            "entries": [self.first_seq, self.last_seq],
            "exchange": self.exchange,
            "count": self.count,
        }


class Alerts:
    """The alerts in a database that has ``cursors.SCHEMA``. ``group``: seconds within which matches are one alert."""

    def __init__(self, database: Database, group: float) -> None:
        self._database = database
        self._group = int(group * 1e9)

    def add(self, matches: Sequence[Match]) -> None:
        """Stores what matched, in one transaction. Raises ``StoreError``."""
        if not matches:
            return
        with self._database.writing() as connection:
            for match in matches:
                at, seq = match.record.at, match.record.seq
                about = " ".join(f"{name}={value}" for name, value in sorted(match.about.items()))[:400]
                joined = connection.execute(
                    "UPDATE alerts SET count = count + 1, last_at = max(last_at, ?), last_seq = max(last_seq, ?),"
                    " exchange = ? WHERE id = (SELECT id FROM alerts WHERE rule = ? AND about = ? AND last_at > ?"
                    " ORDER BY last_at DESC LIMIT 1)",
                    (at, seq, match.record.exchange, match.rule.key, about, at - self._group),
                ).rowcount
                if not joined:
                    connection.execute(
                        "INSERT INTO alerts (rule, title, level, about, first_at, last_at, first_seq, last_seq,"
                        " exchange, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                        (match.rule.key, match.rule.title, int(match.rule.level), about, at, at, seq, seq,
                         match.record.exchange),
                    )  # fmt: skip

    def newest(self, n: int) -> list[Alert]:
        """The last ``n``, newest first."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM alerts ORDER BY last_at DESC, id DESC LIMIT ?", (n,))  # noqa: S608
        return [_alert(row) for row in rows]

    def due(self, target: str, least: Level, rules: Sequence[str], now: float, repeat: float) -> list[Alert]:
        """What ``target`` was not told of yet, and what has gone on for ``repeat`` seconds since; oldest first."""
        columns = ", ".join(f"a.{name}" for name in _COLUMNS.split(", "))
        rows = self._database.rows(
            f"SELECT {columns} FROM alerts a LEFT JOIN told t ON t.alert = a.id AND t.target = ?"  # noqa: S608
            " WHERE a.level >= ? AND (t.alert IS NULL OR (a.count > t.count AND t.at <= ?)) ORDER BY a.id LIMIT 10000",
            (target, int(least), now - repeat),
        )
        return [one for one in map(_alert, rows) if any(fnmatchcase(one.rule, pattern) for pattern in rules)]

    def told(self, target: str, alerts: Sequence[Alert], now: float) -> None:
        """``target`` has these, with the counts that they had."""
        with self._database.writing() as connection:
            for one in alerts:
                connection.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?)", (one.id, target, one.count, now))

    def purge(self, before: float) -> int:
        """Takes out alerts that were last seen before that time (seconds since 1970); how many."""
        return self._database.write("DELETE FROM alerts WHERE last_at < ?", (int(before * 1e9),))


def _alert(row: tuple[Any, ...]) -> Alert:
    id_, rule, title, how, *rest = row
    return Alert(id_, rule, title, Level(how), *rest)


class Watching:
    """Takes entries as a follower gives them (``follower.Taker``) and stores what matches.

    ``keep`` seconds after it was last seen, an alert is taken out."""

    def __init__(
        self, path: Path, rules: Rules, alerts: Alerts, keep: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._rules = rules
        self._alerts = alerts
        self._keep = keep
        self._clock = clock
        self._purged = 0.0
        self._progress = Progress()
        self._pending: list[Match] = []

    def take(self, records: Sequence[Record]) -> None:
        if self._progress.jumps(records):
            for one in replayed(self._path, records[0].seq, records[0].at - self._rules.seconds * 10**9):
                self._rules.matches(one)
        for record in self._progress.begin(records):
            self._pending += self._rules.matches(record)
            self._progress.passed(record)
        self._alerts.add(self._pending)
        self._pending = []
        self._progress.done()
        if self._clock() - self._purged > 3600:
            self._purged = self._clock()
            self._alerts.purge(self._purged - self._keep)

    def close(self) -> None:
        """Nothing is kept open."""
