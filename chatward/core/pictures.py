r"""Images that a text holds itself: ``data:`` URLs (RFC 2397) in base64, which Markdown and HTML show as images.

The rule: such an image is a file, not words. ``Pictures`` takes them out of a growing text; in the place of each stands
one code point of private use, so that whoever reads the text reads none of the image, and ``shown`` puts in what goes
out. What comes out does not depend on how the text was split. Drawings (SVG) are left in the text: they can run. So is
what no browser can decode, because it is too short for an image or goes on with a full stop, as examples do
(``data:image/png;base64,iVBORw0KGgo...``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

SHORTEST: Final = 32
"""Characters of base64 without which nothing is an image."""
_HEAD: Final = re.compile(r"(?i)data:image/(?!svg)[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,60}){0,4};base64,")
_LONGEST: Final = 310
"""Code points of a head."""
_BEGUN: Final = re.compile(r"(?i)d(?:a(?:t(?:a(?::(?:i(?:m(?:a(?:g(?:e(?:/[a-z0-9.+;=-]*)?)?)?)?)?)?)?)?)?)?\Z")
_ENDS: Final = frozenset("dDaAtT")
"""In which ``data`` may end where no colon has come yet."""
_END: Final = re.compile(r"[^A-Za-z0-9+/=_%-]")
_ELIDED: Final = frozenset(".…")
_PRIVATE: Final = 0xF0000
_MOST: Final = 4096
"""Stand-ins of one text; images beyond are left in it."""

Ask = Callable[[str, bool], str | None]
"""Takes the URL of an image, and whether the text is at its end; returns what goes out in its place, or ``None`` where
that has to wait for another piece of the text, or nothing may leave any more."""


class Pictures:
    """One growing text."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._held = ""
        """What may be the beginning of a head, or stands behind an image that waits."""
        self._url: list[str] | None = None
        """The image that is under way, in pieces."""
        self._shown: dict[int, str] = {}

    def take(self, piece: str, *, final: bool = False) -> str:
        """The next piece, with stand-ins for images."""
        if self._url is None and not self._held and ":" not in piece and piece[-1:] not in _ENDS:
            return piece
        text, self._held = self._held + piece, ""
        out: list[str] = []
        while True:
            if self._url is not None:
                end = _END.search(text)
                if end is None and not final:
                    self._url.append(text)
                    return "".join(out)
                at = len(text) if end is None else end.start()
                url = "".join(self._url) + text[:at]
                stands = self._stand_in(url, text[at : at + 1], final=final)
                if stands is None:
                    self._url, self._held = [url], text[at:]
                    return "".join(out)
                out.append(stands)
                text, self._url = text[at:], None
            head = _HEAD.search(text)
            if head is None:
                break
            out.append(text[: head.start()])
            self._url, text = [head[0]], text[head.end() :]
        begun = None if final else _BEGUN.search(text, max(0, len(text) - _LONGEST))
        if begun is not None:
            text, self._held = text[: begun.start()], text[begun.start() :]
        out.append(text)
        return "".join(out)

    def shown(self, text: str) -> str:
        """A text with what goes out in place of the stand-ins."""
        return text.translate(self._shown) if self._shown else text

    def _stand_in(self, url: str, behind: str, *, final: bool) -> str | None:
        if not _is_image(url, behind) or len(self._shown) >= _MOST:
            return url
        shown = self._ask(url, final)
        if shown is None:
            return None
        code = _PRIVATE + len(self._shown)
        self._shown[code] = shown
        return chr(code)


def pictures(text: str, *, ended: bool) -> Iterator[str]:
    """The URLs of the images in a text; ``ended``: its end is the end of an image too."""
    at = 0
    while (head := _HEAD.search(text, at)) is not None:
        end = _END.search(text, head.end())
        if end is None and not ended:
            return
        at = len(text) if end is None else end.start()
        url = text[head.start() : at]
        if _is_image(url, text[at : at + 1]):
            yield url


def _is_image(url: str, behind: str) -> bool:
    return len(url) - url.index(",") > SHORTEST and behind not in _ELIDED
