"""Who may add a way of proving: the first one, one more, or one anew after all were lost. Recovery codes.

The rules:

1. Somebody who has a way of proving adds another, or takes one away, only with a fresh proof of one they have. A stolen
   log-in alone adds nothing and removes nothing.
2. Who has none left, but had one, needs a code: a recovery code of theirs, or one that an operator made (``issue``).
   Having had one is remembered, so removing the last does not open the door to a "first" one.
3. The very first one: as the setting ``step_up.first`` says. Programs (``service``) always need a code; visitors and
   nobody in particular have nothing that would last, and add nothing.
4. Of two first ones at the same time one wins.
5. A recovery code adds a passkey and does nothing else: it meets no challenge. It has 80 random bits, is stored as
   SHA-256, works once, and new ones replace the old. The right it gives is one registration in this session, for
   ``RIGHT`` seconds. Tries are counted (``identity.attempts``).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from enum import Enum
from hashlib import sha256
from typing import Any, Final, Literal

from chatward.core.errors import IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Kind, Principal
from chatward.core.ports import Entry
from chatward.identity.attempts import Attempts
from chatward.identity.proofs import ProofError, Why
from chatward.identity.record import Record
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "enrolment",
    (
        "CREATE TABLE enrolled (principal TEXT PRIMARY KEY, at REAL NOT NULL)",
        "CREATE TABLE recovery (digest BLOB PRIMARY KEY, principal TEXT NOT NULL, at REAL NOT NULL)",
        "CREATE INDEX recovery_of ON recovery (principal)",
        "CREATE TABLE enrolment_rights (principal TEXT NOT NULL, session TEXT NOT NULL, until REAL NOT NULL,"
        " PRIMARY KEY (principal, session))",
    ),
)

CODES: Final = 10
RIGHT: Final = 600.0
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_READ_AS: Final = str.maketrans("iloILO", "110110")


class Standing(Enum):
    """What somebody must do before adding a way of proving."""

    FIRST = "first"  # nothing: it is the first one
    PROOF = "proof"  # prove with one they have
    CODE = "code"  # bring a code
    RIGHT = "right"  # nothing: a code was brought
    NEVER = "never"


class Enrolment:
    """Implements the rules above. ``first``: who may add a first way of proving without a code."""

    def __init__(
        self,
        database: Database,
        record: Record,
        *,
        first: Literal["signed-in", "two-factors", "code"] = "signed-in",
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._record = record
        self._first = {"signed-in": Assurance.SINGLE, "two-factors": Assurance.MULTI}.get(first)
        self._clock = clock
        self._attempts = Attempts(database, "recovery", clock)

    def standing(self, principal: Principal, has_proof: bool) -> Standing:
        """``has_proof``: whether they have a passkey or a one-time code generator that works."""
        if principal.kind in {Kind.ANONYMOUS, Kind.VISITOR}:
            return Standing.NEVER
        right = self._database.row(
            "SELECT 1 FROM enrolment_rights WHERE principal = ? AND session = ? AND until > ?",
            (principal.id, principal.session, self._clock()),
        )
        if right is not None:
            return Standing.RIGHT
        if has_proof:
            return Standing.PROOF
        known = self._database.row("SELECT 1 FROM enrolled WHERE principal = ?", (principal.id,)) is not None
        if known or principal.kind is Kind.SERVICE or self._first is None or principal.assurance < self._first:
            return Standing.CODE
        return Standing.FIRST

    def enter(self, connection: Any, principal: Principal, standing: Standing) -> bool:
        """Within the transaction that adds a way of proving: whether it still may, with what it was begun with."""
        if standing is Standing.RIGHT:
            taken = connection.execute(
                "DELETE FROM enrolment_rights WHERE principal = ? AND session = ? AND until > ?",
                (principal.id, principal.session, self._clock()),
            ).rowcount
            if not taken:
                return False
        elif standing not in {Standing.FIRST, Standing.PROOF}:
            return False
        new = connection.execute("INSERT OR IGNORE INTO enrolled VALUES (?, ?)", (principal.id, self._clock())).rowcount
        return bool(new) or standing is not Standing.FIRST

    # --- codes ---------------------------------------------------------------------------------------

    def issue(self, principal: str, count: int = CODES) -> tuple[str, ...]:
        """New codes in place of all old ones. They are shown once: only digests are kept."""
        codes = tuple("".join(secrets.choice(_ALPHABET) for _ in range(16)) for _ in range(count))
        self._record(Entry(Event.RECOVERY_ISSUED, "", {"principal": principal, "codes": count}))
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute("DELETE FROM recovery WHERE principal = ?", (principal,))
            for code in codes:
                connection.execute("INSERT INTO recovery VALUES (?, ?, ?)", (_digest(principal, code), principal, now))
        return tuple("-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes)

    def left(self, principal: str) -> int:
        """How many codes can still be used."""
        row = self._database.row("SELECT COUNT(*) FROM recovery WHERE principal = ?", (principal,))
        return row[0] if row else 0

    def recover(self, principal: Principal, code: str) -> float:
        """Spends a code; until when (seconds since 1970 UTC) this session may register a passkey.

        Raises ``ProofError``, and ``ClientError`` (``too-many-attempts``)."""
        if principal.kind in {Kind.ANONYMOUS, Kind.VISITOR}:
            raise ProofError(Why.NOT_ENROLLED)
        until = self._clock() + RIGHT
        with self._database.writing() as connection:
            self._attempts.admit(connection, principal.id, principal.session)
            spent = connection.execute(
                "DELETE FROM recovery WHERE digest = ? AND principal = ?", (_digest(principal.id, code), principal.id)
            ).rowcount
            if spent:
                self._attempts.right(connection, principal.id, principal.session)
        about = {"principal": principal.id}
        if not spent:
            self._record(Entry(Event.RECOVERY_FAILED, "", {**about, "reason": Why.CODE.value}))
            raise ProofError(Why.CODE)
        # On record before it has an effect: should that fail, the code is lost and nothing was opened.
        self._record(Entry(Event.RECOVERY_USED, "", about))
        self._database.write(
            "INSERT OR REPLACE INTO enrolment_rights VALUES (?, ?, ?)", (principal.id, principal.session, until)
        )
        return until

    def forget(self, principal: str) -> None:
        """Everything of a principal that is no more."""
        with self._database.writing() as connection:
            for table in ("enrolled", "recovery", "enrolment_rights"):
                connection.execute(f"DELETE FROM {table} WHERE principal = ?", (principal,))  # noqa: S608 - constants


def refused_enrolment() -> IdentityError:
    """Says no, and nothing about what is there."""
    return IdentityError(
        "This cannot be added now; begin again, with a proof or a code.", reason="enrolment-refused", status=403
    )


def _digest(principal: str, code: str) -> bytes:
    """Of the code as people read and write it: without hyphens and blanks, I and L as 1, O as 0."""
    plain = code[:64].replace("-", "").replace(" ", "").translate(_READ_AS).lower()
    return sha256(f"chatward recovery 1\0{principal}\0{plain}".encode("utf-8", "surrogatepass")).digest()
