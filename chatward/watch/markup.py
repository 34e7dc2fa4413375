"""Tags and text of HTML in linear time, whoever wrote it.

After the tokenizer of the HTML Standard (section 13.2.5), reduced: every step goes forward, and what never ends ends
the page, as it does in browsers. (``html.parser`` takes minutes for half a megabyte of ``<a``.) Not read: character
references in names, CDATA, what scripts write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final, NamedTuple

RAW: Final = frozenset(("script", "style", "textarea", "title", "noscript", "template", "xmp", "iframe", "noembed"))
"""Elements whose text is no markup; ``title`` and ``textarea`` are shown."""
_NAME: Final = re.compile(r"[A-Za-z][^\s/>]{0,100}")
_LONG: Final = re.compile(r"[^\s/>]*")
_SPACE: Final = re.compile(r"[\s/]*")
_KEY: Final = re.compile(r"[^\s/>=][^\s/>=]*|=[^\s/>=]*")
_EQUAL: Final = re.compile(r"\s*=\s*")
_BARE: Final = re.compile(r"[^\s>]*")
_ENDS: Final = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW}
_MOST_ATTRIBUTES: Final = 32
_MOST_VALUE: Final = 4096


class Tag(NamedTuple):
    """A start tag; the first of each attribute counts. ``inside`` is the text of a ``RAW`` element."""

    name: str
    attributes: dict[str, str]
    inside: str = ""


class End(NamedTuple):
    """An end tag."""

    name: str


def tokens(text: str) -> Iterator[Tag | End | str]:
    """The tags and texts of a page, in order."""
    at = 0
    while True:
        opened = text.find("<", at)
        if opened < 0:
            yield unescape(text[at:])
            return
        if opened > at:
            yield unescape(text[at:opened])
        at = opened + 1
        following = text[at : at + 1]
        if following in {"!", "?"}:
            end, size = (text.find("-->", at + 3), 3) if text.startswith("!--", at) else (text.find(">", at), 1)
            if end < 0:
                return
            at = end + size
        elif following == "/":
            end = text.find(">", at)
            if end < 0:
                return
            name = _NAME.match(text, at + 1)
            if name is not None:
                yield End(name[0].lower())
            at = end + 1
        elif (name := _NAME.match(text, at)) is None:
            yield "<"
        else:
            found = _tag(text, name)
            if found is None:
                return
            tag, at = found
            if tag.name in RAW:
                end_tag = _ENDS[tag.name].search(text, at)
                inside = text[at:] if end_tag is None else text[at : end_tag.start()]
                yield tag._replace(inside=inside)
                if end_tag is None:
                    return
                at = end_tag.start()
            else:
                yield tag


def _tag(text: str, name: re.Match[str]) -> tuple[Tag, int] | None:
    """A start tag and where it ends; ``None`` where it does not."""
    attributes: dict[str, str] = {}
    at = _end(_LONG, text, name.end())
    while True:
        at = _end(_SPACE, text, at)
        if at >= len(text):
            return None
        if text[at] == ">":
            return Tag(name[0].lower(), attributes), at + 1
        key = _KEY.match(text, at)
        if key is None:  # nothing else can stand here
            return None
        at = key.end()
        value = ""
        equal = _EQUAL.match(text, at)
        if equal is not None:
            at = equal.end()
            quote = text[at : at + 1]
            if quote in {'"', "'"}:
                end = text.find(quote, at + 1)
                if end < 0:
                    return None
                value, at = text[at + 1 : min(end, at + 1 + _MOST_VALUE)], end + 1
            else:
                end = _end(_BARE, text, at)
                value, at = text[at : min(end, at + _MOST_VALUE)], end
        if len(attributes) < _MOST_ATTRIBUTES:
            attributes.setdefault(key[0][:100].lower(), unescape(value))


def _end(form: re.Pattern[str], text: str, at: int) -> int:
    found = form.match(text, at)
    return at if found is None else found.end()
