r"""Text as data that cannot end itself.

The rule: every line is ``<fence><number> "<JSON string>"``. The fence is drawn after the text is known and does not
occur in it; no line break of the text survives as one; so no line of the data can be anything but data.

Escaped (``\uXXXX``, RFC 8259 section 7), beside what JSON demands: all that is not printable (controls, every line
separator, invisible and bidirectional marks, tag characters, lone surrogates), and ``<`` and ``[``. Servers that put
messages into chat templates turn ``<|im_end|>``, ``</s>`` or ``[INST]`` into the very tokens that end a message;
without their first character these are words. Other letters stay readable in every script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

WIDTH: Final = 400
"""Code points of the text on one line at most."""

_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ACTIVE: Final = frozenset("<[")


def fenced(text: str, fence: str) -> str:
    """The lines of a text, one at least. Raises ``ValueError`` where ``fence``, ASCII letters, occurs in the text."""
    if not (fence.isascii() and fence.isalpha()) or fence in text:
        raise ValueError("a fence is of letters that the text does not hold")
    return "\n".join(f'{fence}{number:04d} "{_escaped(piece)}"' for number, piece in enumerate(_pieces(text), 1))


def unfenced(lines: str, fence: str) -> str:
    """The text that ``fenced`` was given. Raises ``ValueError`` for a line that is not the next one of this fence."""
    pieces: list[str] = []
    for number, line in enumerate(lines.split("\n"), 1):
        found = re.fullmatch(rf'{fence}{number:04d} (".*")', line)
        if found is None:
            raise ValueError(f"line {number} is not data")
        pieces.append(json.loads(found[1]))
    return "".join(pieces)


def _pieces(text: str) -> Iterator[str]:
    """Lines with their ends, long ones in parts."""
    start = 0
    while start < len(text):
        end = text.find("\n", start, start + WIDTH) + 1 or start + WIDTH
        yield text[start:end]
        start = end
    if not text:
        yield ""


def _escaped(piece: str) -> str:
    return "".join(
        _SHORT.get(char) or (char if char.isprintable() and char not in _ACTIVE else _code(char)) for char in piece
    )


def _code(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
