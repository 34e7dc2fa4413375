"""The vocabulary of the shipped models: that of the base encoder, and what other languages need.

Characters and words of the training texts that the base vocabulary would cut into many pieces, or not know, become
tokens of their own. A new token starts from the mean of the pieces that it replaces.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from chatward.models.wordpiece import WordPiece, fold

_LETTERS: Final = re.compile(r"[^\W\d_]")


def extended(base: Sequence[str], texts: Iterable[str], *, words: int = 8000, characters: int = 6000) -> list[str]:
    """``base`` and up to ``characters`` letters (seen three times or more) and ``words`` words (eight times or
    more)."""
    cutter = WordPiece(base)
    seen_words: Counter[str] = Counter()
    seen_letters: Counter[str] = Counter()
    for text in texts:
        tokens = cutter(text)
        for start, end in tokens.spans:
            seen_words[text[start:end]] += 1
    folded: Counter[str] = Counter()
    for word, count in seen_words.items():
        plain = fold(word)
        folded[plain] += count
        for letter in plain:
            seen_letters[letter] += count
    known = set(base)
    added: list[str] = []

    def add(token: str) -> None:
        if token and token not in known and not token.isspace():
            known.add(token)
            added.append(token)

    for letter, count in seen_letters.most_common():
        if count < 3 or len(added) >= characters:
            break
        if not letter.isascii():
            add(letter)
            if not _alone(cutter, letter):
                add("##" + letter)
    chosen = 0
    for word, count in folded.most_common():
        if count < 8 or chosen >= words:
            break
        if len(word) > 2 and _LETTERS.match(word) and len(cutter._pieces(word, None)) > 1:
            add(word)
            chosen += 1
    return [*base, *added]


def origins(base: Sequence[str], vocabulary: Sequence[str]) -> list[tuple[int, ...]]:
    """For each token that ``vocabulary`` adds to ``base``: the base tokens it replaces."""
    cutter = WordPiece(base)
    return [cutter._pieces(token.removeprefix("##"), None) for token in vocabulary[len(base) :]]


def _alone(cutter: WordPiece, letter: str) -> bool:
    """True for characters that are words by themselves."""
    return len(cutter(letter + letter).spans) > 1
