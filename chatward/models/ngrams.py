"""Hashed character n-grams: a text as row numbers of a weight table, in a few array operations.

The text is case-folded, digits become one digit, runs of blanks one blank. Every sequence of 2 to 6 characters that
starts at any place hashes to one of ``BUCKETS`` rows (Weinberger et al. 2009, without the sign: collisions are few
at this size).
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

BUCKETS: Final = 1 << 18
SIZES: Final = (2, 3, 4, 5, 6)
LONGEST: Final = 1200
"""Code points that are looked at, a run of blanks as one; longer texts are cut into windows by the caller."""

_BLANKS: Final = re.compile(r"\s+")
_DIGITS: Final = re.compile(r"\d")
_PRIME: Final = np.uint32(0x01000193)
_SPREAD: Final = np.uint32(0x9E3779B1)


def folded(text: str) -> str:
    """The text as it is hashed: framed by blanks. Runs of blanks are one before anything is cut off, so that they push
    nothing out of sight."""
    return f" {_DIGITS.sub('0', _BLANKS.sub(' ', text)[:LONGEST].casefold()).strip()} "


def rows(text: str) -> NDArray[np.int64]:
    """The row numbers of a text's n-grams, in no useful order; each n-gram counts as often as it occurs."""
    points = np.frombuffer(folded(text).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found: list[NDArray[np.uint32]] = []
    with np.errstate(over="ignore"):
        hashed = points * _SPREAD
        for size in range(2, SIZES[-1] + 1):
            if len(points) < size:
                break
            hashed = (hashed[:-1] ^ (hashed[:-1] >> np.uint32(15))) * _PRIME + points[size - 1 :] * _SPREAD
            mixed = (hashed ^ (hashed >> np.uint32(13))) * _SPREAD + np.uint32(size)
            found.append(mixed >> np.uint32(32 - 18))
    if not found:
        return np.zeros(0, dtype=np.int64)
    return np.concatenate(found).astype(np.int64)
