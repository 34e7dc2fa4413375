"""Proofs of possession that were used, for all processes of one installation: a ``dpop.Seen``.

The rules:

1. A proof is good once, whichever process is shown it, also at the same time: the file takes a proof once.
2. It is remembered over a restart, for as long as it could be repeated.
3. Room is each process's own (``dpop.SeenProofs``); what it refuses is in no file.
4. A file that cannot be written takes no proof (``StoreError``): nobody could say that it is the first time.

What is kept is a digest of the key's thumbprint and the proof's id, and when it may go.
"""

from __future__ import annotations

from typing import Final

from chatward.identity.dpop import SeenProofs, digest_of
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "proofs",
    (
        "CREATE TABLE proofs_seen (proof BLOB PRIMARY KEY, until REAL) WITHOUT ROWID",
        "CREATE INDEX proofs_seen_until ON proofs_seen (until)",
    ),
)
_CLEAR: Final = 60.0
"""Seconds between two looks for what may go."""


class SharedProofs:
    """``database`` is shared, and quick to write (``stores.fleeting``)."""

    def __init__(self, database: Database, here: SeenProofs | None = None) -> None:
        self._database = database
        self._here = here or SeenProofs()
        self._cleared = 0.0
        database.adopt(SCHEMA)

    def first(self, thumbprint: str, jti: str, now: float, lasts: float) -> bool:
        """Raises ``IdentityError`` as ``dpop.Seen`` does, and ``StoreError``."""
        if not self._here.first(thumbprint, jti, now, lasts):
            return False
        if now - self._cleared > _CLEAR:
            self._cleared = now
            self._database.write("DELETE FROM proofs_seen WHERE until < ?", (now,))
        # One second more than it takes, as there.
        values = (digest_of(thumbprint, jti), now + lasts + 1)
        return self._database.write("INSERT OR IGNORE INTO proofs_seen VALUES (?, ?)", values) == 1
