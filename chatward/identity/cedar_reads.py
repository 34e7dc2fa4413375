"""What a policy reads, found without running it.

The rule: whatever a decision can depend on is either in ``Reads`` or the same for all questions of a slice (the action,
the types of principal and resource) or in every key (roles, tenant, assurance). What is read in a way that is not
understood here counts as read whole: too much in a key costs hits, too little would give wrong answers.

Two principals with the same roles and tenant are alike for a policy that only asks ``principal in Role::"x"`` or what
type it is; one that compares them, or passes them on, reads their identity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

from cedarpy import pst

from chatward.identity.cedar_schema import FIELDS

ALL: Final = frozenset(field.name for field in FIELDS)
_PARENTS: Final = frozenset({"Role", "Tenant"})
_IN_KEY: Final = "tenant"  # of the principal
_TAG_OPERATIONS: Final = frozenset({"get_tag", "has_tag"})


@dataclass(frozen=True, slots=True)
class Reads:
    """``fields`` of the context; ``facts`` of the resource (its attributes); ``tags`` of the principal, by name.
    ``arguments`` are (part, JSON pointer). ``types`` are those of resources that a condition asks for by ``is``.
    ``identity`` and ``resource``: who exactly, which one exactly."""

    fields: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    all_tags: bool = False
    types: frozenset[str] = frozenset()
    arguments: frozenset[tuple[str, str]] = frozenset()
    all_arguments: bool = False
    identity: bool = False
    resource: bool = False
    action: bool = False

    def __or__(self, other: Reads) -> Reads:
        return Reads(*(getattr(self, field.name) | getattr(other, field.name) for field in fields(Reads)))


def union(all_reads: Iterable[Reads]) -> Reads:
    """What any of them reads."""
    total = Reads()
    for one in all_reads:
        total |= one
    return total


def reads_of(policy: pst.Template) -> Reads:
    """What one policy reads."""
    reads = Reads(identity=_names_one(policy.principal), resource=_singles_out(policy.resource))
    return union([reads, *(_expression(clause.expr) for clause in policy.clauses)])


def _names_one(scope: pst.PrincipalOrResourceConstraint) -> bool:
    """Whether the scope tells principals apart that have the same type, roles and tenant."""
    match scope:
        case pst.ScopeAny() | pst.ScopeIs():
            return False
        case pst.ScopeIn(entity=pst.EntityUid(type=type_)) | pst.ScopeIsIn(entity=pst.EntityUid(type=type_)):
            return str(type_) not in _PARENTS
    return True


def _singles_out(scope: pst.PrincipalOrResourceConstraint) -> bool:
    """Whether the scope tells resources of one type apart. Groups are found by the resource's id, so they do."""
    return not isinstance(scope, (pst.ScopeAny, pst.ScopeIs))


def _expression(node: object) -> Reads:
    match node:
        case pst.Var(name="context"):
            return Reads(fields=ALL, all_arguments=True)
        case pst.Var(name="principal"):
            return Reads(identity=True)
        case pst.Var(name="resource"):
            return Reads(resource=True)
        case pst.Var(name="action"):
            return Reads(action=True)
        case pst.GetAttr(base=pst.Var(name=name), attr=attribute):
            return _attribute(name, attribute)
        case pst.HasAttr(base=pst.Var(name=name), attrs=attributes):
            return _attribute(name, attributes[0], asked_only=True)
        case pst.GetAttr(base=pst.GetAttr(base=pst.Var(name="context"), attr="arguments"), attr="lost"):
            return Reads(fields=frozenset({"arguments"}))
        case pst.BinaryOp(op=op, left=left, right=right) if op in _TAG_OPERATIONS:
            return _tag(left, right)
        case pst.BinaryOp(op="in", left=pst.Var(name="principal"), right=right) if _is_parent(right):
            return Reads()
        case pst.Is(base=pst.Var(name="principal"), in_expr=within):
            return Reads() if within is None or _is_parent(within) else Reads(identity=True) | _expression(within)
        case pst.Is(base=pst.Var(name="resource"), entity_type=type_, in_expr=within):
            singled = Reads() if within is None else Reads(resource=True) | _expression(within)
            return singled | Reads(types=frozenset({str(type_)}))
    return union(_expression(child) for child in _children(node))


def _attribute(variable: str, attribute: str, *, asked_only: bool = False) -> Reads:
    if variable == "context":
        # ``has arguments`` is always true where it is allowed; what is in them is read elsewhere.
        return Reads(fields=frozenset({attribute}), all_arguments=attribute == "arguments" and not asked_only)
    if variable == "principal":
        return Reads(identity=attribute != _IN_KEY)
    if variable == "resource":
        return Reads(facts=frozenset({attribute}))
    return Reads(action=True)


def _tag(owner: object, name: object) -> Reads:
    match owner, name:
        case pst.Var(name="principal"), pst.StringLit(value=tag):
            return Reads(tags=frozenset({tag}))
        case pst.Var(name="principal"), _:
            return Reads(all_tags=True) | _expression(name)
        case (
            pst.GetAttr(base=pst.GetAttr(base=pst.Var(name="context"), attr="arguments"), attr=part),
            pst.StringLit(value=pointer),
        ):
            return Reads(fields=frozenset({"arguments"}), arguments=frozenset({(part, pointer)}))
    return _expression(owner) | _expression(name)


def _is_parent(node: object) -> bool:
    """Whether this is a role or tenant written out, or a set of such."""
    if isinstance(node, pst.Set):
        return all(map(_is_parent, node.elements))
    return isinstance(node, pst.EntityLit) and str(node.value.type) in _PARENTS


def _children(node: object) -> Iterable[object]:
    match node:
        case pst.Record(fields=members):
            return members.values()
        case pst.Set(elements=elements):
            return elements
        case pst.UnaryOp() | pst.BinaryOp() | pst.GetAttr() | pst.HasAttr() | pst.Like() | pst.Is() | pst.IfThenElse():
            return [getattr(node, field.name) for field in fields(node)]
    return ()
