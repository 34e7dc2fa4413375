"""Messages that say nearly the same in several sessions: found by MinHash, in bounded memory.

The rules:

1. A text is its pairs of words: lower case, compatibility forms undone (NFKC), digits made alike, all else left out.
   Two texts are near when about six in ten of their pairs are the same (Jaccard, estimated by ``HASHES`` minima;
   Broder, "On the resemblance and containment of documents", 1997).
2. Texts shorter than ``SHORTEST`` pairs are not looked at: people greet alike. Of long ones the first ``LONGEST``
   count.
3. Nothing of a text is kept but minima of a keyed hash; of a session and a network their ids, at most ``MEMBERS``.
4. At most ``most`` groups, for ``SECONDS``; of more, those go that were quiet the longest.
"""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any, Final, NamedTuple

import numpy as np

HASHES: Final = 16
BANDS: Final = 8
NEAR: Final = 9
"""Equal minima of ``HASHES`` that make two texts near."""
SHORTEST: Final = 8
LONGEST: Final = 120
MEMBERS: Final = 64
SECONDS: Final = 3600.0
_READ: Final = 2000
_WORDS: Final = re.compile(r"[^\W\d_]+|\d+")
_SEED: Final = 20_261_123

_draw = np.random.default_rng(_SEED)
_FACTORS: Final = _draw.integers(1, 2**63, HASHES, dtype=np.uint64) | np.uint64(1)
_TERMS: Final = _draw.integers(0, 2**63, HASHES, dtype=np.uint64)


class Seen(NamedTuple):
    """How many other sessions, and how many networks, said nearly this within the hour."""

    sessions: int
    networks: int


class _Group:
    __slots__ = ("at", "bands", "minima", "networks", "sessions")

    def __init__(self, minima: Any, bands: tuple[bytes, ...], at: float) -> None:
        self.minima = minima
        self.bands = bands
        self.at = at
        self.sessions: set[str] = set()
        self.networks: set[str] = set()


class Near:
    """Remembers what was said. ``key`` is secret; ``clock`` gives seconds of any origin."""

    def __init__(self, key: bytes, *, most: int = 4096, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key[:64]
        self._most = most
        self._clock = clock
        self._groups: OrderedDict[int, _Group] = OrderedDict()
        self._bands: dict[bytes, int] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._groups)

    def say(self, text: str, session: str, network: str) -> Seen:
        """A session says something: how many others said nearly the same."""
        minima = self._minima(text)
        if minima is None:
            return Seen(0, 0)
        now = self._clock()
        bands = tuple(bytes([band]) + minima[2 * band : 2 * band + 2].tobytes() for band in range(BANDS))
        number = self._find(minima, bands, now)
        if number is None:
            number = self._next = self._next + 1
            self._groups[number] = _Group(minima, bands, now)
            for band in bands:
                self._bands[band] = number
            while len(self._groups) > self._most:
                self._forget(next(iter(self._groups)))
        group = self._groups[number]
        group.at = now
        self._groups.move_to_end(number)
        if len(group.sessions) < MEMBERS:
            group.sessions.add(session)
        if len(group.networks) < MEMBERS:
            group.networks.add(network)
        return Seen(len(group.sessions - {session}), len(group.networks))

    def _find(self, minima: Any, bands: tuple[bytes, ...], now: float) -> int | None:
        for number in {found for band in bands if (found := self._bands.get(band)) is not None}:
            group = self._groups[number]
            if now - group.at > SECONDS:
                self._forget(number)
            elif int(np.count_nonzero(group.minima == minima)) >= NEAR:
                return number
        return None

    def _forget(self, number: int) -> None:
        for band in self._groups.pop(number).bands:
            if self._bands.get(band) == number:
                del self._bands[band]

    def _minima(self, text: str) -> Any:
        words = [
            "0" if word[0].isdigit() else word
            for word in _WORDS.findall(unicodedata.normalize("NFKC", text[:_READ]).lower())
        ]
        pairs = dict.fromkeys(f"{first} {second}" for first, second in pairwise(words))
        if len(pairs) < SHORTEST:
            return None
        blake, key = hashlib.blake2b, self._key
        chosen = islice(pairs, LONGEST)
        digests = b"".join(blake(pair.encode(), digest_size=8, key=key).digest() for pair in chosen)
        hashes = np.frombuffer(digests, dtype=np.uint64)
        return ((hashes[:, None] * _FACTORS + _TERMS) >> np.uint64(16)).min(axis=0)
