"""Entries of logs of certificate transparency, read from their bytes (RFC 6962 section 3.4, static-ct-api)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from chatward.core.errors import UpstreamError
from chatward.ledger.merkle import leaf_hash

TILE: Final = 256
"""Entries of a full data tile."""
_X509, _PRECERT = 0, 1
_LEAF: Final = b"\x00\x00"
"""What a ``MerkleTreeLeaf`` begins with: version v1, leaf_type timestamped_entry."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry: a certificate or the precertificate that was shown to the log (DER). ``time``: seconds since 1970.
    ``leaf`` is its hash in the tree, ``tbs`` what the leaf has of a precertificate."""

    index: int
    time: float
    der: bytes
    precertificate: bool
    leaf: bytes = b""
    tbs: bytes = b""


def malformed() -> UpstreamError:
    return UpstreamError("The log's answer is not of the form.", reason="watch-log-malformed")


class _Bytes:
    """A TLS structure (RFC 8446 section 3), read from the front. Raises ``watch-log-malformed`` at its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def rest(self) -> bool:
        return self._at < len(self._data)

    def since(self, at: int) -> bytes:
        """What was read from the place ``at`` on."""
        return self._data[at : self._at]

    @property
    def at(self) -> int:
        return self._at

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise malformed()
        self._at += count
        return found

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def opaque(self, count: int) -> bytes:
        """A value whose length stands before it in ``count`` bytes."""
        return self.take(self.number(count))


def _timed(data: _Bytes, index: int) -> Logged:
    """``TimestampedEntry`` (RFC 6962 section 3.4): an entry that still lacks its precertificate, if it is of one."""
    begin = data.at
    milliseconds, kind = data.number(8), data.number(2)
    der = tbs = b""
    if kind == _X509:
        der = data.opaque(3)
    elif kind == _PRECERT:
        data.take(32)  # issuer_key_hash
        tbs = data.opaque(3)
    else:
        raise malformed()
    data.opaque(2)  # extensions
    leaf = leaf_hash(_LEAF + data.since(begin))
    return Logged(index, milliseconds / 1000, der, kind == _PRECERT, leaf, tbs)


def entry_of(index: int, leaf: bytes, extra: bytes) -> Logged:
    """An entry of ``get-entries``: a ``MerkleTreeLeaf``, and what belongs to it (section 4.6)."""
    data = _Bytes(leaf)
    if data.take(2) != _LEAF:
        raise malformed()
    found = _timed(data, index)
    if data.rest:
        raise malformed()
    return replace(found, der=_Bytes(extra).opaque(3)) if found.precertificate else found  # PrecertChainEntry


def tile_of(body: bytes, first: int) -> list[Logged]:
    """Entries of a data tile: ``TileLeaf``s, one after another."""
    data = _Bytes(body)
    found: list[Logged] = []
    while data.rest and len(found) < TILE:
        one = _timed(data, first + len(found))
        found.append(replace(one, der=data.opaque(3)) if one.precertificate else one)
        data.opaque(2)  # fingerprints of the chain
    if data.rest:
        raise malformed()
    return found
