"""Tier 1, for every message: a linear head over hashed n-grams and a small head over static embeddings, in numpy.

Both halves see the same text; their logits add up. Weights are 8-bit with one scale a column (n-grams) or row
(embeddings); a text costs a gather and a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatward.models import ngrams
from chatward.models.arrays import Arrays

Floats = NDArray[np.float32]
DIMENSIONS: Final = 128
HIDDEN: Final = 96
TOKENS: Final = 320
"""Tokens of a text that the static half reads."""
_FIRST_WORD: Final = 1996
_RARE: Final = 1e-3
"""A word as frequent as this counts half."""


@dataclass(frozen=True, slots=True)
class Tier1(Arrays):
    """Weights. ``grams`` [buckets, heads] and ``table`` [tokens, dimensions] are int8."""

    grams: NDArray[np.int8]
    gram_scales: Floats
    table: NDArray[np.int8]
    table_scales: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    bias: Floats

    def embedding(self, ids: list[int]) -> Floats:
        """What tokens mean together: the weighted mean of their static embeddings [dimensions]; zero where none of them
        means anything. Frequent ones count less (Arora et al. 2017), and their rank tells: the vocabulary's words
        stand by frequency, and what stands before ``_FIRST_WORD`` are signs."""
        known = np.asarray(ids[:TOKENS])
        frequency = 0.1 / np.maximum(known - _FIRST_WORD + 1, 1)  # Zipf
        weights = np.where(known < _FIRST_WORD, 0.0, _RARE / (_RARE + frequency))
        vectors = self.table[known] * (self.table_scales[known] * weights)[:, None]
        return np.asarray(vectors.sum(axis=0) / max(float(weights.sum()), 1e-6), dtype=np.float32)

    def logits(self, text: str, ids: list[int]) -> Floats:
        """Logits by head of one text. ``ids`` are its tokens."""
        answer = self.bias.copy()
        rows = ngrams.rows(text)
        if rows.size:
            summed = self.grams[rows].sum(axis=0, dtype=np.int32)
            answer += summed * self.gram_scales * np.float32(1.0 / np.sqrt(rows.size))
        if ids:
            known = np.asarray(ids[:TOKENS])
            vectors = self.table[known] * self.table_scales[known, None]
            pooled = np.concatenate([vectors.mean(axis=0), vectors.max(axis=0)])
            answer += np.maximum(pooled @ self.inner + self.inner_bias, 0.0) @ self.outer
        return answer
