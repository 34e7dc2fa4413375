"""Signatures of texts that are nearly the same, under a key: who has a copy of them, and not the key, can neither read
nor try texts.

MinHash (Broder, 1997) of the 5-grams of a text's letters: two signatures agree in about as many places as the texts
have n-grams in common. The rules:

1. What does not change what a text says is taken out first: case, accents, punctuation, spaces; runs of digits become
   one ``0``. So a template with other names and numbers in it stays close to itself.
2. An n-gram is hashed by multiplying its letters with odd numbers from the key, and mixed (the finaliser of
   MurmurHash3); a place of the signature is the least of these under a multiplication and shift of its own
   (Dietzfelbinger et al., 1997). It is no cryptographic hash: it is against who has neither the key nor answers of this
   process.
3. Texts of fewer than ``SHORTEST`` letters have no signature: greetings are near-duplicates of each other.

About 60 µs for a text of 500 letters. No I/O.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

GRAM: Final = 5
PLACES: Final = 32
BANDS: Final = 16
SHORTEST: Final = 24
_ROWS: Final = PLACES // BANDS
_NOT_LETTERS: Final = re.compile(r"[\W_]+")
_DIGITS: Final = re.compile(r"\d+")
_MARKS: Final = re.compile(r"[\u0300-\u036f]+")
Signature = NDArray[np.uint32]


def plain(text: str) -> str:
    """What of a text counts."""
    folded = unicodedata.normalize("NFKD", text).casefold()
    return _DIGITS.sub("0", _NOT_LETTERS.sub("", _MARKS.sub("", folded)))


class Signer:
    """Signs texts under a key."""

    def __init__(self, key: bytes) -> None:
        numbers = np.random.Generator(np.random.PCG64(int.from_bytes(blake2b(key, digest_size=16).digest(), "big")))
        self._letters = numbers.integers(0, 2**64, GRAM, np.uint64, endpoint=False) | np.uint64(1)
        self._places = (numbers.integers(0, 2**64, PLACES, np.uint64, endpoint=False) | np.uint64(1))[:, None]

    def sign(self, text: str) -> Signature | None:
        """``None`` for a text that is too short to be compared."""
        letters = plain(text)
        if len(letters) < SHORTEST:
            return None
        codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
        size = codes.size - GRAM + 1
        grams = np.zeros(size, np.uint64)
        for place in range(GRAM):
            grams += codes[place : place + size] * self._letters[place]
        grams ^= grams >> np.uint64(33)
        grams *= np.uint64(0xFF51AFD7ED558CCD)
        grams ^= grams >> np.uint64(33)
        return np.asarray((grams[None, :] * self._places).min(axis=1) >> np.uint64(32), np.uint32)


def bands(signature: Signature) -> list[bytes]:
    """Keys by which near-duplicates find each other: texts with 20 % of their n-grams in common share one with 48 %
    probability, with 40 % in common with 94 %, with 50 % with 99 % (1 - (1 - s**2)**16)."""
    return [bytes([band]) + signature[band * _ROWS : (band + 1) * _ROWS].tobytes() for band in range(BANDS)]


def alike(one: Signature, other: Signature) -> float:
    """The share of n-grams in common, about."""
    return float((one == other).mean())
