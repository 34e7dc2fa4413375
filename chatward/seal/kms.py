"""Root keys: where they are kept, behind one port.

The rules:

1. A root key wraps the keys of tenants and nothing else: a few calls in the life of a process, no text of anybody.
2. What was wrapped comes with the version of the root key. Older versions unwrap for as long as they are kept; the
   newest one wraps.
3. ``context`` is authenticated: what was wrapped in one does not unwrap in another.
4. Two kinds of failure, both ``StoreError``. ``root-key-unavailable``: the service does not answer now; ask again.
   ``root-key-refused``: it answered no (altered, another context, a version that is gone, not permitted).
   Neither quotes keys, tokens or what the service said.

Here are those without a network: a file under a passphrase (the default) and the environment. ``kms_vault`` and
``kms_aws`` are those with one, ``kms_pkcs11`` is a module of hardware.

The file is JSON. The passphrase gives a key through argon2id (RFC 9106, section 4, second recommendation: 64 MiB, three
passes, with one lane), which wraps each root key by AES-256-GCM with its version as associated data.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import secrets
import threading
import unicodedata
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.core.errors import ConfigError, StoreError

T = TypeVar("T")

ROOT_BYTES: Final = 32
_NONCE: Final = 12
_SHORTEST: Final = 12
"""Code points of a passphrase."""
_MAX_FILE: Final = 1_000_000
_PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key, and the version of the root key under which it is."""

    version: int
    blob: bytes = field(repr=False)


class RootKeys(Protocol):
    """See the module's rules. Raises ``StoreError``."""

    async def wrap(self, key: bytes, context: bytes) -> Wrapped: ...

    async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes: ...

    async def newest(self) -> int:
        """The version that ``wrap`` uses now."""
        ...


class Ask(Protocol):
    """Waits, on a thread, for what a key service answers."""

    def __call__(self, question: Coroutine[Any, Any, T], /) -> T: ...


def on_loop(loop: asyncio.AbstractEventLoop, patience: float = _PATIENCE) -> Ask:
    """An ``Ask`` for worker threads whose key service lives on ``loop``. On the loop's own thread it would wait for
    itself, so that is refused (``RuntimeError``)."""

    def ask(question: Coroutine[Any, Any, T], /) -> T:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not None:
            question.close()
            raise RuntimeError("a key service is waited for on a thread, not on an event loop")
        future = asyncio.run_coroutine_threadsafe(question, loop)
        try:
            return future.result(patience)
        except FutureTimeoutError:
            future.cancel()
            raise unavailable() from None

    return ask


def unavailable() -> StoreError:
    return StoreError("The key service does not answer. Try again shortly.", reason="root-key-unavailable")


def refused() -> StoreError:
    return StoreError("The root key does not open this.", reason="root-key-refused", status=500)


class LocalRoots:
    """Root keys in memory, by version."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or any(version < 1 or len(key) != ROOT_BYTES for version, key in keys.items()):
            raise ConfigError(
                f"root keys have versions from 1 on and {ROOT_BYTES} bytes each", reason="root-key-invalid"
            )
        self._keys = {version: AESGCM(key) for version, key in keys.items()}
        self._newest = max(keys)

    async def newest(self) -> int:
        return self._newest

    async def wrap(self, key: bytes, context: bytes) -> Wrapped:
        nonce = os.urandom(_NONCE)
        return Wrapped(self._newest, nonce + self._keys[self._newest].encrypt(nonce, key, context))

    async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        key = self._keys.get(wrapped.version)
        if key is None:
            raise refused()
        try:
            return key.decrypt(wrapped.blob[:_NONCE], wrapped.blob[_NONCE:], context)
        except (InvalidTag, ValueError):
            raise refused() from None


class FileRoots:
    """Root keys of a file, read again when it was replaced: what is wrapped under a key that the file no longer has
    could be opened by nobody after a restart. Reading takes a fraction of a second of the CPU."""

    def __init__(self, file: RootFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._mark, self._roots = file.read()

    async def newest(self) -> int:
        return await self._now().newest()

    async def wrap(self, key: bytes, context: bytes) -> Wrapped:
        return await self._now().wrap(key, context)

    async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        return await self._now().unwrap(wrapped, context)

    def _now(self) -> LocalRoots:
        with self._lock:
            if self._file.mark != self._mark:
                self._mark, self._roots = self._file.read()
            return self._roots


# --- the environment


def parse_keys(text: str) -> dict[int, bytes]:
    """``VERSION:BASE64`` entries, apart by blanks or commas, such as ``1:Q2hh...= 2:d2Fy...=``; 32 bytes each. Raises
    ``ConfigError`` (``root-key-invalid``), which quotes nothing."""
    keys: dict[int, bytes] = {}
    for entry in text.replace(",", " ").split():
        number, _, encoded = entry.partition(":")
        try:
            version, key = int(number), base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            version, key = 0, b""
        if version < 1 or version in keys or len(key) != ROOT_BYTES:
            raise ConfigError(
                f"root keys are given as VERSION:BASE64 of {ROOT_BYTES} bytes, each version once",
                reason="root-key-invalid",
            )
        keys[version] = key
    if not keys:
        raise ConfigError("there is no root key", reason="root-key-invalid")
    return keys


# --- a file under a passphrase


@dataclass(frozen=True, slots=True)
class Cost:
    """Of turning the passphrase into a key: memory in KiB, passes over it."""

    memory: int = 64 * 1024
    passes: int = 3


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written. ``keys``: wrapped root keys by version; ``memory`` in KiB."""

    format: int
    memory: int
    passes: int
    salt: bytes
    keys: dict[str, bytes]


class RootFile:
    """A file with root keys under a passphrase. ``passphrase`` gives it when it is needed; it is not kept."""

    def __init__(self, path: Path, passphrase: Callable[[], str], cost: Cost = Cost()) -> None:
        self._path = path
        self._passphrase = passphrase
        self._cost = cost

    def open(self, *, create: bool = True) -> FileRoots:
        """The root keys; the file and its first key are made if missing and ``create``. Raises ``ConfigError``
        (``passphrase-weak``) for a new one, ``StoreError`` (``root-key-refused``: another passphrase, or altered;
        ``root-key-unavailable``: no file)."""
        if create and not self._path.exists():
            self._write({1: secrets.token_bytes(ROOT_BYTES)}, new=True)
        return FileRoots(self)

    def read(self) -> tuple[tuple[int, int], LocalRoots]:
        """What tells this file from a later one, and the keys in it. Raises ``StoreError``."""
        return self.mark, LocalRoots(self._read())

    @property
    def mark(self) -> tuple[int, int]:
        """Changes with the file, which is only ever replaced. Raises ``StoreError``."""
        try:
            found = self._path.stat()
        except OSError as error:
            raise StoreError("The file with the root key cannot be read.", reason="root-key-unavailable") from error
        return found.st_ino, found.st_mtime_ns

    def rotate(self) -> int:
        """Adds a version, and wraps all anew under the passphrase; the version. Tenant keys stay under the older one
        until ``Keys.rewrap``."""
        keys = self._read()
        version = max(keys) + 1
        self._write(keys | {version: secrets.token_bytes(ROOT_BYTES)})
        return version

    def forget(self, below: int) -> int:
        """Takes out the versions below a number, for good; how many. The newest one stays."""
        keys = self._read()
        kept = {version: key for version, key in keys.items() if version >= below or version == max(keys)}
        if len(kept) < len(keys):
            self._write(kept)
        return len(keys) - len(kept)

    def _key(self, salt: bytes, memory: int, passes: int) -> AESGCM:
        secret = unicodedata.normalize("NFKC", self._passphrase()).encode("utf-8", "surrogatepass")
        return AESGCM(hash_secret_raw(secret, salt, passes, memory, 1, ROOT_BYTES, Type.ID))

    def _read(self) -> dict[int, bytes]:
        try:
            with self._path.open("rb") as stream:
                data = stream.read(_MAX_FILE)
        except OSError as error:
            raise StoreError("The file with the root key cannot be read.", reason="root-key-unavailable") from error
        try:
            file = msgspec.json.decode(data, type=_File)
            wrapped = {int(version): value for version, value in file.keys.items()}
            # Bounds: a file that somebody changed must not eat the memory or the day.
            if file.format != 1 or not 8 <= file.memory <= 1 << 21 or not 1 <= file.passes <= 100 or not wrapped:
                raise refused()
            key = self._key(file.salt, file.memory, file.passes)
            return {
                version: key.decrypt(value[:_NONCE], value[_NONCE:], b"chatward/root/1:%d" % version)
                for version, value in wrapped.items()
            }
        except (msgspec.MsgspecError, ValueError, InvalidTag):
            raise refused() from None

    def _write(self, keys: Mapping[int, bytes], *, new: bool = False) -> None:
        """A file that is whole from its first moment. Who comes second with a ``new`` one leaves the first one's."""
        if len(self._passphrase().strip()) < _SHORTEST:
            raise ConfigError(f"the passphrase needs {_SHORTEST} characters or more", reason="passphrase-weak")
        salt = secrets.token_bytes(16)
        key = self._key(salt, self._cost.memory, self._cost.passes)
        wrapped: dict[str, bytes] = {}
        for version, raw in keys.items():
            nonce = os.urandom(_NONCE)
            wrapped[str(version)] = nonce + key.encrypt(nonce, raw, b"chatward/root/1:%d" % version)
        data = msgspec.json.encode(_File(1, self._cost.memory, self._cost.passes, salt, wrapped)) + b"\n"
        temporary = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                os.write(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if new:
                with suppress(FileExistsError):
                    os.link(temporary, self._path)
            else:
                os.replace(temporary, self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreError("The file with the root key cannot be written.", reason="root-key-unavailable") from error
        finally:
            temporary.unlink(missing_ok=True)
