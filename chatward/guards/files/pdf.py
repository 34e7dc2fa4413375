"""PDF: what runs in it, what it carries, and all of its text.

The rules (ISO 32000-2):

1. Every object of the file is looked at, in object streams too, and not only what the pages refer to. Actions that run
   code or a program are told (12.6.4): ``JavaScript``, ``Launch``, ``ImportData``, ``SubmitForm``, ``RichMedia``, XFA
   forms. A link (``URI``) is not: its address goes to the guards of links, as text.
2. A name may be written with escapes (7.3.5, ``/J#61vaScript``); they are resolved before names are compared. Names of
   actions that stand in the file but in no object that was reached count as well.
3. Embedded files are looked at as files of their own.
4. Where a password is needed to open it, it is ``files.archive/encrypted``; what opens without one is read.
5. Text is taken from pages, forms, annotations, properties and alternative texts. What people would not see (render
   mode 3, white, tiny, off the page) is taken too, and told for information. An image of words is not read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, Final

from chatward.core.values import Severity
from chatward.guards.files.looking import ACTIVE, ARCHIVE, HIDDEN, NOT_LOADED, Look, Spent

_ACTIONS: Final = {
    "/JavaScript": "javascript",
    "/Launch": "launch",
    "/ImportData": "import",
    "/SubmitForm": "submit",
    "/GoToE": "embedded",
    "/Rendition": "rendition",
}
_MODERATE: Final = frozenset(("/SubmitForm", "/GoToE", "/Rendition"))
_SAID: Final = (
    "/Contents", "/TU", "/V", "/Alt", "/ActualText", "/Title", "/Author", "/Subject", "/Keywords", "/DV", "/T", "/URI",
)  # fmt: skip
_RAW: Final = re.compile(rb"/S\s*/(JavaScript|Launch)\b")
_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECTS: Final = 50_000


def pdf(look: Look, data: bytes) -> Iterator[tuple[str, bytes]]:
    """A PDF; gives the files that are embedded in it."""
    for found in _RAW.findall(_ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), data)):
        look.find(f"{ACTIVE}/pdf-{found.decode().lower()}", Severity.HIGH, 0.9)
    try:
        import pypdf  # noqa: PLC0415 - an extra
    except ImportError:
        look.fail(ACTIVE, NOT_LOADED)
        return
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            look.find(f"{ARCHIVE}/encrypted", Severity.HIGH, 0.9)
            return
        embedded = _objects(look, reader)
        _pages(look, reader)
    except Spent:
        raise
    except Exception:  # pypdf raises what it meets: a damaged file may mean anything
        look.fail(ACTIVE)
        return
    yield from embedded


def _objects(look: Look, reader: Any) -> list[tuple[str, bytes]]:
    from pypdf.generic import DictionaryObject, IndirectObject, StreamObject  # noqa: PLC0415

    numbers = {(number, 0) for number in reader.xref_objStm}
    numbers |= {(number, generation) for generation, held in reader.xref.items() for number in held}
    embedded: list[tuple[str, bytes]] = []
    todo: list[Any] = [reader.trailer.get("/Info")]
    for number, generation in sorted(numbers)[:_OBJECTS]:
        try:
            todo.append(IndirectObject(number, generation, reader).get_object())
        except Exception:  # one object that is damaged hides nothing of the others
            look.fail(ACTIVE)
    if len(numbers) > _OBJECTS:
        look.fail(ACTIVE)
    seen = 0
    while todo and seen < 4 * _OBJECTS:
        one = todo.pop()
        seen += 1
        if isinstance(one, IndirectObject):
            continue  # every one of them is in the table
        if isinstance(one, list):
            todo.extend(one)
        elif isinstance(one, DictionaryObject):
            _dictionary(look, one)
            if isinstance(one, StreamObject) and (one.get("/Type") == "/EmbeddedFile" or "/Params" in one):
                embedded.append(("", _stream(look, one)))
            todo.extend(value for value in one.values() if isinstance(value, (list, dict)))
    if embedded:
        look.find(f"{ACTIVE}/pdf-embedded", Severity.INFO, 0.9)
    return embedded


def _dictionary(look: Look, one: Any) -> None:
    action = one.get("/S")
    if action in _ACTIONS:
        severity, confidence = (Severity.MEDIUM, 0.6) if action in _MODERATE else (Severity.HIGH, 0.9)
        look.find(f"{ACTIVE}/pdf-{_ACTIONS[action]}", severity, confidence)
    elif "/JS" in one:
        look.find(f"{ACTIVE}/pdf-javascript", Severity.HIGH, 0.9)
    if "/XFA" in one:
        look.find(f"{ACTIVE}/pdf-form", Severity.MEDIUM, 0.6, "xfa")
    if one.get("/Subtype") == "/RichMedia":
        look.find(f"{ACTIVE}/pdf-media", Severity.MEDIUM, 0.6)
    for key in _SAID:
        value = one.get(key)
        if isinstance(value, str) and not value.startswith("/") and len(value) > 1:
            look.say(str(value))


def _stream(look: Look, one: Any) -> bytes:
    try:
        content: bytes = one.get_data()
    except Exception:  # a filter that is unknown, or broken data
        look.fail(ACTIVE)
        return b""
    look.took(len(content), max(len(content), 1))
    return content


class _Drawn:
    """What the operators of a page say of the text that follows."""

    def __init__(self, box: tuple[float, float, float, float]) -> None:
        self.hidden: set[str] = set()
        self._box = box
        self._mode = 0
        self._white = False

    def operand(self, operator: bytes, operands: list[Any], cm: list[float], tm: list[float]) -> None:
        if operator == b"Tr" and operands:
            self._mode = int(operands[0])
        elif operator in {b"g", b"rg"}:
            self._white = all(float(one) > 0.97 for one in operands)
        elif operator == b"k":
            self._white = all(float(one) < 0.03 for one in operands)
        elif operator in {b"scn", b"sc"} and len(operands) in {1, 3}:
            self._white = all(isinstance(one, (int, float)) and float(one) > 0.97 for one in operands)

    def text(self, text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        if not text.strip():
            return
        x, y = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
        left, bottom, right, top = self._box
        if self._mode in {3, 7}:
            self.hidden.add("not drawn")
        elif self._white:
            self.hidden.add("white")
        elif 0 < abs(size * tm[3] * cm[3]) < 2:
            self.hidden.add("tiny")
        elif not (left - 5 <= x <= right + 5 and bottom - 5 <= y <= top + 5):
            self.hidden.add("off the page")


def _pages(look: Look, reader: Any) -> None:
    hidden: set[str] = set()
    for number, page in enumerate(reader.pages):
        if number >= look.bounds.pages:
            look.fail(ACTIVE)
            break
        box = page.mediabox
        drawn = _Drawn((float(box.left), float(box.bottom), float(box.right), float(box.top)))
        try:
            look.say(page.extract_text(visitor_operand_before=drawn.operand, visitor_text=drawn.text))
        except Spent:
            raise
        except Exception:  # one page that cannot be read leaves the others
            look.fail(ACTIVE)
        hidden |= drawn.hidden
    for how in sorted(hidden):
        look.find(f"{HIDDEN}/document", Severity.INFO, 0.7, how)
