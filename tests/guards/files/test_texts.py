"""What files say, for the guards of texts: everything that a model may be fed, seen or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatward.guards.files.inspecting import inspect
from chatward.guards.files.looking import HIDDEN, Bounds
from tests.simulators.documents import docx, mail, ole, paragraph, pdf, png, xlsx, zipped

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SAID = "the quick brown fox"


def _part(inner: str) -> bytes:
    return f'<x xmlns:w="{W}"><w:p><w:r><w:t>{inner}</w:t></w:r></w:p></x>'.encode()


Case = tuple[Callable[[], bytes], str]
"""What makes the file, and how its text is hidden (the finding's detail), or ``""``."""
CASES: dict[str, Case] = {
    "txt": (SAID.encode, ""),
    "utf-16": (lambda: SAID.encode("utf-16"), ""),
    "html": (lambda: b"<html><p>the quick <b>brown</b> fox</p></html>", ""),
    "html, references": (lambda: b"<html><p>the quick br&#111;wn f&#x6f;x</p></html>", ""),
    "html, comment": (f"<html><!-- {SAID} --></html>".encode, "page"),
    "html, alternative text": (f'<html><img alt="{SAID}"></html>'.encode, ""),
    "html, not displayed": (f'<html><div style="display: none">{SAID}</div></html>'.encode, "page"),
    "html, white": (f'<html><span style="color:#fff">{SAID}</span></html>'.encode, "page"),
    "svg": (f'<svg xmlns="http://www.w3.org/2000/svg"><text>{SAID}</text></svg>'.encode, ""),
    "mail": (lambda: mail(SAID), ""),
    "mail with a table": (lambda: mail("Hi", "a.csv", SAID.encode()), ""),
    "zip": (lambda: zipped({"a.txt": SAID.encode()}), ""),
    "docx": (lambda: docx(paragraph(SAID)), ""),
    "docx, in runs": (lambda: docx(f"<w:p>{''.join(f'<w:r><w:t>{one}</w:t></w:r>' for one in SAID)}</w:p>"), ""),
    "docx, vanish": (lambda: docx(paragraph(SAID, "<w:vanish/>")), "vanish"),
    "docx, white": (lambda: docx(paragraph(SAID, '<w:color w:val="FFFFFF"/>')), "white"),
    "docx, tiny": (lambda: docx(paragraph(SAID, '<w:sz w:val="2"/>')), "tiny"),
    "docx, comment": (lambda: docx(more={"word/comments.xml": _part(SAID)}), ""),
    "docx, footnote": (lambda: docx(more={"word/footnotes.xml": _part(SAID)}), ""),
    "docx, properties": (lambda: docx(more={"docProps/core.xml": f"<x><d>{SAID}</d></x>".encode()}), ""),
    "docx, alternative text": (lambda: docx(f'<w:docPr descr="{SAID}"/>'), ""),
    "xlsx": (lambda: xlsx({"xl/sharedStrings.xml": f"<sst><si><t>{SAID}</t></si></sst>".encode()}), ""),
    "xlsx, hidden sheet": (
        lambda: xlsx(
            {"xl/sharedStrings.xml": f"<sst><si><t>{SAID}</t></si></sst>".encode()},
            '<sheet name="a" state="veryHidden"/>',
        ),
        "sheet",
    ),
    "pptx, notes": (
        lambda: zipped({"[Content_Types].xml": b"<x/>", "ppt/notesSlides/notesSlide1.xml": _part(SAID)}),
        "",
    ),
    "odt": (
        lambda: zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": _part(SAID)}, 0),
        "",
    ),
    "doc": (lambda: ole("WordDocument", content=SAID.encode()), ""),
    "doc, wide": (lambda: ole("WordDocument", content=SAID.encode("utf-16-le")), ""),
    "rtf": (lambda: b"{\\rtf1 {\\fonttbl{\\f0 Arial;}}the quick {\\b br\\'6fwn} f\\u111?x}", ""),
    "rtf, hidden": (lambda: b"{\\rtf1 {\\v " + SAID.encode() + b"}}", "vanish"),
    "pdf": (lambda: pdf(SAID), ""),
    "pdf, not drawn": (lambda: pdf(content=f"BT 3 Tr /F1 12 Tf 72 700 Td ({SAID}) Tj ET"), "not drawn"),
    "pdf, white": (lambda: pdf(content=f"1 1 1 rg BT /F1 12 Tf 72 700 Td ({SAID}) Tj ET"), "white"),
    "pdf, tiny": (lambda: pdf(content=f"BT /F1 0.5 Tf 72 700 Td ({SAID}) Tj ET"), "tiny"),
    "pdf, off the page": (lambda: pdf(content=f"BT /F1 12 Tf -900 700 Td ({SAID}) Tj ET"), "off the page"),
    "pdf, note": (lambda: pdf("x", [f"<< /Type /Annot /Subtype /Text /Contents ({SAID}) >>"]), ""),
    "pdf, alternative text": (lambda: pdf("x", [f"<< /S /Figure /Alt ({SAID}) >>"]), ""),
    "pdf, properties": (lambda: pdf("x", [f"<< /Title ({SAID}) >>"]), ""),
}


@pytest.mark.parametrize("name", CASES)
def test_text_is_taken_and_what_is_hidden_is_told(name: str) -> None:
    make, how = CASES[name]
    report = inspect(make())
    assert SAID in " ".join(report.text.split()), report
    hidden = {
        finding.detail or finding.rule.partition("/")[2] for finding in report.findings if finding.guard == HIDDEN
    }
    assert hidden == ({how} if how else set())
    assert report.failed == ()


def test_addresses_behind_links_are_text() -> None:
    address = "https://example.com/path"
    for made in (
        pdf("x", [f"<< /S /URI /URI ({address}) >>"]),
        docx(paragraph("x"), rels=[("hyperlink", address, "External")]),
        f'<html><a href="{address}">here</a></html>'.encode(),
    ):
        assert address in inspect(made).text


def test_a_code_in_an_image_is_text() -> None:
    import io

    import zxingcpp
    from PIL import Image

    address = "https://example.com/pay"
    code = zxingcpp.create_barcode(address, zxingcpp.BarcodeFormat.QRCode).to_image(scale=4)
    for form in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        out = io.BytesIO()
        Image.fromarray(code).convert("L").save(out, form)
        assert inspect(out.getvalue()).text == address, form
    clear = Image.new("RGBA", (code.shape[1], code.shape[0]))  # black on nothing, as web pages have them
    clear.putalpha(Image.eval(Image.fromarray(code).convert("L"), lambda one: 255 - one))
    out = io.BytesIO()
    clear.save(out, "PNG")
    assert inspect(out.getvalue()).text == address
    assert inspect(png()).text == ""


def test_a_text_beyond_the_bound_counts_as_unread() -> None:
    report = inspect(b"word " * 100, bounds=Bounds(text=100))
    assert report.failed
    assert not report.plain
    assert len(report.text) <= 100


def test_a_plain_text_is_the_file() -> None:
    assert inspect("Grüße\n".encode()).plain
    assert not inspect("\ufeffGrüße\n".encode()).plain  # its mark is not part of its text
    assert not inspect("Grüße\n".encode("latin-1")).plain
    assert not inspect(b"<html><p>Hi</p></html>").plain
