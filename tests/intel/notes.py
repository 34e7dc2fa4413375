"""Signed notes, made independently of what verifies them."""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def key(name: str, seed: bytes) -> tuple[Ed25519PrivateKey, str]:
    """A private key and its verification key in writing."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    data = b"\x01" + private.public_key().public_bytes_raw()
    number = sha256(name.encode() + b"\n" + data).digest()[:4]
    return private, f"{name}+{number.hex()}+{base64.b64encode(data).decode()}"


def signed(text: str, name: str, seed: bytes) -> str:
    """The text as a signed note."""
    private, vkey = key(name, seed)
    value = bytes.fromhex(vkey.split("+")[1]) + private.sign(text.encode())
    return f"{text}\n\N{EM DASH} {name} {base64.b64encode(value).decode()}\n"
