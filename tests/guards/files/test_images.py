"""Images without metadata: what is told beside the pixels is gone, the pixels are the same bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from chatward.guards.files.images import Damaged, size_of, stripped
from chatward.guards.files.inspecting import inspect
from chatward.guards.files.kinds import GIF, JPEG, PNG, WEBP, Kind, kind_of
from tests.simulators.documents import png

CANARY = b"canary-51.5007N-0.1246W"
FORMS: dict[str, Kind] = {"JPEG": JPEG, "PNG": PNG, "GIF": GIF, "WEBP": WEBP}


def _image(form: str, seed: int = 7, size: tuple[int, int] = (24, 16)) -> bytes:
    """An image with a canary in every kind of metadata that Pillow writes."""
    width, height = size
    pixels = bytes((seed * at * at + at) % 251 for at in range(width * height * 3))
    image = Image.frombytes("RGB", size, pixels)
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    exif[0x0112] = 6
    xmp = b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"
    out = io.BytesIO()
    more: dict[str, Any] = {}
    if form == "PNG":
        from PIL.PngImagePlugin import PngInfo

        more["pnginfo"] = PngInfo()
        more["pnginfo"].add_text("Comment", CANARY.decode())
        more["pnginfo"].add_itxt("XML:com.adobe.xmp", CANARY.decode(), zip=True)
    if form == "GIF":
        image, more = image.convert("P"), {"comment": CANARY}
    elif form in {"JPEG", "WEBP"}:
        more |= {"xmp": xmp, "exif": exif.tobytes()} | ({"comment": CANARY} if form == "JPEG" else {"lossless": True})
    else:
        more["exif"] = exif.tobytes()
    image.save(out, form, **more)
    return out.getvalue()


def _pixels(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


@pytest.mark.parametrize("form", FORMS)
def test_metadata_are_gone_and_pixels_are_not(form: str) -> None:
    data = _image(form) + b"trailer " + CANARY
    cleaned, behind = stripped(data, FORMS[form])
    assert CANARY in data
    assert CANARY not in cleaned
    assert behind == b"trailer " + CANARY
    assert ImageChops.difference(_pixels(data), _pixels(cleaned)).getbbox() is None
    assert not Image.open(io.BytesIO(cleaned)).getexif().get(0x010E)


def test_a_jpeg_keeps_how_it_is_turned() -> None:
    cleaned, _ = stripped(_image("JPEG"), JPEG)
    assert dict(Image.open(io.BytesIO(cleaned)).getexif()) == {0x0112: 6}


def test_an_animation_stays_one() -> None:
    frames = [Image.new("P", (8, 8), at) for at in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], loop=0, comment=CANARY, optimize=False)
    cleaned, _ = stripped(out.getvalue(), GIF)
    with Image.open(io.BytesIO(cleaned)) as image:
        assert (getattr(image, "n_frames", 1), image.info.get("loop")) == (Image.open(out).n_frames, 0)  # type: ignore[attr-defined]
    assert CANARY not in cleaned


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.integers(0, 250), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_stripping_twice_is_stripping_once(form: str, seed: int, size: tuple[int, int]) -> None:
    once, _ = stripped(_image(form, seed, size), FORMS[form])
    twice, behind = stripped(once, FORMS[form])
    assert twice == once
    assert behind == b""
    assert kind_of(once) is FORMS[form]
    assert ImageChops.difference(_pixels(once), _pixels(_image(form, seed, size))).getbbox() is None


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(FORMS)), st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=6), st.data()
)
def test_a_damaged_image_is_refused_or_read_and_nothing_else(
    form: str, places: list[tuple[int, int]], draw: st.DataObject
) -> None:
    data = bytearray(_image(form))
    for at, value in places:
        data[at % len(data)] = value
    cut = draw.draw(st.integers(0, len(data)))
    for one in (bytes(data), bytes(data[:cut])):
        try:
            cleaned, _ = stripped(one, FORMS[form])
        except Damaged:
            continue
        assert len(cleaned) <= len(one) + 64


def test_a_report_gives_the_cleaned_image_where_it_is_another() -> None:
    report = inspect(png([(b"tEXt", b"Comment\0" + CANARY)]))
    assert report.cleaned is not None
    assert CANARY not in report.cleaned
    assert inspect(png()).cleaned is None
    assert inspect(png([(b"tEXt", b"Comment\0" + CANARY)]), strip=False).cleaned is None


def test_sizes_are_told_by_headers() -> None:
    for form, kind in FORMS.items():
        if kind is not WEBP:
            assert size_of(_image(form), kind) == (24, 16)
