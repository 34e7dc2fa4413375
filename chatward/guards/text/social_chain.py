"""The kill chain of social engineering, over the turns of a conversation.

The rule: who is after something goes through stages: a *pretext* (an authority, a prize, a refund), *pressure*
(urgency, a threat, secrecy), an *ask*, and a *move* (another channel, a program, a payment). Each turn alone may be
weak; a chain is complete when one party's turns hold an ask or a move and a pretext and pressure, over at least two
messages.

1. Turns are those of ``exchange.earlier`` and ``exchange.parts``, each party's by itself.
2. New evidence only: a chain is reported at a new part that adds an ask or a move, or the stage that was missing.
   What was there before is never reported again.
3. An ask may itself be spread over two turns ("I sent you a code by mistake" - "can you read it to me?"): a turn is
   read with the party's turn before it.
4. Stages of a text are remembered by a keyed digest, so that history is read once; no text is kept.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Final

from chatward.core.normalise import plain
from chatward.core.values import Category, Exchange, Finding, Part, PartKind, Severity, Source
from chatward.guards.text.social_asks import GUARD, PRESSURE, Ask, Said, Sentence
from chatward.guards.text.social_cues import CONTEXT, CORE, find, fold, may_ask
from chatward.guards.text.social_reader import Reader, asks_in
from chatward.guards.text.social_words import Cue

RULE: Final = f"{GUARD}/kill-chain"
PARTS: Final = 24
"""Parts of one party, the newest, that make its chain."""

_READ: Final = 4000  # code points of a part that are read, from its end
_CARRIED: Final = 600
_WEAK: Final = 0.3
_SURE: Final = 0.5
_REMEMBERED: Final = 4096
_MOVES: Final = frozenset(("moves-channel", "asks-remote-access", "asks-payment"))


class Stage(str, Enum):
    """Where a conversation stands."""

    PRETEXT = "pretext"
    PRESSURE = "pressure"
    ASK = "ask"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Turn:
    """The stages of one part, and its strongest ask."""

    stages: frozenset[Stage]
    ask: float = 0.0
    start: int = 0


class Chain:
    """Reads conversations. Holds digests and stages; may be shared by conversations."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._known: OrderedDict[bytes, Turn] = OrderedDict()

    def findings(self, exchange: Exchange) -> list[Finding]:
        """A finding at each new part of the person that completes a chain or adds to a complete one."""
        own = [(-1, part) for part in exchange.earlier if _counts(part, Source.USER)]
        own += [(index, part) for index, part in enumerate(exchange.parts) if _counts(part, Source.USER)]
        own = own[-PARTS:]
        new = [place for place, (index, part) in enumerate(own) if index >= 0 and part.message >= exchange.new_from]
        if len(own) < 2 or not new:
            return []
        texts = [plain(part.text[-_READ:]).text for _, part in own]
        turns = [self._asked(text) for text in texts]
        for place in new:
            if place and turns[place].ask < _SURE:
                turns[place] = _with(turns[place], _over_two(texts[place - 1], texts[place]))
        if not any(turn.stages for turn in turns):
            return []
        turns = [self._whole(text, turn) for text, turn in zip(texts, turns, strict=True)]
        found: list[Finding] = []
        before: frozenset[Stage] = frozenset().union(*(turn.stages for turn in turns[: new[0]]))
        strongest = max([turn.ask for turn in turns[: new[0]]], default=0.0)
        for place in new:
            turn = turns[place]
            now = before | turn.stages
            strongest = max(strongest, turn.ask)
            adds = bool(turn.stages & {Stage.ASK, Stage.MOVE}) or (_complete(now) and not _complete(before))
            if place and adds and before and _complete(now):
                index, part = own[place]
                found.append(_finding(index, (0, len(part.text)), now, strongest))
            before = now
        return found

    def earlier(self, exchange: Exchange, party: Source) -> tuple[frozenset[Stage], frozenset[Cue]]:
        """The stages and the kinds of pressure in what a party said before now."""
        parts = [part for part in (*exchange.earlier, *exchange.parts) if _counts(part, party)][-PARTS:]
        stages: set[Stage] = set()
        kinds: set[Cue] = set()
        for part in parts:
            folded = fold(plain(part.text[-_READ:]).text)
            context = find(folded, CONTEXT)
            if not Sentence(folded, (), Said(), bot=False).reports():
                kinds.update([found.cue for found in context if found.cue in PRESSURE])
        stages.update(_of_pressure(kinds))
        return frozenset(stages), frozenset(kinds)

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).digest()

    def _asked(self, text: str) -> Turn:
        """The asks and moves of a text: what can be told cheaply."""
        key = self._digest(text)
        known = self._known.get(key)
        if known is None:
            known = _turn([ask for one in asks_in(text) for ask in one.asks])
            self._remember(key, known)
        return known

    def _whole(self, text: str, turn: Turn) -> Turn:
        """The same with pretext and pressure, which are read only where there is an ask somewhere."""
        key = self._digest(text + "\0")
        known = self._known.get(key)
        if known is None:
            folded = fold(text)
            known = Turn(frozenset())
            if not Sentence(folded, (), Said(), bot=False).reports():
                known = Turn(_of_pressure({found.cue for found in find(folded, CONTEXT)}))
            self._remember(key, known)
        return Turn(turn.stages | known.stages, turn.ask, turn.start)

    def _remember(self, key: bytes, turn: Turn) -> None:
        self._known[key] = turn
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def closing(stages: frozenset[Stage], ask: float, span: tuple[int, int]) -> Finding | None:
    """What a reply's ask is after what the bot said before: the end of a chain, or nothing."""
    now = stages | {Stage.ASK}
    return _finding(0, span, now, ask) if _complete(now) else None


def _counts(part: Part, source: Source) -> bool:
    return part.source is source and part.kind is PartKind.TEXT and bool(part.text)


def _complete(stages: frozenset[Stage]) -> bool:
    return Stage.PRETEXT in stages and Stage.PRESSURE in stages and bool(stages & {Stage.ASK, Stage.MOVE})


def _finding(part: int, span: tuple[int, int], stages: frozenset[Stage], ask: float) -> Finding:
    confidence = 0.55 + 0.1 * (len(stages) > 3) + 0.2 * (ask >= _SURE)
    return Finding(RULE, Category.SOCIAL_ENGINEERING, Severity.HIGH, round(confidence, 2), span, part, "", "over-turns")


def _turn(asks: Sequence[Ask]) -> Turn:
    strong = [ask for ask in asks if ask.confidence >= _WEAK]
    if not strong:
        return Turn(frozenset())
    stages = {Stage.MOVE if ask.rule in _MOVES else Stage.ASK for ask in strong}
    return Turn(frozenset(stages), max(ask.confidence for ask in strong), min(ask.start for ask in strong))


def _with(turn: Turn, other: Turn) -> Turn:
    return Turn(turn.stages | other.stages, max(turn.ask, other.ask), turn.start)


def _of_pressure(cues: set[Cue]) -> frozenset[Stage]:
    stages = set()
    if cues & {Cue.AUTHORITY, Cue.LURE}:
        stages.add(Stage.PRETEXT)
    if cues & {Cue.URGENT, Cue.THREAT, Cue.SECRECY}:
        stages.add(Stage.PRESSURE)
    return frozenset(stages)


def _over_two(before: str, text: str) -> Turn:
    """The asks of a text, read after the one before it."""
    folded = fold(before[-_CARRIED:])
    if not may_ask(folded):
        return Turn(frozenset())
    reader = Reader(bot=False, before=Said(folded, find(folded, CORE)))
    return _turn([ask for one in reader.feed(text, True) for ask in one.asks])
