"""Authorization by Cedar policies: one question, one ruling.

The rules:

1. **Default deny.** What no policy permits is denied (``not-permitted``); a ``forbid`` wins over every ``permit``
   (``forbidden``); an action, or a type of resource for it, that the schema does not know is denied
   (``unknown-action``).
2. **Total.** Whatever goes wrong is a denial with ``policy-error``. Cedar itself skips a policy that fails while it is
   evaluated, also a ``forbid``: here any such failure denies.
3. **Grants first.** A principal's ``Grants`` are an upper bound that no policy widens (``outside-grants``). For a
   message, what a grant bounds must be named in the question: as its resource, or in its context as ``bot``, ``model``
   and ``route``. What is bounded and not named is denied.
4. **Step-up.** Where all the deciding forbids carry ``@step_up`` or ``@approval``, the question is asked once more,
   with the assurance raised to the highest that they name, and with consent if one of them asks for it. If the answer
   is then a permit, the ruling says what is missing; if not, the denial is plain, since nobody should be asked for a
   proof that changes nothing.
5. **Only what is read counts.** A context may hold anything. What no policy on this action reads is not looked at;
   what one reads and is of the wrong form denies.
6. **Slices.** For each (action, type of resource, kind of principal) there is a policy set of those policies whose
   scope can match, made once; resources that a policy's scope names have their own. Rulings are remembered by
   everything that the slice's policies read (``cedar_reads``); where one of them that can apply reads a tool's
   arguments, nothing is remembered. At most ``memory`` rulings are.
7. **A message has a model and a route, too.** Its question names the bot. Where policies speak of models or routes
   (``cedar_slices.beside``), those are asked about as well: a forbid of any of the three counts, and a permit of any
   is enough. One that the question does not name is asked about without a name.

The clock is asked for hour and weekday (UTC) only, where the question does not bring them.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

import cedarpy
import orjson

from chatward.core.identity import Assurance, Grants, Kind, Principal, Question, Ruling
from chatward.identity.cedar_policies import Policy, PolicyBook
from chatward.identity.cedar_reads import Reads, union
from chatward.identity.cedar_schema import ARGUMENTS, FIELD, PRINCIPALS
from chatward.identity.cedar_slices import OPEN, Slice, beside, slices
from chatward.identity.cedar_values import (
    KEYS,
    MAX_ID,
    MAX_WORDS,
    VALUES,
    arguments_of,
    reference,
    text_of,
    typed,
)

REASONS: Final[Mapping[str, str]] = {
    "permitted": "A policy permits it.",
    "not-permitted": "No policy permits it.",
    "forbidden": "A policy forbids it.",
    "step-up-required": "It needs a stronger proof of who asks.",
    "approval-required": "It needs another person's consent.",
    "outside-grants": "The credential is not good for it.",
    "unknown-action": "There is no such action on such a resource.",
    "arguments-unreadable": "A policy reads an argument of the tool that has not come in a form it can read.",
    "policy-error": "It could not be decided, and so it is denied.",
}
"""Every ``Ruling.reason``, in words."""

DAY: Final = 86_400
_EVERYTHING: Final = Grants()
_NEEDED: Final = {"message:send": ("Bot", "Model", "Route"), "tool:call": ("Tool",)}
_GRANTED: Final = (("Bot", "bots"), ("Model", "models"), ("Route", "routes"), ("Tool", "tools"))
_FAILED: Final = re.compile(r"policy `([^`]+)`")
_UNKNOWN: Final = Ruling(False, reason="unknown-action")
_ERROR: Final = Ruling(False, reason="policy-error")
_NOT_PERMITTED: Final = Ruling(False, reason="not-permitted")
_OUTSIDE: Final = Ruling(False, reason="outside-grants")
_UNREADABLE: Final = Ruling(False, reason="arguments-unreadable")
_NOT_KEPT: Final = frozenset({"policy-error", "arguments-unreadable"})


class CedarAuthorizer:
    """Implements ``core.identity.Authorizer``. See the module's rules. Immutable: other policies, another one."""

    def __init__(self, book: PolicyBook, *, clock: Callable[[], float] = time.time, memory: int = 20_000) -> None:
        self.policies: Mapping[str, Policy] = book.policies
        self._book = book
        self._clock = clock
        self._memory = memory
        self._slices = slices(book)
        self._beside = beside(book)
        self._kept: OrderedDict[Hashable, Ruling] = OrderedDict()

    @property
    def version(self) -> str:
        """A short digest of policies, schema, groups and roles."""
        return self._book.version

    def decide(self, question: Question) -> Ruling:
        """May it be done? Never raises, whatever the question holds."""
        try:
            principal = question.principal
            cut = self._slices.get((question.action, question.resource[0], principal.kind))
            if cut is None:
                return _UNKNOWN
            if cut.named:
                cut = cut.named.get(question.resource[1], cut)
            ruling = self._answer(cut, question, principal)
            if question.resource[0] == "Bot" and (more := self._beside[principal.kind]):
                return _whole(ruling, [self._answer(one, _about(question, type_), principal) for type_, one in more])
            return ruling
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException:  # a panic in Cedar is no ``Exception``
            return _ERROR

    def reads_arguments(self, question: Question) -> bool:
        """Whether the answer can depend on a tool's arguments. If not, it is the same before they are known."""
        try:
            cut = self._slices.get((question.action, question.resource[0], question.principal.kind))
            if cut is None:
                return False
            return bool(self._argued(cut.named.get(question.resource[1], cut), question))
        except Exception:  # whatever it was: "it may depend on them" waits for the arguments, the safe answer
            return True

    def reads(self, action: str, resource: str, kind: Kind) -> Reads | None:
        """What policies on this read, for people; ``None``: there is no such action on such a resource."""
        cut = self._slices.get((action, resource, kind.value))
        return None if cut is None else union([cut.reads, *(one.reads for one in cut.named.values())])

    def _answer(self, cut: Slice, question: Question, principal: Principal) -> Ruling:
        """The ruling by one slice, remembered where it may be."""
        values = self._values(cut, question.context, principal)
        if cut.argued and (argued := self._argued(cut, question)):
            return self._rule(cut, question, values, argued)
        key = _key(cut, question, principal, values)
        ruling = self._kept.get(key)
        if ruling is not None:
            self._kept.move_to_end(key)
            return ruling
        ruling = self._rule(cut, question, values)
        if ruling.reason not in _NOT_KEPT:
            self._keep(key, ruling)
        return ruling

    # --- remembering

    def _values(self, cut: Slice, context: Mapping[str, object], principal: Principal) -> list[Hashable]:
        """What the slice's policies read, in the order of ``Slice``: values of fixed types, so that 1 is not True."""
        values: list[Hashable] = []
        for name in cut.texts:
            value = context.get(name)
            values.append(value if value.__class__ is str or value is None else text_of(value))
        for name, read in cut.others:
            values.append(read(context.get(name)))
        if cut.times:
            days, seconds = divmod(int(self._clock()), DAY)
            now = {"hour": seconds // 3600, "weekday": (days + 3) % 7 + 1}  # 1970-01-01 was a Thursday
            for name in cut.times:
                time_ = context.get(name)
                values.append(now[name] if time_ is None else KEYS[name](time_))
        attributes = principal.attributes
        for name in cut.facts:
            value = context.get(name)
            values.append(KEYS["fact"](attributes.get(name) if value is None else value))
        for name in cut.tags:
            values.append(KEYS["fact"](attributes.get(name)))
        if cut.all_tags:
            values.append(tuple(sorted((text_of(name), text_of(value)) for name, value in attributes.items())))
        return values

    def _keep(self, key: Hashable, ruling: Ruling) -> None:
        self._kept[key] = ruling
        while len(self._kept) > self._memory:
            self._kept.popitem(last=False)

    # --- deciding

    def _rule(self, cut: Slice, question: Question, values: list[Hashable], argued: Sequence[Policy] = ()) -> Ruling:
        if not _granted(question):
            return _OUTSIDE
        if cut.handle is None:
            return _NOT_PERMITTED
        principal, (type_, id_) = question.principal, question.resource
        read = dict(zip((*cut.texts, *(name for name, _ in cut.others), *cut.times, *cut.facts), values, strict=False))
        context = {name: VALUES[FIELD[name].form](value) for name, value in read.items() if name in FIELD}
        context = {name: value for name, value in context.items() if value is not None}
        who = typed(PRINCIPALS[cut.kind], text_of(principal.id, MAX_ID))
        what = typed(type_, text_of(id_, MAX_ID))
        action = typed("Action", cut.action.name)
        entities = [self._principal(cut, principal, who, values[len(read) :]), *self._resource(cut, what, read)]
        if cut.reads.action:
            groups = [typed("Action", group) for group in cut.action.groups]
            entities.append({"uid": action, "attrs": {}, "parents": groups})
        # Where no policy that could apply reads arguments, none is given: no scope matches that would miss them.
        if argued and not _argue(argued, question, context, entities):
            return _UNREADABLE
        approved = bool(KEYS["flag"](question.context.get("approved")))
        request = {"principal": who, "action": action, "resource": what, "context": context}
        return _ruling(cut, request, orjson.dumps(entities).decode(), Assurance(principal.assurance), approved=approved)

    def _principal(self, cut: Slice, principal: Principal, who: dict[str, str], tags: list[Hashable]) -> dict[str, Any]:
        tenant = text_of(principal.tenant, MAX_ID)
        if len(principal.roles) > MAX_WORDS or not all(isinstance(role, str) for role in principal.roles):
            raise ValueError("not roles")
        named = self._all_roles(principal.roles) & cut.roles
        parents = [typed("Role", role) for role in named]
        pairs: Any = tags[0] if cut.all_tags else zip(cut.tags, tags, strict=True)
        return {
            "uid": who,
            "attrs": {"tenant": reference("Tenant", tenant)},
            "parents": [*parents, typed("Tenant", tenant)],
            "tags": {name: text_of(value) for name, value in pairs if value is not None},
        }

    def _resource(self, cut: Slice, what: dict[str, str], read: Mapping[str, Hashable]) -> list[dict[str, Any]]:
        """The resource; nothing where nothing is known of it, which Cedar takes alike."""
        attributes: dict[str, Any] = {}
        if "label" in cut.reads.facts and read["label"] is not None:
            attributes["label"] = text_of(read["label"])
        if "tenant" in cut.reads.facts and read["tenant"] is not None:
            attributes["tenant"] = reference("Tenant", text_of(read["tenant"], MAX_ID))
        groups = self._groups_of(what["type"], what["id"]) if cut.reads.resource else []
        parents = [typed("Group", group) for group in groups]
        return [{"uid": what, "attrs": attributes, "parents": parents}] if attributes or parents else []

    def _all_roles(self, roles: frozenset[str]) -> frozenset[str]:
        included = self._book.roles
        return roles.union(*(included.get(role, ()) for role in roles)) if included else roles

    def _groups_of(self, type_: str, id_: str) -> list[str]:
        groups = self._book.groups.items()
        return [name for name, parts in groups if any(one == type_ and fnmatchcase(id_, form) for one, form in parts)]

    def _argued(self, cut: Slice, question: Question) -> list[Policy]:
        """The policies that read arguments and whose scope can match."""
        principal, (type_, id_) = question.principal, question.resource
        return [
            one.policy
            for one in cut.argued
            if (one.principal is None or one.principal == principal.id)
            and (one.role is None or one.role in self._all_roles(principal.roles))
            and (one.tenant is None or one.tenant == principal.tenant)
            and (one.group is None or one.group in self._groups_of(type_, id_))
        ]


def _argue(
    argued: Sequence[Policy], question: Question, context: dict[str, Any], entities: list[dict[str, Any]]
) -> bool:
    """Adds the arguments that are read. False: a policy that can apply could be deceived by them."""
    arguments = arguments_of(question.context.get("arguments"))
    reads = union(policy.reads for policy in argued)
    if arguments.unreadable(reads.arguments, all_of_them=reads.all_arguments):
        return False
    parts = ARGUMENTS.keys() if reads.all_arguments else {part for part, _ in reads.arguments}
    given: dict[str, Any] = {part: reference(part.title(), "arguments") for part in parts}
    context["arguments"] = given | {"lost": sorted(arguments.lost)}
    for part in parts:
        tags = arguments.parts[part]
        if not reads.all_arguments:
            tags = {pointer: tags[pointer] for one, pointer in reads.arguments if one == part and pointer in tags}
        entities.append({"uid": typed(part.title(), "arguments"), "attrs": {}, "parents": [], "tags": tags})
    return True


def _key(cut: Slice, question: Question, principal: Principal, values: list[Hashable]) -> Hashable:
    """All that the ruling depends on, at fixed places."""
    parts: list[Hashable] = [cut.number, principal.roles, principal.tenant, principal.assurance, *values]
    reads = cut.reads
    if reads.resource:
        parts.append(question.resource[1])
    if reads.identity:
        parts.append(principal.id)
    grants = principal.grants
    if grants is not _EVERYTHING and (grants.bots or grants.models or grants.routes or grants.tools):
        context = question.context
        parts += (grants.bots, grants.models, grants.routes, grants.tools, question.resource[1])
        parts += [KEYS["text"](context.get(name)) for name in ("bot", "model", "route")]
    return tuple(parts)


def _about(question: Question, type_: str) -> Question:
    """The same question about the message's model or route."""
    name = question.context.get(type_.lower())
    return replace(question, resource=(type_, name if isinstance(name, str) else ""))


def _whole(bot: Ruling, others: Sequence[Ruling]) -> Ruling:
    """One ruling of those on bot, model and route. See rule 7."""
    permits = tuple(id_ for one in others if one.allowed for id_ in one.policies if id_ != OPEN)
    if bot.reason == "not-permitted" and not permits:
        return bot
    denials = [one for one in (bot, *others) if not one.allowed and one.reason != "not-permitted"]
    if not denials:
        return Ruling(True, tuple(sorted({*bot.policies, *permits})), "permitted")
    final = [one for one in denials if one.step_up is None and not one.approval]
    if final:
        return final[0]
    levels = [one.step_up for one in denials if one.step_up is not None]
    return Ruling(
        False,
        tuple(sorted({id_ for one in denials for id_ in one.policies})),
        "step-up-required" if levels else "approval-required",
        max(levels, default=None),
        any(one.approval for one in denials),
    )


def _ruling(cut: Slice, request: dict[str, Any], entities: str, assurance: Assurance, *, approved: bool) -> Ruling:
    """Cedar's answer, and where it is a forbid that can be lifted, whether it would be. See rule 4."""
    answer = _ask(cut, request, entities, assurance, approved=approved)
    if answer.allowed or answer.reason != "forbidden":
        return answer
    forbids = [cut.policies[id_] for id_ in answer.policies]
    if not all(policy.liftable for policy in forbids):
        return answer
    level = max([assurance, *(policy.step_up for policy in forbids if policy.step_up is not None)])
    consent = approved or any(policy.approval for policy in forbids)
    if not _ask(cut, request, entities, level, approved=consent).allowed:
        return answer
    step_up = level if level > assurance else None
    reason = "approval-required" if step_up is None else "step-up-required"
    return replace(answer, reason=reason, step_up=step_up, approval=consent and not approved)


def _ask(cut: Slice, request: dict[str, Any], entities: str, assurance: int, *, approved: bool) -> Ruling:
    """One evaluation."""
    context = {**request["context"], "assurance": int(assurance), "approved": approved}
    assert cut.handle is not None
    result = cedarpy.is_authorized({**request, "context": orjson.dumps(context).decode()}, cut.handle, entities)
    diagnostics = result.diagnostics
    if diagnostics.errors:
        named = {one for error in diagnostics.errors for one in _FAILED.findall(error)}
        return Ruling(False, tuple(sorted(named & cut.policies.keys())), "policy-error")
    policies = tuple(sorted(diagnostics.reasons))
    if result.decision is cedarpy.Decision.Allow and policies:
        return Ruling(True, policies, "permitted")
    if result.decision is not cedarpy.Decision.Deny:
        return _ERROR
    return Ruling(False, policies, "forbidden") if policies else _NOT_PERMITTED


def _granted(question: Question) -> bool:
    """Whether the principal's grants allow what the question names."""
    grants = question.principal.grants
    if grants is _EVERYTHING:
        return True
    type_, id_ = question.resource
    needed = _NEEDED.get(question.action, ())
    for one, attribute in _GRANTED:
        patterns: tuple[str, ...] = getattr(grants, attribute)
        if not patterns:
            continue
        named = id_ if type_ == one else question.context.get(one.lower()) if one != "Tool" else None
        if named is None:
            if one in needed:
                return False
            continue
        name = text_of(named, MAX_ID)
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            return False
    return True
