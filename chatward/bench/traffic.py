"""Mixed traffic to measure the models with: what a gateway reads, composed of this project's written phrases.

The rules:

1. In every 50 texts: 31 of ordinary chat, 4 with personal data, 5 harmless look-alikes of attacks, scams and abuse,
   6 documents, and 4 attacks, one of them inside a document. Sentences of one language are joined until a text has
   about as many tokens as it is to have: 15 to 105, 60 on average.
2. Sentences come from patterns that the models were not fitted on. Where a language has none of a kind that were held
   back, all of that kind serve.
3. Two texts in five are English, the rest is spread evenly over the other languages of the phrases.
4. The same seed gives the same texts, and no text comes twice, so that nothing is answered from what was remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import fmean
from typing import Final

from chatward.models.training import phrases
from chatward.models.training.corpora import held_pattern

MIX: Final = {
    "chat": 31,
    "pii": 4,
    "trigger": 3,
    "scam_benign": 1,
    "abuse_benign": 1,
    "document": 6,
    "direct": 1,
    "extraction": 1,
    "jailbreak": 1,
    "indirect": 1,
}
"""Texts of each kind (of ``phrases.KINDS``) in ``CYCLE``."""
CYCLE: Final = sum(MIX.values())
LENGTHS: Final = (15, 30, 45, 60, 75, 90, 105)
"""Tokens that texts are to have."""
ENGLISH: Final = 0.4
_UNTRUSTED: Final = ("document", "indirect")
_EACH: Final = 8  # sentences of one pattern


@dataclass(frozen=True, slots=True)
class Text:
    """One text. ``untrusted``: it comes from a tool or a document; ``tokens`` as the models count them."""

    text: str
    language: str
    kind: str
    untrusted: bool
    tokens: int


class Traffic:
    """Texts that never repeat. ``tokens`` counts those of a sentence."""

    def __init__(self, tokens: Callable[[str], int], *, seed: int) -> None:
        self._tokens = tokens
        self._random = Random(seed)  # noqa: S311 - nothing here is a secret
        self._seen: set[str] = set()
        self._means: dict[tuple[str, ...], float] = {}
        self._kinds = self._endless()

    def take(self, count: int, language: str = "") -> list[Text]:
        """``count`` new texts, of one language if it is given. Whole cycles have the mix exactly."""
        return [self._text(next(self._kinds), language or self._language()) for _ in range(count)]

    def _endless(self) -> Iterator[str]:
        cycle = [kind for kind, count in MIX.items() for _ in range(count)]
        while True:
            self._random.shuffle(cycle)
            yield from tuple(cycle)

    def _language(self) -> str:
        if self._random.random() < ENGLISH:
            return "en"
        return self._random.choice([language for language in phrases.languages() if language != "en"])

    def _text(self, kind: str, language: str) -> Text:
        untrusted = kind in _UNTRUSTED
        around = sentences(language, "document" if untrusted else "chat")
        lead = self._random.choice(sentences(language, kind))
        before: list[str] = []
        after: list[str] = []
        count = self._tokens(lead)
        enough = self._random.choice(LENGTHS) - self._mean(around) / 2  # the next would be too much as often as not
        for more in self._shuffled(around):
            joined = ("\n" if untrusted else " ").join((*before, lead, *after))
            if count >= enough and joined not in self._seen:
                break
            (before if self._random.random() < 0.5 else after).append(more)
            count += self._tokens(more)
        self._seen.add(joined)
        return Text(joined, language, kind, untrusted, count)

    def _mean(self, pool: tuple[str, ...]) -> float:
        if pool not in self._means:
            self._means[pool] = fmean(map(self._tokens, pool))
        return self._means[pool]

    def _shuffled(self, pool: tuple[str, ...]) -> Iterator[str]:
        while True:
            yield from self._random.sample(pool, len(pool))


@cache
def sentences(language: str, kind: str) -> tuple[str, ...]:
    """What there is of a kind in a language, from patterns that were held back. Raises ``PhraseError``."""
    found = list(phrases.samples(language, kind, _EACH))
    held = [sentence.text for pattern, sentence in found if held_pattern(language, kind, pattern.number)]
    return tuple(held or (sentence.text for _, sentence in found))
