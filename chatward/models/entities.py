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


def softmax(logits: Floats) -> Floats:
    """Probabilities of rows of logits."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def first_pieces(tokens: Tokens) -> NDArray[np.int64]:
    """Where the words' first pieces stand among the tokens [words]."""
    words = np.asarray(tokens.words)
    return np.flatnonzero(np.concatenate(([True], words[1:] != words[:-1])))


def word_probabilities(
    pieces: Sequence[tuple[int, Floats]], tokens: Tokens, before: Floats | None = None, margin: int = 0
) -> Floats:
    """Probabilities of tags by word [words, tags], from tag logits of windows as (first token, logits [tokens, tags]).

    A word's first piece answers for it. Where windows overlap, the one that sees more around the word does. What no
    window says, ``before`` says, and *outside* without it; ``before`` also stands for words of which a window sees
    fewer than ``margin`` tokens on either side, if the text goes on there.
    """
    count, total = len(tokens.spans), len(tokens.ids)
    if before is None:
        chosen = np.zeros((count, len(TAGS)), dtype=np.float32)
        chosen[:, 0] = 1.0
    else:
        chosen = before.copy()
    if not pieces:
        return chosen
    words, starts = np.asarray(tokens.words), first_pieces(tokens)
    margins = np.full(count, margin - 1)
    for first, logits in pieces:
        length = len(logits)
        places = starts[(starts >= first) & (starts < first + length)] - first
        left = places if first else places + total
        right = length - 1 - places + (total if first + length == total else 0)
        seen, at = np.minimum(left, right), words[first + places]
        better = seen > margins[at]
        margins[at[better]] = seen[better]
        chosen[at[better]] = softmax(logits[places[better]])
    return chosen


def entities(probabilities: Floats, tokens: Tokens) -> Iterator[Entity]:
    """Spans of words of one kind. A word's kind is the likeliest of all; *begins* starts a new span."""
    begins, goes_on = probabilities[:, 1::2], probabilities[:, 2::2]
    by_kind = begins + goes_on
    rows, best = np.arange(len(by_kind)), by_kind.argmax(axis=1)
    sure = by_kind[rows, best]
    inside = (goes_on[rows, best] >= begins[rows, best]).tolist()
    named = np.flatnonzero(sure > probabilities[:, 0]).tolist()
    place = 0
    while place < len(named):
        first = last = named[place]
        place += 1
        while (
            place < len(named)
            and named[place] == last + 1
            and best[named[place]] == best[first]
            and inside[named[place]]
        ):
            last = named[place]
            place += 1
        confidence = float(sure[first : last + 1].mean())
        yield Entity(tokens.spans[first][0], tokens.spans[last][1], ENTITIES[best[first]], confidence)
