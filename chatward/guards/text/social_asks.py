"""What is an ask: somebody is told to hand over what nobody should ask for.

The rule: an ask has a *direction* and an *object*. "My code did not arrive" has an object and no direction, "never
share your password" has both and says no, "how do I change my PIN" is a question about one's own. So, sentence by
sentence:

1. A verb of handing over stands near an object, in either order (verbs come last in half of the languages).
2. It is none where the verb is denied, where the object is the speaker's own, partial ("the last four digits") or
   harmless (of a network, a voucher, an error), where the sentence asks how things work or tells what somebody
   else did, where the value is to be typed in the reader's own app, and, without haste or threats, where it is to be
   typed on a page, in a form or a field that is not this chat.
3. How much it weighs depends on who speaks. A bot that says "tell me the code" asks for the person's; a person who says
   it may want the bot to send one, so there the object must be the reader's ("your", "that you just got").
4. Pressure raises an ask; alone it is worth a note. Payment, remote access, moving elsewhere and other people's
   accounts need pressure, secrecy or each other beside them: shops do sell gift cards.

The sentence before counts too: "I sent you a code by mistake. Can you tell me what it says?" Not checked: asks spread
over more than two sentences of one message (the models and the kill chain see those).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from chatward.guards.text.social_cues import CONTEXT, Found, find
from chatward.guards.text.social_places import names_a_place, types
from chatward.guards.text.social_words import Cue

GUARD: Final = "text.social_engineering"


class Ask(NamedTuple):
    """One ask in a sentence: the rule's name, how sure, and from which cue on (code points in the sentence)."""

    rule: str
    confidence: float
    start: int


class Said:
    """What was said before a sentence, as far as it matters: worked out when asked for. ``known`` is pressure that
    stands elsewhere in the text."""

    def __init__(self, text: str = "", core: Sequence[Found] = (), known: frozenset[Cue] = frozenset()) -> None:
        self._text = text
        self._found = core
        self._known = known
        self._cues: frozenset[Cue] | None = None
        self.core = frozenset([found.cue for found in core])

    @property
    def cues(self) -> frozenset[Cue]:
        if self._cues is None:
            sentence = Sentence(self._text, self._found, _NOTHING, bot=False)
            cues = self.core | self._known | {found.cue for found in sentence.context}
            self._cues = cues if sentence.reports() else cues - {Cue.REPORT}
        return self._cues

    def knowing(self, known: frozenset[Cue]) -> Said:
        return Said(self._text, self._found, known) if known else self


_VERBS: Final = frozenset((Cue.TELL_ME, Cue.ENTER, Cue.NEED, Cue.WHAT))
_ACTIONS: Final = _VERBS | {Cue.PAY, Cue.INSTALL, Cue.MOVE, Cue.TAKE}
_SECRETS: Final = {
    Cue.OTP: ("asks-one-time-code", 0.0),
    Cue.CODE: ("asks-one-time-code", 0.0),
    Cue.SECRET: ("asks-credentials", 0.05),
    Cue.SEED: ("asks-credentials", 0.3),
    Cue.CVV: ("asks-card-data", 0.15),
    Cue.CARD: ("asks-card-data", -0.15),
    Cue.IDENTITY: ("asks-credentials", -0.25),
}
"""Secrets: the rule, and what the kind adds."""
_BOT: Final = {Cue.TELL_ME: 0.7, Cue.ENTER: 0.55, Cue.NEED: 0.55, Cue.WHAT: 0.6}
_PERSON: Final = {Cue.TELL_ME: 0.42, Cue.ENTER: 0.38, Cue.NEED: 0.3, Cue.WHAT: 0.3}
_HASTE: Final = frozenset((Cue.URGENT, Cue.THREAT))
PRESSURE: Final = (Cue.URGENT, Cue.AUTHORITY, Cue.SECRECY, Cue.THREAT, Cue.LURE)

_BEFORE: Final = 90  # code points between a verb and an object after it
_AFTER: Final = 45  # and between an object and a verb after it
_DENIED: Final = 30
_OWN: Final = 14
_NEAR: Final = 26
_MOST: Final = 0.95
_LEAST: Final = 0.3
_BREAK: Final = re.compile(r"[,.:;!?()\u3001\uff0c\uff1b\u2014-]")
_DENSE: Final = re.compile("[\u0590-\u0dff\u3040-\u9fff\uac00-\ud7af]")


class Sentence:
    """One folded sentence with its cues, judged for who it asks what."""

    def __init__(self, text: str, core: Sequence[Found], before: Said, *, bot: bool) -> None:
        self.text = text
        self.core = core
        self.bot = bot
        self._before = before
        self._has = {found.cue for found in core}
        self._context: list[Found] | None = None

    # What surrounds the ask

    @property
    def context(self) -> list[Found]:
        if self._context is None:
            self._context = find(self.text, CONTEXT)
        return self._context

    @property
    def pressure(self) -> list[Cue]:
        """The kinds of pressure in the sentence."""
        return [cue for cue in PRESSURE if any(found.cue is cue for found in self.context)]

    def asks(self) -> list[Ask]:
        """The asks of the sentence, one a rule, by start."""
        if self._has.isdisjoint(_ACTIONS):
            return []
        if not (self._has - _ACTIONS) and not (self._before.core & _CARRIED):
            return []
        around = {found.cue for found in self.context}
        if Cue.REPORT in self._before.cues or (Cue.REPORT in around and self.reports()):
            return []
        pressure = [cue for cue in PRESSURE if cue in around or cue in self._before.cues]
        best: dict[str, Ask] = {}
        for ask in (*self._secrets(around, pressure), *self._schemes(around, pressure)):
            known = best.get(ask.rule)
            if ask.confidence >= _LEAST and (known is None or ask.confidence > known.confidence):
                best[ask.rule] = Ask(ask.rule, round(min(ask.confidence, _MOST), 2), ask.start)
        return sorted(best.values(), key=lambda ask: ask.start)

    def reports(self) -> bool:
        """Whether the sentence tells of others: not where the words are part of a pretext ("fraud department"), nor
        where "somebody" is the threat ("somebody is emptying your account")."""
        pretexts = [found for found in self.context if found.cue is Cue.AUTHORITY]
        threat = any(found.cue is Cue.THREAT for found in self.context)
        for found in self.context:
            if found.cue is not Cue.REPORT or any(p.start <= found.start < p.end for p in pretexts):
                continue
            if not (threat and self.text[found.start : found.end] in _SOMEBODY):
                return True
        return False

    # Secrets

    def _secrets(self, around: set[Cue], pressure: Sequence[Cue]) -> list[Ask]:
        objects = [found for found in self.core if found.cue in _SECRETS]
        verbs = [found for found in self.core if found.cue in _VERBS]
        if not verbs:
            return []
        got = Cue.GOT in around
        if not objects:
            carried = self._before.core & _CARRIED
            if not carried or not any(verb.cue is Cue.TELL_ME for verb in verbs):
                return []
            got = got or Cue.GOT in self._before.cues
            if not got:
                return []
            verb = next(verb for verb in verbs if verb.cue is Cue.TELL_ME)
            if self._how(verb) or self._denied(verb, verb):
                return []
            rule = "asks-one-time-code" if carried & {Cue.OTP, Cue.CODE} else "asks-credentials"
            weight = (_BOT if self.bot else _PERSON)[Cue.TELL_ME] + 0.2 + self._push(pressure)
            return [Ask(rule, weight, verb.start)]
        kinds = {_SECRETS[found.cue][0] for found in objects}
        asks: list[Ask] = []
        for thing in objects:
            if self._excused(thing, objects, got=got):
                continue
            for verb in verbs:
                if not self._together(verb, thing) or self._denied(verb, thing) or self._how(verb):
                    continue
                if thing.cue is not Cue.SEED:
                    if Cue.PLACE in around and self._there(verb, got=got):
                        continue
                    if _HASTE.isdisjoint(pressure) and self._typed(verb):
                        continue
                if verb.cue is Cue.TELL_ME and _mine_to_you(self.text, thing):
                    continue
                weight = self._weight(verb, thing, got=got) + self._push(pressure)
                if len(kinds) > 1:
                    weight += 0.1
                asks.append(Ask(_SECRETS[thing.cue][0], weight, min(verb.start, thing.start)))
        return asks

    def _weight(self, verb: Found, thing: Found, *, got: bool) -> float:
        weight = (_BOT if self.bot else _PERSON)[verb.cue] + _SECRETS[thing.cue][1]
        if thing.cue is Cue.CODE and not got:
            weight -= 0.2
        if thing.cue is Cue.CARD and self.text[thing.start : thing.end] in _CARDS:
            weight -= 0.25
        if self._yours(thing):
            weight += 0.05 if self.bot else 0.3
        if got and thing.cue in (Cue.OTP, Cue.CODE):
            weight += 0.05 if self.bot else 0.3
        if not self.bot and thing.cue is Cue.SECRET and any(found.cue is Cue.OTHERS for found in self.context):
            weight += 0.25
        return weight

    def _push(self, pressure: Sequence[Cue]) -> float:
        return min(0.35, 0.14 * len(pressure))

    def _together(self, verb: Found, thing: Found) -> bool:
        if verb.start <= thing.start:
            return thing.start - verb.end <= _BEFORE
        return 0 <= verb.start - thing.end <= _AFTER

    def _there(self, verb: Found, *, got: bool) -> bool:
        """Whether a place (the reader's own app) is where the value is to go."""
        return verb.cue is Cue.ENTER or (verb.cue is not Cue.TELL_ME and not got)

    def _typed(self, verb: Found) -> bool:
        """Whether the value is to be typed on a page or in a field elsewhere."""
        return verb.cue is Cue.ENTER and types(self.text[verb.start : verb.end]) and names_a_place(self.text)

    def _excused(self, thing: Found, objects: Sequence[Found], *, got: bool) -> bool:
        if thing.cue is Cue.CODE and any(
            other.cue is Cue.OTP and other.start < thing.end and thing.start < other.end for other in objects
        ):
            return True
        for found in self.context:
            if found.cue is Cue.MINE and not self.bot and self._owns(found, thing):
                return True
            if found.cue is Cue.MINE and not self.bot and found.start < thing.end and thing.start < found.end:
                return True
            if found.cue is Cue.PARTIAL and found.start - thing.end <= _NEAR and thing.start - found.end <= _NEAR:
                return True
            if found.cue is Cue.HARMLESS and found.start - thing.end <= 12 and thing.start - found.end <= 12:
                return True
        return False

    def _owns(self, mine: Found, thing: Found) -> bool:
        """Short words mean other things in other languages, so they must stand right before the thing."""
        if any(found.cue in _VERBS and found.start <= mine.start < found.end for found in self.core):
            return False  # "podaj mi", "mi dia"
        short = mine.end - mine.start <= 4 and self.text[mine.start : mine.end] not in _SURELY_MINE
        return 0 <= thing.start - mine.end <= (1 if short else _OWN)

    def _yours(self, thing: Found) -> bool:
        return any(found.cue is Cue.YOUR and -12 <= thing.start - found.end <= 30 for found in self.context)

    def _denied(self, verb: Found, thing: Found) -> bool:
        end = max(verb.end, thing.end)
        for found in self.context:
            if found.cue is not Cue.NOT or verb.start <= found.start < verb.end:
                continue
            if any(0 < other.start - found.end <= 1 and other.cue is Cue.CHANNEL for other in self.core):
                continue  # "no WhatsApp" is where, in Portuguese
            if found.end <= verb.start:
                between = self.text[found.end : verb.start]
                if len(between) <= _DENIED and not _BREAK.search(between):
                    return True
            elif found.start - end <= 12:
                between = self.text[end : found.start] if found.start >= end else ""
                if not _BREAK.search(between):
                    return True
        return False

    def _how(self, verb: Found) -> bool:
        """Whether the sentence asks how things work rather than for something."""
        for found in self.context:
            if found.cue is not Cue.HOW or verb.start <= found.start <= found.end <= verb.end:
                continue  # "may I have your", "wie lautet Ihre"
            if _DENSE.match(self.text, found.start):
                # Polite requests are questions too; a bot has no other reason to ask for a secret.
                if self.bot and verb.cue in (Cue.TELL_ME, Cue.WHAT):
                    continue
                return True
            if 0 <= found.start - verb.end <= 6:  # "tell me how"
                return True
            between = self.text[found.end : verb.start]
            if found.start <= verb.start and len(between) <= 60 and not _CLAUSE.search(between):
                return True
        return False

    # Schemes

    def _schemes(self, around: set[Cue], pressure: Sequence[Cue]) -> list[Ask]:
        has = self._has
        both = has | self._before.cues
        actions = [found for found in self.core if found.cue in _ACTIONS]
        first = min(actions, key=lambda found: found.start)
        wishes = any(found.cue is Cue.HOW and found.start <= first.start for found in self.context)
        if wishes or any(self._how(found) for found in actions) or Cue.ENTITLED in around:
            return []
        asks: list[Ask] = []
        start = min(found.start for found in self.core)
        weighs = 0.1 * max(0, len(pressure) - 1)
        things = [found for found in self.core if found.cue in (Cue.GIFT, Cue.CRYPTO, Cue.SAFE_ACCOUNT, Cue.FEE)]
        mine = any(found.cue is Cue.MINE and self._owns(found, thing) for found in self.context for thing in things)
        if not self._denied(first, first):
            asks += self._payment(both, pressure, start, weighs, mine=mine)
            if Cue.REMOTE in has and Cue.INSTALL in has:
                more = bool(both & {Cue.TELL_ME, Cue.CODE, Cue.MONEY, Cue.ACCOUNT, Cue.SECRET}) or bool(pressure)
                asks.append(Ask("asks-remote-access", (0.65 if more else 0.35) + weighs, start))
            elif Cue.REMOTE in has and pressure and has & {Cue.ENTER, Cue.TELL_ME}:
                asks.append(Ask("asks-remote-access", 0.45 + weighs, start))
            if Cue.CHANNEL in has and Cue.MOVE in has:
                weight = 0.35 + 0.3 * (Cue.SECRECY in pressure) + 0.2 * (Cue.LURE in pressure)
                weight += 0.2 * bool(has & {Cue.SECRET, Cue.OTP, Cue.CARD, Cue.CVV, Cue.IDENTITY, Cue.CRYPTO})
                asks.append(Ask("moves-channel", weight + 0.1 * (Cue.MONEY in both), start))
        if not self.bot and (Cue.OTHERS in around or Cue.OTHERS in self._before.cues):
            if Cue.TAKE in has and has & {Cue.ACCOUNT, Cue.SECOND_FACTOR}:
                weight = 0.55 + weighs + 0.1 * bool(has & {Cue.TELL_ME, Cue.ENTER})
                asks.append(Ask("account-takeover", weight, start))
            elif Cue.TELL_ME in has and Cue.PERSONAL in has:
                asks.append(Ask("account-takeover", 0.5 + weighs, start))
        return asks

    def _payment(
        self, both: set[Cue] | frozenset[Cue], pressure: Sequence[Cue], start: int, weighs: float, *, mine: bool
    ) -> list[Ask]:
        has = self._has
        asks: list[Ask] = []
        pays = Cue.PAY in has or (Cue.NEED in has and Cue.FEE in has)
        hands = [found for found in self.core if found.cue in (Cue.TELL_ME, Cue.ENTER)]
        elsewhere = _HASTE.isdisjoint(pressure) and all(self._typed(found) for found in hands)
        if Cue.GIFT in both and not mine and hands and not elsewhere and has & {Cue.CODE, Cue.IDENTITY}:
            asks.append(Ask("asks-payment", 0.65 + weighs, start))
        elif pays and has & {Cue.GIFT, Cue.CRYPTO} and not mine:
            asks.append(Ask("asks-payment", (0.5 if pressure else _LEAST) + weighs, start))
        if Cue.SAFE_ACCOUNT in has and (pays or Cue.MONEY in has) and not mine:
            asks.append(Ask("asks-payment", (0.65 if pressure else 0.4) + weighs, start))
        if pays and Cue.FEE in has and not mine:
            asks.append(Ask("asks-payment", (0.5 if Cue.LURE in pressure else _LEAST) + weighs, start))
        return asks


_SURELY_MINE: Final = frozenset(("my", "our"))
_SOMEBODY: Final = frozenset(
    {
        "someone", "somebody", "jemand", "iemand", "ktos", "alguien", "alguem", "qualcuno", "nekdo", "nagon",
        "cineva", "biri", "birisi", "хтось", "有人", "شخص", "quelqu'un", "кто-то", "кто то", "किसी ने",
    }
)  # fmt: skip
_CARDS: Final = frozenset(
    {
        "credit card", "debit card", "bank card", "your card", "kreditkarte", "bankkarte", "ihre karte",
        "carte bancaire", "votre carte", "carte de credit", "tarjeta de credito", "su tarjeta", "cartao de credito",
        "seu cartao", "carta di credito", "la carta", "o cartao", "creditcard", "uw kaart", "uw pas", "карту", "картку",
        "kortet", "kredi karti", "karti", "kartinizi", "cardul", "クレジットカード", "kartu kredit", "kartu",
        "банковскую карту",
    }
)  # fmt: skip
"""The card rather than its number: shops ask which one to charge."""
_NOTHING: Final = Said()
_CLAUSE: Final = re.compile(r"[.:;!?]|, ")
_CARRIED: Final = frozenset((Cue.OTP, Cue.CODE, Cue.GIFT))


def _mine_to_you(text: str, thing: Found) -> bool:
    """ "Send me a new password": what is asked for does not exist yet."""
    return (
        re.search(r"\b(?:new|another|neue[nrs]?|nouveau|nueva?|nov[oa]|nieuwe?|now[ey])\W+\Z", text[: thing.start])
        is not None
    )
