"""Blind indexes: finding a sealed value by equality, without opening anything.

The rules:

1. An index is ``version (4 bytes) || HMAC-SHA-256(key, field, value)`` cut to 16 bytes. The key is derived from the
   subject's key, so it goes when the subject is erased; or from the tenant's, where values of all subjects are to be
   compared. Equal values of two fields, tenants or subjects (with keys of their own) have indexes that differ.
2. What it tells: who holds the file sees which values of one field are equal, and how often each occurs. Who holds the
   key can try values. So it is for identifiers, not for text or for what has few values (a sex, a country).
3. A value is compared as it is given. Whoever writes it brings it into one form first (case, Unicode, blanks).
4. **Rotation by dual read and write**: while two versions of a key are good, ``indexes`` gives an index under each.
   All are written, any is looked for; those of the older version are dropped when the walk of a rotation writes a row
   anew after ``retire``, or with it (``only``).
"""

from __future__ import annotations

import hmac
from typing import Final

from chatward.seal.envelope import joined

BYTES: Final = 16
_VERSION: Final = 4


def index(key: bytes, version: int, field: str, value: str) -> bytes:
    """The index of one value under one key."""
    return version.to_bytes(_VERSION, "big") + hmac.digest(key, joined("index", field, value), "sha256")[:BYTES]


def version_of(value: bytes) -> int:
    """The version of the key of an index."""
    return int.from_bytes(value[:_VERSION], "big")
