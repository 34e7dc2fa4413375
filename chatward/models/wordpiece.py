"""Text to tokens for the shipped models: words, then the longest pieces of a vocabulary.

The rule: words are cut at blanks and punctuation; every character of a script that is written without blanks (Han,
kana, Thai, Lao, Khmer, Burmese) is a word. Words are lower-cased and lose the marks of Latin, Greek and Cyrillic
letters, then are split greedily into the longest known pieces (WordPiece; Schuster and Nakajima 2012, as in BERT,
Devlin et al. 2019). Pieces keep the word they belong to, and words their span, so that answers about tokens are
answers about spans.

Casing is lost by that and matters for names: each token carries a class (lower, Title, UPPER, mixed, digits) that the
encoder reads as its segment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ALONE: Final = (
    "\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f"
)
_MARKS: Final = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
    "\u0981-\u0983\u09bc-\u09cd\u09d7\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b4d\u0b82"
    "\u0bbe-\u0bcd\u0c00-\u0c04\u0c3e-\u0c4d\u0c81-\u0c83\u0cbc-\u0ccd\u0d00-\u0d03\u0d3b-\u0d4d\u0dca-\u0ddf\u200c\u200d"
)
_WORD: Final = re.compile(
    f"[{_ALONE}]|(?:(?![{_ALONE}])[^\\W_])(?:(?![{_ALONE}])[^\\W_]|[{_MARKS}])*|[^\\s{_MARKS}]|[{_MARKS}]"
)
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")
_FOLDED: Final = re.compile("[\u0300-\u036f]")
_LONGEST: Final = 48  # letters of one word; what is longer is cut
_CACHE: Final = 20_000  # words whose pieces are remembered

LOWER, TITLE, UPPER, MIXED, DIGITS = range(5)
CASINGS: Final = 5

PAD, UNK, CLS, SEP, TRUSTED, UNTRUSTED = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[unused0]", "[unused1]"


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised text. ``ids[i]`` is a piece of word ``words[i]``; ``spans`` are words in code points of the text;
    ``casing[i]`` is the class of its word."""

    ids: list[int]
    words: list[int]
    casing: list[int]
    spans: list[tuple[int, int]]


class WordPiece:
    """A vocabulary and how to cut text by it. May be used from several threads."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """``vocabulary[i]`` is token ``i``; pieces inside a word start with ``##``."""
        self.vocabulary = tuple(vocabulary)
        self._ids = {token: place for place, token in enumerate(vocabulary)}
        self.pad, self.unknown, self.cls, self.sep = (self._ids[name] for name in (PAD, UNK, CLS, SEP))
        self.trusted, self.untrusted = self._ids[TRUSTED], self._ids[UNTRUSTED]
        self._known: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}  # pieces, and their casing

    @classmethod
    def load(cls, path: Path) -> WordPiece:
        """A vocabulary file: one token a line."""
        return cls(path.read_text(encoding="utf-8").split("\n"))

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __call__(self, text: str, limit: int = 1 << 30) -> Tokens:
        """The tokens of a text, at most ``limit`` of them."""
        ids: list[int] = []
        words: list[int] = []
        casing: list[int] = []
        spans: list[tuple[int, int]] = []
        known = self._known
        for found in (_ASCII_WORD if text.isascii() else _WORD).finditer(text):
            word = found[0]
            found_before = known.get(word)
            if found_before is None:
                # A word of megabytes is neither remembered nor cut further than it is wanted.
                short = len(word) <= _LONGEST
                pieces = self._pieces(word, None if short else limit - len(ids))
                found_before = pieces, (casing_of(word),) * len(pieces)
                if short:
                    if len(known) >= _CACHE:
                        known.clear()
                    known[word] = found_before
            pieces, casings = found_before
            if len(pieces) == 1:
                words.append(len(spans))
            else:
                words.extend([len(spans)] * len(pieces))
            spans.append(found.span())
            ids += pieces
            casing += casings
            if len(ids) >= limit:
                del ids[limit:], words[limit:], casing[limit:]
                break
        return Tokens(ids, words, casing, spans)

    def _pieces(self, word: str, limit: int | None) -> tuple[int, ...]:
        """A word's pieces; where there is a ``limit``, that many of them or a few more."""
        folded = fold(word)
        found: list[int] = []
        for start in range(0, max(len(folded), 1), _LONGEST):
            found.extend(self._split(folded[start : start + _LONGEST]))
            if limit is not None and len(found) >= limit:
                break
        return tuple(found) or (self.unknown,)

    def _split(self, word: str) -> list[int]:
        ids, found, start = self._ids, list[int](), 0
        while start < len(word):
            end = len(word)
            prefix = "##" if start else ""
            while end > start:
                place = ids.get(prefix + word[start:end])
                if place is not None:
                    break
                end -= 1
            else:
                found.append(self.unknown)
                start += 1
                continue
            found.append(place)
            start = end
        return found


def fold(word: str) -> str:
    """Lower case, without the marks of Latin, Greek and Cyrillic letters; Hangul as its letters."""
    if word.isascii():
        return word.lower()
    return _FOLDED.sub("", unicodedata.normalize("NFD", word.lower()))


def casing_of(word: str) -> int:
    """The class of a word's casing; scripts without case are ``LOWER``."""
    if word.islower():
        return LOWER
    if word[0].isdigit() or any(letter.isdigit() for letter in word):
        return DIGITS
    if word.istitle() or (len(word) == 1 and word.isupper()):
        return TITLE
    if word.isupper():
        return UPPER
    return LOWER if word.lower() == word else MIXED
