"""What every match of a pattern must hold: sets of short strings, one of each of which stands in the text.

The rarest set of a pattern is its *anchor*: the prefilter looks for the anchors of all patterns at once, as plain
literals. Finding one may mean nothing, and where there is none there is no match. What makes a string rare is its
length and its characters: a sign or an ideograph weighs more than a letter, and some words stand in every message.

Both sides are folded as ``re.IGNORECASE`` compares: lower case, then one letter for each of the extra pairs that
it treats as equal (dotless i and i, long s and s, the sigmas).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _casefix  # type: ignore[attr-defined]
from re import _constants as c  # type: ignore[attr-defined]
from typing import Any, Final

from chatward.engine.patterns import Walk, parse

_LIGHTEST: Final = 3
"""The weight of an atom, at least: that of three letters."""
_MOST_ANCHORS: Final = 1500
_ALTERNATIVES: Final = 16
"""Spellings of one literal, at most, that small classes in it give."""
_FEW: Final = 4
_FREQUENT: Final = frozenset(
    [
        "account", "act", "after", "against", "all", "also", "and", "answer", "any", "are", "base", "been",
        "before", "break", "can", "car", "could", "customer", "deliver", "describ", "down", "end", "exp",
        "file", "first", "follow", "following", "for", "from", "get", "give", "given", "good", "great", "hat",
        "have", "help", "her", "here", "here is", "how", "information", "into", "is", "it", "its", "just",
        "know", "learn", "let", "like", "long", "mail", "make", "may", "me", "monday", "more", "must", "need",
        "new", "not", "now", "number", "of", "on", "one", "only", "open", "order", "other", "our", "out",
        "output", "over", "pass", "please", "question", "read", "same", "say", "see", "should", "show", "so",
        "some", "start", "stay", "still", "story", "such", "take", "tell", "text", "than", "that", "the",
        "them", "then", "there", "these", "they", "this", "those", "through", "time", "to", "translat",
        "translate", "under", "use", "very", "want", "was", "way", "we", "well", "were", "what", "when",
        "where", "which", "who", "will", "with", "without", "words", "work", "would", "you", "your",
    ]
)  # fmt: skip
"""Strings that English messages are full of, whatever their length."""
_RARE: Final = 3.0**-2
"""The rough chance that prose holds one of a set, from which it is no anchor."""
_EQUAL: Final = {
    0x130: "i",
    **{code: chr(min(code, *others)) for code, others in _casefix._EXTRA_CASES.items() if min(others) < code},
}


def fold(text: str) -> str:
    """A text as atoms are compared with it."""
    return text.lower() if text.isascii() else text.translate(_EQUAL).lower().translate(_EQUAL)


def anchor_of(pattern: str, flags: re.RegexFlag) -> tuple[str, ...]:
    """The rarest atom set of a pattern; empty where none is rare enough to be looked for in every text."""
    for chosen in atoms_of(pattern, flags):
        if len(chosen) <= _MOST_ANCHORS and _commonness(chosen) <= _RARE:
            return tuple(sorted(chosen))
    return ()


def atoms_of(pattern: str, flags: re.RegexFlag) -> tuple[frozenset[str], ...]:
    """The atom sets of a pattern, rarest first; none where it has no literal part."""
    return tuple(dict.fromkeys(sorted(_Atoms().sequence(parse(pattern, flags)), key=_commonness)))


def needs_foreign(tree: Any, ignore_case: bool) -> bool:
    """True where every match of a parsed pattern holds a character beyond ASCII."""
    walk = Walk(ignore_case, False)
    for operator, value in tree:
        if operator in (c.LITERAL, c.IN):
            members = walk.characters(operator, value)
            needs = bool(members) and not any(fold(member).isascii() for member in members)
        elif operator is c.BRANCH:
            needs = all(needs_foreign(branch, ignore_case) for branch in value[1])
        elif operator is c.SUBPATTERN:
            needs = needs_foreign(value[3], ignore_case or bool(value[1] & re.IGNORECASE))
        elif operator is c.ATOMIC_GROUP:
            needs = needs_foreign(value, ignore_case)
        elif operator in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            needs = value[0] > 0 and needs_foreign(value[2], ignore_case)
        else:
            needs = False
        if needs:
            return True
    return False


def _commonness(chosen: frozenset[str]) -> float:
    """A rough chance that prose holds one of the atoms: a letter more makes one three times rarer."""
    return sum(0.5 if atom.strip() in _FREQUENT else 3.0 ** -_weight(atom) for atom in chosen)


def _weight(atom: str) -> int:
    return sum(map(_weight_of, atom))


def _weight_of(char: str) -> int:
    if char.isalnum():
        return 3 if char >= "\u2e80" else 1  # from there on: ideographs, kana, Hangul
    return 3 if char == "@" else 1 if char in " .,'-/:\n" else 2


def _reduced(atoms: Iterable[str]) -> frozenset[str]:
    """Without atoms that hold another one."""
    kept: list[str] = []
    for atom in sorted(atoms, key=len):
        if not any(other in atom for other in kept):
            kept.append(atom)
    return frozenset(kept)


class _Atoms:
    """Walks a parsed pattern and collects atom sets; ``_run`` are the spellings of the literal that is being read."""

    def __init__(self) -> None:
        self._run = frozenset({""})
        self._found: list[frozenset[str]] = []

    def sequence(self, tree: Any) -> list[frozenset[str]]:
        self._read(tree)
        self._close()
        return self._found

    def _close(self) -> None:
        if all(_weight(spelling) >= _LIGHTEST for spelling in self._run):
            self._found.append(_reduced(self._run))
        self._run = frozenset({""})

    def _add(self, letters: frozenset[str]) -> None:
        """The literal goes on with one of ``letters``."""
        if len(self._run) * len(letters) > _ALTERNATIVES:
            self._close()
        self._run = frozenset(run + letter for run in self._run for letter in letters)

    def _read(self, tree: Any) -> None:
        for operator, value in tree:
            if operator is c.LITERAL:
                self._add(frozenset({fold(chr(value))}))
            elif operator is c.IN and (letters := _letters(value)):
                self._add(letters)
            elif operator is c.SUBPATTERN:
                self._read(value[3])
            elif operator is c.ATOMIC_GROUP:
                self._read(value)
            elif operator in (c.AT, c.ASSERT, c.ASSERT_NOT):
                continue  # consumes nothing, so the literal goes on behind it
            elif operator is c.BRANCH:
                if spellings := _spellings(value[1]):
                    self._add(spellings)
                    continue
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


def _spellings(branches: Any) -> frozenset[str]:
    """The folded literals that branches stand for, where they are few and nothing else; none otherwise."""
    found: set[str] = set()
    for branch in branches:
        if not branch or not all(operator is c.LITERAL for operator, _ in branch):
            return frozenset()
        found.add("".join(fold(chr(code)) for _, code in branch))
    return frozenset(found) if len(found) <= _FEW else frozenset()


def _letters(members: Any) -> frozenset[str]:
    """The folded letters of a class that names a few; none for any other."""
    if not all(kind is c.LITERAL for kind, _ in members):
        return frozenset()
    letters = frozenset(fold(chr(code)) for _, code in members)
    return letters if len(letters) <= _FEW else frozenset()
