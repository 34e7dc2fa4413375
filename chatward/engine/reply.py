"""A reply on its way out: lanes, decisions, and the verdict that grows with them."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final, cast

from chatward.core.identity import Ruling, ToolGate
from chatward.core.pictures import Pictures
from chatward.core.ports import Guard, Item, Lane, ReplyFiles, ScoringInspector, StreamInspector
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
    PassedFile,
    ReplyFile,
    Severity,
    Source,
    Treatment,
    Unavailable,
    Verdict,
)
from chatward.engine.digests import highest
from chatward.engine.ordinary import read_deep
from chatward.engine.placeholders import Vault, mask, placeholder_rule
from chatward.engine.plan import HostOf, Plan, Watch
from chatward.engine.release import KEEP, Edit, Release, Watcher
from chatward.engine.replacing import carried, replacement, unescaped, vouched

PLACEHOLDER = placeholder_rule().id
REMOVED_FILE: Final = "[A file was removed by a safety check.]"
_ACTIVE: Final = "files.active/"
_PLAIN: Final = "text/plain"
DENIED = "identity.access/tool-denied"
STEP_UP = "identity.access/step-up"


class ReplySession:
    """Implements ``core.ports.Reply`` for one exchange. Not shared between tasks."""

    def __init__(
        self,
        exchange: Exchange,
        plan: Plan,
        vault: Vault,
        host_of: HostOf,
        gate: ToolGate | None = None,
        files: ReplyFiles | None = None,
    ) -> None:
        self._gate = gate
        self._files = files
        self._denied: Verdict | None = None
        self._begun: dict[str, int] = {}
        """Calls by tool that wait for their arguments, which decide."""
        self._exchange = exchange
        self._plan = plan
        self._vault = vault
        self._host_of = host_of
        self._decisions: list[Decision] = []
        self._unavailable: dict[str, Unavailable] = {}
        self._ran: dict[str, None] = {}
        self._hidden: dict[str, int] = {}
        self._lanes: list[_Lane] = []
        self._blocked: Verdict | None = None
        self._scoring: list[ScoringInspector] = []
        self.opaques: list[str] = []
        self._ready: _Lane | None = _Lane(self, PartKind.TEXT, "")
        """The lane of the first text, made while the bot thinks: nearly every reply has one."""

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

    def file(self, data: str, name: str, declared: str) -> PassedFile:
        files, policy = self._files, self._plan.policy
        if files is None or self._blocked is not None:
            self.opaques.append(declared or "file")
            return PassedFile()
        seen = files.seen(data, name, declared)
        rules = self._judge_file(seen)
        text = said = seen.text
        if text and self._blocked is None:
            lane = _Lane(self, PartKind.TEXT, "", files.seconds)  # no text of the reply: the next turn has the file
            self._begins(lane)
            said = lane.whole(text)
            if self._blocked is not None:
                rules.append(self._blocked.rule)
        if rules:
            files.stopped(data, name, declared, rules)
        if self._blocked is not None or not policy.enforces:
            return PassedFile(text="" if self._blocked is not None else text)
        if rules:
            self._hide("file")
            active = all(rule.startswith(_ACTIVE) for rule in rules)
            left = said if active and said else REMOVED_FILE
            return PassedFile(left.encode("utf-8", "surrogatepass"), _PLAIN, said if active else "")
        if said != text:
            return PassedFile(said.encode("utf-8", "surrogatepass"), "" if seen.plain else _PLAIN, said)
        return PassedFile(seen.cleaned, "", text)

    @property
    def waits(self) -> bool:
        return self._files is not None and self._files.waits

    def picture(self, url: str, final: bool) -> str | None:
        """What goes out in place of an image in a text (``core.pictures.Ask``)."""
        if self._files is None:
            return url
        if not final and self._files.wanted(url):
            return None
        passed = self.file(url, "", "")
        if self._blocked is not None:
            return None
        if passed.content is None:
            return url
        if passed.media:
            return passed.content.decode("utf-8", "surrogatepass")
        return url[: url.index(",") + 1] + b64encode(passed.content).decode()

    def _judge_file(self, seen: ReplyFile) -> list[str]:
        """The rules, or the guards that could not read it, for which a file may not leave; where it stops the reply,
        ``blocked`` is set."""
        watch = self._plan.watches.get(Moment.OUTPUT)
        guards = [guard.spec.id for guard in watch.file_guards] if watch is not None else []
        self._ran.update(dict.fromkeys(guards))
        rules: list[str] = []
        stops = False
        for finding in seen.findings:
            if finding.guard not in guards:
                continue
            decision = self._plan.policy.decide(finding, Moment.OUTPUT, Source.BOT)
            self._decisions.append(decision)
            if decision.action is not Action.ALLOW and self._plan.policy.enforces:
                rules.append(finding.rule)
                stops = stops or decision.treatment is Treatment.BLOCK
        for guard, reason in seen.failed:
            if guard in guards:
                self._unavailable[guard] = Unavailable(guard, reason)
                if self._stops():
                    rules.append(guard)
                    stops = True
        if stops:
            self._blocked = self.verdict()
        return rules

    def lane(self, kind: PartKind = PartKind.TEXT, *, name: str = "") -> Lane:
        lane = self._ready if kind is PartKind.TEXT and not name else None
        if lane is None:
            lane = _Lane(self, kind, name)
        else:
            self._ready = None
        self._begins(lane)
        self._lanes.append(lane)
        return lane

    def parts(self) -> list[Part]:
        """What went out, lane by lane, as the next turn will bring it back."""
        return [Part("".join(lane.out), Source.BOT, lane.kind, name=lane.name) for lane in self._lanes]

    def verdict(self) -> Verdict:
        """The verdict of the reply so far."""
        if not (self._decisions or self._unavailable or self._scoring or self._denied):
            return self._plan.unremarkable(tuple(self._ran))
        by_guard = highest(inspector.scores for inspector in self._scoring) if self._scoring else {}
        outcomes: list[Outcome] = [
            Inspected(guard, scores=by_guard.get(guard, ())) for guard in self._ran if guard not in self._unavailable
        ]
        outcomes.extend(self._unavailable.values())
        verdict = self._plan.policy.judge(outcomes, self._decisions)
        return verdict if self._denied is None else verdict | self._denied

    # --- for lanes -----------------------------------------------------------------------------------

    def open(self, kind: PartKind, lane: _Lane) -> Release:
        """What reads the text of ``lane``. Nothing of it counts before the lane begins."""
        moment = Moment.TOOL_CALL if kind is PartKind.JSON else Moment.OUTPUT
        watch = lane.watch = self._plan.watches.get(moment)
        watchers: list[Watcher] = []
        if watch is not None:

            def failed(guard: str, error: Exception) -> None:
                if self.guard_failed(guard, error):
                    lane.release.stopped = True

            watchers.append(Watcher(watch.scanner.stream(failed), watch.rule_guards))
            budget = self._plan.guard_budget if lane.seconds is None else max(lane.seconds, self._plan.guard_budget)
            for guard, opens, names, raw in watch.reading:
                try:
                    inspector = opens(self._exchange, kind)
                except Exception as error:
                    lane.unopened.append((guard, error))
                    continue
                if hasattr(type(inspector), "scores"):  # asking the protocol takes five microseconds
                    lane.scoring.append(cast("ScoringInspector", inspector))
                watchers.append(Watcher(_Timed(inspector, budget), names, raw))
            for whole in (*watch.part_guards, *watch.exchange_guards):
                reader = _WholeReader(whole, self._exchange, moment, kind)
                watchers.append(Watcher(_Timed(reader, budget), (whole.spec.id,), raw=True))

        def decide(finding: Finding, text: str) -> Edit:
            if finding.rule == PLACEHOLDER:
                return self.restore(text, lane.release.before(finding.span[0]), kind)
            return self.decide(finding, text, moment, kind)

        return Release(watchers, decide, self.watcher_failed, kind)

    def _begins(self, lane: _Lane) -> None:
        """A text is about to be read: who reads it, and who cannot."""
        if lane.watch is not None:
            self._ran.update(dict.fromkeys(lane.watch.names))
        self._scoring += lane.scoring
        for guard, error in lane.unopened:
            if self.guard_failed(guard, error):
                lane.release.stopped = True

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
            self._begun[name] = self._begun.get(name, 0) + 1
        elif not ruling.allowed:
            self._deny(ruling)

    def end_calls(self) -> None:
        for name, count in self._begun.items():
            for _ in range(count):
                self.permits(name, "")

    def holds(self, tool: str) -> bool:
        """Whether a lane of this tool must hold its text until ``permits`` has seen all of it."""
        if self._begun.get(tool, 0) <= 0:
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
        own = bool(finding.entity) and self._vault.owns(finding.entity, value)
        decision = self._plan.policy.decide(finding, moment, Source.BOT, value=value, own=own)
        decision = vouched(decision, value, self._plan, self._host_of)
        self._decisions.append(decision)
        if decision.action is Action.ALLOW or not self._plan.policy.enforces:
            return KEEP
        if decision.treatment is Treatment.BLOCK:
            self._blocked = self.verdict()
            return Edit(block=True)
        self._hide(finding.entity or finding.category.value)
        return Edit(replacement(decision, value, self._plan.hash_key))

    def _hide(self, entity: str) -> None:
        self._hidden[entity] = self._hidden.get(entity, 0) + 1

    def restore(self, text: str, before: str, kind: PartKind) -> Edit:
        """What becomes of a placeholder. In an address that the route does not vouch for it stays: with the value there
        the host would have it, of whoever follows the link."""
        if kind is PartKind.JSON:
            text = unescaped(text)
        elif carried(before, self._plan, self._host_of):
            return KEEP
        if not self._plan.policy.enforces:
            return KEEP
        value = self._vault.restore(text, any_source=kind is PartKind.JSON)
        if value is not None:
            return Edit(value)
        found = self._vault.find(text)
        if found is None:
            return KEEP
        self._hide(found[1])
        return Edit(mask(found[1]))


class _Lane:
    """One text of the reply (``core.ports.Lane``)."""

    def __init__(self, session: ReplySession, kind: PartKind, name: str, seconds: float | None = None) -> None:
        self.kind = kind
        self.seconds = seconds
        """What guards get for all of it, where that is more than the plan gives them."""
        self.name = name
        self.out: list[str] = []
        self.watch: Watch | None = None
        self.scoring: list[ScoringInspector] = []
        self.unopened: list[tuple[str, Exception]] = []
        """Guards that could not be opened, and why."""
        self._session = session
        self._held: list[str] | None = [] if name and session.holds(name) else None
        """What waits for a ruling on the whole call; ``None`` where nothing has to wait."""
        self.release = session.open(kind, self)
        self._pictures = Pictures(session.picture) if kind is PartKind.TEXT and seconds is None else None

    def feed(self, piece: str) -> str:
        if self._session.blocked is not None:
            return ""
        if self._pictures is not None:
            piece = self._pictures.take(piece)
            if self._session.blocked is not None:  # by an image: what stands before it leaves
                return self._pass(self.release.feed(piece) + self.release.close(), final=True)
        return self._pass(self.release.feed(piece), final=False)

    def close(self) -> str:
        if self._session.blocked is not None:
            return ""
        if self._pictures is not None:
            rest = self._pictures.take("", final=True)
            if rest:
                return self._pass(self.release.feed(rest) + self.release.close(), final=True)
        return self._pass(self.release.close(), final=True)

    def whole(self, text: str) -> str:
        if self._session.blocked is not None:
            return ""
        if self._pictures is not None:
            text = self._pictures.take(text, final=True)
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
            if self._pictures is not None:
                text = self._pictures.shown(text)
            self.out.append(text)
        return text


class _Timed:
    """Counts the time of a stream guard: over its budget it is unavailable."""

    __slots__ = ("_inspector", "_left", "settled")

    def __init__(self, inspector: StreamInspector, budget: float) -> None:
        self._inspector = inspector
        self._left = budget
        self.settled = inspector.settled

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        began = time.perf_counter()
        findings = self._inspector.feed(piece, final)
        self.settled = self._inspector.settled
        self._left -= time.perf_counter() - began
        if self._left < 0:
            raise TimeoutError
        return findings


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
        item = Item(0, Source.BOT, self._kind, read_deep(text, self._kind))
        findings = self._guard.inspect(self._exchange, self._moment, [item])
        self.settled = len(text)
        return findings
