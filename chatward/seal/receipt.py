"""Receipts of erasures: what was erased where and when, signed, to be verified by anybody with the public key.

The form is two lines of ASCII::

    {"at":1767225600.0,"erasure":"9f…","number":17,"rows":12,"store":"conversations","subject":"3b…","tenant":"default"}
    <key id> <base64 of an Ed25519 signature (RFC 8032)>

Signed is ``chatward-erasure-receipt/1``, a line feed, and the first line as it stands: nothing is encoded anew to
verify it. ``subject`` is a digest of tenant and subject, so a receipt names nobody; who knows the subject's id can
check that it is theirs (``digest``). The key id is the beginning of the public key's SHA-256.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chatward.core.errors import ClientError
from chatward.seal.envelope import joined

_SIGNED: Final = b"chatward-erasure-receipt/1\n"
_MAX: Final = 10_000


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One store's part of one erasure. ``number``: keys of the subject up to this number were destroyed. ``rows``: what
    was deleted in the store, for the store ``keys`` how many keys. ``at``: seconds since 1970 UTC."""

    erasure: str
    tenant: str
    subject: str
    store: str
    rows: int
    number: int
    at: float


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``written``: base64 of its 32 bytes."""

    written: str

    @classmethod
    def of(cls, raw: bytes) -> PublicKey:
        return cls(base64.b64encode(raw).decode())

    @property
    def raw(self) -> bytes:
        try:
            raw = base64.b64decode(self.written, validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        if len(raw) != 32:
            raise _bad("This is not a public key of receipts.")
        return raw

    @property
    def id(self) -> str:
        return sha256(self.raw).hexdigest()[:16]


def digest(tenant: str, subject: str) -> str:
    """What receipts and the register call a subject: the same everywhere, and not to be guessed from unless ids are."""
    return sha256(joined("erased-subject", tenant, subject)).hexdigest()


def sign(receipt: Receipt, key: Ed25519PrivateKey) -> str:
    """A receipt in writing."""
    line = msgspec.json.encode(receipt, order="sorted")
    number = PublicKey.of(key.public_key().public_bytes_raw()).id
    return f"{line.decode()}\n{number} {base64.b64encode(key.sign(_SIGNED + line)).decode()}\n"


def verify(written: str, keys: Iterable[PublicKey]) -> Receipt:
    """The receipt, if one of the keys signed it. Raises ``ClientError`` (``receipt-invalid``)."""
    lines = written.split("\n")
    if len(written) > _MAX or len(lines) != 3 or lines[2]:
        raise _bad("This is not a receipt.")
    number, _, encoded = lines[1].partition(" ")
    key = next((key for key in keys if key.id == number), None)
    if key is None:
        raise _bad("The receipt is not signed by a known key.")
    try:
        signature = base64.b64decode(encoded, validate=True)
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, _SIGNED + lines[0].encode())
        return msgspec.json.decode(lines[0], type=Receipt)
    except (InvalidSignature, ValueError, binascii.Error, msgspec.MsgspecError):
        raise _bad("The receipt was altered.") from None


def _bad(sentence: str) -> ClientError:
    return ClientError(sentence, reason="receipt-invalid")
