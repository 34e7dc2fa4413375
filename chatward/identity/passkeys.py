"""Passkeys (W3C WebAuthn level 3): registration and assertion, with the verification of py ``webauthn``.

The rules:

1. **User verification is required**, at registration and each time. Of it one bit comes here (UV): the finger, face or
   PIN stays in the authenticator. No attestation is asked for, and neither model nor maker is kept.
2. Checked here, besides what the library checks (type, challenge, origin, RP ID, UP and UV, signature): names in the
   client data stand once; no page of another origin has this one in a frame (``crossOrigin``, ``topOrigin``: section
   13.4.9); the user handle, where there is one, is this person's (7.2, step 6); a key that could not be backed up
   cannot be later (7.2, steps 17 to 19).
3. **Counter** (7.2, step 22): once a counter moved, it must grow. A *good signature* with one that does not means two
   copies of the key: it is suspended. Without a good signature nothing is suspended, so nobody can do it to others.
   Synced passkeys keep 0. The counter is compared and set in one statement, across processes.
4. Attestation ``none``, and ``packed`` by the key itself; ES256, EdDSA and RS256 (RFC 8152, RFC 8812).
5. A credential is registered once, for one person. Who is not known gets options that look like anybody's (14.6.2),
   made from ``secret``; a proof with an unknown credential costs the same work and gets the answer of a wrong one.
6. A person may have ``MOST`` passkeys. Who may add one is for ``identity.enrolment`` to say.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from chatward.core import base64url
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.identity import Principal
from chatward.core.ports import Entry
from chatward.identity.enrolment import Enrolment, Standing, refused_enrolment
from chatward.identity.proofs import ProofError, Why
from chatward.identity.record import Record
from chatward.identity.relying_party import RelyingParty
from chatward.stores.database import Database, Schema

if TYPE_CHECKING:
    from webauthn.helpers.structs import AuthenticatorData

SCHEMA: Final = Schema(
    "passkeys",
    (
        "CREATE TABLE passkeys (id BLOB PRIMARY KEY, principal TEXT NOT NULL, handle BLOB NOT NULL, key BLOB NOT NULL,"
        " counter INTEGER NOT NULL, eligible INTEGER NOT NULL, backed_up INTEGER NOT NULL, transports TEXT NOT NULL,"
        " made REAL NOT NULL, used REAL, suspended INTEGER NOT NULL DEFAULT 0)",
        "CREATE INDEX passkeys_of ON passkeys (principal)",
        "CREATE TABLE passkey_ceremonies (principal TEXT NOT NULL, session TEXT NOT NULL, nonce BLOB NOT NULL,"
        " standing TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (principal, session))",
    ),
)

MOST: Final = 20
CEREMONY: Final = 300.0
"""Seconds that a registration may take; also the time-out that browsers are told."""
MAX_FIELD: Final = 16_384
"""Characters of one field of a credential."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey as its owner sees it. ``id`` is base64url; times are seconds since 1970 UTC."""

    id: str
    made: float
    used: float | None
    synced: bool
    suspended: bool


class Passkeys:
    """Implements the rules above. ``secret``: bytes of this installation that decoys and user handles are made from."""

    def __init__(
        self,
        database: Database,
        party: RelyingParty,
        secret: bytes,
        record: Record,
        enrolment: Enrolment,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self.party = party
        self._database = database
        self._secret = secret
        self._record = record
        self._enrolment = enrolment
        self._clock = clock

    @cached_property
    def _nobodys_key(self) -> bytes:
        from chatward.identity.ceremonies import nobodys_key  # noqa: PLC0415 - here and below: slow to import, see there

        return nobodys_key()

    # --- what there is -------------------------------------------------------------------------------

    def of(self, principal: str) -> tuple[Passkey, ...]:
        """A principal's passkeys, oldest first."""
        rows = self._database.rows(
            "SELECT id, made, used, backed_up, suspended FROM passkeys WHERE principal = ? ORDER BY made", (principal,)
        )
        return tuple(Passkey(base64url.encode(id), made, used, bool(up), bool(off)) for id, made, used, up, off in rows)

    def owners(self) -> list[str]:
        """The principals that have one."""
        return [id for (id,) in self._database.rows("SELECT DISTINCT principal FROM passkeys ORDER BY principal")]

    def has(self, principal: str) -> bool:
        """Whether a principal has one that works."""
        sql = "SELECT 1 FROM passkeys WHERE principal = ? AND suspended = 0"
        return self._database.row(sql, (principal,)) is not None

    def remove(self, principal: str, id: str) -> bool:
        """Whether there was such a one of this principal."""
        try:
            raw = base64url.decode(id)
        except ValueError:
            return False
        if self._database.row("SELECT 1 FROM passkeys WHERE id = ? AND principal = ?", (raw, principal)) is None:
            return False
        self._record(Entry(Event.PASSKEY_REMOVED, "", {"principal": principal, "passkey": _short(raw)}))
        return bool(self._database.write("DELETE FROM passkeys WHERE id = ? AND principal = ?", (raw, principal)))

    def forget(self, principal: str) -> None:
        """All passkeys of a principal that is no more."""
        for passkey in self.of(principal):
            self.remove(principal, passkey.id)

    # --- registration (section 7.1) ------------------------------------------------------------------

    def registration(
        self, principal: Principal, standing: Standing, name: str = "", *, discoverable: bool = False
    ) -> dict[str, Any]:
        """Options for ``navigator.credentials.create`` (``PublicKeyCredentialCreationOptionsJSON``), good for one
        registration in this session. ``standing``: what the caller has found they may; ``name``: what they call
        themselves, shown by their own device and not kept here; ``discoverable``: it must serve for signing in without
        a name (section 4, client-side discoverable)."""
        from chatward.identity import ceremonies  # noqa: PLC0415

        nonce = secrets.token_bytes(32)
        self._database.write(
            "INSERT OR REPLACE INTO passkey_ceremonies VALUES (?, ?, ?, ?, ?)",
            (principal.id, principal.session, nonce, standing.value, self._clock() + CEREMONY),
        )
        handle, known = self._handle(principal.id), self._known(principal.id)
        return ceremonies.creation(
            self.party, handle, name or principal.id, nonce, known, CEREMONY, discoverable=discoverable
        )

    def register(self, principal: Principal, credential: Mapping[str, Any]) -> Passkey:
        """Takes what ``create`` gave (``RegistrationResponseJSON``). Raises ``ProofError`` for anything wrong with it,
        ``IdentityError`` (``enrolment-refused``), ``ClientError`` (``too-many-passkeys``)."""
        from chatward.identity import ceremonies  # noqa: PLC0415

        now = self._clock()
        with self._database.writing() as connection:
            ceremony = connection.execute(
                "DELETE FROM passkey_ceremonies WHERE principal = ? AND session = ? RETURNING nonce, standing, until",
                (principal.id, principal.session),
            ).fetchone()
        if ceremony is None or ceremony[2] <= now:
            raise ProofError(Why.NONCE)
        client = _client_data(credential)
        data: AuthenticatorData | None = None
        try:
            data, alone = ceremonies.attested(base64url.decode(credential["response"]["attestationObject"]))
            if not alone:
                raise ProofError(Why.ATTESTATION)
            found = ceremonies.registered(self.party, dict(credential), ceremony[0])
        except ProofError:
            raise
        except Exception as error:  # the library raises what its parsers raise; whatever it is, it is no proof
            raise ProofError(self._why(client, "webauthn.create", ceremony[0], data)) from error
        if not 16 <= len(found.credential_id) <= 1023:  # section 4, credential ID; 7.1, step 25
            raise ProofError(Why.MALFORMED)
        if self._database.row("SELECT 1 FROM passkeys WHERE id = ?", (found.credential_id,)) is not None:
            raise ProofError(Why.KNOWN)
        if len(self.of(principal.id)) >= MOST:
            raise ClientError("There are too many passkeys; remove one first.", reason="too-many-passkeys", status=409)
        about = {"principal": principal.id, "passkey": _short(found.credential_id), "standing": ceremony[1]}
        self._record(Entry(Event.PASSKEY_REGISTERED, "", about))
        eligible = ceremonies.synced(found)
        with self._database.writing() as connection:
            if not self._enrolment.enter(connection, principal, Standing(ceremony[1])):
                raise refused_enrolment()
            kept = connection.execute(
                "INSERT OR IGNORE INTO passkeys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 0)",
                (
                    found.credential_id,
                    principal.id,
                    self._handle(principal.id),
                    found.credential_public_key,
                    found.sign_count,
                    eligible,
                    found.credential_backed_up,
                    " ".join(_transports(credential, ceremonies.TRANSPORTS)),
                    now,
                ),
            ).rowcount
            if not kept:
                raise ProofError(Why.KNOWN)
        return Passkey(base64url.encode(found.credential_id), now, None, found.credential_backed_up, False)

    # --- assertion (section 7.2) ---------------------------------------------------------------------

    def request(self, principal: str, challenge: bytes) -> dict[str, Any]:
        """Options for ``navigator.credentials.get`` (``PublicKeyCredentialRequestOptionsJSON``)."""
        from chatward.identity import ceremonies  # noqa: PLC0415

        nobodys = hmac.digest(self._secret, b"chatward decoy 1\0" + principal.encode(), "sha256")
        return ceremonies.request(self.party, challenge, self._known(principal) or ceremonies.decoy(nobodys), CEREMONY)

    def anybodys(self, challenge: bytes) -> dict[str, Any]:
        """The same where nobody has said who they are: the device offers what it has, and nothing is told."""
        from chatward.identity import ceremonies  # noqa: PLC0415

        return ceremonies.request(self.party, challenge, (), CEREMONY)

    def owner(self, credential: Mapping[str, Any]) -> str | None:
        """Whose it claims to be: nothing is proven. Raises ``ProofError`` for what is none."""
        row = self._database.row("SELECT principal FROM passkeys WHERE id = ?", (_credential_id(credential),))
        return row[0] if row else None

    def verify(self, principal: str, credential: Mapping[str, Any], challenge: bytes) -> str:
        """Takes what ``get`` gave (``AuthenticationResponseJSON``); the passkey's short id. Raises ``ProofError``."""
        from chatward.identity import ceremonies  # noqa: PLC0415

        client = _client_data(credential)
        row = self._database.row(
            "SELECT key, eligible, handle, suspended FROM passkeys WHERE id = ? AND principal = ?",
            (_credential_id(credential), principal),
        )
        nobody = (self._nobodys_key, 0, b"", 0)
        key, eligible, handle, suspended = row or nobody
        try:
            found = ceremonies.asserted(self.party, dict(credential), challenge, key)
        except Exception as error:  # as above
            why = self._why(client, "webauthn.get", challenge, _authenticator_data(credential))
            raise ProofError(why if row is not None else Why.UNKNOWN) from error
        if row is None:
            raise ProofError(Why.UNKNOWN)
        given = credential["response"].get("userHandle")
        if given is not None and ceremonies.handle(given) != handle:
            raise ProofError(Why.HANDLE)
        if ceremonies.synced(found) != bool(eligible):
            raise ProofError(Why.ELIGIBILITY)
        if suspended:
            raise ProofError(Why.SUSPENDED)
        passkey = _short(found.credential_id)
        moved = self._database.write(
            "UPDATE passkeys SET counter = ?1, backed_up = ?2, used = ?3"
            " WHERE id = ?4 AND suspended = 0 AND (counter < ?1 OR (counter = 0 AND ?1 = 0))",
            (found.new_sign_count, found.credential_backed_up, self._clock(), found.credential_id),
        )
        if not moved:
            self._database.write("UPDATE passkeys SET suspended = 1 WHERE id = ?", (found.credential_id,))
            about = {"principal": principal, "passkey": passkey, "reason": Why.COUNTER.value}
            self._record(Entry(Event.PASSKEY_SUSPENDED, "", about))
            raise ProofError(Why.COUNTER)
        return passkey

    # --- within --------------------------------------------------------------------------------------

    def _handle(self, principal: str) -> bytes:
        """The user handle: stable for a principal, and nothing that tells who it is (section 14.6.1)."""
        return hmac.digest(self._secret, b"chatward user handle 1\0" + principal.encode(), "sha256")

    def _known(self, principal: str) -> list[tuple[bytes, list[str]]]:
        """Ids of those that work, each with its transports."""
        rows = self._database.rows(
            "SELECT id, transports FROM passkeys WHERE principal = ? AND suspended = 0 ORDER BY made", (principal,)
        )
        return [(id, listed.split()) for id, listed in rows]

    def _why(self, client: bytes, type_: str, challenge: bytes, data: AuthenticatorData | None) -> Why:
        """What was wrong, for the ledger. It decides nothing: the proof is refused already."""
        from chatward.identity import ceremonies  # noqa: PLC0415

        try:
            collected = ceremonies.collected(client)
        except Exception:  # the proof is refused already; this only names why
            return Why.MALFORMED
        if data is None:
            return Why.MALFORMED
        wrong = {
            Why.TYPE: collected.type != type_,
            Why.NONCE: collected.challenge != challenge,
            Why.ORIGIN: collected.origin not in self.party.origins,
            Why.RP_ID: data.rp_id_hash != _sha256(self.party.id.encode()),
            Why.PRESENCE: not data.flags.up,
            Why.VERIFICATION: not data.flags.uv,
            Why.ELIGIBILITY: data.flags.bs and not data.flags.be,
        }
        return next((why for why, is_wrong in wrong.items() if is_wrong), Why.SIGNATURE)


def _client_data(credential: Mapping[str, Any]) -> bytes:
    """The client data, read strictly; refused where the page stood in a frame of another origin."""
    try:
        fields = {**credential, **credential["response"]}
        if any(isinstance(value, str) and len(value) > MAX_FIELD for value in fields.values()):
            raise ProofError(Why.MALFORMED)
        raw = base64url.decode(credential["response"]["clientDataJSON"])
        client = base64url.json_object(raw)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ProofError(Why.MALFORMED) from None
    if client.get("crossOrigin", False) is not False or "topOrigin" in client:
        raise ProofError(Why.CROSS_ORIGIN)
    return raw


def _authenticator_data(credential: Mapping[str, Any]) -> AuthenticatorData | None:
    from chatward.identity.ceremonies import authenticator  # noqa: PLC0415

    try:
        return authenticator(base64url.decode(credential["response"]["authenticatorData"]))
    except Exception:  # only asked for what a refused proof said, see `_why`
        return None


def _credential_id(credential: Mapping[str, Any]) -> bytes:
    try:
        return base64url.decode(credential["id"])
    except (KeyError, TypeError, ValueError):
        raise ProofError(Why.MALFORMED) from None


def _transports(credential: Mapping[str, Any], known: frozenset[str]) -> list[str]:
    given = credential["response"].get("transports")
    return sorted({one for one in given if isinstance(one, str)} & known) if isinstance(given, list) else []


def _short(credential_id: bytes) -> str:
    """A name for the ledger, that is no credential id."""
    return _sha256(credential_id).hex()[:16]


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()
