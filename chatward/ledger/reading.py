"""Reading a ledger file: single entries and what came last. Never writes, never blocks the writer.

Whether a file is whole is for ``verifying`` to say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from chatward.ledger.tree import reader
from chatward.ledger.verifying import Verification, verify

__all__ = ["Record", "Verification", "between", "tail", "verify"]

_COLUMNS = "seq, at, event, exchange, fields, hash"


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as it stands in the ledger. ``at``: nanoseconds since 1970, UTC; ``hash``: 32 bytes."""

    seq: int
    at: int
    event: str
    exchange: str
    fields: Mapping[str, object]
    hash: bytes


def tail(path: str | os.PathLike[str], n: int = 20) -> list[Record]:
    """The newest ``n`` entries, oldest first. ``StoreError`` if the file cannot be read."""
    with reader(path) as connection:
        query = f"SELECT {_COLUMNS} FROM ledger ORDER BY seq DESC LIMIT ?"  # noqa: S608 - no values in it
        rows = connection.execute(query, (max(n, 0),)).fetchall()
    return [_record(*row) for row in reversed(rows)]


def between(path: str | os.PathLike[str], first: int, last: int) -> list[Record]:
    """The entries with the numbers ``first`` to ``last``, as far as they exist. ``StoreError`` as above."""
    with reader(path) as connection:
        query = f"SELECT {_COLUMNS} FROM ledger WHERE seq >= ? AND seq <= ? ORDER BY seq"  # noqa: S608
        rows = connection.execute(query, (first, last)).fetchall()
    return [_record(*row) for row in rows]


def _record(seq: int, at: int, event: str, exchange: str, fields: str | bytes, digest: bytes) -> Record:
    return Record(int(seq), int(at), str(event), str(exchange), _fields(fields), bytes(digest))


def _fields(text: str | bytes) -> Mapping[str, object]:
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}  # ``verify`` names it; a look at the last entries still shows the rest
    return fields if isinstance(fields, dict) else {}
