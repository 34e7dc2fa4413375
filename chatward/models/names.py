"""Personal data by a small net over words, before the encoder: which words are names, addresses and so on, and where
the encoder should look again.

The rule: a word is the sum of its pieces' embeddings beside its first piece's and its casing; residual convolutions of
three words, further and further apart (Collobert et al. 2011; Strubell et al. 2017), then give each word the encoder's
tags. Most words are plain to it. Where it doubts, the encoder reads the words around (:func:`doubtful`): it takes
milliseconds where this net takes tenths of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatward.models.arrays import Arrays
from chatward.models.encoder import ROOM, Window
from chatward.models.entities import first_pieces, softmax
from chatward.models.heads import TAGS
from chatward.models.wordpiece import Tokens

Floats = NDArray[np.float32]
DIMENSIONS: Final = 48
CASING: Final = 8
WIDTH: Final = 96
APART: Final = (1, 1, 2, 4)
"""Words from one to the next of the three that each convolution reads."""
REACH: Final = sum(APART)
"""Words on either side that have a say in a word's tags."""
AROUND: Final = 16
"""Tokens on either side of a doubtful word that the encoder reads."""
_STRIDE: Final = 1024
"""Words that are computed at a time: bounds the memory that a long text takes."""


@dataclass(frozen=True, slots=True)
class NameTagger(Arrays):
    """Weights. ``table`` [tokens, dimensions] is int8 with a scale a row; ``casing`` [classes, dimensions]; ``enter``
    [inputs, width]; ``inner`` [layers, 3 x width, width]; ``out`` [width, tags]."""

    table: NDArray[np.int8]
    table_scales: Floats
    casing: Floats
    enter: Floats
    enter_bias: Floats
    inner: Floats
    inner_bias: Floats
    out: Floats
    out_bias: Floats

    def probabilities(self, tokens: Tokens) -> Floats:
        """Probabilities of tags by word [words, tags]."""
        if not tokens.ids:
            return np.zeros((0, len(TAGS)), dtype=np.float32)
        starts = first_pieces(tokens)
        ids, casing = np.asarray(tokens.ids), np.asarray(tokens.casing)[starts]
        parts: list[Floats] = []
        count = len(starts)
        for first in range(0, count, _STRIDE):
            begin, end = max(first - REACH, 0), min(first + _STRIDE + REACH, count)
            piece, beyond = starts[begin], starts[end] if end < count else len(ids)
            logits = self._logits(ids[piece:beyond], starts[begin:end] - piece, casing[begin:end])
            parts.append(logits[first - begin : first - begin + _STRIDE])
        logits = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return softmax(logits)

    def _logits(self, ids: NDArray[np.int64], starts: NDArray[np.int64], casing: NDArray[np.int64]) -> Floats:
        """Tag logits of words that begin at ``starts`` [words, tags]."""
        pieces = self.table[ids] * self.table_scales[ids, None]
        seen = np.concatenate([pieces[starts], np.add.reduceat(pieces, starts, axis=0), self.casing[casing]], axis=1)
        words = np.maximum(seen @ self.enter + self.enter_bias, 0.0)
        count, width = words.shape
        for apart, weights, bias in zip(APART, self.inner, self.inner_bias, strict=True):
            framed = np.zeros((count + 2 * apart, width), dtype=np.float32)  # beyond the ends there is nothing
            framed[apart : apart + count] = words
            beside = np.concatenate([framed[:count], words, framed[2 * apart :]], axis=1)
            words = words + np.maximum(beside @ weights + bias, 0.0)
        return np.asarray(words @ self.out + self.out_bias, dtype=np.float32)


def doubts(probabilities: Floats) -> Floats:
    """How unsure tags by word are [words]: what the likeliest kind (or *outside*) leaves to all others."""
    kinds = probabilities[:, 1::2] + probabilities[:, 2::2]
    return np.asarray(1.0 - np.maximum(kinds.max(axis=1), probabilities[:, 0]), dtype=np.float32)


def doubtful(probabilities: Floats, tokens: Tokens, border: float, *, untrusted: bool) -> list[Window]:
    """Windows around the words that are unsure by ``border`` and more, in order. Those that meet are one, as far as a
    window reaches."""
    unsure = np.flatnonzero(doubts(probabilities) >= border)
    if not unsure.size:
        return []
    starts, count = first_pieces(tokens), len(tokens.ids)
    spans: list[list[int]] = []
    for word in unsure.tolist():
        start, end = max(int(starts[word]) - AROUND, 0), min(int(starts[word]) + 1 + AROUND, count)
        if spans and start <= spans[-1][1] and end - spans[-1][0] <= ROOM:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    return [Window(tokens, start, untrusted, end - start) for start, end in spans]
