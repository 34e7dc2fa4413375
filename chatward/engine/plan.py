"""The plan of one route: which guards look when, and what they were compiled into.

Making a plan takes seconds (patterns are compiled); using one takes microseconds. Rule guards of one moment share one
``Scanner``; scanners with the same rules are shared between moments and routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

from chatward.core.errors import ConfigError
from chatward.core.ports import (
    AnyGuard,
    FileGuard,
    Guard,
    Item,
    ModelGuard,
    PreparingGuard,
    RuleGuard,
    Scope,
    StreamGuard,
    StreamInspector,
    TurnGuard,
)
from chatward.core.rules import Rule
from chatward.core.values import Exchange, Finding, Inspected, Moment, Outcome, PartKind, Source, Verdict
from chatward.engine.digests import Digests
from chatward.engine.placeholders import placeholder_rule
from chatward.engine.scanner import Prefilters, Scanner
from chatward.policy.policy import Policy

HostOf = Callable[[str], str | None]
NONE = ("none",)
_STREAMED = frozenset(Moment) - {Moment.INPUT}


class Asked(NamedTuple):
    """A guard that looks by itself. ``sources``: at parts from these alone; ``None``: at all. ``scoring``: the guard,
    where it has scores and is asked for them."""

    id: str
    inspect: Callable[[Exchange, Moment, Sequence[Item]], Sequence[Finding]]
    sources: frozenset[Source] | None
    scoring: TurnGuard | None


class Opened(NamedTuple):
    """A guard that reads along. ``names``: its id, as outcomes are told by."""

    id: str
    open: Callable[[Exchange, PartKind], StreamInspector]
    names: tuple[str, ...]
    raw: bool


def _asked(guard: Guard, scoring: TurnGuard | None) -> Asked:
    spec = guard.spec
    return Asked(spec.id, guard.inspect, None if len(spec.sources) == len(Source) else spec.sources, scoring)


@dataclass(frozen=True)
class Watch:
    """What looks at one moment: the shared pass, and the guards that look by themselves."""

    scanner: Scanner
    rule_guards: tuple[str, ...]
    part_guards: tuple[Guard, ...]
    exchange_guards: tuple[Guard, ...]
    stream_guards: tuple[StreamGuard, ...]
    model_guards: tuple[ModelGuard, ...] = ()
    file_guards: tuple[FileGuard, ...] = ()
    """Asked only where there are files, and only then named."""

    @cached_property
    def preparing(self) -> tuple[PreparingGuard, ...]:
        """Guards whose models may run beside the event loop. The one that asks most of a text comes first."""
        return tuple(guard for guard in reversed(self.model_guards) if isinstance(guard, PreparingGuard))

    @cached_property
    def parts(self) -> tuple[Asked, ...]:
        """Guards of single parts. What they are is known here, because asking a protocol takes microseconds."""
        return tuple(_asked(guard, None) for guard in self.part_guards)

    @cached_property
    def turns(self) -> tuple[Asked, ...]:
        """Guards of whole turns."""
        return tuple(_asked(guard, guard if isinstance(guard, TurnGuard) else None) for guard in self.exchange_guards)

    @cached_property
    def reading(self) -> tuple[Opened, ...]:
        """Guards that read along."""
        specs = [(guard, guard.spec) for guard in self.stream_guards]
        return tuple(Opened(spec.id, guard.open, (spec.id,), spec.raw) for guard, spec in specs)

    @cached_property
    def inspected(self) -> tuple[Outcome, ...]:
        """The outcomes where every guard could look and none has scores."""
        return tuple(map(Inspected, self.names))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Ids of all guards, in the order in which they look."""
        looking = [guard.spec.id for guard in self.model_guards]
        looking += [guard.spec.id for guard in (*self.part_guards, *self.exchange_guards)]
        streaming = [guard.spec.id for guard in self.stream_guards]
        return tuple(dict.fromkeys((*self.rule_guards, *looking, *streaming)))


@dataclass(frozen=True)
class Plan:
    """One route, ready to use. ``allow_links`` are host patterns in lower case."""

    route: str
    bot: str
    refusal: str
    policy: Policy
    watches: dict[Moment, Watch]
    guard_budget: float
    digests: Digests
    allow_links: tuple[str, ...] = ()
    hash_key: bytes = b""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What a person reads in place of the refusal, by a rule that stopped it, or a guard that could not look."""
    names_people: bool = False
    """Whether the bot gets the names of people whom programs name (``identity.end_users``)."""
    _unremarkable: dict[tuple[str, ...], Verdict] = field(default_factory=dict, init=False, repr=False, compare=False)

    def refused(self, verdict: Verdict) -> str:
        """The sentence that stands for what a verdict stopped. An answer that a rule has goes before the refusal,
        whatever else was found beside it; that of a guard which could not look, where nothing was found."""
        rules = [one.finding.rule for one in verdict.decisions if one.action is verdict.action]
        told = rules or [one.guard for one in verdict.unavailable]
        return next((self.answers[name] for name in told if name in self.answers), self.refusal)

    def unremarkable(self, guards: tuple[str, ...]) -> Verdict:
        """The verdict where these guards could all look, found nothing and have no scores: made once for each set."""
        verdict = self._unremarkable.get(guards)
        if verdict is None:
            verdict = self._unremarkable[guards] = self.policy.judge([*map(Inspected, guards)], ())
        return verdict

    @cached_property
    def inspects(self) -> bool:
        return bool(self.watches)

    @cached_property
    def unseen(self) -> Verdict:
        """The verdict on what nothing looks at."""
        return Verdict(policy=self.policy.version)

    @property
    def reads_files(self) -> bool:
        """Whether files of requests are looked at."""
        return Moment.INPUT in self.watches and bool(self.watches[Moment.INPUT].file_guards)

    @property
    def reads_reply_files(self) -> bool:
        """Whether files of replies are looked at."""
        return Moment.OUTPUT in self.watches and bool(self.watches[Moment.OUTPUT].file_guards)


class ScannerPool:
    """Scanners by their rules, so that equal sets are compiled once."""

    def __init__(self, guards: Sequence[AnyGuard] = ()) -> None:
        """``guards`` are all that may be used. What looks at requests, which are whole, is compiled together, and what
        looks at the same other moments."""
        self._scanners: dict[tuple[bool, tuple[tuple[str, str], ...]], Scanner] = {}
        groups: dict[frozenset[Moment], list[Rule]] = {_STREAMED: [placeholder_rule()]}
        whole = [placeholder_rule()]
        for guard in guards:
            if isinstance(guard, RuleGuard):
                moments = guard.spec.moments
                if moments & _STREAMED:
                    groups.setdefault(moments & _STREAMED, []).extend(guard.rules)
                if Moment.INPUT in moments:
                    whole.extend(guard.rules)
        self._prefilters = Prefilters(list(groups.values()), whole)

    def get(self, rules: Sequence[Rule], *, streams: bool) -> Scanner:
        # an operator's own rules may change under one id
        key = (streams, tuple((rule.id, rule.pattern) for rule in rules))
        if key not in self._scanners:
            self._scanners[key] = Scanner(rules, self._prefilters, streams=streams)
        return self._scanners[key]

    def beside(self) -> ScannerPool:
        """A pool that has what is compiled here; what is compiled there goes with it."""
        made = copy(self)
        made._scanners = dict(self._scanners)
        return made


def choose(guards: Sequence[AnyGuard], patterns: Sequence[str], *, route: str) -> tuple[AnyGuard, ...]:
    """The guards that a route's ``guards`` setting names. An empty list, and a name that names nothing, are errors."""
    if not patterns:
        raise ConfigError(
            f'routes.{route}.guards is empty; write guards = ["none"] to let traffic through unguarded',
            key=f"routes.{route}.guards",
        )
    if tuple(patterns) == NONE:
        return ()
    for pattern in patterns:
        if not any(fnmatchcase(guard.spec.id, pattern) for guard in guards):
            raise ConfigError(f"routes.{route}.guards names no known guard: {pattern}", key=f"routes.{route}.guards")
    return tuple(guard for guard in guards if any(fnmatchcase(guard.spec.id, pattern) for pattern in patterns))


def watch(guards: Sequence[AnyGuard], moment: Moment, pool: ScannerPool) -> Watch:
    """What looks at ``moment``: each guard whose spec names it, in catalog order."""
    chosen = [guard for guard in guards if moment in guard.spec.moments]
    by_rules = [guard for guard in chosen if isinstance(guard, RuleGuard)]
    rules = [rule for guard in by_rules for rule in guard.rules]
    streams = [guard for guard in chosen if isinstance(guard, StreamGuard) and moment is not Moment.INPUT]
    elsewhere = {guard.spec.id for guard in by_rules} | {guard.spec.id for guard in streams}
    looking = [guard for guard in chosen if isinstance(guard, Guard) and guard.spec.id not in elsewhere]
    return Watch(
        scanner=pool.get([*rules, placeholder_rule()], streams=moment is not Moment.INPUT),
        rule_guards=tuple(guard.spec.id for guard in by_rules),
        part_guards=tuple(guard for guard in looking if guard.spec.scope is Scope.PART),
        exchange_guards=tuple(guard for guard in looking if guard.spec.scope is Scope.EXCHANGE),
        stream_guards=tuple(streams),
        file_guards=tuple(guard for guard in chosen if isinstance(guard, FileGuard)),
        model_guards=tuple(guard for guard in chosen if isinstance(guard, ModelGuard) and moment is Moment.INPUT),
    )
