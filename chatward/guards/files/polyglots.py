"""Files that are two things at once: whoever reads them one way does not see the other.

Each test names the other thing (``detail``): a ZIP behind an image (GIFAR), a PDF behind a ZIP, a program or a page
within an image. Markers are looked for where a reader of that kind would find them, so that compressed data, which hold
every short string by chance, are not accused.
"""

from __future__ import annotations

import re
from typing import Final

from chatward.guards.files.kinds import PDF, Family, Kind

_PAGE: Final = re.compile(rb"<(?:script|html|iframe|object|embed|body|svg)[\s>/]|<\?php|<%@", re.I)
_DOS: Final = re.compile(rb"This program (?:cannot be run in DOS mode|must be run under Win)")
_SCRIPT_HEAD: Final = re.compile(rb"\A(?:GIF8[79]a|BM)[^\n]{0,40}(?:/\*|=\s*1;|=0;)")
_END_OF_ZIP: Final = b"PK\5\6"
_NO_ARCHIVES: Final = frozenset((Family.IMAGE, Family.MEDIA, Family.TEXT, Family.MARKUP))
_TAIL: Final = 65_536 + 22


def others(data: bytes, kind: Kind) -> list[str]:
    """What else ``data`` is, beside ``kind``."""
    found = []
    if (kind is PDF or kind.family in _NO_ARCHIVES) and _ends_as_zip(data):
        found.append("zip")
    if kind is not PDF and kind.family is not Family.TEXT and b"%PDF-" in data[:1024]:
        found.append("pdf")
    if kind.family in {Family.IMAGE, Family.MEDIA}:
        if _PAGE.search(data):
            found.append("page")
        if _SCRIPT_HEAD.match(data):
            found.append("script")
    if kind.family in {Family.IMAGE, Family.MEDIA} or kind in {PDF}:
        if _holds_program(data):
            found.append("program")
        if kind.family is Family.IMAGE and re.search(rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c", data):
            found.append("archive")
    return found


def _ends_as_zip(data: bytes) -> bool:
    """An end record (APPNOTE 4.3.16) whose comment reaches the end of the file, and that has a directory."""
    at = data.rfind(_END_OF_ZIP, max(0, len(data) - _TAIL))
    if at < 0 or at + 22 > len(data):
        return False
    size, entries = int.from_bytes(data[at + 12 : at + 16], "little"), int.from_bytes(data[at + 10 : at + 12], "little")
    return entries > 0 and data[max(0, at - size) : at].startswith(b"PK\1\2")


def _holds_program(data: bytes) -> bool:
    for stub in _DOS.finditer(data):
        start = data.rfind(b"MZ", max(0, stub.start() - 512), stub.start())
        if start < 0:
            continue
        header = start + int.from_bytes(data[start + 60 : start + 64], "little")
        if data[header : header + 4] == b"PE\0\0":
            return True
    return False
