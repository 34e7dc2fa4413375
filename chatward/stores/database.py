"""One SQLite file for what must last and is small: keys, operators, sessions, passkeys, challenges.

``Tables`` is what stores need that may stand in another database as well (``stores.postgres``).

The rules:

1. Each component brings its own tables (``Schema``) and is the only one that touches them. A schema is a list of
   steps; the database remembers how many of them it has taken, and takes the rest.
2. Durable before returned: WAL with ``synchronous=FULL``.
3. Several processes may share the file. ``generation`` changes when anyone, here or elsewhere, has committed: what is
   kept in memory is good as long as it has not changed. Asking costs two microseconds.
4. Reading is a matter of microseconds, has a connection of its own that no writer holds up, and may happen on an event
   loop. Writing waits for the disk: from an event loop, call it on a thread.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from chatward.core.errors import StoreError

_BUSY: Final = 5.0
"""Seconds to wait for another process's transaction."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one component: SQL statements in the order in which they came to be. Only ever append.
    ``postgres``: the same for PostgreSQL, where the component may stand there."""

    component: str
    steps: tuple[str, ...]
    postgres: tuple[str, ...] = ()


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """A transaction. ``?`` stands for a value, and for nothing else."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Cursor: ...

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> object: ...


class Tables(Protocol):
    """A database, in the SQL that SQLite and PostgreSQL have in common. Raises ``StoreError``."""

    def adopt(self, schema: Schema) -> None:
        """Brings one component's tables up to date."""
        ...

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query."""
        ...

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement as a transaction; the number of rows it changed."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction, durable at the end and rolled back when something is raised inside. One at a time, of all
        processes: whoever is inside sees all that was committed."""
        ...

    def scrub(self) -> None:
        """Takes what was deleted out of the files, as far as that is in a program's hands. Raises ``StoreError``
        (``erasure-unfinished``)."""
        ...

    def close(self) -> None: ...


class Database:
    """A file with tables of several components. Raises ``StoreError`` when it cannot be opened, read or written.

    ``path`` is made if missing, readable by its owner alone; ``None`` keeps everything in memory, for this process.
    """

    def __init__(self, path: Path | None, schemas: Sequence[Schema] = ()) -> None:
        self._lock = threading.RLock()
        self._own = 0
        try:
            if path is not None:
                path.touch(mode=0o600, exist_ok=True)
            self._writer = self._connect(path)
            self._reader, self._reading = self._writer, self._lock
            if path is not None:
                self._reader, self._reading = self._connect(path), threading.RLock()
            with self.writing() as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS schemas (component TEXT PRIMARY KEY, step INTEGER)")
            for schema in schemas:
                self.adopt(schema)
        except (sqlite3.Error, OSError) as error:
            raise StoreError("The identity store cannot be opened.") from error

    @staticmethod
    def _connect(path: Path | None) -> sqlite3.Connection:
        connection = sqlite3.connect(path or ":memory:", timeout=_BUSY, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # what was deleted is overwritten
        return connection

    def adopt(self, schema: Schema) -> None:
        """Brings one component's tables up to date."""
        with self.writing() as connection:
            row = connection.execute("SELECT step FROM schemas WHERE component = ?", (schema.component,)).fetchone()
            taken = row[0] if row else 0
            if taken > len(schema.steps):
                raise StoreError(f"The store was written by a newer Chatward ({schema.component}).")
            for step in schema.steps[taken:]:
                connection.execute(step)
            connection.execute("INSERT OR REPLACE INTO schemas VALUES (?, ?)", (schema.component, len(schema.steps)))

    @property
    def generation(self) -> tuple[int, int]:
        """Changes with every commit, of this process or another."""
        with self._reading, _failing():
            return self._own, self._reader.execute("PRAGMA data_version").fetchone()[0]

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._reading, _failing():
            return self._reader.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query."""
        with self._reading, _failing():
            found: tuple[Any, ...] | None = self._reader.execute(sql, values).fetchone()
            return found

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement as a transaction; the number of rows it changed."""
        with self.writing() as connection:
            return connection.execute(sql, values).rowcount

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end, rolled back when something is raised inside."""
        with self._lock, _failing():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise
            finally:
                self._own += 1

    def scrub(self) -> None:
        """Deleted content is overwritten in the file (``PRAGMA secure_delete``); the write-ahead log keeps older pages
        until it is brought into the file and cut off."""
        row = self.row("PRAGMA wal_checkpoint(TRUNCATE)")
        if row is not None and row[0]:
            raise StoreError(
                "The store is being read elsewhere, so old pages could not be cleared yet. Ask again.",
                reason="erasure-unfinished",
            )

    def close(self) -> None:
        with self._lock, self._reading:
            self._reader.close()
            self._writer.close()


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError("The identity store cannot be used.") from error
