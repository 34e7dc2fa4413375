"""Files that sources consist of: opened unpacked and bounded, known by their digest, verified before they are read.

The rules:

1. gzip (RFC 1952) and zip with one file are unpacked while they are read, told by their first bytes. What grows beyond
   the source's ``max_size`` is refused, so that no small file fills memory or disk.
2. A digest that is asked for (SHA-256) covers the bytes as they came; a signature covers the text before it.
3. A signed list is a signed note (C2SP signed-note) with one Ed25519 key (RFC 8032): the text, an empty line, lines
   ``— name base64(id, signature)``. The key is written ``name+id+base64(type, key)``.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final
from zlib import error as zlib_error

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chatward.core.errors import ClientError

_CHUNK: Final = 1 << 20
_DIGEST: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_ED25519: Final = 1
_LARGEST_NOTE: Final = 256 * 1024 * 1024


class SourceError(ClientError):
    """A source that cannot be taken: it did not answer, is not what was asked for, or is not signed. Its reason is
    recorded; what was known before stays."""

    reason = "intel-source"


def digest_of_file(path: Path) -> str:
    """SHA-256 in hex."""
    with path.open("rb") as file:
        digest = sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def opened(path: Path, most: int) -> Iterator[IO[bytes]]:
    """The unpacked content. Reading raises ``SourceError`` beyond ``most`` bytes, and for a broken archive."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        try:
            if start[:2] == b"\x1f\x8b":
                yield io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=file), most), _CHUNK)
            elif start == b"PK\x03\x04":
                with zipfile.ZipFile(file) as archive:
                    names = [one for one in archive.infolist() if not one.is_dir()]
                    if len(names) != 1:
                        raise SourceError("an archive must hold one file", reason="intel-archive")
                    with archive.open(names[0]) as inner:
                        yield io.BufferedReader(_Bounded(inner, most), _CHUNK)
            else:
                yield io.BufferedReader(_Bounded(file, most), _CHUNK)
        except (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib_error, lzma.LZMAError) as error:
            raise SourceError("an archive is broken", reason="intel-archive") from error
        except RuntimeError as error:  # what zipfile raises for a password, or a method of packing that it has not
            raise SourceError("an archive is encrypted or packed in an unknown way", reason="intel-archive") from error


def refuse_pages(start: bytes) -> None:
    """Raises ``SourceError`` for content that begins as no list does: a page that a proxy or a portal answered with in
    place of the list, or UTF-16."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError("it is UTF-16; UTF-8 is expected", reason="intel-format")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise SourceError("it is a page (HTML or XML), not a list", reason="intel-format")


class _Bounded(io.RawIOBase):
    def __init__(self, inner: IO[bytes] | gzip.GzipFile, most: int) -> None:
        self._inner = inner
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._inner.read(min(len(buffer), _CHUNK))
        self._left -= len(data)
        if self._left < 0:
            raise SourceError("it is larger than max_size allows", reason="intel-too-large")
        buffer[: len(data)] = data
        return len(data)


def check_digest(path: Path, told: str) -> None:
    """Raises ``SourceError`` unless the file's SHA-256 stands in ``told`` (a digest, or a list of such)."""
    if digest_of_file(path) not in {found.lower() for found in _DIGEST.findall(told)}:
        raise SourceError("its SHA-256 is not the expected one", reason="intel-digest")


def verified_text(stream: IO[bytes], vkey: str) -> bytes:
    """The text of a signed note once ``vkey`` has signed it. Raises ``SourceError``."""
    name, number, key = _key(vkey)
    note = stream.read(_LARGEST_NOTE + 1)
    if len(note) > _LARGEST_NOTE:
        raise SourceError("a signed list may have 256 MiB", reason="intel-too-large")
    text, gap, signatures = note.rpartition(b"\n\n")
    if not gap:
        raise SourceError("it is not signed", reason="intel-signature")
    text += b"\n"
    for line in signatures.splitlines():
        words = line.decode("utf-8", "replace").split(" ")
        if len(words) != 3 or words[0] != "\N{EM DASH}" or words[1] != name:
            continue
        try:
            value = base64.b64decode(words[2], validate=True)
            if value[:4] != number:
                continue
            Ed25519PublicKey.from_public_bytes(key).verify(value[4:], text)
        except (binascii.Error, ValueError, InvalidSignature) as error:
            raise SourceError("its signature is not good", reason="intel-signature") from error
        return text
    raise SourceError("it is not signed by the expected key", reason="intel-signature")


def _key(vkey: str) -> tuple[str, bytes, bytes]:
    try:
        name, number, encoded = vkey.strip().split("+", 2)
        data = base64.b64decode(encoded, validate=True)
        wanted = sha256(name.encode() + b"\n" + data).digest()[:4]
        if len(data) != 33 or data[0] != _ED25519 or bytes.fromhex(number) != wanted:
            raise ValueError
    except (ValueError, binascii.Error):
        raise SourceError("`signed_by` is no verification key", reason="intel-signature") from None
    return name, wanted, data[1:]
