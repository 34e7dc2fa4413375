"""Logs of certificate transparency, read: RFC 6962 section 4 (JSON), and static-ct-api (C2SP: checkpoint and tiles).

The rules:

1. A tree head counts only with the log's signature over it (RFC 6962 section 3.5; in a checkpoint a note signature of
   type 0x05), by the key that the operator gave.
2. A log that shows two roots for one size is wrong (``watch-log-forked``) and read no further. A head that is smaller
   than one before it is an older one (logs have several servers): nothing is read by it.
3. Entries come in order from where they were asked for; a log may give fewer than asked for, never none.
4. ``proven``: an entry is in the tree of a signed head, by an audit path (``get-proof-by-hash``, or made of the tiles'
   hashes). Of a precertificate the leaf holds the ``TBSCertificate`` alone; what we read must say the same.
5. ``continues``: a head's tree begins with that of an earlier head (RFC 6962 section 2.1.2).

Not checked: entries that nobody asks to have proven. A log that lied about those could hide a certificate from us.

Everything that goes wrong is an ``UpstreamError``: those of ``fetching``, ``watch-log-malformed``,
``watch-log-signature``, ``watch-log-forked``, ``watch-log-proof``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol, TypeVar
from urllib.parse import quote

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chatward.core.errors import UpstreamError
from chatward.ledger.merkle import (
    Edge,
    Subtree,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from chatward.ledger.note import NoteError, parse
from chatward.watch.certificates import same
from chatward.watch.fetching import Answer
from chatward.watch.logged import TILE, Logged, entry_of, malformed, tile_of

T = TypeVar("T")
ASKED: Final = 256
"""Entries that a log of RFC 6962 is asked for at a time."""
_NOTE: Final = 5
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


class Log(Protocol):
    """A log. ``name`` is what it is called in evidence."""

    @property
    def name(self) -> str: ...

    async def head(self) -> Head: ...

    async def entries(self, start: int, size: int) -> Sequence[Logged]:
        """Entries from ``start`` on, one at least, in a tree of ``size``."""
        ...

    async def proven(self, entry: Logged, head: Head) -> None:
        """Raises ``UpstreamError`` where ``entry`` is not shown to be in the tree of ``head``."""
        ...

    async def continues(self, size: int, root: bytes, head: Head) -> None:
        """Raises ``UpstreamError`` where the tree of ``head`` is not shown to begin with the one of ``size``."""
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
            raise malformed()
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


class _Proof(msgspec.Struct, frozen=True):
    leaf_index: int
    audit_path: list[str]


class _Consistency(msgspec.Struct, frozen=True):
    consistency: list[str]


class Rfc6962:
    """Implements ``Log`` over ``get-sth``, ``get-entries``, ``get-proof-by-hash`` and ``get-sth-consistency``."""

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
            raise malformed()
        return [
            entry_of(start + at, _decoded(one.leaf_input), _decoded(one.extra_data)) for at, one in enumerate(found)
        ]

    async def proven(self, entry: Logged, head: Head) -> None:
        wanted = quote(base64.b64encode(entry.leaf).decode(), safe="")
        url = f"{self.name}/ct/v1/get-proof-by-hash?hash={wanted}&tree_size={head.size}"
        said = _read(await _good(self._fetch, url), _Proof)
        _check_entry(entry, said.leaf_index, head, [_decoded(one) for one in said.audit_path])

    async def continues(self, size: int, root: bytes, head: Head) -> None:
        url = f"{self.name}/ct/v1/get-sth-consistency?first={size}&second={head.size}"
        path = _read(await _good(self._fetch, url), _Consistency).consistency
        _check_heads(size, root, head, [_decoded(one) for one in path])


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
            raise malformed() from error
        lines = note.text.split("\n")
        if len(lines) < 4 or not lines[1].isascii() or not lines[1].isdigit() or len(lines[1]) > 15:
            raise malformed()
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
        found = tile_of(await self._tile("data", tile, width), tile * TILE)[:width]
        if len(found) != width:
            raise malformed()
        return found[skip:]

    async def proven(self, entry: Logged, head: Head) -> None:
        try:
            ranges = path_ranges(lambda subtree: inclusion_proof(entry.index, head.size, subtree))
        except ValueError as error:
            raise _unproven() from error
        _check_entry(entry, entry.index, head, await self._hashes(ranges, head.size))

    async def continues(self, size: int, root: bytes, head: Head) -> None:
        ranges = path_ranges(lambda subtree: consistency_proof(size, head.size, subtree))
        _check_heads(size, root, head, await self._hashes(ranges, head.size))

    async def _hashes(self, ranges: Sequence[tuple[int, int]], size: int) -> list[bytes]:
        """The roots of ranges of leaves, of the hashes that tiles hold (C2SP tlog-tiles: level L, 8 L high)."""
        tiles: dict[tuple[int, int], bytes] = {}
        found = []
        for start, end in ranges:
            edge = Edge()
            for height in range((end - start).bit_length() - 1, -1, -1):
                if not (end - start) >> height & 1:
                    continue
                level = height // 8
                first = (start + edge.size) >> (8 * level)
                tile, skip = divmod(first, TILE)
                if (level, tile) not in tiles:
                    width = min(TILE, (size >> (8 * level)) - tile * TILE)
                    body = await self._tile(str(level), tile, width)
                    if len(body) < width * 32:
                        raise malformed()
                    tiles[level, tile] = body
                row = tiles[level, tile][skip * 32 : (skip + (1 << height % 8)) * 32]
                edge.extend([row[at : at + 32] for at in range(0, len(row), 32)], 8 * level)
            found.append(edge.root())
        return found

    async def _tile(self, level: str, number: int, width: int) -> bytes:
        url = f"{self.name}/tile/{level}/{tile_path(number)}"
        answer = await self._fetch(url if width == TILE else f"{url}.p/{width}", most=_MOST_TILE)
        if answer.status in {404, 410} and width < TILE:  # a partial tile may go once the full one is there
            answer = await self._fetch(url, most=_MOST_TILE)
        _accepted(answer)
        return answer.body


def path_ranges(prove: Callable[[Subtree], object]) -> list[tuple[int, int]]:
    """The ranges of leaves whose roots make a proof, in its order."""
    asked: list[tuple[int, int]] = []

    def subtree(start: int, end: int) -> bytes:
        asked.append((start, end))
        return b""

    prove(subtree)
    return asked[::-1]


def _check_entry(entry: Logged, index: int, head: Head, path: Sequence[bytes]) -> None:
    there = index == entry.index and verify_inclusion(entry.leaf, index, head.size, path, head.root)
    if not there or (entry.precertificate and not same(entry.der, entry.tbs)):
        raise _unproven()


def _check_heads(size: int, root: bytes, head: Head, path: Sequence[bytes]) -> None:
    if not verify_consistency(size, head.size, root, head.root, path):
        raise UpstreamError("The log contradicts what it said before.", reason="watch-log-forked")


def _unproven() -> UpstreamError:
    return UpstreamError("The log does not prove that the entry is in its tree.", reason="watch-log-proof")


def tile_path(number: int) -> str:
    """``1234067`` as ``x001/x234/067``."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)


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
        raise malformed() from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise malformed() from error


def _unsigned() -> UpstreamError:
    return UpstreamError("The log's tree head is not signed with its key.", reason="watch-log-signature")
