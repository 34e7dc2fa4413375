"""A page as it is compared: its structure, words, title, scripts and forms. Nothing of it runs; no text is kept.

Structure and words are sets of *shingles* (Broder, *On the resemblance and containment of documents*, 1997): every four
tags in a row, every three words. Of a set only its MinHash is kept: 128 numbers, which tell how much two sets overlap
(Jaccard) within about 0.09, and from which no page can be read back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from html import unescape
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatward.core.addresses import HostKind, parse, resolve
from chatward.watch.markup import Tag, tokens

MOST: Final = 512 * 1024
"""Bytes of a page that are read."""
HASHES: Final = 128
FEW: Final = 8
"""Shingles, below which a set says nothing."""
SCRIPTS: Final = 8
_MOST_SHINGLES: Final = 20_000
_TITLE: Final = 120
_WORD: Final = re.compile(r"\w+")
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_-]{1,32})", re.IGNORECASE)

Sketch = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Form:
    """A form that asks for something secret. ``to`` is the host that gets it."""

    to: str
    asks: str


@dataclass(frozen=True, slots=True)
class Page:
    """``structure`` and ``text`` are ``None`` where there is too little of them. ``sha256`` is of the bytes."""

    url: str
    title: str
    structure: Sketch | None
    text: Sketch | None
    icon: str
    scripts: tuple[str, ...]
    forms: tuple[Form, ...]
    widget: bool
    sha256: str

    @property
    def host(self) -> str:
        return host_of(self.url)


def read(body: bytes, url: str, content_type: str = "") -> Page:
    """A page of HTML. ``url``: where it came from; whatever else is in ``body``, the result is a page."""
    raw = body[:MOST]
    found = _Reader(raw.decode(_charset(content_type, raw), "replace"))
    address = _Places(url, found.base)
    words = [word.casefold() for part in found.words for word in _WORD.findall(part)]
    return Page(
        url=url,
        title=_line(found.title),
        structure=sketch(_shingles(found.tags, 4)),
        text=sketch(_shingles(words, 3)),
        icon=address(found.icon or "/favicon.ico"),
        scripts=tuple(dict.fromkeys(filter(None, map(address, islice(found.scripts, 64))))),
        forms=tuple(dict.fromkeys(Form(host_of(address(action) or url), asks) for action, asks in found.forms if asks)),
        widget=found.widget,
        sha256=sha256(body).hexdigest(),
    )


def sketch(shingles: Iterable[str]) -> Sketch | None:
    """The MinHash of a set; ``None`` below ``FEW``."""
    found = {blake2b(one.encode("utf-8", "surrogatepass"), digest_size=8).digest() for one in shingles}
    if len(found) < FEW:
        return None
    values = np.frombuffer(b"".join(sorted(found)), dtype="<u8").astype(np.uint64)
    least = np.full(HASHES, np.iinfo(np.uint64).max, dtype=np.uint64)
    for part in np.array_split(values, max(1, len(values) // 1024)):
        least = np.minimum(least, _mixed(part[:, None] ^ _SEEDS[None, :]).min(axis=0))
    return least


def overlap(one: Sketch, other: Sketch) -> float:
    """How much two sets overlap, from 0 to 1."""
    return float(np.count_nonzero(one == other)) / HASHES


def _mixed(values: Sketch) -> Sketch:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_SEEDS: Final = _mixed(np.arange(1, HASHES + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _shingles(items: Sequence[str], size: int) -> Iterable[str]:
    return (" ".join(items[at : at + size]) for at in range(min(len(items) - size + 1, _MOST_SHINGLES)))


def _line(text: str) -> str:
    """Somebody else's words as one printable line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_TITLE]


def _charset(content_type: str, body: bytes) -> str:
    found = _CHARSET.search(content_type) or _CHARSET.search(body[:2048].decode("latin-1"))
    name = found[1] if found else "utf-8"
    try:
        "".encode(name)
        b"".decode(name)
    except (LookupError, UnicodeError):
        return "utf-8"
    return name


def host_of(url: str) -> str:
    """The host of an address, or ``""``."""
    address = parse(url)
    return address.host if address is not None and address.kind is not HostKind.NONE else ""


class _Places:
    """Addresses of a page, made whole."""

    def __init__(self, url: str, base: str) -> None:
        self._base = self._joined(url, base) if base else url

    def __call__(self, place: str) -> str:
        return self._joined(self._base, place)

    @staticmethod
    def _joined(base: str, place: str) -> str:
        found = resolve(place[:2048], base)
        return found.href if found is not None and found.scheme in {"http", "https"} else ""


class _Reader:
    """What a page has of everything, read in one pass."""

    def __init__(self, text: str) -> None:
        self.tags: list[str] = []
        self.words: list[str] = []
        self.title = self.icon = self.base = ""
        self.scripts: list[str] = []
        self.forms: list[tuple[str, str]] = []
        self.widget = False
        self._action = ""
        for token in tokens(text):
            if isinstance(token, str):
                self.words.append(token)
            elif isinstance(token, Tag):
                self._open(token)
            elif token.name == "form":
                self._action = ""

    def _open(self, tag: Tag) -> None:
        said = tag.attributes
        self.tags.append(f"{tag.name}[{','.join(sorted(said))}]")
        if tag.name == "title":
            self.title = self.title or unescape(tag.inside)
        elif tag.name == "base":
            self.base = self.base or said.get("href", "")
        elif tag.name == "link" and "icon" in said.get("rel", "").lower().split():
            self.icon = self.icon or said.get("href", "")
        elif tag.name == "script" and said.get("src"):
            self.scripts.append(said["src"])
        elif tag.name == "chatward-chat":
            self.widget = True
        elif tag.name == "form":
            self._action = said.get("action", "")
        elif tag.name == "input":
            self.forms.append((self._action, _asked(said)))


def _asked(said: dict[str, str]) -> str:
    """What a field asks for that nobody should give to a copy (HTML, autofill: field names)."""
    auto = said.get("autocomplete", "").lower()
    if said.get("type", "").lower() == "password" or "password" in auto:
        return "password"
    if "cc-" in auto:
        return "card"
    return "code" if auto == "one-time-code" else ""
