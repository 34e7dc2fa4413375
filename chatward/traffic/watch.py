"""Scores every message and takes the ladder's rung: ``gateway.parties.Watching``.

The rules:

1. A message's score comes from its head, from its page's report, from what its session does, and from what other
   sessions do alike. It is looked at before any guard or bot sees the message, in well under a millisecond, without
   I/O.
2. What says who a session is stays with it; how it behaves is found anew for every message. Against a session that may
   be several people (``sessions``, rule 1) nothing stays.
3. Signed agents are automated and known; so are crawlers whose machines were confirmed. For neither there is a ladder,
   nor for kinds of callers that the settings do not name.
4. In ``observe`` mode nothing is done; what would have been is counted and recorded all the same.
5. The record has the score and the names of signals, when a session's standing changes, and who got a pass or did
   not; at most ``PER_SECOND`` entries, and no text: who floods this cannot fill a disk.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from chatward.core.events import Event
from chatward.core.identity import Caller, Principal
from chatward.core.ports import Entry, Request
from chatward.core.values import PartKind, Source
from chatward.guards.traffic import crawlers, headers, ja4, page
from chatward.guards.traffic.weights import WEIGHTS, explained, score
from chatward.settings.traffic import Ladder, TrafficSettings
from chatward.traffic.ladder import OWN, AutomatedError, CrowdError, Rung, WorkNeededError, rung_of
from chatward.traffic.near import Near
from chatward.traffic.passes import Passes
from chatward.traffic.reverse import Reverse
from chatward.traffic.sessions import Recently, Session, Sessions, Signing, Whose, block, cookie_header, visit, whose
from chatward.traffic.tokens import Tokens
from chatward.traffic.work import Work

PER_SECOND: Final = 20
AGENT: Final = "agent:"
STICKY: Final = -3.5
"""Weight from which on a signal of who somebody is stays."""
_PASSING: Final = frozenset({"page.invalid", "page.missing"})
"""Of one message all the same: a page may be stale for once."""
_OPENINGS: Final = 6
_WINDOW: Final = 60.0
_BLOCKS: Final = 4
_MOVING: Final = 600.0
_VISITS: Final = 60
_REFUSALS: Final = 10
_FAST: Final = 20.0
_BEHAVIOUR: Final = ("session.", "pace.")
_LOCAL: Final = ("127.0.0.1", "[::1]", "localhost")


class Seen(NamedTuple):
    """How one message stands. ``actor``: ``human``, ``unsure``, ``bot``, ``agent`` (signed) or ``crawler``."""

    session: str
    score: int
    actor: str
    signals: tuple[str, ...]
    rung: Rung


class Watched:
    """One message on its way (``gateway.parties.WatchedMessage``)."""

    __slots__ = ("_clock", "_ended", "_session", "headers", "seen")

    def __init__(
        self, seen: Seen, session: Session, clock: Callable[[], float], fields: tuple[tuple[str, str], ...]
    ) -> None:
        self.seen = seen
        self.headers = fields
        self._session = session
        self._clock = clock
        self._ended = False
        session.flying += 1

    def end(self) -> None:
        """The answer is over."""
        if not self._ended:
            self._ended = True
            self._session.flying -= 1
            self._session.last_ended = self._clock()


@dataclass
class Figures:
    """For ``/metrics``: by actor, by rung, by signal."""

    actors: Counter[str] = field(default_factory=Counter)
    rungs: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)

    def read(self) -> Mapping[str, Mapping[str, float]]:
        return {
            "chatward_traffic_messages_total": self.actors,
            "chatward_traffic_rungs_total": self.rungs,
            "chatward_traffic_signals_total": self.signals,
        }


@dataclass(frozen=True)
class Parts:
    """What ``Traffic`` is made of. ``direct``: connections are callers' own, as far as ``proxied`` does not say
    otherwise; ``others``: origins whose pages may ask and have scripts of their own. ``proxied`` says of a connection's
    address whether it is a trusted proxy's; ``bot_of`` which bot a path and model lead to; ``risk`` hears of who is to
    prove themselves; ``clock`` gives seconds of any origin, ``now`` those since 1970."""

    signing: Signing
    tokens: Tokens
    work: Work
    passes: Passes
    near: Near
    sessions: Sessions
    reverse: Reverse | None = None
    direct: bool = True
    others: frozenset[str] = frozenset()
    proxied: Callable[[str], bool] = lambda address: False
    bot_of: Callable[[str, str], str] = lambda path, model: "default"
    risk: Callable[[Principal, str, float], None] = lambda principal, signal, points: None
    note: Callable[[Entry], None] = lambda entry: None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Traffic:
    """See the module's rules. For one event loop."""

    def __init__(self, settings: TrafficSettings, parts: Parts) -> None:
        self.settings = settings
        self.parts = parts
        self.figures = Figures()
        self._kinds = frozenset(settings.kinds)
        self._slowed = 0
        self._second = 0
        self._written = 0
        self._visits = Recently(_VISITS, _MOVING)
        self._refused = Recently(_REFUSALS, _WINDOW)

    async def look(self, caller: Caller, path: str, call: Request, near_address: str, exchange: str) -> Watched:
        """Scores one message and takes its rung. ``near_address`` is the connection's. Raises ``ClientError``."""
        owner, seen, session = self.weigh(caller, path, call, near_address)
        self._tell(caller, seen, session, exchange)
        fields = self._cookie(caller, owner)
        watched = Watched(seen, session, self.parts.clock, fields)
        try:
            if seen.rung and self.settings.mode == "enforce":
                await self._take(caller, owner, session, seen, fields, self._ladder(path, call))
        except BaseException:
            watched.end()
            raise
        return watched

    async def aclose(self) -> None:
        """Ends what is looked up, and the connections to the store."""
        if self.parts.reverse is not None:
            self.parts.reverse.close()
        await self.parts.passes.aclose()

    def weigh(self, caller: Caller, path: str, call: Request, near_address: str) -> tuple[Whose, Seen, Session]:
        """The score alone, with all that is remembered of it."""
        owner = whose(caller, self.parts.signing)
        text, opening = _said(call)
        found = set(self._head(caller, near_address))
        report, owner, of_page = self._page(caller, owner)
        found.update(of_page)
        session = self.parts.sessions.of(owner.id)
        found.update(self._behaviour(caller, owner, session, text, opening, report))
        if not owner.shared:
            session.signals.update(
                one for one in found - _PASSING if WEIGHTS[one] <= STICKY and not one.startswith(_BEHAVIOUR)
            )
            found |= session.signals
        session.messages += 1
        session.last_asked = self.parts.clock()
        value = score(found)
        actor = self._actor(caller, found, value)
        rung = Rung.NONE
        if caller.principal.kind.value in self._kinds and actor not in {"agent", "crawler"}:
            rung = rung_of(value, self._ladder(path, call))
        self.figures.actors[actor] += 1
        self.figures.signals.update(found)
        return owner, Seen(owner.id, value, actor, tuple(name for name, _ in explained(found)), rung), session

    # --- signals

    def _head(self, caller: Caller, near_address: str) -> set[str]:
        presented = caller.presented
        agent = presented.headers.get("user-agent") or ""
        proxied = self.parts.proxied(near_address)
        found: set[str] = set()
        said = headers.claim(agent)
        if crawlers.declared(agent):
            found.add(self._crawler(presented.address, agent))
        else:
            names = getattr(presented.headers, "names", None)
            trustworthy = presented.url.startswith("https:") or _host(presented.url) in _LOCAL
            if not self.parts.direct or proxied:
                names = None
            head = headers.Head(presented.headers, trustworthy, names() if names is not None else ())
            found.update(headers.signals(head))
        if proxied and self.settings.ja4_header:
            told = presented.headers.get_all(self.settings.ja4_header)
            named = not _host(presented.url).strip("[]").replace(".", "").replace(":", "").isdigit()
            if len(told) == 1 and ja4.contradicts(told[0], said.family, named=named):
                found.add("tls.mismatch")
        return found

    def _crawler(self, address: str, agent: str) -> str:
        domains = crawlers.machines(agent)
        if not domains or self.parts.reverse is None:
            return "crawler.declared"
        return "crawler.faked" if self.parts.reverse.confirmed(address, domains) is False else "crawler.declared"

    def _page(self, caller: Caller, owner: Whose) -> tuple[page.Report | None, Whose, set[str]]:
        """The page's report, whose message it is by its token, and its signals."""
        fields = caller.presented.headers
        given = fields.get_all(page.HEADER)
        agent = fields.get("user-agent") or ""
        if not given:
            missed = headers.claim(agent).browser and not crawlers.declared(agent)
            return None, owner, {"page.missing"} if missed and fields.get("origin") not in self.parts.others else set()
        report = page.read(given[0]) if len(given) == 1 else None
        named = None
        if report is not None:
            named = self.parts.tokens.of_page(report.t, owner.id, shared=owner.shared)
        if report is None or named is None:
            return None, owner, {"page.invalid"}
        if owner.shared:
            owner = Whose(named)
        session = self.parts.sessions.of(owner.id)
        if report.n <= session.reports.get(report.t, -1):
            return None, owner, {"page.invalid"}
        if len(session.reports) >= 16:
            session.reports.pop(next(iter(session.reports)))
        session.reports[report.t] = report.n
        return report, owner, set(page.signals(report, agent))

    def _behaviour(
        self, caller: Caller, owner: Whose, session: Session, text: str, opening: bool, report: page.Report | None
    ) -> set[str]:
        now = self.parts.clock()
        network = block(caller.presented.address)
        found: set[str] = set()
        alike = self.parts.near.say(text, owner.id, network) if text else None
        if alike is not None and alike.sessions >= 4:
            found.add("session.near-duplicate")
            if alike.networks >= 6:
                found.add("session.rotating")
        if self._visits.often(network, now):
            found.add("session.swarm")
        if self._refused.often(network if owner.shared else owner.id, now):
            found.add("session.refused")
        if owner.shared:
            session.offered += 1
            if session.offered > 3:
                found.add("session.cookie-dropped")
            return found
        if session.flying >= 3:
            found.add("session.parallel")
        if opening:
            session.openings.append(now)
            if sum(now - one < _WINDOW for one in session.openings) >= _OPENINGS:
                found.add("session.parallel")
        if session.messages:
            typed = len(text) - (report.p + report.s if report is not None else 0)
            if typed > 20 + _FAST * (now - session.last_asked):
                found.add("session.faster-than-typing")
            if not session.flying and len(text) > 3 and now - session.last_ended < 0.25:
                found.add("session.quick-reply")
            if session.messages >= 2 and now - session.began > 60:
                found.add("session.lasting")
        session.blocks[network] = now
        if len(session.blocks) > 16:
            session.blocks.pop(next(iter(session.blocks)))
        if sum(now - at < _MOVING for at in session.blocks.values()) >= _BLOCKS:
            found.add("session.moving")
        return found

    def began(self, address: str) -> None:
        """A visit began: a cookie was set for a page."""
        self._visits.happened(block(address), self.parts.clock())

    def refused(self, caller: Caller, reason: str) -> None:
        """A message was refused before it was looked at by any guard, here or elsewhere."""
        if reason in OWN:  # of whom this said so itself, it knows already
            return
        owner = whose(caller, self.parts.signing)
        self._refused.happened(block(caller.presented.address) if owner.shared else owner.id, self.parts.clock())

    # --- what follows

    def _actor(self, caller: Caller, found: set[str], value: int) -> str:
        if caller.principal.id.startswith(AGENT):
            return "agent"
        if "crawler.declared" in found and self.parts.reverse is not None:
            agent = caller.presented.headers.get("user-agent") or ""
            domains = crawlers.machines(agent)
            if domains and self.parts.reverse.confirmed(caller.presented.address, domains):
                return "crawler"
        return "bot" if value < 30 else "human" if value >= 70 else "unsure"

    def _ladder(self, path: str, call: Request) -> Ladder:
        if not self.settings.bots:
            return self.settings.ladder
        return self.settings.bots.get(self.parts.bot_of(path, call.model), self.settings.ladder)

    async def _take(
        self,
        caller: Caller,
        owner: Whose,
        session: Session,
        seen: Seen,
        fields: tuple[tuple[str, str], ...],
        ladder: Ladder,
    ) -> None:
        if seen.rung is Rung.BLOCK:
            if self._slowed < self.settings.slow_most:
                await self._slow()
            raise AutomatedError
        if seen.rung is Rung.STEP_UP:
            self.parts.risk(caller.principal, "traffic.automated", 4.0)
        if seen.score < ladder.work_below:
            if not owner.shared and self._passes(session, await self.parts.passes.until(owner.id)):
                return
            raise self.asks(visit(owner.fresh) if owner.shared else owner.id, seen.score, fields)
        if seen.rung is Rung.SLOW:
            if self._slowed >= self.settings.slow_most:
                raise CrowdError(max(1, math.ceil(self.settings.slow_seconds)))
            await self._slow()

    def _passes(self, session: Session, until: float) -> bool:
        """Whether a pass that ends then is good for one more message."""
        if not until:
            return False
        if until != session.pass_until:
            session.pass_until, session.passed = until, 0
        session.passed += 1
        return session.passed <= self.settings.pass_messages

    def asks(self, session: str, value: int, fields: tuple[tuple[str, str], ...] = ()) -> WorkNeededError:
        """The demand for work of a session."""
        below = max(1, self.settings.ladder.work_below)
        challenge = self.parts.work.challenge(session, hardness=(below - value) / below)
        seconds = self.settings.wait_seconds
        return WorkNeededError(challenge, self.parts.tokens.ticket(session, seconds), seconds, fields)

    async def _slow(self) -> None:
        self._slowed += 1
        try:
            await self.parts.sleep(self.settings.slow_seconds)
        finally:
            self._slowed -= 1

    def _cookie(self, caller: Caller, owner: Whose) -> tuple[tuple[str, str], ...]:
        if not owner.shared:
            return ()
        secure = caller.presented.url.startswith("https:")
        return (cookie_header(owner.fresh, self.parts.signing, secure=secure),)

    def _tell(self, caller: Caller, seen: Seen, session: Session, exchange: str) -> None:
        self.figures.rungs[seen.rung.label] += 1
        standing = f"{seen.actor}/{seen.rung.label}"
        if session.told == standing or (seen.actor == "human" and not session.told):
            return
        fields = {
            "principal": caller.principal.id,
            "session": seen.session,
            "score": seen.score,
            "actor": seen.actor,
            "rung": seen.rung.label,
            "mode": self.settings.mode,
            "signals": list(seen.signals[:20]),
        }
        if self.record(Entry(Event.TRAFFIC_JUDGED.value, exchange, fields)):
            session.told = standing

    def record(self, entry: Entry) -> bool:
        """Rule 5: whether it was put on record."""
        second = int(self.parts.now())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= PER_SECOND:
            return False
        self._written += 1
        self.parts.note(entry)
        return True


def _said(call: Request) -> tuple[str, bool]:
    """The last message's own text, and whether it opens a conversation."""
    text = ""
    for part in reversed(call.parts):
        if part.source is Source.USER and part.kind is PartKind.TEXT:
            text = part.text
            break
    asked = sum(message.role == "user" for message in call.messages)
    return text, asked <= 1 and not call.previous and not call.conversation


def _host(url: str) -> str:
    authority = url.split("/", 3)[2] if url.count("/") >= 2 else ""
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]
