"""The cascade: what the shipped models say of a text, by the cheapest of them that is sure.

Tier 1 reads every window of a text. Where it is unsure about any head, the encoder (tier 2) reads the window too, and a
fitted combination of both answers; what its lower layers take for ordinary it does not read to the end
(``Answer.early``). A text's answer is the strictest of its windows'; ``unsure`` borders and combinations come from
calibration on texts that no model was fitted on (``calibration.json``).

Personal data is found by a net of its own (``names``); where that doubts, the encoder reads the words around. Neither
question needs the other, and no answer depends on whether the other was asked.

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
from chatward.models.encoder import Answer, Asked, Encoder, Window, enough_tokens, windows
from chatward.models.entities import Entity, entities, word_probabilities
from chatward.models.heads import HEADS, INDEX
from chatward.models.names import AROUND, NameTagger, doubtful
from chatward.models.store import ModelFiles
from chatward.models.tier1 import Tier1
from chatward.models.wordpiece import Tokens, WordPiece

Floats = NDArray[np.float32]

WINDOWS: Final = 1024
"""Windows of one text that are read; a text with more is refused by ``TooLong``."""
_REMEMBERED: Final = 512
_EARLY: Final = 0.03
"""The most that a window scores that the encoder did not read to the end: below every border that is worth choosing."""


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
    """How far a text was read. Holds token numbers, no text. ``first`` are tier 1's logits by window and ``unsure`` the
    windows, by place, that the encoder is asked about; ``tags`` are the small net's probabilities by word and
    ``doubtful`` the windows around those it doubts; all of them once somebody asked. ``second`` are the encoder's
    answers."""

    tokens: Tokens
    untrusted: bool
    windows: list[Window]
    first: list[Floats] | None = None
    unsure: Mapping[int, Asked] = field(default_factory=dict)
    tags: Floats | None = None
    doubtful: Sequence[Asked] = ()
    second: dict[Asked, Answer] = field(default_factory=dict)
    done: dict[bool, Analysis] = field(default_factory=dict)
    entities: tuple[Entity, ...] | None = None


class Cascade:
    """The shipped models, loaded. May be used from several threads. Raises ``ModelError`` where files are not as
    released. ``encoder``: whether there is a tier 2; without it tier 1 decides alone, and no names are found."""

    def __init__(self, files: ModelFiles | None = None, *, encoder: bool = True) -> None:
        files = files or ModelFiles()
        self.version = files.version
        self.cutter = WordPiece.load(files.path("vocabulary.txt"))
        self._tier1 = Tier1.load(files.path("tier1.npz"))
        calibration = files.json("calibration.json")
        self._calibration = Calibration.of(calibration["heads"])
        self._encoder: Encoder | None = None
        if encoder:
            borders = (float(calibration["exit"]["user"]), float(calibration["exit"]["untrusted"]))
            self._encoder = Encoder(files.path("encoder.onnx"), self.cutter, borders)
        low = np.array([self._calibration.borders[head][0] for head in HEADS], dtype=np.float32)
        high = np.array([self._calibration.borders[head][1] for head in HEADS], dtype=np.float32)
        self._low, self._high = _logit(low), _logit(high)
        self._names: NameTagger | None = None
        self._doubt = 1.0
        if encoder:
            self._names = NameTagger.load(files.path("names.npz"))
            self._doubt = float(calibration["names"]["doubt"])
        self._key = secrets.token_bytes(16)
        self._batcher = Batcher(self._encoder.read) if self._encoder is not None else None
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
        asked = [*self._unsure(reading, text).values(), *(self._doubtful(reading) if names else ())]
        self._ask(reading, asked)
        scores, where = self._judge(reading)
        analysis = Analysis(scores, where, self._found(reading) if names else (), len(asked))
        reading.done[names] = analysis
        return analysis

    def names(self, text: str, *, untrusted: bool = False) -> tuple[Entity, ...]:
        """The personal data that ``analyse`` finds in a text, for whom its scores are not wanted: tier 1 does not run.
        Raises ``TooLong``."""
        reading = self._reading(text, untrusted)
        if reading.entities is None:
            self._ask(reading, self._doubtful(reading))
        return self._found(reading)

    def prepare(
        self, text: str, *, untrusted: bool = False, scores: bool = True, names: bool = False
    ) -> Sequence[Awaitable[None]]:
        """What to await so that ``analyse`` of the same text (without ``scores``: ``names``) need not run the encoder:
        nothing, or one thing. The small models run now. Call it from a running event loop. Raises ``TooLong``."""
        reading = self._reading(text, untrusted)
        asked = [*(self._unsure(reading, text).values() if scores else ()), *(self._doubtful(reading) if names else ())]
        missing = [one for one in asked if one not in reading.second]
        if not missing or self._batcher is None:
            return ()

        def take(answers: Sequence[Answer]) -> None:
            reading.second.update(zip(missing, answers, strict=True))

        return (self._batcher.submit(missing, take),)

    def _ask(self, reading: _Reading, asked: Sequence[Asked]) -> None:
        """The encoder reads what it has not."""
        missing = [one for one in asked if one not in reading.second]
        if missing and self._encoder is not None:
            reading.second.update(zip(missing, self._encoder.read(missing), strict=True))

    def _unsure(self, reading: _Reading, text: str) -> Mapping[int, Asked]:
        """Windows of which tier 1 is unsure, by place. It reads them now if it has not."""
        if reading.first is None:
            wanted = _ASKED[reading.untrusted]
            first: list[Floats] = []
            unsure: dict[int, Asked] = {}
            for place, window in enumerate(reading.windows):
                start, end = window.span()
                logits = self._tier1.logits(text[start:end], reading.tokens.ids[window.start : window.end])
                first.append(logits)
                if self._encoder is not None and ((logits > self._low) & (logits < self._high))[wanted].any():
                    unsure[place] = Asked(window, logits, tags=False)
            with self._lock:
                if reading.first is None:  # else another thread was quicker, and answers are kept by what it asks
                    reading.unsure, reading.first = unsure, first
        return reading.unsure

    def _doubtful(self, reading: _Reading) -> Sequence[Asked]:
        """Windows around the words of which the small net doubts what they are. It reads them now if it has not."""
        if reading.tags is None and self._names is not None:
            tags = self._names.probabilities(reading.tokens)
            around = doubtful(tags, reading.tokens, self._doubt, untrusted=reading.untrusted)
            asked = [Asked(window, _NOT_READ, tags=True) for window in around]
            with self._lock:
                if reading.tags is None:
                    reading.doubtful, reading.tags = asked, tags
        return reading.doubtful

    def _found(self, reading: _Reading) -> tuple[Entity, ...]:
        """Personal data: the small net's tags, and the encoder's around the words that were doubtful."""
        if reading.entities is None:
            if reading.tags is None:
                return ()
            answers = [(asked.window.start, reading.second[asked].tags) for asked in reading.doubtful]
            pieces = [(start, tags) for start, tags in answers if tags is not None]
            tags = word_probabilities(pieces, reading.tokens, reading.tags, AROUND // 2)
            reading.entities = tuple(entities(tags, reading.tokens))
        return reading.entities

    def first(self, text: str) -> dict[str, float]:
        """Tier 1 alone, calibrated: for texts that are looked at while they grow. A text of one window that was
        analysed a moment ago is not read again."""
        known = self._remembered(self._digest(text, untrusted=False))
        if known is not None and known.first is not None and len(known.first) == 1:
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
        reading = _Reading(tokens, untrusted, found)
        with self._lock:
            self._known[key] = reading
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return reading

    def _judge(self, reading: _Reading) -> tuple[dict[str, float], dict[str, tuple[int, int]]]:
        """Scores by head, and the windows that spoke loudest."""
        scores = dict.fromkeys(HEADS, 0.0)
        where: dict[str, tuple[int, int]] = {}
        for place, (window, logits) in enumerate(zip(reading.windows, reading.first or (), strict=True)):
            answer = reading.second[reading.unsure[place]] if place in reading.unsure else None
            for index, head in enumerate(HEADS):
                if reading.untrusted != (head == "indirect") and head in _BY_SOURCE:
                    continue
                first = float(logits[index])
                if answer is None:
                    score = _alone(self._calibration, head, first)
                else:
                    a, b, c = self._calibration.both[head]
                    score = _sigmoid(a * first + b * float(answer.logits[index]) + c)
                    if answer.early:
                        score = min(score, _EARLY)
                if score > scores[head]:
                    scores[head] = score
                    where[head] = window.span()
        return scores, where


_NOT_READ: Final = np.zeros(len(HEADS), dtype=np.float32)
"""Tier 1's logits of a window that is read for names alone."""
_PLACES: Final = tuple((head, place) for place, head in enumerate(HEADS))
_BY_SOURCE: Final = frozenset(("attack", "direct", "extraction", "jailbreak", "indirect"))


def asked_heads(untrusted: bool) -> tuple[str, ...]:
    """The heads whose doubt calls for tier 2: those that are asked about this source."""
    if untrusted:
        return ("indirect", "scam")
    return ("attack", "toxic", "hate", "sexual", "self-harm", "violence", "illegal", "scam")


_ASKED: Final = {untrusted: [INDEX[head] for head in asked_heads(untrusted)] for untrusted in (False, True)}


def _alone(calibration: Calibration, head: str, logit: float) -> float:
    scale, shift = calibration.alone[head]
    return _sigmoid(scale * logit + shift)


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-max(-30.0, min(30.0, logit)))))


def _logit(p: Floats) -> Floats:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float32)
