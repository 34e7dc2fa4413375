r"""Reading a text sentence by sentence for asks, whole or while it grows, with one result.

The rule: a sentence is judged when its end is certain, from its first cue on. A sentence ends with its full stop,
question or exclamation mark and a blank after it, with an ideographic one, or with a line break; where none comes,
``BOUND`` code points after its first cue, and reading goes on a little before that, so that nothing hides across the
cut.

``Reader.settled`` is the offset before which no ask can begin any more. What is found depends on the text alone,
never on how it came: cues are taken only where nothing that follows can change them, and all distances are counted in
the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from chatward.guards.text.social_asks import PRESSURE, Ask, Said, Sentence
from chatward.guards.text.social_cues import CONTEXT, CORE, Found, find, fold, may_ask, pending
from chatward.guards.text.social_words import Cue

BOUND: Final = 400
_OVERLAP: Final = 140  # a verb and its object are nearer than that
_LEFT: Final = 300  # code points before the first cue that are read with it
_TAIL: Final = 600  # code points at a sentence's end that the next sentence knows of
_KEPT: Final = 8192
_PIECE: Final = 4096

_END: Final = re.compile(
    r"(?<!\b[a-z]r)(?<!\b[a-z])[.!?\u2026\u061f\u0964]+[\"'\u201d\u2019\u00bb)\]]*(?=\s)"
    r"|[\u3002\uff01\uff1f]+[\u300d\u300f\uff09]*|\n+"
)
_OPEN_END: Final = ".!?\u2026\u061f\u0964\"'\u201d\u2019\u00bb)]\u3002\uff01\uff1f\u300d\u300f\uff09\n"


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence that has cues. ``first`` and ``end`` are code points of the whole text; ``text`` is the original."""

    first: int
    end: int
    asks: tuple[Ask, ...]  # with starts in the whole text
    pressure: tuple[Cue, ...]
    cues: frozenset[Cue]
    text: str


class Reader:
    """Reads one text. ``pressure`` is what is known of the whole text beforehand, if it is; ``before`` is what the same
    party said last."""

    def __init__(self, *, bot: bool, pressure: frozenset[Cue] = frozenset(), before: Said | None = None) -> None:
        self._bot = bot
        self._pressure = pressure
        self._text = ""  # folded; ``_raw`` is the same stretch as it came
        self._raw = ""
        self._base = 0
        self._unit = 0  # where the sentence under way starts; this and the following count in ``_text``
        self._sure = 0  # up to where cues are certain
        self._looked = 0  # up to where no sentence ends
        self._core: list[Found] = []
        self._before = before or Said()
        self._repeated: frozenset[str] = frozenset()  # rules already told of the stretch that is read again
        self._again = 0  # and where that stretch ends

    @property
    def settled(self) -> int:
        at = self._core[0].start if self._core else self._sure
        return self._base + at

    def feed(self, piece: str, final: bool) -> list[Judged]:
        """The sentences with cues that are now complete."""
        self._raw += piece
        self._text += fold(piece)
        judged: list[Judged] = []
        while True:
            end, natural = self._next_end(final)
            if end is None:
                break
            one = self._close(end, natural=natural)
            if one is not None:
                judged.append(one)
        self._trim()
        return judged

    def _next_end(self, final: bool) -> tuple[int | None, bool]:
        """Where the sentence under way ends, if that is certain, and whether by itself; takes in its cues."""
        text, size = self._text, len(self._text)
        match = _END.search(text, max(self._looked, self._unit))
        if match is not None and (final or match.end() < size):
            natural: int | None = match.end()
        else:
            natural = size if final and size > self._unit else None
            self._looked = match.start() if match is not None else max(self._unit, len(text.rstrip(_OPEN_END)))
        limit = pending(text, self._sure) if natural is None else natural
        if limit > self._sure:
            known = text if natural is None else text[:limit]
            self._core.extend([found for found in find(known, CORE, self._sure) if found.start < limit])
            self._sure = limit
        if self._core:
            bound = self._core[0].start + BOUND
            if (bound < size or final) and (natural is None or bound < natural) and bound <= self._sure:
                return bound, False
        return natural, True

    def _close(self, end: int, *, natural: bool) -> Judged | None:
        text, core = self._text, [found for found in self._core if found.end <= end]
        judged: Judged | None = None
        if core:
            first = core[0].start
            start = max(self._unit, first - _LEFT)
            moved = [Found(found.start - start, found.end - start, found.cue) for found in core]
            sentence = Sentence(text[start:end], moved, self._before.knowing(self._pressure), bot=self._bot)
            asks = [Ask(ask.rule, ask.confidence, self._base + start + ask.start) for ask in sentence.asks()]
            asks = [ask for ask in asks if ask.rule not in self._repeated or ask.start >= self._base + self._again]
            cues = frozenset([found.cue for found in core])
            raw = self._raw[start:end]
            pressure = tuple(sentence.pressure) if asks else ()
            judged = Judged(self._base + first, self._base + end, tuple(asks), pressure, cues, raw)
        if natural:
            tail = max(self._unit, end - _TAIL)
            moved = [Found(found.start - tail, found.end - tail, found.cue) for found in core if found.start >= tail]
            if not text[tail:end].isspace():
                self._before = Said(text[tail:end], moved)
            self._unit, self._repeated = end, frozenset()
            self._core = [found for found in self._core if found.start >= end]
        else:
            told = frozenset([ask.rule for ask in judged.asks]) if judged is not None else frozenset()
            self._repeated, self._again = told, end
            self._core = [found for found in self._core if found.start >= end - _OVERLAP]
        self._looked = max(self._looked, self._unit)
        return judged

    def _trim(self) -> None:
        if not self._core and self._sure - self._unit > _KEPT:
            self._unit = self._sure - _TAIL - _LEFT  # more than any judgement looks back
        drop = self._unit - 64
        if drop > _KEPT:
            self._text, self._raw = self._text[drop:], self._raw[drop:]
            self._base += drop
            self._unit -= drop
            self._sure -= drop
            self._looked -= drop
            self._again -= drop
            self._core = [Found(found.start - drop, found.end - drop, found.cue) for found in self._core]


def asks_in(text: str) -> list[Judged]:
    """The sentences of a person's or a document's text that ask for something. Pressure counts wherever it stands, and
    a word that this is reported ("is this a scam?") takes weight off every ask."""
    folded = fold(text)
    if not may_ask(folded):
        return []
    judged = _asking(Reader(bot=False), text)
    if not judged:
        return []
    context = find(folded, CONTEXT)
    known = frozenset([found.cue for found in context]) & frozenset(PRESSURE)
    if known:
        judged = _asking(Reader(bot=False, pressure=known), text)
    if Sentence(folded, (), Said(), bot=False).reports():
        judged = [replace(one, asks=tuple([_doubted(ask) for ask in one.asks])) for one in judged]
    return judged


def _asking(reader: Reader, text: str) -> list[Judged]:
    """The sentences of a whole text that ask for something. Read in pieces: a sentence costs what is not yet settled,
    so that all of a long text at once would cost its square."""
    judged: list[Judged] = []
    for at in range(0, len(text), _PIECE):
        judged += reader.feed(text[at : at + _PIECE], at + _PIECE >= len(text))
    return [one for one in judged if one.asks]


def _doubted(ask: Ask) -> Ask:
    return Ask(ask.rule, round(ask.confidence * 0.5, 2), ask.start)
