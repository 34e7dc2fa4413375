"""The keys that sign replies, in one file that its owner alone can read.

The rules:

1. One key signs: the newest that is neither retired nor revoked. ``rotate`` makes another and retires the one before;
   what that one signed until then stays good.
2. A **revoked** key is good for nothing, whatever time a proof says it has: who stole it can write any time.
   Revoking the key that signs makes another.
3. The file is replaced in one step. A running gateway reads it again when it has changed; a file that cannot be read
   stops signing, it is not made anew.
4. A key's name (``kid``) is its JWK thumbprint (RFC 7638), so two installations never share one. No name begins with
   ``-``: people write it on a command line.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatward.core import base64url
from chatward.core.errors import ClientError, ConfigError


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``seed`` is its private half (RFC 8032, 32 bytes, base64url). Times are whole seconds since 1970 UTC."""

    kid: str
    seed: str
    made: int
    retired: int | None = None
    revoked: int | None = None

    def __repr__(self) -> str:
        return f"Key({self.kid})"

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(base64url.decode(self.seed))

    @property
    def x(self) -> str:
        """The public half, as in a JWK."""
        return base64url.encode(self.private.public_key().public_bytes_raw())

    @property
    def state(self) -> str:
        return "revoked" if self.revoked is not None else "retired" if self.retired is not None else "signs"


def thumbprint(x: str) -> str:
    """The name of a public Ed25519 key (RFC 7638, RFC 8037 section 2)."""
    return base64url.encode(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


class Keyring:
    """The keys in ``path``, made if there is no such file. Raises ``ConfigError`` (``signing-keys-invalid``)."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()
        if not path.exists():
            self._write((self._made(),))
        self._read()

    @property
    def keys(self) -> Sequence[Key]:
        """All, the oldest first."""
        with self._lock:
            self._read()
            return self._keys

    @property
    def current(self) -> Key:
        """The key that signs."""
        return next(key for key in reversed(self.keys) if key.state == "signs")

    def rotate(self) -> Key:
        """Another key signs from now on; the one before stays good for what it signed."""
        with self._lock:
            self._read()
            now = int(self._clock())
            made = self._made()
            self._write((*(replace(key, retired=now) if key.state == "signs" else key for key in self._keys), made))
            return made

    def revoke(self, kid: str) -> Key:
        """The key that signs now. Raises ``ClientError`` (``signing-key-unknown``)."""
        with self._lock:
            self._read()
            if all(key.kid != kid for key in self._keys):
                raise ClientError("There is no such key.", reason="signing-key-unknown", status=404)
            now = int(self._clock())
            keys = [replace(key, revoked=key.revoked or now) if key.kid == kid else key for key in self._keys]
            if all(key.state != "signs" for key in keys):
                keys.append(self._made())
            self._write(keys)
            return next(key for key in reversed(keys) if key.state == "signs")

    def changed(self) -> bool:
        """Whether the file is another than what was read. Costs a few microseconds."""
        return self._stamped() != self._stamp

    def _made(self) -> Key:
        while True:
            private = Ed25519PrivateKey.generate()
            kid = thumbprint(base64url.encode(private.public_key().public_bytes_raw()))
            if not kid.startswith("-"):
                return Key(kid, base64url.encode(private.private_bytes_raw()), int(self._clock()))

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _read(self) -> None:
        stamp = self._stamped()
        if stamp is not None and stamp == self._stamp:
            return
        try:
            keys = tuple(_key(given) for given in json.loads(self.path.read_bytes())["keys"])
        except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise self._invalid() from error
        if not any(key.state == "signs" for key in keys) or len({key.kid for key in keys}) != len(keys):
            raise self._invalid()
        self._keys, self._stamp = keys, stamp

    def _write(self, keys: Sequence[Key]) -> None:
        beside = self.path.with_name(self.path.name + ".new")
        try:
            beside.unlink(missing_ok=True)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(json.dumps({"keys": [asdict(key) for key in keys]}, indent=1).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be written", reason="signing-keys-invalid") from error
        self._read()

    def _invalid(self) -> ConfigError:
        return ConfigError(f"{self.path} holds no signing keys", reason="signing-keys-invalid")


def _key(given: dict[str, Any]) -> Key:
    """Raises ``ValueError`` and ``TypeError``."""
    key = Key(**given)
    times = (key.made, key.retired or 0, key.revoked or 0)
    if (
        len(base64url.decode(key.seed)) != 32
        or thumbprint(key.x) != key.kid
        or any(type(one) is not int for one in times)
    ):
        raise ValueError("not a key")
    return key
