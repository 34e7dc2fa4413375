"""The engine: orders what guards do on one turn, and hands their findings to policy.

The rules:

1. Guards look at what is new. A part that was inspected under the same policy version and guards is
   remembered by keyed digest; its findings are applied again without looking again.
2. A guard that raises, or takes longer than its budget, is ``Unavailable``. Its parts are not remembered. Where the
   shared pass had too little time, guards of single parts are not asked either: others wait for this message.
3. What goes to the bot is the request with policy's treatments put in; what comes back goes through
   the lanes of ``reply``, whole or streamed, with one result.
4. What was inspected on an earlier turn is not reported again. A message that was blocked then and comes
   back as history does not block the conversation for good: the bot gets a note in its place. The newest
   message is always new.
5. What the bot keeps under an id that it gave is gone on with by whoever was answered with it, and by nobody else
   (``ClientError``), unless the engine is told that callers share.
6. No I/O. Clock readings serve budgets, and the time for which something is remembered.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from chatward.core.errors import ClientError
from chatward.core.identity import ANONYMOUS, Principal, ProvingGate
from chatward.core.ports import FileGuard, Item, ModelGuard, ReplyFiles, Request, TurnGuard
from chatward.core.text import Reading
from chatward.core.values import (
    Action,
    Category,
    Decision,
    Exchange,
    Finding,
    Inspected,
    InspectedFile,
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
from chatward.engine.digests import NOTHING, Chains, DigestMemory, Scores, highest, link
from chatward.engine.ordinary import read_deep
from chatward.engine.placeholders import Vault
from chatward.engine.plan import Asked, HostOf, Plan, Watch
from chatward.engine.release import precedence, rewrite
from chatward.engine.replacing import replacement, unescaped, vouched
from chatward.engine.reply import PLACEHOLDER, ReplySession
from chatward.engine.scanner import BudgetExceeded
from chatward.engine.threads import Owners, Thread, Threads

REMOVED = "[removed by a safety check]"
ACTIVE = "files.active"
"""Findings about what runs in a document: its text does not."""
_TURN = -1  # the place of scores that are about a turn
_LONG = 64 * 1024  # code points of a text that is normalised on a thread: about 0.1 s of the event loop
_EARLIER = 64  # parts of earlier turns that a thread keeps for session guards
_CHANGED = Finding(
    "engine.history/changed", Category.POLICY, Severity.INFO, 1.0, (0, 0), detail="not as delivered before"
)


@dataclass(slots=True)
class Prepared:
    """What is known of a request before it is screened: digests of its parts, readings of those that are new, and the
    guards whose models could not read them, with the reason."""

    digests: list[bytes]
    readings: dict[int, Reading] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Screening:
    """The request's side of one turn: the verdict, what to change, and the way to the reply."""

    known: Exchange | Callable[[], Exchange]
    """``exchange``, or what makes it."""
    plan: Plan
    verdict: Verdict
    edits: Mapping[int, str]
    vault: Vault
    tip: bytes
    root: bytes
    engine: Engine = field(repr=False)
    thread: str = ""
    """What the conversation is called here: as its caller names it, else by its first turn, under a process's own key.
    Two of one caller that begin alike are one. Empty where nothing looks."""
    gate: ProvingGate | None = field(default=None, repr=False)
    person: Principal | None = field(default=None, repr=False)
    """Whose data it is, where that is not the caller's."""
    files: ReplyFiles | None = field(default=None, repr=False)
    """What looks at the files of the reply; ``None`` where nothing does."""
    keep: Callable[[str, Vault], None] | None = field(default=None, repr=False)
    """Takes what is kept of the thread that the reply of this id begins."""

    @property
    def exchange(self) -> Exchange:
        """What is known of the turn. Of one that nothing looks at it is put together when somebody asks."""
        known = self.known
        if not isinstance(known, Exchange):
            known = self.known = known()
        return known

    @property
    def refusal(self) -> str:
        return self.plan.refused(self.verdict)

    @property
    def bot(self) -> str:
        return self.plan.bot

    @property
    def route(self) -> str:
        return self.plan.route

    @property
    def names_people(self) -> bool:
        return self.plan.names_people

    @property
    def inspects(self) -> bool:
        return self.plan.inspects or self.gate is not None

    def reply(self) -> ReplySession:
        """The reply's side of the turn."""
        return ReplySession(self.exchange, self.plan, self.vault, self.engine.host_of, self.gate, self.files)

    def reads(self, request: Request) -> tuple[Verdict, Mapping[int, str]]:
        """What comes in from elsewhere in the middle of this turn (a tool's arguments, its result), read as input:
        the verdict, and edited texts by part. Values go into this conversation's vault."""
        turn = self.exchange
        inner = self.engine.screen(
            request, self.plan, channel=turn.channel, principal=turn.principal, tenant=turn.tenant, vault=self.vault
        )
        return inner.verdict, inner.edits

    def finish(self, reply: ReplySession | None, reply_id: str) -> Verdict:
        """The reply has ended: its verdict. Remembers the conversation for the next turn."""
        if self.plan.inspects:
            if reply is None:
                self.engine.remember_refused(self)
            else:
                self.engine.remember(self, reply, reply_id)
                if self.keep is not None and reply_id:
                    self.keep(reply_id, self.vault)
        return self.verdict if reply is None else reply.verdict()


class Engine:
    """Screens requests and replies by plan. One event loop or thread at a time."""

    def __init__(
        self,
        *,
        host_of: HostOf,
        memory: int = 50_000,
        threads: int = 10_000,
        thread_ttl: float = 86_400.0,
        shared_threads: bool = False,
        key: bytes | None = None,
    ) -> None:
        self.key = key if key is not None else secrets.token_bytes(32)
        self.host_of = host_of
        self._memory = DigestMemory(memory)
        self._chains = Chains(memory)
        self._threads = Threads(threads, thread_ttl)
        self._owners = None if shared_threads else Owners(threads, thread_ttl)

    async def prepare(self, request: Request, plan: Plan) -> Prepared:
        """Lets models read what is new in a request, and long texts be normalised, beside the event loop. What models
        do not read in the guards' budget counts as unavailable."""
        parts = request.parts
        prepared = Prepared([plan.digests.of(part) for part in parts] if plan.inspects else [])
        watch = plan.watches.get(Moment.INPUT)
        if watch is None or not (watch.preparing or max([len(part.text) for part in parts], default=0) > _LONG):
            return prepared
        items: list[Item] = []
        for index, part in enumerate(parts):
            long = len(part.text) > _LONG
            if not (long or watch.preparing) or not part.text or prepared.digests[index] in self._memory:
                continue
            if long:
                reading = await asyncio.to_thread(read_deep, part.text, part.kind)
            else:
                reading = read_deep(part.text, part.kind)
            prepared.readings[index] = reading
            items.append(Item(index, part.source, part.kind, reading))
        deadline = time.perf_counter() + plan.guard_budget
        for guard in watch.preparing:
            try:
                waiting = [one for item in items if item.source in guard.spec.sources for one in guard.prepare(item)]
                if waiting:
                    async with asyncio.timeout(max(0.0, deadline - time.perf_counter())):
                        await asyncio.gather(*waiting)
            except Exception as error:
                prepared.failed[guard.spec.id] = _reason(error)
        return prepared

    def screen(
        self,
        request: Request,
        plan: Plan,
        *,
        channel: str,
        principal: str = "anonymous",
        tenant: str = "default",
        prepared: Prepared | None = None,
        files: tuple[InspectedFile, ...] = (),
        vault: Vault | None = None,
    ) -> Screening:
        """Inspects and judges a request; decides what goes to the bot. ``files``: what was seen of those it carries;
        ``vault``: values of this conversation that were kept elsewhere. Raises ``ClientError`` (``thread-unknown``)."""
        if not plan.inspects:  # nothing looks, so nothing is remembered
            unseen = partial(_unseen, request, plan.route, channel, principal, tenant)
            return Screening(unseen, plan, plan.unseen, {}, Vault(), b"", b"", self, request.conversation)
        owner = f"{tenant}\0{principal}"
        if self._owners is not None and plan.policy.enforces:
            for given in request.continues:
                if self._owners.foreign(owner, given):
                    raise ClientError(
                        "There is no such thread that you can continue.", reason="thread-unknown", status=404
                    )
        parts = tuple(request.parts)
        thread = self._threads.get(owner, request.previous) if request.previous else None
        if vault is None:
            vault = thread.vault if thread is not None else Vault()
        prepared = prepared or Prepared([plan.digests.of(part) for part in parts])
        digests = prepared.digests
        messages = tuple(request.messages)
        conversation = request.conversation
        history = self._chains.read(owner, messages, digests)
        root = history.root if thread is None else thread.root
        exchange = Exchange(
            channel=channel,
            parts=parts,
            messages=messages,
            conversation=conversation or request.previous,
            principal=principal,
            tenant=tenant,
            route=plan.route,
            model=request.model,
            tools=tuple(request.tools),
            stream=request.stream,
            new_from=history.new_from,
            earlier=thread.earlier if thread is not None else (),
            files=files,
        )
        verdict, edits = self.judge_input(exchange, plan, vault, digests, prepared)
        if history.changed >= 0:
            indexes = messages[history.changed].parts
            changed = replace(_CHANGED, part=indexes[0] if indexes else 0)
            note = Decision(changed, Action.ALLOW, Treatment.KEEP, "information only")
            verdict = replace(verdict, decisions=(*verdict.decisions, note))
        return Screening(exchange, plan, verdict, edits, vault, history.tip, root, self, conversation or root.hex())

    def judge_input(
        self,
        exchange: Exchange,
        plan: Plan,
        vault: Vault,
        digests: Sequence[bytes],
        prepared: Prepared | None = None,
    ) -> tuple[Verdict, dict[int, str]]:
        """The verdict on an exchange's input and the edited texts by part. Values go into ``vault``."""
        watch = plan.watches.get(Moment.INPUT)
        if watch is None:
            return Verdict(policy=plan.policy.version), {}
        outcomes, found = self._inspect(exchange, plan, watch, digests, prepared or Prepared([]))
        if not found and outcomes is watch.inspected:
            return plan.unremarkable(watch.names), {}
        decisions: list[Decision] = []
        edits: dict[int, str] = {}
        repeated: list[Decision] = []
        newest = len(exchange.messages) - 1
        for index in sorted(found):
            part = exchange.parts[index]
            old = part.message < min(exchange.new_from, newest)
            text = self._treat(part, found[index], plan, vault, repeated if old else decisions)
            if old and any(decision.treatment is Treatment.BLOCK for decision in repeated):
                repeated = [_removed(decision) for decision in repeated]
                text = "{}" if part.kind is PartKind.JSON else REMOVED
            if text is not None:
                edits[index] = text
        verdict = plan.policy.judge(outcomes, [*decisions, *repeated])
        if repeated:
            verdict = replace(verdict, decisions=tuple(decisions))
        if decisions and verdict.scores:
            verdict = replace(verdict, scores=_with_rules(verdict.scores, decisions))
        return verdict, edits if plan.policy.enforces else {}

    # --- looking -------------------------------------------------------------------------------------

    def _inspect(
        self, exchange: Exchange, plan: Plan, watch: Watch, digests: Sequence[bytes], prepared: Prepared
    ) -> tuple[Sequence[Outcome], dict[int, list[Finding]]]:
        found: dict[int, list[Finding]] = {}
        failed = dict(prepared.failed)
        fresh: list[Item] = []
        scores: dict[int, Scores] = {}
        reported = min(exchange.new_from, len(exchange.messages) - 1)  # the newest message is always new
        for index, (text, source, kind, message, _) in enumerate(exchange.parts):
            if not text:
                continue
            known = self._memory.get(digests[index])
            if known is None:
                reading = prepared.readings.get(index) or read_deep(text, kind)
                fresh.append(Item(index, source, kind, reading))
                continue
            if known is NOTHING:
                continue
            if known.findings:
                found[index] = [replace(finding, part=index) for finding in known.findings]
            if known.scores and message >= reported:
                scores[index] = known.scores
        if fresh:
            self._look(exchange, plan, watch, fresh, found, failed)
            for model in watch.model_guards:
                if model.spec.id in failed:
                    continue
                self._weigh(model, plan, fresh, found, scores, failed)
            if not failed:
                for item in fresh:
                    kept = tuple(found.get(item.index, ()))
                    self._memory.put(digests[item.index], kept, scores.get(item.index, ()))
        for guard in watch.turns:
            if guard.scoring is not None:
                self._weigh_turn(guard.scoring, exchange, plan, found, scores, failed)
            else:
                self._ask(guard, exchange, plan, fresh, found, failed)
        if not (failed or scores or exchange.files):
            return watch.inspected, found
        file_guards = watch.file_guards if exchange.files else ()
        for file_guard in file_guards:
            self._ask_files(file_guard, exchange, reported if plan.policy.blocks_unavailable else 0, found, failed)
        by_guard = highest(scores.values())
        outcomes: list[Outcome] = [
            Unavailable(name, failed[name]) if name in failed else Inspected(name, scores=by_guard.get(name, ()))
            for name in watch.names
        ]
        for guard_id in [guard.spec.id for guard in file_guards]:
            outcomes.append(Unavailable(guard_id, failed[guard_id]) if guard_id in failed else Inspected(guard_id))
        return outcomes, found

    def _look(
        self,
        exchange: Exchange,
        plan: Plan,
        watch: Watch,
        items: Sequence[Item],
        found: dict[int, list[Finding]],
        failed: dict[str, str],
    ) -> None:
        """The shared pass and the guards of single parts, over the parts that are new."""
        errors: dict[str, Exception] = {}
        deadline = time.perf_counter() + plan.guard_budget
        for item in items:
            try:
                findings = watch.scanner.scan(item.reading, failed=errors, deadline=deadline)
            except Exception as error:
                errors.update(dict.fromkeys(watch.rule_guards, error))
                break
            if findings:
                found.setdefault(item.index, []).extend(
                    replace(finding, part=item.index) if item.index else finding for finding in findings
                )
        if errors:
            failed.update((guard_id, _reason(cause)) for guard_id, cause in errors.items())
            if any(isinstance(cause, BudgetExceeded) for cause in errors.values()):
                others = [guard.id for guard in watch.parts], [model.spec.id for model in watch.model_guards]
                for guard_id in chain(*others):
                    failed.setdefault(guard_id, "timeout")
                return
        for guard in watch.parts:
            self._ask(guard, exchange, plan, items, found, failed)

    def _weigh(
        self,
        guard: ModelGuard,
        plan: Plan,
        items: Sequence[Item],
        found: dict[int, list[Finding]],
        scores: dict[int, Scores],
        failed: dict[str, str],
    ) -> None:
        """Asks a guard's models about parts that are new."""
        began = time.perf_counter()
        sources = guard.spec.sources
        try:
            for item in items:
                if item.source not in sources:
                    continue
                said = guard.weigh(item)
                if said.findings:
                    found.setdefault(item.index, []).extend(said.findings)
                scores[item.index] = (*scores.get(item.index, ()), *said.scores)
                if time.perf_counter() - began > plan.guard_budget:
                    raise TimeoutError
        except Exception as error:
            failed[guard.spec.id] = _reason(error)

    def _weigh_turn(
        self,
        guard: TurnGuard,
        exchange: Exchange,
        plan: Plan,
        found: dict[int, list[Finding]],
        scores: dict[int, Scores],
        failed: dict[str, str],
    ) -> None:
        """Asks a guard about the turn as a whole. Its scores belong to no part."""
        began = time.perf_counter()
        try:
            said = guard.weigh_exchange(exchange)
            for finding in said.findings:
                found.setdefault(finding.part, []).append(finding)
            scores[_TURN] = (*scores.get(_TURN, ()), *said.scores)
            if time.perf_counter() - began > plan.guard_budget:
                raise TimeoutError
        except Exception as error:
            failed[guard.spec.id] = _reason(error)

    @staticmethod
    def _ask(
        guard: Asked,
        exchange: Exchange,
        plan: Plan,
        items: Sequence[Item],
        found: dict[int, list[Finding]],
        failed: dict[str, str],
    ) -> None:
        began = time.perf_counter()
        sources = guard.sources
        chosen = items if sources is None else [item for item in items if item.source in sources]
        try:
            for finding in guard.inspect(exchange, Moment.INPUT, chosen):
                found.setdefault(finding.part, []).append(finding)
        except Exception as error:
            failed[guard.id] = _reason(error)
        else:
            if time.perf_counter() - began > plan.guard_budget:
                failed[guard.id] = "timeout"

    @staticmethod
    def _ask_files(
        guard: FileGuard, exchange: Exchange, reported: int, found: dict[int, list[Finding]], failed: dict[str, str]
    ) -> None:
        """What a guard says of the files. One that it could not read makes it unavailable, and what was seen counts; of
        a message before ``reported``, which was refused for it then, it is a finding, so that it is taken out."""
        try:
            for finding in guard.inspect_files(exchange):
                found.setdefault(finding.part, []).append(finding)
        except Exception as error:
            failed[guard.spec.id] = _reason(error)
        for file in exchange.files:
            for name, reason in file.failed:
                if name != guard.spec.id:
                    continue
                if exchange.parts[file.part].message < reported:
                    unread = Finding(f"{name}/unread", Category.POLICY, Severity.HIGH, 1.0, (0, 0), file.part)
                    found.setdefault(file.part, []).append(unread)
                else:
                    failed[name] = reason

    # --- treating ------------------------------------------------------------------------------------

    def _treat(
        self, part: Part, findings: list[Finding], plan: Plan, vault: Vault, decisions: list[Decision]
    ) -> str | None:
        """The part's text as the bot may see it, or ``None`` where it stays as it is."""
        own = part.source is Source.USER
        edits: list[tuple[int, int, str]] = []
        if len(findings) > 1:
            findings.sort(key=precedence)
        taken = 0
        stripped = removed = False
        for finding in findings:
            start, end = finding.span
            value = part.text[start:end]
            if part.kind is PartKind.JSON:
                value = unescaped(value)
            if finding.rule == PLACEHOLDER:
                if plan.policy.enforces:
                    edits.append((start, end, vault.typed(value, own=own)))
                continue
            decision = plan.policy.decide(finding, Moment.INPUT, part.source, value=value)
            decision = vouched(decision, value, plan, self.host_of)
            decisions.append(decision)
            if decision.action is not Action.REDACT:
                if own and finding.entity and decision.action is Action.ALLOW:
                    vault.note(finding.entity, value)
                continue
            if own and finding.entity and not plan.policy.enforces:
                vault.note(finding.entity, value)
            if finding.rule.startswith("files."):  # of a file whose text may go on in its place, or not even that
                stripped = True
                removed = removed or not part.text or finding.guard != ACTIVE
            if end <= taken or not plan.policy.enforces:
                continue
            if decision.treatment is Treatment.PLACEHOLDER:
                edits.append((start, end, vault.mint(finding.entity or "VALUE", value, own=own)))
            else:
                if own and finding.entity:
                    vault.note(finding.entity, value)
                edits.append((start, end, replacement(decision, value, plan.hash_key)))
            taken = end
        if removed:
            return REMOVED
        return rewrite(part.text, edits, part.kind) if edits or stripped else None

    # --- remembering ---------------------------------------------------------------------------------

    def supplement(self, screening: Screening, findings: Mapping[int, Finding], *, complete: bool) -> None:
        """What another witness found in parts of a request that was screened, remembered beside what guards found.
        Where the witness is not ``complete``, the new parts are looked at again when they come back."""
        exchange, plan = screening.exchange, screening.plan
        if not complete:
            for part in exchange.parts:
                self._memory.forget(plan.digests.of(part))
            return
        for index, finding in findings.items():
            digest = plan.digests.of(exchange.parts[index])
            known = self._memory.get(digest)
            if known is not None:
                self._memory.put(digest, (*known.findings, replace(finding, part=0)), known.scores)

    def remember_refused(self, screening: Screening) -> None:
        """After a refusal: the conversation was here, and had no reply."""
        self._chains.remember(screening.tip, screening.root, answered=False)

    def remember(self, screening: Screening, reply: ReplySession, reply_id: str) -> None:
        """After a reply: the conversation's new end, and its thread where the upstream keeps the turns."""
        exchange, plan = screening.exchange, screening.plan
        owner = f"{exchange.tenant}\0{exchange.principal}"
        said = reply.parts()
        self._chains.remember(screening.tip, screening.root, answered=True)
        answer = link(screening.tip, "assistant", [plan.digests.of(part) for part in said if part.text])
        self._chains.remember(answer, screening.root, answered=False)
        if reply_id:
            earlier = (*exchange.earlier, *exchange.parts, *said)[-_EARLIER:]
            self._threads.put(owner, reply_id, Thread(screening.vault, earlier, screening.root))
            if self._owners is not None and exchange.principal != ANONYMOUS.id:
                self._owners.claim(owner, reply_id)


def _removed(decision: Decision) -> Decision:
    if decision.treatment is not Treatment.BLOCK:
        return decision
    return replace(decision, action=Action.REDACT, treatment=Treatment.REMOVE)


def _with_rules(scores: Scores, decisions: Sequence[Decision]) -> Scores:
    """Scores of guards that have rules beside models: what a rule found counts too, as far as it had a consequence."""
    surest: dict[str, float] = {}
    for decision in decisions:
        if decision.action > Action.ALLOW:
            finding = decision.finding
            surest[finding.guard] = max(finding.confidence, surest.get(finding.guard, 0.0))
    return tuple((name, max(score, surest.get(name, 0.0))) for name, score in scores)


def _unseen(request: Request, route: str, channel: str, principal: str, tenant: str) -> Exchange:
    """A turn that nothing looks at."""
    messages = tuple(request.messages)
    newest = max(len(messages) - 1, 0)
    return Exchange(
        channel, tuple(request.parts), messages, principal=principal, tenant=tenant, route=route, new_from=newest
    )


def _reason(error: Exception) -> str:
    return "timeout" if isinstance(error, (TimeoutError, BudgetExceeded)) else "error"
