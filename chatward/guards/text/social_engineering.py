"""Social engineering, in both directions: what is asked of whom.

The rule: nobody asks for a password, a PIN, a one-time code, full card data or a wallet's words in a chat, whoever
they say they are; nor to be paid in gift cards, to have a remote-control program installed, or to be let into
somebody else's account.

* What comes in (the person's words, tool results, documents) is weighed sentence by sentence by ``social_asks`` and
  as a whole by the model's head ``scam``.
* Scams that are always told alike are found by their steps (``social_scripts``).
* A turn is read as part of its conversation by ``social_chain``: contact, ask, pressure and hand-over over several
  turns.
* A reply flows; from the first cue of a sentence on it waits for the sentence's end (``social_reader.BOUND`` code
  points at most), because a bot that starts to phish its person must be stopped before the question is out.

A legitimate bot asks for order numbers, dates, e-mail addresses or the last four digits, and sends people to their
own app for the rest: these pass. A bot that really takes one-time codes in the chat needs ``asks-one-time-code``
switched off on its route.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from chatward.core.ports import Cost, GuardSpec, Item, Scope, StreamInspector, Weighed
from chatward.core.text import View
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity, Source, Span
from chatward.guards.text.social_asks import GUARD
from chatward.guards.text.social_chain import Chain, Stage, closing
from chatward.guards.text.social_cues import CONTEXT, CORE, OBJECTS
from chatward.guards.text.social_reader import BOUND, Judged, Reader, asks_in
from chatward.guards.text.social_scripts import CONFIDENCE, scripts_in
from chatward.guards.text.social_words import Cue
from chatward.models.shipped import shipped

if TYPE_CHECKING:
    from chatward.models.cascade import Cascade

LOOK_AHEAD: Final = BOUND + 112
"""Code points that a reply may be held back: a sentence from its first cue on, and a cue that may be under way."""

_HEAD: Final = "scam"
_FLAGGED: Final = 0.5  # calibrated scores count from here on
_LEAST: Final = 0.5
_HINT: Final = 0.4  # an ask below that is not worth a line in the ledger
_VIEWS: Final = 4  # readings of a text beside the plain one
_SEVERITY: Final = {
    "asks-credentials": Severity.HIGH,
    "asks-one-time-code": Severity.HIGH,
    "asks-card-data": Severity.HIGH,
    "asks-payment": Severity.HIGH,
    "asks-remote-access": Severity.HIGH,
    "account-takeover": Severity.HIGH,
    "moves-channel": Severity.MEDIUM,
    "relative-in-need": Severity.HIGH,
    "extortion": Severity.HIGH,
    "executive-fraud": Severity.HIGH,
    "changed-bank-details": Severity.HIGH,
    "advance-fee": Severity.HIGH,
    "guaranteed-profit": Severity.HIGH,
    "task-job": Severity.HIGH,
    "doubling": Severity.HIGH,
    "model": Severity.INFO,  # the head alone is not sure enough to stop anybody: it is noted
    "pressure": Severity.INFO,
    "kill-chain": Severity.HIGH,
}
RULES: Final = tuple(f"{GUARD}/{name}" for name in _SEVERITY)
"""All rules of the guard."""

_READ: Final = frozenset((Source.USER, Source.TOOL, Source.DOCUMENT))
_OBJECTS: Final = frozenset(cue for cue in Cue if Cue.OTP <= cue <= Cue.SECOND_FACTOR)


class SocialEngineeringGuard:
    """What is asked of whom (a ``ModelGuard``, a ``Guard`` of whole turns and a ``StreamGuard``).

    ``models`` loads the shipped models when they are first needed; what it raises makes the guard unavailable. Without
    them the guard looks by words alone.
    """

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Asks for codes, passwords, card data, payments, remote access or others' accounts, by person or bot",
        moments=frozenset({Moment.INPUT, Moment.OUTPUT, Moment.TOOL_CALL}),
        look_ahead=LOOK_AHEAD,
        cost=Cost.MODEL,
        scope=Scope.EXCHANGE,
    )

    def __init__(self, models: Callable[[], Cascade] | None = shipped) -> None:
        self._models = models
        self._chain = Chain()

    def load(self) -> None:
        """Makes its tables (0.1 s, 10 MB)."""
        for vocabulary in (CORE, OBJECTS, CONTEXT):
            vocabulary.tables  # noqa: B018

    # Single parts of a request

    def weigh(self, item: Item) -> Weighed:
        """Findings and the score of one part."""
        if item.source not in _READ or item.kind is PartKind.OPAQUE:
            return Weighed()
        plain = item.reading.plain
        findings = _of_view(plain, asks_in(plain.text), item.index)
        for name, (start, end) in scripts_in(plain.text):
            findings.append(_finding(name, CONFIDENCE, plain.original(start, end), item.index))
        if not findings:
            for view in item.reading.others[:_VIEWS]:
                findings = _of_view(view, asks_in(view.text), item.index)
                if findings:
                    break
        score = 0.0
        if self._models is not None:
            analysis = self._models().analyse(plain.text, untrusted=item.source.untrusted)
            score = analysis.scores[_HEAD]
            span = analysis.where.get(_HEAD)
            if span is not None and score >= _LEAST:
                findings.append(_finding("model", score, plain.original(*span), item.index))
        strongest = max([finding.confidence for finding in findings if finding.severity > Severity.INFO], default=0.0)
        return Weighed(tuple(findings), ((GUARD, max(score, strongest)),))

    def prepare(self, item: Item) -> Sequence[Awaitable[None]]:
        """What ``weigh`` will need, being read beside the event loop."""
        if self._models is None or item.source not in _READ or item.kind is PartKind.OPAQUE:
            return ()
        return self._models().prepare(item.reading.plain.text, untrusted=item.source.untrusted)

    # The turn in its conversation

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]:
        return self._chain.findings(exchange) if moment is Moment.INPUT else ()

    # Replies

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        def earlier() -> tuple[frozenset[Stage], frozenset[Cue]]:
            return self._chain.earlier(exchange, Source.BOT)

        return ReplyInspector(self._models, earlier)


class ReplyInspector:
    """A ``StreamInspector`` with scores over what a bot says. ``earlier`` tells, when it matters, how the bot's own
    earlier turns prepared the ground."""

    def __init__(
        self,
        models: Callable[[], Cascade] | None,
        earlier: Callable[[], tuple[frozenset[Stage], frozenset[Cue]]],
    ) -> None:
        self._models = models
        self._earlier = earlier
        self._reader = Reader(bot=True)
        self._score = 0.0

    @property
    def settled(self) -> int:
        return self._reader.settled

    @property
    def scores(self) -> tuple[tuple[str, float], ...]:
        return ((GUARD, self._score),)

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        """See ``core.ports.StreamInspector.feed``."""
        found: list[Finding] = []
        for one in self._reader.feed(piece, final):
            if one.cues.isdisjoint(_OBJECTS):
                continue
            found.extend(self._judge(one))
        return found

    def _judge(self, one: Judged) -> list[Finding]:
        found: list[Finding] = []
        if one.asks:
            stages, kinds = self._earlier()
            more = 0.1 * min(3, len(kinds - set(one.pressure)))
            for ask in one.asks:
                confidence = min(0.95, ask.confidence + more)
                found.append(_finding(ask.rule, confidence, (ask.start, one.end)))
            chain = closing(stages, max(ask.confidence for ask in one.asks), (one.first, one.end))
            if chain is not None:
                found.append(chain)
            if one.pressure:
                found.append(_finding("pressure", 0.5, (one.first, one.end)))
        score = self._models().first(one.text)[_HEAD] if self._models is not None else 0.0
        if score >= _FLAGGED:
            found.append(_finding("model", score, (one.first, one.end)))
        self._score = max([self._score, score, *(f.confidence for f in found if f.severity > Severity.INFO)])
        return sorted([one for one in found if one.confidence >= _HINT], key=lambda finding: finding.span)


def _of_view(view: View, judged: Sequence[Judged], part: int) -> list[Finding]:
    found: list[Finding] = []
    for one in judged:
        told = [ask for ask in one.asks if ask.confidence >= _HINT]
        found += [_finding(ask.rule, ask.confidence, view.original(ask.start, one.end), part) for ask in told]
        if told and one.pressure:
            found.append(_finding("pressure", 0.5, view.original(one.first, one.end), part))
    return found


def _finding(name: str, confidence: float, span: Span, part: int = 0) -> Finding:
    return Finding(
        f"{GUARD}/{name}", Category.SOCIAL_ENGINEERING, _SEVERITY[name], round(confidence, 4), span, part, "", "ask"
    )
