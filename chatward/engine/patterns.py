"""What a pattern can do, read from its parsed form: how far it reaches and which characters it eats.

Streams rely on these facts, so they are computed and not declared: the width that a match can consume, how
far look-arounds see, whether a blank can be consumed, and the set of characters that can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

# A character of each kind that rules tell apart: all of ASCII, and letters of other scripts.
_PROBES = (*map(chr, range(128)), "é", "я", "中", "ا")
_DIGITS = frozenset("0123456789")
_CATEGORIES = {
    c.CATEGORY_DIGIT: re.compile(r"\d"),
    c.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    c.CATEGORY_SPACE: re.compile(r"\s"),
    c.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    c.CATEGORY_WORD: re.compile(r"\w"),
    c.CATEGORY_NOT_WORD: re.compile(r"\W"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Facts of one pattern. Widths are in code points; ``alphabet`` holds the probes it can consume."""

    least: int
    width: int
    behind: int
    ahead: int
    anchored: bool
    alphabet: frozenset[str]

    @property
    def consumes_blank(self) -> bool:
        return any(character.isspace() for character in self.alphabet)

    def only(self, characters: str) -> bool:
        """True where a match is made of ``characters`` alone."""
        return self.alphabet <= frozenset(characters)


def forget() -> None:
    """Lets go of what was parsed: called when a set of rules is compiled."""
    parse.cache_clear()
    shape_of.cache_clear()


@cache
def parse(pattern: str, flags: re.RegexFlag) -> Any:
    """The parsed form of a pattern, kept until ``forget``. Raises ``re.error``."""
    return parser.parse(pattern, int(flags))


@lru_cache(maxsize=4096)
def shape_of(pattern: str, flags: re.RegexFlag) -> Shape:
    """The shape of a pattern in ``re`` syntax. Raises ``re.error`` where it is not one."""
    tree = parse(pattern, flags)
    least, width = tree.getwidth()
    walk = Walk(bool(tree.state.flags & re.IGNORECASE), bool(tree.state.flags & re.DOTALL))
    walk.sequence(tree)
    return Shape(least, width, walk.behind, walk.ahead, walk.anchored, frozenset(walk.alphabet))


def least_digits(tree: Any) -> int:
    """How many digits every match of a parsed pattern has at least."""
    count = 0
    walk = Walk(False, False)
    for operator, value in tree:
        if operator in (c.LITERAL, c.IN):
            members = walk.characters(operator, value)
            count += bool(members) and members <= _DIGITS
        elif operator is c.BRANCH:
            count += min(least_digits(branch) for branch in value[1])
        elif operator is c.SUBPATTERN:
            count += least_digits(value[3])
        elif operator is c.ATOMIC_GROUP:
            count += least_digits(value)
        elif operator in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            count += value[0] * least_digits(value[2])
    return count


class Walk:
    def __init__(self, ignore_case: bool, dot_all: bool) -> None:
        self.ignore_case = ignore_case
        self.dot_all = dot_all
        self.alphabet: set[str] = set()
        self.behind = 0
        self.ahead = 0
        self.anchored = False

    def sequence(self, tree: Any) -> None:
        for operator, value in tree:
            self.node(operator, value)

    def node(self, operator: Any, value: Any) -> None:
        if operator in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN):
            self.alphabet.update(self.characters(operator, value))
        elif operator is c.BRANCH:
            for branch in value[1]:
                self.sequence(branch)
        elif operator is c.SUBPATTERN:
            self._scoped(value[3], value[1])
        elif operator in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            self.sequence(value[2])
        elif operator is c.ATOMIC_GROUP:
            self.sequence(value)
        elif operator in (c.ASSERT, c.ASSERT_NOT):
            self._assertion(value[0], value[1])
        elif operator is c.AT:
            self._position(value)
        elif operator is c.GROUPREF_EXISTS:
            for branch in value[1:]:
                if branch is not None:
                    self.sequence(branch)

    def _scoped(self, tree: Any, added: int) -> None:
        kept = self.ignore_case, self.dot_all
        self.ignore_case = self.ignore_case or bool(added & re.IGNORECASE)
        self.dot_all = self.dot_all or bool(added & re.DOTALL)
        self.sequence(tree)
        self.ignore_case, self.dot_all = kept

    def _assertion(self, direction: int, tree: Any) -> None:
        inner = Walk(self.ignore_case, self.dot_all)
        inner.sequence(tree)
        width = tree.getwidth()[1]
        if direction > 0:
            self.ahead = max(self.ahead, width + inner.ahead)
            self.behind = max(self.behind, inner.behind)
        else:
            self.behind = max(self.behind, width + inner.behind)
            self.ahead = max(self.ahead, inner.ahead)
        self.anchored = self.anchored or inner.anchored

    def _position(self, where: Any) -> None:
        if where in (c.AT_BOUNDARY, c.AT_NON_BOUNDARY):
            self.behind = max(self.behind, 1)
            self.ahead = max(self.ahead, 1)
        else:
            self.anchored = True

    def characters(self, operator: Any, value: Any) -> set[str]:
        if operator is c.LITERAL:
            return self.cases({chr(value)})
        if operator is c.NOT_LITERAL:
            return set(_PROBES) - {chr(value)}
        if operator is c.ANY:
            return set(_PROBES) if self.dot_all else set(_PROBES) - {"\n"}
        negated, members = False, set()
        for kind, item in value:
            if kind is c.NEGATE:
                negated = True
            elif kind is c.LITERAL:
                members.add(chr(item))
            elif kind is c.RANGE:
                members.update(probe for probe in _PROBES if item[0] <= ord(probe) <= item[1])
                if item[1] > 127:
                    members.add(chr(item[1]))
            elif kind is c.CATEGORY:
                members.update(probe for probe in _PROBES if _CATEGORIES[item].match(probe))
        members = self.cases(members)
        return set(_PROBES) - members if negated else members

    def cases(self, characters: set[str]) -> set[str]:
        if not self.ignore_case:
            return characters
        return {form for character in characters for form in (character, character.lower(), character.upper())}
