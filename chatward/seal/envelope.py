"""A sealed field: AES-256-GCM, bound to its place, in one format.

The format (big-endian), 33 bytes more than what is sealed::

    0       1          5           17                n-16    n
    | 0x01  | version  | nonce     | ciphertext      | tag   |
    format  of the key 12, random

1. The associated data are the place and the version, each part with its length before it (8 bytes), and their number
   before all of them. So two places that differ have associated data that differ: no part can lend a letter to the
   next.
2. The key is of one subject or record (``keys``), the nonce is random: NIST SP 800-38D section 8.3 allows 2**32 seals
   with one key, and no person writes that much.
3. There is no second format and no algorithm that the field could choose. Another first byte, a version of 0, a field
   that is too short: refused before any key is looked for.
4. A sealed field tells the length of what is in it. It does not tell whether two hold the same.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.core.errors import StoreError
from chatward.core.sealing import Place

FORMAT: Final = 1
NONCE: Final = 12
TAG: Final = 16
OVERHEAD: Final = 5 + NONCE + TAG
MAX_VERSION: Final = 2**32 - 1
KEY_BYTES: Final = 32

_HEAD: Final = struct.Struct(">BI")
_LENGTH: Final = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A field taken apart; nothing in it is to be believed before it is opened."""

    version: int
    nonce: bytes = field(repr=False)
    text: bytes = field(repr=False)


def joined(*parts: str) -> bytes:
    """Texts as bytes, injectively: their number, and each one's length in bytes before it. Lone surrogates, which a
    text may hold and UTF-8 has no form for, get the form of the same pattern (WTF-8), which nothing else has."""
    out = [_LENGTH.pack(len(parts))]
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        out.append(_LENGTH.pack(len(data)))
        out.append(data)
    return b"".join(out)


def associated(place: Place, version: int) -> bytes:
    """What is authenticated with a field."""
    return joined("field", place.tenant, place.subject, place.record, place.table, place.row, str(version))


def seal(key: AESGCM, version: int, place: Place, data: bytes) -> bytes:
    """A sealed field. ``version`` is that of the key."""
    nonce = os.urandom(NONCE)
    return _HEAD.pack(FORMAT, version) + nonce + key.encrypt(nonce, data, associated(place, version))


def parse(sealed: bytes) -> Sealed:
    """The parts of a field. Raises ``StoreError`` (``sealed-altered``)."""
    if len(sealed) < OVERHEAD:
        raise altered()
    form, version = _HEAD.unpack_from(sealed)
    if form != FORMAT or not version:
        raise altered()
    return Sealed(version, sealed[5 : 5 + NONCE], sealed[5 + NONCE :])


def open_(key: AESGCM, place: Place, sealed: Sealed) -> bytes:
    """What was sealed with this key at this place. Raises ``StoreError`` (``sealed-altered``)."""
    try:
        return key.decrypt(sealed.nonce, sealed.text, associated(place, sealed.version))
    except InvalidTag:
        raise altered() from None


def altered() -> StoreError:
    return StoreError("A stored value was altered or belongs elsewhere. It is not shown.", reason="sealed-altered")
