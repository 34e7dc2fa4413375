"""The ledger in one SQLite file: appended in groups by one thread, chained, in a tree, and shut when it cannot write.

The rules:

1. **Durable before resolved.** ``append`` resolves after the group that holds the entry is committed. With
   ``power`` the commit waits for the disk (WAL, ``synchronous=FULL``: one fsync a group); with ``process`` it
   reaches the operating system, which survives a killed process but not a power cut.
2. **All that is queued is one group.** An event loop gathers entries as long as each of its turns brings more, for
   ``GATHER`` seconds at most: a commit costs the same for one entry as for sixteen, and a busy loop would not get round
   to what it makes possible any sooner. There is no timer while idle; ``group_wait`` may add one.
3. **One statement a group.** Each statement gives up the interpreter's lock and has to win it back from a busy
   event loop, which takes milliseconds there. So a group is one ``INSERT`` of many rows, a transaction
   of its own, and one ``call_soon_threadsafe`` resolves all its futures.
4. **A failure closes the gate.** Every entry of the failing group, and of those queued behind it, fails with
   ``StoreError``; ``append`` then fails at once. A second later, and every second, the writer opens the file
   anew and tries to record that the gate was closed and is open again; the gate opens when that is durable.
5. **The disk is never filled to the end.** Less than ``min_free`` bytes free closes the gate as well. So does a
   file that was removed or replaced under the ledger, or that no longer holds what was acknowledged or signed.
6. **Several processes may append to one file.** The number of an entry is its primary key: who comes
   second reads the new head and chains anew.
7. **The log has its size from the start.** While the write-ahead log grows, a commit waits for the file system's
   own journal, and so for what others write (on a busy disk 3 to 8 ms for one commit in ten); a log that is
   overwritten is not held up (0.1 ms).
8. **The tree follows.** Entries go into the tree, and checkpoints are signed (``checkpointing``), on the writer's
   thread after those who wait were told.

The table refuses ``UPDATE`` and ``DELETE`` (against accidents; the chain is what shows intent).
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Literal

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger import tree
from chatward.ledger.chain import EMPTY, Head, body, link
from chatward.ledger.checkpointing import Checkpointer, Plan, signer
from chatward.ledger.checkpointing import RefusalError as _RefusalError
from chatward.ledger.events import encode
from chatward.ledger.settling import failure, settle

log = logging.getLogger(__name__)

Durability = Literal["power", "process"]

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, event TEXT NOT NULL,"
    " exchange TEXT NOT NULL, fields TEXT NOT NULL, hash BLOB NOT NULL)",
    "CREATE TRIGGER IF NOT EXISTS ledger_no_update BEFORE UPDATE ON ledger"
    " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS ledger_no_delete BEFORE DELETE ON ledger"
    " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    *tree.SCHEMA,
)
_WIDTH: Final = 64
"""Rows in one statement. Each number of rows has a statement of its own, prepared once."""
_INSERT: Final = tuple(
    "INSERT INTO ledger VALUES " + ",".join(["(?,?,?,?,?,?)"] * rows)  # noqa: S608 - placeholders only
    for rows in range(_WIDTH + 1)
)
_MAX_GROUP: Final = 4096
_BUSY: Final = 2.0
"""Seconds to wait for another process's transaction."""
_COLLISIONS: Final = 50
"""Attempts to chain anew when another process keeps appending first."""


_LOG_BYTES: Final = 32 + 1100 * (24 + 4096)
"""Size of a write-ahead log at the checkpoint that SQLite makes after 1,000 pages, a large group included."""

GATHER: Final = 0.002
_QUIET: Final = 2
"""Turns of an event loop without a new entry after which what was gathered is handed over."""

_Row = tuple[int, str, str, bytes, asyncio.Future[None] | None]
"""Time, event, exchange, fields, and who waits for it. A bare tuple: one is made for every entry."""


class _Gathering:
    """Entries of one event loop that are not handed over yet."""

    __slots__ = ("quiet", "rows", "seen", "until")

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self.seen = 0
        self.quiet = 0
        self.until = time.monotonic() + GATHER


class SqliteLedger:
    """Implements ``core.ports.Ledger``.

    ``path`` names the database file, made if missing (only its owner may read it) in a folder that exists.
    ``clock`` gives nanoseconds since 1970 UTC; ``free`` the bytes free for a folder. ``limit`` bounds the
    entries that wait, ``retry`` is the pause in seconds between attempts to reopen. ``checkpoints`` says when those are
    made. Raises ``StoreError`` when the file cannot be opened, is not a ledger or not the one that was signed.

    Reasons of the ``StoreError``: ``ledger-unavailable``, ``ledger-disk-low``, ``ledger-replaced``, ``ledger-broken``,
    ``ledger-rolled-back``, ``ledger-forked``, ``ledger-key-invalid``, ``ledger-overloaded``, ``ledger-closed``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        durability: Durability = "power",
        group_wait: float = 0.0,
        min_free: int = 64 * 1024 * 1024,
        *,
        clock: Callable[[], int] = time.time_ns,
        free: Callable[[str], int] | None = None,
        limit: int = 100_000,
        retry: float = 1.0,
        checkpoints: Plan = Plan(),  # noqa: B008 - immutable
    ) -> None:
        self._path = Path(path).absolute()
        self._durability = durability
        self._group_wait = group_wait
        self._min_free = min_free
        self._clock = clock
        self._free = free or _free_bytes
        self._limit = limit
        self._retry = retry
        self._queue: SimpleQueue[_Row | None] = SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, _Gathering] = {}
        self._refusal: str | None = None
        self._refused = 0
        self._shut_at = 0
        self._stopping = False
        self._looked = float("-inf")
        self._head = EMPTY
        try:
            _create(self._path)
            self._tree = Checkpointer(checkpoints, signer(self._path, checkpoints.origin))
            self._connection = self._open()
            self._look()
        except (sqlite3.Error, OSError, StoreError, _RefusalError) as error:
            raise failure(_reason(error)) from error
        self._thread = threading.Thread(target=self._run, name="chatward-ledger", daemon=True)
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """False while the gate is closed."""
        return self._refusal is None

    @property
    def refusal(self) -> str | None:
        """The reason id for which ``append`` fails now, or ``None``."""
        return self._refusal

    def append(self, entry: Entry) -> Awaitable[None]:
        """A future that is done once the entry is durable. Must be called on a running event loop.

        Raises at once: ``ValueError`` for an entry that may not be recorded, ``StoreError`` while the gate is
        closed or the queue is full. The future fails with ``StoreError`` when the group cannot be written.
        """
        if self._refusal is not None:
            self._refused += 1
            raise failure(self._refusal)
        event, exchange, fields = encode(entry)
        loop = asyncio.get_running_loop()
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = _Gathering()
            loop.call_soon(self._hand_over, loop, gathered)
        if self._queue.qsize() + len(gathered.rows) >= self._limit:
            raise failure("ledger-overloaded")
        future: asyncio.Future[None] = loop.create_future()
        gathered.rows.append((self._clock(), event, exchange, fields, future))
        return future

    def _hand_over(self, loop: asyncio.AbstractEventLoop, gathered: _Gathering) -> None:
        """What a loop has gathered goes to the writer, unless this turn or the last brought more."""
        count = len(gathered.rows)
        gathered.quiet = gathered.quiet + 1 if count == gathered.seen else 0
        gathered.seen = count
        if gathered.quiet < _QUIET and time.monotonic() < gathered.until and not self._stopping:
            loop.call_soon(self._hand_over, loop, gathered)
            return
        if self._gathered.get(loop) is gathered:
            del self._gathered[loop]
            for row in gathered.rows:
                self._queue.put(row)

    async def aclose(self) -> None:
        """Writes what is queued, then closes. Idempotent; ``append`` fails from now on."""
        self._refusal = "ledger-closed"
        if not self._stopping:
            self._stopping = True
            for loop, gathered in tuple(self._gathered.items()):
                self._hand_over(loop, gathered)
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # --- the writer's thread -------------------------------------------------------------------------

    def _run(self) -> None:
        shut: str | None = None
        more = True
        while more:
            group, more = self._take(self._retry if shut else self._tree.wait(), gather=not shut)
            if shut:
                _settle(group, shut)
                self._refused += len(group)
                shut = self._reopen(shut)
                continue
            try:
                hashes = self._write(group)
            except Exception as error:  # whatever it is: nobody may wait for ever, nothing may pass
                shut = _reason(error)
                self._shut(shut, group, error)
                continue
            _settle(group, None)
            try:
                self._follow(hashes, now=not more)
            except Exception as error:  # what was acknowledged stands; but it does not fit to what was before
                shut = _reason(error)
                self._shut(shut, (), error)
        rest, _ = self._take(0.0)
        _settle(rest, "ledger-closed")
        self._connection.close()

    def _follow(self, hashes: Sequence[bytes], *, now: bool) -> None:
        """The tree takes in what was written; a checkpoint is made if one is due, or ``now``."""
        if hashes:
            self._tree.extend(self._connection, self._head.seq - len(hashes) + 1, hashes)
        self._tree.write(self._connection, now=now)

    def _take(self, wait: float | None, *, gather: bool = False) -> tuple[list[_Row], bool]:
        """All that is queued, and whether to go on. Waits for the first, ``wait`` seconds at most."""
        queue = self._queue
        group: list[_Row] = []
        try:
            row = queue.get(timeout=wait) if wait != 0 else queue.get_nowait()
            if row is not None and self._group_wait and gather:
                time.sleep(self._group_wait)
            while row is not None:
                group.append(row)
                if len(group) == _MAX_GROUP:
                    return group, True
                row = queue.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _write(self, group: Sequence[_Row]) -> list[bytes]:
        """Writes a group; the hashes of its entries."""
        if not group:
            return []
        if time.monotonic() - self._looked >= 1.0:
            self._look()
        for _ in range(_COLLISIONS):
            values, head = _chained(self._head, group)
            try:
                self._insert(values, len(group))
            except sqlite3.IntegrityError:
                self._head = self._read_head()
                continue
            self._head = head
            return values[5::6]  # type: ignore[return-value]
        raise _RefusalError("ledger-unavailable")

    def _insert(self, values: list[object], count: int) -> None:
        execute = self._connection.execute
        if count <= _WIDTH:
            execute(_INSERT[count], values)
            return
        execute("BEGIN IMMEDIATE")
        try:
            for start in range(0, count, _WIDTH):
                rows = min(_WIDTH, count - start)
                execute(_INSERT[rows], values[6 * start : 6 * (start + rows)])
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise

    def _shut(self, reason: str, group: Sequence[_Row], error: Exception) -> None:
        """Closes the gate: first for those who come, then for those who wait."""
        self._shut_at = self._clock()
        self._refused = len(group)
        if not self._stopping:
            self._refusal = reason
        log.error("The ledger cannot write (%s, %s): the gate is closed.", reason, type(error).__name__)
        _settle(group, reason)

    def _reopen(self, shut: str) -> str | None:
        """Tries to write again. ``None`` when that worked and the gate is open, else why not."""
        try:
            self._connection.close()
            self._connection = self._open()
            self._look()
            now = self._clock()
            told = encode(Entry(Event.GATE_CLOSED, "", {"reason": shut, "refused": self._refused}))
            done = encode(Entry(Event.GATE_OPENED, "", {"closed_ns": max(0, now - self._shut_at)}))
            self._follow(self._write([(self._shut_at, *told, None), (now, *done, None)]), now=False)
        except Exception as error:
            reason = _reason(error)
            if not self._stopping:
                self._refusal = reason
            return reason
        if not self._stopping:
            self._refusal = None
        log.warning("The ledger writes again: the gate is open.")
        return None

    def _open(self) -> sqlite3.Connection:
        """A connection to the file that exists, its settings, its head. Never makes a new file."""
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY,
            isolation_level=None,
            cached_statements=_WIDTH + 16,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if self._durability == 'power' else 'NORMAL'}")
            connection.execute(f"PRAGMA fullfsync={int(self._durability == 'power')}")  # macOS: F_FULLFSYNC
            for statement in _SCHEMA:
                connection.execute(statement)
            self._connection = connection
            self._head = self._read_head()
            self._tree.resume(connection, self._head.seq)
            if self._durability == "power" and self._free(str(self._path.parent)) > self._min_free + 4 * _LOG_BYTES:
                _extend_log(connection, self._path)
        except BaseException:
            connection.close()
            raise
        status = os.stat(self._path)
        self._file = (status.st_dev, status.st_ino)
        return connection

    def _read_head(self) -> Head:
        """The newest entry. ``_RefusalError`` when the last acknowledged one is not there any more."""
        known = self._head
        row = self._connection.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
        head = EMPTY if row is None else Head(int(row[0]), bytes(row[1]))
        if known.seq:
            kept = self._connection.execute("SELECT hash FROM ledger WHERE seq = ?", (known.seq,)).fetchone()
            if kept is None or bytes(kept[0]) != known.hash:
                raise _RefusalError("ledger-replaced")
        return head

    def _look(self) -> None:
        """Is there space, and is the file still the one that is open? ``_RefusalError`` if not."""
        if self._free(str(self._path.parent)) < self._min_free:
            raise _RefusalError("ledger-disk-low")
        try:
            status = os.stat(self._path)
        except FileNotFoundError as error:
            raise _RefusalError("ledger-replaced") from error
        if (status.st_dev, status.st_ino) != self._file:
            raise _RefusalError("ledger-replaced")
        self._looked = time.monotonic()


def _chained(head: Head, group: Sequence[_Row]) -> tuple[list[object], Head]:
    """The values of the rows after ``head``, six a row, and the head after them."""
    seq, digest = head
    values: list[object] = []
    for at, event, exchange, fields, _ in group:
        seq += 1
        digest = link(digest, body(seq, at, event, exchange, fields))
        values += (seq, at, event, exchange, fields.decode(), digest)
    return values, Head(seq, digest)


def _settle(group: Sequence[_Row], reason: str | None) -> None:
    settle((row[4] for row in group), reason)


def _reason(error: Exception) -> str:
    if isinstance(error, StoreError):
        return error.reason
    return str(error.args[0]) if isinstance(error, _RefusalError) else "ledger-unavailable"


def _create(path: Path) -> None:
    """Makes an empty file that only its owner may read; SQLite's side files inherit its mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return


def _extend_log(connection: sqlite3.Connection, path: Path) -> None:
    """Fills the write-ahead log up to ``_LOG_BYTES`` with zeros. Those are no frames: their salts are not the log's
    (SQLite's file format, section 4.1). Done under the lock of who writes, for others append to the same log."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        with open(f"{path}-wal", "r+b") as log_file:
            missing = _LOG_BYTES - log_file.seek(0, os.SEEK_END)
            if missing > 0:
                log_file.write(bytes(missing))
                log_file.flush()
                os.fsync(log_file.fileno())
    except OSError:  # no log yet, or no space: it grows as it is used
        pass
    finally:
        connection.execute("ROLLBACK")


def _free_bytes(folder: str) -> int:
    return shutil.disk_usage(folder).free
