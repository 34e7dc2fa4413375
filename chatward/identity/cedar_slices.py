"""Policies cut into slices: those that can matter for an action, a type of resource and a kind of principal, and where
a policy's scope names one resource, for that one.

The rule: a policy may be missing from a slice only if its scope can never match there. What depends on parents (roles,
tenants, groups) is left to Cedar. Every slice is made once, when the policies are loaded.

A message is sent to a bot, and goes to a model and by a route. Its question names the bot; a policy that speaks of
models or routes (in its scope, in a condition, or by a group that has some) has its say in slices of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cedarpy
from cedarpy import pst

from chatward.identity.cedar_policies import Policy, PolicyBook
from chatward.identity.cedar_reads import Reads, union
from chatward.identity.cedar_schema import ACTIONS, FIELD, PRINCIPALS, Action, facts_of, fields_of
from chatward.identity.cedar_values import KEYS, TEXTS, TIMES

BESIDE: Final = ("Model", "Route")
"""What a message goes to and by, beside the bot of its question; in the context under these names in lower case."""
OPEN: Final = "*"
"""The permit in the slices of those, so that only a forbid denies there; no policy of a file has such an id."""


@dataclass(frozen=True, slots=True)
class Argued:
    """A policy that reads a tool's arguments, and what its scope asks for beside types and one resource; ``None``:
    nothing."""

    policy: Policy
    principal: str | None = None
    role: str | None = None
    tenant: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice, and how what its policies read is found, in the order of a key:

    - ``texts``: keys of the context that hold texts (with ``label`` and ``tenant``, the facts of a resource);
    - ``others``: keys of the context that hold something else, with their readers;
    - ``times``: ``hour`` and ``weekday``, from the context or else the clock;
    - ``facts``: from the context or else the principal's attributes;
    - ``tags``: attributes of the principal by name; ``all_tags``: all of them.

    ``argued`` are the policies that read a tool's arguments, ``roles`` those that any policy names. ``named`` are
    slices for the resources that some policy's scope names; this one is for all others.
    """

    number: int
    action: Action
    kind: str
    policies: Mapping[str, Policy]
    handle: cedarpy.PolicySet | None
    reads: Reads
    texts: tuple[str, ...]
    others: tuple[tuple[str, Callable[[object], Hashable]], ...]
    times: tuple[str, ...]
    facts: tuple[str, ...]
    tags: tuple[str, ...]
    all_tags: bool
    argued: tuple[Argued, ...]
    roles: frozenset[str]
    named: Mapping[str, Slice]


def slices(book: PolicyBook) -> dict[tuple[str, str, str], Slice]:
    """All slices, by action, type of resource and kind."""
    maker = _Maker()
    found: dict[tuple[str, str, str], Slice] = {}
    for action in ACTIONS.values():
        of_action = [policy for policy in book.policies.values() if _for_action(policy, action)]
        for resource in action.resources:
            of_resource = [policy for policy in of_action if _for_type(policy.template.resource, resource)]
            for kind, type_ in PRINCIPALS.items():
                policies = [one for one in of_resource if _for_type(one.template.principal, type_)]
                ids = {one.id: _one_id(one) for one in policies}
                named = {
                    name: maker.slice(action, resource, kind, [one for one in policies if ids[one.id] in {None, name}])
                    for name in sorted({id_ for id_ in ids.values() if id_ is not None})
                }
                others = [one for one in policies if ids[one.id] is None]
                found[action.name, resource, kind] = maker.slice(action, resource, kind, others, named)
    return found


def beside(book: PolicyBook) -> dict[str, tuple[tuple[str, Slice], ...]]:
    """By kind of principal: the slices that a message is asked about beside its bot, for each type that some policy
    speaks of."""
    maker = _Maker()
    action = ACTIONS["message:send"]
    opened = _opened()
    found: dict[str, tuple[tuple[str, Slice], ...]] = {}
    for kind, type_ in PRINCIPALS.items():
        cuts: list[tuple[str, Slice]] = []
        for resource in BESIDE:
            policies = [
                policy
                for policy in book.policies.values()
                if _for_action(policy, action)
                and _for_type(policy.template.principal, type_)
                and _for_type(policy.template.resource, resource)
                and _speaks_of(policy, resource, book)
            ]
            if policies:
                cuts.append((resource, maker.slice(action, resource, kind, [*policies, opened])))
        found[kind] = tuple(cuts)
    return found


def _opened() -> Policy:
    (template,) = cedarpy.policies_to_pst("permit (principal, action, resource);").static_policies.values()
    return Policy(OPEN, replace(template, id=OPEN), "", Reads())


def _speaks_of(policy: Policy, type_: str, book: PolicyBook) -> bool:
    """Whether a policy tells resources of this type from others: by name, by type, or by a group that has some."""
    scope = policy.template.resource
    if isinstance(scope, (pst.ScopeIs, pst.ScopeIsIn)) and str(scope.entity_type) == type_:
        return True
    named = pst.entity_uids(policy.template)
    groups = [uid.id for uid in named if str(uid.type) == "Group"]
    return (
        any(str(uid.type) == type_ for uid in named)
        or type_ in policy.reads.types
        or any(one == type_ for group in groups for one, _ in book.groups.get(group, ()))
    )


class _Maker:
    """Makes slices; those of the same policies share what Cedar needs."""

    def __init__(self) -> None:
        self._number = 0
        self._made: dict[frozenset[str], tuple[cedarpy.PolicySet | None, Reads]] = {}

    def slice(
        self,
        action: Action,
        resource: str,
        kind: str,
        policies: Sequence[Policy],
        named: Mapping[str, Slice] | None = None,
    ) -> Slice:
        """One slice."""
        ids = frozenset(one.id for one in policies)
        if ids not in self._made:
            self._made[ids] = (_handle(policies), union(one.reads for one in policies))
        handle, reads = self._made[ids]
        self._number += 1
        fields = frozenset(field.name for field in fields_of(action.name))
        # Who reads the context as a whole names all fields there are; who asks for a label may ask a tool for it.
        reads = replace(reads, fields=reads.fields & fields, facts=reads.facts & frozenset(facts_of(resource)))
        return _slice(self._number, action, kind, {one.id: one for one in policies}, handle, reads, named or {})


def _slice(
    number: int,
    action: Action,
    kind: str,
    policies: Mapping[str, Policy],
    handle: cedarpy.PolicySet | None,
    reads: Reads,
    named: Mapping[str, Slice],
) -> Slice:
    forms = {name: FIELD[name].form for name in sorted(reads.fields)}
    known = {"assurance", "arguments", "fact", *TEXTS, *TIMES}
    return Slice(
        number,
        action,
        kind,
        policies,
        handle,
        reads,
        texts=(*(name for name, form in forms.items() if form in TEXTS), *sorted(reads.facts)),
        others=tuple((name, KEYS[form]) for name, form in forms.items() if form not in known),
        times=tuple(name for name in TIMES if name in forms),
        facts=tuple(name for name, form in forms.items() if form == "fact"),
        tags=() if reads.all_tags else tuple(sorted(reads.tags)),
        all_tags=reads.all_tags,
        argued=_argued(one for one in policies.values() if "arguments" in one.reads.fields & reads.fields),
        roles=frozenset(
            uid.id for one in policies.values() for uid in pst.entity_uids(one.template) if str(uid.type) == "Role"
        ),
        named=named,
    )


def _roles(policy: Policy) -> Iterable[str]:
    return (uid.id for uid in pst.entity_uids(policy.template) if str(uid.type) == "Role")


def _argued(policies: Iterable[Policy]) -> tuple[Argued, ...]:
    return tuple(_argued_one(policy) for policy in policies)


def _argued_one(policy: Policy) -> Argued:
    who, what = policy.template.principal, policy.template.resource
    one = Argued(policy)
    match who:
        case pst.ScopeEq(entity=pst.EntityUid() as entity):
            one = replace(one, principal=entity.id)
        case pst.ScopeIn(entity=pst.EntityUid() as entity) | pst.ScopeIsIn(entity=pst.EntityUid() as entity):
            role = entity.id if str(entity.type) == "Role" else None
            one = replace(one, role=role, tenant=entity.id if str(entity.type) == "Tenant" else None)
    match what:
        case pst.ScopeIn(entity=pst.EntityUid() as entity) | pst.ScopeIsIn(entity=pst.EntityUid() as entity):
            one = replace(one, group=entity.id if str(entity.type) == "Group" else None)
    return one


def _one_id(policy: Policy) -> str | None:
    """The id of the one resource that a policy's scope names."""
    match policy.template.resource:
        case pst.ScopeEq(entity=pst.EntityUid(id=id_)):
            return id_
    return None


def _handle(policies: Sequence[Policy]) -> cedarpy.PolicySet | None:
    """The slice for Cedar; ``None`` of nothing. All are of this action, so that scope is open."""
    if not policies:
        return None
    static = {one.id: replace(one.template, action=pst.ScopeAny()) for one in policies}
    return cedarpy.PolicySet.from_pst(pst.PolicySet({}, static, ()))


def _for_action(policy: Policy, action: Action) -> bool:
    match policy.template.action:
        case pst.ActionEq(entity=entity):
            return entity.id == action.name
        case pst.ActionIn(entities=entities):
            return any(entity.id == action.name or entity.id in action.groups for entity in entities)
    return True


def _for_type(scope: pst.PrincipalOrResourceConstraint, type_: str) -> bool:
    """Whether something of this type can be meant. What names a parent is left to Cedar."""
    match scope:
        case pst.ScopeEq(entity=pst.EntityUid(type=wanted)):
            return str(wanted) == type_
        case pst.ScopeIs(entity_type=wanted) | pst.ScopeIsIn(entity_type=wanted):
            return str(wanted) == type_
    return True
