r"""Which of many patterns may match a text: one pass that never says no to a pattern that does.

Texts are views (``core.normalise``): digits of all scripts are ASCII there, and ``\d`` is taken so.

Every pattern is first *widened* into one over bytes that is cheap to run beside hundreds of others (``widened``). Then
two engines share the work, each doing what it is fast at (measured with 820 rules on chat text):

* patterns that contain a literal run of characters, or letters beyond ASCII, go to Hyperscan, which finds literals
  at gigabytes a second;
* patterns made of ASCII classes alone (digits in groups, mostly) go to RE2 sets, whose automata are built as texts
  need them. In Hyperscan these took 18 seconds to compile and 6 MB, in RE2 8 milliseconds. So that not every new
  number needs new states, these patterns do not tell one digit from another; and those that take letters too are in
  a set of their own, where letters and digits are one class. So random text, whose every token is new, has few
  states as well. What these say yes to is then checked against the number of digits in the text.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib import metadata
from re import _constants as c  # type: ignore[attr-defined]
from typing import Any

import hyperscan
import re2  # type: ignore[import-untyped]

from chatward.engine import pattern_cache
from chatward.engine.patterns import Walk, least_digits, parse, shape_of

_RE2_MEMORY = 64 * 1024 * 1024
_SET_WIDTH = 32
_LITERAL = 2  # characters in a row that Hyperscan needs to look for a literal


_Form = tuple[bytes, bool]


class Prefilter:
    """Patterns as (``re`` pattern, flags). Call it with a text for the indexes of those that may match, in
    ascending order. Safe to share between threads."""

    def __init__(self, patterns: Sequence[tuple[str, re.RegexFlag]]) -> None:
        self._lock = threading.Lock()
        literal: dict[_Form, list[int]] = {}
        numbers: dict[_Form, list[int]] = {}
        words: dict[_Form, list[int]] = {}
        self._all = [True] * len(patterns)
        self._digits = [0] * len(patterns)
        kinds = {"literal": literal, "numbers": numbers, "words": words}
        about = [(pattern, int(flags)) for pattern, flags in patterns]
        forms = pattern_cache.remembered("forms", about, lambda: [_form(*pattern) for pattern in patterns])
        for index, (kind, expression, caseless, digits) in enumerate(forms):
            kinds[kind].setdefault((expression.encode("latin-1"), caseless), []).append(index)
            self._digits[index] = digits
        self._literal_places = [tuple(indexes) for indexes in literal.values()]
        self._hyperscan = _hyperscan_of(list(literal)) if literal else None
        self._sets = [
            (_set_of(list(forms)), [tuple(indexes) for indexes in forms.values()])
            for forms in (numbers, words)
            if forms
        ]

    def __call__(self, text: str) -> list[int]:
        return self.find(text.encode(), self._all)

    def find(self, data: bytes, relevant: Sequence[bool]) -> list[int]:
        """The same for encoded text. ``relevant`` tells for each pattern whether the answer matters; others are left
        out."""
        hits: list[int] = []
        if not data:
            return hits
        for patterns, indexes in self._sets:
            found = patterns.Match(data)
            if found:
                digits = len(data) - len(data.translate(None, b"0123456789"))
                needed = self._digits
                for place in found:
                    hits.extend([index for index in indexes[place] if needed[index] <= digits and relevant[index]])
        if self._hyperscan is not None:
            places: list[int] = []
            with self._lock:  # a database has one scratch space
                self._hyperscan.scan(data, match_event_handler=lambda place, *_: places.append(place))
            for place in places:
                for index in self._literal_places[place]:
                    if relevant[index]:
                        hits.append(index)
        hits.sort()
        return hits


def _form(pattern: str, flags: re.RegexFlag) -> list[Any]:
    """Who looks for a pattern, as what (Latin-1 text, caseless), and how many digits it needs. JSON-able."""
    expression, caseless = widened(pattern, flags)
    alphabet = shape_of(pattern, flags).alphabet
    if _has_literal(expression) or not all(map(str.isascii, alphabet)):
        return ["literal", expression.decode("latin-1"), caseless, 0]
    expression, caseless = widened(pattern, flags, exactly=_SET_WIDTH)
    kind = "words" if any(map(str.isalpha, alphabet)) else "numbers"
    return [kind, expression.decode("latin-1"), caseless, least_digits(parse(pattern, flags))]


def _hyperscan_of(forms: Sequence[tuple[bytes, bool]]) -> Any:
    digest = sha256(metadata.version("hyperscan").encode())
    for expression, caseless in forms:
        digest.update(b"%d\0%b\0" % (caseless, expression))
    key, place = digest.hexdigest(), pattern_cache.folder()
    kept = pattern_cache.load(key, place)
    if kept is not None:
        with suppress(hyperscan.HyperscanError):  # made by another version or for another processor
            database = hyperscan.loadb(kept, hyperscan.HS_MODE_BLOCK)
            database.scratch = hyperscan.Scratch(database)
            return database
    database = hyperscan.Database()
    database.compile(
        expressions=[expression for expression, _ in forms],
        ids=list(range(len(forms))),
        elements=len(forms),
        flags=[
            hyperscan.HS_FLAG_SINGLEMATCH | (hyperscan.HS_FLAG_CASELESS if caseless else 0) for _, caseless in forms
        ],
    )
    pattern_cache.store(key, hyperscan.dumpb(database), place)
    return database


def _set_of(forms: Sequence[_Form]) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _RE2_MEMORY
    options.log_errors = False
    patterns = re2.Set.SearchSet(options)
    for expression, caseless in forms:
        patterns.Add(b"(?i)" + expression if caseless else expression)
    patterns.Compile()
    return patterns


_CLASS = re.compile(rb"\[[^\]]*\]")
_NOT_LITERAL = re.compile(rb"\{[^}]*\}|\(\?:|[^A-Za-z0-9]")
_ESCAPED = re.compile(rb"\\x[0-9a-f]{2}")


def _has_literal(expression: bytes) -> bool:
    """True where a rendered pattern holds a run of characters outside of classes and counts."""
    plain = _ESCAPED.sub(b"x", _CLASS.sub(b" ", expression))
    return any(len(run) >= _LITERAL for run in _NOT_LITERAL.sub(b" ", plain).split())


_HIGH = r"\x80-\xff"
_PREFIX = 8
_ENOUGH = 4
_EXACT_REPEATS = 6  # repeats up to this stay exact in the prefilter; longer ones become open-ended


def widened(pattern: str, flags: re.RegexFlag, *, exactly: int = 0) -> _Form:
    """A byte pattern for UTF-8 text that matches wherever ``pattern`` does, and perhaps elsewhere; and whether
    it is to be compiled without regard to (ASCII) case.

    Look-arounds and boundaries are dropped, long repeats left open, back references widened, every class that
    holds a character beyond ASCII takes any byte above 0x7F, and only the first ``_PREFIX`` code points that a
    match must have are rendered. That keeps the automaton small. With ``exactly`` repeats up to that many stay as
    they are and so many code points are rendered, and letters and digits are not told apart among themselves.
    """
    tree = parse(pattern, flags)
    render = _Render(bool(tree.state.flags & re.IGNORECASE), bool(tree.state.flags & re.DOTALL))
    render.exact, render.coarse = exactly or _EXACT_REPEATS, bool(exactly)
    render.letters = any(map(str.isalpha, shape_of(pattern, flags).alphabet))
    text, _ = render.prefix(tree, exactly or _PREFIX)
    return text.encode("latin-1"), render.caseless


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
            return _byte(ord(forms[-1]))  # the pattern is compiled caseless where forms differ
        return "(?:" + "|".join("".join(map(_byte, form.encode())) for form in forms) + ")"

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
    return "".join(_byte(a) if a == b else f"{_byte(a)}-{_byte(b)}" for a, b in runs)


def _byte(value: int) -> str:
    character = chr(value)
    return character if character.isascii() and character.isalnum() else f"\\x{value:02x}"
