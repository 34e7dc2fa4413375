"""A file, looked at from all sides: bytes in, a ``Report`` out. Pure; how long it may take is the caller's business.

The order: signatures (on the bytes as they are, and on every member of what is unpacked), the kind by content and
whether it agrees with what was declared, other things that the bytes are as well, then what the kind asks for. Members
of archives, embedded files and parts of mail go the same way, one level deeper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from chatward.core.values import Category, Finding, Severity
from chatward.guards.files import archives, images, kinds, markup, office, polyglots, signatures
from chatward.guards.files.codes import codes
from chatward.guards.files.kinds import Family, Kind
from chatward.guards.files.looking import ACTIVE, ARCHIVE, IDS, IMAGE, MALWARE, TYPE, Bounds, Look, Spent, Tools
from chatward.guards.files.pdf import pdf

_STRIPPED: Final = frozenset((kinds.JPEG, kinds.PNG, kinds.GIF, kinds.WEBP))
_OFFICE: Final = frozenset((kinds.DOCX, kinds.XLSX, kinds.PPTX, kinds.ODF))
_RUNS: Final = frozenset(("batch", "powershell", "vba", "vbscript", "hta", "autohotkey", "autoit", "lnk", "msi", "reg"))
"""Labels of the second opinion that name what a click runs."""
_PROGRAMS: Final = frozenset(("pebin", "elf", "macho", "dex", "apk", "msix", "dmg"))


@dataclass(frozen=True, slots=True)
class Report:
    """What one file is and holds. ``text`` is for the guards of texts; ``plain``: it is the whole file, decoded.
    ``cleaned`` is the file without metadata, where that is another file."""

    kind: str
    media: str
    size: int
    digest: str
    findings: tuple[Finding, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    text: str = field(default="", repr=False)
    plain: bool = False
    cleaned: bytes | None = field(default=None, repr=False)


def inspect(
    data: bytes,
    name: str = "",
    declared: str = "",
    *,
    bounds: Bounds | None = None,
    tools: Tools | None = None,
    strip: bool = True,
) -> Report:
    """Looks at one file. Never raises for what the file holds."""
    look = Look(bounds or Bounds(), tools or Tools())
    kind = kinds.kind_of(data)
    cleaned: bytes | None = None
    plain = kind is kinds.TEXT or kind is kinds.SHELL
    try:
        _names(look, name)
        if not kinds.agrees(kind, declared, name):
            lies = kind.family in {Family.PROGRAM, Family.SCRIPT, Family.MARKUP, Family.ARCHIVE} or kind is kinds.PDF
            severity, sure = (Severity.HIGH, 0.85) if lies else (Severity.MEDIUM, 0.6)
            look.find(f"{TYPE}/mismatch", severity, sure, kind.name)
        _look(look, data, name, kind, 0)
        if strip and kind in _STRIPPED:
            cleaned = _cleaned(look, data, kind)
    except Spent:
        plain = False
    except RecursionError:
        look.fail(ARCHIVE)
        plain = False
    text = look.text
    if plain:
        text = kinds.text_of(data) or ""
        if len(text) > look.bounds.text or text.encode("utf-8", "surrogatepass") != data:
            plain, text = False, look.text
    return Report(
        kind.name,
        kind.media,
        len(data),
        sha256(data).hexdigest(),
        tuple(look.findings),
        tuple(look.failed.items()),
        text.encode("utf-8", "replace").decode(),
        plain,
        cleaned if cleaned != data else None,
    )


def unread(data: bytes, reason: str) -> Report:
    """The report on a file that could not be looked at."""
    return Report("unknown", "", len(data), sha256(data).hexdigest(), failed=tuple((name, reason) for name in IDS))


def _look(look: Look, data: bytes, name: str, kind: Kind, depth: int, *, within: bool = False) -> None:
    """``within``: in a document, which carries much that only its program knows (pictures of old kinds, settings)."""
    _signatures(look, data)
    for other in polyglots.others(data, kind):
        look.find(f"{TYPE}/polyglot", Severity.HIGH, 0.9, other)
    family = kind.family
    if family is Family.PROGRAM:
        look.find(f"{TYPE}/executable", Severity.CRITICAL, 0.95, kind.name)
        if kind.name in {"jar", "apk"}:
            _children(look, archives.members(look, data, kinds.ZIP), depth)
    elif family is Family.SCRIPT:
        look.find(f"{TYPE}/script", Severity.HIGH, 0.9, kind.name)
    elif family is Family.ARCHIVE:
        _archive(look, data, name, kind, depth)
    elif family is Family.IMAGE:
        _image(look, data, kind)
    elif family is Family.DOCUMENT:
        _document(look, data, kind, depth)
    elif family is Family.MARKUP:
        _markup(look, data, kind, depth)
    elif family is Family.TEXT:
        _text(look, data, name)
    elif family is Family.UNKNOWN:
        _unknown(look, data, within=within)


def _children(look: Look, children: Iterable[tuple[str, bytes]], depth: int, *, within: bool = False) -> None:
    for name, content in children:
        if depth + 1 > look.bounds.depth:
            look.find(f"{ARCHIVE}/too-deep", Severity.HIGH, 0.9)
            raise Spent
        _names(look, name)
        kind = kinds.kind_of(content)
        if name and kind.family in {Family.PROGRAM, Family.SCRIPT} and not kinds.agrees(kind, "", name):
            look.find(f"{TYPE}/mismatch", Severity.HIGH, 0.85, kind.name)
        _look(look, content, name, kind, depth + 1, within=within)


def _names(look: Look, name: str) -> None:
    if kinds.is_reversed(name):
        look.find(f"{TYPE}/name", Severity.HIGH, 0.9, "direction marks")
    if kinds.is_double(name):
        look.find(f"{TYPE}/name", Severity.HIGH, 0.9, "two extensions")
    elif kinds.is_clicked(name):
        look.find(f"{TYPE}/script", Severity.HIGH, 0.8, "by name")


def _signatures(look: Look, data: bytes) -> None:
    for name in signatures.known(data):
        look.find(f"{MALWARE}/{name}", Severity.CRITICAL, 0.95)
    if look.tools.scanner is not None:
        try:
            for name in look.tools.scanner.scan(data):
                look.find(f"{MALWARE}/yara-{name}", Severity.HIGH, 0.9)
        except Exception:  # its own time limit, or a module that met what it does not know
            look.fail(MALWARE, "error")


def _archive(look: Look, data: bytes, name: str, kind: Kind, depth: int) -> None:
    inner = name.rpartition(".")[0] if kind in {kinds.GZIP, kinds.BZIP2, kinds.XZ} else ""
    children = archives.members(look, data, kind)
    _children(look, ((member or inner, content) for member, content in children), depth)


def _image(look: Look, data: bytes, kind: Kind) -> None:
    width, height = images.size_of(data, kind)
    if width * height > look.bounds.pixels:
        look.find(f"{IMAGE}/bomb", Severity.HIGH, 0.9)
        return
    codes(look, data, kind.name)


def _cleaned(look: Look, data: bytes, kind: Kind) -> bytes | None:
    try:
        cleaned, behind = images.stripped(data, kind)
    except images.Damaged:
        look.fail(IMAGE)
        return None
    if behind.strip(b"\0\r\n "):
        look.find(f"{IMAGE}/trailing", Severity.INFO, 0.7)
    if cleaned != data:
        look.find(f"{IMAGE}/metadata", Severity.INFO, 0.9)
    return cleaned


def _document(look: Look, data: bytes, kind: Kind, depth: int) -> None:
    if kind is kinds.PDF:
        _children(look, pdf(look, data), depth)
    elif kind in _OFFICE:
        _children(look, office.office(look, data, kind), depth, within=True)
    elif kind is kinds.OLE:
        office.ole(look, data)
    else:
        office.rtf(look, data)


def _markup(look: Look, data: bytes, kind: Kind, depth: int) -> None:
    if kind is kinds.EML:
        _children(look, markup.mail(look, data), depth)
    elif kind is kinds.SVG:
        markup.vector(look, data)
    elif kind is kinds.HTML:
        markup.page(look, data)
    else:
        markup.markup(look, data)


def _text(look: Look, data: bytes, name: str) -> None:
    text = kinds.text_of(data) or ""
    look.say(text)
    if kinds.extension_of(name) in {"csv", "tsv", "slk", "iqy"} and office.dangerous_formula(text.replace(",", "\n")):
        look.find(f"{ACTIVE}/dde", Severity.HIGH, 0.85, "formula")
    if look.tools.typer is not None:
        label = look.tools.typer.name(data)
        if label in _RUNS:
            look.find(f"{TYPE}/script", Severity.LOW, 0.4, label)


def _unknown(look: Look, data: bytes, *, within: bool) -> None:
    if not data:
        return
    label = look.tools.typer.name(data) if look.tools.typer is not None else ""
    if label in _PROGRAMS or label in _RUNS:
        look.find(f"{TYPE}/executable", Severity.HIGH, 0.9, label)
    if not within:
        look.find(f"{TYPE}/unknown", Severity.MEDIUM, 0.6, category=Category.POLICY)
