"""Logs of certificate transparency, read: RFC 6962 section 4 (JSON), and static-ct-api (C2SP: checkpoint and tiles).

The rules:

1. A tree head counts only with the log's signature over it (RFC 6962 section 3.5; in a checkpoint a note signature of
   type 0x05), by the key that the operator gave.
2. A log that shows two roots for one size is wrong (``watch-log-forked``) and read no further. A head that is smaller
   than one before it is an older one (logs have several servers): nothing is read by it.
3. Entries come in order from where they were asked for; a log may give fewer than asked for, never none.

Not checked: that an entry is in the tree of the signed head, and that one head continues another. A log that lied about
its entries could hide a certificate from us; what it cannot do is make one up, as each is signed by its authority and
shown as it is in a case's evidence.

Everything that goes wrong is an ``UpstreamError``: those of ``fetching``, ``watch-log-malformed``,
``watch-log-signature``, ``watch-log-forked``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chatward.core.errors import UpstreamError
from chatward.ledger.note import NoteError, parse
from chatward.watch.fetching import Answer

T = TypeVar("T")
TILE: Final = 256
"""Entries of a full data tile."""
ASKED: Final = 256
"""Entries that a log of RFC 6962 is asked for at a time."""
_NOTE: Final = 5
_X509, _PRECERT = 0, 1
_MOST_TILE: Final = 16 * 1024 * 1024
_MAX_SIZE: Final = 1 << 48


class Fetch(Protocol):
    def __call__(
        self, url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None
    ) -> Awaitable[Answer]: ...


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head: how many entries, the root over them, and when (seconds since 1970)."""

    size: int
    root: bytes
    time: float


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry: a certificate or the precertificate that was shown to the log (DER). ``time``: seconds since 1970."""

    index: int
    time: float
    der: bytes
    precertificate: bool


class Log(Protocol):
    """A log. ``name`` is what it is called in evidence."""

    @property
    def name(self) -> str: ...

    async def head(self) -> Head: ...

    async def entries(self, start: int, size: int) -> Sequence[Logged]:
        """Entries from ``start`` on, one at least, in a tree of ``size``."""
        ...


class LogKey:
    """A log's public key (SubjectPublicKeyInfo, DER): ECDSA on P-256, or RSA (RFC 6962 section 2.1.4)."""

    def __init__(self, der: bytes) -> None:
        """Raises ``ValueError``."""
        try:
            key = load_der_public_key(der)
        except UnsupportedAlgorithm as error:
            raise ValueError("not a key") from error
        if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
            raise ValueError("not a log's key")
        self._key = key
        self.id = sha256(der).digest()

    def head(self, size: int, milliseconds: int, root: bytes, signature: bytes) -> Head:
        """A tree head, if ``signature`` (``digitally-signed``, RFC 5246 section 4.7) is good."""
        if len(root) != 32 or not 0 <= size < _MAX_SIZE or not 0 <= milliseconds < 1 << 63:
            raise _malformed()
        # TreeHeadSignature: version v1, signature_type tree_hash, timestamp, tree_size, sha256_root_hash
        said = b"\x00\x01" + milliseconds.to_bytes(8, "big") + size.to_bytes(8, "big") + root
        hash_, kind, length = signature[:1], signature[1:2], int.from_bytes(signature[2:4], "big")
        if hash_ != b"\x04" or len(signature) != 4 + length:
            raise _unsigned()
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                if kind != b"\x01":
                    raise _unsigned()
                self._key.verify(signature[4:], said, padding.PKCS1v15(), hashes.SHA256())
            else:
                if kind != b"\x03":
                    raise _unsigned()
                self._key.verify(signature[4:], said, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise _unsigned() from error
        return Head(size, root, milliseconds / 1000)


class _Sth(msgspec.Struct, frozen=True):
    tree_size: int
    timestamp: int
    sha256_root_hash: str
    tree_head_signature: str


class _Entry(msgspec.Struct, frozen=True):
    leaf_input: str
    extra_data: str


class _Entries(msgspec.Struct, frozen=True):
    entries: list[_Entry]


class Rfc6962:
    """Implements ``Log`` over ``get-sth`` and ``get-entries``."""

    def __init__(self, url: str, key: LogKey, fetch: Fetch) -> None:
        self.name = url.rstrip("/")
        self._key = key
        self._fetch = fetch

    async def head(self) -> Head:
        said = _read(await _good(self._fetch, f"{self.name}/ct/v1/get-sth"), _Sth)
        return self._key.head(
            said.tree_size, said.timestamp, _decoded(said.sha256_root_hash), _decoded(said.tree_head_signature)
        )

    async def entries(self, start: int, size: int) -> Sequence[Logged]:
        last = min(start + ASKED, size) - 1
        url = f"{self.name}/ct/v1/get-entries?start={start}&end={last}"
        found = _read(await _good(self._fetch, url, _MOST_TILE), _Entries).entries
        if not 0 < len(found) <= last - start + 1:
            raise _malformed()
        return [_entry(start + at, _decoded(one.leaf_input), _decoded(one.extra_data)) for at, one in enumerate(found)]


class Tiled:
    """Implements ``Log`` over a monitoring prefix of static-ct-api. ``origin``: the log's name in its checkpoints,
    where it is to be checked."""

    def __init__(self, url: str, key: LogKey, fetch: Fetch, origin: str = "") -> None:
        self.name = url.rstrip("/")
        self._key = key
        self._fetch = fetch
        self._origin = origin

    async def head(self) -> Head:
        body = await _good(self._fetch, f"{self.name}/checkpoint")
        try:
            note = parse(body)
        except NoteError as error:
            raise _malformed() from error
        lines = note.text.split("\n")
        if len(lines) < 4 or not lines[1].isascii() or not lines[1].isdigit() or len(lines[1]) > 15:
            raise _malformed()
        origin, size, root = lines[0], int(lines[1]), _decoded(lines[2])
        if self._origin and origin != self._origin:
            raise _unsigned()
        number = sha256(origin.encode() + b"\n" + bytes((_NOTE,)) + self._key.id).digest()[:4]
        for signature in note.signatures:
            if signature.name == origin and signature.id == number:
                milliseconds = int.from_bytes(signature.value[:8], "big")
                return self._key.head(size, milliseconds, root, signature.value[8:])
        raise _unsigned()

    async def entries(self, start: int, size: int) -> Sequence[Logged]:
        tile, skip = divmod(start, TILE)
        width = min(TILE, size - tile * TILE)
        url = f"{self.name}/tile/data/{tile_path(tile)}"
        answer = await self._fetch(url if width == TILE else f"{url}.p/{width}", most=_MOST_TILE)
        if answer.status in {404, 410} and width < TILE:  # a partial tile may go once the full one is there
            answer = await self._fetch(url, most=_MOST_TILE)
        _accepted(answer)
        found = _tile(answer.body, tile * TILE)[:width]
        if len(found) != width:
            raise _malformed()
        return found[skip:]


def tile_path(number: int) -> str:
    """``1234067`` as ``x001/x234/067``."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)


class _Bytes:
    """A TLS structure (RFC 8446 section 3), read from the front. Raises ``watch-log-malformed`` at its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def rest(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise _malformed()
        self._at += count
        return found

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def opaque(self, count: int) -> bytes:
        """A value whose length stands before it in ``count`` bytes."""
        return self.take(self.number(count))


def _timed(data: _Bytes) -> tuple[float, int, bytes]:
    """``TimestampedEntry`` (RFC 6962 section 3.4): seconds, type, and the certificate of an ``x509_entry``."""
    milliseconds, kind = data.number(8), data.number(2)
    if kind == _X509:
        der = data.opaque(3)
    elif kind == _PRECERT:
        data.take(32)  # issuer_key_hash
        data.opaque(3)  # TBSCertificate without the poison: the precertificate itself says as much, and is signed
        der = b""
    else:
        raise _malformed()
    data.opaque(2)  # extensions
    return milliseconds / 1000, kind, der


def _entry(index: int, leaf: bytes, extra: bytes) -> Logged:
    """An entry of ``get-entries``: a ``MerkleTreeLeaf``, and what belongs to it (section 4.6)."""
    data = _Bytes(leaf)
    if data.take(2) != b"\x00\x00":  # version v1, leaf_type timestamped_entry
        raise _malformed()
    time, kind, der = _timed(data)
    if kind == _PRECERT:
        der = _Bytes(extra).opaque(3)  # PrecertChainEntry.pre_certificate
    return Logged(index, time, der, kind == _PRECERT)


def _tile(body: bytes, first: int) -> list[Logged]:
    """Entries of a data tile: ``TileLeaf``s, one after another."""
    data = _Bytes(body)
    found: list[Logged] = []
    while data.rest and len(found) < TILE:
        time, kind, der = _timed(data)
        if kind == _PRECERT:
            der = data.opaque(3)
        data.opaque(2)  # fingerprints of the chain
        found.append(Logged(first + len(found), time, der, kind == _PRECERT))
    if data.rest:
        raise _malformed()
    return found


async def _good(fetch: Fetch, url: str, most: int | None = None) -> bytes:
    answer = await fetch(url, most=most)
    _accepted(answer)
    return answer.body


def _accepted(answer: Answer) -> None:
    if answer.status != 200:
        raise UpstreamError(f"The log answers with status {answer.status}.", reason="watch-unreachable")


def _read(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.MsgspecError as error:
        raise _malformed() from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise _malformed() from error


def _malformed() -> UpstreamError:
    return UpstreamError("The log's answer is not of the form.", reason="watch-log-malformed")


def _unsigned() -> UpstreamError:
    return UpstreamError("The log's tree head is not signed with its key.", reason="watch-log-signature")
