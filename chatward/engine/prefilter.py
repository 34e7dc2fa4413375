r"""Which of many patterns may match a text: one pass that never says no to a pattern that does.

Texts are views (``core.normalise``): digits of all scripts are ASCII there, and ``\d`` is taken so.

Texts are asked cheap questions first; each says no to most patterns (measured with 1,000 rules on chat text):

* Most patterns have an *anchor* (``engine.atoms``): a few strings, rare in prose, one of which every match holds.
  Hyperscan looks for all anchors as plain literals, at gigabytes a second: 1 µs a message, where patterns took 11.
* A pattern that needs more digits than the text has, or a letter beyond ASCII where there is none, is not looked for.
* Every other pattern is *widened* into one over bytes that is cheap to run beside others (``widened``). Those that
  hold a literal run of characters, or letters beyond ASCII, go to Hyperscan; those made of ASCII classes alone (digits
  in groups, mostly) go to RE2 sets, whose automata are built as texts need them. In Hyperscan these took 18 seconds to
  compile and 6 MB, in RE2 8 milliseconds. So that not every new number needs new states, these patterns do not tell
  one digit from another; and those that take letters too are in sets of their own, where letters and digits are one
  class. So random text, whose every token is new, has few states as well.

What these say yes to is then confirmed one by one: by RE2 (``quick_search``), then by ``re``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib import metadata
from re import _constants as c  # type: ignore[attr-defined]
from typing import Any

import hyperscan
import re2  # type: ignore[import-untyped]
from re2 import _re2

from chatward.engine import pattern_cache
from chatward.engine.atoms import anchor_of, fold, needs_foreign
from chatward.engine.patterns import Walk, least_digits, parse, shape_of

_RE2_MEMORY = 64 * 1024 * 1024
_ONE_MEMORY = 512 * 1024  # of one rule: program and states; random text fills them, 1,000 rules took 7 MB
_SET_WIDTH = 32
_MANY = 4  # digits: few messages have so many, and few patterns need fewer
_LITERAL = 2  # characters in a row that Hyperscan needs to look for a literal


_Form = tuple[bytes, bool]


class Probe:
    """A text as prefilters read it: encoded, folded, and what is quickly told of it."""

    __slots__ = ("data", "digits", "folded", "folded_data", "is_ascii")

    def __init__(self, text: str) -> None:
        self.is_ascii = text.isascii()
        self.folded = fold(text)
        self.data = text.encode()
        self.folded_data = self.folded.encode()
        self.digits = len(self.data) - len(self.data.translate(None, b"0123456789"))


class Prefilter:
    """Patterns as (``re`` pattern, flags). Call it with a text for the indexes of those that may match, in
    ascending order. Safe to share between threads."""

    def __init__(self, patterns: Sequence[tuple[str, re.RegexFlag]]) -> None:
        self._lock = threading.Lock()
        self._all = [True] * len(patterns)
        self._digits = [0] * len(patterns)
        about = [(pattern, int(flags)) for pattern, flags in patterns]
        forms = pattern_cache.remembered("forms", about, lambda: [_form(*pattern) for pattern in patterns])
        anchors: dict[_Form, list[int]] = {}
        groups: dict[str, dict[_Form, list[int]]] = {}
        for index, (kind, expression, caseless, digits, anchor) in enumerate(forms):
            self._digits[index] = digits
            for atom in anchor:
                anchors.setdefault((_quoted(atom), False), []).append(index)
            if not anchor:
                groups.setdefault(kind, {}).setdefault((expression.encode("latin-1"), caseless), []).append(index)

        def searched(*kinds: str) -> list[_Set]:
            return [_Set(groups[kind], self._digits) for kind in kinds if kind in groups]

        def scanned(patterns: dict[_Form, list[int]] | None) -> list[_Database]:
            return [_Database(patterns)] if patterns else []

        self._anchors = scanned(anchors)
        self._always = scanned(groups.get("literal"))
        self._foreign = scanned(groups.get("foreign"))
        self._numeric = scanned(groups.get("numeric"))
        self._numbered = scanned(groups.get("numbered numeric"))
        self._sets = searched("numbers", "words", "numbered words", "letters")

    def __call__(self, text: str) -> list[int]:
        return self.find(Probe(text), self._all)

    def find(self, probe: Probe, relevant: Sequence[bool]) -> list[int]:
        """The same for a text made ready. ``relevant`` tells for each pattern whether the answer matters; others are
        left out."""
        data, digits = probe.data, probe.digits
        if not data:
            return []
        found: list[int] = []
        for patterns in self._sets:
            if patterns.digits <= digits:
                found += patterns.search(data)
        with self._lock:  # a database has one scratch space
            for database in self._anchors:
                database.scan(probe.folded_data, found)
            for database in self._always:
                database.scan(data, found)
            if digits:
                for database in self._numeric:
                    database.scan(data, found)
                if digits >= _MANY:
                    for database in self._numbered:
                        database.scan(data, found)
            if not probe.is_ascii:
                for database in self._foreign:
                    database.scan(data, found)
        if not found:
            return found
        needed = self._digits
        hits = {index for index in found if relevant[index] and needed[index] <= digits}
        return sorted(hits) if len(hits) > 1 else list(hits)


class _Set:
    """A RE2 set. ``digits``: what each of its patterns needs at least."""

    def __init__(self, forms: Mapping[_Form, list[int]], needed: Sequence[int]) -> None:
        self._match = _set_of(list(forms)).Match
        self._places = list(forms.values())
        self.digits = min(needed[index] for indexes in forms.values() for index in indexes)

    def search(self, data: bytes) -> list[int]:
        places = self._places
        return [index for place in self._match(data) or () for index in places[place]]


class _Database:
    """A Hyperscan database."""

    def __init__(self, forms: Mapping[_Form, list[int]]) -> None:
        self._database = _hyperscan_of(list(forms))
        self._places = list(forms.values())

    def scan(self, data: bytes, found: list[int]) -> None:
        """Adds the indexes of the patterns that ``data`` may match."""
        places = self._places

        def hit(place: int, _from: int, _to: int, _flags: int, _context: object) -> None:
            found.extend(places[place])

        self._database.scan(data, match_event_handler=hit)


def _form(pattern: str, flags: re.RegexFlag) -> list[Any]:
    """Who looks for a pattern, as what (Latin-1 text, caseless), how many digits it needs, its anchor. JSON-able."""
    tree = parse(pattern, flags)
    digits = least_digits(tree)
    anchor = anchor_of(pattern, flags)
    if anchor:
        return ["anchor", "", False, digits, anchor]
    expression, caseless = widened(pattern, flags)
    alphabet = shape_of(pattern, flags).alphabet
    many = "numbered " if digits >= _MANY else ""
    if _has_literal(expression) or not all(map(str.isascii, alphabet)):
        foreign = needs_foreign(tree, bool(tree.state.flags & re.IGNORECASE))
        kind = f"{many}numeric" if digits else "foreign" if foreign else "literal"
    else:
        expression, caseless = widened(pattern, flags, exactly=_SET_WIDTH)
        letters = any(map(str.isalpha, alphabet))
        kind = "letters" if not digits else f"{many}words" if letters else "numbers"
    return [kind, expression.decode("latin-1"), caseless, digits, ()]


def _quoted(atom: str) -> bytes:
    return "".join(map(_byte, atom.encode())).encode()


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
    patterns = re2.Set.SearchSet(_options(_RE2_MEMORY))
    for expression, caseless in forms:
        patterns.Add(b"(?i)" + expression if caseless else expression)
    patterns.Compile()
    return patterns


def _options(memory: int) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = memory
    options.log_errors = False
    return options


def quick_form(pattern: str, flags: re.RegexFlag) -> str:
    """What ``quick_search`` takes: all of a pattern as a wider one over bytes, for RE2."""
    tree = parse(pattern, flags)
    render = _Render(bool(tree.state.flags & re.IGNORECASE), bool(tree.state.flags & re.DOTALL))
    text, _ = render.prefix(tree, _ALL)
    return "(?i)" + text if render.caseless else text


def quick_search(form: str) -> Callable[[bytes], bool]:
    """Whether a pattern may match encoded text: never no where it does. To say no takes a tenth of ``re``'s time."""
    options = _options(_ONE_MEMORY)
    options.never_capture = True
    compiled = _re2.RE2(form.encode("latin-1"), options)
    if not compiled.ok():
        return _always
    match, anywhere = compiled.Match, _re2.RE2.Anchor.UNANCHORED
    return lambda data: bool(match(anywhere, data, 0, len(data))[0][0] >= 0)


def _always(_: bytes) -> bool:
    return True


_CLASS = re.compile(rb"\[[^\]]*\]")
_NOT_LITERAL = re.compile(rb"\{[^}]*\}|\(\?:|[^A-Za-z0-9]")
_ESCAPED = re.compile(rb"\\x[0-9a-f]{2}")


def _has_literal(expression: bytes) -> bool:
    """True where a rendered pattern holds a run of characters outside of classes and counts."""
    plain = _ESCAPED.sub(b"x", _CLASS.sub(b" ", expression))
    return any(len(run) >= _LITERAL for run in _NOT_LITERAL.sub(b" ", plain).split())


_HIGH = r"\x80-\xff"
_PREFIX = 8
_ALL = 1 << 30
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
