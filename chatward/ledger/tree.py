"""The tree over a ledger file: what is stored of it, and reading any part of it.

The rules:

1. Entry ``n`` (counted from 1) is leaf ``n - 1`` of an RFC 9162 tree (``merkle``). The leaf's data are the 32 bytes of
   the entry's hash in the chain (``chain``), which covers the entry and all before it. So the tree can be made from the
   ``hash`` column alone, of old files too, and a proof for one entry is a proof for its past.
2. The roots of whole blocks of 256 leaves are kept in ``ledger_blocks``. They are derived: a missing one is computed
   anew, and ``verifying`` compares each with the entries. Of a tree of a hundred million leaves, 400,000 short rows are
   read to make a proof, or to go on after a start.
3. Checkpoints and cosignatures lie in tables of the same file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatward.core.errors import StoreError
from chatward.ledger.checkpoint import Checkpoint, read
from chatward.ledger.merkle import BLOCK, Edge, leaf_hash
from chatward.ledger.note import Note, NoteError, parse

SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS ledger_blocks (block INTEGER PRIMARY KEY, root BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ledger_checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ledger_cosignatures (size INTEGER NOT NULL, witness TEXT NOT NULL, line TEXT NOT NULL,"
    " PRIMARY KEY (size, witness)) WITHOUT ROWID",
)
_LEAVES: Final = 1 << BLOCK
_PAGE: Final = 4096


@contextmanager
def reader(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """A ledger file to read from; never writes, never blocks the writer. ``StoreError`` if it cannot be read."""
    try:
        connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError("The ledger cannot be read.", reason="ledger-unreadable") from error


def leaves(connection: sqlite3.Connection, start: int, end: int) -> list[bytes]:
    """The leaf hashes with the indexes ``start`` to ``end - 1``. ``StoreError`` where an entry is missing."""
    rows = connection.execute(
        "SELECT hash FROM ledger WHERE seq > ? AND seq <= ? ORDER BY seq", (start, end)
    ).fetchall()
    if len(rows) != end - start or not all(type(row[0]) is bytes for row in rows):
        raise StoreError("The ledger has gaps: run `chatward ledger verify`.", reason="ledger-broken")
    return [leaf_hash(row[0]) for row in rows]


def extend(connection: sqlite3.Connection, edge: Edge, size: int) -> dict[int, bytes]:
    """Appends the leaves up to ``size`` to ``edge``; the blocks that are complete now and are not stored."""
    new: dict[int, bytes] = {}
    while edge.size < size:
        start = edge.size
        if start % _LEAVES == 0 and size - start >= _LEAVES:
            blocks = connection.execute(
                "SELECT block, root FROM ledger_blocks WHERE block >= ? AND block < ? ORDER BY block LIMIT ?",
                (start >> BLOCK, size >> BLOCK, _PAGE),
            ).fetchall()
            run = [root for place, (block, root) in enumerate(blocks, start >> BLOCK) if place == block]
            if run:
                edge.extend(run, BLOCK)
                continue
        upto = min(size, (start | (_LEAVES - 1)) + 1)
        for number, root in enumerate(edge.extend(leaves(connection, start, upto)), start >> BLOCK):
            new[number] = root
    return new


class Stored:
    """MTH of any range of the stored leaves: a ``merkle.Subtree``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __call__(self, start: int, end: int) -> bytes:
        edge = Edge()
        if start % _LEAVES == 0:
            whole = (end - start) >> BLOCK
            first = start >> BLOCK
            rows = self._connection.execute(
                "SELECT block, root FROM ledger_blocks WHERE block >= ? AND block < ? ORDER BY block",
                (first, first + whole),
            ).fetchall()
            edge.extend((root for place, (block, root) in enumerate(rows, first) if place == block), BLOCK)
        while start + edge.size < end:
            here = start + edge.size
            edge.extend(leaves(self._connection, here, min(end, here + _PAGE)))
        return edge.root()


def root(connection: sqlite3.Connection, size: int) -> bytes:
    """The tree hash of the first ``size`` entries."""
    edge = Edge()
    extend(connection, edge, size)
    return edge.root()


def has_tree(connection: sqlite3.Connection) -> bool:
    """Whether the file was ever written by a ledger that keeps a tree."""
    row = connection.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('ledger_blocks', 'ledger_checkpoints')")
    return bool(row.fetchone()[0] == 2)


def newest(connection: sqlite3.Connection) -> tuple[Checkpoint, Note] | None:
    """The checkpoint with the largest size, with its cosignatures; ``None``: there is none."""
    row = connection.execute("SELECT size, note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    return None if row is None else _with_cosignatures(connection, *row)


def covering(connection: sqlite3.Connection, seq: int) -> tuple[Checkpoint, Note] | None:
    """The newest cosigned checkpoint that covers entry ``seq``, or else the newest that does."""
    row = connection.execute(
        "SELECT size, note FROM ledger_checkpoints WHERE size >= ?"
        " ORDER BY size IN (SELECT size FROM ledger_cosignatures) DESC, size DESC LIMIT 1",
        (seq,),
    ).fetchone()
    return None if row is None else _with_cosignatures(connection, *row)


def _with_cosignatures(connection: sqlite3.Connection, size: int, written: str) -> tuple[Checkpoint, Note]:
    lines = connection.execute(
        "SELECT line FROM ledger_cosignatures WHERE size = ? ORDER BY witness", (size,)
    ).fetchall()
    try:
        note = parse(written + "".join(line for (line,) in lines))
        return read(note.text), note
    except (NoteError, TypeError) as error:
        raise StoreError("A checkpoint in the ledger is not of the form.", reason="ledger-broken") from error
