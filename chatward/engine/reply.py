"""A reply on its way out: lanes, decisions, and the verdict that grows with them."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from chatward.core.addresses import parse
from chatward.core.identity import Ruling, ToolGate
from chatward.core.normalise import read
from chatward.core.ports import Guard, Item, Lane, ScoringInspector, StreamInspector
from chatward.core.values import (
    Action,
    Category,
    Decision,
    Exchange,
    Finding,
    Inspected,
    Moment,
    Outcome,
    Part,
    PartKind,
    Severity,
    Source,
    Treatment,
    Unavailable,
    Verdict,
)
from chatward.engine.digests import highest
from chatward.engine.placeholders import Vault, hashed, mask, placeholder_rule
from chatward.engine.plan import HostOf, Plan
from chatward.engine.release import KEEP, Edit, Release, Watcher

PLACEHOLDER = placeholder_rule().id
_SCHEME: Final = re.compile(r"(?i)\bhttps?(?=:)")
_GONE = {Category.LINK: "[link removed]"}
DENIED = "identity.access/tool-denied"
STEP_UP = "identity.access/step-up"


class ReplySession:
    """Implements ``core.ports.Reply`` for one exchange. Not shared between tasks."""

    def __init__(
        self, exchange: Exchange, plan: Plan, vault: Vault, host_of: HostOf, gate: ToolGate | None = None
    ) -> None:
        self._gate = gate
        self._denied: Verdict | None = None
        self._begun: Counter[str] = Counter()
        """Calls by tool that wait for their arguments, which decide."""
        self._exchange = exchange
        self._plan = plan
        self._vault = vault
        self._host_of = host_of
        self._decisions: list[Decision] = []
        self._unavailable: dict[str, Unavailable] = {}
        self._ran: dict[str, None] = {}
        self._hidden: Counter[str] = Counter()
        self._lanes: list[_Lane] = []
        self._blocked: Verdict | None = None
        self._scoring: list[ScoringInspector] = []
        self.opaques: list[str] = []

    @property
    def refusal(self) -> str:
        return self._plan.refusal if self._blocked is None else self._plan.refused(self._blocked)

    @property
    def notice(self) -> Mapping[str, int]:
        return self._hidden

    @property
    def blocked(self) -> Verdict | None:
        return self._blocked

    def opaque(self, name: str) -> None:
        self.opaques.append(name)

    def lane(self, kind: PartKind = PartKind.TEXT, *, name: str = "") -> Lane:
        lane = _Lane(self, kind, name)
        self._lanes.append(lane)
        return lane

    def parts(self) -> list[Part]:
        """What went out, lane by lane, as the next turn will bring it back."""
        return [Part("".join(lane.out), Source.BOT, lane.kind, name=lane.name) for lane in self._lanes]

    def verdict(self) -> Verdict:
        """The verdict of the reply so far."""
        by_guard = highest(inspector.scores for inspector in self._scoring) if self._scoring else {}
        outcomes: list[Outcome] = [
            Inspected(guard, scores=by_guard.get(guard, ())) for guard in self._ran if guard not in self._unavailable
        ]
        outcomes.extend(self._unavailable.values())
        verdict = self._plan.policy.judge(outcomes, self._decisions)
        return verdict if self._denied is None else verdict | self._denied

    # --- for lanes -----------------------------------------------------------------------------------

    def open(self, kind: PartKind, lane: _Lane) -> Release:
        moment = Moment.TOOL_CALL if kind is PartKind.JSON else Moment.OUTPUT
        watch = self._plan.watches.get(moment)
        watchers: list[Watcher] = []
        if watch is not None:
            self._ran.update(dict.fromkeys(watch.names))

            def failed(guard: str, error: Exception) -> None:
                if self.guard_failed(guard, error):
                    lane.release.stopped = True

            watchers.append(Watcher(watch.scanner.stream(failed), watch.rule_guards))
            for guard in watch.stream_guards:
                try:
                    inspector = guard.open(self._exchange, kind)
                except Exception as error:
                    failed(guard.spec.id, error)
                    if self._stops():
                        inspector = _Shut()
                    else:
                        continue
                if isinstance(inspector, ScoringInspector):
                    self._scoring.append(inspector)
                timed = _Timed(inspector, self._plan.guard_budget)
                watchers.append(Watcher(timed, (guard.spec.id,), guard.spec.raw))
            for whole in (*watch.part_guards, *watch.exchange_guards):
                reader = _WholeReader(whole, self._exchange, moment, kind)
                watchers.append(Watcher(_Timed(reader, self._plan.guard_budget), (whole.spec.id,), raw=True))

        def decide(finding: Finding, text: str) -> Edit:
            return self.decide(finding, text, moment, kind)

        return Release(watchers, decide, self.watcher_failed, kind)

    def brought(self, verdict: Verdict) -> None:
        """The verdict on something from elsewhere that the reply brings in; a block stops the reply."""
        self._denied = verdict if self._denied is None else self._denied | verdict
        if verdict.blocked and self._blocked is None:
            self._blocked = self.verdict()

    def call(self, name: str) -> None:
        if self._gate is None or self._blocked is not None:
            return
        ruling = self._gate.begins(name)
        if ruling is None:
            self._begun[name] += 1
        elif not ruling.allowed:
            self._deny(ruling)

    def end_calls(self) -> None:
        for name in [*self._begun.elements()]:
            self.permits(name, "")

    def waits(self, tool: str) -> bool:
        """Whether a lane of this tool must hold its text until ``permits`` has seen all of it."""
        if self._begun[tool] <= 0:
            return False
        self._begun[tool] -= 1
        return True

    def permits(self, tool: str, arguments: str) -> bool:
        """Whether a call may go out. One that may not stops the reply, in monitor mode too: that is about guards, not
        about rights."""
        if self._gate is None or self._blocked is not None:
            return self._blocked is None
        ruling = self._gate.calls(tool, arguments)
        if not ruling.allowed:
            self._deny(ruling)
        return ruling.allowed

    def _deny(self, ruling: Ruling) -> None:
        more = ruling.step_up is not None or ruling.approval
        action, rule = (Action.CHALLENGE, STEP_UP) if more else (Action.BLOCK, DENIED)
        finding = Finding(rule, Category.POLICY, Severity.HIGH, 1.0, (0, 0), detail=ruling.reason)
        because = ruling.policies[0] if ruling.policies else ruling.reason
        decision = Decision(finding, action, Treatment.BLOCK, because)
        self._denied = Verdict(action, action, rule, (decision,), policy=self._plan.policy.version)
        self._blocked = self.verdict()

    def _stops(self) -> bool:
        policy = self._plan.policy
        return policy.enforces and policy.blocks_unavailable

    def guard_failed(self, guard: str, error: Exception) -> bool:
        """Notes that a guard could not run; true where that stops the reply."""
        reason = "timeout" if isinstance(error, TimeoutError) else "error"
        self._unavailable[guard] = Unavailable(guard, reason)
        if self._stops():
            self._blocked = self.verdict()
            return True
        return False

    def watcher_failed(self, watcher: Watcher, error: Exception) -> bool:
        stops = False
        for guard in watcher.guards:
            stops = self.guard_failed(guard, error) or stops
        return stops

    def decide(self, finding: Finding, text: str, moment: Moment, kind: PartKind) -> Edit:
        """What becomes of one finding's text."""
        value = unescaped(text) if kind is PartKind.JSON else text
        if finding.rule == PLACEHOLDER:
            return self._restore(value, kind)
        own = bool(finding.entity) and self._vault.owns(finding.entity, value)
        decision = self._plan.policy.decide(finding, moment, Source.BOT, value=value, own=own)
        decision = vouched(decision, value, self._plan, self._host_of)
        self._decisions.append(decision)
        if decision.action is Action.ALLOW or not self._plan.policy.enforces:
            return KEEP
        if decision.treatment is Treatment.BLOCK:
            self._blocked = self.verdict()
            return Edit(block=True)
        self._hidden[finding.entity or finding.category.value] += 1
        return Edit(replacement(decision, value, self._plan.hash_key))

    def _restore(self, text: str, kind: PartKind) -> Edit:
        if not self._plan.policy.enforces:
            return KEEP
        value = self._vault.restore(text, any_source=kind is PartKind.JSON)
        if value is not None:
            return Edit(value)
        found = self._vault.find(text)
        if found is None:
            return KEEP
        self._hidden[found[1]] += 1
        return Edit(mask(found[1]))


def vouched(decision: Decision, value: str, plan: Plan, host_of: HostOf) -> Decision:
    """The decision on a link, or leave for it where the route vouches for its host (``allow_links``)."""
    if decision.finding.category is not Category.LINK or decision.action is Action.ALLOW or not plan.allow_links:
        return decision
    host = host_of(value)
    if host is not None and any(fnmatchcase(host.lower(), pattern) for pattern in plan.allow_links):
        return Decision(decision.finding, Action.ALLOW, Treatment.KEEP, "allow_links")
    return decision


def replacement(decision: Decision, value: str, key: bytes) -> str:
    """What stands in place of a value that does not come back."""
    finding = decision.finding
    if decision.treatment is Treatment.REMOVE:
        return _GONE.get(finding.category, "")
    if finding.category is Category.LINK and decision.treatment in (Treatment.DEFANG, Treatment.ANNOTATE):
        return defanged(value) if decision.treatment is Treatment.DEFANG else annotated(value)
    entity = finding.entity or finding.category.value
    if decision.treatment is Treatment.HASH:
        return hashed(entity, value, key)
    return mask(entity)


def defanged(link: str) -> str:
    """A link as people pass on bad ones: nobody's program makes it clickable."""
    return _SCHEME.sub(lambda found: found[0].replace("tt", "xx").replace("TT", "XX"), link).replace(".", "[.]")


def annotated(link: str) -> str:
    """A link that nobody clicks, and the host that it leads to as the network knows it."""
    address = parse(link) or parse(f"https://{link}")
    if address is None or not address.host:
        return defanged(link)
    return f"{defanged(link)} [leads to {address.host}]"


def unescaped(text: str) -> str:
    """The text that a piece of a JSON string stands for; the piece itself where it is not one."""
    if "\\" not in text:
        return text
    try:
        value = json.loads(f'"{text}"')
    except ValueError:
        return text
    return value if isinstance(value, str) else text


class _Lane:
    """One text of the reply (``core.ports.Lane``)."""

    def __init__(self, session: ReplySession, kind: PartKind, name: str) -> None:
        self.kind = kind
        self.name = name
        self.out: list[str] = []
        self._session = session
        self._held: list[str] | None = [] if name and session.waits(name) else None
        """What waits for a ruling on the whole call; ``None`` where nothing has to wait."""
        self.release = session.open(kind, self)

    def feed(self, piece: str) -> str:
        if self._session.blocked is not None:
            return ""
        return self._pass(self.release.feed(piece), final=False)

    def close(self) -> str:
        if self._session.blocked is not None:
            return ""
        return self._pass(self.release.close(), final=True)

    def whole(self, text: str) -> str:
        if self._session.blocked is not None:
            return ""
        return self._pass(self.release.whole(text), final=True)

    def _pass(self, text: str, *, final: bool) -> str:
        held = self._held
        if held is not None:
            held.append(text)
            if not final:
                return ""
            text, self._held = "".join(held), None
            if not self._session.permits(self.name, text):
                return ""
        if text:
            self.out.append(text)
        return text


class _Timed:
    """Counts the time of a stream guard: over its budget it is unavailable."""

    def __init__(self, inspector: StreamInspector, budget: float) -> None:
        self._inspector = inspector
        self._left = budget

    @property
    def settled(self) -> int:
        return self._inspector.settled

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        began = time.perf_counter()
        findings = self._inspector.feed(piece, final)
        self._left -= time.perf_counter() - began
        if self._left < 0:
            raise TimeoutError
        return findings


class _Shut:
    """Stands for a guard that could not be opened: lets nothing pass."""

    settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        raise RuntimeError("guard could not be opened")


class _WholeReader:
    """Lets a guard that reads whole texts look at a reply: holds it back until its end."""

    def __init__(self, guard: Guard, exchange: Exchange, moment: Moment, kind: PartKind) -> None:
        self._guard = guard
        self._exchange = exchange
        self._moment = moment
        self._kind = kind
        self._pieces: list[str] = []
        self.settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        self._pieces.append(piece)
        if not final:
            return ()
        text = "".join(self._pieces)
        item = Item(0, Source.BOT, self._kind, read(text, self._kind, deep=True))
        findings = self._guard.inspect(self._exchange, self._moment, [item])
        self.settled = len(text)
        return findings
