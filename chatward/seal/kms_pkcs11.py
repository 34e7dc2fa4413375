"""A root key in a hardware security module, or what speaks its language (PKCS#11 v2.40, OASIS).

The rules:

1. The keys are AES-256, made by whoever keeps the module, not extractable; they are found by their labels. The last of
   the labels wraps, the others still unwrap: a label's place in the list is its version, so only ever append.
2. Wrapping is AES-GCM inside the module (``CKM_AES_GCM``), with a nonce from this machine and the context as associated
   data; no root key is ever in this process.
3. One session for a module and token in this process, one call at a time: modules differ in what they take from several
   threads. A session that is gone is opened again once.
4. What a module says of a ciphertext that is not good is not told apart from other failures of decrypting: refused.

Needs the extra ``kms`` (python-pkcs11, MIT).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from chatward.core.errors import ConfigError
from chatward.seal.kms import Wrapped, refused, unavailable

_NONCE: Final = 12
_TAG_BITS: Final = 128
_sessions: Final[dict[tuple[str, str], Any]] = {}
_lock: Final = threading.RLock()


class Pkcs11Roots:
    """Implements ``RootKeys``. ``module`` is the library's file, ``token`` the token's label, ``pin`` gives its PIN
    when it is needed, ``labels`` are those of the keys. Raises ``ConfigError`` (``extra-missing``)."""

    def __init__(self, module: str, token: str, pin: Callable[[], str], labels: Sequence[str]) -> None:
        try:
            import pkcs11  # noqa: PLC0415 - of the extra `kms`
        except ImportError as error:
            said = 'seal.root = "pkcs11" needs its client: uv pip install "chatward[kms]"'
            raise ConfigError(said, key="seal.root", reason="extra-missing") from error
        if not labels:
            raise ConfigError("seal.pkcs11.keys is empty", key="seal.pkcs11.keys", reason="root-key-invalid")
        self._pkcs11 = pkcs11
        self._module = module
        self._token = token
        self._pin = pin
        self._labels = labels

    async def newest(self) -> int:
        return len(self._labels)

    async def wrap(self, key: bytes, context: bytes) -> Wrapped:
        version, nonce = len(self._labels), os.urandom(_NONCE)
        sealed = await asyncio.to_thread(self._asked, version, "encrypt", key, nonce, context)
        return Wrapped(version, nonce + sealed)

    async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        if not 1 <= wrapped.version <= len(self._labels):
            raise refused()
        nonce, sealed = wrapped.blob[:_NONCE], wrapped.blob[_NONCE:]
        return await asyncio.to_thread(self._asked, wrapped.version, "decrypt", sealed, nonce, context)

    # --- on a thread

    def _asked(self, version: int, what: str, data: bytes, nonce: bytes, context: bytes) -> bytes:
        errors = self._pkcs11.exceptions
        gone = (errors.SessionHandleInvalid, errors.SessionClosed, errors.UserNotLoggedIn, errors.DeviceRemoved)
        with _lock:
            for last in (False, True):
                try:
                    return self._once(version, what, data, nonce, context)
                except gone:
                    _sessions.pop((self._module, self._token), None)
                    if last:
                        raise unavailable() from None
                except errors.NoSuchKey:
                    raise refused() from None
                except errors.PKCS11Error:
                    raise unavailable() from None
        raise unavailable()

    def _once(self, version: int, what: str, data: bytes, nonce: bytes, context: bytes) -> bytes:
        pkcs11 = self._pkcs11
        key = self._session().get_key(
            key_type=pkcs11.KeyType.AES, object_class=pkcs11.ObjectClass.SECRET_KEY, label=self._labels[version - 1]
        )
        how = {
            "mechanism": pkcs11.Mechanism.AES_GCM,
            "mechanism_param": pkcs11.GCMParams(nonce, context, _TAG_BITS),
        }
        if what == "encrypt":
            return bytes(key.encrypt(data, **how))
        try:
            return bytes(key.decrypt(data, **how))
        except (
            pkcs11.exceptions.GeneralError,
            pkcs11.exceptions.EncryptedDataInvalid,
            pkcs11.exceptions.EncryptedDataLenRange,
            pkcs11.exceptions.ArgumentsBad,
            pkcs11.exceptions.FunctionFailed,
        ):
            raise refused() from None

    def _session(self) -> Any:
        found = _sessions.get((self._module, self._token))
        if found is None:
            token = self._pkcs11.lib(self._module).get_token(token_label=self._token)
            try:
                found = token.open(user_pin=self._pin())
            except self._pkcs11.exceptions.UserAlreadyLoggedIn:
                found = token.open()  # another session of this process has signed in for all of them
            _sessions[self._module, self._token] = found
        return found
