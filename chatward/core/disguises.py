"""Readings of a text that are wrong for ordinary text and right for disguised text.

The rule: a disguised reading is made only where the text shows signs of that disguise, and ordinary text
pays for looking, not for reading. Each function takes a view and returns a further view of the same original, or
``None``; the cost is linear. The signs:

* ``unmasked``: a word that mixes Latin letters with look-alikes of other scripts, a whole word of such look-alikes or
  of small capitals, or accents and strokes that hide one of ``STEMS``.
* ``joined``: letters kept apart one by one (``i g n o r e``, ``i-g-n``, emoji between), or long words of run-together
  words that hold a stem (``IgnoreAllRules``, ``ignore_all_rules``).
* ``leet``: digits or signs between or before letters (``1gn0re``).
* ``turned``: a stem in rot13 or atbash, reversed, in Braille, in letters drawn upside down or given by their number.
* ``respelled``: a stem in stretched letters (``ignoooore``), in letters written twice (``iiggnnoorree``), or in words
  with two letters swapped (``ignroe``), which people and language models read as if nothing were wrong.
* ``bare``: HTML or XML tags inside the text.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Final

from chatward.core.confusables import BRAILLE, FLIPPED, KIN, LEET, MARKED, SMALL_CAPITALS, STEMS, TWINS, WORDS
from chatward.core.offsets import Weave
from chatward.core.text import View, ViewKind


def _unaccented() -> dict[int, str]:
    table = dict(MARKED)
    for first, last in ((0xC0, 0x24F), (0x1E00, 0x1EFF)):
        for code in range(first, last + 1):
            base = unicodedata.normalize("NFD", chr(code))[0]
            if base.isascii():
                table[code] = base
    table.update(dict.fromkeys(range(0x300, 0x370), ""))
    return table


_UNACCENTED: Final = _unaccented()
_UNMASKED: Final = {**_UNACCENTED, **KIN}
_LATIN_SIGNS: Final = "\u00c0-\u024f\u1e00-\u1eff\u0300-\u036f"
_KIN_CLASS: Final = "".join(map(chr, sorted(KIN)))
_TWIN_CLASS: Final = "".join(map(chr, sorted(TWINS)))
_MIXED: Final = re.compile(f"[{_KIN_CLASS}](?:(?<=[A-Za-z].)|(?=[A-Za-z]))")
_TWIN_WORD: Final = re.compile(f"[{_TWIN_CLASS}](?<![^\\W\\d_].)[{_TWIN_CLASS}]{{3,}}(?![^\\W\\d_])")
_SMALL_WORD: Final = re.compile(f"[{''.join(map(chr, SMALL_CAPITALS))}]{{4}}")
_LATIN: Final = re.compile("[A-Za-z]")
_ACCENTED: Final = re.compile(f"[{_LATIN_SIGNS}]")
_WORD: Final = re.compile(r"[\w\u0300-\u036f\U0001F1E6-\U0001F1FF]+")
_REGIONAL: Final = re.compile("[\U0001f1e6-\U0001f1ff]")

_STEM: Final = re.compile("|".join(STEMS))
_CUT: Final = re.compile("|".join(WORDS))
_MARKERS: Final = ("ignor", "disreg", "forget", "instruc", "previous", "prompt", "system", "reveal")
REVERSED: Final = tuple(stem[::-1] for stem in _MARKERS)
_ATBASH: Final = str.maketrans(ascii_letters, ascii_lowercase[::-1] + ascii_uppercase[::-1])
MIRRORED: Final = tuple(stem.translate(_ATBASH) for stem in _MARKERS)
ROTATED: Final = tuple(codecs.encode(stem, "rot13") for stem in _MARKERS)

# Signs and pictures, but no combining marks: Indic vowels are ordinary between letters.
_PICTURE: Final = (
    "[\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u2000-\u2bff\u3000-\u303f\U0001f000-\U0001faff]"
)
_APART: Final = re.compile(
    r"(?<![^\W_])[^\W_](?:(?P<by>[ \n_]|[ ]?[^\w\s]{1,2}[ ]?)[^\W_](?:(?P=by)[^\W_])*|(?:"
    + _PICTURE
    + r"{1,4}[^\W_])+)(?![^\W_])"
)
_APART_SIGN: Final = re.compile(r"([-._*|/~+,:;!#=])[^\W_]\1[^\W_]\1[^\W_]")
_APART_BLANK: Final = re.compile(r"(?<![^\W_])[^\W_](?:([ \n])[^\W_])(?:\1[^\W_]){2,}(?![^\W_])")
_APART_PICTURE: Final = re.compile(rf"(?:{_PICTURE}{{1,4}}[^\W\d_]){{3}}")
LONG: Final = 12
"""Letters of the shortest word that is taken apart."""
_LONG_WORD: Final = re.compile(rf"[A-Za-z][A-Za-z_+.-]{{{LONG - 2},}}[A-Za-z]")
_LONG_PIECE: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_LEET_SIGN: Final = re.compile(
    r"[013457@$!](?:(?<=[A-Za-z].)(?<!@(?=[\w-]{1,63}\.))[013457@$!]{0,3}[A-Za-z]|(?<![A-Za-z0-9].)[A-Za-z]{4})"
)
_LEET_WORD: Final = re.compile(r"[A-Za-z0-9@$!|+€£¡]*[A-Za-z0-9@$]")
_L_FOR_ONE: Final = {**LEET, ord("1"): "l", ord("|"): "l", ord("!"): "l"}
_NUMBER: Final = re.compile(r"\d{4}|\d{3}$|^[0-9a-f]{4}$")
_DOUBLE_ONE: Final = re.compile("11|1\\|")

_TAG: Final = re.compile(r"<(?:!--|/?[A-Za-z][^<>]{0,512}>|\?[^<>]{0,512}>)|-->")
_INLINE: Final = re.compile(r"</?(?:a|b|i|u|s|em|strong|span|font|small|big|sub|sup|code|mark|wbr|tt)\b", re.I)
_STRETCHED: Final = re.compile(r"([A-Za-z])\1\1+")
_TWICE: Final = re.compile(r"(?<![A-Za-z])(?:([A-Za-z])\1)+(?![A-Za-z])")
_REPEATED: Final = re.compile(r"([a-z])\1(?:\1|([a-z])\2([a-z])\3)")
"""Three letters that are the same, or three pairs of such, in lower case."""
_RANK: Final = "(?:1[0-9]|2[0-6]|[1-9])"
_RANKS: Final = re.compile(rf"(?<!\d){_RANK}(?:[ ,.-]{{1,2}}{_RANK}|[ ]?[/|][ ]?{_RANK}){{7,}}(?!\d)")
_RANK_OR_GAP: Final = re.compile(r"\d+|[/|]| {2}")


def _swapped(word: str) -> Iterator[str]:
    """A word with two neighbours swapped, in all ways that change it and leave its first letter."""
    for at in range(1, len(word) - 1):
        if word[at] != word[at + 1]:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


_SWAPPABLE: Final = (
    "bypass", "disregard", "forget", "guidelines", "ignore", "instruction", "instructions", "override", "password",
    "previous", "prompt", "restrictions", "reveal", "system",
)  # fmt: skip
SWAPPED: Final = tuple(sorted({wrong for word in _SWAPPABLE for wrong in _swapped(word)}))
_SWAPS: Final = frozenset(SWAPPED)
_LOWER_WORDS: Final = re.compile(f"[a-z]{{{min(map(len, SWAPPED))},}}")
_PLAIN_WORD: Final = re.compile("[A-Za-z]{5,}")
_BY_LETTERS: Final = {word[0] + "".join(sorted(word)): word for word in WORDS if len(word) >= 5}
"""Words by their first letter and all letters in order."""


def disguised(view: View, words: list[int]) -> Iterator[View]:
    """All readings of a view, from the mildest on; each builds on the one before where that found something.
    ``words`` are the lengths of the view's blank-separated words."""
    base = view
    if "<" in view.text and (reading := bare(view)):
        yield reading
        base = reading
    if not base.text.isascii() and (reading := unmasked(base)):
        yield reading
        base = reading
    if reading := joined(base, words):
        yield reading
        base = reading
    yield from leet(base)
    yield from turned(view)
    yield from respelled(view)


def _view(weave: Weave, name: str, source: View) -> View:
    end = source.original(0, len(source.text))[1]
    return weave.view(ViewKind.DISGUISED, name, end)


def bare(view: View) -> View | None:
    """Without HTML or XML tags; what comments and attributes of no tag say stays."""
    weave, done = Weave(view), 0
    for found in _TAG.finditer(view.text):
        weave.copy(view.text[done : found.start()], done)
        if not _INLINE.match(found[0]):
            weave.put(" ", *found.span())
        done = found.end()
    if not done:
        return None
    weave.copy(view.text[done:], done)
    return _view(weave, "bare", view)


def unmasked(view: View) -> View | None:
    """Look-alike letters as Latin letters, accents taken off."""
    text = view.text
    accents = _hides_stems(text)
    regional = len(_REGIONAL.findall(text)) >= 5
    small = _SMALL_WORD.search(text) is not None
    if not (accents or regional or small or _MIXED.search(text) or (_LATIN.search(text) and _TWIN_WORD.search(text))):
        return None
    weave, done = Weave(view), 0
    changed = False
    for found in _WORD.finditer(text):
        if found[0].isascii():
            continue
        weave.copy(text[done : found.start()], done)
        done = found.end()
        table = SMALL_CAPITALS if small and SMALL_CAPITALS.keys() >= set(map(ord, found[0])) else None
        table = table or _masks(found[0], accents, regional)
        for at, char in enumerate(found[0], found.start()):
            form = table.get(ord(char), char)
            changed = changed or form != char
            if len(form) == 1:
                weave.copy(form, at)
            else:
                weave.put(form, at, at + 1)
    if not changed:
        return None
    weave.copy(text[done:], done)
    return _view(weave, "unmasked", view)


_REGIONAL_LETTERS: Final = {0x1F1E6 + index: chr(ord("a") + index) for index in range(26)}


def _masks(word: str, accents: bool, regional: bool) -> dict[int, str]:
    """What the letters of one word are to be read as."""
    codes = set(map(ord, word))
    if regional and not codes.isdisjoint(_REGIONAL_LETTERS):
        return _REGIONAL_LETTERS
    if any(code < 0x80 and chr(code).isalpha() for code in codes) and not codes.isdisjoint(KIN):
        return _UNMASKED
    if len(word) >= 4 and codes <= TWINS.keys():
        return TWINS
    return _UNACCENTED if accents else {}


def _hides_stems(text: str) -> bool:
    """Whether taking the accents off brings a stem to light."""
    if not _ACCENTED.search(text):
        return False
    lower = text.lower()
    without = _ACCENTED.sub(lambda sign: _UNACCENTED.get(ord(sign[0]), sign[0]), lower)
    return len(_STEM.findall(without)) > len(_STEM.findall(lower))


def joined(view: View, words: list[int]) -> View | None:
    """Letters kept apart put together, words run together taken apart."""
    text = view.text
    apart = (
        (words.count(1) >= 4 and _APART_BLANK.search(text))
        or _APART_SIGN.search(text)
        or (not text.isascii() and _APART_PICTURE.search(text))
    )
    base = view
    if apart:
        weave, done = Weave(view), 0
        for found in _APART.finditer(text):
            weave.copy(text[done : found.start()], done)
            letters = [at for at in range(*found.span()) if text[at].isalnum()]
            _cut(weave, "".join(text[at] for at in letters), letters)
            done = found.end()
        weave.copy(text[done:], done)
        base = _view(weave, "joined", view)
    if max(words, default=0) < LONG:
        return base if apart else None
    return _parted(base) or (base if apart else None)


def _parted(view: View) -> View | None:
    """Long words that hold a stem, taken apart at signs, capitals and known words."""
    text = view.text
    weave, done = Weave(view), 0
    for found in _LONG_WORD.finditer(text):
        if not _STEM.search(found[0].lower()) or text[max(found.start() - 1, 0)] in "/@":
            continue
        pieces = list(_LONG_PIECE.finditer(found[0]))
        if len(pieces) == 1 and len(found[0]) < 16:
            continue
        weave.copy(text[done : found.start()], done)
        for piece in pieces:
            start = found.start() + piece.start()
            weave.put(" ", start, start)
            _cut(weave, piece[0], list(range(start, start + len(piece[0]))))
        done = found.end()
    if not done:
        return None
    weave.copy(text[done:], done)
    return _view(weave, "joined", view)


def _cut(weave: Weave, letters: str, places: list[int]) -> None:
    """Adds letters that stand at ``places``; where they are many, with blanks around known words."""
    edges: set[int] = set()
    if len(letters) >= 10:
        for word in _CUT.finditer(letters.lower()):
            edges.update(word.span())
    for index, letter in enumerate(letters):
        if index in edges and index:
            weave.put(" ", places[index], places[index])
        weave.copy(letter, places[index])


def leet(view: View) -> Iterator[View]:
    """Digits and signs inside words read as letters; where a one may be an L, both ways."""
    text = view.text
    if not _LEET_SIGN.search(text):
        return
    spelled = _LEET_WORD.sub(lambda word: _spelled(word[0], LEET), text)
    if spelled != text:
        yield _respelled(view, spelled, "leet")
    if "1" in text or "|" in text:
        other = _LEET_WORD.sub(lambda word: _spelled(word[0], _L_FOR_ONE), text)
        if other != spelled:
            yield _respelled(view, other, "leet-l")


def _spelled(word: str, table: dict[int, str]) -> str:
    if _NUMBER.search(word):
        return word
    letters = sum(map(str.isalpha, word))
    if not len(word) / 3 <= letters < len(word) <= 20:
        return word
    return _DOUBLE_ONE.sub("ll", word).translate(table)


def _respelled(view: View, text: str, name: str) -> View:
    weave = Weave(view)
    weave.copy(text, 0)
    return _view(weave, name, view)


def turned(view: View) -> Iterator[View]:
    """Rot13, atbash, reversed letters, reversed words and upside-down letters, where that brings a stem to light."""
    text = view.text
    lower = text.lower()
    if _holds(lower, ROTATED):
        weave = Weave(view)
        weave.copy(codecs.encode(text, "rot13"), 0)
        yield _view(weave, "rot13", view)
    if _holds(lower, MIRRORED):
        yield _respelled(view, text.translate(_ATBASH), "atbash")
    span = view.original(0, len(text))
    if _holds(lower, REVERSED):
        yield View(text[::-1], ViewKind.DISGUISED, "reversed", whole=span)
        words = " ".join(word[::-1] for word in text.split())
        yield View(words, ViewKind.DISGUISED, "reversed-words", whole=span)
    if not text.isascii():
        upright = text.translate(FLIPPED)
        if upright != text:
            for way in (upright[::-1], upright):
                if _STEM.search(way.lower()):
                    yield View(way, ViewKind.DISGUISED, "upside-down", whole=span)
        raised = text.translate(BRAILLE)
        if raised != text and _STEM.search(raised.lower()):
            yield View(raised, ViewKind.DISGUISED, "braille", whole=span)
    if sum(map(text.count, "123456789")) >= 8 and _RANKS.search(text):
        yield from _brought(view, _RANKS.sub(lambda found: _lettered(found[0]), text), "ranks")


def _lettered(ranks: str) -> str:
    """Numbers from 1 to 26 as the letters of the alphabet."""
    return "".join(chr(ord("a") + int(one) - 1) if one.isdigit() else " " for one in _RANK_OR_GAP.findall(ranks))


def respelled(view: View) -> Iterator[View]:
    """Stretched, doubled and swapped letters as they are meant, where that brings a stem to light."""
    text = view.text
    lower = text.lower()
    if _REPEATED.search(lower):
        yield from _brought(view, _STRETCHED.sub(r"\1", text), "stretched")
        yield from _brought(view, _TWICE.sub(lambda found: found[0][::2], text), "twice")
    if not _SWAPS.isdisjoint(_LOWER_WORDS.findall(lower)):
        yield from _brought(view, _PLAIN_WORD.sub(lambda found: _unswapped(found[0]), text), "swapped")


def _unswapped(word: str) -> str:
    lower = word.lower()
    return _BY_LETTERS.get(lower[0] + "".join(sorted(lower)), word)


def _brought(view: View, text: str, name: str) -> Iterator[View]:
    """A reading that has more stems than the view, and what it says with words taken apart."""
    if text == view.text or len(_STEM.findall(text.lower())) <= len(_STEM.findall(view.text.lower())):
        return
    reading = View(text, ViewKind.DISGUISED, name, whole=view.original(0, len(view.text)))
    yield reading
    if max(map(len, text.split()), default=0) >= LONG and (parted := _parted(reading)):
        yield parted


def _holds(text: str, markers: tuple[str, ...]) -> bool:
    for marker in markers:  # noqa: SIM110  # any() with a generator costs twice as much, on every message
        if marker in text:
            return True
    return False
