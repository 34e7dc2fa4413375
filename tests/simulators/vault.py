"""Vault's transit engine in memory, behind ``core.identity.Fetch``: encrypt, decrypt, keys, rotate, config.

It answers as HashiCorp's API documentation of the transit engine says (``vault:vN:base64(nonce || ciphertext || tag)``,
``associated_data`` for AEAD keys, ``min_decryption_version``, errors as ``{"errors": [...]}``), for one AES-256-GCM
key.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatward.core.errors import UpstreamError
from chatward.core.identity import Fetched

TOKEN = "hvs.simulated"


class Vault:
    """``sealed`` and ``down`` make it fail; ``asked`` keeps method, URL and body of every request."""

    def __init__(self, key: str = "chatward", mount: str = "transit", namespace: str = "") -> None:
        self.base = f"/v1/{mount}"
        self.name = key
        self.namespace = namespace
        self.versions = [os.urandom(32)]
        self.minimum = 1
        self.sealed = False
        self.down = False
        self.asked: list[tuple[str, str, bytes]] = []

    def rotate(self) -> None:
        self.versions.append(os.urandom(32))

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched:
        self.asked.append((method, url, body))
        if self.down:
            raise UpstreamError("The other server does not answer.")
        if self.sealed:
            return _answer(503, {"errors": ["Vault is sealed"]})
        sent = dict(headers)
        if sent.get("x-vault-token") != TOKEN or sent.get("x-vault-namespace", "") != self.namespace:
            return _answer(403, {"errors": ["permission denied"]})
        path = urlsplit(url).path
        if method == "GET" and path == f"{self.base}/keys/{self.name}":
            return _answer(200, {"data": self.description()})
        if method != "POST" or sent.get("content-type") != "application/json":
            return _answer(405, {"errors": ["unsupported operation"]})
        asked = json.loads(body)
        if path == f"{self.base}/encrypt/{self.name}":
            return self.encrypt(asked)
        if path == f"{self.base}/decrypt/{self.name}":
            return self.decrypt(asked)
        return _answer(404, {"errors": []})

    def description(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": "aes256-gcm96",
            "derived": False,
            "latest_version": len(self.versions),
            "min_decryption_version": self.minimum,
            "min_encryption_version": 0,
            "keys": {str(number): 1_767_225_600 for number in range(1, len(self.versions) + 1)},
        }

    def encrypt(self, asked: dict[str, str]) -> Fetched:
        version = len(self.versions)
        nonce = os.urandom(12)
        sealed = AESGCM(self.versions[-1]).encrypt(nonce, _bytes(asked["plaintext"]), _bytes(asked["associated_data"]))
        text = f"vault:v{version}:{base64.b64encode(nonce + sealed).decode()}"
        return _answer(200, {"request_id": "0", "data": {"ciphertext": text, "key_version": version}})

    def decrypt(self, asked: dict[str, str]) -> Fetched:
        _, version, encoded = asked["ciphertext"].split(":")
        number = int(version[1:])
        if number < self.minimum:
            return _answer(400, {"errors": ["ciphertext or signature version is disallowed by policy (too old)"]})
        if number > len(self.versions):
            return _answer(400, {"errors": ["invalid ciphertext: version is too new"]})
        data = _bytes(encoded)
        try:
            plain = AESGCM(self.versions[number - 1]).decrypt(data[:12], data[12:], _bytes(asked["associated_data"]))
        except (InvalidTag, ValueError):
            return _answer(400, {"errors": ["cipher: message authentication failed"]})
        return _answer(200, {"request_id": "0", "data": {"plaintext": base64.b64encode(plain).decode()}})


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _answer(status: int, document: dict[str, Any]) -> Fetched:
    return Fetched(status, [("content-type", "application/json")], json.dumps(document).encode())
