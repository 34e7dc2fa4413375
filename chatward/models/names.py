"""Whether words may be personal data: a small net over tokens, asked before the encoder looks for names.

The rule: two convolutions over embeddings of tokens and of their casing (Collobert et al. 2011) say of each token, seen
with four on either side, whether the encoder would take it for part of a name, an address and so on. Most of what
people write to bots names nobody; the encoder takes milliseconds to find that out, this net a twentieth of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatward.models.arrays import Arrays

Floats = NDArray[np.float32]
DIMENSIONS: Final = 32
CASING: Final = 8
HIDDEN: Final = 48
FIRST, SECOND = 5, 3
"""Tokens that the two convolutions read at a time."""


@dataclass(frozen=True, slots=True)
class NameGate(Arrays):
    """Weights. ``table`` [tokens, dimensions] is int8 with a scale a row; ``casing`` [classes, dimensions];
    convolutions are [places x inputs, outputs]."""

    table: NDArray[np.int8]
    table_scales: Floats
    casing: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    out: Floats
    out_bias: Floats

    def logits(self, ids: Sequence[int], casing: Sequence[int]) -> Floats:
        """How likely each token is personal data, as logits [tokens]."""
        known = np.asarray(ids)
        vectors = self.table[known] * self.table_scales[known, None]
        seen = np.concatenate([vectors, self.casing[np.asarray(casing)]], axis=1)
        inner = np.maximum(_beside(seen, FIRST) @ self.first + self.first_bias, 0.0)
        inner = inner + np.maximum(_beside(inner, SECOND) @ self.second + self.second_bias, 0.0)
        return np.asarray(inner @ self.out + self.out_bias, dtype=np.float32)


def _beside(rows: Floats, places: int) -> Floats:
    """Each row beside its neighbours, ``places`` in all; zeros beyond the ends."""
    margin = places // 2
    count, width = rows.shape
    framed = np.zeros((count + 2 * margin, width), dtype=np.float32)
    framed[margin : margin + count] = rows
    return np.concatenate([framed[place : place + count] for place in range(places)], axis=1)
