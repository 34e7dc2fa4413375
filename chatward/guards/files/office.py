"""Documents of Office suites: what runs in them, what they fetch, and all of their text.

The rules:

1. Macros are told by being there (``files.active/macro``): a VBA project, macro sheets of Excel 4, Basic of
   OpenDocument. Nobody asks what they do.
2. So are ActiveX controls, dynamic data exchange (``DDE``), and relationships that load something when the document is
   opened: templates, frames, objects from elsewhere (``external``). A hyperlink is not: its address goes to the guards
   of links, as text.
3. Text is taken from every part that a reader may show or a model is fed: body, headers, notes, comments, properties,
   alternative texts, hidden sheets and slides. What people would not see there is told (``files.hidden``), for
   information.
4. Embedded files are looked at as files of their own.
5. No part of an Office document has a document type (ECMA-376 part 2, 7.2.4); one that has is told and not parsed.

Sources: ECMA-376, OASIS ODF 1.3, MS-CFB, MS-XLS 2.4.28, MS-OVBA, RTF 1.9.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from chatward.core.values import Severity
from chatward.guards.files.archives import members
from chatward.guards.files.kinds import ODF, ZIP, Kind
from chatward.guards.files.looking import ACTIVE, ARCHIVE, HIDDEN, Look

_TEXTS: Final = re.compile(
    r"word/(?:document|header\d*|footer\d*|footnotes|endnotes|comments\w*|glossary/document)\.xml$"
    r"|xl/(?:sharedStrings|comments\d*|worksheets/sheet\d+|threadedComments/\w+|workbook|drawings/\w+|externalLinks/\w+)\.xml$"
    r"|ppt/(?:slides/slide\d+|notesSlides/\w+|comments/\w+|slideMasters/\w+)\.xml$|docProps/\w+\.xml$"
    r"|(?:[a-z]+/)?(?:charts|diagrams)/\w+\.xml$|customXml/item\d+\.xml$"
)
_ODF_TEXTS: Final = frozenset(("content.xml", "styles.xml", "meta.xml"))
_LOADED: Final = re.compile(
    r"/(?:attachedTemplate|oleObject|frame|subDocument|externalLinkPath|package|control|activeX\w*|webSettings|mailMergeSource)$",
    re.I,
)
_RELATION: Final = re.compile(r"<(?:\w+:)?Relationship\b[^>]{0,8000}>", re.S)
_ATTRIBUTE: Final = re.compile(r"\b(Type|Target|TargetMode)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_DDE: Final = re.compile(r"\bDDE(?:AUTO)?\b|\bINCLUDE(?:PICTURE|TEXT)\s+\"?(?:https?:|\\\\)", re.I)
_FORMULA: Final = re.compile(
    r"^[ \t]*[=+\-@]?[ \t]*(?:cmd|msexcel|powershell|rundll32|regsvr32|mshta|wscript|cscript|certutil)(?:\.exe)?"
    r"[ \t]*\|",
    re.I | re.M,
)
_WHITE: Final = frozenset(("FFFFFF", "FFFFFFFF", "FEFEFE"))
_TINY: Final = 5
"""Half points: 2.5 points and less."""


class _Doctype(Exception):
    pass


def office(look: Look, data: bytes, kind: Kind) -> Iterator[tuple[str, bytes]]:
    """A document that is a ZIP; gives the files that are embedded in it."""
    hidden: set[str] = set()
    seen: dict[str, bytes] = {}
    for name, content in members(look, data, ZIP):
        seen[name.lower()] = b""
        low = name.lower()
        if low.endswith(".rels"):
            _relations(look, content)
        elif "vbaproject" in low or low.startswith(("basic/", "scripts/")):
            look.find(f"{ACTIVE}/macro", Severity.HIGH, 0.9)
            yield name, content
        elif "macrosheets/" in low or "/dialogsheets/" in low:
            look.find(f"{ACTIVE}/macro", Severity.HIGH, 0.9, "excel 4")
        elif "/activex/" in low:
            look.find(f"{ACTIVE}/activex", Severity.HIGH, 0.8)
        elif low == "meta-inf/manifest.xml" and b"encryption-data" in content:
            look.find(f"{ARCHIVE}/encrypted", Severity.HIGH, 0.9)
        elif _TEXTS.search(name) or (kind is ODF and low in _ODF_TEXTS):
            _text_part(look, content, name, hidden)
        elif not low.endswith((".xml", ".vml")):
            yield name, content
    if kind is not ODF and "[content_types].xml" not in seen:
        look.fail(ACTIVE)
    for how in sorted(hidden):
        look.find(f"{HIDDEN}/document", Severity.INFO, 0.7, how)


def dangerous_formula(text: str) -> bool:
    """True for a cell that starts a program when a table is opened (dynamic data exchange, "CSV injection")."""
    return _FORMULA.search(text) is not None


def _relations(look: Look, content: bytes) -> None:
    text = _decoded(content)
    for relation in _RELATION.findall(text):
        held = {name: (first or second) for name, first, second in _ATTRIBUTE.findall(relation)}
        target = _unescaped(held.get("Target", ""))
        scheme = target.strip().lower()
        outside = held.get("TargetMode", "").lower() == "external"
        if scheme.startswith(
            ("javascript:", "vbscript:", "ms-msdt:", "search-ms:", "mhtml:", "file:", "\\\\", "x-usc:")
        ):
            look.find(f"{ACTIVE}/external", Severity.HIGH, 0.9, "scheme")
        elif outside and _LOADED.search(held.get("Type", "")):
            look.find(f"{ACTIVE}/external", Severity.HIGH, 0.9, "loaded")
        if outside:
            look.say(target)


def _text_part(look: Look, content: bytes, name: str, hidden: set[str]) -> None:
    reader = _PartReader(name)
    try:
        reader.read(content)
    except _Doctype:
        look.find(f"{ACTIVE}/entities", Severity.HIGH, 0.9)
        return
    except expat.ExpatError:
        look.fail(ACTIVE)
        return
    text = "".join(reader.said)
    look.say(text)
    hidden |= reader.hidden
    fields = "".join(reader.fields)
    if _DDE.search(fields) or ("/externallinks/" in name.lower() and b"ddeLink" in content):
        look.find(f"{ACTIVE}/dde", Severity.HIGH, 0.9)
    elif dangerous_formula("\n".join(reader.formulas)):
        look.find(f"{ACTIVE}/dde", Severity.HIGH, 0.8, "formula")


class _PartReader:
    """Text of one XML part. Names are taken without their prefixes."""

    def __init__(self, name: str) -> None:
        self.said: list[str] = []
        self.fields: list[str] = []
        self.formulas: list[str] = []
        self.hidden: set[str] = set()
        self._in: list[str] = []
        self._style: str = ""
        self._slide = "slides/" in name

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(content, True)

    def _doctype(self, *_: object) -> None:
        raise _Doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        self._in.append(local)
        held = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if local == "r":
            self._style = ""
        elif local in {"vanish", "webHidden", "specVanish"} and held.get("val", "1") not in {"0", "false", "off"}:
            self._style = "vanish"
        elif (local == "color" and held.get("val", "").upper() in _WHITE) or (
            local == "srgbClr" and held.get("val", "").upper() in _WHITE and "rPr" in self._in
        ):
            self._style = self._style or "white"
        elif local == "sz" and held.get("val", "99").isdigit() and int(held["val"]) <= _TINY:
            self._style = self._style or "tiny"
        elif local == "sheet" and held.get("state", "visible") != "visible":
            self.hidden.add("sheet")
        elif local == "sld" and held.get("show") == "0":
            self.hidden.add("slide")
        elif local in {"row", "col"} and held.get("hidden") in {"1", "true"}:
            self.hidden.add("row or column")
        elif local == "off" and self._slide and any(held.get(axis, "0").startswith("-") for axis in "xy"):
            self.hidden.add("off the slide")
        elif local == "display" and held.get("text:display") == "none":
            self.hidden.add("vanish")
        if local in {"docPr", "cNvPr"}:
            self.said.append(f"\n{held.get('descr', '')} {held.get('title', '')}\n")
        if local == "fldSimple":
            self.fields.append(held.get("instr", ""))
        if local in {"p", "tr", "si", "row", "br", "tab", "comment"}:
            self.said.append("\n" if local != "tab" else " ")
        elif local in {"c", "h"}:
            self.said.append(" ")

    def _end(self, name: str) -> None:
        self._in.pop()

    def _characters(self, text: str) -> None:
        local = self._in[-1]
        if local == "instrText":
            self.fields.append(text)
        elif local == "f":
            self.formulas.append(text)
        elif local not in {"posOffset", "v"}:
            self.said.append(text)
            if self._style and text.strip():
                self.hidden.add(self._style)


def _decoded(content: bytes) -> str:
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "replace")


def _unescaped(text: str) -> str:
    return text.replace("&amp;", "&").replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">")


# --- OLE: documents of Office 97 to 2003, and the shell around encrypted ones -----------------------------


def _wide(name: str) -> bytes:
    return name.encode("utf-16-le")


_OLE_MACROS: Final = (_wide("_VBA_PROJECT"), _wide("VBA\0"), _wide("Macros\0"))
_OLE_OBJECTS: Final = (_wide("\1Ole10Native"), _wide("Equation Native"), _wide("\1CompObj\0Package"))
_XLM: Final = re.compile(rb"\x85\x00(.)\x00.{4}[\x00-\x02]\x01(.)", re.S)
_WORDS: Final = re.compile(rb"[\x09\x0a\x0d\x20-\x7e\xa0-\xff]{6,}")
_WIDE_WORDS: Final = re.compile(rb"(?:[\x09\x0a\x0d\x20-\x7e\xa0-\xff]\x00){5,}")


def ole(look: Look, data: bytes) -> None:
    """A compound file (MS-CFB): names of its directory stand in it in UTF-16, each in one piece."""
    if _wide("EncryptedPackage") in data or _wide("EncryptionInfo") in data:
        look.find(f"{ARCHIVE}/encrypted", Severity.HIGH, 0.9)
        return
    if any(name in data for name in _OLE_MACROS):
        look.find(f"{ACTIVE}/macro", Severity.HIGH, 0.9)
    if any(name in data for name in _OLE_OBJECTS):
        look.find(f"{ACTIVE}/object", Severity.HIGH, 0.85)
    if _wide("Workbook\0") in data and any(
        found[1][0] in {8 + found[2][0], 8 + 2 * found[2][0]} for found in _XLM.finditer(data)
    ):
        look.find(f"{ACTIVE}/macro", Severity.HIGH, 0.8, "excel 4")
    if b"MZ" in data and b"This program " in data:
        look.find(f"{ACTIVE}/object", Severity.HIGH, 0.9, "program")
    look.say("\n".join(found.decode("utf-16-le", "replace") for found in _WIDE_WORDS.findall(data)))
    look.say("\n".join(found.decode("cp1252", "replace") for found in _WORDS.findall(data)))


# --- RTF --------------------------------------------------------------------------------------------------

_RTF_OBJECT: Final = re.compile(rb"\\obj(?:data|update|autlink|link|ocx)\b", re.I)
_RTF_LOADED: Final = re.compile(rb"\\\*\s*\\template\b[^}]{0,200}?(?:https?:|\\\\\\\\)|DDEAUTO|\bDDE\s", re.I)
_RTF_TOKEN: Final = re.compile(
    r"\\'([0-9a-fA-F]{2})|\\u(-?\d{1,6})\??|\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\(.)|([{}])|[\r\n]+", re.S
)
_RTF_UNSEEN: Final = frozenset(
    ("fonttbl", "colortbl", "stylesheet", "pict", "themedata", "datastore", "objdata", "generator")
)


def rtf(look: Look, data: bytes) -> None:
    """Rich text."""
    plain = re.sub(rb"[\r\n]+", b"", data)
    if _RTF_OBJECT.search(plain):
        look.find(f"{ACTIVE}/object", Severity.HIGH, 0.9, "rtf")
    if _RTF_LOADED.search(plain):
        look.find(f"{ACTIVE}/external", Severity.HIGH, 0.85, "rtf")
    text = data.decode("latin-1")
    said: list[str] = []
    mute: list[bool] = [False]
    at = 0
    while at < len(text):
        token = _RTF_TOKEN.match(text, at)
        if token is None:
            if not mute[-1]:
                said.append(text[at])
            at += 1
            continue
        at = token.end()
        coded, wide, word, _, symbol, brace = token.groups()
        if brace == "{":
            mute.append(mute[-1])
        elif brace == "}":
            if len(mute) > 1:
                mute.pop()
        elif word in _RTF_UNSEEN:
            mute[-1] = True
        elif mute[-1]:
            continue
        elif coded:
            said.append(bytes.fromhex(coded).decode("cp1252", "replace"))
        elif wide:
            number = int(wide) % 65_536
            said.append(chr(number) if not 0xD800 <= number < 0xE000 else " ")
        elif word in {"par", "line", "cell", "row", "tab"}:
            said.append("\n")
        elif word == "v" and token[4] != "0":
            look.find(f"{HIDDEN}/document", Severity.INFO, 0.7, "vanish")
        elif symbol in {"\\", "{", "}"}:
            said.append(symbol)
    look.say("".join(said))
