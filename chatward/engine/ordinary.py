r"""Deep readings, made where a text may have one: one pass tells, where looking for each sign took twenty.

The rule: ``ordinary`` never says yes to a text in which ``core.encodings`` or ``core.disguises`` find something. Each
sign below is what theirs is, or a wider one: look-arounds dropped, blanks and long counts left open. It may say no to a
text with nothing in it; then they look. RE2 runs all signs as one automaton.
"""

from __future__ import annotations

from string import ascii_lowercase

import re2  # type: ignore[import-untyped]
from re2 import _re2

from chatward.core.confusables import STEMS
from chatward.core.disguises import LONG, MIRRORED, REVERSED, ROTATED, SWAPPED
from chatward.core.normalise import read
from chatward.core.text import Reading, View
from chatward.core.values import PartKind

_BLANK = r"[\t-\r\x1c- ]"  # what ``str.split`` and ``\s`` take for one in ASCII
_LETTER = "[A-Za-z]"
_ALNUM = "[0-9A-Za-z]"
_LEET = "[013457@$!]"
_APART = "[-._*|/~+,:;!#=]"


def _within_long(stem: str) -> str:
    """A stem in a word of ``LONG`` letters: on one side of it stands half of what it lacks, or more."""
    beside = rf"[A-Za-z_+.-]{{{(LONG - len(stem) + 1) // 2}}}"
    return f"{beside}{stem}|{stem}{beside}"


_SIGNS = (
    # encodings.tokens: runs, pairs of hexadecimal digits, bits, numbers, Morse, characters by number
    "[A-Za-z0-9+/_-]{16}",
    rf"(?:[0-9A-Fa-f]{{2}}(?:{_BLANK}|[,:;-]){{1,2}}(?:0x)?){{7}}",
    "[01]{7}",
    rf"(?:[0-9]{{2,3}}(?:{_BLANK}|,){{1,2}}){{9}}",
    "(?:[.-]{1,6}[ /|]{1,3}){3}",
    r"(?i:chr)\(",
    # encodings.escapes
    r"%[0-9A-Fa-f]|&[#A-Za-z]|\\|=[0-9A-F\r\n]",
    # disguises.bare, and ASCII85
    r"<[!/?~A-Za-z]|-->",
    # disguises.joined
    f"{_APART}{_ALNUM}{_APART}{_ALNUM}{_APART}{_ALNUM}",
    rf"(?:^|[^0-9A-Za-z]){_ALNUM}[ \n]{_ALNUM}[ \n]{_ALNUM}[ \n]{_ALNUM}",
    f"(?i:{'|'.join(map(_within_long, STEMS))})",
    # disguises.leet
    rf"{_LETTER}{_LEET}{{1,4}}{_LETTER}|(?:^|[^0-9A-Za-z]){_LEET}{_LETTER}{{4}}",
    # disguises.turned
    f"(?i:{'|'.join((*ROTATED, *MIRRORED, *REVERSED))})",
    "(?:[0-9]{1,2}[ ,./|-]{1,3}){3}",
    # disguises.respelled
    f"(?i:{'|'.join(letter * 3 for letter in ascii_lowercase)})",
    f"(?i:{'|'.join(letter * 2 for letter in ascii_lowercase)}){{3}}",
    f"(?i:{'|'.join(SWAPPED)})",
)

_MEMORY = 16 << 20
"""Bytes that the automaton may have for its states. With RE2's own 8 MiB it gives them up on ordinary texts, and takes
fifteen times as long."""


def _search() -> _re2.RE2:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.max_mem = _MEMORY
    return _re2.RE2("|".join(_SIGNS).encode(), options)


_MATCH = _search().Match
_ANYWHERE = _re2.RE2.Anchor.UNANCHORED


def ordinary(text: str) -> bool:
    """Whether a text is ASCII and shows no sign of anything encoded or disguised."""
    if not text.isascii():
        return False
    data = text.encode()
    return bool(_MATCH(_ANYWHERE, data, 0, len(data))[0][0] < 0)


def read_deep(text: str, kind: PartKind = PartKind.TEXT) -> Reading:
    """A text with all its readings, as ``core.normalise.read`` gives them. What is ordinary reads as it is: ASCII is
    its own plain view, and in JSON text without a backslash, which is a sign, nothing is escaped."""
    return Reading(text, View(text)) if ordinary(text) else read(text, kind, deep=True)
