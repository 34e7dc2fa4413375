"""Archives: their members one by one, within bounds, and what no honest archive has.

The rules:

1. Members are unpacked in memory, a piece at a time, and every piece counts against the bounds (``Look.took``). Sizes
   that a header declares are never believed.
2. A member that is encrypted was not read: ``encrypted``. One that a program would write outside its folder (``..``,
   an absolute path, a drive, a link) is ``traversal``.
3. A ZIP whose members overlap is a bomb (D. Fifield, "A better zip bomb", 2019). One with members that its directory
   does not list, with two of one name, or with other names in its directory than before its members means one thing
   here and another elsewhere: ``ambiguous``.
4. Kinds that nothing here unpacks (7z, RAR, CAB, ISO, zstd) are unread.
"""

from __future__ import annotations

import bz2
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from chatward.core.values import Severity
from chatward.guards.files.kinds import BZIP2, GZIP, TAR, XZ, ZIP, Kind
from chatward.guards.files.looking import ARCHIVE, RATIO_FROM, Look, Spent

_CHUNK: Final = 1 << 16
_LOCAL: Final = b"PK\3\4"
_MEMORY: Final = 128 * 1024 * 1024
"""Bytes that an XZ decoder may ask for."""
_ENCRYPTED: Final = 0x1
_DAMAGED: Final = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError,
    NotImplementedError, RuntimeError, OverflowError, IndexError, KeyError,
)  # fmt: skip
"""What readers of archives raise for one that is damaged, or packed in a way that they do not know."""
_OUTSIDE: Final = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\]|^[A-Za-z]:|\0")

Member = tuple[str, bytes]
"""Name and content."""


def members(look: Look, data: bytes, kind: Kind) -> Iterator[Member]:
    """The members of an archive. Raises ``Spent`` where a bound is met."""
    try:
        if kind is ZIP:
            yield from zipped(look, data)
        elif kind is TAR:
            yield from _tarred(look, data)
        elif kind is GZIP:
            yield "", _inflated(look, data)
        elif kind is BZIP2:
            yield "", _decompressed(look, data, bz2.BZ2Decompressor)
        elif kind is XZ:
            yield "", _decompressed(look, data, lambda: lzma.LZMADecompressor(memlimit=_MEMORY))
        else:
            look.fail(ARCHIVE)
    except Spent:
        raise
    except _DAMAGED:
        look.fail(ARCHIVE)


def outside(name: str) -> bool:
    """True for a name that would be written outside the folder that an archive is unpacked into."""
    return _OUTSIDE.search(name) is not None


def zipped(look: Look, data: bytes) -> Iterator[Member]:
    """The members of a ZIP; nothing is told of what only its reader knows to be harmless."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        _check_places(look, data, infos)
        if len({info.filename for info in infos}) < len(infos):
            look.find(f"{ARCHIVE}/ambiguous", Severity.HIGH, 0.8, "two of one name")
        for info in infos:
            look.member()
            if outside(info.orig_filename) or outside(info.filename):
                look.find(f"{ARCHIVE}/traversal", Severity.HIGH, 0.95)
            if stat.S_ISLNK(info.external_attr >> 16):
                look.find(f"{ARCHIVE}/traversal", Severity.HIGH, 0.9, "link")
                continue
            if info.flag_bits & _ENCRYPTED:
                look.find(f"{ARCHIVE}/encrypted", Severity.HIGH, 0.9)
                continue
            if info.is_dir():
                continue
            yield info.filename, _member(look, archive, info)


def _member(look: Look, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    pieces = []
    packed, size = max(info.compress_size, 1), 0
    try:
        with archive.open(info) as stream:
            while piece := stream.read(_CHUNK):
                pieces.append(piece)
                size += len(piece)
                look.took(len(piece), packed)
                if size > RATIO_FROM and size > packed * look.bounds.ratio:
                    look.find(f"{ARCHIVE}/bomb", Severity.HIGH, 0.95)
                    raise Spent
    except _DAMAGED:
        look.fail(ARCHIVE)  # damaged, or packed in a way that nobody here knows; what was read so far is looked at
    return b"".join(pieces)


def _check_places(look: Look, data: bytes, infos: list[zipfile.ZipInfo]) -> None:
    """Where members lie in the file: apart, in the clear and as the directory says."""
    end = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        at = info.header_offset
        if at < end:
            look.find(f"{ARCHIVE}/bomb", Severity.HIGH, 0.95, "overlap")
            raise Spent
        header = data[at : at + 30]
        if len(header) < 30 or header[:4] != _LOCAL:
            look.fail(ARCHIVE)
            return
        if end and data[end : end + 4] == _LOCAL and end != at:
            look.find(f"{ARCHIVE}/ambiguous", Severity.HIGH, 0.8, "unlisted member")
        name_size, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
        name = data[at + 30 : at + 30 + name_size]
        if name not in {_written(info, "utf-8"), _written(info, "cp437")}:
            look.find(f"{ARCHIVE}/ambiguous", Severity.HIGH, 0.8, "two names")
        end = at + 30 + name_size + extra + info.compress_size
        if info.flag_bits & 0x8:  # a data descriptor follows
            end += 16 if data[end : end + 4] == b"PK\7\x08" else 12 if data[end + 12 : end + 14] == b"PK" else 0


def _written(info: zipfile.ZipInfo, encoding: str) -> bytes:
    return info.orig_filename.encode(encoding, "replace")


def _tarred(look: Look, data: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for info in archive:
            look.member()
            if outside(info.name) or ((info.issym() or info.islnk()) and outside(info.linkname)):
                look.find(f"{ARCHIVE}/traversal", Severity.HIGH, 0.95)
            elif info.issym() or info.islnk() or info.isdev():
                look.find(f"{ARCHIVE}/traversal", Severity.MEDIUM, 0.6, "link or device")
            if not info.isreg():
                continue
            stream = archive.extractfile(info)
            if stream is not None:
                content = stream.read(look.bounds.unpacked + 1)
                look.took(len(content), max(len(content), 1))
                yield info.name, content


def _inflated(look: Look, data: bytes) -> bytes:
    """All members of a gzip file (RFC 1952), one behind the other."""
    out: list[bytes] = []
    size, rest = 0, data
    while rest[:2] == b"\x1f\x8b":
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        feed = rest
        while not decoder.eof:
            piece = decoder.decompress(feed, _CHUNK)
            feed = decoder.unconsumed_tail
            size += len(piece)
            out.append(piece)
            _bounded(look, len(piece), size, len(data))
            if not piece and not feed:
                look.fail(ARCHIVE)  # cut short
                return b"".join(out)
        rest = decoder.unused_data.lstrip(b"\0")
    return b"".join(out)


def _decompressed(look: Look, data: bytes, make: object) -> bytes:
    out: list[bytes] = []
    size, rest = 0, data
    while rest:
        decoder = make()  # type: ignore[operator]  # BZ2Decompressor and LZMADecompressor have no common type
        piece = decoder.decompress(rest, _CHUNK)
        while True:
            size += len(piece)
            out.append(piece)
            _bounded(look, len(piece), size, len(data))
            if decoder.eof:
                break
            if decoder.needs_input:
                look.fail(ARCHIVE)  # cut short
                return b"".join(out)
            piece = decoder.decompress(b"", _CHUNK)
        rest = decoder.unused_data.lstrip(b"\0")
        if rest and not rest.startswith((b"BZh", b"\xfd7zXZ")):
            break
    return b"".join(out)


def _bounded(look: Look, more: int, size: int, packed: int) -> None:
    look.took(more, packed)
    if size > RATIO_FROM and size > packed * look.bounds.ratio:
        look.find(f"{ARCHIVE}/bomb", Severity.HIGH, 0.95)
        raise Spent
