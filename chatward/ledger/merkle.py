"""The Merkle tree of RFC 9162 (section 2.1; the same as RFC 6962's) over SHA-256.

The rules::

    MTH({})       = SHA-256("")
    MTH({d0})     = SHA-256(0x00 || d0)                                    leaf
    MTH(D[0:n])   = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))            node; k: the largest power of two below n

Appending needs the right edge only: the roots of the complete subtrees that the leaves fall into, one for each bit of
their number that is set (``Edge``). A proof needs the roots of O(log n) ranges of leaves (``Subtree``), wherever they
come from.

Nothing here does I/O. Indexes count from 0. The checks are total: whatever is malformed is not proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
BLOCK: Final = 8
"""Height of the subtrees whose roots are kept: 256 leaves."""

Subtree = Callable[[int, int], bytes]
"""``subtree(start, end)``: MTH(D[start:end]). ``start`` is a multiple of the smallest power of two >= end - start."""


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


class Edge:
    """The right edge of a growing tree. ``size``: its leaves. Appending a leaf costs one node hash on average."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        """Roots of the complete subtrees, the widest first."""

    def copy(self) -> Edge:
        other = Edge()
        other.size, other._peaks = self.size, self._peaks[:]
        return other

    def extend(self, hashes: Iterable[bytes], height: int = 0) -> list[bytes]:
        """Appends leaf hashes, or roots of complete subtrees of ``2 ** height`` leaves each.

        Returns the roots of the blocks that this completed, in order: those with the numbers ``size >> BLOCK``, as it
        was before, and up. (Of subtrees as wide as a block or wider: nothing.) ``ValueError`` where the leaves so far
        do not end at such a subtree's beginning.
        """
        row = list(hashes)
        if self.size & ((1 << height) - 1):
            raise ValueError("the tree does not end where a subtree of this height begins")
        added = len(row) << height
        peaks = self._peaks
        below: list[bytes] = []
        blocks: list[bytes] = []
        place = self.size >> height
        level = height
        while row:
            if level == BLOCK and level > height:
                blocks = row[:]
            if place & 1:
                row.insert(0, peaks.pop())
            if len(row) & 1:
                below.append(row.pop())
            pairs = iter(row)
            row = [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            place >>= 1
            level += 1
        peaks.extend(reversed(below))
        self.size += added
        return blocks

    def root(self) -> bytes:
        """MTH of all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def peaks(self) -> tuple[bytes, ...]:
        """The complete subtrees' roots, the widest first."""
        return tuple(self._peaks)

    def join(self, size: int, peaks: Sequence[bytes]) -> None:
        """Appends another edge's leaves: ``size`` of them, which must fit below what is here (``ValueError``)."""
        place = 0
        for height in range(size.bit_length() - 1, -1, -1):
            if size >> height & 1:
                self.extend((peaks[place],), height)
                place += 1


def root_of(hashes: Iterable[bytes]) -> bytes:
    """MTH of leaves that are given as leaf hashes."""
    edge = Edge()
    edge.extend(hashes)
    return edge.root()


def _split(size: int) -> int:
    """The largest power of two below ``size`` (>= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[0:size]) of RFC 9162 section 2.1.3.1. ``ValueError`` for a leaf that is not there."""
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(start, middle))
            start = middle
    proof.reverse()
    return proof


def consistency_proof(first: int, second: int, subtree: Subtree) -> list[bytes]:
    """PROOF(first, D[0:second]) of RFC 9162 section 2.1.4.1; empty from nothing and for equal sizes."""
    if not 0 <= first <= second:
        raise ValueError("the first size is larger than the second")
    if first in (0, second):
        return []
    proof: list[bytes] = []
    start, end = 0, second
    whole = True  # "b" of the RFC: the first tree's root is one of this tree's nodes
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(start, middle))
            start = middle
            whole = False
    if not whole:
        proof.append(subtree(start, end))
    proof.reverse()
    return proof


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``leaf`` (a leaf hash) is number ``index`` of ``size`` leaves with ``root``: section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    place, last, computed = index, size - 1, leaf
    for node in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            computed = node_hash(node, computed)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, node)
        place >>= 1
        last >>= 1
    return last == 0 and computed == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of ``second`` leaves begins with the tree of ``first`` leaves: section 2.1.4.2.

    From nothing everything follows (with an empty proof), as in C2SP tlog-witness.
    """
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    path = list(proof)
    if not first & (first - 1):
        path.insert(0, first_root)
    if not path:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            new = node_hash(new, node)
        place >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root
