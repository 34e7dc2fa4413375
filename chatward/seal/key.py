"""A key in memory, and the keys that are kept there for a while.

A key is 32 random bytes. What seals, what wraps the keys below and what makes blind indexes are three keys derived from
it (HKDF-Expand of RFC 5869; the bytes are uniform, so there is nothing to extract). Python cannot promise that a key
leaves memory when it is dropped. It stands in no ``repr``.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.core.errors import StoreError
from chatward.seal.envelope import NONCE

Name = tuple[str, str, str]
"""Tenant, subject and record of a key. No record: the subject's own key. No subject either: the tenant's."""

_FIELD: Final = b"chatward/field/1"
_WRAP: Final = b"chatward/wrap/1"
_INDEX: Final = b"chatward/index/1"


class Key:
    """A key in memory. ``fields`` seals, ``_wraps`` wraps the keys below, ``indexes`` is for blind indexes."""

    __slots__ = ("_wraps", "fields", "indexes")

    def __init__(self, raw: bytes) -> None:
        self.fields = AESGCM(_derived(raw, _FIELD))
        self._wraps = AESGCM(_derived(raw, _WRAP))
        self.indexes = _derived(raw, _INDEX)

    def wrap(self, raw: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._wraps.encrypt(nonce, raw, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return self._wraps.decrypt(wrapped[:NONCE], wrapped[NONCE:], context)
        except (InvalidTag, ValueError):
            raise StoreError("A stored key was altered. It is not used.", reason="sealed-altered") from None


def _derived(raw: bytes, label: bytes) -> bytes:
    return hmac.digest(raw, label + b"\x01", "sha256")  # RFC 5869, section 2.3, for one block


class Cache:
    """Keys by name and version, for ``ttl`` seconds, at most ``capacity`` of them, those used last."""

    def __init__(self, clock: Callable[[], float], capacity: int, ttl: float) -> None:
        self._clock = clock
        self._capacity = capacity
        self._ttl = ttl
        self._lock = threading.Lock()
        self._keys: OrderedDict[tuple[Name, int], tuple[Key, float]] = OrderedDict()
        self.epoch = 0
        """Grows whenever keys may have been destroyed."""

    def get(self, name: Name, version: int) -> Key | None:
        with self._lock:
            kept = self._keys.get((name, version))
            if kept is None:
                return None
            if self._clock() >= kept[1]:
                del self._keys[name, version]
                return None
            self._keys.move_to_end((name, version))
            return kept[0]

    def keep(self, name: Name, version: int, key: Key, epoch: int) -> None:
        """Keeps a key that was read when the cache was at ``epoch``: one destroyed since then would be used again."""
        with self._lock:
            if epoch != self.epoch:
                return
            self._keys[name, version] = (key, self._clock() + self._ttl)
            self._keys.move_to_end((name, version))
            while len(self._keys) > self._capacity:
                self._keys.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._keys.clear()
            self.epoch += 1
