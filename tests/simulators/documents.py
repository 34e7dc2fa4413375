"""Small documents, made from nothing, as people and as attackers make them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence

TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
PE = (
    b"MZ"
    + bytes(58)
    + (128).to_bytes(4, "little")
    + b"This program cannot be run in DOS mode.".ljust(64, b"\0")
    + b"PE\0\0"
)


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def locked(data: bytes) -> bytes:
    """A ZIP whose flags say that its first member is encrypted."""
    out = bytearray(data)
    out[6] |= 1
    out[out.index(b"PK\1\2") + 8] |= 1
    return bytes(out)


def tarred(members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return out.getvalue()


def packed(data: bytes, how: str) -> bytes:
    return {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}[how](data)


# --- Office


def docx(body: str = "", more: Mapping[str, bytes] | None = None, rels: Sequence[tuple[str, str, str]] = ()) -> bytes:
    """A Word document. ``body`` is WordprocessingML; ``rels`` are type, target and mode of relationships."""
    document = f'<?xml version="1.0"?><w:document {W}><w:body>{body}</w:body></w:document>'
    relations = "".join(
        f'<Relationship Id="r{at}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
        f'Target="{target}" TargetMode="{mode}"/>'
        for at, (kind, target, mode) in enumerate(rels)
    )
    held = {
        "[Content_Types].xml": TYPES,
        "word/document.xml": document.encode(),
        "word/_rels/document.xml.rels": f"<Relationships>{relations}</Relationships>".encode(),
        **(more or {}),
    }
    return zipped(held)


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def xlsx(more: Mapping[str, bytes], sheet: str = "") -> bytes:
    workbook = f"<workbook><sheets>{sheet}</sheets></workbook>".encode()
    return zipped({"[Content_Types].xml": TYPES, "xl/workbook.xml": workbook, **more})


def ole(*streams: str, content: bytes = b"") -> bytes:
    """The look of a compound file: its mark, a directory with these names, and some content."""
    directory = b"".join(name.encode("utf-16-le").ljust(64, b"\0") + bytes(64) for name in streams)
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + directory + content.ljust(512, b"\0")


# --- PDF


def pdf(text: str = "", extra: Sequence[str] = (), catalog: str = "", content: str = "", tail: bytes = b"") -> bytes:
    """A PDF of one page. ``extra`` are more objects, from number 6 on; ``catalog`` goes into the root."""
    drawn = content or f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *extra,
    ]
    return written([one.encode("latin-1") for one in objects]) + tail


def written(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + one + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def stream(data: bytes, keys: str = "", *, deflate: bool = False) -> str:
    body = zlib.compress(data) if deflate else data
    keys += " /Filter /FlateDecode" if deflate else ""
    return f"<< /Length {len(body)} {keys} >>\nstream\n{body.decode('latin-1')}\nendstream"


def packed_objects(number: int, objects: Mapping[int, str]) -> str:
    """An object stream (ISO 32000-2, 7.5.7) with these objects, deflated."""
    heads, bodies = [], ""
    for inner, body in objects.items():
        heads.append(f"{inner} {len(bodies)}")
        bodies += body + " "
    head = " ".join(heads) + " "
    return stream((head + bodies).encode(), f"/Type /ObjStm /N {len(objects)} /First {len(head)}", deflate=True)


# --- images


def png(chunks: Sequence[tuple[bytes, bytes]] = (), tail: bytes = b"", width: int = 1, height: int = 1) -> bytes:
    """A PNG of grey pixels, with more chunks before its data and ``tail`` behind its end."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    pixels = zlib.compress((b"\0" + b"\x80" * min(width, 64)) * min(height, 64))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    more = b"".join(chunk(name, data) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"") + tail


def mail(body: str, name: str = "", attached: bytes = b"") -> bytes:
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Hello"
    message.set_content(body)
    if attached:
        message.add_attachment(attached, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
