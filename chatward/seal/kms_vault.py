"""Root keys in HashiCorp Vault's or OpenBao's transit engine: the root key never leaves it.

The API (developer.hashicorp.com/vault/api-docs/secret/transit; OpenBao's is the same):

- ``POST /v1/MOUNT/encrypt/KEY`` with ``plaintext`` and ``associated_data`` (base64) gives ``vault:vN:...``, N the
  version.
- ``POST /v1/MOUNT/decrypt/KEY`` with ``ciphertext`` and ``associated_data`` gives ``plaintext``. A version below the
  key's ``min_decryption_version`` is refused there.
- ``GET /v1/MOUNT/keys/KEY`` gives ``latest_version``.

The key has to be of a kind with associated data (``aes256-gcm96``, the default), not ``derived``. The token needs
``update`` on the first two paths and ``read`` on the third; it is asked for at every call, so it may be renewed
outside. Answers of 400, 403 and 404 are a no (``root-key-refused``); everything else that is no good answer is none.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from chatward.core.errors import ChatwardError, ConfigError
from chatward.core.identity import Fetch
from chatward.seal.kms import Wrapped, refused, unavailable

TIMEOUT: Final = 10.0
MAX_ANSWER: Final = 64 * 1024
_NO: Final = frozenset({400, 403, 404})
_is_ciphertext: Final = re.compile(r"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/]+={0,2}", re.ASCII).fullmatch


class VaultRoots:
    """Implements ``RootKeys``. ``url`` is the server's base (``https://vault.example:8200``); ``token`` gives a
    token."""

    def __init__(
        self,
        fetch: Fetch,
        url: str,
        token: Callable[[], str],
        key: str = "chatward",
        *,
        mount: str = "transit",
        namespace: str = "",
    ) -> None:
        if not url.startswith(("https://", "http://")) or not key or not mount:
            raise ConfigError("the key service needs an address, a mount and a key's name", reason="root-key-invalid")
        self._fetch = fetch
        self._base = f"{url.rstrip('/')}/v1/{quote(mount.strip('/'))}"
        self._key = quote(key, safe="")
        self._token = token
        self._namespace = namespace

    async def newest(self) -> int:
        version = (await self._ask("GET", "keys", None)).get("latest_version")
        if not isinstance(version, int) or version < 1:
            raise unavailable()
        return version

    async def wrap(self, key: bytes, context: bytes) -> Wrapped:
        asked = {"plaintext": _base64(key), "associated_data": _base64(context)}
        text = (await self._ask("POST", "encrypt", asked)).get("ciphertext")
        found = _is_ciphertext(text) if isinstance(text, str) else None
        if found is None:
            raise unavailable()
        return Wrapped(int(found[1]), found[0].encode())

    async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        found = _is_ciphertext(wrapped.blob.decode("ascii", "replace"))
        if found is None or int(found[1]) != wrapped.version:
            raise refused()
        asked = {"ciphertext": found[0], "associated_data": _base64(context)}
        text = (await self._ask("POST", "decrypt", asked)).get("plaintext")
        try:
            return base64.b64decode(text if isinstance(text, str) else "?", validate=True)
        except (ValueError, binascii.Error):
            raise unavailable() from None

    async def _ask(self, method: str, verb: str, asked: dict[str, str] | None) -> dict[str, Any]:
        headers = [("x-vault-token", self._token()), ("x-vault-request", "true")]
        if self._namespace:
            headers.append(("x-vault-namespace", self._namespace))
        if asked is not None:
            headers.append(("content-type", "application/json"))
        body = b"" if asked is None else msgspec.json.encode(asked)
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._fetch(method, f"{self._base}/{verb}/{self._key}", headers, body)
        except (ChatwardError, TimeoutError, OSError) as error:
            raise unavailable() from error
        if answer.status in _NO:
            raise refused()
        if answer.status != 200 or len(answer.body) > MAX_ANSWER:
            raise unavailable()
        try:
            data = msgspec.json.decode(answer.body, type=dict[str, Any]).get("data")
        except msgspec.MsgspecError:
            raise unavailable() from None
        if not isinstance(data, dict):
            raise unavailable()
        return data


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
