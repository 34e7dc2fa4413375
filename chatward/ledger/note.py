"""Signed notes (C2SP signed-note): a text that several keys may sign, line by line.

The form::

    text, ends in a line feed
    (an empty line)
    — <key name> <base64(key id, 4 bytes || signature)>          one line a signature

Keys are Ed25519 (RFC 8032), of two types: 0x01 signs the text itself; 0x04 is a witness's *cosignature* (C2SP
tlog-cosignature), which covers the time of signing as well. A key's id is the beginning of SHA-256(name || LF ||
type || public key). Signatures of unknown keys are ignored; a wrong one of a known key makes the whole note wrong.

Written forms of keys are those of Go's ``golang.org/x/mod/sumdb/note``: ``name+id+base64(type || key)`` in public
(*vkey*), with ``PRIVATE+KEY+`` before it in private. Not built: ECDSA, ML-DSA, RFC 6962 tree heads.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = 1
COSIGNATURE: Final = 4
_TYPES: Final = (ED25519, COSIGNATURE)
_DASH: Final = "\N{EM DASH} "
_PRIVATE: Final = "PRIVATE+KEY+"
MAX_SIGNATURES: Final = 64
MAX_NOTE: Final = 1_000_000
"""Bytes; longer notes are refused unread."""


class NoteError(ValueError):
    """A note, a key or a signature that is not good. The text says what, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of signature. ``value`` is what follows the key's id."""

    name: str
    id: bytes
    value: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, none of them verified yet."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def encode(self) -> str:
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}"


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that is good: whose, and when it was made (seconds since 1970; cosignatures only)."""

    key: Verifier
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key. ``kind``: ``ED25519`` or ``COSIGNATURE``; ``public``: 32 bytes."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(map(str.isspace, self.name)) or not self.name.isprintable():
            raise NoteError("a key's name is empty or holds a space or a plus")
        if self.kind not in _TYPES:
            raise NoteError("a key is of an unknown type")
        if len(self.public) != 32:
            raise NoteError("an Ed25519 key has 32 bytes")

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:4]

    def verify(self, text: str, signature: Signature) -> Verified:
        """Raises ``NoteError`` when ``signature`` is not this key's over ``text``."""
        value, message, at = signature.value, text.encode(), None
        if self.kind == COSIGNATURE:
            at = int.from_bytes(value[:8], "big")
            value, message = value[8:], _timed(at, message)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(value, message)
        except (InvalidSignature, ValueError) as error:
            raise NoteError("a signature is not the key's") from error
        return Verified(self, at)

    def encode(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes((self.kind,)) + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        name, number, kind, public = _key(vkey.strip())
        key = cls(name, public, kind)
        if key.id.hex() != number:
            raise NoteError("a key's id does not belong to it")
        return key


class Signer:
    """A private key of type 0x01, which signs texts."""

    kind = ED25519

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != 32:
            raise NoteError("an Ed25519 key has 32 bytes")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw(), self.kind)
        self._id = self.verifier.id

    @property
    def name(self) -> str:
        return self.verifier.name

    def sign(self, text: str) -> Signature:
        return Signature(self.name, self._id, self._key.sign(text.encode()))

    def encode(self) -> str:
        """The private key in writing. Keep it where only its owner can read it."""
        secret = bytes((self.kind,)) + self._key.private_bytes_raw()
        return f"{_PRIVATE}{self.name}+{self._id.hex()}+{base64.b64encode(secret).decode()}"

    @classmethod
    def parse(cls, skey: str) -> Signer:
        if not skey.startswith(_PRIVATE):
            raise NoteError("this is not a private key")
        name, number, kind, seed = _key(skey.strip().removeprefix(_PRIVATE))
        if kind != cls.kind:
            raise NoteError("a key is of another type")
        signer = cls(name, seed)
        if signer._id.hex() != number:
            raise NoteError("a key's id does not belong to it")
        return signer


class Cosigner(Signer):
    """A private key of type 0x04, which signs a text together with the time (seconds since 1970)."""

    kind = COSIGNATURE

    def __init__(self, name: str, seed: bytes, clock: Callable[[], float] = time.time) -> None:
        super().__init__(name, seed)
        self._clock = clock

    def sign(self, text: str) -> Signature:
        at = int(self._clock())
        return Signature(self.name, self._id, at.to_bytes(8, "big") + self._key.sign(_timed(at, text.encode())))


def parse(data: str | bytes) -> Note:
    """A note from its written form. ``NoteError`` where that is not of the form; nothing is verified."""
    if len(data) > MAX_NOTE:
        raise NoteError("a note is too long")
    try:
        written = data.decode() if isinstance(data, bytes) else data
        written.encode()
    except UnicodeError as error:
        raise NoteError("a note is not UTF-8") from error
    if any(character < " " and character != "\n" for character in written):
        raise NoteError("a note holds control characters")
    text, empty, lines = written.rpartition("\n\n")
    if not empty or not lines.endswith("\n"):
        raise NoteError("a note has no signatures")
    return Note(text + "\n", signatures(lines))


def signatures(lines: str) -> tuple[Signature, ...]:
    """Lines of signatures. ``NoteError`` where one is not of the form, or where there are none or too many."""
    found = lines.splitlines()
    if not 0 < len(found) <= MAX_SIGNATURES:
        raise NoteError("a note has no signatures, or too many")
    return tuple(map(_signature, found))


def _signature(line: str) -> Signature:
    dash, name, value = line[:2], *line[2:].partition(" ")[::2]
    raw = _decoded(value)
    if dash != _DASH or not name or "+" in name or any(map(str.isspace, name)) or len(raw) < 5:
        raise NoteError("a line of signature is not of the form")
    return Signature(name, raw[:4], raw[4:])


def verified(note: Note, keys: Iterable[Verifier]) -> list[Verified]:
    """The good signatures of known ``keys``, each key once. ``NoteError``: none is, or one of a known key is wrong."""
    known = {(key.name, key.id): key for key in keys}
    good: dict[tuple[str, bytes], Verified] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.id))
        if key is not None and (signature.name, signature.id) not in good:
            good[signature.name, signature.id] = key.verify(note.text, signature)
    if not good:
        raise NoteError("no known key signed the note")
    return list(good.values())


def signed(text: str, signers: Sequence[Signer]) -> Note:
    """A new note. ``NoteError`` where ``text`` cannot be one."""
    note = Note(text, tuple(signer.sign(text) for signer in signers))
    if parse(note.encode()) != note:
        raise NoteError("a note's text must end in a line feed")
    return note


def _timed(at: int, text: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n%s" % (at, text)


def _key(written: str) -> tuple[str, str, int, bytes]:
    name, _, rest = written.partition("+")
    number, _, encoded = rest.partition("+")
    raw = _decoded(encoded)
    if len(raw) != 33:
        raise NoteError("a key is not of the form name+id+base64")
    return name, number, raw[0], raw[1:]


def _decoded(text: str) -> bytes:
    """Standard base64 (RFC 4648 section 4), in its one canonical form."""
    try:
        raw = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise NoteError("this is not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteError("this is not base64 in its canonical form")
    return raw
