r"""Which of many patterns may match a text: one pass that never says no to a pattern that does.

Texts are views (``core.normalise``): digits of all scripts are ASCII there, and ``\d`` is taken so.

Texts are asked cheap questions first; each says no to most patterns (measured with 1,000 rules on chat text):

* Most patterns have an *anchor* (``engine.atoms``): a few strings, rare in prose, one of which every match holds.
  Hyperscan looks for all anchors as plain literals, at gigabytes a second: 1 µs a message, where patterns took 11.
* A pattern that needs more digits than the text has, or a letter beyond ASCII where there is none, is not looked for.
  Nor are those that need a long token where the text has none.
* Every other pattern is *widened* into one over bytes that is cheap to run beside others (``widened``). Those that
  hold a literal run of characters, or letters beyond ASCII, go to Hyperscan; those made of ASCII classes alone (digits
  in groups, mostly) go to RE2 sets, whose automata are built as texts need them. In Hyperscan these took 18 seconds to
  compile and 6 MB, in RE2 8 milliseconds. So that not every new number needs new states, patterns that need several
  digits do not tell one digit from another; and those that take letters too are in sets of their own, where letters and
  digits are one class. So random text, whose every token is new, has few states as well.

What these say yes to is then confirmed one by one: by RE2 (``quick_search``), then by ``re``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib import metadata
from operator import itemgetter
from typing import Any, NamedTuple

import hyperscan
import re2  # type: ignore[import-untyped]
from re2 import _re2

from chatward.engine import pattern_cache
from chatward.engine.atoms import anchor_of, fold, needs_foreign
from chatward.engine.patterns import least_digits, parse, shape_of
from chatward.engine.widening import byte, has_literal, widened

_RE2_MEMORY = 64 * 1024 * 1024
_ONE_MEMORY = 512 * 1024  # of one rule: program and states; random text fills them, 1,000 rules took 7 MB
_SET_WIDTH = 32
_MANY = 4  # digits: few messages have so many, and few patterns need fewer
_TOKEN = 14  # code points without a blank: few messages have such a token but for links, and keys are longer


_SETS = ("numbers", "words", "numbered words", "letters", "tokens")
_EXACT = ("letters", "words")  # few patterns, and ordinary words would pass for codes
_DATABASES = ("literal", "foreign", "numeric", "numbered numeric")

_ANYWHERE = _re2.RE2.Anchor.UNANCHORED

_Form = tuple[bytes, bool]


class Probe:
    """A text as prefilters read it: encoded, folded, and what is quickly told of it."""

    __slots__ = ("data", "digits", "folded", "is_ascii")

    def __init__(self, text: str) -> None:
        self.data = data = text.encode()
        self.is_ascii = is_ascii = text.isascii()
        self.folded = data.lower() if is_ascii else fold(text).encode()
        self.digits = len(data) - len(data.translate(None, b"0123456789"))


class Prefilter:
    """Patterns as (``re`` pattern, flags). Call it with a text for the indexes of those that may match, in
    ascending order. Safe to share between threads."""

    def __init__(self, patterns: Sequence[tuple[str, re.RegexFlag]]) -> None:
        self._lock = threading.Lock()
        about = [(pattern, int(flags)) for pattern, flags in patterns]
        forms = pattern_cache.remembered("widened", about, lambda: [_form(*pattern) for pattern in patterns])
        self._digits = [form[3] for form in forms]
        anchors: dict[_Form, list[int]] = {}
        groups: dict[str, dict[_Form, list[int]]] = {}
        for index, (kind, expression, caseless, _, anchor) in enumerate(forms):
            for atom in anchor:
                anchors.setdefault((_quoted(atom), False), []).append(index)
            if not anchor:
                groups.setdefault(kind, {}).setdefault((expression.encode("latin-1"), caseless), []).append(index)

        self._sets = {kind: _Set(groups[kind]) for kind in _SETS if kind in groups}
        self._databases = {kind: _Database(groups[kind]) for kind in _DATABASES if kind in groups}
        if anchors:
            self._databases["anchors"] = _Database(anchors)
        self._all = self.choose([True] * len(patterns))

    def __call__(self, text: str) -> list[int]:
        return self.find(Probe(text), self._all)

    def choose(self, relevant: Sequence[bool]) -> Choice:
        """What ``find`` takes. ``relevant`` tells for each pattern whether the answer matters; others are left out."""
        sets = []
        for kind, patterns in self._sets.items():
            known = [index for indexes in patterns.places for index in indexes if relevant[index]]
            if known and kind != "tokens":
                sets.append((min(self._digits[index] for index in known), patterns))
        databases = {
            kind: database
            for kind, database in self._databases.items()
            if any(relevant[index] for indexes in database.places for index in indexes)
        }
        tokens = self._sets.get("tokens")
        if tokens is not None and not any(relevant[index] for indexes in tokens.places for index in indexes):
            tokens = None
        sets.sort(key=itemgetter(0))
        return Choice(tuple(relevant), tuple(sets), tokens, *(databases.get(kind) for kind in ("anchors", *_DATABASES)))

    def find(self, probe: Probe, choice: Choice) -> list[int]:
        """The same for a text made ready, and some of the patterns."""
        data, digits = probe.data, probe.digits
        if not data:
            return []
        found: list[int] = []
        relevant, sets, tokens, anchors, literal, foreign, numeric, numbered = choice
        for least, patterns in sets:
            if least > digits:
                break
            patterns.search(data, found)
        if tokens is not None and _has_token(data):
            tokens.search(data, found)
        with self._lock:  # a database has one scratch space
            if anchors is not None:
                anchors.scan(probe.folded, found)
            if literal is not None:
                literal.scan(data, found)
            if digits:
                if numeric is not None:
                    numeric.scan(data, found)
                if numbered is not None and digits >= _MANY:
                    numbered.scan(data, found)
            if foreign is not None and not probe.is_ascii:
                foreign.scan(data, found)
        if not found:
            return found
        needed = self._digits
        hits = {index for index in found if relevant[index] and needed[index] <= digits}
        return sorted(hits) if len(hits) > 1 else list(hits)


class Choice(NamedTuple):
    """Some patterns of a prefilter, and what looks for them. ``sets``: each with the digits that every one of its
    patterns needs, fewest first."""

    relevant: tuple[bool, ...]
    sets: tuple[tuple[int, _Set], ...]
    tokens: _Set | None
    anchors: _Database | None
    literal: _Database | None
    foreign: _Database | None
    numeric: _Database | None
    numbered: _Database | None


class _Set:
    """A RE2 set. ``places`` are the indexes of the patterns by form."""

    def __init__(self, forms: Mapping[_Form, list[int]]) -> None:
        self._match = _set_of(list(forms)).Match
        self.places = list(forms.values())

    def search(self, data: bytes, found: list[int]) -> None:
        """Adds the indexes of the patterns that ``data`` may match."""
        for place in self._match(data):
            found += self.places[place]


class _Database:
    """A Hyperscan database. ``places`` as in ``_Set``."""

    def __init__(self, forms: Mapping[_Form, list[int]]) -> None:
        self._scan = _hyperscan_of(list(forms)).scan
        self.places = list(forms.values())

    def scan(self, data: bytes, found: list[int]) -> None:
        """The same as ``_Set.search``."""
        self._scan(data, self._hit, 0, found)

    def _hit(self, place: int, _from: int, _to: int, _flags: int, found: list[int]) -> None:
        found += self.places[place]


def _form(pattern: str, flags: re.RegexFlag) -> list[Any]:
    """Who looks for a pattern, as what (Latin-1 text, caseless), how many digits it needs, its anchor. JSON-able."""
    tree = parse(pattern, flags)
    digits = least_digits(tree)
    anchor = anchor_of(pattern, flags)
    if anchor:
        return ["anchor", "", False, digits, anchor]
    expression, caseless = widened(pattern, flags)
    shape = shape_of(pattern, flags)
    alphabet = shape.alphabet
    many = "numbered " if digits >= _MANY else ""
    if not many and shape.least >= _TOKEN and not shape.consumes_blank:
        expression, caseless = widened(pattern, flags, exactly=_SET_WIDTH, coarse=True)
        kind = "tokens"
    elif has_literal(expression) or not all(map(str.isascii, alphabet)):
        foreign = needs_foreign(tree, bool(tree.state.flags & re.IGNORECASE))
        kind = f"{many}numeric" if digits else "foreign" if foreign else "literal"
    else:
        letters = any(map(str.isalpha, alphabet))
        kind = "letters" if not digits else f"{many}words" if letters else "numbers"
        expression, caseless = widened(pattern, flags, exactly=_SET_WIDTH, coarse=kind not in _EXACT)
    return [kind, expression.decode("latin-1"), caseless, digits, ()]


def _quoted(atom: str) -> bytes:
    return "".join(map(byte, atom.encode())).encode()


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
    patterns = _re2.Set(_ANYWHERE, _options(_RE2_MEMORY))  # ``re2.Set`` asks what it is given at every look
    for expression, caseless in forms:
        if patterns.Add(b"(?i)" + expression if caseless else expression) < 0:
            raise ValueError("RE2 does not take a widened pattern")
    if not patterns.Compile():
        raise ValueError("RE2 does not take the widened patterns together")
    return patterns


def _options(memory: int) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = memory
    options.log_errors = False
    return options


def quick_search(form: str) -> Callable[[bytes], bool]:
    """Whether a pattern may match encoded text: never no where it does. To say no takes a tenth of ``re``'s time."""
    options = _options(_ONE_MEMORY)
    options.never_capture = True
    compiled = _re2.RE2(form.encode("latin-1"), options)
    if not compiled.ok():
        return _always
    match = compiled.Match
    return lambda data: bool(match(_ANYWHERE, data, 0, len(data))[0][0] >= 0)


def _always(_: bytes) -> bool:
    return True


_has_token = quick_search(rf"[^\t-\r\x1c- ]{{{_TOKEN}}}")
