"""The snapshot: all entries in one file that is made off-line, mapped into memory and replaced as a whole.

The form, all integers little-endian::

    header      64 bytes: magic, version, bits, offsets, number of records
    filter      2^w words of 64 bits
    starts      2^b + 1 numbers of 32 bits: where the records of a bucket begin
    records     32 bytes each, sorted by digest
    about       JSON: sources, prefix lengths of networks

1. **A filter first.** A value's CRC-32 (with the kind as its start) chooses one word and four bits of it: nearly all
   that is not listed ends there, after one read. A second word and four bits are chosen by its Adler-32 mixed with
   that; of what is not listed one in five hundred or fewer passes both (among ten million, one in six thousand). It
   proves nothing.
2. **Then the records.** The first 96 bits of BLAKE2b-128 of kind and value decide (RFC 7693). That two of ten
   million values share them by chance happens once in 10^15 snapshots; who makes two on purpose takes 2^48 steps, and
   could list the value itself more cheaply.
3. Filter and starts are mapped (42 MB for ten million entries); a bucket of records is read when the filter says so,
   so that records never stay resident.
4. A network is a record too, of its address bytes and prefix length: an address is looked up under each prefix length
   that occurs.
5. Written to a temporary file, flushed to the disk, then renamed: a reader sees the old file or the new one. A file
   that is cut short or of another version is refused.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import adler32, crc32

import numpy as np
import numpy.typing as npt

from chatward.core.indicators import IndicatorKind

MAGIC: Final = b"CWINTEL2"
_HEADER: Final = struct.Struct("<8sIIQQQQQ8x")
RECORD: Final = struct.Struct("<12sHBBBBHIII")
"""Digest, source, kind, type, TLP, confidence (0..200), flags, first, last, expires (seconds since 1970)."""
OPEN: Final = 255
"""A type, a TLP or a confidence that the source's settings say."""
UNDATED: Final = 1
"""Flag: the last sighting is when the source was last confirmed."""
KINDS: Final = tuple(IndicatorKind)
NETWORK: Final = len(KINDS)
"""Number of the kind of records that are networks."""
_SEEDS: Final = {kind: crc32(bytes((number,))) for number, kind in enumerate(KINDS)}
# What is asked most, without hashing a member of an enumeration.
_URL, _DOMAIN, _IP = IndicatorKind.URL, IndicatorKind.DOMAIN, IndicatorKind.IP
_URL_SEED, _DOMAIN_SEED = _SEEDS[_URL], _SEEDS[_DOMAIN]
_NETWORK_SEED: Final = crc32(bytes((NETWORK,)))
_MASK_BITS: Final = 11
_SPREAD: Final = 0x9E3779B1  # 2^32 divided by the golden ratio (Knuth, section 6.4): lifts low bits into high ones
_PER_BUCKET: Final = 4


def _masks() -> tuple[int, ...]:
    """2,048 words with four bits set; fixed, since files depend on them."""
    chance = random.Random(20261123)  # noqa: S311 - spreads bits, hides nothing
    return tuple(sum(1 << bit for bit in chance.sample(range(64), 4)) for _ in range(1 << _MASK_BITS))


MASKS: Final = _masks()


def mark_of(key: bytes) -> int:
    """What the filter keeps of a key: its CRC-32, and above that its Adler-32."""
    return crc32(key) | adler32(key) << 32


def _second(crc: int, adler: int) -> int:
    """The number (32 bits) that chooses the second word and its bits."""
    return (adler * _SPREAD ^ crc) & 0xFFFFFFFF


class Found(NamedTuple):
    """One record of a value; ``confidence`` in steps of 1/200."""

    source: int
    kind: int
    type: int
    tlp: int
    confidence: int
    flags: int
    first: int
    last: int
    expires: int


def key_of(kind: IndicatorKind, value: str) -> bytes:
    """The bytes that stand for a value: its kind's number, and the value; of a network address and prefix length."""
    if kind is IndicatorKind.IP and "/" in value:
        network = ip_network(value)
        return bytes((NETWORK,)) + network.network_address.packed + bytes((network.prefixlen,))
    return bytes((KINDS.index(kind),)) + value.encode()


def digest_of(key: bytes) -> bytes:
    """The digest by which records are sorted: its first eight bytes are a big-endian number."""
    return blake2b(key, digest_size=16).digest()[:12]


class SnapshotError(ValueError):
    """A file that is no whole snapshot of this version."""


# --- writing -----------------------------------------------------------------------------------------


class Writer:
    """Makes one snapshot. ``size`` is the number of records that will come, sorted by digest.

    ``add`` takes a block of records (``RECORD``, one after the other) and the marks of their keys (``mark_of``).
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._size = size
        self._word_bits = max(4, (max(size, 1) * 14 // 64).bit_length())
        self._bucket_bits = max(4, (max(size, 1) // _PER_BUCKET).bit_length())
        self._words = np.zeros(1 << self._word_bits, np.uint64)
        self._counts = np.zeros((1 << self._bucket_bits) + 1, np.uint32)
        self._table = np.array(MASKS, np.uint64)
        self._filter_at = _HEADER.size
        self._starts_at = self._filter_at + self._words.nbytes
        self._records_at = self._starts_at + self._counts.nbytes
        self._written = 0
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
        self._file = self._temporary.open("wb")
        self._file.seek(self._records_at)

    def add(self, records: bytes, marks: Sequence[int] | npt.NDArray[np.uint64]) -> None:
        """Appends a block. Its records come after all before it."""
        mark = np.asarray(marks, np.uint64)
        low = np.uint64(0xFFFFFFFF)
        first = mark & low
        second = ((mark >> np.uint64(32)) * np.uint64(_SPREAD) & low) ^ first
        shift, bits = np.uint64(32 - self._word_bits), np.uint64(len(MASKS) - 1)
        for chosen in (first, second):
            np.bitwise_or.at(self._words, chosen >> shift, self._table[chosen & bits])
        block = np.frombuffer(records, np.uint8).reshape(-1, RECORD.size)
        high = block[:, :8].copy().view(">u8").ravel()
        buckets = (high >> np.uint64(64 - self._bucket_bits)).astype(np.int64)
        self._counts[1:] += np.bincount(buckets, minlength=1 << self._bucket_bits).astype(np.uint32)
        self._file.write(records)
        self._written += len(block)

    def finish(self, about: dict[str, Any]) -> None:
        """Writes the rest and puts the file in its place."""
        if self._written != self._size:
            self.abandon()
            raise SnapshotError("the number of records is not what was said")
        told = json.dumps(about, separators=(",", ":")).encode()
        end = self._file.tell()
        self._file.write(told)
        self._file.seek(self._filter_at)
        self._file.write(self._words.tobytes())
        np.cumsum(self._counts, out=self._counts)
        self._file.write(self._counts.tobytes())
        self._file.seek(0)
        bits = self._word_bits | self._bucket_bits << 8
        header = (MAGIC, RECORD.size, bits, self._written, self._starts_at, self._records_at, end, len(told))
        self._file.write(_HEADER.pack(*header))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._temporary, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def abandon(self) -> None:
        """Leaves what was there before."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


def write(path: Path, records: Iterable[tuple[bytes, bytes]], about: dict[str, Any]) -> int:
    """A snapshot of (key, record) pairs in any order; for few of them. Returns their number."""
    rows = sorted((record, mark_of(key)) for key, record in records)
    writer = Writer(path, len(rows))
    if rows:
        writer.add(b"".join(record for record, _ in rows), [mark for _, mark in rows])
    writer.finish(about)
    return len(rows)


# --- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Prefixes:
    """Prefix lengths that occur, longest first, with the masks of the addresses."""

    four: tuple[tuple[int, int], ...]
    six: tuple[tuple[int, int], ...]


class Snapshot:
    """A mapped file. Raises ``SnapshotError`` and ``OSError`` when it is opened; never afterwards, since it is never
    changed."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._open()
        except BaseException:
            os.close(self._fd)
            self._fd = -1
            raise

    def _open(self) -> None:
        size = os.fstat(self._fd).st_size
        head = os.pread(self._fd, _HEADER.size, 0)
        if len(head) < _HEADER.size:
            raise SnapshotError("the file is cut short")
        magic, record, bits, count, starts, records, about, length = _HEADER.unpack(head)
        self._word_bits, self._bucket_bits = bits & 255, bits >> 8
        whole = (
            magic == MAGIC
            and record == RECORD.size
            and starts == _HEADER.size + (8 << self._word_bits)
            and records == starts + 4 * ((1 << self._bucket_bits) + 1)
            and about == records + count * RECORD.size
            and size == about + length
        )
        if not whole:
            raise SnapshotError("the file is no whole snapshot of this version")
        try:
            self.about: dict[str, Any] = json.loads(os.pread(self._fd, length, about))
        except ValueError as error:
            raise SnapshotError("the file does not say what is in it") from error
        mapped = mmap.mmap(self._fd, records, prot=mmap.PROT_READ)
        view = memoryview(mapped)
        self.count = count
        self.words = view[_HEADER.size : starts].cast("Q")
        self._starts = view[starts:records].cast("I")
        self._records_at = records
        self.shift = 32 - self._word_bits
        self._bucket_shift = 64 - self._bucket_bits
        four, six = self.about.get("prefixes", ([], []))
        self._prefixes = _Prefixes(
            tuple((length, (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF) for length in sorted(four, reverse=True)),
            tuple(
                (length, ((1 << 128) - 1) >> (128 - length) << (128 - length)) for length in sorted(six, reverse=True)
            ),
        )

    def passing(self, kind: IndicatorKind, values: Sequence[str]) -> list[int]:
        """Indexes of the values that the filter lets pass: a few of what is not listed, all of what is. Addresses pass
        where there are networks."""
        if kind is _IP and (self._prefixes.four or self._prefixes.six):
            return list(range(len(values)))
        seed = _URL_SEED if kind is _URL else _DOMAIN_SEED if kind is _DOMAIN else _SEEDS[kind]
        words, shift, masks = self.words, self.shift, MASKS
        found: list[int] = []
        index = 0
        for value in values:
            crc = crc32(value.encode(), seed)
            mask = masks[crc & 2047]
            if words[crc >> shift] & mask == mask and self._passes(bytes((KINDS.index(kind),)) + value.encode(), crc):
                found.append(index)
            index += 1  # noqa: SIM113 - enumerate makes a tuple a value, and this is asked of every link
        return found

    def _passes(self, key: bytes, crc: int) -> bool:
        """Whether a key whose first bits are set has the second ones set too."""
        second = _second(crc, adler32(key))
        mask = MASKS[second & 2047]
        return bool(self.words[second >> self.shift] & mask == mask)

    def find(self, kind: IndicatorKind, value: str) -> list[Found]:
        """All records of one value; of an IP address those of networks that hold it too."""
        found: list[Found] = []
        data = value.encode()
        crc = crc32(data, _SEEDS[kind])
        mask = MASKS[crc & 2047]
        if self.words[crc >> self.shift] & mask == mask:
            key = bytes((KINDS.index(kind),)) + data
            found = self._confirm(key) if self._passes(key, crc) else []
        if kind is IndicatorKind.IP and (self._prefixes.four or self._prefixes.six):
            found += self._networks(value)
        return found

    def _networks(self, value: str) -> list[Found]:
        try:
            address: IPv4Address | IPv6Address = ip_address(value)
        except ValueError:
            return []
        found: list[Found] = []
        number, version = int(address), address.version
        size = 4 if version == 4 else 16
        for length, mask in self._prefixes.four if version == 4 else self._prefixes.six:
            key = (number & mask).to_bytes(size, "big") + bytes((length,))
            crc = crc32(key, _NETWORK_SEED)
            bits = MASKS[crc & 2047]
            if self.words[crc >> self.shift] & bits == bits:
                whole = bytes((NETWORK,)) + key
                found += self._confirm(whole) if self._passes(whole, crc) else []
        return found

    def _confirm(self, key: bytes) -> list[Found]:
        digest = blake2b(key, digest_size=16).digest()
        bucket = int.from_bytes(digest[:8], "big") >> self._bucket_shift
        start, stop = self._starts[bucket], self._starts[bucket + 1]
        if start == stop:
            return []
        size = RECORD.size
        block = os.pread(self._fd, (stop - start) * size, self._records_at + start * size)
        wanted = digest[:12]
        found: list[Found] = []
        at = block.find(wanted)
        while at >= 0:
            if at % size == 0:
                found.append(Found(*RECORD.unpack_from(block, at)[1:]))
            at = block.find(wanted, at + 1)
        return found

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)
