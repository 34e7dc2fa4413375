"""What a text is about, in ``TOPICS`` numbers: far apart for another subject, near for the same one in other words.

The rule: the text's tokens are looked up in the static embeddings of the shipped models (tier 1's table, started from
wordllama's), their mean is taken from the table's own mean, and projected on ``TOPICS`` directions that the key of
the installation chooses, so that what is stored says nothing without it (Johnson and Lindenstrauss, 1984). Off the path
of messages: 0.1 ms on the thread that learns.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from chatward.behaviour.rows import TOPICS

if TYPE_CHECKING:
    from chatward.models.cascade import Cascade

Floats = NDArray[np.float64]
Topics = Callable[[str], Floats | None]

MOST_READ: Final = 1_000
"""Code points of a text that tell its topic."""
_TOKENS: Final = 4
"""Fewer tokens tell no topic."""


class EmbeddedTopics:
    """Topics by the models that ``load`` gives, when they are first asked. Raises what it raises."""

    def __init__(self, key: bytes, load: Callable[[], Cascade]) -> None:
        self._seed = int.from_bytes(blake2b(b"topics", key=key[:64], digest_size=8).digest(), "little")
        self._load = load
        self._directions: Floats | None = None

    def __call__(self, text: str) -> Floats | None:
        """Of length one; ``None`` where there is too little to tell."""
        vector = self._load().embedding(text[:MOST_READ], least=_TOKENS)
        if vector is None:
            return None
        if self._directions is None:
            drawn = np.random.default_rng(self._seed).standard_normal((len(vector), TOPICS))
            self._directions = np.linalg.qr(drawn)[0]
        projected = vector.astype(np.float64) @ self._directions
        norm = float(np.linalg.norm(projected))
        return projected / norm if norm else None
