"""One-time codes of a phone or token (TOTP, RFC 6238): SHA-1, six digits, steps of 30 seconds.

The rules:

1. A code is good in its step, the one before and the one after (RFC 6238 section 5.2), and once: a step that was
   accepted, and every earlier one, is not accepted again, here or in another process.
2. Counting, comparing and using up are one transaction. All three codes are computed and compared in constant time.
3. Tries are counted (``identity.attempts``): three codes of a million are good at a time, so fifty failures a day find
   one with a chance below 1 in 6,000.
4. The secret is shown once, when it is made, and kept sealed (AES-256-GCM, bound to its principal). A new one counts
   once a code of it was given; until then the old one does.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyotp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.identity import Principal
from chatward.core.ports import Entry
from chatward.identity.attempts import Attempts
from chatward.identity.enrolment import Enrolment, Standing, refused_enrolment
from chatward.identity.proofs import ProofError, Why
from chatward.identity.record import Record
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "totp",
    (
        "CREATE TABLE totp (principal TEXT PRIMARY KEY, secret BLOB NOT NULL, step INTEGER NOT NULL)",
        "CREATE TABLE totp_new (principal TEXT PRIMARY KEY, session TEXT NOT NULL, secret BLOB NOT NULL,"
        " standing TEXT NOT NULL, until REAL NOT NULL)",
    ),
)

STEP: Final = 30
WINDOW: Final = 1
"""Steps before and after the present one."""
PENDING: Final = 900.0
"""Seconds in which the first code of a new secret must be given."""
_CODE: Final = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True, repr=False)
class Enrolled:
    """A new secret (base32) and what phones read as a QR code (``otpauth:``). To be shown once."""

    secret: str
    uri: str


class Totp:
    """Secrets and codes of principals. ``key``: 32 bytes that seal the secrets; ``issuer``: the name that phones show.

    Everything but ``has`` writes, and blocks.
    """

    def __init__(
        self,
        database: Database,
        key: bytes,
        record: Record,
        enrolment: Enrolment,
        *,
        issuer: str = "Chatward",
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._cipher = AESGCM(key)
        self._record = record
        self._enrolment = enrolment
        self._issuer = issuer
        self._clock = clock
        self._attempts = Attempts(database, "totp", clock)

    def has(self, principal: str) -> bool:
        return self._database.row("SELECT 1 FROM totp WHERE principal = ?", (principal,)) is not None

    # --- enrolling -----------------------------------------------------------------------------------

    def begin(self, principal: Principal, standing: Standing, name: str = "") -> Enrolled:
        """A new secret that waits for its first code. ``standing``: what the caller has found they may."""
        secret = pyotp.random_base32(32)
        sealed = self._seal(principal.id, secret)
        self._database.write(
            "INSERT OR REPLACE INTO totp_new VALUES (?, ?, ?, ?, ?)",
            (principal.id, principal.session, sealed, standing.value, self._clock() + PENDING),
        )
        uri = pyotp.TOTP(secret).provisioning_uri(name=name or principal.id, issuer_name=self._issuer)
        return Enrolled(secret, uri)

    def confirm(self, principal: Principal, code: str) -> None:
        """The first code of the new secret: from now on it counts. Raises ``ProofError``, ``ClientError``, and
        ``IdentityError`` (``enrolment-refused``) where somebody was first."""
        with self._database.writing() as connection:
            self._attempts.admit(connection, principal.id, principal.session)
            row = connection.execute(
                "SELECT secret, standing FROM totp_new WHERE principal = ? AND session = ? AND until > ?",
                (principal.id, principal.session, self._clock()),
            ).fetchone()
            step = None if row is None else self._step(self._open(principal.id, row[0]), code)
            if step is not None:
                connection.execute("DELETE FROM totp_new WHERE principal = ?", (principal.id,))
                self._attempts.right(connection, principal.id, principal.session)
        if step is None:
            raise ProofError(Why.CODE)
        self._record(Entry(Event.TOTP_ENROLLED, "", {"principal": principal.id}))
        with self._database.writing() as connection:
            if not self._enrolment.enter(connection, principal, Standing(row[1])):
                raise refused_enrolment()
            connection.execute("INSERT OR REPLACE INTO totp VALUES (?, ?, ?)", (principal.id, row[0], step))

    def remove(self, principal: str) -> bool:
        """Whether there was one to remove."""
        if not self.has(principal):
            return False
        self._record(Entry(Event.TOTP_REMOVED, "", {"principal": principal}))
        return bool(self._database.write("DELETE FROM totp WHERE principal = ?", (principal,)))

    # --- proving -------------------------------------------------------------------------------------

    def verify(self, principal: Principal, code: str) -> None:
        """Uses up a code. Raises ``ProofError`` (``why`` says what for the ledger), and ``ClientError``
        (``too-many-attempts``). Who has no secret hears the same, and is counted the same."""
        why: Why | None = None
        with self._database.writing() as connection:
            self._attempts.admit(connection, principal.id, principal.session)
            row = connection.execute("SELECT secret, step FROM totp WHERE principal = ?", (principal.id,)).fetchone()
            # The same work is done for those who have none.
            secret = self._open(principal.id, row[0]) if row is not None else pyotp.random_base32(32)
            step = self._step(secret, code)
            if row is None:
                why = Why.NOT_ENROLLED
            elif step is None:
                why = Why.CODE
            elif step <= row[1]:
                why = Why.CODE_USED
            else:
                connection.execute("UPDATE totp SET step = ? WHERE principal = ?", (step, principal.id))
                self._attempts.right(connection, principal.id, principal.session)
        if why is not None:
            raise ProofError(why)

    # --- within --------------------------------------------------------------------------------------

    def _step(self, secret: str, code: str) -> int | None:
        """The newest step within the window whose code this is."""
        given = code[:20].replace(" ", "")
        if _CODE.fullmatch(given) is None:
            given = ""
        now, maker, found = int(self._clock()) // STEP, pyotp.TOTP(secret), None
        for step in range(max(now - WINDOW, 0), now + WINDOW + 1):
            if hmac.compare_digest(maker.generate_otp(step), given):
                found = step
        return found

    def _seal(self, principal: str, secret: str) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), f"chatward totp 1\0{principal}".encode())

    def _open(self, principal: str, sealed: bytes) -> str:
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], f"chatward totp 1\0{principal}".encode()).decode()
        except InvalidTag as error:
            raise StoreError("The identity store holds something that its key does not open.") from error
