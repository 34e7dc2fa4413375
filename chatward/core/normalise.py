r"""The plain view of a text: what a reader would take it for, code point by code point.

The rule: the plain view is *local*. What one code point (in JSON text also: one string escape) becomes never
depends on its neighbours, so a stream that is normalised piece by piece gives what the whole would give:
``plain(a).text + plain(b).text == plain(a + b).text``, and likewise for positions.

1. Code points that leave no mark are dropped: Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties),
   interlinear annotation, C1 controls. Their spans are reported.
2. Compatibility forms become what they stand for (NFKC of the single code point, UAX 15), where that is
   printable: full-width, circled, mathematical, superscript, ligatures, presentation forms.
3. Decimal digits of every script become ASCII digits.
4. Every space becomes U+0020, every line or paragraph separator a line feed, every dash or hyphen ``-``,
   quotation marks and primes ``"`` or ``'``.
5. In JSON text, string escapes (RFC 8259, section 7) become the character they stand for, and that is then
   treated as above. An unpaired surrogate escape becomes U+FFFD. What is no valid escape stays.

Letters with accents and all scripts stay as they are. ASCII text is its own plain view.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from chatward.core.disguises import disguised
from chatward.core.encodings import Decoded, escapes, smuggled, tokens
from chatward.core.offsets import Weave
from chatward.core.text import Reading, View, ViewKind
from chatward.core.values import PartKind, Span

_INVISIBLE: Final = (
    *((0x80, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160)),
    *((0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F)),
    *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB)),
    *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)

# Where code points with a compatibility form, digits or punctuation to fold can be: all but the ideographs,
# Hangul syllables, surrogates and private use, which would only cost time at import.
_FOLDABLE: Final = (
    *((0xA0, 0x33FF), (0xA000, 0xABFF), (0xF900, 0xFFEF), (0x104A0, 0x104A9), (0x10780, 0x107BA)),
    *((0x10D30, 0x10D49), (0x11000, 0x11FFF), (0x16A60, 0x16B59), (0x16D70, 0x16D79), (0x1CCD6, 0x1CCF9)),
    *((0x1D400, 0x1D7FF), (0x1E030, 0x1E06D), (0x1E140, 0x1E149), (0x1E2F0, 0x1E2F9), (0x1E4F0, 0x1E4F9)),
    *((0x1E5F1, 0x1E5FA), (0x1E950, 0x1E959), (0x1EE00, 0x1EEFF), (0x1F100, 0x1F2FF), (0x1FBF0, 0x1FBF9)),
    (0x2F800, 0x2FA1D),
)

# Compatibility forms that ordinary writing needs: Hangul letters in chat, Thai and Lao vowel AM, Tibetan.
_ORDINARY: Final = ((0x3131, 0x318E), (0xE33, 0xE33), (0xEB3, 0xEB3), (0xF0C, 0xF0C), (0xF77, 0xF79))

_MARKS: Final = {
    **dict.fromkeys(map(ord, "‘’‚‛′‵ʹʻʼʽˈ´‹›՚＇"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″‶ʺ«»〝〞〟＂"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−⁃"), "-"),
    **dict.fromkeys(map(ord, "⁄∕⧸"), "/"),
    **dict.fromkeys(map(ord, "\u2028\u2029\x85"), "\n"),
    ord("〜"): "~",
    ord("〰"): "~",
    ord("゠"): "=",
}


def _within(ranges: Iterable[tuple[int, int]]) -> frozenset[int]:
    return frozenset(code for first, last in ranges for code in range(first, last + 1))


def _simple(char: str) -> str:
    """One code point of a folded form, in its simplest dress."""
    code = ord(char)
    if code < 0x80:
        return char
    if code in _MARKS:
        return _MARKS[code]
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Zs":
        return " "
    return "-" if category == "Pd" else char


def _folded(char: str) -> str:
    """What one code point becomes; itself where nothing is to be done."""
    code = ord(char)
    if 0xFFA1 <= code <= 0xFFDC and unicodedata.decomposition(char):  # half-width Hangul: the ordinary letter
        return chr(int(unicodedata.decomposition(char).split()[1], 16))
    if 0x1F150 <= code <= 0x1F189 and (code - 0x1F150) % 32 < 26:  # negative circled and squared letters
        return chr(ord("A") + (code - 0x1F150) % 32)
    simple = _simple(char)
    if simple != char:
        return simple
    form = unicodedata.normalize("NFKC", char)
    if form == char:
        if unicodedata.category(char) == "No" and 0x2776 <= code <= 0x2793:  # dingbat numbers
            return str(int(unicodedata.numeric(char)))
        return char
    if not form.isprintable() or form[0] == " " or unicodedata.combining(form[0]):
        return char
    return "".join(map(_simple, form))


def _foldings() -> dict[int, str]:
    skipped = _within(_ORDINARY)
    table = dict.fromkeys(_within(_INVISIBLE), "")
    for first, last in _FOLDABLE:
        for code in range(first, last + 1):
            if code in skipped or code in table:
                continue
            char = chr(code)
            folded = _folded(char)
            if folded != char:
                table[code] = folded
    table.update(_MARKS)
    return table


_TABLE: Final = _foldings()
_TO_ONE: Final = {code: form for code, form in _TABLE.items() if len(form) == 1}


def _ranges(codes: Iterable[int]) -> str:
    """The inside of a character class."""
    spans: list[list[int]] = []
    for code in sorted(codes):
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in spans)


def _classes() -> tuple[str, str]:
    """The insides of two character classes: what changes the length of a text (dropped, or becoming many), and
    what becomes one. Beyond the basic plane the second takes all the rest, since a class of many far ranges is
    slow; the table knows which of them change."""
    lengths = {code for code, form in _TABLE.items() if len(form) != 1}
    near = {code for code in _TO_ONE if code < 0x10000}
    gaps, start = "", 0x10000
    for code in sorted(code for code in lengths if code >= 0x10000):
        if code > start:
            gaps += f"\\U{start:08x}-\\U{code - 1:08x}"
        start = code + 1
    gaps += f"\\U{start:08x}-\\U0010ffff"
    return _ranges(lengths), _ranges(near) + gaps


_HEX: Final = "[0-9A-Fa-f]"
_HIGH: Final = rf"u[dD][89abAB]{_HEX}{{2}}"
_LOW: Final = rf"u[dD][c-fC-F]{_HEX}{{2}}"
_ESCAPE: Final = rf'\\(?:{_HIGH}\\{_LOW}|u{_HEX}{{4}}|["\\/bfnrt])'
# The start of an escape, or of a surrogate pair, that the next piece may complete.
_UNFINISHED: Final = rf"\\(?:u{_HEX}{{0,3}}|{_HIGH}(?:\\(?:u(?:[dD](?:[c-fC-F]{_HEX}?)?)?)?)?)?\Z"
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_LENGTHS, _ONES = _classes()
_CHANGING: Final = re.compile(f"[{_LENGTHS}]")
_ONE_TO_ONE: Final = re.compile(f"[{_ONES}]+")
_FOLD: Final = f"(?P<fold>[{_LENGTHS}{_ONES}])"
_JSON: Final = re.compile(rf"{_FOLD}|(?P<escape>{_ESCAPE})")
_JSON_OPEN: Final = re.compile(rf"{_FOLD}|(?P<held>{_UNFINISHED})|(?P<escape>{_ESCAPE})")


def plain(text: str, kind: PartKind = PartKind.TEXT) -> View:
    """The plain view of a whole text. Any ``str`` is accepted; the cost is linear."""
    return _woven(text, kind, final=True)[0]


def _woven(text: str, kind: PartKind, final: bool) -> tuple[View, tuple[Span, ...], int]:
    """The view, the spans that were dropped, and how much of the text was settled."""
    if kind is PartKind.JSON and "\\" in text:
        return _woven_json(text, _JSON if final else _JSON_OPEN)
    if text.isascii():
        return View(text), (), len(text)
    same = _ONE_TO_ONE.sub(lambda run: run[0].translate(_TO_ONE), text)
    weave = Weave()
    invisible: list[Span] = []
    done = 0
    for found in _CHANGING.finditer(same):
        start = found.start()
        weave.copy(same[done:start], done)
        done = start + 1
        _put(weave, invisible, found[0], start, done)
    if not done:
        return View(same), (), len(text)
    weave.copy(same[done:], done)
    return weave.view(ViewKind.PLAIN, "plain", len(text)), _joined(invisible), len(text)


def _woven_json(text: str, pattern: re.Pattern[str]) -> tuple[View, tuple[Span, ...], int]:
    weave = Weave()
    invisible: list[Span] = []
    done = 0
    for found in pattern.finditer(text):
        start, end = found.span()
        weave.copy(text[done:start], done)
        done = end
        if found.lastgroup == "held":
            text = text[:start]
            done = start
            break
        char = found[0] if found.lastgroup == "fold" else _unescaped(found[0])
        _put(weave, invisible, char, start, end)
    weave.copy(text[done:], done)
    return weave.view(ViewKind.PLAIN, "plain", len(text)), _joined(invisible), len(text)


def _put(weave: Weave, invisible: list[Span], char: str, start: int, end: int) -> None:
    """One code point, which stands at ``start`` to ``end`` of the source, in its folded form."""
    form = _TABLE.get(ord(char), char)
    if not form:
        invisible.append((start, end))
    elif len(form) == 1 and end - start == 1:
        weave.copy(form, start)
    else:
        weave.put(form, start, end)


def _unescaped(escape: str) -> str:
    """The character of one JSON string escape, or of a surrogate pair of them."""
    if escape[1] != "u":
        return _SHORT.get(escape[1], escape[1])
    code = int(escape[2:6], 16)
    if len(escape) == 12:
        return chr(0x10000 + ((code - 0xD800) << 10) + int(escape[8:], 16) - 0xDC00)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1][1] == span[0]:
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
    return tuple(joined)


class PlainStream:
    """The plain view of a growing text, piece by piece.

    ``feed`` returns the view of what the piece settled. Its positions count from ``consumed`` as it was
    before the call: the offset in the whole text up to which everything had been settled. Only JSON text
    is ever held back: an escape cut in two, at most 11 code points.
    """

    __slots__ = ("_held", "_kind", "consumed")

    def __init__(self, kind: PartKind = PartKind.TEXT) -> None:
        self._kind = kind
        self._held = ""
        self.consumed = 0

    def takes(self, piece: str) -> bool:
        """Takes a piece that is its own plain view, as nearly all are; false, and nothing done, where it may not be."""
        if self._held or not piece.isascii() or (self._kind is PartKind.JSON and "\\" in piece):
            return False
        self.consumed += len(piece)
        return True

    def feed(self, piece: str) -> View:
        """The next piece; the view may be empty."""
        return self._settle(self._held + piece if self._held else piece, final=False)

    def close(self) -> View:
        """The text has ended: the view of what was held back."""
        return self._settle(self._held, final=True)

    def _settle(self, text: str, final: bool) -> View:
        view, _, settled = _woven(text, self._kind, final)
        self._held = text[settled:]
        self.consumed += settled
        return view


_DEPTH: Final = 3
_SHARE: Final = 16
"""All readings of a text together may be this many times as long as it (and ``_SLACK`` code points more)."""
_SLACK: Final = 65536


def read(text: str, kind: PartKind = PartKind.TEXT, *, deep: bool) -> Reading:
    """One text with its plain view and, where ``deep``, the decoded and disguised readings that it has.

    Decoding goes three levels deep. A level has at most two views of each view of the level before: one of all
    its encoded tokens, one with its escapes undone. What is decoded is no longer than what it was decoded from, so
    the number of views and their total size are bounded, and the cost is linear.
    """
    view, invisible, _ = _woven(text, kind, final=True)
    if not deep:
        return Reading(text, view, (), invisible)
    others: list[View] = []
    if invisible:
        others.extend(_tokens_view(View(text), smuggled(text, invisible), len(text)))
    level = [(base, list(map(len, base.text.split()))) for base in (view, *others)]
    for _ in range(_DEPTH):
        deeper: list[tuple[View, list[int]]] = []
        for base, words in level:
            for found in _decoded(base, words, len(text)):
                others.append(found)
                deeper.append((found, list(map(len, found.text.split()))))
            others.extend(disguised(base, words))
        level = deeper
        if not level or sum(len(other.text) for other in others) > _SHARE * len(text) + _SLACK:
            break
    for base, words in level:
        others.extend(disguised(base, words))
    return Reading(text, view, tuple(others), invisible)


def _decoded(base: View, words: list[int], length: int) -> Iterator[View]:
    yield from _tokens_view(base, tokens(base.text, words), length)
    weave, done = Weave(base), 0
    for start, end, said in escapes(base.text):
        weave.copy(base.text[done:start], done)
        weave.put(plain(said).text, start, end)
        done = end
    if done:
        weave.copy(base.text[done:], done)
        yield weave.view(ViewKind.DECODED, "unescaped", length)


def _tokens_view(base: View, found: Iterable[Decoded], length: int) -> Iterator[View]:
    """All that the encoded tokens of a view say, a line each."""
    weave = Weave(base)
    for start, end, said in found:
        weave.put("\n" if weave.length else "", start, start)
        weave.put(plain(said).text, start, end)
    if weave.length:
        yield weave.view(ViewKind.DECODED, "decoded", length)
