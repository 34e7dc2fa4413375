"""What was imported: one SQLite file, from which snapshots are made. Never asked on the way of a message.

The rules:

1. **An import may be killed at any point.** Entries come in blocks, each one transaction together with how far the
   import has come. The next one with the same bytes goes on there; with others it starts anew. Nothing is counted as
   imported before its last block.
2. **Importing again changes nothing.** An entry is known by source and value: a later sighting moves ``last`` on, an
   earlier one ``first`` back, everything else is what the newest import says.
3. What a source no longer lists goes with the last block of its next import, or stays and grows old, as the source's
   settings say (``forgets``). Whatever is older than ``keep``, ended, or was taken back goes too.
4. Entries without a date of their own were last seen when their source was last confirmed, as long as they are in its
   newest import; so an unchanged list costs one row, not a million.
5. What an entry does not say of itself (type, TLP, confidence) is left open: its source's settings hold when it is
   asked for, and may change without another import.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from chatward.core.errors import StoreError
from chatward.core.indicators import IndicatorKind, ThreatType, Tlp
from chatward.intel.decay import DAY
from chatward.intel.entries import Row, normalise
from chatward.intel.files import SourceError
from chatward.intel.snapshot import KINDS, OPEN, RECORD, UNDATED, Writer, digest_of, key_of, mark_of
from chatward.settings import IntelSource

BLOCK: Final = 20_000
"""Rows of one transaction."""
HOPELESS: Final = 100_000
"""Rows, none of which can be read, after which a file is taken for one of another format."""
TYPES: Final = tuple(ThreatType)
MARKINGS: Final = tuple(Tlp)
_STEPS: Final = (
    """CREATE TABLE IF NOT EXISTS sources (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, run INTEGER NOT NULL DEFAULT 0,
        importing TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0, imported TEXT NOT NULL DEFAULT '',
        etag TEXT NOT NULL DEFAULT '', modified TEXT NOT NULL DEFAULT '', cursor TEXT NOT NULL DEFAULT '',
        checked REAL, confirmed REAL, rows INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT '')""",
    "CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY CHECK (id = 0), number INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO changes VALUES (0, 0)",
    """CREATE TABLE IF NOT EXISTS entries (
        digest BLOB NOT NULL, source INTEGER NOT NULL, kind INTEGER NOT NULL, value TEXT NOT NULL,
        type INTEGER, tlp INTEGER, confidence REAL, first REAL NOT NULL, last REAL NOT NULL,
        dated INTEGER NOT NULL, expires REAL, run INTEGER NOT NULL, PRIMARY KEY (digest, source)) WITHOUT ROWID""",
)
_UPSERT: Final = """INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (digest, source) DO UPDATE SET type = excluded.type, tlp = excluded.tlp,
    confidence = excluded.confidence, first = min(first, excluded.first), last = max(last, excluded.last),
    dated = excluded.dated, expires = excluded.expires, run = excluded.run"""


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of one source. Times are seconds since 1970 UTC; ``confirmed`` ``None``: never fetched whole."""

    name: str
    imported: str = ""
    etag: str = ""
    modified: str = ""
    cursor: str = ""
    checked: float | None = None
    confirmed: float | None = None
    rows: int = 0
    skipped: int = 0
    error: str = ""
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is stored; ``None``: what its source's settings say."""

    source: str
    kind: IndicatorKind
    value: str
    type: ThreatType | None
    tlp: Tlp | None
    confidence: float | None
    first: float
    last: float
    expires: float | None


@dataclass(slots=True)
class Imported:
    """What an import did."""

    rows: int = 0
    skipped: int = 0
    resumed: int = 0


class Store:
    """The file of entries. Raises ``StoreError``. One process writes at a time (``chatward.intel.lifecycle``)."""

    def __init__(self, path: Path) -> None:
        with _failing():
            path.touch(mode=0o600, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536", "mmap_size=268435456"):
                self._db.execute(f"PRAGMA {pragma}")
            for step in _STEPS:
                self._db.execute(step)

    def close(self) -> None:
        self._db.close()

    # --- sources -------------------------------------------------------------------------------------

    def state(self, name: str) -> SourceState:
        with _failing():
            row = self._db.execute(
                "SELECT imported, etag, modified, cursor, checked, confirmed, rows, skipped, error, importing"
                " FROM sources WHERE name = ?",
                (name,),
            ).fetchone()
        if row is None:
            return SourceState(name)
        *known, importing = row
        return replace(SourceState(name, *known), unfinished=bool(importing))

    def note(self, name: str, checked: float, *, error: str = "", confirmed: bool = False) -> None:
        """That a source was asked: ``confirmed`` where it said that nothing changed, ``error`` where it failed."""
        with _failing():
            number = self._number(name)
            self._db.execute("UPDATE sources SET checked = ?, error = ? WHERE id = ?", (checked, error, number))
            if confirmed:
                self._db.execute("UPDATE sources SET confirmed = ? WHERE id = ?", (checked, number))

    def forget(self, names: Sequence[str]) -> int:
        """Deletes all sources but these, with their entries; how many sources those were."""
        with self._writing():
            known = self._db.execute("SELECT id, name FROM sources").fetchall()
            gone = [(number,) for number, name in known if name not in names]
            self._db.executemany("DELETE FROM entries WHERE source = ?", gone)
            self._db.executemany("DELETE FROM sources WHERE id = ?", gone)
            if gone:
                self._changed()
            return len(gone)

    def _number(self, name: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO sources (name) VALUES (?)", (name,))
        return int(self._db.execute("SELECT id FROM sources WHERE name = ?", (name,)).fetchone()[0])

    # --- importing -----------------------------------------------------------------------------------

    def take(
        self,
        source: IntelSource,
        rows: Iterable[Row],
        *,
        digest: str,
        now: float,
        etag: str = "",
        modified: str = "",
        cursor: str = "",
        whole: bool = True,
        readable: bool = False,
        drop: bool = False,
    ) -> Imported:
        """Imports what a source lists. ``digest`` names the bytes that ``rows`` come from; ``whole``: they are all that
        it lists now, not only what is new; ``drop``: then what it no longer lists goes. ``rows`` may raise: what was
        taken so far stays, and counts as begun. Raises ``SourceError`` where rows are ``readable`` and none is: what
        was known stays, rather than giving way to a file that says nothing."""
        done = Imported()
        with _failing():
            number = self._number(source.name)
            run, importing, taken, skipped = self._db.execute(
                "SELECT run, importing, done, skipped FROM sources WHERE id = ?", (number,)
            ).fetchone()
        if importing == digest:
            done.resumed, done.skipped = taken, skipped
        else:
            run += whole  # an addition belongs to the run before it
            with self._writing():
                self._db.execute(
                    "UPDATE sources SET importing = ?, done = 0, skipped = 0, run = ? WHERE id = ?",
                    (digest, run, number),
                )
        maker = _Maker(source, number, run, now)
        block: list[tuple[Any, ...]] = []
        gone: list[tuple[bytes, int]] = []
        seen = 0
        for seen, row in enumerate(rows, 1):
            if seen <= done.resumed:
                continue
            if (block and row.gone) or (gone and not row.gone):  # what comes later counts
                self._commit(number, block, gone, done, seen - 1)
            made = maker.make(row)
            if made is None:
                done.skipped += 1
            elif row.gone:
                gone.append((made[0], number))
            else:
                block.append(made)
            if readable and done.skipped == seen >= HOPELESS:
                break
            if seen % BLOCK == 0:
                self._commit(number, block, gone, done, seen)
        if readable and done.skipped == seen > 0:
            raise SourceError("nothing in it can be read; is it of another format?", reason="intel-format")
        with self._writing():
            self._put(block, gone, done)
            if whole and drop:
                sql = "DELETE FROM entries WHERE source = ? AND run < ?"
                if self._db.execute(sql, (number, run)).rowcount:
                    self._changed()
            self._db.execute(
                "UPDATE sources SET importing = '', done = 0, imported = ?, etag = ?, modified = ?, cursor = ?,"
                " checked = ?, confirmed = ?, error = '', skipped = ? WHERE id = ?",
                (digest, etag, modified, cursor, now, now, done.skipped, number),
            )
        return done

    def _commit(
        self, number: int, block: list[tuple[Any, ...]], gone: list[tuple[bytes, int]], done: Imported, seen: int
    ) -> None:
        with self._writing():
            self._put(block, gone, done)
            values = (seen, done.skipped, number)
            self._db.execute("UPDATE sources SET done = ?, skipped = ? WHERE id = ?", values)

    def _put(self, block: list[tuple[Any, ...]], gone: list[tuple[bytes, int]], done: Imported) -> None:
        if block or gone:
            self._changed()
        block.sort(key=_digest)
        self._db.executemany(_UPSERT, block)
        self._db.executemany("DELETE FROM entries WHERE digest = ? AND source = ?", gone)
        done.rows += len(block)
        block.clear()
        gone.clear()

    def expire(self, now: float, keep: float) -> int:
        """Deletes what ended, and what was last seen more than ``keep`` days ago; how many entries that were."""
        with self._writing():
            deleted = self._db.execute(
                "DELETE FROM entries WHERE (expires IS NOT NULL AND expires <= ?) OR (last < ? AND NOT EXISTS (SELECT 1"
                " FROM sources WHERE id = source AND sources.run = entries.run AND NOT dated AND confirmed >= ?))",
                (now, now - keep * DAY, now - keep * DAY),
            ).rowcount
            if deleted:
                self._changed()
            return deleted

    def _changed(self) -> None:
        self._db.execute("UPDATE changes SET number = number + 1")

    # --- reading -------------------------------------------------------------------------------------

    def count(self) -> int:
        with _failing():
            return int(self._db.execute("SELECT count(*) FROM entries").fetchone()[0])

    def entries(self, source: str | None = None) -> Iterator[Entry]:
        """All entries, or those of one source, by digest."""
        with _failing():
            rows = self._db.execute(
                "SELECT name, kind, value, type, tlp, confidence, first,"
                " CASE WHEN dated OR entries.run < sources.run OR confirmed IS NULL THEN last"
                " ELSE max(last, confirmed) END, expires FROM entries JOIN sources ON sources.id = source"
                " WHERE ?1 IS NULL OR name = ?1 ORDER BY digest, source",
                (source,),
            )
            for name, kind, value, type_, tlp, *rest in rows:
                own = None if type_ is None else TYPES[type_]
                yield Entry(name, KINDS[kind], value, own, None if tlp is None else MARKINGS[tlp], *rest)

    @property
    def changes(self) -> int:
        """Grows with every change to the entries; a snapshot says of which one it is."""
        with _failing():
            return int(self._db.execute("SELECT number FROM changes").fetchone()[0])

    def write_snapshot(self, path: Path) -> int:
        """Makes the snapshot of all that is stored; how many entries it has. A source whose import was cut off counts
        with what came in."""
        with _failing():
            self._db.execute("BEGIN")
            try:
                counts = self._write_snapshot(path)
            finally:
                self._db.execute("COMMIT")
            for number, rows in counts.items():
                self._db.execute("UPDATE sources SET rows = ? WHERE id = ?", (rows, number))
            return sum(counts.values())

    def _write_snapshot(self, path: Path) -> Counter[int]:
        known = self._db.execute("SELECT id, name, run FROM sources ORDER BY id").fetchall()
        runs = {number: run for number, _, run in known}
        counts: Counter[int] = Counter(dict.fromkeys(runs, 0))
        writer = Writer(path, self.count())
        prefixes: tuple[set[int], set[int]] = (set(), set())
        try:
            rows = self._db.execute(
                "SELECT digest, source, kind, value, type, tlp, confidence, first, last, dated, expires, run"
                " FROM entries ORDER BY digest, source"
            )
            while block := rows.fetchmany(BLOCK):
                records: list[bytes] = []
                marks: list[int] = []
                for digest, source, kind, value, type_, tlp, confidence, first, last, dated, expires, run in block:
                    key = key_of(KINDS[kind], value)
                    if "/" in value and KINDS[kind] is IndicatorKind.IP:
                        prefixes[":" in value].add(key[-1])
                    flags = 0 if dated or run < runs[source] else UNDATED
                    times = int(first), int(last), 0 if expires is None else max(int(expires), 1)
                    said = (
                        OPEN if type_ is None else type_,
                        OPEN if tlp is None else tlp,
                        OPEN if confidence is None else round(confidence * 200),
                    )
                    records.append(RECORD.pack(digest, source, kind, *said, flags, *times))
                    marks.append(mark_of(key))
                    counts[source] += 1
                writer.add(b"".join(records), marks)
            writer.finish(
                {
                    "sources": {str(number): name for number, name, _ in known},
                    "changes": self.changes,
                    "prefixes": [sorted(lengths) for lengths in prefixes],
                }
            )
        except BaseException:
            writer.abandon()
            raise
        return counts

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise


class _Maker:
    """Makes stored rows of one import."""

    def __init__(self, source: IntelSource, number: int, run: int, now: float) -> None:
        self._number, self._run, self._now = number, run, now
        self._any_size = bool(source.context)
        self._types = {type_: number for number, type_ in enumerate(TYPES)}
        self._markings = {marking: number for number, marking in enumerate(MARKINGS)}
        self._kinds = {kind: number for number, kind in enumerate(KINDS)}

    def make(self, row: Row) -> tuple[Any, ...] | None:
        """``None`` where the value is none that could be looked up."""
        found = normalise(row.value, row.kind, any_size=self._any_size)
        if found is None:
            return None
        kind, value = found
        last = row.last if row.last is not None else row.first
        begins = row.begins if row.begins is not None and row.begins > self._now else None
        return (
            digest_of(key_of(kind, value)),
            self._number,
            self._kinds[kind],
            value,
            None if row.type is None else self._types[row.type],
            None if row.tlp is None else self._markings[row.tlp],
            row.confidence,
            begins or min(row.first if row.first is not None else self._now, self._now),
            min(last if last is not None else self._now, self._now),
            last is not None,
            row.expires,
            self._run,
        )


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError("The store of threat intelligence cannot be used.", reason="intel-store") from error


def _digest(row: tuple[Any, ...]) -> bytes:
    digest: bytes = row[0]
    return digest
