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
   scope can match, made once. Rulings are remembered by everything that the slice's policies read (``cedar_reads``);
   where one of them that can apply reads a tool's arguments, nothing is remembered. At most ``memory`` rulings are.

The clock is asked for hour and weekday (UTC) only, where the question does not bring them.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

import cedarpy
import orjson
from cedarpy import pst

from chatward.core.identity import Assurance, Grants, Kind, Principal, Question, Ruling
from chatward.identity.cedar_policies import Policy, PolicyBook
from chatward.identity.cedar_reads import Reads, union
from chatward.identity.cedar_schema import ARGUMENTS, FIELD, PRINCIPALS
from chatward.identity.cedar_slices import Slice, slices
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

_Values = dict[str, Hashable]


class CedarAuthorizer:
    """Implements ``core.identity.Authorizer``. See the module's rules. Immutable: other policies, another one."""

    def __init__(self, book: PolicyBook, *, clock: Callable[[], float] = time.time, memory: int = 20_000) -> None:
        self.policies: Mapping[str, Policy] = book.policies
        self._book = book
        self._clock = clock
        self._memory = memory
        self._slices = slices(book)
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
            if cut.argued and self._argued(cut, question):
                return self._rule(cut, question, argued=True)
            key = self._key(cut, question, principal)
            ruling = self._kept.get(key)
            if ruling is not None:
                self._kept.move_to_end(key)
                return ruling
            ruling = self._rule(cut, question, argued=False)
            if ruling.reason not in _NOT_KEPT:
                self._keep(key, ruling)
            return ruling
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException:  # a panic in Cedar is no ``Exception``
            return _ERROR

    def reads_arguments(self, question: Question) -> bool:
        """Whether the answer can depend on a tool's arguments. If not, it is the same before they are known."""
        try:
            cut = self._slices.get((question.action, question.resource[0], question.principal.kind))
            return cut is not None and bool(cut.argued) and self._argued(cut, question)
        except Exception:
            return True

    def reads(self, action: str, resource: str, kind: Kind) -> Reads | None:
        """What policies on this read, for people; ``None``: there is no such action on such a resource."""
        cut = self._slices.get((action, resource, kind.value))
        return None if cut is None else cut.reads

    # --- remembering

    def _key(self, cut: Slice, question: Question, principal: Principal) -> Hashable:
        """All that the ruling depends on. Values of fixed types at fixed places, so that 1 is not True."""
        context = question.context
        parts: list[Hashable] = [cut.number, principal.roles, principal.tenant, principal.assurance]
        for name, read in cut.plain:
            parts.append(read(context.get(name)))
        if cut.own:
            values = self._own(cut, question)
            parts += [values[name] for name in cut.own]
        if cut.reads.resource:
            parts.append(question.resource[1])
        if cut.reads.identity:
            parts.append(principal.id)
        grants = principal.grants
        if grants is not _EVERYTHING and (grants.bots or grants.models or grants.routes or grants.tools):
            parts += (grants.bots, grants.models, grants.routes, grants.tools, question.resource[1])
            parts += [KEYS["text"](context.get(name)) for name in ("bot", "model", "route")]
        return tuple(parts)

    def _own(self, cut: Slice, question: Question) -> _Values:
        """What is read from elsewhere than the context alone: time, and attributes of principal and resource."""
        context, attributes = question.context, question.principal.attributes
        values: _Values = {}
        if cut.hour or cut.weekday:
            days, seconds = divmod(int(self._clock()), DAY)
            if cut.hour:
                hour = KEYS["hour"](context.get("hour"))
                values["hour"] = seconds // 3600 if hour is None else hour
            if cut.weekday:
                weekday = KEYS["weekday"](context.get("weekday"))
                values["weekday"] = (days + 3) % 7 + 1 if weekday is None else weekday  # 1970-01-01 was a Thursday
        for name in cut.facts:
            value = context.get(name)
            values[name] = KEYS["text"](attributes.get(name) if value is None else value)
        for name in cut.reads.facts:
            values[f"resource.{name}"] = KEYS["text"](context.get(name))
        if cut.reads.all_tags:
            values["tags"] = tuple(sorted((text_of(name), text_of(value)) for name, value in attributes.items()))
        else:
            for name in cut.tags:
                values[f"tag.{name}"] = KEYS["text"](attributes.get(name))
        return values

    def _keep(self, key: Hashable, ruling: Ruling) -> None:
        self._kept[key] = ruling
        while len(self._kept) > self._memory:
            self._kept.popitem(last=False)

    # --- deciding

    def _rule(self, cut: Slice, question: Question, *, argued: bool) -> Ruling:
        if not _granted(question):
            return _OUTSIDE
        if cut.handle is None:
            return _NOT_PERMITTED
        request, entities = self._facts(cut, question)
        context: dict[str, Any] = request["context"]
        if "arguments" in cut.reads.fields:
            # Where no policy that could apply reads them, there are none: the ruling holds for all arguments.
            arguments = arguments_of(question.context.get("arguments") if argued else None)
            if argued:
                reads = union(policy.reads for policy in cut.argued if self._applies(policy, question))
                if arguments.unreadable(reads.arguments, all_of_them=reads.all_arguments):
                    return _UNREADABLE
            parts = {part: reference(part.title(), "arguments") for part in ARGUMENTS}
            context["arguments"] = {**parts, "lost": sorted(arguments.lost)}
            entities += [
                {"uid": typed(part.title(), "arguments"), "attrs": {}, "parents": [], "tags": tags}
                for part, tags in arguments.parts.items()
            ]
        assurance = Assurance(question.principal.assurance)
        approved = bool(KEYS["flag"](question.context.get("approved")))
        written = orjson.dumps(entities).decode()
        return _ruling(cut, request, written, assurance, approved=approved)

    def _facts(self, cut: Slice, question: Question) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The request (its context still a mapping) and the entities. Raises ``ValueError``."""
        principal = question.principal
        type_, id_ = question.resource
        who = typed(PRINCIPALS[cut.kind], text_of(principal.id, MAX_ID))
        what = typed(type_, text_of(id_, MAX_ID))
        context = {name: VALUES[FIELD[name].form](read(question.context.get(name))) for name, read in cut.plain}
        own = self._own(cut, question)
        context |= {name: VALUES[FIELD[name].form](own[name]) for name in cut.own if name in FIELD}
        context = {name: value for name, value in context.items() if value is not None}
        entities = [self._principal(cut, principal, who, own)]
        if cut.reads.facts or cut.reads.resource:
            entities.append(self._resource(cut, what, own))
        action = typed("Action", cut.action.name)
        if cut.reads.action:
            groups = [typed("Action", group) for group in cut.action.groups]
            entities.append({"uid": action, "attrs": {}, "parents": groups})
        return {"principal": who, "action": action, "resource": what, "context": context}, entities

    def _principal(self, cut: Slice, principal: Principal, who: dict[str, str], own: _Values) -> dict[str, Any]:
        tenant = text_of(principal.tenant, MAX_ID)
        if len(principal.roles) > MAX_WORDS:
            raise ValueError("too many roles")
        parents = [typed("Role", text_of(role, MAX_ID)) for role in self._all_roles(principal.roles)]
        tags = dict(own["tags"]) if cut.reads.all_tags else {name: own[f"tag.{name}"] for name in cut.tags}  # type: ignore[call-overload]
        return {
            "uid": who,
            "attrs": {"tenant": reference("Tenant", tenant)},
            "parents": [*parents, typed("Tenant", tenant)],
            "tags": {name: text_of(value) for name, value in tags.items() if value is not None},
        }

    def _resource(self, cut: Slice, what: dict[str, str], own: _Values) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        label, tenant = own.get("resource.label"), own.get("resource.tenant")
        if label is not None:
            attributes["label"] = text_of(label)
        if tenant is not None:
            attributes["tenant"] = reference("Tenant", text_of(tenant, MAX_ID))
        parents = [typed("Group", group) for group in self._groups_of(what["type"], what["id"])]
        return {"uid": what, "attrs": attributes, "parents": parents}

    def _all_roles(self, roles: frozenset[str]) -> frozenset[str]:
        included = self._book.roles
        return roles.union(*(included.get(role, ()) for role in roles)) if included else roles

    def _groups_of(self, type_: str, id_: str) -> list[str]:
        groups = self._book.groups.items()
        return [name for name, parts in groups if any(one == type_ and fnmatchcase(id_, form) for one, form in parts)]

    def _argued(self, cut: Slice, question: Question) -> bool:
        return any(self._applies(policy, question) for policy in cut.argued)

    def _applies(self, policy: Policy, question: Question) -> bool:
        """Whether the scope of a policy of the right slice can match."""
        principal, (type_, id_) = question.principal, question.resource
        who, what = policy.template.principal, policy.template.resource
        match who:
            case pst.ScopeEq(entity=pst.EntityUid(id=wanted)):
                if wanted != principal.id:
                    return False
            case pst.ScopeIn(entity=pst.EntityUid() as entity) | pst.ScopeIsIn(entity=pst.EntityUid() as entity):
                if str(entity.type) == "Role" and entity.id not in self._all_roles(principal.roles):
                    return False
                if str(entity.type) == "Tenant" and entity.id != principal.tenant:
                    return False
        match what:
            case pst.ScopeEq(entity=pst.EntityUid(id=wanted)):
                return wanted == id_
            case pst.ScopeIn(entity=pst.EntityUid() as entity) | pst.ScopeIsIn(entity=pst.EntityUid() as entity):
                return str(entity.type) != "Group" or entity.id in self._groups_of(type_, id_)
        return True


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
