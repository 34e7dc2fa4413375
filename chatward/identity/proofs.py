"""Proofs: what each is worth, and why one was not good.

The rule: whoever gave a proof that is not good hears one sentence, whatever was wrong; ``why`` is for the ledger.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Proof

LIFTS: Final = {Proof.PASSKEY: Assurance.STRONG, Proof.TOTP: Assurance.MULTI, Proof.APPROVAL: Assurance.NONE}
"""The assurance that each proof gives."""


class Why(str, Enum):
    """Why a proof was not good: for the ledger only. The person hears one sentence for all of them."""

    MALFORMED = "malformed"
    TYPE = "ceremony-type"
    NONCE = "nonce"
    ORIGIN = "origin"
    CROSS_ORIGIN = "cross-origin"
    RP_ID = "rp-id"
    PRESENCE = "user-presence"
    VERIFICATION = "user-verification"
    SIGNATURE = "signature"
    ALGORITHM = "algorithm"
    ATTESTATION = "attestation"
    COUNTER = "counter-rollback"
    ELIGIBILITY = "backup-eligibility"
    UNKNOWN = "credential-unknown"
    KNOWN = "credential-known"
    SUSPENDED = "credential-suspended"
    HANDLE = "user-handle"
    CODE = "code-wrong"
    CODE_USED = "code-used"
    NOT_ENROLLED = "not-enrolled"
    RATE = "too-many"
    ATTEMPTS = "attempts"
    REVOKED = "revoked"


class ProofError(IdentityError):
    """A proof that is not good. ``why`` is for the ledger."""

    status = 403
    reason = "proof-refused"

    def __init__(self, why: Why) -> None:
        super().__init__("This was not accepted as a proof. Ask for new options and try again, or use another way.")
        self.why = why
