"""Taking what was deleted out of a database's write-ahead log.

Deleted content is overwritten in the file (``PRAGMA secure_delete``); the log keeps older pages until it is brought
into the file and cut off.
"""

from __future__ import annotations

from typing import Any

from chatward.core.errors import StoreError
from chatward.stores.database import Database


def empty_log(database: Database) -> None:
    """Brings the write-ahead log into the file and cuts it off. Raises ``StoreError`` (``erasure-unfinished``)."""
    row: Any = database.row("PRAGMA wal_checkpoint(TRUNCATE)")
    if row is not None and row[0]:
        raise StoreError(
            "The store is being read elsewhere, so old pages could not be cleared yet. Ask again.",
            reason="erasure-unfinished",
        )
