"""What every match of a pattern must hold: sets of short strings, one of each of which stands in the text.

The prefilter looks at the start of a pattern, which for prose is a common word ("show", "give"). What makes prose
rare is that other words follow. So each rule that may match is first asked for its atoms: a handful of
``in`` tests, a hundred times cheaper than a search. They may say yes too often and never no to a match.

Both sides are folded as ``re.IGNORECASE`` compares: lower case, then one letter for each of the extra pairs that
it treats as equal (dotless i and i, long s and s, the sigmas).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from re import _casefix  # type: ignore[attr-defined]
from re import _constants as c  # type: ignore[attr-defined]
from typing import Any, Final

from chatward.engine.patterns import parse

AtomSet = tuple[str, ...]

_SHORTEST: Final = 3
_MOST: Final = 160
_EQUAL: Final = {
    0x130: "i",
    **{code: chr(min(code, *others)) for code, others in _casefix._EXTRA_CASES.items() if min(others) < code},
}


def fold(text: str) -> str:
    """A text as atoms are compared with it."""
    return text.lower() if text.isascii() else text.translate(_EQUAL).lower().translate(_EQUAL)


@lru_cache(maxsize=4096)
def atoms_of(pattern: str, flags: re.RegexFlag) -> tuple[AtomSet, ...]:
    """The atom sets of a pattern, rarest first; none where it has no literal part."""
    sets = sorted(_Atoms().sequence(parse(pattern, flags)), key=_commonness)
    return tuple(tuple(sorted(chosen, key=len)) for chosen in dict.fromkeys(sets) if len(chosen) <= _MOST)


def may_match(sets: Iterable[AtomSet], folded: str, seen: dict[str, bool]) -> bool:
    """Whether a folded text holds one atom of each set. ``seen`` remembers answers about the same text."""
    for chosen in sets:
        for atom in chosen:
            here = seen.get(atom)
            if here is None:
                here = seen[atom] = atom in folded
            if here:
                break
        else:
            return False
    return True


def _commonness(chosen: frozenset[str]) -> float:
    """A rough chance that prose holds one of the atoms: a letter more makes one three times rarer."""
    return sum(3.0 ** -len(atom) for atom in chosen)


def _reduced(atoms: Iterable[str]) -> frozenset[str]:
    """Without atoms that hold another one."""
    kept: list[str] = []
    for atom in sorted(atoms, key=len):
        if not any(other in atom for other in kept):
            kept.append(atom)
    return frozenset(kept)


class _Atoms:
    """Walks a parsed pattern and collects atom sets; ``_run`` is the literal that is being read."""

    def __init__(self) -> None:
        self._run = ""
        self._found: list[frozenset[str]] = []

    def sequence(self, tree: Any) -> list[frozenset[str]]:
        self._read(tree)
        self._close()
        return self._found

    def _close(self) -> None:
        if len(self._run) >= _SHORTEST:
            self._found.append(frozenset({self._run}))
        self._run = ""

    def _read(self, tree: Any) -> None:
        for operator, value in tree:
            if operator is c.LITERAL:
                self._run += fold(chr(value))
            elif operator is c.IN and (letter := _one_letter(value)):
                self._run += letter
            elif operator is c.SUBPATTERN:
                self._read(value[3])
            elif operator is c.ATOMIC_GROUP:
                self._read(value)
            elif operator in (c.AT, c.ASSERT, c.ASSERT_NOT):
                continue  # consumes nothing, so the literal goes on behind it
            elif operator is c.BRANCH:
                self._close()
                self._branch(value[1])
            elif operator in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT) and value[0] > 0:
                self._close()
                self._found.extend(_Atoms().sequence(value[2]))
            else:
                self._close()

    def _branch(self, branches: Any) -> None:
        union: set[str] = set()
        for branch in branches:
            sets = _Atoms().sequence(branch)
            if not sets:
                return
            rarest: frozenset[str] = min(sets, key=_commonness)
            union |= rarest
        self._found.append(_reduced(union))


def _one_letter(members: Any) -> str:
    """The letter of a class that holds nothing but its cases; "" for any other."""
    if not all(kind is c.LITERAL for kind, _ in members):
        return ""
    letters = {fold(chr(code)) for _, code in members}
    return letters.pop() if len(letters) == 1 else ""
