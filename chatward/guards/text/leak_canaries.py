"""Canaries: strings that must never leave, found by their letters, reversed, in rot13, hex and base64 (RFC 4648)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Final

from chatward.core.normalise import plain
from chatward.guards.text.leak_prompts import ROT13, letters_of

_LONGEST: Final = 48
_SHORTEST: Final = 6


class Canaries:
    """Strings that must never appear, as one pattern on letters that also sees a beginning at the end."""

    def __init__(self, canaries: Sequence[str]) -> None:
        needles: set[str] = set()
        for canary in canaries:
            letters = letters_of(plain(canary).text)
            if len(letters) < _SHORTEST:
                raise ValueError(f"a canary needs at least {_SHORTEST} letters or digits")
            needles |= {letters, letters[::-1], letters.translate(ROT13)}
            for form in {canary, canary.lower(), canary.upper(), canary[::-1]}:
                raw = form.encode()
                needles.add(raw.hex())
                # In the middle of a longer text the first and last characters depend on the neighbours.
                needles |= {
                    letters_of(base64.b64encode(b"\0" * offset + raw).decode()[2 if offset else 0 :].rstrip("=")[:-1])
                    for offset in range(3)
                }
        self.needles = frozenset(needle[:_LONGEST] for needle in needles if len(needle) >= _SHORTEST)
        shortest_first = sorted(self.needles, key=lambda needle: (len(needle), needle))
        self.search = re.compile("|".join(map(_or_begun, shortest_first))).search if needles else None


def _or_begun(needle: str) -> str:
    """A pattern for ``needle``, or for its beginning where the text ends."""
    pattern = ""
    for char in reversed(needle):
        pattern = re.escape(char) + (f"(?:{pattern}|\\Z)" if pattern else "")
    return pattern
