"""The cascade: what the shipped models say of a text, by the cheapest of them that is sure.

Tier 1 reads every window of a text. Where it is unsure about any head, or where a small net (``names``) takes words for
possible personal data, the encoder (tier 2) reads the window too, and a fitted combination of both answers. A text's
answer is the strictest of its windows'; ``unsure`` borders and combinations come from calibration on texts that no
model was fitted on (``calibration.json``).

Answers are remembered by a keyed digest for a short while, because several guards ask about one text.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.core.errors import ChatwardError
from chatward.models.batching import Batcher
from chatward.models.encoder import Encoder, Window, enough_tokens, windows
from chatward.models.entities import Entity, entities, word_probabilities
from chatward.models.heads import HEADS, INDEX
from chatward.models.names import NameGate
from chatward.models.store import ModelFiles
from chatward.models.tier1 import Tier1
from chatward.models.wordpiece import Tokens, WordPiece

Floats = NDArray[np.float32]

WINDOWS: Final = 1024
"""Windows of one text that are read; a text with more is refused by ``TooLong``."""
_REMEMBERED: Final = 512


class TooLong(ChatwardError):
    """A text has more windows than the models read."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the models say of one text: a calibrated probability a head, personal data, and the window that spoke
    loudest for each head (span in code points). ``read`` counts windows that the encoder read."""

    scores: Mapping[str, float]
    where: Mapping[str, tuple[int, int]]
    entities: tuple[Entity, ...] = ()
    read: int = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Per head: the borders of tier 1's probability between which tier 2 is asked, and the two logistic maps.

    ``alone`` is (scale, shift) for tier 1's logit; ``both`` is (tier 1's weight, tier 2's weight, shift)."""

    borders: Mapping[str, tuple[float, float]]
    alone: Mapping[str, tuple[float, float]]
    both: Mapping[str, tuple[float, float, float]]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Calibration:
        return cls(
            {head: (float(row["low"]), float(row["high"])) for head, row in fields.items()},
            {head: (float(row["alone"][0]), float(row["alone"][1])) for head, row in fields.items()},
            {
                head: (float(row["both"][0]), float(row["both"][1]), float(row["both"][2]))
                for head, row in fields.items()
            },
        )


@dataclass(slots=True)
class _Reading:
    """How far a text was read: tier 1 everywhere, the encoder where it was asked. Holds token numbers, no text."""

    tokens: Tokens
    windows: list[Window]
    first: list[Floats]
    unsure: list[int]
    naming: list[int] | None = None  # windows that are read for names alone
    second: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)
    done: dict[bool, Analysis] = field(default_factory=dict)


class Cascade:
    """The shipped models, loaded. May be used from several threads. Raises ``ModelError`` where files are not as
    released. ``encoder``: whether there is a tier 2; without it tier 1 decides alone, and no names are found."""

    def __init__(self, files: ModelFiles | None = None, *, encoder: bool = True) -> None:
        files = files or ModelFiles()
        self.version = files.version
        self.cutter = WordPiece.load(files.path("vocabulary.txt"))
        self._tier1 = Tier1.load(files.path("tier1.npz"))
        self._encoder = Encoder(files.path("encoder.onnx"), self.cutter) if encoder else None
        self._calibration = Calibration.of(files.json("calibration.json")["heads"])
        low = np.array([self._calibration.borders[head][0] for head in HEADS], dtype=np.float32)
        high = np.array([self._calibration.borders[head][1] for head in HEADS], dtype=np.float32)
        self._low, self._high = _logit(low), _logit(high)
        self._names: NameGate | None = None
        self._named = 0.0
        if encoder:
            self._names = NameGate.load(files.path("names.npz"))
            self._named = float(files.json("calibration.json")["names"]["border"])
        self._key = secrets.token_bytes(16)
        self._batcher = Batcher(self._encoder.run) if self._encoder is not None else None
        self._known: OrderedDict[bytes, _Reading] = OrderedDict()
        self._lock = threading.Lock()
        self._middle: Floats | None = None

    def analyse(self, text: str, *, untrusted: bool = False, names: bool = False) -> Analysis:
        """What the models say of a text. ``untrusted``: it comes from a tool or a document; ``names``: personal data is
        wanted too. Raises ``TooLong``."""
        reading = self._reading(text, untrusted)
        known = reading.done.get(names)
        if known is not None:
            return known
        missing = self._missing(reading, names)
        if missing and self._encoder is not None:
            answers = self._encoder.run([reading.windows[place] for place in missing])
            reading.second.update(zip(missing, answers, strict=True))
        analysis = self._judge(reading, names, untrusted)
        reading.done[names] = analysis
        return analysis

    def prepare(self, text: str, *, untrusted: bool = False, names: bool = False) -> Sequence[Awaitable[None]]:
        """What to await so that ``analyse`` of the same text need not run the encoder: nothing, or one thing. Tier 1
        runs now. Call it from a running event loop. Raises ``TooLong``."""
        reading = self._reading(text, untrusted)
        missing = self._missing(reading, names)
        if not missing or self._batcher is None:
            return ()

        def take(answers: Sequence[Any]) -> None:
            reading.second.update(zip(missing, answers, strict=True))

        return (self._batcher.submit([reading.windows[place] for place in missing], take),)

    def _missing(self, reading: _Reading, names: bool) -> list[int]:
        """Windows that the encoder has to read and has not."""
        if self._encoder is None:
            return []
        asked = reading.unsure
        if names:
            if reading.naming is None:
                reading.naming = [
                    place
                    for place, window in enumerate(reading.windows)
                    if window.wide and place not in reading.unsure and self._may_name(window)
                ]
            asked = sorted([*asked, *reading.naming])
        return [place for place in asked if place not in reading.second]

    def _may_name(self, window: Window) -> bool:
        """Whether a window may hold personal data."""
        assert self._names is not None
        ids, casing = window.tokens.ids, window.tokens.casing
        part = slice(window.start, window.end)
        return bool(self._names.logits(ids[part], casing[part]).max() >= self._named)

    def first(self, text: str) -> dict[str, float]:
        """Tier 1 alone, calibrated: for texts that are looked at while they grow. A text of one window that was
        analysed a moment ago is not read again."""
        known = self._remembered(self._digest(text, untrusted=False))
        if known is not None and len(known.first) == 1:
            return {head: _alone(self._calibration, head, float(known.first[0][place])) for head, place in _PLACES}
        logits = self._tier1.logits(text, self.cutter(text, limit=400).ids)
        return {head: _alone(self._calibration, head, float(logits[place])) for head, place in _PLACES}

    def embedding(self, text: str, *, least: int = 1) -> Floats | None:
        """What a text is about: the mean of its tokens' static embeddings, seen from that of the vocabulary. ``None``
        for a text of fewer than ``least`` tokens."""
        ids = self.cutter(text, limit=400).ids
        if len(ids) < max(least, 1):
            return None
        if self._middle is None:
            count = len(self.cutter.vocabulary)
            self._middle = self._tier1.embedding(list(range(0, count, count // 300 + 1)))  # a sample will do
        return self._tier1.embedding(ids) - self._middle

    def _digest(self, text: str, *, untrusted: bool) -> bytes:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).digest()
        return digest + bytes((untrusted,))

    def _remembered(self, key: bytes) -> _Reading | None:
        with self._lock:
            return self._known.get(key)

    def _reading(self, text: str, untrusted: bool) -> _Reading:
        key = self._digest(text, untrusted=untrusted)
        known = self._remembered(key)
        if known is not None:
            return known
        tokens = self.cutter(text, limit=enough_tokens(WINDOWS, untrusted=untrusted))
        found = windows(tokens, untrusted=untrusted)
        if len(found) > WINDOWS:
            raise TooLong("the text is longer than the models read", reason="text-too-long")
        wanted = _asked(untrusted)
        reading = _Reading(tokens, found, [], [])
        for place, window in enumerate(found):
            start, end = window.span()
            logits = self._tier1.logits(text[start:end], tokens.ids[window.start : window.end])
            reading.first.append(logits)
            if ((logits > self._low) & (logits < self._high))[wanted].any():
                reading.unsure.append(place)
        with self._lock:
            self._known[key] = reading
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return reading

    def _judge(self, reading: _Reading, names: bool, untrusted: bool) -> Analysis:
        second = dict(reading.second)  # the encoder's thread may add to it meanwhile
        unsure = set(reading.unsure)
        scores = dict.fromkeys(HEADS, 0.0)
        where: dict[str, tuple[int, int]] = {}
        for place, window in enumerate(reading.windows):
            # What was read for names alone says nothing here: scores do not depend on which guards ask.
            answer = second.get(place) if place in unsure else None
            for index, head in enumerate(HEADS):
                if untrusted != (head == "indirect") and head in _BY_SOURCE:
                    continue
                first = float(reading.first[place][index])
                if answer is None:
                    score = _alone(self._calibration, head, first)
                else:
                    a, b, c = self._calibration.both[head]
                    score = _sigmoid(a * first + b * float(answer[0][index]) + c)
                if score > scores[head]:
                    scores[head] = score
                    where[head] = window.span()
        if not names:
            return Analysis(scores, where, (), len(unsure))
        wide = [place for place in sorted(second) if reading.windows[place].wide]
        pieces = [(reading.windows[place].start, second[place][1]) for place in wide]
        found = tuple(entities(word_probabilities(pieces, reading.tokens), reading.tokens)) if pieces else ()
        return Analysis(scores, where, found, len(second))


_PLACES: Final = tuple((head, place) for place, head in enumerate(HEADS))
_BY_SOURCE: Final = frozenset(("attack", "direct", "extraction", "jailbreak", "indirect"))


def _asked(untrusted: bool) -> list[int]:
    """Places of the heads whose doubt calls for tier 2: those that are asked about this source."""
    if untrusted:
        return [INDEX["indirect"], INDEX["scam"]]
    return [INDEX[head] for head in ("attack", "toxic", "hate", "sexual", "self-harm", "violence", "illegal", "scam")]


def _alone(calibration: Calibration, head: str, logit: float) -> float:
    scale, shift = calibration.alone[head]
    return _sigmoid(scale * logit + shift)


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-max(-30.0, min(30.0, logit)))))


def _logit(p: Floats) -> Floats:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float32)
