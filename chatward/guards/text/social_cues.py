r"""Finding cues in a text: one pass over its words, for all languages at once.

The rule: a cue starts where a word starts, and its words stand at most two code points apart, in one sentence. Cues of
scripts without blanks (and of Korean, whose particles join the word) may start anywhere.

``find`` reads a text from a given place on. ``pending`` tells from where on the end of a growing text may yet turn into
a cue: what lies before it is certain whatever follows, which is what streams need.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

from chatward.guards.text.social_words import LANGUAGES, Cue


class Found(NamedTuple):
    """A cue in a text: span in code points, and what it stands for."""

    start: int
    end: int
    cue: Cue


_DENSE: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_DENSE_RUN: Final = re.compile(f"[{_DENSE}]")
_MARKS: Final = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0962\u0963"
_WORD: Final = re.compile(rf"(?:[^\W_{_DENSE}]|[{_MARKS}])+")
_ASCII_WORD: Final = re.compile("[a-z0-9]+")  # the same in ASCII text, three times as fast
_ARABIC: Final = re.compile("[\u0620-\u064a]")
_ARABIC_FROM: Final = "\u0620"
_JOINED: Final = "وفبلك"  # particles that Arabic writes together with the next word
_LONGEST: Final = 40  # code points of a word that may be a cue
_WORDS: Final = 7  # of one cue
_GAP: Final = 2
_STOPS: Final = frozenset(".!?\n\u2026\u061f\u0964\u3002\uff01\uff1f")
_DENSE_LONGEST: Final = 14
_STEM: Final = 3  # letters of a stem that it is looked up by


def _table() -> dict[int, str]:
    table = {0x2019: "'", 0x02BC: "'", 0x0131: "i", 0x0130: "i", 0x0142: "l", 0x0141: "l", 0x00F8: "o", 0x00D8: "o"}
    table |= {
        0x0111: "d",
        0x0110: "d",
        0x0451: "е",
        0x0401: "е",
        0x00DF: "s",
        0x1E9E: "s",
        0x03A3: "\u03c3",
        0x03C2: "\u03c3",
    }
    table |= dict.fromkeys((0x0622, 0x0623, 0x0625), "\u0627") | {0x0629: "\u0647", 0x0649: "\u064a"}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0].lower()
        if code not in table and base.isascii() and len(base) == 1:
            table[code] = base
    return table


_FOLDED: Final = _table()


def fold(text: str) -> str:
    """The text in lower case without Latin accents, code point for code point (so a text may be folded in pieces)."""
    if text.isascii():
        return text.lower()
    folded = text.translate(_FOLDED)
    lower = folded.lower()
    # Some letters have longer small forms; positions must stay.
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in folded)


_Rest = tuple[tuple[str, ...], bool]  # the words after the first, and whether the last is a stem


class _Begun:
    """The cues that start with one word: those that are that word alone, and the others by their second word."""

    __slots__ = ("alone", "second", "stems")

    def __init__(self) -> None:
        self.alone: list[Cue] = []
        self.second: dict[str, list[tuple[_Rest, Cue]]] = {}
        self.stems: list[tuple[_Rest, Cue]] = []  # of two words, the second a stem


class _Tables:
    """Cues from ``first`` to ``last``, ready to be looked up."""

    def __init__(self, first: Cue, last: Cue) -> None:
        self.words: dict[str, _Begun] = defaultdict(_Begun)
        self.stems: dict[str, list[tuple[str, Cue]]] = defaultdict(list)
        self.dense: dict[str, list[tuple[str, Cue]]] = defaultdict(list)
        self.begun: set[str] = set()
        self.rare: set[str] = set()  # of each entry the longest word
        for language in LANGUAGES.values():
            for cue, entries in language.items():
                if not first <= cue <= last:
                    continue
                for entry in entries.split(","):
                    if entry.strip():
                        self._add(fold(entry.strip()), cue)

    def _add(self, entry: str, cue: Cue) -> None:
        if _DENSE_RUN.search(entry):
            if len(entry) > _DENSE_LONGEST:
                raise ValueError(f"cue too long: {entry}")
            key = entry[:2]
            if (entry, cue) not in self.dense[key]:
                self.dense[key].append((entry, cue))
                self.begun.update([entry[:size] for size in range(1, len(entry) + 1)])
            return
        stem = entry.endswith("*")
        words = _WORD.findall(entry)
        if not words or len(words) > _WORDS or "*" in entry[:-1]:
            raise ValueError(f"not a cue: {entry}")
        joined = " ".join(words)
        self.begun.update([joined[:size] for size in range(1, len(joined) + 1)])
        words = [_bare(word) for word in words]
        if not stem or len(words) > 1:
            self.rare.add(max(words[: len(words) - stem], key=len))
        if stem and len(words) == 1:
            if len(words[0]) < _STEM:
                raise ValueError(f"stem too short: {entry}")
            self.stems[words[0][:_STEM]].append((words[0], cue))
            return
        begun = self.words[words[0]]
        rest = (tuple(words[1:]), stem)
        if len(words) == 1:
            if cue not in begun.alone:
                begun.alone.append(cue)
        elif len(words) == 2 and stem:
            begun.stems.append((rest, cue))
        else:
            begun.second.setdefault(words[1], []).append((rest, cue))


class Vocabulary:
    """Cues from ``first`` to ``last``. Tables are made when they are first asked for."""

    def __init__(self, first: Cue, last: Cue) -> None:
        self._range = (first, last)

    @cached_property
    def tables(self) -> _Tables:
        return _Tables(*self._range)


def _bare(word: str) -> str:
    """An Arabic word without its article; other words as they are."""
    return word[2:] if len(word) > 4 and word.startswith("ال") else word


def _forms(word: str) -> tuple[str, ...]:
    """What an Arabic word may be once particles and the article are taken off."""
    if not _ARABIC.match(word):
        return (word,)
    forms = [_bare(word)]
    if len(word) > 3 and word[0] in _JOINED:
        forms.append(_bare(word[1:]))
        if word.startswith("لل"):
            forms.append(word[2:])
    return tuple(forms)


CORE: Final = Vocabulary(Cue.TELL_ME, Cue.SECOND_FACTOR)
"""Who is told to do what, and what it is about."""
OBJECTS: Final = Vocabulary(Cue.OTP, Cue.SECOND_FACTOR)
CONTEXT: Final = Vocabulary(Cue.GOT, Cue.LURE)
"""What changes the meaning, and pressure."""


def may_ask(text: str) -> bool:
    """False where a folded text surely names nothing that an ask could be about: a cheap first look."""
    words = frozenset((_ASCII_WORD if text.isascii() else _WORD).findall(text))
    if not words.isdisjoint(OBJECTS.tables.rare):
        return True
    stems = OBJECTS.tables.stems
    for word in words:
        if word[:_STEM] in stems or word >= _ARABIC_FROM:
            return True
    return not text.isascii() and _DENSE_RUN.search(text) is not None


def find(text: str, vocabulary: Vocabulary, start: int = 0) -> list[Found]:
    """All cues of a folded text that start at ``start`` or later, in order of start. Cues may overlap."""
    tables = vocabulary.tables
    found: list[Found] = []
    ascii_only = text.isascii()
    words = list((_ASCII_WORD if ascii_only else _WORD).finditer(text, _skip(text, start)))
    exact, stems = tables.words, tables.stems
    for place, match in enumerate(words):
        word = match[0]
        if word in exact or word[:_STEM] in stems or word >= _ARABIC_FROM:
            _look(text, words, place, tables, found)
    if not ascii_only and _DENSE_RUN.search(text, start):
        _look_dense(text, start, tables, found)
        found.sort()
    return found


def _look(text: str, words: Sequence[re.Match[str]], place: int, tables: _Tables, found: list[Found]) -> None:
    match = words[place]
    begin, end = match.span()
    if end - begin > _LONGEST:
        return
    best: dict[Cue, int] = {}
    exact, stems = tables.words, tables.stems
    for form in _forms(match[0]) if match[0] >= _ARABIC_FROM else (match[0],):
        entry = exact.get(form)
        if entry is not None:
            for cue in entry.alone:
                best.setdefault(cue, end)
            if place + 1 < len(words):
                following = words[place + 1][0]
                for second in _forms(following) if following >= _ARABIC_FROM else (following,):
                    for (rest, stem), cue in entry.second.get(second, ()):
                        best[cue] = max(_follow(text, words, place, rest, stem), best.get(cue, 0))
                for (rest, stem), cue in entry.stems:
                    best[cue] = max(_follow(text, words, place, rest, stem), best.get(cue, 0))
        for stem_, cue in stems.get(form[:_STEM], ()):
            if cue not in best and form.startswith(stem_):
                best[cue] = end
    found.extend([Found(begin, end, cue) for cue, end in best.items() if end])


def _follow(text: str, words: Sequence[re.Match[str]], place: int, rest: Sequence[str], stem: bool) -> int:
    """The end of the last word where the next words are ``rest``; 0 where they are not."""
    last = place + len(rest)
    if last >= len(words):
        return 0
    end = words[place].end()
    for number, wanted in enumerate(rest, place + 1):
        match = words[number]
        word = match[0]
        if match.start() - end > _GAP or not _STOPS.isdisjoint(text[end : match.start()]):
            return 0
        if (
            word != wanted
            and not (stem and number == last and word.startswith(wanted))
            and not (word >= _ARABIC_FROM and wanted in _forms(word))
        ):
            return 0
        end = match.end()
    return end


def _look_dense(text: str, start: int, tables: _Tables, found: list[Found]) -> None:
    dense = tables.dense
    for at in range(start, len(text)):
        entries = (*dense.get(text[at : at + 2], ()), *dense.get(text[at], ()))
        if entries:
            best: dict[Cue, int] = {}
            for entry, cue in entries:
                if text.startswith(entry, at) and at + len(entry) > best.get(cue, 0):
                    best[cue] = at + len(entry)
            found.extend([Found(at, end, cue) for cue, end in best.items()])


def pending(text: str, start: int) -> int:
    """From where on the end of ``text`` may yet become a cue of ``CORE`` (or part of a word), not before ``start``."""
    size = len(text)
    words = list(_WORD.finditer(text, _skip(text, max(start, size - _WORDS * (_LONGEST + _GAP)))))[-_WORDS:]
    begun = CORE.tables.begun
    at = size
    open_ended = bool(words) and words[-1].end() == size
    if open_ended and len(words[-1][0]) > _LONGEST:
        words = []  # too long for a cue already
    elif open_ended:
        at = words[-1].start()
    for place, match in enumerate(words):
        if match.start() >= at:
            break
        if match[0] >= _ARABIC_FROM or " ".join([word[0] for word in words[place:]]) in begun:
            at = match.start()
            break
    for back in range(min(_DENSE_LONGEST, size - start), 0, -1):
        if text[-back:] in begun:
            at = min(at, size - back)
            break
    return max(at, start)


def _skip(text: str, start: int) -> int:
    """``start``, or the end of the word that it is inside of."""
    if 0 < start < len(text) and _WORD.match(text, start - 1, start):
        match = _WORD.match(text, start)
        if match is not None:
            return match.end()
    return start
