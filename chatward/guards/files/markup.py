"""Pages, vector images, XML and mail: their text, and what in them runs.

The rules:

1. All text is taken, seen or not: what a page hides from people is read by models. That something is hidden is told.
2. A page may have scripts, as every saved page has; one that builds a file and hands it out is told by signature. A
   vector image has no business with scripts, handlers, foreign pages or outside references: ``files.active/script``.
3. A document type that declares entities reads other files or grows without bound: ``files.active/entities``. It is
   told and not parsed.
4. The parts of a mail are looked at as files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Final

from chatward.core.values import Severity
from chatward.guards.files.kinds import text_of
from chatward.guards.files.looking import ACTIVE, HIDDEN, Look

_UNSEEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)|font-size\s*:\s*[01](?:\.\d+)?(?:px|pt|em)"
    r"?\s*(?:;|$)|(?:left|top|text-indent)\s*:\s*-\d{3,}|(?<![-\w])color\s*:\s*(?:#fff(?:fff)?\b|white\b|transparent\b"
    r"|rgba?\(\s*255\s*,\s*255\s*,\s*255)|(?:width|height)\s*:\s*0(?:px)?\s*(?:;|$)|clip\s*:\s*rect\(\s*0",
    re.I,
)
_VOID: Final = frozenset("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905
_SAID: Final = ("alt", "title", "aria-label", "content", "placeholder", "value", "data-prompt", "summary", "label")
_LINKED: Final = ("href", "src", "action", "xlink:href", "formaction", "data")
_ENTITIES: Final = re.compile(r"<!ENTITY|<!DOCTYPE[^>\[]{0,1000}\[", re.I)
_ACTIVE_SVG: Final = re.compile(
    r"<\s*(?:\w+:)?(?:script|foreignObject|iframe|object|embed|handler|set\s[^>]{0,80}attributeName\s*=\s*[\"']on)"
    r"|\son[a-z]{3,20}\s*=|(?:href|src)\s*=\s*[\"']?\s*(?:javascript:|data:(?:text/html|image/svg|application))"
    r"|<\?xml-stylesheet",
    re.I,
)
_OUTSIDE: Final = re.compile(r"(?:href|src)\s*=\s*[\"']\s*(?:https?:)?//|url\(\s*[\"']?\s*(?:https?:)?//|@import", re.I)
_HTA: Final = re.compile(r"<hta:application", re.I)


_DEEPEST: Final = 500


def _closed(text: str) -> str:
    """The text without what opens and is never closed: a parser would look for the end of each again and again."""
    end = text.rfind(">") + 1
    text = text[:end] + text[end:].replace("<", " ")
    end = text.rfind("-->") + 1
    return text[:end] + text[end:].replace("<!--", "    ")


class _Reader(HTMLParser):
    """Collects what a page says, in order, and whether some of it is hidden."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.links: list[str] = []
        self.hides = False
        self._mute = 0
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag in {"script", "style"}:
            self._mute += 1
        unseen = "hidden" in held or _UNSEEN.search(held.get("style", "")) or held.get("type") == "hidden"
        if tag not in _VOID and (unseen or self._hidden) and len(self._hidden) < _DEEPEST:
            self._hidden.append(tag)
        for name in _SAID:
            if held.get(name):
                self.said.append(held[name])
        self.links += [held[name] for name in _LINKED if held.get(name, "").lower().startswith(("http", "//", "javas"))]
        if tag in {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "td"}:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._mute = max(0, self._mute - 1)
        if tag in self._hidden:
            while self._hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._mute:
            return
        self.said.append(data)
        if self._hidden and data.strip():
            self.hides = True

    def handle_comment(self, data: str) -> None:
        if data.strip():
            self.said.append(f"\n{data}\n")
            self.hides = True


def page(look: Look, data: bytes) -> None:
    """A page of HTML."""
    text = text_of(data) or ""
    reader = _Reader()
    try:
        reader.feed(_closed(text))
        reader.close()
    except AssertionError:  # of html.parser, at marked sections that nobody closes
        reader.said.append(text)
    look.say("".join(reader.said))
    look.say("\n".join(dict.fromkeys(reader.links)))
    if reader.hides:
        look.find(f"{HIDDEN}/page", Severity.INFO, 0.6)
    if _HTA.search(text):
        look.find(f"{ACTIVE}/script", Severity.HIGH, 0.9, "hta")


def vector(look: Look, data: bytes) -> None:
    """An SVG."""
    text = text_of(data) or ""
    unescaped = re.sub(r"&#x([0-9a-f]{1,6});?|&#(\d{1,7});?", _reference, text, flags=re.I)
    if _ACTIVE_SVG.search(text) or _ACTIVE_SVG.search(unescaped):
        look.find(f"{ACTIVE}/script", Severity.HIGH, 0.9, "svg")
    if _OUTSIDE.search(re.sub(r"xmlns(?::\w+)?\s*=\s*[\"'][^\"']*[\"']", "", text)):
        look.find(f"{ACTIVE}/external", Severity.MEDIUM, 0.6, "svg")
    markup(look, data)


def markup(look: Look, data: bytes) -> None:
    """XML of any kind: its text and its attributes' values."""
    text = text_of(data) or ""
    if _ENTITIES.search(text):
        look.find(f"{ACTIVE}/entities", Severity.HIGH, 0.9)
    reader = _Reader()
    reader.feed(_closed(text))
    reader.close()
    look.say(" ".join(reader.said))
    look.say("\n".join(dict.fromkeys(reader.links)))


def mail(look: Look, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The parts of a mail (RFC 5322, MIME), its headers as text."""
    message = BytesParser(policy=policy.compat32).parsebytes(data)
    headers = [
        f"{name}: {message.get(name)}" for name in ("From", "Reply-To", "To", "Subject", "Date") if message.get(name)
    ]
    look.say("\n".join(headers))
    for part in message.walk():
        look.member()
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and content:
            look.took(len(content), len(content))
            yield part.get_filename() or "", content


def _reference(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2])
    return chr(number) if 0 < number < 0x110000 else ""
