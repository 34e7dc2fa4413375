"""Images: rewritten without what they say beside their pixels, and looked at for what is no image in them.

The rules:

1. Containers are taken apart and put together again; compressed pixels are copied byte by byte and never decoded. What
   is kept is what a viewer needs to show the same colours (palettes, profiles, gamma, animation) and the orientation
   of a JPEG. All else goes: EXIF, XMP, IPTC, comments, times, thumbnails, and whatever stands behind the end.
2. A container that is damaged is left alone and is unread: a rewrite that guesses could show another picture.
3. Something that is no metadata behind the end of an image, or code in it, is a file in disguise (``polyglots``).

Sources: ITU T.81 (JPEG) annex B, PNG (W3C, third edition), the WebP container (RFC 9649), GIF89a.
"""

from __future__ import annotations

import zlib
from typing import Final

from chatward.guards.files.kinds import GIF, JPEG, PNG, WEBP, Kind

_PNG_KEPT: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT pHYs bKGD hIST sPLT acTL fcTL fdAT cICP mDCV cLLI".split()
)
_GIF_APPS: Final = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"))
_ICC: Final = b"ICC_PROFILE\0"
_EXIF: Final = b"Exif\0\0"


class Damaged(ValueError):
    """The container is not what its kind says."""


def stripped(data: bytes, kind: Kind) -> tuple[bytes, bytes]:
    """The image without metadata, and the bytes that stood behind its end. Raises ``Damaged``."""
    try:
        if kind is JPEG:
            return _jpeg(data)
        if kind is PNG:
            return _png(data)
        if kind is GIF:
            return _gif(data)
        if kind is WEBP:
            return _webp(data)
    except IndexError:
        raise Damaged from None
    raise Damaged


def size_of(data: bytes, kind: Kind) -> tuple[int, int]:
    """Width and height as the header has them; (0, 0) where it cannot be told."""
    if kind is PNG and len(data) >= 24:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if kind is GIF and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if kind.name == "bmp" and len(data) >= 26:
        return int.from_bytes(data[18:22], "little"), abs(int.from_bytes(data[22:26], "little", signed=True))
    if kind is JPEG:
        at = 2
        while at + 9 < len(data) and data[at] == 0xFF:
            marker = data[at + 1]
            if marker == 0xFF:
                at += 1
            elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
                return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
            else:
                at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return 0, 0


# --- JPEG -------------------------------------------------------------------------------------------------


def _jpeg(data: bytes) -> tuple[bytes, bytes]:
    out = bytearray(b"\xff\xd8")
    orientation = 1
    at = 2
    body = bytearray()
    while True:
        if data[at] != 0xFF:
            raise Damaged
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            body += b"\xff\xd9"
            at += 2
            break
        length = int.from_bytes(data[at + 2 : at + 4])
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise Damaged
        payload = data[at + 4 : end]
        if marker == 0xE1 and payload.startswith(_EXIF):
            orientation = _orientation(payload[6:]) or orientation
        if _jpeg_keeps(marker, payload):
            body += data[at:end]
        at = end
        if marker == 0xDA:
            end = _scan_end(data, at)
            body += data[at:end]
            at = end
    if orientation != 1:
        out += _orientation_segment(orientation)
    return bytes(out + body), data[at:]


def _jpeg_keeps(marker: int, payload: bytes) -> bool:
    if marker == 0xE0:
        return payload.startswith(b"JFIF\0")
    if marker == 0xE2:
        return payload.startswith(_ICC)
    if marker == 0xEE:
        return payload.startswith(b"Adobe")
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _scan_end(data: bytes, at: int) -> int:
    """The next marker behind entropy-coded data; stuffed bytes and restarts belong to it (T.81 B.1.1.5)."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Damaged
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _orientation(tiff: bytes) -> int:
    """Tag 0x0112 of the first directory of EXIF, or 0."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None or len(tiff) < 10:
        return 0

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if order == "little" else "big")

    at = number(4, 4)
    for entry in range(at + 2, min(at + 2 + 12 * number(at, 2), len(tiff) - 11), 12):
        if number(entry, 2) == 0x0112:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 0
    return 0


def _orientation_segment(value: int) -> bytes:
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + value.to_bytes(2) + b"\0\0\0\0\0\0"
    payload = _EXIF + tiff
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2) + payload


# --- PNG --------------------------------------------------------------------------------------------------


def _png(data: bytes) -> tuple[bytes, bytes]:
    out = bytearray(data[:8])
    at = 8
    while True:
        length = int.from_bytes(data[at : at + 4])
        name = data[at + 4 : at + 8]
        end = at + 12 + length
        if len(name) < 4 or end > len(data):
            raise Damaged
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise Damaged
        if name in _PNG_KEPT:
            out += data[at:end]
        elif name[:1].isupper():
            raise Damaged  # a critical chunk that nobody knows
        at = end
        if name == b"IEND":
            return bytes(out), data[at:]


# --- GIF --------------------------------------------------------------------------------------------------


def _gif(data: bytes) -> tuple[bytes, bytes]:
    flags = data[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    if at > len(data):
        raise Damaged
    out = bytearray(data[:at])
    while True:
        mark = data[at]
        if mark == 0x3B:
            return bytes(out + b";"), data[at + 1 :]
        start = at
        if mark == 0x2C:
            local = data[at + 9]
            at += 10 + (3 << ((local & 7) + 1) if local & 0x80 else 0)
            at = _blocks_end(data, at + 1)
            keep = True
        elif mark == 0x21:
            label = data[at + 1]
            keep = label == 0xF9 or (label == 0xFF and data[at + 3 : at + 3 + data[at + 2]] in _GIF_APPS)
            at = _blocks_end(data, at + 2)
        else:
            raise Damaged
        if keep:
            out += data[start:at]


def _blocks_end(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


# --- WebP -------------------------------------------------------------------------------------------------


def _webp(data: bytes) -> tuple[bytes, bytes]:
    whole = 8 + int.from_bytes(data[4:8], "little")
    if whole > len(data):
        raise Damaged
    out = bytearray()
    at = 12
    while at + 8 <= whole:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + (length & 1)
        if at + 8 + length > whole:
            raise Damaged
        if name == b"VP8X":
            head = bytearray(data[at:end])
            head[8] &= ~0x0C & 0xFF  # no EXIF, no XMP
            out += head
        elif name in {b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}:
            out += data[at:end]
        at = end
    if not out:
        raise Damaged
    return b"RIFF" + (len(out) + 4).to_bytes(4, "little") + b"WEBP" + bytes(out), data[whole:]
