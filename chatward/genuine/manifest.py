"""The manifest: who answers here, on which channels and domains, and the keys that sign. ``/.well-known/chatward.json``

The rules:

1. It is signed by every key that is not revoked, the newest first: detached JWSs over all of it but the signatures, as
   canonical JSON (RFC 8785). Trust in the first one comes from where it was read: the origin's own TLS certificate, or
   a person.
2. Whoever kept one knows the next: a key that the kept one names, and neither revokes, signed it (``verify``,
   ``kept``). A copy of the site cannot do that, and nor can somebody whose only known key was revoked: then a person
   has to look.
3. A key is good for proofs of its own time: not before it was made, not after it was retired, never once revoked.
4. It ends (``expires``), so that an old copy does not hide a revocation for long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chatward.core import base64url
from chatward.genuine.keyring import Key, thumbprint
from chatward.genuine.proof import MAX_AHEAD, ProofError

TYPE: Final = "chatward-manifest"
PATH: Final = "/.well-known/chatward.json"
LIFE: Final = 7 * 86_400
MAX_SIGNATURES: Final = 8
MAX_MANIFEST: Final = 262_144
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the manifest says of whoever answers. ``domains`` are theirs, lower case, without scheme."""

    origin: str
    name: str = ""
    owner: str = ""
    contact: str = ""
    channels: Sequence[str] = ()
    domains: Sequence[str] = ()


def manifest(facts: Facts, keys: Sequence[Key], now: float) -> dict[str, Any]:
    """The document, signed."""
    document: dict[str, Any] = {
        "version": 1,
        "origin": facts.origin,
        "name": facts.name,
        "owner": facts.owner,
        "contact": facts.contact,
        "channels": list(facts.channels),
        "domains": list(facts.domains),
        "keys": [_jwk(key) for key in keys],
        "issued": int(now),
        "expires": int(now) + LIFE,
    }
    payload = base64url.encode(canonical(document))
    good = sorted((key for key in keys if key.revoked is None), key=lambda key: (key.retired is None, key.made))
    return {**document, "signatures": [_signed(key, payload) for key in good[: -MAX_SIGNATURES - 1 : -1]]}


def _signed(key: Key, payload: str) -> str:
    header = base64url.encode(canonical({"alg": "EdDSA", "kid": key.kid, "typ": TYPE}))
    return f"{header}..{base64url.encode(key.private.sign(f'{header}.{payload}'.encode()))}"


def read(data: bytes) -> dict[str, Any]:
    """A manifest as it was fetched; nothing of it is verified. Raises ``ProofError`` (``manifest-malformed``)."""
    if len(data) > MAX_MANIFEST:
        raise _malformed()
    try:
        document = json.loads(data, object_pairs_hook=_unique)
        if not isinstance(document, dict) or document["version"] != 1 or not isinstance(document["origin"], str):
            raise _malformed()
        if any(type(document[name]) is not int for name in ("issued", "expires")):
            raise _malformed()
        _keys(document)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _malformed() from None
    return document


def verify(
    document: Mapping[str, Any], *, origin: str, now: float, kept: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """A manifest of ``origin`` that may be used now. ``kept`` is one that was verified before.

    Raises ``ProofError``: ``manifest-malformed``, ``manifest-origin``, ``manifest-signature``, ``manifest-expired``,
    ``manifest-break`` (signed by nobody that ``kept`` knows: another hand), ``manifest-older``.
    """
    if document.get("origin") != origin:
        raise ProofError("manifest-origin", "it is of another site")
    try:
        signers = _signers(document)
    except ProofError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _malformed() from None
    if not document["issued"] - MAX_AHEAD <= now < document["expires"]:
        raise ProofError("manifest-expired", "its time has not come, or is over")
    if kept is not None:
        if not any(kid in signers and "revoked" not in jwk for kid, jwk in _keys(kept).items()):
            raise ProofError("manifest-break", "no key of the one that was kept signed it")
        if document["issued"] < kept["issued"]:
            raise ProofError("manifest-older", "a newer one was seen")
    return document


def keys_at(document: Mapping[str, Any], time: float) -> dict[str, Ed25519PublicKey]:
    """The keys that were good for proofs of that time, by ``kid``."""
    return {
        kid: public(jwk)
        for kid, jwk in _keys(document).items()
        if "revoked" not in jwk and jwk["not_before"] <= time <= jwk.get("not_after", time)
    }


def public(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    """Raises ``ValueError``."""
    return Ed25519PublicKey.from_public_bytes(base64url.decode(jwk["x"]))


def canonical(value: Mapping[str, Any]) -> bytes:
    """RFC 8785 for strings, whole numbers and lists of those; names are ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _signers(document: Mapping[str, Any]) -> set[str]:
    """The keys that signed it: all that it says, at least one. Raises ``ProofError`` and what reading raises."""
    keys = _keys(document)
    payload = base64url.encode(canonical({name: value for name, value in document.items() if name != "signatures"}))
    found: set[str] = set()
    signatures = document["signatures"]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise _malformed()
    for one in signatures:
        header, between, signature = str(one).partition("..")
        raw = base64url.decode(header)
        named = json.loads(raw, object_pairs_hook=_unique)
        if not between or raw != canonical(named) or {**named, "kid": ""} != {"alg": "EdDSA", "kid": "", "typ": TYPE}:
            raise _malformed()
        jwk = keys.get(named["kid"])
        if jwk is None or "revoked" in jwk:
            raise ProofError("manifest-signature", "it is signed by a key that it does not name, or revokes")
        try:
            public(jwk).verify(base64url.decode(signature), f"{header}.{payload}".encode())
        except InvalidSignature:
            raise ProofError("manifest-signature", "a signature is not of this manifest") from None
        found.add(named["kid"])
    return found


def _jwk(key: Key) -> dict[str, Any]:
    jwk: dict[str, Any] = {
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
        "kid": key.kid, "x": key.x, "not_before": key.made,
    }  # fmt: skip
    if key.retired is not None:
        jwk["not_after"] = key.retired
    if key.revoked is not None:
        jwk["revoked"] = key.revoked
    return jwk


def _keys(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Raises ``ValueError``, ``TypeError`` and ``LookupError``."""
    found: dict[str, dict[str, Any]] = {}
    for jwk in document["keys"]:
        times = (jwk["not_before"], jwk.get("not_after", 0), jwk.get("revoked", 0))
        fits = (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519") and "d" not in jwk and jwk["kid"] not in found
        if not fits or thumbprint(jwk["x"]) != jwk["kid"] or any(type(one) is not int for one in times):
            raise ValueError("not a key of a manifest")
        found[jwk["kid"]] = jwk
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _malformed()
    return found


def _malformed() -> ProofError:
    return ProofError("manifest-malformed", "this is no manifest")
