"""Policies cut into slices: those that can matter for an action, a type of resource and a kind of principal.

The rule: a policy may be missing from a slice only if its scope can never match there. What depends on parents (roles,
tenants, groups) is left to Cedar. Every slice is made once, when the policies are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace

import cedarpy
from cedarpy import pst

from chatward.identity.cedar_policies import Policy, PolicyBook
from chatward.identity.cedar_reads import Reads, union
from chatward.identity.cedar_schema import ACTIONS, FIELD, PRINCIPALS, Action, fields_of
from chatward.identity.cedar_values import KEYS


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice. ``plain``: (name, reader) of what is read from the context as it is; ``facts``: what is else an
    attribute of the principal. ``argued``: the policies that read arguments."""

    number: int
    action: Action
    resource: str
    kind: str
    policies: Mapping[str, Policy]
    handle: cedarpy.PolicySet | None
    reads: Reads
    plain: tuple[tuple[str, Callable[[object], Hashable]], ...]
    facts: tuple[str, ...]
    tags: tuple[str, ...]
    own: tuple[str, ...]
    argued: tuple[Policy, ...]
    hour: bool
    weekday: bool


def slices(book: PolicyBook) -> dict[tuple[str, str, str], Slice]:
    """All slices. Those of the same policies share them."""
    handles: dict[frozenset[str], tuple[cedarpy.PolicySet | None, Reads]] = {}
    found: dict[tuple[str, str, str], Slice] = {}
    for action in ACTIONS.values():
        of_action = [policy for policy in book.policies.values() if _for_action(policy, action)]
        for resource in action.resources:
            of_resource = [policy for policy in of_action if _for_type(policy.template.resource, resource)]
            for kind, type_ in PRINCIPALS.items():
                policies = {one.id: one for one in of_resource if _for_type(one.template.principal, type_)}
                ids = frozenset(policies)
                if ids not in handles:
                    handles[ids] = (_handle(policies), union(policy.reads for policy in policies.values()))
                found[action.name, resource, kind] = _slice(len(found), action, resource, kind, policies, *handles[ids])
    return found


def _slice(
    number: int,
    action: Action,
    resource: str,
    kind: str,
    policies: Mapping[str, Policy],
    handle: cedarpy.PolicySet | None,
    reads: Reads,
) -> Slice:
    there = frozenset(field.name for field in fields_of(action.name))
    reads = replace(reads, fields=reads.fields & there)  # who reads the context as a whole names them all
    forms = {name: FIELD[name].form for name in sorted(reads.fields)}
    apart = {"assurance", "arguments", "hour", "weekday", "fact"}
    facts = tuple(name for name, form in forms.items() if form == "fact")
    tags = () if reads.all_tags else tuple(sorted(reads.tags))
    own = [*(name for name in ("hour", "weekday") if name in forms), *facts]
    own += [f"resource.{name}" for name in sorted(reads.facts)]
    own += ["tags"] if reads.all_tags else [f"tag.{name}" for name in tags]
    return Slice(
        number, action, resource, kind, policies, handle, reads,
        plain=tuple((name, KEYS[form]) for name, form in forms.items() if form not in apart),
        facts=facts,
        tags=tags,
        own=tuple(own),
        argued=tuple(one for one in policies.values() if "arguments" in one.reads.fields & there),
        hour="hour" in forms,
        weekday="weekday" in forms,
    )  # fmt: skip


def _handle(policies: Mapping[str, Policy]) -> cedarpy.PolicySet | None:
    """The slice for Cedar; ``None`` of nothing. All are of this action, so that scope is open."""
    if not policies:
        return None
    static = {one.id: replace(one.template, action=pst.ScopeAny()) for one in policies.values()}
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
