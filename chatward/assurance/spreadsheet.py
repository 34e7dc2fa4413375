"""Rows of a spreadsheet (Office Open XML, ECMA-376) as text, as much of it as questionnaires need.

The rules: what formulas last gave, never formulas; no styles, so dates stay numbers. Parts of at most ``LARGEST`` bytes
each, unpacked; no document type (which entities would need) is read.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

LARGEST: Final = 64 * 1024 * 1024
_SPACE: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET: Final = re.compile(r"xl/worksheets/sheet\d+\.xml")
_WIDEST: Final = 16_384


def rows(data: bytes) -> Iterator[list[str]]:
    """The rows of all sheets, cells in their columns. Raises ``ValueError``."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            shared = _shared(archive) if "xl/sharedStrings.xml" in names else []
            for name in sorted(name for name in names if _SHEET.fullmatch(name)):
                for row in _part(archive, name).iter(f"{_SPACE}row"):
                    yield _row(row, shared)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, IndexError, RuntimeError) as error:
        raise ValueError("no spreadsheet") from error


def _part(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > LARGEST:
        raise ValueError("too large")
    with archive.open(name) as stream:
        text = stream.read(LARGEST + 1)
    if len(text) > LARGEST or b"<!DOCTYPE" in text:
        raise ValueError("too large, or with a document type")
    return ElementTree.fromstring(text)  # noqa: S314 - without a document type there are no entities


def _shared(archive: zipfile.ZipFile) -> list[str]:
    return [_text(one) for one in _part(archive, "xl/sharedStrings.xml").iter(f"{_SPACE}si")]


def _text(element: ElementTree.Element) -> str:
    return "".join(one.text or "" for one in element.iter(f"{_SPACE}t"))


def _row(row: ElementTree.Element, shared: list[str]) -> list[str]:
    cells: dict[int, str] = {}
    for place, cell in enumerate(row.iter(f"{_SPACE}c")):
        column = _column(cell.get("r") or "") if cell.get("r") else place
        kind, value = cell.get("t"), cell.findtext(f"{_SPACE}v") or ""
        if column < _WIDEST:
            cells[column] = (
                shared[int(value)] if kind == "s" and value else _text(cell) if kind == "inlineStr" else value
            )
    return [cells.get(column, "") for column in range(max(cells, default=-1) + 1)]


def _column(reference: str) -> int:
    """``B7`` -> 1."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - 64
    return number - 1
