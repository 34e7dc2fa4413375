"""Files that were stopped: kept sealed, for a while, for whoever has to find out what they were.

The rules:

1. A file is sealed with a key of its own, of the person who sent it; with it its name, since that is a person's text.
   In the clear stand its digest, kind, size, the rules that stopped it and times.
2. It expires: then its key is destroyed and its row deleted. Where files together become more than the bound, the
   oldest leave first. An erasure of the person takes theirs at once.
3. One file of one person is kept once, however often it comes.
4. Who takes one out (``release``) is on record before they get it. It is not given to a bot, nor to the person.

Waits for the disk, and for the key service: call it on a thread.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Change, Place, Record, Resealed, SealedFields, Sealer
from chatward.settings import Settings
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "quarantine",
    (
        "CREATE TABLE quarantine (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        " tenant TEXT NOT NULL, subject TEXT NOT NULL, digest TEXT NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL,"
        " rules TEXT NOT NULL, exchange TEXT NOT NULL, at REAL NOT NULL, until REAL NOT NULL, body BLOB NOT NULL,"
        " UNIQUE (tenant, subject, digest))",
        "CREATE INDEX quarantine_until ON quarantine (until)",
        "CREATE TABLE quarantine_walks (tenant TEXT PRIMARY KEY, version INTEGER NOT NULL, past INTEGER NOT NULL,"
        " until INTEGER NOT NULL) WITHOUT ROWID",
    ),
)
BODY: Final = "quarantine.body"
DAY: Final = 86_400.0
_BEGINNING: Final = 64
_COLUMNS: Final = "id, tenant, subject, digest, kind, size, rules, exchange, at, until"


@dataclass(frozen=True, slots=True)
class Held:
    """A file in quarantine, without what is sealed. Times are seconds since 1970."""

    id: str
    tenant: str
    subject: str
    digest: str
    kind: str
    size: int
    rules: tuple[str, ...]
    exchange: str
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed of it."""

    name: str
    data: bytes


class Fields:
    """The sealed fields of the quarantine, for rotation and erasure (``core.sealing.SealedFields``)."""

    name = "quarantine"
    tables = frozenset((BODY,))

    def __init__(self, database: Database) -> None:
        self.database = database
        database.adopt(SCHEMA)

    def tenants(self) -> list[str]:
        return [row[0] for row in self.database.rows("SELECT DISTINCT tenant FROM quarantine ORDER BY 1")]

    def subjects(self) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self.database.rows("SELECT DISTINCT tenant, subject FROM quarantine")]

    def reseal(self, tenant: str, version: int, change: Change, limit: int) -> Resealed:
        with self.database.writing() as connection:
            row = connection.execute(
                "SELECT past, until FROM quarantine_walks WHERE tenant = ? AND version = ?", (tenant, version)
            ).fetchone()
            newest = connection.execute("SELECT coalesce(max(number), 0) FROM quarantine").fetchone()[0]
            past, until = row or (0, newest)
            changed = 0
            rows = connection.execute(
                "SELECT number, subject, id, body FROM quarantine WHERE tenant = ? AND number > ? AND number <= ?"
                " ORDER BY number LIMIT ?",
                (tenant, past, until, limit),
            ).fetchall()
            for number, subject, id_, body in rows:
                fresh = change(Place(tenant, subject, BODY, id_, id_), body)
                if fresh != body:
                    connection.execute("UPDATE quarantine SET body = ? WHERE number = ?", (fresh, number))
                    changed += 1
            ended = len(rows) < limit
            past = until if ended else rows[-1][0]
            if ended and not rows:
                until = newest  # what has come since: for the next walk, if there has to be one
            connection.execute(
                "INSERT OR REPLACE INTO quarantine_walks VALUES (?, ?, ?, ?)", (tenant, version, past, until)
            )
        return Resealed(changed, 0 if not rows else max(until - past, 1))

    def behind(self, tenant: str, is_behind: Callable[[Place, bytes], bool]) -> int:
        with self.database.writing() as connection:  # nobody is in the middle of sealing with an older version
            rows: list[Any] = connection.execute(
                f"SELECT subject, id, substr(body, 1, {_BEGINNING}) FROM quarantine WHERE tenant = ?",  # noqa: S608  # noqa: S608
                (tenant,),
            ).fetchall()
        return sum(is_behind(Place(tenant, subject, BODY, id_, id_), body) for subject, id_, body in rows)

    def erase_subject(self, tenant: str, subject: str) -> int:
        count = self.database.write("DELETE FROM quarantine WHERE tenant = ? AND subject = ?", (tenant, subject))
        self.database.scrub()
        return count

    def sweep(self, tenant: str, subject: str, dead: Callable[[Place, bytes], bool]) -> int:
        rows = self.database.rows("SELECT id, body FROM quarantine WHERE tenant = ? AND subject = ?", (tenant, subject))
        gone = [id_ for id_, body in rows if dead(Place(tenant, subject, BODY, id_, id_), body)]
        for id_ in gone:
            self.database.write("DELETE FROM quarantine WHERE id = ?", (id_,))
        self.database.scrub()
        return len(gone)


class Quarantine(Fields):
    """Files in ``database``. ``record`` writes to the ledger."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        record: Record,
        *,
        days: int = 14,
        most: int = 256 * 1024 * 1024,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(database)
        self._sealer = sealer
        self._record = record
        self._days = days
        self._most = most
        self._clock = clock

    # --- keeping

    def put(
        self,
        tenant: str,
        subject: str,
        content: Content,
        *,
        digest: str,
        kind: str,
        rules: Sequence[str],
        exchange: str,
    ) -> str:
        """Keeps a file; its id. Raises ``StoreError``."""
        known = self.database.row(
            "SELECT id FROM quarantine WHERE tenant = ? AND subject = ? AND digest = ?", (tenant, subject, digest)
        )
        if known is not None:
            return str(known[0])
        id_ = secrets.token_hex(8)
        now = self._clock()
        place = Place(tenant, subject, BODY, id_, id_)
        self._sealer.prepare([place])
        with self.database.writing() as connection:
            sealed = self._sealer.seal(place, msgspec.msgpack.encode(content))
            connection.execute(
                f"INSERT INTO quarantine ({_COLUMNS}, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
                " ON CONFLICT (tenant, subject, digest) DO NOTHING",
                (
                    *(id_, tenant, subject, digest, kind, len(content.data), " ".join(rules), exchange, now),
                    *(now + self._days * DAY, sealed),
                ),
            )
        self.purge()
        return id_

    def purge(self) -> int:
        """Deletes what has expired, and the oldest beyond the bound; how many."""
        gone = self._rows("WHERE until <= ?", (self._clock(),))
        size = 0
        for held in reversed(self._rows("WHERE until > ? ORDER BY number", (self._clock(),))):
            size += held.size
            if size > self._most:
                gone.append(held)
        for held in gone:
            self._delete(held)
        if gone:
            self.database.scrub()
        return len(gone)

    # --- looking, and taking out

    def all(self) -> list[Held]:
        """All that has not expired, newest first."""
        return self._rows("WHERE until > ? ORDER BY number DESC", (self._clock(),))

    def show(self, id_: str) -> Held:
        """One of them. Raises ``ClientError`` (``file-unknown``)."""
        found = self._rows("WHERE id = ? AND until > ?", (id_, self._clock()))
        if not found:
            raise ClientError("There is no such file in quarantine.", reason="file-unknown", status=404)
        return found[0]

    def release(self, id_: str, by: str) -> Content:
        """The file itself, once it is on record that ``by`` took it. Raises ``ClientError`` and ``StoreError``."""
        held = self.show(id_)
        self._record(Entry(Event.FILE_RELEASED.value, held.exchange, {"file": id_, "digest": held.digest, "by": by}))
        sealed = self.database.row("SELECT body FROM quarantine WHERE id = ?", (id_,))
        if sealed is None:
            raise ClientError("There is no such file in quarantine.", reason="file-unknown", status=404)
        place = Place(held.tenant, held.subject, BODY, id_, id_)
        return msgspec.msgpack.decode(self._sealer.open(place, sealed[0]), type=Content)

    def delete(self, id_: str, by: str) -> None:
        """Deletes one before its time. Raises ``ClientError``."""
        held = self.show(id_)
        self._record(Entry(Event.FILE_DELETED.value, held.exchange, {"file": id_, "digest": held.digest, "by": by}))
        self._delete(held)
        self.database.scrub()

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Held]:
        return _held(self.database, where, values)

    def _delete(self, held: Held) -> None:
        self._sealer.destroy(held.tenant, held.subject, [held.id])
        self.database.write("DELETE FROM quarantine WHERE id = ?", (held.id,))


def _held(database: Database, where: str, values: tuple[object, ...]) -> list[Held]:
    rows = database.rows(f"SELECT {_COLUMNS} FROM quarantine {where}", values)  # noqa: S608 - from this module
    return [
        Held(id_, tenant, subject, digest, kind, size, tuple(rules.split()), exchange, at, until)
        for id_, tenant, subject, digest, kind, size, rules, exchange, at, until in rows
    ]


def held_of(settings: Settings, tenant: str, subject: str) -> list[Held]:
    """Files of one person, oldest first; none where there is no quarantine. Raises ``StoreError``."""
    path = quarantine_file(settings)
    if not path.exists():
        return []
    database = Database(path, [SCHEMA])
    try:
        return _held(database, "WHERE tenant = ? AND subject = ? ORDER BY number", (tenant, subject))
    finally:
        database.close()


def quarantine_file(settings: Settings) -> Path:
    """The file with them."""
    return Path(settings.files.quarantine_path or Path(settings.ledger.path).with_name("chatward-quarantine.db"))


@contextmanager
def sealed_fields(settings: Settings) -> Iterator[list[SealedFields]]:
    """What rotation and erasure have to know of it: nothing where there is no file yet."""
    path = quarantine_file(settings)
    if not path.exists():
        yield []
        return
    database = Database(path)
    try:
        yield [Fields(database)]
    finally:
        database.close()
