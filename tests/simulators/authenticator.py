"""A passkey authenticator and its browser, in software: as W3C WebAuthn level 3 says, or told to misbehave.

The rule: it makes what a browser would send (``RegistrationResponseJSON``, ``AuthenticationResponseJSON``) byte by byte
with its own CBOR, and shares no code with what verifies it. Every field may be replaced, so that each check of a
relying party can be shown to check.

``Authenticator(alg=ES256)`` holds credentials; ``create(options, origin=...)`` and ``get(options, origin=...)`` answer
the options of a relying party as JSON. ``Lies`` says what is to be wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

ES256 = -7
EDDSA = -8

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    """RFC 8949, the few kinds that WebAuthn needs; maps keep their order."""
    match value:
        case int():
            return _head(0, value) if value >= 0 else _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case list():
            return _head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return _head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())
    raise TypeError(type(value))


def _head(major: int, size: int) -> bytes:
    for more, width in ((24, 1), (25, 2), (26, 4)):
        if size < 24:
            return bytes([major << 5 | size])
        if size < 1 << 8 * width:
            return bytes([major << 5 | more]) + size.to_bytes(width, "big")
    raise ValueError(size)


@dataclass
class Lies:
    """What is to be wrong. ``flags_off``/``flags_on`` change the flags before signing; ``client`` replaces members of
    the client data; ``rp_id`` is hashed in place of the true one; ``counter`` is told in place of the true one;
    ``after`` changes the authenticator data after it was signed."""

    flags_off: int = 0
    flags_on: int = 0
    client: Mapping[str, Any] = field(default_factory=dict)
    rp_id: str | None = None
    counter: int | None = None
    after: Callable[[bytes], bytes] | None = None
    attestation: str | None = None
    credential_id: bytes | None = None
    user_handle: bytes | None = None
    signer: ec.EllipticCurvePrivateKey | None = None


@dataclass
class Credential:
    """A key pair, and what it was made for."""

    id: bytes
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    rp_id: str
    handle: bytes
    counter: int = 0

    def cose(self) -> bytes:
        """The public key (RFC 9053)."""
        public = self.private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            return cbor({1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()})
        numbers = public.public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return cbor({1: 2, 3: ES256, -1: 1, **point})

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        return self.private.sign(data, ec.ECDSA(hashes.SHA256()))


class Authenticator:
    """``counts``: whether it has a signature counter; ``synced``: whether its keys are backed up (BE and BS)."""

    def __init__(
        self, alg: int = ES256, *, attestation: str = "none", counts: bool = True, synced: bool = False
    ) -> None:
        self.alg = alg
        self.attestation = attestation
        self.counts = counts
        self.synced = synced
        self.credentials: list[Credential] = []

    def create(self, options: Mapping[str, Any], *, origin: str, lies: Lies | None = None) -> dict[str, Any]:
        """``navigator.credentials.create``."""
        lies = lies or Lies()
        rp_id = options["rp"]["id"]
        assert {"type": "public-key", "alg": self.alg} in options["pubKeyCredParams"]
        assert options["authenticatorSelection"]["userVerification"] == "required"
        excluded = {unb64(one["id"]) for one in options.get("excludeCredentials", ())}
        if any(one.id in excluded for one in self.credentials) and lies.credential_id is None:
            raise RuntimeError("InvalidStateError: this authenticator holds one already")
        private = ed25519.Ed25519PrivateKey.generate() if self.alg == EDDSA else ec.generate_private_key(ec.SECP256R1())
        id = lies.credential_id or os.urandom(32)
        made = Credential(id, private, rp_id, unb64(options["user"]["id"]), 1 if self.counts else 0)
        self.credentials.append(made)
        client = self._client("webauthn.create", options["challenge"], origin, lies)
        attested = bytes(16) + len(id).to_bytes(2, "big") + id + made.cose()
        data = self._data(made, lies, AT) + attested
        fmt = lies.attestation or self.attestation
        statement: dict[str, Any] = {}
        if fmt == "packed":
            statement = {"alg": self.alg, "sig": made.sign(data + hashlib.sha256(client).digest())}
        if lies.after is not None:
            data = lies.after(data)
        return {
            "id": b64(id),
            "rawId": b64(id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": b64(client),
                "attestationObject": b64(cbor({"fmt": fmt, "attStmt": statement, "authData": data})),
                "transports": ["internal"],
            },
        }

    def get(self, options: Mapping[str, Any], *, origin: str, lies: Lies | None = None) -> dict[str, Any]:
        """``navigator.credentials.get``."""
        lies = lies or Lies()
        allowed = {unb64(one["id"]) for one in options.get("allowCredentials", ())}
        usable = [
            one for one in self.credentials if one.rp_id == options["rpId"] and (not allowed or one.id in allowed)
        ]
        if not usable:
            raise RuntimeError("NotAllowedError: no credential here")
        return self.assert_with(usable[-1], options["challenge"], origin=origin, lies=lies)

    def assert_with(self, held: Credential, challenge: str, *, origin: str, lies: Lies | None = None) -> dict[str, Any]:
        """An assertion of one credential, whatever was allowed."""
        lies = lies or Lies()
        if self.counts:
            held.counter += 1
        client = self._client("webauthn.get", challenge, origin, lies)
        data = self._data(held, lies, 0)
        signed = data + hashlib.sha256(client).digest()
        signature = lies.signer.sign(signed, ec.ECDSA(hashes.SHA256())) if lies.signer else held.sign(signed)
        if lies.after is not None:
            data = lies.after(data)
        return {
            "id": b64(lies.credential_id or held.id),
            "rawId": b64(lies.credential_id or held.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": b64(client),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(lies.user_handle or held.handle),
            },
        }

    def _client(self, type_: str, challenge: str, origin: str, lies: Lies) -> bytes:
        return json.dumps(
            {"type": type_, "challenge": challenge, "origin": origin, "crossOrigin": False, **lies.client}
        ).encode()

    def _data(self, held: Credential, lies: Lies, more: int) -> bytes:
        flags = (UP | UV | more | (BE | BS if self.synced else 0)) & ~lies.flags_off | lies.flags_on
        counter = held.counter if lies.counter is None else lies.counter
        rp_id = lies.rp_id or held.rp_id
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big")
