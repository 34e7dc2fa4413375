"""What another configuration would have done: the same conversations judged twice, and the differences.

The rule: both sides see the same turns in the same order with the same key, so that placeholders and hashes are
alike and what differs is the configuration. Nothing is sent, recorded or kept; what comes out names ids, rules and
actions and holds no word of what was said. A side's memory is bounded by its settings, and a turn is let go once it
is judged.

Where turns come from is a port, ``Turns``: a file of JSON Lines (``turns_of``), or stored conversations
(``rejudging``).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final, Protocol

import orjson

from chatward.channels.dialect import Call
from chatward.channels.openai_chat import ChatCompletions
from chatward.core.errors import ClientError
from chatward.core.values import Action, Exchange, Verdict
from chatward.engine.placeholders import Vault
from chatward.engine.plan import ScannerPool
from chatward.lines import MAX_LINE, Spoken, refusal, row_of, spoken
from chatward.routing import Routing, routing
from chatward.settings import Settings
from chatward.ward import Ward

PATH: Final = "/v1/chat/completions"
"""The path whose route a whole request takes."""
_OURS: Final = frozenset({"id", "conversation"})


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to be judged: something that was said, or a whole request. ``number`` says which it was."""

    number: int
    id: Any
    said: Spoken | Call
    route: str = ""
    """The route that something said came by; empty: that of the side."""


class Turns(Protocol):
    """Conversations, turn by turn: turns of one conversation in the order in which they happened."""

    def __iter__(self) -> Iterator[Turn]: ...


def turns_of(source: IO[bytes]) -> Iterator[Turn]:
    """The turns of JSON Lines: what ``chatward.lines`` reads, and requests (``{"messages": [...]}``, as sent to
    chat completions; ``model`` may be missing). Blank lines are passed over. Raises ``ClientError`` that names
    the line."""
    number = 0
    while line := source.readline(MAX_LINE + 1):
        number += 1
        if not line.strip():
            continue
        row = row_of(line, number)
        said = _request(row, number) if "messages" in row else spoken(row, number)
        yield Turn(number, row.get("id"), said)


def _request(row: dict[str, Any], number: int) -> Call:
    request = {key: value for key, value in row.items() if key not in _OURS}
    try:
        return ChatCompletions().parse(orjson.dumps(request))
    except ClientError as error:
        raise refusal(number, error.public) from error
    except orjson.JSONEncodeError as error:
        raise refusal(number, "nested too deeply") from error


# --- one side ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """What one configuration does with a turn. ``rules`` are those that policy acts on (in monitor mode: would),
    and guards that could not run, which ``missing`` has alone. ``text`` is what would go on; it is compared, never
    shown."""

    action: Action
    would: Action
    rules: frozenset[str]
    text_changed: bool
    text: object = field(repr=False)
    missing: frozenset[str] = frozenset()


class Side:
    """One configuration. Raises ``ConfigError``. ``route`` judges what was said by no other; requests take theirs by
    model. ``pool``: as ``routing`` takes it."""

    def __init__(
        self, settings: Settings, route: str = "default", *, like: Side | None = None, pool: ScannerPool | None = None
    ) -> None:
        self._key: bytes = like._key if like else secrets.token_bytes(32)
        self._routing: Routing = routing(settings, key=self._key, pool=pool)
        self._route = route
        self._wards = {route: Ward(route=route, routing_=self._routing)}

    def warm(self) -> None:
        """Loads what guards need before the first text. Raises what a guard raises that cannot look."""
        self._routing.warm()

    def judge(self, said: Spoken | Call, route: str = "") -> Judged:
        if isinstance(said, Spoken):
            name = route or self._route
            if name not in self._wards:
                self._wards[name] = Ward(route=name, routing_=self._routing)
            try:
                verdict = self._wards[name].check(said.text, said.role, conversation=said.conversation)
            except ValueError as error:
                raise ClientError("The text holds lone surrogates.", reason="text-invalid") from error
            return _judged(verdict, verdict.text != said.text, verdict.text)
        plan = self._routing.take(PATH, said.model)
        screening = self._routing.engine.screen(said, plan, channel=ChatCompletions.name)
        verdict = screening.verdict
        text: object = screening.refusal if verdict.blocked else sorted(screening.edits.items())
        return _judged(verdict, verdict.blocked or bool(screening.edits), text)

    def judge_exchange(self, exchange: Exchange, path: str, model: str) -> Judged:
        """What was said on a path to a model, judged by itself: nothing of it is remembered."""
        plan = self._routing.take(path, model)
        digests = [plan.digests.of(part) for part in exchange.parts]
        verdict, edits = self._routing.engine.judge_input(exchange, plan, Vault(), digests)
        text: object = plan.refused(verdict) if verdict.blocked else sorted(edits.items())
        return _judged(verdict, verdict.blocked or bool(edits), text)


def _judged(verdict: Verdict, text_changed: bool, text: object) -> Judged:
    acting = {decision.finding.rule for decision in verdict.decisions if decision.action > Action.ALLOW}
    missing = {outcome.guard for outcome in verdict.unavailable}
    return Judged(verdict.action, verdict.would, frozenset(acting | missing), text_changed, text, frozenset(missing))


# --- both --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """One turn under both configurations."""

    number: int
    id: Any
    before: Judged
    after: Judged

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs: ``action``, ``rules``, ``text``."""
        before, after = self.before, self.after
        differs = {
            "action": (before.action, before.would) != (after.action, after.would),
            "rules": before.rules != after.rules,
            "text": before.text != after.text,
        }
        return tuple(name for name, true in differs.items() if true)


@dataclass(slots=True)
class Totals:
    """Counts over all turns: actions and rules, before and after."""

    turns: int = 0
    changed: int = 0
    actions: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    rules: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))

    def add(self, compared: Compared) -> None:
        self.turns += 1
        self.changed += bool(compared.changes)
        for at, judged in enumerate((compared.before, compared.after)):
            self.actions[at][judged.action.label] += 1
            self.rules[at].update(judged.rules)


def compare(turns: Iterable[Turn], before: Side, after: Side) -> Iterator[Compared]:
    """Judges each turn twice, in order. Raises ``ClientError`` that names the line of a turn."""
    for turn in turns:
        yield Compared(turn.number, turn.id, before.judge(turn.said, turn.route), after.judge(turn.said, turn.route))


def rules_of(one: Compared) -> list[str]:
    """The rules that differ; where none does, those that act on either side."""
    return sorted(one.before.rules ^ one.after.rules) or sorted(one.before.rules | one.after.rules)
