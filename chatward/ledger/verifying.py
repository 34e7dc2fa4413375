"""Is a ledger file whole? Entries, chain, tree and checkpoints, in one pass; the first bad entry is named.

The rules:

1. Entries are read in the order of their numbers from 1 on. Each hash is computed from what stands in the row and the
   hash before it (``chain``). The first entry that is ``missing``, ``malformed`` (not what a ledger writes) or does not
   match (``changed``) is named, exactly.
2. Who can write the file can also make every later hash anew. That shows where something else vouches for the past:

   ===================== ==============================================================================================
   ``other-head``        a head noted elsewhere (``expected``) is not the hash of its entry
   ``rewritten``         entries do not agree with a checkpoint of the file; named is the range that can be in question:
                         after the last checkpoint that agrees, narrowed by the blocks that disagree
   ``fork``              the same, of a checkpoint kept elsewhere (``noted``): one size, two heads
   ``cut-off``           a head or a checkpoint of the file is ahead of the entries
   ``rolled-back``       a checkpoint kept elsewhere is ahead of the file, whose own checkpoints fit: an older copy
   ``forged-checkpoint`` a checkpoint is not signed with a known key, or not of the form; named by its size
   ``other-block``       a stored block disagrees with entries that a checkpoint vouches for (it is only a shortcut)
   ===================== ==============================================================================================

3. Ranges of the file are independent once the hash before each is known, and subtrees join to the tree: ``jobs``
   processes share the work. Read are short transactions, so that a long check lets the writer's log shrink.
"""

from __future__ import annotations

import os
import sqlite3
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import chain
from multiprocessing import get_context
from typing import Final, NamedTuple

from chatward.ledger import tree
from chatward.ledger.chain import EMPTY, GENESIS, Head, body, link
from chatward.ledger.checkpoint import Checkpoint, read
from chatward.ledger.merkle import BLOCK, EMPTY_ROOT, Edge
from chatward.ledger.note import Note, NoteError, Verifier, parse, verified

_PAGE: Final = 2048
_RANGE: Final = 1 << 16
"""Entries that are checked as one piece; a power of two, at least a block."""
_FAST: Final = (
    "SELECT seq || char(10) || at || char(10) || event || char(10) || exchange || char(10) || fields, hash FROM ledger"
    " WHERE seq > ? AND seq <= ? AND typeof(at) = 'integer' AND typeof(event) = 'text' AND typeof(exchange) = 'text'"
    " AND typeof(fields) = 'text' AND typeof(hash) = 'blob' ORDER BY seq"
)
_SLOW: Final = (
    "SELECT seq, at, CAST(event AS BLOB), CAST(exchange AS BLOB), CAST(fields AS BLOB), hash,"
    " typeof(at) || typeof(event) || typeof(exchange) || typeof(fields) || typeof(hash) FROM ledger"
    " WHERE seq > ? AND seq <= ? ORDER BY seq"
)
_TYPES: Final = b"integertexttexttextblob"


@dataclass(frozen=True, slots=True)
class Verification:
    """The result. ``first_bad`` is the number of the first bad entry, ``problem`` from the fixed vocabulary above, and
    ``last_bad`` the end of the range where only a range can be named. ``entries`` before it are good, ``head`` is the
    last of those; ``root`` is the tree hash of a whole ledger. ``checkpoints`` agreed, ``vouched`` is the size of the
    largest of them, ``cosigned`` that of the largest which a known witness cosigned."""

    entries: int
    head: Head
    first_bad: int | None = None
    problem: str = ""
    last_bad: int | None = None
    root: bytes = EMPTY_ROOT
    checkpoints: int = 0
    vouched: int = 0
    cosigned: int = 0

    @property
    def ok(self) -> bool:
        return self.first_bad is None


class _Mark(NamedTuple):
    """A checkpoint to be compared where its size is reached."""

    size: int
    root: bytes
    forged: bool
    outside: bool
    cosigned: bool


class _Part(NamedTuple):
    """What was found in one range. ``peaks``: of the range's own tree at each asked size, and at its end."""

    start: int
    good: int
    digest: bytes
    problem: tuple[int, str] | None
    peaks: dict[int, tuple[bytes, ...]]
    blocks: tuple[int, ...]


def verify(
    path: str | os.PathLike[str],
    expected: Head | None = None,
    *,
    keys: Sequence[Verifier] = (),
    witnesses: Sequence[Verifier] = (),
    noted: Iterable[Note] = (),
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Checks the whole file. ``keys`` are the log's public keys (without any, checkpoints are compared but signatures
    are not checked), ``noted`` checkpoints kept elsewhere. ``StoreError`` if the file cannot be read.

    With ``jobs`` above 1, processes are started, by import of the main module (``multiprocessing``'s ``spawn``).
    """
    with tree.reader(path) as connection:
        marks = _marks(connection, keys, witnesses, noted)  # before the size: those of the file are never ahead of it
        (top,) = connection.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()
        stray = connection.execute("SELECT seq FROM ledger WHERE seq < 1 ORDER BY seq LIMIT 1").fetchone()
    result = _Pass(marks, expected).run(_parts(path, max(top, 0), marks, expected, jobs), top, progress)
    if result.ok and stray is not None:
        return replace(result, first_bad=int(stray[0]), problem="malformed")
    return result


def _marks(
    connection: sqlite3.Connection, keys: Sequence[Verifier], witnesses: Sequence[Verifier], noted: Iterable[Note]
) -> list[_Mark]:
    marks: list[_Mark] = []
    if tree.has_tree(connection):
        cosigned: dict[int, str] = {}
        for size, line in connection.execute("SELECT size, line FROM ledger_cosignatures ORDER BY size, witness"):
            cosigned[size] = cosigned.get(size, "") + str(line)
        for size, written in connection.execute("SELECT size, note FROM ledger_checkpoints ORDER BY size"):
            try:
                note = parse(str(written) + cosigned.get(size, ""))
            except NoteError:
                marks.append(_Mark(int(size), b"", True, False, False))
                continue
            mark = _mark(note, keys, witnesses, outside=False)
            marks.append(mark if mark.size == size else mark._replace(size=int(size), forged=True))
    marks.extend(_mark(note, keys, witnesses, outside=True) for note in noted)
    return sorted(marks, key=lambda mark: (mark.size, mark.outside))


def _mark(note: Note, keys: Sequence[Verifier], witnesses: Sequence[Verifier], *, outside: bool) -> _Mark:
    try:
        checkpoint = read(note.text)
    except NoteError:
        return _Mark(0, b"", True, outside, False)
    try:
        if keys:
            verified(note, keys)
        return _Mark(checkpoint.size, checkpoint.root, False, outside, _cosigned(note, witnesses))
    except NoteError:
        return _Mark(checkpoint.size, checkpoint.root, True, outside, False)


def _cosigned(note: Note, witnesses: Sequence[Verifier]) -> bool:
    known = {(key.name, key.id) for key in witnesses}
    return any((one.name, one.id) in known for one in note.signatures) and bool(verified(note, witnesses))


def _parts(
    path: str | os.PathLike[str], top: int, marks: Sequence[_Mark], expected: Head | None, jobs: int
) -> Iterator[_Part]:
    sizes = sorted({mark.size for mark in marks})
    tasks = []
    for start in range(0, top, _RANGE):
        end = min(start + _RANGE, top)
        inside = sizes[bisect_left(sizes, start + 1) : bisect_left(sizes, end + 1)]
        head = expected if expected is not None and start < expected.seq <= end else None
        tasks.append((start, end, inside, head))
    work = partial(_check, os.fspath(path))
    if jobs < 2 or len(tasks) < 2:
        yield from map(work, *zip(*tasks, strict=True)) if tasks else ()
        return
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn"))
    try:
        yield from pool.map(work, *zip(*tasks, strict=True))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Pass:
    """Joins the parts in order and compares what vouches for the past."""

    def __init__(self, marks: Sequence[_Mark], expected: Head | None) -> None:
        self._marks = deque(marks)
        self._expected = expected
        self._edge = Edge()
        self._head = EMPTY
        self._blocks: list[int] = []
        self._vouched = 0
        self._outside = 0
        """The same, of checkpoints kept elsewhere only: who forks a log makes those of the file agree."""
        self._agreed = 0
        self._cosigned = 0

    def run(self, parts: Iterator[_Part], top: int, progress: Callable[[int, int], None] | None) -> Verification:
        bad = self._reach(Edge()) if self._marks and self._marks[0].size <= 0 else None
        for part in parts if bad is None else ():
            bad = self._join(part)
            if progress is not None:
                progress(self._head.seq, top)
            if bad is not None:
                break
        return bad or self._end()

    def _join(self, part: _Part) -> Verification | None:
        begin = self._edge.copy()
        self._blocks.extend(part.blocks)
        for size in sorted(part.peaks):
            edge = begin.copy()
            edge.join(size - part.start, part.peaks[size])
            bad = self._reach(edge)
            if bad is not None:
                return bad
        self._head = Head(part.good, part.digest)
        if part.problem is not None:
            return self._bad(*part.problem)
        self._edge = edge
        return None

    def _reach(self, edge: Edge) -> Verification | None:
        """Compares all checkpoints of the size that the tree has now."""
        size, root = edge.size, edge.root()
        while self._marks and self._marks[0].size <= size:
            mark = self._marks.popleft()
            if mark.forged:
                return self._bad(max(mark.size, 1), "forged-checkpoint")
            if mark.root != root:
                first, last = self._narrowed(self._outside if mark.outside else self._vouched, size)
                return self._bad(first, "fork" if mark.outside else "rewritten", last)
            self._agreed += 1
            self._vouched = size
            if mark.outside:
                self._outside = size
            if mark.cosigned:
                self._cosigned = size
        return None

    def _narrowed(self, good: int, size: int) -> tuple[int, int]:
        """Where the entries after ``good`` that do not agree with a checkpoint of ``size`` can be."""
        first, last = good + 1, size
        for block in self._blocks:
            begin, end = (block << BLOCK) + 1, (block + 1) << BLOCK
            if end >= first and begin <= last:
                return max(first, begin), min(last, end)
        return first, last

    def _end(self) -> Verification:
        ahead = self._marks[0] if self._marks else None
        after = self._head.seq + 1
        if self._expected is not None and self._expected.seq > self._head.seq:
            return self._bad(after, "cut-off")
        if ahead is not None:
            if ahead.forged:
                return self._bad(ahead.size, "forged-checkpoint")
            outside = all(mark.outside for mark in self._marks)
            return self._bad(after, "rolled-back" if outside else "cut-off")
        if self._blocks:
            block = self._blocks[0]
            end = (block + 1) << BLOCK
            return self._bad((block << BLOCK) + 1, "other-block" if end <= self._vouched else "rewritten", end)
        return self._said(None, "", None)

    def _bad(self, first: int, problem: str, last: int | None = None) -> Verification:
        return self._said(first, problem, last)

    def _said(self, first: int | None, problem: str, last: int | None) -> Verification:
        root = self._edge.root() if first is None else EMPTY_ROOT
        head, good = self._head, self._head.seq
        return Verification(good, head, first, problem, last, root, self._agreed, self._vouched, self._cosigned)


# --- one range ------------------------------------------------------------------------------------------


def _check(path: str, start: int, end: int, sizes: Sequence[int], expected: Head | None) -> _Part:
    """The entries ``start + 1`` to ``end``."""
    with tree.reader(path) as connection:
        connection.text_factory = bytes
        digest = GENESIS
        if start:
            row = connection.execute("SELECT hash FROM ledger WHERE seq = ?", (start,)).fetchone()
            digest = row[0] if row is not None and type(row[0]) is bytes else b""
        stored = _blocks(connection, start, end)
        edge = Edge()
        peaks: dict[int, tuple[bytes, ...]] = {}
        other: list[int] = []
        place, problem = start, None
        stops = iter([*sizes, end] if not sizes or sizes[-1] != end else sizes)
        stop = next(stops)
        while place < end and problem is None:
            upto = min(place + _PAGE, end, stop)
            digests, problem = _page(connection, place, upto, digest, expected)
            number = (start + edge.size) >> BLOCK
            for block, root in enumerate(edge.extend([sha256(b"\0" + one).digest() for one in digests]), number):
                if stored.get(block, root) != root:
                    other.append(block)
            place += len(digests)
            digest = digests[-1] if digests else digest
            if problem is None and place == stop:
                peaks[stop] = edge.peaks()
                stop = next(stops, end + 1)
    return _Part(start, place, digest, problem, peaks, tuple(other))


def _blocks(connection: sqlite3.Connection, start: int, end: int) -> dict[int, bytes]:
    if not tree.has_tree(connection):
        return {}
    query = "SELECT block, root FROM ledger_blocks WHERE block >= ? AND block < ?"
    return dict(connection.execute(query, (start >> BLOCK, end >> BLOCK)).fetchall())


def _page(
    connection: sqlite3.Connection, start: int, end: int, digest: bytes, expected: Head | None
) -> tuple[list[bytes], tuple[int, str] | None]:
    """The hashes of the entries after ``start`` up to the first bad one, and that one and why."""
    rows = connection.execute(_FAST, (start, end)).fetchall()
    hashes = [row[1] for row in rows]
    if len(rows) == end - start:
        before = chain((digest,), hashes)
        computed = [sha256(previous + row[0]).digest() for previous, row in zip(before, rows, strict=False)]
        fields = b"".join([row[0] for row in rows]).count(b"\n")
        if computed == hashes and fields == 4 * len(rows):
            if expected is None or not start < expected.seq <= end or hashes[expected.seq - start - 1] == expected.hash:
                return hashes, None
            return hashes[: expected.seq - start - 1], (expected.seq, "other-head")
    return _named(connection, start, end, digest, expected)


def _named(
    connection: sqlite3.Connection, start: int, end: int, digest: bytes, expected: Head | None
) -> tuple[list[bytes], tuple[int, str] | None]:
    """The same, one by one."""
    good: list[bytes] = []
    for number, *members, stored, types in connection.execute(_SLOW, (start, end)):
        seq = start + len(good) + 1
        if number != seq:
            return good, (seq, "missing")
        if types != _TYPES:
            return good, (seq, "malformed")
        try:
            at, event, exchange, fields = members
            computed = link(digest, body(seq, at, event.decode(), exchange.decode(), fields))
        except (ValueError, TypeError):  # not what the ledger writes
            return good, (seq, "malformed")
        if computed != stored:
            return good, (seq, "changed")
        if expected is not None and expected.seq == seq and expected.hash != computed:
            return good, (seq, "other-head")
        digest = computed
        good.append(computed)
    if len(good) < end - start:
        return good, (start + len(good) + 1, "missing")
    return good, None


def newest(path: str | os.PathLike[str]) -> tuple[Checkpoint, Note] | None:
    """The newest checkpoint in a file, with its cosignatures. ``StoreError`` if it cannot be read."""
    with tree.reader(path) as connection:
        return tree.newest(connection) if tree.has_tree(connection) else None
