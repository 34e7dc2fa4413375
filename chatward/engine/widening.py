"""Patterns widened into patterns over bytes, for engines that look for many of them at once.

The rule: what a pattern matches in a text, its wider form matches in the text's UTF-8. It may match elsewhere too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from re import _constants as c  # type: ignore[attr-defined]
from typing import Any

from chatward.engine.patterns import Walk, parse, shape_of

_LITERAL = 2  # characters in a row that Hyperscan needs to look for a literal
_CLASS = re.compile(rb"\[[^\]]*\]")
_NOT_LITERAL = re.compile(rb"\{[^}]*\}|\(\?:|[^A-Za-z0-9]")
_ESCAPED = re.compile(rb"\\x[0-9a-f]{2}")


def has_literal(expression: bytes) -> bool:
    """True where a rendered pattern holds a run of characters outside of classes and counts."""
    plain = _ESCAPED.sub(b"x", _CLASS.sub(b" ", expression))
    return any(len(run) >= _LITERAL for run in _NOT_LITERAL.sub(b" ", plain).split())


_HIGH = r"\x80-\xff"
_PREFIX = 12  # with 8, every message held the beginning of one or two rules that it did not match
_ALL = 1 << 30
_EXACT_REPEATS = 6  # repeats up to this stay exact in the prefilter; longer ones become open-ended


def widened(pattern: str, flags: re.RegexFlag, *, exactly: int = 0, coarse: bool = False) -> tuple[bytes, bool]:
    """A byte pattern for UTF-8 text that matches wherever ``pattern`` does, and perhaps elsewhere; and whether
    it is to be compiled without regard to (ASCII) case.

    Look-arounds and boundaries are dropped, long repeats left open, back references widened, every class that
    holds a character beyond ASCII takes any byte above 0x7F, and only the first ``_PREFIX`` code points that a
    match must have are rendered. That keeps the automaton small. With ``exactly`` repeats up to that many stay as
    they are and so many code points are rendered. ``coarse``: letters and digits are not told apart among themselves.
    """
    tree = parse(pattern, flags)
    render = _Render(bool(tree.state.flags & re.IGNORECASE), bool(tree.state.flags & re.DOTALL))
    render.exact, render.coarse = exactly or _EXACT_REPEATS, coarse
    render.letters = any(map(str.isalpha, shape_of(pattern, flags).alphabet))
    text, _ = render.prefix(tree, exactly or _PREFIX)
    return text.encode("latin-1"), render.caseless


def quick_form(pattern: str, flags: re.RegexFlag) -> str:
    """What ``quick_search`` takes: all of a pattern as a wider one over bytes, for RE2."""
    tree = parse(pattern, flags)
    render = _Render(bool(tree.state.flags & re.IGNORECASE), bool(tree.state.flags & re.DOTALL))
    text, _ = render.prefix(tree, _ALL)
    return "(?i)" + text if render.caseless else text


class _Render(Walk):
    """Renders a parsed pattern as a wider one over bytes (as Latin-1 text)."""

    def __init__(self, ignore_case: bool, dot_all: bool) -> None:
        super().__init__(ignore_case, dot_all)
        self.caseless = ignore_case
        self.exact = _EXACT_REPEATS
        self.coarse = False
        self.letters = False  # coarse, and letters can be consumed somewhere

    def sequence(self, tree: Any) -> str:  # type: ignore[override]
        return "".join(self.node(operator, value) for operator, value in tree)

    def prefix(self, tree: Any, wanted: int) -> tuple[str, int]:
        """The rendered start of a sequence that holds at least ``wanted`` code points of every match, or all of
        it; and how many it holds at least."""
        out: list[str] = []
        have = 0
        for operator, value in tree:
            text, width = self._prefix_node(operator, value, wanted - have)
            out.append(text)
            have += width
            if have >= wanted:
                break
        return "".join(out), have

    def _prefix_node(self, operator: Any, value: Any, wanted: int) -> tuple[str, int]:
        if operator in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN):
            return self.node(operator, value), 1
        if operator is c.BRANCH:
            pairs = [self.prefix(branch, wanted) for branch in value[1]]
            least = min(width for _, width in pairs)
            if least < wanted:  # more follows, and it may only follow a branch that is complete
                return self.node(operator, value), least
            return "(?:" + "|".join(text for text, _ in pairs) + ")", least
        if operator is c.SUBPATTERN:
            with self._scope(value[1]):
                text, width = self.prefix(value[3], wanted)
            return f"(?:{text})", width
        if operator is c.ATOMIC_GROUP:
            text, width = self.prefix(value, wanted)
            return f"(?:{text})", width
        if operator in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            least, _, inner = value
            each = int(inner.getwidth()[0])
            if each * least >= wanted > 0:
                times = -(-wanted // each)
                return f"(?:{self.sequence(inner)}){{{times}}}", each * times
            return self.node(operator, value), each * least
        return self.node(operator, value), 0

    @contextmanager
    def _scope(self, added: int) -> Iterator[None]:
        kept = self.ignore_case, self.dot_all
        self.ignore_case = self.ignore_case or bool(added & re.IGNORECASE)
        self.dot_all = self.dot_all or bool(added & re.DOTALL)
        self.caseless = self.caseless or self.ignore_case
        yield
        self.ignore_case, self.dot_all = kept

    def node(self, operator: Any, value: Any) -> str:  # type: ignore[override]
        if operator is c.LITERAL:
            return self._literal(chr(value))
        if operator in (c.NOT_LITERAL, c.ANY, c.IN):
            return self._class(operator, value)
        if operator is c.BRANCH:
            return "(?:" + "|".join(self.sequence(branch) for branch in value[1]) + ")"
        if operator is c.SUBPATTERN:
            with self._scope(value[1]):
                return f"(?:{self.sequence(value[3])})"
        if operator in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            return self._repeat(*value)
        if operator is c.ATOMIC_GROUP:
            return f"(?:{self.sequence(value)})"
        if operator is c.GROUPREF:
            return r"[\x00-\xff]*"
        if operator is c.GROUPREF_EXISTS:
            branches = [self.sequence(branch) if branch is not None else "" for branch in value[1:]]
            return "(?:" + "|".join(branches) + ")"
        return ""  # look-arounds and positions only narrow a match

    def _repeat(self, least: int, most: int, tree: Any) -> str:
        inner = f"(?:{self.sequence(tree)})"
        if most <= self.exact:
            return f"{inner}{{{least},{most}}}"
        return f"{inner}{{{min(least, self.exact)},}}"

    def _literal(self, character: str) -> str:
        if self.coarse and character.isascii() and character.isalnum():
            return _coarse({character}, self.letters)
        forms = sorted(self.cases({character})) if self.ignore_case else [character]
        if all(len(form) == 1 and form.isascii() for form in forms):
            return byte(ord(forms[-1]))  # the pattern is compiled caseless where forms differ
        return "(?:" + "|".join("".join(map(byte, form.encode())) for form in forms) + ")"

    def _class(self, operator: Any, value: Any) -> str:
        members = self.characters(operator, value)
        if self.coarse and all(member.isascii() for member in members):
            return _coarse(members, self.letters)
        low = _ranges(sorted(ord(member) for member in members if len(member) == 1 and member.isascii()))
        if all(member.isascii() for member in members):
            return f"[{low}]"
        return f"(?:[{low}{_HIGH}]|[{_HIGH}]{{2,4}})" if low else f"[{_HIGH}]{{1,4}}"


def _coarse(members: set[str], letters: bool) -> str:
    """The class that also holds all digits, and all ``letters``, where there is a letter or digit."""
    low = ""
    if any(member.isalnum() for member in members):
        low = "0-9A-Za-z" if letters else "0-9"
    return f"[{low}{_ranges(sorted(ord(member) for member in members if not member.isalnum()))}]"


def _ranges(codes: list[int]) -> str:
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(byte(a) if a == b else f"{byte(a)}-{byte(b)}" for a, b in runs)


def byte(value: int) -> str:
    character = chr(value)
    return character if character.isascii() and character.isalnum() else f"\\x{value:02x}"
