r"""Links in a text, however they are written: whole texts and streams, with one result.

The rule: a text is read word by word (between blanks and ideographic punctuation), and what is found in a word
depends on that word and on the ``BEFORE`` code points before it, never on how the text came. So a stream holds back
one word at most, and of a word without any sign of a link the last label only. A word ends after ``WORD`` code points
whatever comes; a URL whose host is not told by then is itself a sign (``Link.cut``).

What counts as a link:

1. a URL with its scheme, however many slashes of either kind follow (browsers do not mind);
2. the destination of a Markdown link, image or reference, the value of an HTML attribute that leads somewhere; with the
   text that a reader sees in its place (``label``);
3. a bare domain or address, where its last label is a top-level domain;
4. the same *defanged* (``hxxp``, ``[.]``, ``(dot)``) or spelled out over several words (``evil [dot] com``).

Full-width, circled and other forms are read by the plain view (``core.normalise``); what the parser of browsers makes
of the letters as they stand is read beside it where the two differ. Spans point at the original, at the URL itself
where it stands in one piece, else at the last word of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import re2  # type: ignore[import-untyped]

from chatward.core.normalise import plain
from chatward.core.text import View
from chatward.core.values import PartKind, Span
from chatward.guards.links.written import Form, Found, scan

WORD: Final = 1024
_NEAR: Final = 16
"""Code points before a word in which a sign of a link may begin that is in it: signs are shorter."""
BEFORE: Final = 640
_LABEL: Final = 64
_SHORT: Final = 65_536
MOST: Final = 2000
"""Links of one text that are looked at; more are a sign of their own for limits on size."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link. ``url`` has a scheme; ``span`` is in the original. ``label`` is what a reader sees in place of the URL,
    ``""`` where that is the URL. ``written`` is the text as it stands. ``sure``: this is a link for certain, and not
    just two words with a dot between. ``whole``: a string of JSON is this link and nothing else. ``cut``: its end is
    out of sight."""

    url: str
    span: Span
    form: Form
    written: str
    label: str = ""
    sure: bool = True
    whole: bool = False
    cut: bool = False


# --- words -------------------------------------------------------------------------------------------

_DOTS: Final = ".。．｡․﹒"
_BREAK: Final = re.compile(r"[\s，、！？；「」『』【】《》〈〉]|(?<![A-Za-z0-9])。|。(?=[^A-Za-z0-9])")
_TRIGGER: Final = re2.compile(
    rf"(?i)\S[{_DOTS}]\S|:[/\\]|[/\\]{{2}}|\bdot\b|(?:https?|ftps?|wss?|file|script|data)\s?[:：]|%2e|\]\(|\\u00|&\#|[:：][／＼]"
    r"|\[[.:/]|\S@\S|=3d|(?:href|src)\s?=|\blocalhost:"
)
_SPECIAL: Final = re.compile(r"[^\w-]")


def _may_hold(text: str) -> bool:
    """Whether a text has any sign of a link: asked of every text, and by RE2, which is thirty times as quick to say
    no."""
    try:
        return _TRIGGER.search(text) is not None
    except UnicodeEncodeError:  # a lone surrogate
        return True


def _signs(text: str, at: int) -> list[tuple[int, int]]:
    """Where signs of links are from ``at`` on, the last first. One that overlaps another may be left out: what it
    touches, the other touches too, or is within ``_NEAR`` of it."""
    try:
        return [(at + mark.start(), at + mark.end()) for mark in _TRIGGER.finditer(text[at:])][::-1]
    except UnicodeEncodeError:  # a lone surrogate
        return [(at, len(text) + 1)]


class LinkReader:
    """Reads one growing text of the original for links (``raw`` of a ``GuardSpec``)."""

    def __init__(self, kind: PartKind = PartKind.TEXT) -> None:
        self._kind = kind
        self._text = ""
        self._base = 0  # offset of what is kept
        self._at = 0  # start of the word under way, in what is kept
        self._cut = False  # the word under way goes on from one that was cut
        self._count = 0
        self._signs: list[tuple[int, int]] = []  # of what is being read, the last first
        self.settled = 0

    def feed(self, piece: str, final: bool) -> list[Link]:
        """The links in words that are now complete, in order of their words."""
        self._text += piece
        text, found = self._text, list[Link]()
        self._signs = _signs(text, max(0, self._at - _NEAR))
        if not self._signs:
            self._skip(final)
        else:
            for mark in _BREAK.finditer(text, self._at):
                self._cuts(mark.start(), found)
                self._word(mark.start(), found)
                self._at, self._cut = mark.end(), False
            self._cuts(len(text), found)
            if final:
                self._word(len(text), found)
                self._at = len(text)
        self._settle(final)
        return found

    def _skip(self, final: bool) -> None:
        """Goes on without a look: there is no link in what came."""
        text = self._text
        if final:
            self._at = len(text)
            return
        for mark in _BREAK.finditer(text, self._at):
            self._at, self._cut = mark.end(), False
        self._cuts(len(text), None)

    def _cuts(self, end: int, found: list[Link] | None) -> None:
        """The word under way, where it is too long, in pieces."""
        while end - self._at > WORD:
            if found is not None:
                self._word(self._at + WORD, found, cut=True)
            self._at += WORD
            self._cut = True

    def _word(self, end: int, found: list[Link], *, cut: bool = False) -> None:
        start = self._at
        if end - start < 2 or self._count >= MOST:
            return
        before = self._text[max(0, start - BEFORE) : start]
        if not self._signed(start - _NEAR, end):
            return
        word = self._text[start:end]
        for link in _in_word(word, before, self._kind, goes_on=self._cut, cut=cut):
            at = self._base + start
            self._count += 1
            found.append(_moved(link, at))

    def _signed(self, start: int, end: int) -> bool:
        """Whether a sign of a link touches this part; parts are asked about in order."""
        signs = self._signs
        while signs and signs[-1][1] <= start:
            signs.pop()
        return bool(signs) and signs[-1][0] < end

    def _settle(self, final: bool) -> None:
        text, at = self._text, self._at
        if final:
            self.settled = self._base + len(text)
            return
        special = _SPECIAL.search(text, at)
        sure = max(at, (len(text) if special is None else special.start()) - _LABEL)
        self.settled = max(self.settled, self._base + sure)
        drop = at - BEFORE - 16
        if drop > 4096:
            self._text = text[drop:]
            self._base += drop
            self._at -= drop


def links_in(text: str, kind: PartKind = PartKind.TEXT) -> tuple[Link, ...]:
    """The links of a whole text, in order of the words they end in."""
    if not _may_hold(text):
        return ()
    return _whole(text, kind) if len(text) <= _SHORT else tuple(LinkReader(kind).feed(text, True))


@lru_cache(maxsize=32)
def _whole(text: str, kind: PartKind) -> tuple[Link, ...]:
    """Remembered while the guards of one turn ask one after another."""
    return tuple(LinkReader(kind).feed(text, True))


def _moved(link: Link, by: int) -> Link:
    start, end = link.span
    return Link(link.url, (start + by, end + by), link.form, link.written, link.label, link.sure, link.whole, link.cut)


# --- one word ----------------------------------------------------------------------------------------


def _in_word(word: str, before: str, kind: PartKind, *, goes_on: bool, cut: bool) -> Iterator[Link]:
    special = _SPECIAL.search(word)
    least = max(0, special.start() - _LABEL) if special is not None else 0
    view = plain(word, kind)
    seen: set[tuple[str, str]] = set()
    for found in scan(view.text, before, goes_on=goes_on):
        if (found.url, found.label) in seen:
            continue
        seen.add((found.url, found.label))
        yield _link(word, view, found, least, cut=cut and found.end >= len(view.text))
    if view.text != word and "\\" not in word:  # what browsers make of the letters as they stand
        for found in scan(word, before, goes_on=goes_on):
            if found.form is not Form.BARE and found.url not in {url for url, _ in seen}:
                yield _link(word, View(word), found, least, cut=cut and found.end >= len(word))


def _link(word: str, view: View, found: Found, least: int, *, cut: bool) -> Link:
    start, end = view.original(found.start, found.end)
    start = max(start, least)
    text = view.text
    whole = found.start > 0 and text[found.start - 1] == '"' and text[found.end : found.end + 1] == '"'
    written = word[start:end]
    return Link(found.url, (start, max(end, start)), found.form, written, found.label, found.sure, whole, cut)
