"""A proof that a reply came from this gateway: what it covers, how it is signed, how it is verified.

The rules:

1. A proof is a detached JWS (RFC 7515, appendix F; EdDSA of RFC 8037, Ed25519) over its **claims** as canonical JSON
   (RFC 8785): ``origin`` (the site that answers), ``conversation`` and ``sequence`` (1, 2, 3 ... within it), ``time``
   (whole seconds since 1970 UTC), ``digests`` (of the reply's parts, in order) and ``previous`` (the digest of the
   proof before it in the conversation, empty for the first). The claims travel beside the signature, as one JSON
   object.
2. A part's digest is SHA-256, base64url: of a text, of its UTF-8; of a tool call, of the digests of its name and of its
   arguments (64 bytes). A text that people copied can so be checked alone. A proof does not hold what was said; who can
   guess a short text can tell that it was that.
3. **One spelling.** Claims of other names or types, another order, other white space, other base64url spellings are
   refused before anything is verified.
4. The header is fixed: ``alg``, ``kid``, ``typ``. A key that comes along is no key, ``kid`` only looks one up.
5. Somebody who keeps a ``Chain`` per conversation finds what was replayed, left out, or put in another order or
   conversation. A proof says who said it and where, not that it is true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chatward.core import base64url
from chatward.core.values import Part, PartKind

TYPE: Final = "chatward-proof"
MAX_PROOF: Final = 16_384
"""Characters."""
MAX_PARTS: Final = 128
MAX_AHEAD: Final = 120
"""Seconds that a proof's time may lie ahead of the verifier's clock."""
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}", re.ASCII)
_CONVERSATION: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NAMES: Final = ("conversation", "digests", "origin", "previous", "sequence", "time")
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LATEST: Final = 1 << 53


class ProofError(ValueError):
    """A proof that is none. ``reason`` is stable; the text says what, and quotes nothing."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What is signed. See rule 1."""

    origin: str
    conversation: str
    sequence: int
    time: int
    digests: tuple[str, ...]
    previous: str = ""

    def canonical(self) -> bytes:
        """As RFC 8785 writes it."""
        return _canonical(
            {
                "conversation": self.conversation,
                "digests": list(self.digests),
                "origin": self.origin,
                "previous": self.previous,
                "sequence": self.sequence,
                "time": self.time,
            }
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """Claims with a signature: ``header..signature``."""

    claims: Claims
    signature: str

    def text(self) -> str:
        """As it travels: one line of ASCII."""
        return self.claims.canonical()[:-1].decode() + f',"signature":"{self.signature}"}}'

    def digest(self) -> str:
        """What the next proof of the conversation names as ``previous``."""
        return base64url.encode(sha256(self.signature.encode()).digest())

    @property
    def kid(self) -> str:
        """The key that it says it is signed by."""
        return _header(self.signature.partition(".")[0])


def digest(part: Part) -> str:
    """The digest of one part of a reply."""
    said = part.text.encode("utf-8", "surrogatepass")
    if part.kind is PartKind.JSON:
        said = sha256(part.name.encode("utf-8", "surrogatepass")).digest() + sha256(said).digest()
    return base64url.encode(sha256(said).digest())


def digests(parts: Iterable[Part]) -> tuple[str, ...]:
    """Of all that is said; what holds no text is left out."""
    return tuple(digest(part) for part in parts if part.text and part.kind is not PartKind.OPAQUE)


class Signer:
    """Signs with one key."""

    def __init__(self, key: Ed25519PrivateKey, kid: str) -> None:
        self.key = key
        self.kid = kid
        self._header = base64url.encode(_canonical({"alg": "EdDSA", "kid": kid, "typ": TYPE})).encode()

    def sign(self, claims: Claims) -> Proof:
        signed = self._header + b"." + base64url.encode(claims.canonical()).encode()
        return Proof(claims, f"{self._header.decode()}..{base64url.encode(self.key.sign(signed))}")


def parse(text: str) -> Proof:
    """A proof as it travels; nothing of it is verified. Raises ``ProofError`` (``proof-malformed``)."""
    if len(text) > MAX_PROOF or not text.isascii():
        raise _malformed()
    try:
        given = json.loads(text, object_pairs_hook=_unique)
        signature = given.pop("signature")
        if tuple(given) != _NAMES:
            raise _malformed()
        proof = Proof(Claims(**{**given, "digests": tuple(given["digests"])}), signature)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        raise _malformed() from None
    if not _well_formed(proof.claims) or not isinstance(signature, str) or proof.text() != text:
        raise _malformed()
    return proof


def verify(
    proof: Proof,
    keys: Mapping[str, Ed25519PublicKey],
    *,
    origin: str,
    parts: Iterable[Part] | None = None,
    now: float | None = None,
) -> Claims:
    """The claims of a proof, if it holds. ``keys`` by ``kid`` are those of ``origin``'s manifest that were good at the
    proof's time (``manifest.keys_at``). ``parts``: the whole reply; left out, only who said it is verified.

    Raises ``ProofError``: ``proof-malformed``, ``proof-key-unknown``, ``proof-signature``, ``proof-origin``,
    ``proof-content``, ``proof-time``.
    """
    claims = proof.claims
    header, between, signature = proof.signature.partition("..")
    if not between:
        raise _malformed()
    kid = _header(header)
    try:
        value = base64url.decode(signature)
    except ValueError:
        raise _malformed() from None
    key = keys.get(kid)
    if key is None:
        raise ProofError("proof-key-unknown", "it is signed by a key that the manifest does not name, or no longer")
    try:
        key.verify(value, header.encode() + b"." + base64url.encode(claims.canonical()).encode())
    except InvalidSignature:
        raise ProofError("proof-signature", "the signature is not of these claims") from None
    if claims.origin != origin:
        raise ProofError("proof-origin", "it is of another site")
    if parts is not None and digests(parts) != claims.digests:
        raise ProofError("proof-content", "it is of another text")
    if now is not None and claims.time > now + MAX_AHEAD:
        raise ProofError("proof-time", "its time has not come")
    return claims


@dataclass(slots=True)
class Chain:
    """The proofs of one conversation, as somebody sees them who reads it. Give every verified proof to ``follow``."""

    conversation: str = ""
    sequence: int = 0
    last: str = ""
    time: int = 0
    _seen: set[str] = field(default_factory=set, repr=False)

    def follow(self, proof: Proof) -> None:
        """Raises ``ProofError``: ``proof-replayed``, ``proof-conversation``, ``proof-order``."""
        claims, own = proof.claims, proof.digest()
        if own in self._seen:
            raise ProofError("proof-replayed", "this proof was seen before")
        if self.conversation and claims.conversation != self.conversation:
            raise ProofError("proof-conversation", "it is of another conversation")
        good = claims.sequence == self.sequence + 1 and claims.previous == self.last and claims.time >= self.time
        if not good:
            raise ProofError("proof-order", "it does not follow the one before it")
        self.conversation, self.sequence, self.last, self.time = claims.conversation, claims.sequence, own, claims.time
        self._seen.add(own)


def _canonical(value: Mapping[str, Any]) -> bytes:
    """RFC 8785, for the strings and whole numbers that are used here."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _malformed()
    return found


def _header(encoded: str) -> str:
    """The ``kid`` of a header. Raises ``ProofError``."""
    try:
        raw = base64url.decode(encoded)
        header = json.loads(raw, object_pairs_hook=_unique)
        if raw != _canonical(header) or {**header, "kid": ""} != {"alg": "EdDSA", "kid": "", "typ": TYPE}:
            raise _malformed()
        kid = header["kid"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise _malformed() from None
    if not isinstance(kid, str):
        raise _malformed()
    return kid


def _well_formed(claims: Claims) -> bool:
    return (
        isinstance(claims.origin, str)
        and _ORIGIN.fullmatch(claims.origin) is not None
        and isinstance(claims.conversation, str)
        and _CONVERSATION.fullmatch(claims.conversation) is not None
        and type(claims.sequence) is int
        and 1 <= claims.sequence < _LATEST
        and type(claims.time) is int
        and 0 <= claims.time < _LATEST
        and len(claims.digests) <= MAX_PARTS
        and all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in claims.digests)
        and isinstance(claims.previous, str)
        and (claims.previous == "" or _DIGEST.fullmatch(claims.previous) is not None)
        and (claims.previous == "") == (claims.sequence == 1)
    )


def _malformed() -> ProofError:
    return ProofError("proof-malformed", "this is no proof")
