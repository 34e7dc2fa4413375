"""How far each receiver has come, and what went wrong with it last: durable, in a file of its own.

The rules:

1. The cursor is the number of the last entry that a receiver took, with that entry's hash. It is moved after the
   receiver took a batch, never before; a crash in between sends the batch again.
2. The hash tells whether the ledger is still the one that was read. If not, nothing is sent until somebody says from
   where (``move``): to go on would hide what is missing.
3. The file is no part of the record: lost, everything is sent again from the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatward.settings import Settings
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "monitoring",
    (
        "CREATE TABLE cursors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT NULL, moved REAL NOT NULL)",
        "CREATE TABLE failures (name TEXT PRIMARY KEY, count INTEGER NOT NULL, at REAL NOT NULL, said TEXT NOT NULL)",
        "CREATE TABLE alerts (id INTEGER PRIMARY KEY, rule TEXT NOT NULL, title TEXT NOT NULL, level INTEGER NOT NULL,"
        " about TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, first_seq INTEGER NOT NULL,"
        " last_seq INTEGER NOT NULL, exchange TEXT NOT NULL, count INTEGER NOT NULL)",
        "CREATE INDEX alerts_of_rule ON alerts (rule, about, last_at)",
        "CREATE TABLE told (alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE, target TEXT NOT NULL,"
        " count INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (alert, target)) WITHOUT ROWID",
    ),
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """``seq`` 0: nothing was taken yet. ``failures``: in a row since the last success; ``said``: the last one."""

    name: str
    seq: int = 0
    hash: bytes = b""
    moved: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    said: str = ""
    known: bool = True


def file_of(settings: Settings) -> Path:
    """The file of ``[monitoring]``."""
    return Path(settings.monitoring.path or Path(settings.ledger.path).with_name("chatward-monitoring.db"))


class Cursors:
    """The cursors in a database that has ``SCHEMA``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Cursor:
        """Where a receiver stands; ``known`` is false before it was moved for the first time."""
        row = self._database.row("SELECT seq, hash, moved FROM cursors WHERE name = ?", (name,))
        failed = self._database.row("SELECT count, at, said FROM failures WHERE name = ?", (name,))
        seq, hash_, moved = row or (0, b"", 0.0)
        count, at, said = failed or (0, 0.0, "")
        return Cursor(name, seq, hash_, moved, count, at, said, row is not None)

    def move(self, name: str, seq: int, hash_: bytes, now: float) -> None:
        """A receiver has everything up to ``seq``; what failed before is over."""
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?)", (name, seq, hash_, now))
            connection.execute("DELETE FROM failures WHERE name = ?", (name,))

    def failed(self, name: str, said: str, now: float) -> int:
        """A batch was not taken; how many times in a row."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO failures VALUES (?, 1, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET count = count + 1, at = excluded.at, said = excluded.said",
                (name, now, said[:200]),
            )
            return int(connection.execute("SELECT count FROM failures WHERE name = ?", (name,)).fetchone()[0])


def opened(path: Path) -> Database:
    """The file, made if missing. Raises ``StoreError``."""
    return Database(path, (SCHEMA,))
