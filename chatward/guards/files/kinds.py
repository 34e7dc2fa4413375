"""What a file is, told by its content: never by its name or by what it is declared to be.

The rules:

1. The first signature of ``_MAGIC`` that fits decides, as programs that open files do. Containers are looked into: a
   ZIP is a Word document if it holds one, an OLE file if it holds streams of one.
2. What has no signature is text if it reads as text (UTF-8, UTF-16 with its mark, or a single-byte code page without
   control characters), and then told apart by its first lines.
3. What is neither is ``unknown``: nobody can say what it does.
4. A declared type that belongs to another family than the content is a lie worth a finding (``mismatch``): programs on
   the way may go by the one or by the other.

Sources: the formats' own specifications; ``file(1)``'s names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Family(str, Enum):
    """What is done with a file."""

    TEXT = "text"
    MARKUP = "markup"
    DOCUMENT = "document"
    ARCHIVE = "archive"
    IMAGE = "image"
    MEDIA = "media"  # sound and film: passed on, not read
    FONT = "font"
    PROGRAM = "program"
    SCRIPT = "script"  # what a click runs
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of file: its short name (``pdf``), its family and its media type."""

    name: str
    family: Family
    media: str


_T, _M, _D, _A, _I = Family.TEXT, Family.MARKUP, Family.DOCUMENT, Family.ARCHIVE, Family.IMAGE
_P, _S, _F = Family.PROGRAM, Family.SCRIPT, Family.FONT

UNKNOWN: Final = Kind("unknown", Family.UNKNOWN, "application/octet-stream")
TEXT: Final = Kind("txt", _T, "text/plain")
HTML: Final = Kind("html", _M, "text/html")
SVG: Final = Kind("svg", _M, "image/svg+xml")
XML: Final = Kind("xml", _M, "application/xml")
EML: Final = Kind("eml", _M, "message/rfc822")
RTF: Final = Kind("rtf", _D, "application/rtf")
PDF: Final = Kind("pdf", _D, "application/pdf")
OLE: Final = Kind("ole", _D, "application/x-ole-storage")
ZIP: Final = Kind("zip", _A, "application/zip")
DOCX: Final = Kind("docx", _D, "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
XLSX: Final = Kind("xlsx", _D, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
PPTX: Final = Kind("pptx", _D, "application/vnd.openxmlformats-officedocument.presentationml.presentation")
ODF: Final = Kind("odf", _D, "application/vnd.oasis.opendocument")
GZIP: Final = Kind("gzip", _A, "application/gzip")
BZIP2: Final = Kind("bzip2", _A, "application/x-bzip2")
XZ: Final = Kind("xz", _A, "application/x-xz")
TAR: Final = Kind("tar", _A, "application/x-tar")
JPEG: Final = Kind("jpeg", _I, "image/jpeg")
PNG: Final = Kind("png", _I, "image/png")
GIF: Final = Kind("gif", _I, "image/gif")
WEBP: Final = Kind("webp", _I, "image/webp")
PE: Final = Kind("pe", _P, "application/vnd.microsoft.portable-executable")
SHELL: Final = Kind("shell", _T, "text/x-shellscript")


def _kind(name: str, family: Family, media: str) -> Kind:
    return Kind(name, family, media)


_MEDIA = Family.MEDIA
_MAGIC: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (0, b"BM", _kind("bmp", _I, "image/bmp")),
    (0, b"II*\0", _kind("tiff", _I, "image/tiff")),
    (0, b"MM\0*", _kind("tiff", _I, "image/tiff")),
    (0, b"\0\0\1\0", _kind("ico", _I, "image/vnd.microsoft.icon")),
    (4, b"ftypheic", _kind("heic", _I, "image/heic")),
    (4, b"ftypheix", _kind("heic", _I, "image/heic")),
    (4, b"ftypmif1", _kind("heic", _I, "image/heic")),
    (4, b"ftypavif", _kind("avif", _I, "image/avif")),
    (0, b"%PDF-", PDF),
    (0, b"{\\rt", RTF),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (0, b"PK\3\4", ZIP),
    (0, b"PK\5\6", ZIP),
    (0, b"PK\7\x08", ZIP),
    (0, b"\x1f\x8b", GZIP),
    (0, b"BZh", BZIP2),
    (0, b"\xfd7zXZ\0", XZ),
    (0, b"7z\xbc\xaf\x27\x1c", _kind("7z", _A, "application/x-7z-compressed")),
    (0, b"Rar!\x1a\7", _kind("rar", _A, "application/vnd.rar")),
    (0, b"\x28\xb5\x2f\xfd", _kind("zstd", _A, "application/zstd")),
    (0, b"MSCF\0\0\0\0", _kind("cab", _A, "application/vnd.ms-cab-compressed")),
    (0, b"ITSF", _kind("chm", _S, "application/vnd.ms-htmlhelp")),
    (0, b"!<arch>\n", _kind("ar", _A, "application/x-archive")),
    (0, b"\xed\xab\xee\xdb", _kind("rpm", _P, "application/x-rpm")),
    (257, b"ustar", TAR),
    (32769, b"CD001", _kind("iso", _A, "application/x-iso9660-image")),
    (0, b"\x7fELF", _kind("elf", _P, "application/x-elf")),
    (0, b"\xfe\xed\xfa\xce", _kind("macho", _P, "application/x-mach-binary")),
    (0, b"\xfe\xed\xfa\xcf", _kind("macho", _P, "application/x-mach-binary")),
    (0, b"\xce\xfa\xed\xfe", _kind("macho", _P, "application/x-mach-binary")),
    (0, b"\xcf\xfa\xed\xfe", _kind("macho", _P, "application/x-mach-binary")),
    (0, b"\xca\xfe\xba\xbe", _kind("class", _P, "application/java-vm")),
    (0, b"dex\n", _kind("dex", _P, "application/vnd.android.dex")),
    (0, b"\0asm", _kind("wasm", _P, "application/wasm")),
    (0, b"MZ", PE),
    (0, b"L\0\0\0\x01\x14\x02\0", _kind("lnk", _S, "application/x-ms-shortcut")),
    (0, b"ID3", _kind("mp3", _MEDIA, "audio/mpeg")),
    (0, b"OggS", _kind("ogg", _MEDIA, "audio/ogg")),
    (0, b"fLaC", _kind("flac", _MEDIA, "audio/flac")),
    (0, b"\x1aE\xdf\xa3", _kind("webm", _MEDIA, "video/webm")),
    (4, b"ftyp", _kind("mp4", _MEDIA, "video/mp4")),
    (0, b"#!AMR", _kind("amr", _MEDIA, "audio/amr")),
    (0, b"MThd", _kind("midi", _MEDIA, "audio/midi")),
    (0, b"wOFF", _kind("woff", _F, "font/woff")),
    (0, b"wOF2", _kind("woff2", _F, "font/woff2")),
    (0, b"OTTO", _kind("otf", _F, "font/otf")),
    (0, b"\0\1\0\0\0", _kind("ttf", _F, "font/ttf")),
)
_RIFF: Final = {
    b"WEBP": WEBP,
    b"WAVE": _kind("wav", _MEDIA, "audio/wav"),
    b"AVI ": _kind("avi", _MEDIA, "video/x-msvideo"),
}
_CONTENT: Final = (
    (re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*|<!--.*?-->\s*|<!DOCTYPE\s+svg[^>]*>\s*)*<svg[\s>]", re.I | re.S), SVG),
    (
        re.compile(
            rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|iframe|meta|title|table|div|p|h1|style|form"
            rb"|hta:application)[\s>/]",
            re.I | re.S,
        ),
        HTML,
    ),
    (re.compile(rb"\s*<\?xml\b", re.I), XML),
    (re.compile(rb"(?:From |Return-Path:|Received:|MIME-Version:|Message-ID:|Delivered-To:|From:)[^\n]*\n", re.I), EML),
    (re.compile(rb"#![ \t]*/"), SHELL),
    (re.compile(rb"\s*\[InternetShortcut\]", re.I), _kind("url", _S, "application/x-mswinurl")),
    (re.compile(rb"(?:Windows Registry Editor Version|REGEDIT4)"), _kind("reg", _S, "text/x-ms-regedit")),
)
_CLICKED: Final = frozenset(
    re.split(
        r"\s+",
        "app appref-ms application bat chm cmd com cpl dll exe gadget hta inf ins isp jar jnlp js jse lnk mht msc msi "
        "msp mst pif ps1 reg scf scr sct settingcontent-ms sh url vb vbe vbs wsc wsf wsh xll",
    )
)
"""Extensions that a click runs on a common desktop. Those of source code that nobody runs by a click are not here."""
_SOURCE: Final = frozenset(["js", "sh", "bat", "cmd", "ps1", "vb", "reg", "inf"])
"""Those that people also show each other as text: their content is read, and their name alone is only noted."""
_EXTENSIONS: Final = {
    "pdf": _D, "doc": _D, "docx": _D, "docm": _D, "dot": _D, "dotm": _D, "xls": _D, "xlsx": _D, "xlsm": _D, "xlsb": _D,
    "ppt": _D, "pptx": _D, "pptm": _D, "odt": _D, "ods": _D, "odp": _D, "rtf": _D, "zip": _A, "gz": _A, "tgz": _A,
    "tar": _A, "bz2": _A, "xz": _A, "7z": _A, "rar": _A, "png": _I, "jpg": _I, "jpeg": _I, "gif": _I, "webp": _I,
    "bmp": _I, "tif": _I, "tiff": _I, "heic": _I, "avif": _I, "txt": _T, "md": _T, "csv": _T, "json": _T, "log": _T,
    "html": _M, "htm": _M, "svg": _M, "xml": _M, "eml": _M, "mp3": _MEDIA, "wav": _MEDIA, "ogg": _MEDIA,
    "mp4": _MEDIA, "webm": _MEDIA, "flac": _MEDIA, "m4a": _MEDIA,
}  # fmt: skip
_READ_ALIKE: Final = frozenset((_T, _M))
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def kind_of(data: bytes) -> Kind:
    """The kind of ``data`` by its content."""
    for offset, magic, kind in _MAGIC:
        if data.startswith(magic, offset):
            if kind is ZIP:
                return _zipped(data)
            if kind.name == "bmp" and not _is_bitmap(data):
                continue
            if kind is PE and _text(data) is not None and len(data) < 64:
                continue
            return kind
    if data.startswith(b"RIFF") and data[8:12] in _RIFF:
        return _RIFF[data[8:12]]
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    head = data[start : start + 4096]
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        head = data[:8192].decode("utf-16", "replace").encode("utf-8", "replace").lstrip(b"\xef\xbb\xbf")
    if _text(data) is None:
        if len(data) > 2 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0 and data[1] & 0x06:
            return _kind("mp3", _MEDIA, "audio/mpeg")
        late = data.find(b"%PDF-", 0, 1024)  # readers take a header within the first 1024 bytes (ISO 32000, annex H)
        return PDF if late >= 0 else UNKNOWN
    for pattern, kind in _CONTENT:
        if pattern.match(head):
            return kind
    return PDF if b"%PDF-" in head[:1024] and b"endobj" in data else TEXT


def text_of(data: bytes) -> str | None:
    """The text that ``data`` is, or ``None``."""
    return _text(data)


def _text(data: bytes) -> str | None:
    if data[:4] in {b"\xff\xfe\0\0", b"\0\0\xfe\xff"}:
        encodings: tuple[str, ...] = ("utf-32",)
    elif data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encodings = ("utf-16",)
    elif _CONTROLS.search(data):
        return None
    else:
        encodings = ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _is_bitmap(data: bytes) -> bool:
    """BITMAPFILEHEADER: two reserved words that are nought, and a header size of the known ones."""
    return len(data) >= 18 and data[6:10] == b"\0\0\0\0" and int.from_bytes(data[14:18], "little") in range(12, 125)


def _zipped(data: bytes) -> Kind:
    """By names that stand in the clear in every ZIP."""
    if b"[Content_Types].xml" in data or b"_rels/.rels" in data:
        for folder, kind in ((b"word/", DOCX), (b"xl/", XLSX), (b"ppt/", PPTX)):
            if folder in data:
                return kind
    if data.startswith(b"mimetypeapplication/vnd.oasis.opendocument", 30):
        return ODF
    if b"META-INF/MANIFEST.MF" in data and b".class" in data:
        return _kind("jar", _P, "application/java-archive")
    if b"AndroidManifest.xml" in data and b"classes.dex" in data:
        return _kind("apk", _P, "application/vnd.android.package-archive")
    return ZIP


def extension_of(name: str) -> str:
    """The last extension of a name as Windows and people read it: blanks, dots and streams after it do not count."""
    base = re.split(r"[/\\]", name)[-1]
    base = base.split(":")[0].rstrip(" .\u00a0")
    return base.rpartition(".")[2].lower() if "." in base else ""


def is_clicked(name: str) -> bool:
    """True for names that a click runs, other than of source code."""
    extension = extension_of(name)
    return extension in _CLICKED and extension not in _SOURCE


def is_double(name: str) -> bool:
    """``invoice.pdf.js``: an extension that a click runs behind one that people trust."""
    base = re.split(r"[/\\]", name)[-1].rstrip(" .")
    pieces = [piece.strip().lower() for piece in base.split(".")]
    return len(pieces) > 2 and pieces[-1] in _CLICKED and pieces[-2] in _EXTENSIONS


def is_reversed(name: str) -> bool:
    """True where marks of direction make a name read other than it is (``exe.fdp`` shown backwards)."""
    return re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", name) is not None


def agrees(kind: Kind, declared: str, name: str) -> bool:
    """Whether content, declared media type and extension can be of one file. Text and markup are read alike; what is
    declared as bytes of no type agrees with all."""
    families = [family for family in (_declared(declared), _EXTENSIONS.get(extension_of(name))) if family is not None]
    for family in families:
        if family is kind.family or {family, kind.family} <= _READ_ALIKE:
            continue
        if kind in {DOCX, XLSX, PPTX, ODF} and family is _A:
            continue
        if kind.family is Family.TEXT and family is _D:
            continue  # a DOC or an XLS is often plain text; it is read as the text that it is
        if kind is SVG and family is _I:
            continue
        return False
    return True


def _declared(media: str) -> Family | None:
    media = media.lower().strip()
    if media.startswith("image/"):
        return _M if "svg" in media else _I
    if media.startswith(("audio/", "video/")):
        return _MEDIA
    if media == "application/pdf" or "officedocument" in media or "msword" in media or "ms-excel" in media:
        return _D
    if media in {"text/html", "application/xhtml+xml", "text/xml", "application/xml", "message/rfc822"}:
        return _M
    if media.startswith("text/") or media == "application/json":
        return _T
    if media in {"application/zip", "application/gzip", "application/x-tar"}:
        return _A
    return None
