"""Tag logits to spans of personal data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatward.models.heads import ENTITIES, TAGS
from chatward.models.wordpiece import Tokens

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Entity:
    """Words that are personal data: a span in code points, the kind, and how sure the model is (0..1)."""

    start: int
    end: int
    label: str
    confidence: float


def word_probabilities(pieces: Sequence[tuple[int, Floats]], tokens: Tokens) -> Floats:
    """Probabilities of tags by word [words, tags], from tag logits of windows as (first token, logits [tokens, tags]).

    A word's first piece answers for it. Where windows overlap, the one that sees more around the word does.
    """
    count = len(tokens.spans)
    chosen = np.zeros((count, len(TAGS)), dtype=np.float32)
    chosen[:, 0] = 1.0
    margins = np.full(count, -1)
    for first, logits in pieces:
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        length = len(logits)
        last = tokens.words[first - 1] if first else -1
        for place in range(length):
            word = tokens.words[first + place]
            if word == last:
                continue
            last = word
            margin = min(place, length - 1 - place)
            if margin > margins[word]:
                margins[word] = margin
                chosen[word] = probabilities[place]
    return chosen


def entities(probabilities: Floats, tokens: Tokens) -> Iterator[Entity]:
    """Spans of words of one kind. A word's kind is the likeliest of all; *begins* starts a new span."""
    kinds = 1 + 2 * np.arange(len(ENTITIES))
    by_kind = probabilities[:, kinds] + probabilities[:, kinds + 1]
    best = by_kind.argmax(axis=1)
    word = 0
    while word < len(tokens.spans):
        kind = best[word]
        if by_kind[word, kind] <= probabilities[word, 0]:
            word += 1
            continue
        first = word
        sure = [float(by_kind[word, kind])]
        word += 1
        while (
            word < len(tokens.spans)
            and best[word] == kind
            and by_kind[word, kind] > probabilities[word, 0]
            and probabilities[word, 2 + 2 * kind] >= probabilities[word, 1 + 2 * kind]
        ):
            sure.append(float(by_kind[word, kind]))
            word += 1
        yield Entity(tokens.spans[first][0], tokens.spans[word - 1][1], ENTITIES[kind], sum(sure) / len(sure))
