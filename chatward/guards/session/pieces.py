"""Attacks in pieces: texts that are harmless alone and an attack once joined.

The rule: what a reader would put together is put together, and judged as one text. That are

* strings that were given names (``a = "..."``, also over turns) and an expression that adds them (``a + b``);
* the texts that someone sends in numbered parts, or asks to be combined;
* the parts of one message, and the strings of one JSON text (the fields of a tool's arguments);
* short, unfinished turns that follow each other.

Each way gives ``Joined`` texts and the pieces they are made of; who judges them compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

LONGEST: Final = 2000
"""Code points of a joined text that are judged."""
MOST: Final = 24
"""Pieces that are joined, at most."""

_QUOTED: Final = (
    r"""(?:"([^"\n]{1,400})"|'([^'\n]{2,400})'|`([^`\n]{1,400})`|“([^”\n]{1,400})”|„([^“”\n]{1,400})[“”]"""
    r"""|«\s?([^»\n]{1,400}?)\s?»|「([^」\n]{1,400})」)"""
)
_NAME: Final = r"(?:[^\W\d_]\w{0,11}|\$\w{1,12})"
_GIVEN: Final = re.compile(rf"(?<!\w)({_NAME})\s{{0,2}}(?::=|=|:|\bis\b|\bas\b)\s{{0,2}}{_QUOTED}")
_ADDED: Final = re.compile(
    rf"(?<!\w){_NAME}(?:\s{{0,2}}(?:\+|&|\.\.|\|\||⊕|,?\s(?:and|und|et|y|e|и|en|ve)\s)\s{{0,2}}{_NAME})+(?!\w)"
)
_BRACED: Final = re.compile(rf"(?:[{{<\[(]{{1,2}}{_NAME}[}}>\])]{{1,2}}\s?){{2,}}")
_CALL: Final = re.compile(r"(?:concat|join|strcat|merge)\w{0,8}\s?\(([^()\n]{3,120})\)", re.IGNORECASE)
_ADDING: Final = (
    "+",
    "&",
    "..",
    "||",
    "⊕",
    "{",
    "<",
    "[",
    "(",
    " and ",
    " und ",
    " et ",
    " y ",
    " e ",
    " и ",
    " en ",
    " ve ",
)
_EACH: Final = re.compile(_NAME)
_LABEL: Final = re.compile(
    r"^\W{0,3}(?:[^\W\d_]{1,14}\s{0,2})?(?:[^\W\d_]{1,14}|\d{1,2})?\s{0,2}"
    r"(?:\d{1,2}\s?(?:/|of|von|de|di|из)\s?\d{1,2})?\s{0,2}[:：]\s{0,2}"
)
_QUOTE: Final = re.compile(_QUOTED)
_WHOLE: Final = re.compile(r"[.!?。！？…؟।]\W{0,2}$")


@dataclass(frozen=True, slots=True)
class Joined:
    """A text made of ``pieces``. ``told``: the user asked for the joining, or wrote the expression for it."""

    text: str
    pieces: tuple[str, ...]
    told: bool = False


def values(text: str) -> dict[str, str]:
    """Strings that were given names in a text, in order."""
    found: dict[str, str] = {}
    for match in _GIVEN.finditer(text):
        found[match[1].casefold()] = next(group for group in match.groups()[1:] if group is not None)
        if len(found) == MOST:
            break
    return found


def sums(text: str) -> list[tuple[str, ...]]:
    """The names that each expression of a text adds, such as ``a + b``."""
    if not any(mark in text for mark in _ADDING) and _CALL.search(text) is None:
        return []
    found = [*_ADDED.finditer(text), *_BRACED.finditer(text), *_CALL.finditer(text)]
    return [tuple(name.casefold() for name in _EACH.findall(match[0])) for match in found[:MOST]]


def added(sums: Sequence[tuple[str, ...]], named: dict[str, str]) -> Iterator[Joined]:
    """What expressions make of named strings."""
    for names in sums:
        pieces = tuple(named[name] for name in names if name in named)[:MOST]
        if len(pieces) > 1:
            yield from joined(pieces, told=True)


def joined(pieces: Sequence[str], *, told: bool = False) -> Iterator[Joined]:
    """Pieces put end to end and, where that makes another text, with blanks between."""
    given = tuple(piece for piece in pieces if piece.strip())
    if len(given) < 2:
        return
    spaced = " ".join(piece.strip() for piece in given)[:LONGEST]
    yield Joined(spaced, given, told)
    tight = "".join(given)[:LONGEST]
    if tight != spaced and _cut_inside(given):
        yield Joined(tight, given, told)


def _cut_inside(pieces: Sequence[str]) -> bool:
    """Whether a border may lie inside a word: letters on both of its sides."""
    return any(one[-1].isalpha() and other[0].isalpha() for one, other in pairwise(pieces))


def payload(text: str) -> str:
    """What a numbered or announced piece holds: its quoted text, else what follows its label, else all of it."""
    quoted = [next(group for group in match.groups() if group is not None) for match in _QUOTE.finditer(text)]
    if quoted:
        return " ".join(quoted)
    return _LABEL.sub("", text, count=1).strip() or text.strip()


def unfinished(text: str) -> bool:
    """Whether a text may be a piece of a sentence: short, one line, without an end."""
    stripped = text.strip()
    return 3 <= len(stripped) <= 160 and "\n" not in stripped and _WHOLE.search(stripped) is None


def leaves(text: str) -> tuple[str, ...]:
    """The strings of a JSON text, in order; none where it is not JSON or has fewer than two."""
    if text.lstrip()[:1] not in ("{", "["):
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    found = tuple(_strings(value))
    return found if len(found) > 1 else ()


def _strings(value: Any) -> Iterator[str]:
    """Strings of a JSON value, without recursion: attackers choose its depth."""
    waiting = [value]
    given = 0
    while waiting and given < 200:
        one = waiting.pop()
        if isinstance(one, str):
            if one.strip():
                given += 1
                yield one
        elif isinstance(one, dict):
            waiting.extend(reversed(one.values()))
        elif isinstance(one, list):
            waiting.extend(reversed(one))
