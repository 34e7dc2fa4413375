"""A copy of people's keys, encrypted under a passphrase: one file, replaced each time it is made.

The file is one JSON object. ``body`` is the database of wrapped keys (``seal.keys``), under AES-256-GCM with a key from
the passphrase (Argon2id, RFC 9106). The keys in it are wrapped by the root key besides, which is not in it.
Keep as few copies as you can, and replace them: each is what an erasure has to outlive.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.backup.copies import image, write
from chatward.core.errors import ConfigError, StoreError
from chatward.seal.kms import Cost

_SHORTEST: Final = 12
_NONCE: Final = 12
_MAX: Final = 4 << 30


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``memory`` in KiB; ``body``: nonce, ciphertext, tag."""

    format: int
    memory: int
    passes: int
    salt: bytes
    body: bytes


def save(keys: Path, target: Path, passphrase: Callable[[], str], cost: Cost = Cost()) -> None:  # noqa: B008
    """Writes the copy of ``keys``. Raises ``ConfigError`` (``passphrase-weak``), ``StoreError``, ``OSError``."""
    if len(passphrase().strip()) < _SHORTEST:
        raise ConfigError(f"the passphrase needs {_SHORTEST} characters or more", reason="passphrase-weak")
    salt, nonce = os.urandom(16), os.urandom(_NONCE)
    body = _cipher(passphrase, salt, cost).encrypt(nonce, image(keys), _bound(cost))
    write(target, msgspec.json.encode(_File(1, cost.memory, cost.passes, salt, nonce + body)))


def opened(source: Path, passphrase: Callable[[], str]) -> bytes:
    """The database in a copy. Raises ``StoreError`` (``keys-refused``: another passphrase, or altered), ``OSError``."""
    with source.open("rb") as stream:
        data = stream.read(_MAX)
    try:
        file = msgspec.json.decode(data, type=_File)
        # Bounds: a file that somebody changed must not eat the memory or the day.
        if file.format != 1 or not 8 <= file.memory <= 1 << 21 or not 1 <= file.passes <= 100:
            raise _refused()
        cost = Cost(file.memory, file.passes)
        return _cipher(passphrase, file.salt, cost).decrypt(file.body[:_NONCE], file.body[_NONCE:], _bound(cost))
    except (msgspec.MsgspecError, ValueError, InvalidTag):
        raise _refused() from None


def _cipher(passphrase: Callable[[], str], salt: bytes, cost: Cost) -> AESGCM:
    secret = unicodedata.normalize("NFKC", passphrase()).encode("utf-8", "surrogatepass")
    return AESGCM(hash_secret_raw(secret, salt, cost.passes, cost.memory, 1, 32, Type.ID))


def _bound(cost: Cost) -> bytes:
    return b"chatward/keys/1:%d:%d" % (cost.memory, cost.passes)


def _refused() -> StoreError:
    return StoreError("The copy of the keys does not open with this passphrase, or was altered.", reason="keys-refused")
