"""AWS KMS in memory, behind ``core.identity.Fetch``: ``Encrypt`` and ``Decrypt`` of symmetric keys, and the signature.

The signature is verified by a Signature Version 4 of its own, written from AWS's documentation, that reads what it
needs from the ``authorization`` header. Errors have the types that the API reference names.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.core.errors import UpstreamError
from chatward.core.identity import Fetched

ACCESS, SECRET, REGION = "AKIDSIMULATED", "simulated/secret", "eu-central-1"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/kms/aws4_request,"
    r" SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)


class Kms:
    def __init__(self, *keys: str) -> None:
        self.keys = {key: os.urandom(32) for key in keys}
        self.down = False
        self.throttled = False

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched:
        if self.down:
            raise UpstreamError("The other server does not answer.")
        if self.throttled:
            return _error("ThrottlingException")
        if not self._signed(method, dict(headers), body):
            return _error("InvalidSignatureException")
        asked = json.loads(body)
        key = self.keys.get(asked["KeyId"])
        if key is None:
            return _error("NotFoundException")
        context = json.dumps(asked["EncryptionContext"], sort_keys=True).encode()
        if dict(headers)["x-amz-target"] == "TrentService.Encrypt":
            nonce = os.urandom(12)
            blob = nonce + AESGCM(key).encrypt(nonce, base64.b64decode(asked["Plaintext"]), context)
            return _answer(200, {"CiphertextBlob": base64.b64encode(blob).decode(), "KeyId": asked["KeyId"]})
        data = base64.b64decode(asked["CiphertextBlob"])
        try:
            plain = AESGCM(key).decrypt(data[:12], data[12:], context)
        except (InvalidTag, ValueError):
            return _error("InvalidCiphertextException")
        return _answer(200, {"Plaintext": base64.b64encode(plain).decode(), "KeyId": asked["KeyId"]})

    def _signed(self, method: str, headers: dict[str, str], body: bytes) -> bool:
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None or found[1] != ACCESS or found[3] != REGION:
            return False
        names = found[4].split(";")
        if not {"host", "x-amz-date", "x-amz-target"} <= set(names) or names != sorted(names):
            return False
        canonical = "\n".join(
            [
                method,
                "/",
                "",
                *(f"{n}:{headers[n].strip()}" for n in names),
                "",
                found[4],
                hashlib.sha256(body).hexdigest(),
            ]
        )
        text = "\n".join(
            [
                "AWS4-HMAC-SHA256",
                headers["x-amz-date"],
                f"{found[2]}/{REGION}/kms/aws4_request",
                hashlib.sha256(canonical.encode()).hexdigest(),
            ]
        )
        key = ("AWS4" + SECRET).encode()
        for part in (found[2], REGION, "kms", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.compare_digest(key.hex(), found[5])


def _error(kind: str) -> Fetched:
    return _answer(400, {"__type": f"com.amazonaws.kms#{kind}", "message": "no"})


def _answer(status: int, document: dict[str, Any]) -> Fetched:
    return Fetched(status, [("content-type", "application/x-amz-json-1.1")], json.dumps(document).encode())
