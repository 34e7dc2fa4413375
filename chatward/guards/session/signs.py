"""What is seen of one turn by itself: ways of speaking, scores, invented dialogue. Remembered by keyed digest.

The rule: a turn is read once. What is kept is a digest under a key that never leaves the process, flags, numbers and a
few scores; no text. Memories are bounded; the least recently used entry leaves first.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from enum import IntFlag
from hashlib import blake2b
from typing import Final, Generic, Protocol, TypeVar

from chatward.guards.session import wording
from chatward.guards.session.turns import Turn

Weights = Mapping[str, float]


class Analysis(Protocol):
    """What the whole cascade says of a text: a calibrated probability by head."""

    @property
    def scores(self) -> Mapping[str, float]: ...


class Models(Protocol):
    """The part of ``chatward.models.cascade.Cascade`` that is used here."""

    def first(self, text: str) -> Mapping[str, float]:
        """Tier 1 alone, by head: cheap."""
        ...

    def analyse(self, text: str, *, untrusted: bool = False, names: bool = False) -> Analysis: ...


HARM: Final[Weights] = {"illegal": 1.0, "jailbreak": 0.7, "attack": 0.5}
"""What tells where an ask aims. "Rewrite your last answer" steers a bot, harmlessly, so heads about steering count
less. Anger and despair (``toxic``, ``self-harm``) are left out: they climb in ordinary conversations."""
ROLE: Final[Weights] = {"illegal": 1.0, "jailbreak": 1.0, "attack": 0.5}
"""What tells what a role is for."""
STEER: Final[Weights] = {"attack": 1.0, "direct": 1.0, "extraction": 1.0, "jailbreak": 1.0}
"""What tells whether a text steers the bot."""
INDIRECT: Final[Weights] = {"indirect": 1.0}
"""What tells whether a text from a tool or a document steers the bot."""


def highest(scores: Mapping[str, float], weights: Weights) -> float:
    """The highest score of the heads that ``weights`` names, each times its weight."""
    return max(scores.get(head, 0.0) * weight for head, weight in weights.items())


SHORT: Final = 240
"""Code points of an ask in which "it" or "that" says that it leans on what was said before."""


class Sign(IntFlag):
    """Ways of speaking that were seen in a turn (``wording``)."""

    NONE = 0
    LEANS = 1
    POINTS = 2
    REFUSES = 4
    REFRAMES = 8
    PERSONA = 16
    PRESSES = 32
    ASSEMBLES = 64


_OF_USER: Final = (
    (Sign.LEANS, wording.LEANS),
    (Sign.POINTS, wording.POINTS),
    (Sign.REFRAMES, wording.REFRAMES),
    (Sign.PERSONA, wording.PERSONA),
    (Sign.PRESSES, wording.PRESSES),
    (Sign.ASSEMBLES, wording.ASSEMBLES),
)
_OF_BOT: Final = ((Sign.REFUSES, wording.REFUSES),)

V = TypeVar("V")


class Memory(Generic[V]):
    """A bounded map by digest. May be used from several threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, V] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, digest: bytes) -> V | None:
        with self._lock:
            found = self._entries.get(digest)
            if found is not None:
                self._entries.move_to_end(digest)
            return found

    def put(self, digest: bytes, value: V) -> None:
        with self._lock:
            self._entries[digest] = value
            self._entries.move_to_end(digest)
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)


Scores = Mapping[str, float]
_KEPT: Final = tuple({**HARM, **STEER, **INDIRECT})


class Reader:
    """Reads turns and joined texts, each once. ``models`` is called when a score is first needed."""

    def __init__(self, models: Callable[[], Models], *, capacity: int, key: bytes | None = None) -> None:
        self.key = key if key is not None else secrets.token_bytes(16)
        self._models = models
        self._signs: Memory[Sign] = Memory(capacity)
        self._scores: Memory[Scores] = Memory(capacity)

    def signs(self, turn: Turn) -> Sign:
        """The ways of speaking in a turn."""
        digest = turn.digest
        known = self._signs.get(digest)
        if known is None:
            known = Sign.NONE
            for sign, phrases in _OF_USER if turn.user else _OF_BOT:
                if (sign is not Sign.POINTS or len(turn.text) < SHORT) and phrases.said(turn.folded):
                    known |= sign
            self._signs.put(digest, known)
        return known

    def risk(self, turn: Turn, weights: Weights = HARM) -> float:
        """How much a turn by itself aims at harm, by tier 1."""
        return highest(self.first(turn.brief), weights)

    def sure(self, text: str, weights: Weights = HARM) -> float:
        """How much a text aims at harm by both tiers: the lower of the two, so that neither errs alone."""
        first = highest(self.first(text), weights)
        return min(first, highest(self.analyse(text), weights)) if first > 0.0 else 0.0

    def first(self, text: str) -> Scores:
        """What tier 1 says of a text, by head."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self.key).digest()
        known = self._scores.get(digest)
        if known is None:
            given = self._models().first(text)
            known = {head: given.get(head, 0.0) for head in _KEPT}
            self._scores.put(digest, known)
        return known

    def analyse(self, text: str, *, untrusted: bool = False) -> Mapping[str, float]:
        return self._models().analyse(text, untrusted=untrusted).scores
