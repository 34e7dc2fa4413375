"""Passkeys of operators, by which they sign in to the console without name and password.

The rules, besides those of ``identity.passkeys``:

1. A passkey with user verification is two factors by itself: something one has, and the finger, face or PIN that opens
   it. Who signs in with one has ``Assurance.STRONG``.
2. Whoever signs in says no name: the device offers what it has, so nothing is told about who exists, and the user
   handle must be there (W3C WebAuthn level 3, section 7.2, step 6).
3. What is signed is a nonce of ours, for one place (this browser's cookie, or one session), good for ``LIFE`` seconds
   and once. It is not stored but authenticated by a key, so asking for many fills nothing; a used one is remembered
   until it would be late anyway.
4. To add one, or take one away, an operator proves anew who they are: by a passkey, by a one-time code, or, who has
   neither, by the password. A stolen session alone adds nothing.
5. Accounts that an identity provider vouches for have none here: leaving the company ends them there.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from chatward.core import base64url
from chatward.core.errors import ClientError
from chatward.core.identity import Principal
from chatward.identity.enrolment import Enrolment, Standing, refused_enrolment
from chatward.identity.operators import Operator, Operators
from chatward.identity.passkeys import Passkey, Passkeys
from chatward.identity.proofs import ProofError, Why
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "operator-passkeys",
    (
        "CREATE TABLE operator_passkey_nonces (nonce BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
        "CREATE INDEX operator_passkey_nonces_until ON operator_passkey_nonces (until)",
    ),
)
LIFE: Final = 300.0
"""Seconds that a nonce is good."""
_RANDOM: Final = 16
_TIME: Final = 8


class OperatorPasskeys:
    """Implements the rules above. ``passkeys`` are made for the console's own origin; ``key`` is a secret of this
    installation; ``clock`` gives seconds since 1970 UTC. Whatever writes or verifies belongs on a thread."""

    def __init__(
        self,
        database: Database,
        passkeys: Passkeys,
        enrolment: Enrolment,
        operators: Operators,
        key: bytes,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self.party = passkeys.party
        self._database = database
        self._passkeys = passkeys
        self._enrolment = enrolment
        self._operators = operators
        self._key = hmac.digest(key, b"chatward operators passkeys", "sha256")
        self._clock = clock

    def of(self, operator: str) -> tuple[Passkey, ...]:
        """An operator's passkeys, oldest first."""
        return self._passkeys.of(operator)

    # --- proving

    def asking(self, place: str, operator: str = "") -> dict[str, Any]:
        """Options for ``navigator.credentials.get`` at this place: for one operator, or for whoever it is."""
        nonce = self._nonce(place)
        return self._passkeys.request(operator, nonce) if operator else self._passkeys.anybodys(nonce)

    def claimed(self, credential: Mapping[str, Any]) -> Operator | None:
        """Whose passkey this says it is; nothing is proven yet. Raises ``ProofError`` for what is none."""
        return self._operators.get(self._passkeys.owner(credential) or "")

    def prove(self, credential: Mapping[str, Any], place: str) -> Operator:
        """Who has proven it, an active operator. Raises ``ProofError``: after the same work for an unknown one."""
        now = self._clock()
        nonce = self._given(credential)
        owner = self._passkeys.owner(credential) or ""
        good = self._ours(nonce, place, now)
        # A nonce that is not ours is verified too, against one that nobody can have signed.
        self._passkeys.verify(owner, credential, nonce if good else secrets.token_bytes(len(nonce) or 1))
        if credential["response"].get("userHandle") is None:
            raise ProofError(Why.HANDLE)
        operator = self._operators.get(owner)
        if operator is None or not operator.active or operator.provider:
            raise ProofError(Why.REVOKED)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM operator_passkey_nonces WHERE until <= ?", [now])
            sql = "INSERT OR IGNORE INTO operator_passkey_nonces VALUES (?, ?)"
            if not connection.execute(sql, [nonce[:_RANDOM], now + LIFE]).rowcount:
                raise ProofError(Why.NONCE)
        return operator

    # --- adding and removing; the caller has seen a fresh proof

    def may_add(self, principal: Principal, *, codes: bool) -> Standing:
        """On what ground this operator may add one; ``codes``: they have one-time codes. Raises ``IdentityError``
        (``enrolment-refused``), ``ClientError`` (``account-elsewhere``)."""
        operator = self._operators.get(principal.id)
        if operator is None or operator.provider:
            said = "This account signs in by its identity provider."
            raise ClientError(said, reason="account-elsewhere", status=409)
        standing = self._enrolment.standing(principal, codes or self._passkeys.has(principal.id))
        if standing not in {Standing.FIRST, Standing.PROOF, Standing.RIGHT}:
            raise refused_enrolment()
        return standing

    def adding(self, principal: Principal, standing: Standing) -> dict[str, Any]:
        """Options for ``navigator.credentials.create``; what people's devices show is the operator's name."""
        operator = self._operators.get(principal.id)
        label = "" if operator is None else operator.name
        return self._passkeys.registration(principal, standing, label, discoverable=True)

    def add(self, principal: Principal, credential: Mapping[str, Any]) -> Passkey:
        """Raises what ``Passkeys.register`` does."""
        return self._passkeys.register(principal, credential)

    def remove(self, operator: str, id: str) -> bool:
        """Whether there was such a one of theirs."""
        return self._passkeys.remove(operator, id)

    def forget(self, operator: str) -> bool:
        """Takes all away, so that they begin anew; whether there were any."""
        had = bool(self._passkeys.of(operator))
        self._passkeys.forget(operator)
        return had

    # --- nonces

    def _nonce(self, place: str) -> bytes:
        until = int(self._clock() + LIFE).to_bytes(_TIME, "big")
        head = secrets.token_bytes(_RANDOM) + until
        return head + self._mac(head, place)

    def _ours(self, nonce: bytes, place: str, now: float) -> bool:
        head = nonce[: _RANDOM + _TIME]
        same = hmac.compare_digest(self._mac(head, place), nonce[_RANDOM + _TIME :])
        return same and now < int.from_bytes(head[_RANDOM:], "big")

    def _mac(self, head: bytes, place: str) -> bytes:
        return hmac.digest(self._key, head + place.encode("utf-8", "surrogatepass"), "sha256")

    @staticmethod
    def _given(credential: Mapping[str, Any]) -> bytes:
        """The nonce that the client data says was signed."""
        try:
            client = base64url.json_object(base64url.decode(credential["response"]["clientDataJSON"]))
            return base64url.decode(client["challenge"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ProofError(Why.MALFORMED) from None
