"""Attacks that take several turns: each turn is ordinary by itself, what they make together is not.

The rule: a pattern is evidence from several turns, and the newest turn must complete it. What counts is *how* the turns
follow each other (leaning on the bot's own answers, rewording what was refused, pieces that are joined, a role that is
pressed) together with what the models say of them; neither is a finding alone.

1. *Crescendo* (Russinovich et al. 2024): asks climb towards harm and the newest leans on what the bot itself wrote.
   The newest ask is scored together with those before it, and with the answer before it, so that "now in more detail"
   is scored as what it asks for.
2. *Rephrased refusal*: the bot refused, and the same ask comes back in other words or in a frame (fiction, research,
   the past).
3. *Split payload*: pieces that are harmless alone and an attack once joined: turns, named strings, parts, JSON fields.
4. *Persona drift*: the bot speaks as someone whom the user made up, or is pressed to, and is asked for what that one
   would do.
5. *Many-shot over turns*: an invented dialogue that is fed in pieces (one message of it is ``session.limits``'s).

New evidence only: a turn of an earlier request never completes a pattern, and what already counted by itself (a turn
that the models find harmful alone, or that completed a pattern) is no evidence for another. A turn that completed a
pattern is remembered by keyed digest and pointed at where it comes back as history: the engine reports nothing old
again, but puts its note in place of it. No text is kept between turns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Final

from chatward.core.ports import Cost, GuardSpec, Item, Scope, Weighed
from chatward.core.values import Category, Exchange, Finding, Moment, Part, PartKind, Severity, Source
from chatward.guards.session import pieces
from chatward.guards.session.likeness import likeness, subjects
from chatward.guards.session.limits import Limits, invented
from chatward.guards.session.pieces import Joined
from chatward.guards.session.signs import HARM, INDIRECT, ROLE, STEER, Memory, Models, Reader, Sign, Weights, highest
from chatward.guards.session.turns import Turn, turns_of
from chatward.guards.session.wording import fold

_ID: Final = "session.escalation"

COUNTS: Final = 0.5
"""From here on a model's score is a finding of its own, and a confidence has an effect by default."""
HINT: Final = 0.4
"""Confidence from which a finding is reported at all."""
MEMORY: Final = 20_000
"""Turns of which scores and signs are remembered, over all conversations."""

_NEW: Final = 12  # fresh turns of one request that are judged, the newest
_CONTEXT: Final = 3  # earlier asks that are scored together with the newest
_ANSWER: Final = 400  # code points of the bot's last answer that are scored together with an ask
_BACK: Final = 6  # earlier asks in which a refused one, or pieces, are sought
_SOME: Final = 0.1  # a score under which an ask that leans on nothing, and presses for nothing, is passed over
_LIKE: Final = 0.3  # likeness from which an ask is the same one
_LIFT: Final = 0.3  # how far the joined text is above its pieces, where nobody asked for the joining
_FIELDS: Final = 8  # JSON parts of one request whose fields are joined


class EscalationGuard:
    """Multi-turn attacks (a ``Guard``). ``models`` gives the cascade when a score is first needed."""

    def __init__(
        self,
        models: Callable[[], Models],
        *,
        memory: int = MEMORY,
        key: bytes | None = None,
        shots: int = Limits().shots,
    ) -> None:
        self._reader = Reader(models, capacity=memory, key=key)
        self._shots = shots
        self._dialogues: Memory[int] = Memory(memory)
        self._fired: Memory[tuple[tuple[str, float], ...]] = Memory(memory)

    @property
    def spec(self) -> GuardSpec:
        return GuardSpec(
            id=_ID,
            summary="Attacks over several turns: escalation, reworded refusals, split payloads, personas, many-shot",
            moments=frozenset({Moment.INPUT}),
            cost=Cost.MODEL,
            scope=Scope.EXCHANGE,
        )

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        return self.weigh_exchange(exchange).findings

    def weigh_exchange(self, exchange: Exchange) -> Weighed:
        """Findings, and the score ``session.escalation``: the highest confidence of what is new."""
        turns = turns_of(exchange, self._reader.key)
        owner = f"{exchange.tenant}\0{exchange.principal}".encode("utf-8", "surrogatepass")
        conversation = Conversation(turns, owner, self._reader, self._fired, self._dialogues, self._shots)
        found: list[Finding] = []
        fresh = [at for at, turn in enumerate(turns) if turn.user and turn.fresh][-_NEW:]
        for at, turn in enumerate(turns):
            if not turn.user or not turn.parts:
                continue
            if turn.fresh:
                said = _strongest(conversation.judged(at)) if at in fresh else ()
                self._fired_or_not(conversation.place(at), said)
            else:
                said = self._fired.get(conversation.place(at)) or ()
            found.extend(_finding(rule, confidence, exchange, turn.parts[-1]) for rule, confidence in said)
        found.extend(self._fields(exchange))
        new = [finding.confidence for finding in found if _is_new(exchange, finding.part)]
        return Weighed([finding for finding in found if finding.confidence >= HINT], ((_ID, max(new, default=0.0)),))

    def _fired_or_not(self, place: bytes, said: tuple[tuple[str, float], ...]) -> None:
        if any(confidence >= COUNTS for _, confidence in said):
            self._fired.put(place, said)

    def _fields(self, exchange: Exchange) -> Iterator[Finding]:
        """Pieces in the strings of one JSON text: arguments of a tool call, or what a tool returned."""
        left = _FIELDS
        for index in range(len(exchange.parts) - 1, -1, -1):
            part = exchange.parts[index]
            if not _is_new(exchange, index) or left == 0:
                break
            if part.source is Source.OPERATOR or len(part.text) > 4 * pieces.LONGEST:
                continue
            strings = pieces.leaves(part.text)
            if strings:
                left -= 1
                confidence = judged(self._reader, pieces.joined(strings), part.source.untrusted, whole=part.text)
                if confidence >= HINT:
                    yield _finding("split-payload", confidence, exchange, index)


Said = tuple[str, float]
"""A rule's name and its confidence."""


class Conversation:
    """The turns of one request, and what each of its asks completes."""

    def __init__(
        self,
        turns: Sequence[Turn],
        owner: bytes,
        reader: Reader,
        fired: Memory[tuple[Said, ...]],
        dialogues: Memory[int],
        shots: int,
    ) -> None:
        self._turns = turns
        self._owner = owner
        self._reader = reader
        self._fired = fired
        self._dialogues = dialogues
        self._shots = shots

    def place(self, at: int) -> bytes:
        """A digest of a turn in its place: whose it is, what was said before it, and itself."""
        before = self._turns[at - 1].digest if at else b""
        return blake2b(self._owner + before + self._turns[at].digest, digest_size=16, key=self._reader.key).digest()

    def judged(self, at: int) -> Iterator[Said]:
        """What the ask ``at`` completes, with confidence."""
        yield "split-payload", self.split(at)
        if at == 0:
            return
        yield "many-shot-turns", self.many_shot(at)
        if any(not turn.user for turn in self._turns[:at]):
            yield "crescendo", self.crescendo(at)
            yield "rephrased-refusal", self.rephrased(at)
            yield "persona-drift", self.persona(at)

    # --- the five patterns ---------------------------------------------------------------------------

    def crescendo(self, at: int) -> float:
        """Asks that climb, the newest of which leans on the bot's answers."""
        turn = self._turns[at]
        signs = self._reader.signs(turn)
        lean = 1.2 if Sign.LEANS in signs else -0.1 if Sign.POINTS in signs else -0.4  # in logits
        asked = [place for place in self._answered(at) if not self._spent(place)]
        if not asked or (lean < 0.0 and len(asked) < 2):
            return 0.0
        own = self._reader.risk(turn)
        if lean < 0.0 and own < _SOME:
            return 0.0
        risks = [self._reader.risk(self._turns[place]) for place in asked]
        together = " ".join([*(self._turns[place].brief for place in asked[-_CONTEXT:]), turn.brief])
        answer = self._turns[at - 1]
        answered = "" if answer.user else f"{self._turns[asked[-1]].brief} {answer.brief[-_ANSWER:]} {turn.brief}"
        peak = max(own, highest(self._reader.first(together), HARM))
        if answered:
            peak = max(peak, 0.85 * highest(self._reader.first(answered), HARM))
        leaned = any(Sign.LEANS in self._reader.signs(self._turns[place]) for place in asked)

        def confidence(peak: float) -> float:
            climb = max(0.0, peak - sum(risks) / len(risks))
            return _odds(peak, lean + 0.8 * min(climb / 0.3, 1.0) + 0.3 * leaned + 0.1 * min(len(asked), 4) - 1.4)

        value = confidence(peak)
        if value < COUNTS:
            return value
        sure = self._sure(turn.brief, together)
        return confidence(max(sure, 0.85 * self._reader.sure(answered)) if answered else sure)

    def rephrased(self, at: int) -> float:
        """The ask that the bot refused, again in other words."""
        turn = self._turns[at]
        signs = self._reader.signs(turn)
        reframes = Sign.REFRAMES in signs
        refused = self._refused(at)
        if not refused:
            return 0.0
        own = self._reader.risk(turn)
        about = subjects(turn.folded)
        best = 0.0
        for place in refused[-3:]:
            before = self._turns[place]
            like = likeness(about, subjects(before.folded))
            points = reframes and Sign.POINTS in signs and place == refused[-1]
            if like < _LIKE and not points:
                continue
            if not reframes and own < 0.25 and like < 0.7:
                continue
            together = f"{before.brief} {turn.brief}"
            peak = max(own, 0.9 * self._reader.risk(before), 0.9 * highest(self._reader.first(together), HARM))
            extra = 1.2 * min(like / 0.6, 1.0) + 0.9 * reframes + 0.4 * (len(refused) - 1) - 0.6
            value = _odds(peak, extra)
            if value >= COUNTS:
                value = _odds(self._sure(turn.brief, together, 0.9), extra)
            best = max(best, value)
        return best

    def persona(self, at: int) -> float:
        """A role that the user made up, which the bot plays or is pressed to play, and an ask that needs it."""
        turn = self._turns[at]
        presses = Sign.PRESSES in self._reader.signs(turn)
        made = [place for place in self._asks(at) if Sign.PERSONA in self._reader.signs(self._turns[place])]
        if not made:
            return 0.0
        setup = self._turns[made[-1]]
        answers = [place for place in range(made[-1] + 1, at) if not self._turns[place].user]
        plays = any(speaks_as(self._turns[place].text, setup.text) for place in answers[-_BACK:])
        if not presses and not plays:
            return 0.0
        own = self._reader.risk(turn, ROLE)
        if not presses and own < _SOME:
            return 0.0
        refused = any(Sign.REFUSES in self._reader.signs(self._turns[place]) for place in answers)
        together = f"{setup.brief} {turn.brief}"
        peak = max(own, 0.8 * highest(self._reader.first(together), ROLE))
        extra = 0.9 * presses + 0.7 * plays + 0.5 * (refused and presses) - 0.9
        value = _odds(peak, extra)
        return value if value < COUNTS else _odds(self._sure(turn.brief, together, 0.8, ROLE), extra)

    def split(self, at: int) -> float:
        """Pieces that make an attack once they are joined."""
        turn = self._turns[at]
        best = 0.0
        for group in self._joined(at):
            best = max(best, judged(self._reader, group, untrusted=False))
            if best >= COUNTS:
                break
        if len(turn.texts) > 1 and best < COUNTS:
            best = max(best, judged(self._reader, pieces.joined(turn.texts[-pieces.MOST :]), untrusted=False))
        return best

    def many_shot(self, at: int) -> float:
        """An invented dialogue in several messages, none of which is enough by itself."""
        shots = self._shots_in(at)
        if not self._shots or not 0 < shots < self._shots:
            return 0.0
        others = [count for place in self._asks(at) if 0 < (count := self._shots_in(place)) < self._shots]
        total = shots + sum(others)
        if not others or total < self._shots:
            return 0.0
        return 0.8 if total >= 2 * self._shots else 0.6

    # --- what they share -----------------------------------------------------------------------------

    def _sure(self, ask: str, together: str, weight: float = 1.0, weights: Weights = HARM) -> float:
        """What both tiers say of an ask, and of it together with earlier ones: asked before anything counts."""
        return max(self._reader.sure(ask, weights), weight * self._reader.sure(together, weights))

    def _asks(self, at: int) -> list[int]:
        return [place for place in range(at) if self._turns[place].user]

    def _answered(self, at: int) -> list[int]:
        """The newest earlier asks to which the bot gave an answer that it did not refuse."""
        found = [
            place
            for place in self._asks(at)
            if not self._turns[place + 1].user and Sign.REFUSES not in self._reader.signs(self._turns[place + 1])
        ]
        return found[-_BACK:]

    def _refused(self, at: int) -> list[int]:
        """The newest earlier asks that the bot refused."""
        found = [
            place
            for place in self._asks(at)[-_BACK:]
            if not self._turns[place + 1].user and Sign.REFUSES in self._reader.signs(self._turns[place + 1])
        ]
        return found

    def _spent(self, at: int) -> bool:
        """Whether a turn already counted: by itself, or because it completed a pattern."""
        return self._reader.risk(self._turns[at]) >= COUNTS or self._fired.get(self.place(at)) is not None

    def _shots_in(self, at: int) -> int:
        turn = self._turns[at]
        if turn.raw.count(":") + turn.raw.count("：") + turn.raw.count("<|") + turn.raw.count("[/INST]") == 0:
            return 0
        known = self._dialogues.get(turn.digest)
        if known is None:
            known = invented(turn.text, 1)[0]
            self._dialogues.put(turn.digest, known)
        return known

    def _joined(self, at: int) -> Iterator[Iterator[Joined]]:
        """What the ask ``at`` may be joining: each group is one way to put the same pieces together."""
        turn = self._turns[at]
        asks = self._asks(at)[-_BACK:]
        told = Sign.ASSEMBLES in self._reader.signs(turn)
        sums = pieces.sums(turn.text)
        if sums or told:
            named: dict[str, str] = {}
            for place in [*asks, at]:
                named.update(pieces.values(self._turns[place].text))
            yield pieces.added(sums, named)
            if told:
                yield pieces.joined(tuple(named.values())[: pieces.MOST], told=True)
        announced = told or any(Sign.ASSEMBLES in self._reader.signs(self._turns[place]) for place in asks)
        if not asks:
            return
        if announced:
            said = [self._turns[place].text for place in [*asks, at]]
            texts = [pieces.payload(text) for text in said]
            # A piece has a label or quotes, or no end; other talk of parts is ordinary.
            piece = [text != whole.strip() or pieces.unfinished(whole) for text, whole in zip(texts, said, strict=True)]
            for start in range(len(texts) - 1):
                yield pieces.joined(texts[start:], told=all(piece[start:-1]) and (told or piece[-1]))
                if told and start < len(texts) - 2:
                    yield pieces.joined(texts[start:-1], told=all(piece[start:-1]))
            return
        run = [turn.text]
        for place in reversed(asks):
            if not pieces.unfinished(self._turns[place].text) or len(run) == _CONTEXT + 1:
                break
            run.insert(0, self._turns[place].text)
        for start in range(len(run) - 1):
            yield pieces.joined(run[start:])


def judged(reader: Reader, group: Iterator[Joined], untrusted: bool, whole: str = "") -> float:
    """The confidence that one of the joined texts is an attack that its pieces are not. ``whole`` is the text in which
    the pieces stood, if they stood in one: what the models see in that is not news."""
    heads = INDIRECT if untrusted else STEER
    best = 0.0
    for joined in group:
        first = highest(reader.first(joined.text), heads)
        if first < HINT:
            continue
        if not joined.told:
            alone = max(highest(reader.first(piece), heads) for piece in (*joined.pieces, *([whole] if whole else ())))
            if alone >= COUNTS or first - alone < _LIFT:
                continue
        given = highest(reader.analyse(joined.text, untrusted=untrusted), heads)
        best = max(best, given if joined.told else 0.85 * given)
    return best


_SAYS: Final = re.compile(r"^\W{0,4}([^\W\d_][\w' .-]{1,30}?)\W{0,3}[:：]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")


def speaks_as(answer: str, setup: str) -> bool:
    """Whether an answer is spoken by someone whom the setup names: as a label before it, or by saying so."""
    names = {word.casefold() for word in _WORD.findall(setup) if word[:1].isupper() or ord(word[0]) > 0x2E7F}
    label = _SAYS.match(answer)
    if label is not None:
        said = label[1].casefold()
        if any(word in names for word in _WORD.findall(said)) or (len(said) > 1 and said in setup.casefold()):
            return True
    start = fold(answer[:80])
    return any(f"{first} {fold(name)}" in start for first in _I_AM for name in names if len(name) > 2)


_I_AM: Final = (
    "i am", "i'm", "it's", "this is", "as", "my name is", "ich bin", "hier ist", "je suis", "c'est", "soy", "eu sou",
    "sou", "sono", "ik ben", "jestem", "ben", "я", "це я", "jag ar", "saya", "toi la", "jsem", "मैं", "أنا",
)  # fmt: skip


def _odds(peak: float, extra: float) -> float:
    """A probability moved by evidence, in logits."""
    peak = min(max(peak, 1e-4), 1 - 1e-4)
    return round(1.0 / (1.0 + math.exp(-(math.log(peak / (1.0 - peak)) + extra))), 3)


def _strongest(said: Iterator[Said]) -> tuple[Said, ...]:
    return tuple((rule, confidence) for rule, confidence in said if confidence > 0.0)


def _is_new(exchange: Exchange, index: int) -> bool:
    newest = len(exchange.messages) - 1
    return exchange.parts[index].message >= (min(exchange.new_from, newest) if newest >= 0 else exchange.new_from)


def _finding(rule: str, confidence: float, exchange: Exchange, index: int) -> Finding:
    part: Part = exchange.parts[index]
    category = Category.INJECTION if rule == "split-payload" else Category.JAILBREAK
    detail = "fields" if rule == "split-payload" and part.kind is PartKind.JSON else "turns"
    return Finding(f"{_ID}/{rule}", category, Severity.HIGH, confidence, (0, len(part.text)), index, "", detail)
