"""Root keys in AWS KMS: the root key never leaves it.

Calls of the JSON protocol (``TrentService.Encrypt`` and ``.Decrypt``), signed with Signature Version 4 for the one form
of request that is sent here: POST to ``/``, no query. Context goes as ``EncryptionContext``, which KMS authenticates
and writes into CloudTrail: it holds the tenant's name, never a person's.

KMS does not tell its versions of a key and needs none: its ``Decrypt`` finds the one that encrypted. So a version here
is the place of a key in ``keys``, from 1 on; to change over, add a key at the end and run ``chatward seal root``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from chatward.core.errors import ChatwardError, ConfigError
from chatward.core.identity import Fetch
from chatward.seal.kms import Wrapped, refused, unavailable

TIMEOUT: Final = 10.0
MAX_ANSWER: Final = 64 * 1024
_NO: Final = frozenset(
    {
        "AccessDeniedException",
        "DisabledException",
        "IncompleteSignature",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "InvalidGrantTokenException",
        "InvalidKeyUsageException",
        "InvalidSignatureException",
        "KMSInvalidStateException",
        "NotFoundException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "ValidationException",
    }
)
"""Types of errors that are a no. All others, throttling among them, are no answer."""
_is_region: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def signed(
    method: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    credentials: Credentials,
    region: str,
    service: str,
    at: datetime,
) -> list[tuple[str, str]]:
    """The headers with those of AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request"). Names
    are in lower case, each once; the path is ``/`` and there is no query."""
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    told = [*headers, ("host", urlsplit(url).netloc), ("x-amz-date", moment)]
    if credentials.session_token:
        told.append(("x-amz-security-token", credentials.session_token))
    told.sort()
    names = ";".join(name for name, _ in told)
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in told)
    request = f"{method}\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    what = f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return [*told, ("authorization", what)]


class AwsRoots:
    """Implements ``RootKeys``. ``keys`` are ids, ARNs or aliases of symmetric keys, newest last; ``clock`` gives
    seconds since 1970 UTC; ``endpoint`` replaces ``https://kms.REGION.amazonaws.com``."""

    def __init__(
        self,
        fetch: Fetch,
        region: str,
        keys: Sequence[str],
        credentials: Callable[[], Credentials],
        *,
        endpoint: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if _is_region(region) is None or not keys:
            raise ConfigError("the key service needs a region and a key", reason="root-key-invalid")
        self._fetch = fetch
        self._region = region
        self._keys = tuple(keys)
        self._credentials = credentials
        self._url = f"{(endpoint or f'https://kms.{region}.amazonaws.com').rstrip('/')}/"
        self._clock = clock

    async def newest(self) -> int:
        return len(self._keys)

    async def wrap(self, key: bytes, context: bytes) -> Wrapped:
        return Wrapped(len(self._keys), await self._ask("Encrypt", len(self._keys), "Plaintext", key, context))

    async def unwrap(self, wrapped: Wrapped, context: bytes) -> bytes:
        if not 1 <= wrapped.version <= len(self._keys):
            raise refused()
        return await self._ask("Decrypt", wrapped.version, "CiphertextBlob", wrapped.blob, context)

    async def _ask(self, verb: str, version: int, name: str, data: bytes, context: bytes) -> bytes:
        asked = {
            "KeyId": self._keys[version - 1],
            name: base64.b64encode(data).decode(),
            "EncryptionContext": {"chatward": base64.b64encode(context).decode()},
        }
        body = msgspec.json.encode(asked)
        headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", f"TrentService.{verb}")]
        at = datetime.fromtimestamp(self._clock(), UTC)
        headers = signed("POST", self._url, headers, body, self._credentials(), self._region, "kms", at)
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await self._fetch("POST", self._url, headers, body)
        except (ChatwardError, TimeoutError, OSError) as error:
            raise unavailable() from error
        if len(answer.body) > MAX_ANSWER:
            raise unavailable()
        try:
            said = msgspec.json.decode(answer.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise unavailable() from None
        if answer.status != 200:
            raise refused() if str(said.get("__type", "")).rpartition("#")[2] in _NO else unavailable()
        found = said.get("CiphertextBlob" if verb == "Encrypt" else "Plaintext")
        try:
            return base64.b64decode(found if isinstance(found, str) else "?", validate=True)
        except (ValueError, binascii.Error):
            raise unavailable() from None
