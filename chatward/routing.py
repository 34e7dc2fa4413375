"""Routes made ready: the guards of the catalog, the policies of the settings, and which request takes which."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

import msgspec

from chatward import __version__
from chatward.configuration import resolve
from chatward.core.errors import ConfigError
from chatward.core.normalise import read
from chatward.core.ports import AnyGuard, Item, LoadingGuard, RuleGuard
from chatward.core.values import Moment, PartKind, Source
from chatward.engine.digests import Digests
from chatward.engine.engine import Engine
from chatward.engine.plan import Plan, ScannerPool, Watch, choose, watch
from chatward.engine.scanner import PatternError
from chatward.guards.catalog import catalog
from chatward.guards.files.looking import IDS as FILE_GUARDS
from chatward.guards.links.exfiltration import host_of
from chatward.guards.text.abuse import SELF_HARM
from chatward.intel.opening import indicators, take_files
from chatward.policy.policy import Policy
from chatward.settings import DetectionName, Recogniser, Route, Settings

# Made up: reserved names, test numbers, nobody's data.
_SAMPLE = (
    "Dear ann@example.com, call +1 212 555 0123 or 020 7946 0958. Card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 "
    "0130 00, SSN 078-05-1120, PESEL 44051401359, passport no. C01X00T47, born on 1 May 1980, from 192.0.2.7, "
    "password: hunter2hunter2, see https://example.com/?q=1 and 12 Main Street, Springfield. Ünïcödé ｆｕｌｌ."
)


@dataclass(frozen=True, slots=True)
class _Condition:
    paths: tuple[str, ...]
    models: tuple[str, ...]

    def holds(self, path: str, model: str) -> bool:
        return (not self.paths or any(fnmatchcase(path, pattern) for pattern in self.paths)) and (
            not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)
        )


_Own = tuple[tuple[str, ...], tuple[Recogniser, ...], tuple[str, ...], tuple[str, ...], DetectionName]
"""What a route's guards are made with: canaries, recognisers, the bot's own pages, brands, which models."""


class Routing:
    """The plans of all routes, and which one a request takes: the first whose conditions hold, else ``default``.

    Exceptions of a policy end with a day, so plans know theirs; ``renew`` makes them anew after midnight UTC.
    """

    def __init__(self, settings: Settings, engine: Engine, today: date, pool: ScannerPool | None = None) -> None:
        self.engine = engine
        self.settings = settings
        self.pool = pool or ScannerPool(catalog())
        self.indicators = indicators(settings)
        self._guards: dict[_Own, tuple[AnyGuard, ...]] = {}
        routes = {**settings.routes}
        routes.setdefault("default", Route())
        self._routes = routes
        self.purposes = {name: route.purpose for name, route in routes.items() if route.purpose}
        """What routes are for, by name."""
        self._conditions = [
            (name, _Condition(route.paths, route.models)) for name, route in routes.items() if name != "default"
        ]
        self._named = {
            **{f"/channels/{name}": one.bot or name for name, one in settings.channels.items()},
            **{f"/mcp/{name}": one.bot or name for name, one in settings.mcp.items()},
        }
        self._plans: dict[str, Plan] = {}
        self._leading: dict[tuple[str, str], Plan] = {}
        self._day = -1
        self.renew(today)

    def plan(self, name: str) -> Plan:
        """The plan of one route. Raises ``KeyError`` for an unknown one."""
        return self._plans[name]

    def take(self, path: str, model: str) -> Plan:
        """The plan for a request."""
        day = int(time.time() // 86400)
        if day != self._day:
            self.renew(datetime.now(UTC).date())
        found = "default"
        for name, condition in self._conditions:
            if condition.holds(path, model):
                found = name
                break
        if self._named and (bot := self._named.get(path)) is not None:
            return self._to(found, bot)
        return self._plans[found]

    def _to(self, name: str, bot: str) -> Plan:
        """A route's plan for a bot that is met by name, wherever else the route leads."""
        plan = self._leading.get((name, bot))
        if plan is None:
            plan = self._leading[name, bot] = replace(self._plans[name], bot=bot)
        return plan

    def renew(self, today: date) -> None:
        """Makes all plans for a day. Compiled patterns are kept."""
        self._leading.clear()
        self._plans = {name: self._make(name, route, today) for name, route in self._routes.items()}
        self._day = int(time.time() // 86400)

    def warm(self) -> None:
        """Warms every plan. Raises what a guard raises that cannot look."""
        for plan in self._plans.values():
            warm(plan)

    def guards(self) -> list[tuple[str, str, str]]:
        """(id, summary, state) of every guard; the state names the routes on which it is off."""
        rows = []
        for guard in catalog():
            spec = guard.spec
            off = [
                name for name, plan in self._plans.items() if not any(_looks(w, spec.id) for w in plan.watches.values())
            ]
            state = "on" if not off else "off" if len(off) == len(self._plans) else f"off on {', '.join(off)}"
            rows.append((spec.id, spec.summary, state))
        return rows

    def _make(self, name: str, route: Route, today: date) -> Plan:
        canaries = tuple(resolve(reference) for reference in route.canaries)
        own = (canaries, route.recognisers, route.owned_links, route.brands, route.detection)
        if own not in self._guards:
            self._guards[own] = catalog(
                canaries, route.recognisers, self.indicators, route.owned_links, route.brands, route.detection
            )
        guards = choose(self._guards[own], route.guards, route=name)
        version = policy_version(route, guards)
        try:
            watches = {moment: watch(guards, moment, self.pool) for moment in Moment} if guards else {}
        except PatternError as error:
            raise ConfigError(f"a recogniser's pattern: {error}", key=f"routes.{name}.recognisers") from error
        return Plan(
            route=name,
            bot=route.bot,
            refusal=route.refusal,
            policy=Policy(route, version=version, today=today, name=name),
            watches=watches,
            guard_budget=route.guard_budget,
            digests=Digests(self.engine.key, version),
            allow_links=tuple(pattern.lower() for pattern in route.allow_links),
            hash_key=self.engine.key,
            answers={SELF_HARM: route.help_line, **dict.fromkeys(FILE_GUARDS, route.unread_file)},
            names_people=route.end_users == "name",
        )


def _looks(at: Watch, guard: str) -> bool:
    return guard in at.names or any(guard == one.spec.id for one in at.file_guards)


def warm(plan: Plan) -> None:
    """Lets a plan look at one text that has a bit of everything, so that what guards load when they first need it is
    there before the first message, whose guards have a time budget."""
    for at in plan.watches.values():
        for own in (*at.part_guards, *at.exchange_guards, *at.stream_guards):
            if isinstance(own, LoadingGuard):
                own.load()
        sample = read(_SAMPLE, deep=True)
        at.scanner.scan(sample, failed={})
        for guard in at.model_guards:
            guard.weigh(Item(0, Source.USER, PartKind.TEXT, sample))
        if at.scanner.streams:
            at.scanner.stream(lambda guard, error: None).feed(_SAMPLE, True)


def policy_version(route: Route, guards: tuple[AnyGuard, ...]) -> str:
    """A short digest of everything that can change a verdict: settings, guards, rules, program."""
    digest = hashlib.sha256(__version__.encode())
    digest.update(msgspec.json.encode(route, order="deterministic"))
    for guard in guards:
        digest.update(guard.spec.id.encode())
        if isinstance(guard, RuleGuard):
            for rule in guard.rules:
                digest.update(f"{rule.id}\0{rule.pattern}\0{rule.confidence}\0".encode())
    return digest.hexdigest()[:12]


def routing(
    settings: Settings, *, key: bytes | None = None, today: date | None = None, pool: ScannerPool | None = None
) -> Routing:
    """The engine with its plans. ``key`` (32 bytes) makes hashes of values stable across restarts. Lists of threat
    intelligence that are files are taken in first, but not beside a running one, whose ``pool`` is given: they are its.
    """
    if pool is None:
        take_files(settings)
    engine = Engine(
        host_of=host_of,
        memory=settings.conversations.memory,
        threads=settings.conversations.threads,
        thread_ttl=settings.conversations.thread_ttl,
        shared_threads=settings.conversations.shared_threads,
        key=key,
    )
    return Routing(settings, engine, today or datetime.now(UTC).date(), pool)
