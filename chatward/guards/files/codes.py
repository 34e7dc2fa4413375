"""QR codes and other codes in images: what they say goes to the guards of texts and links.

Pixels are decoded by Pillow and codes by ZXing, both extras. An image larger than the bounds is not decoded, and then
counts as unread. So does one
of a common kind that Pillow cannot open. Animations are read by their first frame.
"""

from __future__ import annotations

import io
from typing import Final

from chatward.guards.files.looking import IMAGE, Look

_READ: Final = frozenset(("bmp", "gif", "jpeg", "png", "tiff", "webp"))


def codes(look: Look, data: bytes, name: str) -> None:
    """Reads the codes of an image of kind ``name`` into the text of ``look``."""
    try:
        import zxingcpp  # noqa: PLC0415 - extras
        from PIL import Image  # noqa: PLC0415
    except ImportError:  # then codes are not read, as words in pictures are not (docs/files.md)
        return
    Image.MAX_IMAGE_PIXELS = None  # bounded here, before anything is decoded
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > look.bounds.pixels:
                look.fail(IMAGE)
                return
            if image.mode in {"P", "PA", "LA", "RGBA"}:  # on white, as most pages show it
                seen = image.convert("RGBA")
                grey = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("L")
            else:
                grey = image.convert("L")
    except Exception:  # whatever Pillow meets in a damaged file
        if name in _READ:
            look.fail(IMAGE)
        return
    if max(grey.size) > 4000:
        grey.thumbnail((4000, 4000))
    for found in zxingcpp.read_barcodes(grey):
        if found.text:
            look.say(found.text)
