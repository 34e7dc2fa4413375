"""A PostgreSQL database behind ``stores.database.Tables``, for what outgrows a file.

The rules:

1. **One writer at a time, of all processes**, as with a SQLite file: each transaction begins with one advisory lock of
   the database. Rotation relies on it (``core.sealing``, rule 3).
2. **Durable before returned**: ``synchronous_commit`` is on, whatever the server's default. A server that runs without
   ``fsync`` promises nothing; that is its owner's to know.
3. **A commit whose answer was lost is looked up** (``pg_xact_status``): what was written is never written twice, and
   nothing is called written that is not.
4. **Only what is sealed, and what is no secret, belongs here.** The server keeps old rows in its files, its log, its
   replicas and its backups: what is deleted is gone for good because its keys are, which stand elsewhere.
5. To another machine only over TLS whose certificate is checked (``sslmode=verify-full``).

Waits for the server: call it on a thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from chatward.core.errors import ConfigError, StoreError
from chatward.settings.rules import is_loopback
from chatward.stores.database import Cursor, Schema

if TYPE_CHECKING:
    import psycopg

KEY: Final = "stores.postgres"
_LOCK: Final = int.from_bytes(b"chatward", "big")
_BEGIN: Final = f"BEGIN; SELECT pg_advisory_xact_lock({_LOCK}); SELECT pg_current_xact_id()::text"
_IDLE: Final = 4
"""Connections for reading that are kept."""
_SETTINGS: Final = "-c synchronous_commit=on -c lock_timeout=5s -c statement_timeout=60s"
_PARAMETERS: Final = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "application_name": "chatward",
    "client_encoding": "utf8",
}

T = TypeVar("T")


class PostgresTables:
    """The database at ``url`` (``postgresql://USER:PASSWORD@HOST/NAME?sslmode=verify-full``). Raises ``ConfigError``
    (``extra-missing``, ``postgres-url``, ``postgres-not-private``) and ``StoreError``."""

    def __init__(self, url: str) -> None:
        self._psycopg = _driver()
        self._conninfo = _conninfo(self._psycopg, url)
        self._writing = threading.RLock()
        self._writer: psycopg.Connection | None = None
        self._idle: deque[psycopg.Connection] = deque()
        self._closed = False
        with self.writing() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS schemas (component TEXT PRIMARY KEY, step BIGINT)")

    def adopt(self, schema: Schema) -> None:
        with self.writing() as connection:
            row = connection.execute("SELECT step FROM schemas WHERE component = ?", (schema.component,)).fetchone()
            taken = row[0] if row else 0
            if taken > len(schema.postgres):
                raise StoreError(f"The store was written by a newer Chatward ({schema.component}).")
            for step in schema.postgres[taken:]:
                connection.execute(step)
            connection.execute(
                "INSERT INTO schemas VALUES (?, ?) ON CONFLICT (component) DO UPDATE SET step = excluded.step",
                (schema.component, len(schema.postgres)),
            )

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._read(lambda connection: connection.execute(_translated(sql), values).fetchall())

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        return self._read(lambda connection: connection.execute(_translated(sql), values).fetchone())

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self.writing() as connection:
            return connection.execute(sql, values).rowcount

    @contextmanager
    def writing(self) -> Iterator[_Transaction]:
        with self._writing, self._failing():
            connection, transaction = self._begun()
            try:
                yield _Transaction(connection)
            except BaseException:
                with suppress(self._psycopg.Error):
                    connection.execute("ROLLBACK")
                raise
            self._commit(connection, transaction)

    def scrub(self) -> None:
        """Nothing is in a program's hands here: see rule 4."""

    def close(self) -> None:
        with self._writing:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
            while self._idle:
                self._idle.pop().close()

    # --- inside

    def _connect(self) -> psycopg.Connection:
        made: psycopg.Connection = self._psycopg.connect(self._conninfo, autocommit=True)
        return made

    def _begun(self) -> tuple[psycopg.Connection, str]:
        """A connection inside a transaction that nobody else is in, and the transaction's id."""
        if self._closed:
            raise StoreError("The store is closed.")
        for last in (False, True):
            if self._writer is None or self._writer.closed:
                self._writer = self._connect()
            try:
                cursor = self._writer.execute(_BEGIN)
                while cursor.nextset():
                    pass
                return self._writer, _only(cursor.fetchone())
            except self._psycopg.Error:
                # A server that was started anew meanwhile: nothing has happened yet.
                if last or not self._writer.closed:
                    with suppress(self._psycopg.Error):
                        self._writer.execute("ROLLBACK")
                    raise
        raise AssertionError

    def _commit(self, connection: psycopg.Connection, transaction: str) -> None:
        try:
            connection.execute("COMMIT")
        except self._psycopg.Error:
            if not connection.closed:
                raise
            again, _ = self._begun()  # the lock is free once the other transaction has come to its end
            status = _only(again.execute("SELECT pg_xact_status(%s::xid8)", (transaction,)).fetchone())
            again.execute("ROLLBACK")
            if status != "committed":
                raise

    def _read(self, ask: Callable[[psycopg.Connection], T]) -> T:
        with self._failing():
            while True:
                try:
                    connection, fresh = self._idle.pop(), False
                except IndexError:
                    connection, fresh = self._connect(), True
                try:
                    found = ask(connection)
                except BaseException:
                    broken = connection.closed
                    connection.close()
                    if fresh or not broken:
                        raise
                    continue  # kept since before the server was started anew
                if self._closed or len(self._idle) >= _IDLE:
                    connection.close()
                else:
                    self._idle.append(connection)
                return found

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (self._psycopg.Error, UnicodeError) as error:  # the latter: text that no database of text takes
            raise StoreError("The store cannot be used.") from error


class _Transaction:
    """``stores.database.Connection``."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor:
        return self._connection.execute(_translated(sql), values)

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_translated(sql), values)


def _translated(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


def _only(row: tuple[Any, ...] | None) -> str:
    return "" if row is None else str(row[0])


def _driver() -> Any:
    try:
        import psycopg  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise ConfigError(
            f'{KEY} needs its client: uv pip install "chatward[postgres]"', key=KEY, reason="extra-missing"
        ) from error
    return psycopg


def _conninfo(driver: Any, url: str) -> str:
    try:
        given = driver.conninfo.conninfo_to_dict(url)
    except driver.Error:
        raise ConfigError("is no address of a PostgreSQL server", key=KEY, reason="postgres-url") from None
    # What the address does not say, libpq takes from the environment: then nobody could tell where this goes.
    hosts = [host for name in ("host", "hostaddr") if name in given for host in str(given[name]).split(",")]
    if not hosts or not all(hosts):
        raise ConfigError("names no host: postgresql://HOST/NAME", key=KEY, reason="postgres-url")
    near = all(host.startswith("/") or is_loopback(host) for host in hosts)
    if not near and given.get("sslmode") != "verify-full":
        raise ConfigError(
            "goes to another machine: it needs sslmode=verify-full (and sslrootcert)",
            key=KEY,
            reason="postgres-not-private",
        )
    options = f"{given.pop('options', '')} {_SETTINGS}".strip()
    return str(driver.conninfo.make_conninfo("", **_PARAMETERS | given | {"options": options}))
