"""Reading a ledger file: is it whole, and what came last. Never writes, never blocks the writer.

The rule of ``verify``: entries are read in order of their number from 1 on, each hash is computed from what
stands in the row and the hash before it (``chain``), and the first entry that is missing, out of place or
does not match is named. A chain alone cannot show that its newest entries were cut off: give ``expected``, a
head noted earlier and elsewhere.

The file is read in short transactions of ``_PAGE`` rows, so that a long check lets the writer's log shrink.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from chatward.core.errors import StoreError
from chatward.ledger.chain import EMPTY, Head, body, link

_PAGE: Final = 2000


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as it stands in the ledger. ``at``: nanoseconds since 1970, UTC; ``hash``: 32 bytes."""

    seq: int
    at: int
    event: str
    exchange: str
    fields: Mapping[str, object]
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """The result. ``first_bad`` is the number of the first bad entry, ``problem`` from a fixed vocabulary:
    ``changed``, ``missing``, ``malformed``, ``cut-off``, ``other-head``. ``head`` is the last good entry."""

    entries: int
    head: Head
    first_bad: int | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        return self.first_bad is None


def verify(path: str | os.PathLike[str], expected: Head | None = None) -> Verification:
    """Checks the whole chain, and that ``expected`` is part of it. ``StoreError`` if it cannot be read."""
    head = EMPTY
    count = 0
    with _reader(path) as connection:
        while rows := connection.execute(
            "SELECT seq, at, event, exchange, CAST(fields AS BLOB), hash FROM ledger"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (head.seq, _PAGE),
        ).fetchall():
            for seq, at, event, exchange, fields, digest in rows:
                if seq != head.seq + 1:
                    return Verification(count, head, head.seq + 1, "missing")
                try:
                    computed = link(head.hash, body(seq, at, event, exchange, fields))
                except (ValueError, TypeError, AttributeError):  # not what the ledger writes
                    return Verification(count, head, seq, "malformed")
                if computed != digest:
                    return Verification(count, head, seq, "changed")
                if expected is not None and expected.seq == seq and expected.hash != computed:
                    return Verification(count, head, seq, "other-head")
                head = Head(seq, computed)
                count += 1
        stray = connection.execute("SELECT seq FROM ledger WHERE seq < 1 LIMIT 1").fetchone()
    if stray is not None:
        return Verification(count, head, int(stray[0]), "malformed")
    if expected is not None and expected.seq > head.seq:
        return Verification(count, head, head.seq + 1, "cut-off")
    return Verification(count, head)


def tail(path: str | os.PathLike[str], n: int = 20) -> list[Record]:
    """The newest ``n`` entries, oldest first. ``StoreError`` if the file cannot be read."""
    with _reader(path) as connection:
        rows = connection.execute(
            "SELECT seq, at, event, exchange, fields, hash FROM ledger ORDER BY seq DESC LIMIT ?", (max(n, 0),)
        ).fetchall()
    return [
        Record(int(seq), int(at), str(event), str(exchange), _fields(fields), bytes(digest))
        for seq, at, event, exchange, fields, digest in reversed(rows)
    ]


def _fields(text: str | bytes) -> Mapping[str, object]:
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}  # ``verify`` names it; a look at the last entries still shows the rest
    return fields if isinstance(fields, dict) else {}


@contextmanager
def _reader(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    try:
        connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError("The ledger cannot be read.", reason="ledger-unreadable") from error
