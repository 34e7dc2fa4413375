"""How much of a feed is found where few ordinary links are taken for harmful: the curve that links are judged by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.models.urls import KINDS

Floats = NDArray[np.float32]
SHARES: Final = (1e-3, 3e-3, 1e-2, 3e-2)


def threshold(scores: Floats, share: float) -> float:
    """The score that this share of texts exceeds, at most."""
    return float(np.sort(scores)[::-1][math.floor(len(scores) * share)])


def rounded(value: Any) -> float:
    """Four places, as figures are written down."""
    return round(float(value), 4)


@dataclass(frozen=True, slots=True)
class Feed:
    """Harmful links as a model sees them, all arrays of one length: scores, places in ``KINDS``, whether a link is of
    the newest year, and whether it is one of the exercises (copies of well-known sites, made to learn from)."""

    scores: Floats
    kinds: NDArray[np.int64]
    newest: NDArray[np.bool_]
    exercises: NDArray[np.bool_]

    def curve(self, alarms: Floats) -> dict[str, Any]:
        """Recall where a share of ordinary links is over the border. ``recall_decidable`` leaves out what letters
        cannot tell: front pages of names that nobody knows, and exercises."""
        decidable = (self.kinds != KINDS.index("bare")) & ~self.exercises
        told: dict[str, Any] = {}
        for share in SHARES if alarms.size else ():
            over = self.scores > threshold(alarms, share)
            told[f"{share:g}"] = {
                "recall": rounded(over.mean()),
                "recall_2025": _of(over, self.newest),
                "recall_decidable": _of(over, decidable),
            }
        return told


def _of(over: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float | None:
    return rounded(over[chosen].mean()) if chosen.any() else None
