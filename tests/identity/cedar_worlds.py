"""Random policies and questions from a small grammar, and the slow, unsliced, unremembered answer to compare with.

The slow answer shares nothing with ``chatward.identity.cedar`` but the schema: all policies as text, entities and
context written here, validated by Cedar at every question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cedarpy
from hypothesis import strategies as st

from chatward.core.identity import Assurance, Kind, Principal, Question
from chatward.identity.cedar_policies import schema

GROUPS = {"g1": ("Tool::t1", "Bot::b*"), "g2": ("Document::*",)}
ROLES = {"boss": ("r1", "r2")}
ACTIONS = {
    "message:send": ("Bot", "Model", "Route"),
    "tool:call": ("Tool",),
    "document:read": ("Document",),
    "admin:keys:read": ("AdminArea",),
    "admin:keys:write": ("AdminArea",),
    "admin:ledger:read": ("AdminArea",),
}
PARENTS = {"admin:keys:read": ("admin:keys:*", "admin:*:read"), "admin:keys:write": ("admin:keys:*", "admin:*:write")}
PARENTS |= {"admin:ledger:read": ("admin:ledger:*", "admin:*:read")}

PRINCIPAL_SCOPES = (
    "principal", "principal", "principal is Person", 'principal in Role::"r1"', 'principal in Tenant::"acme"',
    'principal == Person::"p1"', 'principal is Service in Role::"r2"', 'principal in Person::"p1"',
)  # fmt: skip
ACTION_SCOPES = (
    ("action", ""),
    ('action == Action::"message:send"', "message:send"),
    ('action == Action::"tool:call"', "tool:call"),
    ('action in [Action::"tool:call", Action::"document:read"]', ""),
    ('action in Action::"admin:*:*"', ""),
    ('action in [Action::"admin:*:read", Action::"message:send"]', ""),
)
RESOURCE_SCOPES = {
    "": ("resource", "resource"),
    "message:send": ("resource", "resource is Bot", 'resource in Group::"g1"', 'resource == Bot::"b1"'),
    "tool:call": ("resource", "resource is Tool", 'resource == Tool::"t1"', 'resource in Group::"g1"'),
}
ATOMS = (
    "context.assurance >= 2",
    "context.approved",
    'context.risk == Risk::"high"',
    '[Risk::"raised", Risk::"high"].contains(context.risk)',
    "context.hour < 12",
    "context.weekday == 7",
    'context has device && context.device == "d1"',
    'context has network && context.network like "off*"',
    'context has address && context.address.isInRange(ip("10.0.0.0/8"))',
    'context has purpose && context.purpose != "work"',
    'context.posture.contains("encrypted")',
    'context has certificate && context.certificate has spiffe && context.certificate.spiffe == "spiffe://a/b"',
    'principal in Role::"r1"',
    'principal in [Role::"r2", Role::"r1"]',
    "principal is Operator",
    'principal == Person::"p1"',
    "principal in principal.tenant",
    'principal.tenant == Tenant::"acme"',
    'principal.hasTag("team") && principal.getTag("team") == "a"',
    'principal.hasTag(if context.approved then "team" else "floor")',
    'resource == Tool::"t1"',
    'resource in Group::"g2"',
    "resource is Document",
    "resource has tenant && resource.tenant == principal.tenant",
    'resource has label && resource.label == "public"',
    'action in Action::"admin:*:read"',
    'action == Action::"tool:call"',
    "[context.assurance].contains(1)",
    '{"who": principal}.who == Person::"p2"',
    "context.hour + 9223372036854775800 > 0",  # an overflow from 8 o'clock on: the policy fails
)
ON_ARGUMENTS = (
    'context.arguments.numbers.hasTag("/amount") && context.arguments.numbers.getTag("/amount") > 100',
    'context.arguments.texts.hasTag("/to/name") && context.arguments.texts.getTag("/to/name") == "x"',
    'context.arguments.flags.hasTag("/dry") && context.arguments.flags.getTag("/dry")',
    'context.arguments.lists.hasTag("/tags") && context.arguments.lists.getTag("/tags").contains("x")',
    'context.arguments.decimals.hasTag("/amount") && '
    'context.arguments.decimals.getTag("/amount").lessThan(decimal("7.0"))',
    "context.arguments.lost.isEmpty()",
)


@dataclass(frozen=True)
class World:
    """Policies as text, and questions about them."""

    policies: str
    questions: tuple[Question, ...]


@st.composite
def policy(draw: st.DrawFn, number: int) -> str:
    effect = draw(st.sampled_from(("permit", "permit", "forbid")))
    scope, action = draw(st.sampled_from(ACTION_SCOPES))
    resource = draw(st.sampled_from(RESOURCE_SCOPES[action]))
    pool = ATOMS + ON_ARGUMENTS if action == "tool:call" else ATOMS
    # Where the action is open, an atom is typed against every action: what is not there is asked for with ``has``.
    atoms = draw(st.lists(st.sampled_from(pool), max_size=3))
    clauses = [f"{draw(st.sampled_from(('when', 'unless')))} {{ {_joined(draw, atoms)} }}"] if atoms else []
    notes = [f'@id("p{number}")']
    if effect == "forbid":
        lifted = draw(st.sampled_from(("", "", "totp", "passkey", "approval", "both")))
        if lifted in {"totp", "passkey", "both"}:
            notes.append(f'@step_up("{"passkey" if lifted == "both" else lifted}")')
            clauses.append(f"when {{ context.assurance < {draw(st.sampled_from((2, 3)))} }}")
        if lifted in {"approval", "both"}:
            notes.append('@approval("operator")')
            clauses.append("unless { context.approved }" if lifted == "approval" else "when { !context.approved }")
    who = draw(st.sampled_from(PRINCIPAL_SCOPES))
    return f"{' '.join(notes)} {effect} ({who}, {scope}, {resource}) {' '.join(clauses)};"


def _joined(draw: st.DrawFn, atoms: list[str]) -> str:
    text = ""
    for atom in atoms:
        one = f"!({atom})" if draw(st.booleans()) else f"({atom})"
        text = one if not text else f"({text} {draw(st.sampled_from(('&&', '||')))} {one})"
    return text


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, *values))


@st.composite
def principals(draw: st.DrawFn) -> Principal:
    attributes = {"team": draw(maybe("a", "b")), "device": draw(maybe("d1", "d2")), "floor": draw(maybe("1"))}
    return Principal(
        id=draw(st.sampled_from(("p1", "p2"))),
        kind=draw(st.sampled_from(Kind)),
        tenant=draw(st.sampled_from(("acme", "other"))),
        roles=draw(st.frozensets(st.sampled_from(("r1", "r2", "boss")), max_size=2)),
        assurance=draw(st.sampled_from(Assurance)),
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, Any]:
    made = {
        "risk": draw(maybe("low", "raised", "high")),
        "approved": draw(maybe(True, False)),
        "hour": draw(st.sampled_from((1, 9, 15))),
        "weekday": draw(st.sampled_from((1, 7))),
        "address": draw(maybe("10.1.2.3", "192.0.2.1", "::ffff:10.1.2.3")),
        "network": draw(maybe("office", "home")),
        "device": draw(maybe("d1")),
        "purpose": draw(maybe("work", "play")),
        "posture": draw(maybe(["encrypted"], [])),
        "certificate": draw(maybe({"spiffe": "spiffe://a/b"}, {"subject": "x"})),
        "label": draw(maybe("public", "secret")),
        "tenant": draw(maybe("acme", "other")),
        "arguments": draw(
            maybe({"amount": 5}, {"amount": 500, "to": {"name": "x"}}, {"dry": True, "tags": ["x"], "amount": 6.5})
        ),
    }
    return {name: value for name, value in made.items() if value is not None}


@st.composite
def questions(draw: st.DrawFn) -> Question:
    action = draw(st.sampled_from(tuple(ACTIONS)))
    type_ = draw(st.sampled_from(ACTIONS[action]))
    ids = {"Tool": ("t1", "t2"), "Bot": ("b1", "c1")}.get(type_, ("x", "y"))
    return Question(draw(principals()), action, (type_, draw(st.sampled_from(ids))), draw(contexts()))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 7))
    policies = "\n".join(draw(policy(number)) for number in range(count))
    return World(policies, tuple(draw(st.lists(questions(), min_size=2, max_size=10))))


# --- the slow answer


def slow(policies: str, question: Question, *, assurance: int | None = None, approved: bool | None = None) -> Any:
    """(allowed, deciding ids, failed) by all policies at once."""
    principal, context = question.principal, question.context
    type_, id_ = question.resource
    level = int(principal.assurance) if assurance is None else assurance
    consent = bool(context.get("approved", False)) if approved is None else approved
    entities = [
        {
            "uid": uid(principal.kind.value.title(), principal.id),
            "attrs": {"tenant": uid("Tenant", principal.tenant)},
            "parents": [*(uid("Role", role) for role in principal.roles), uid("Tenant", principal.tenant)],
            "tags": dict(principal.attributes),
        },
        {"uid": uid("Role", "boss"), "attrs": {}, "parents": [uid("Role", "r1"), uid("Role", "r2")]},
        {"uid": uid(type_, id_), "attrs": resource_facts(type_, context), "parents": groups_of(type_, id_)},
    ]
    given: dict[str, Any] = {
        "assurance": level,
        "approved": consent,
        "risk": uid("Risk", context.get("risk", "unknown")),
        "hour": context["hour"],
        "weekday": context["weekday"],
        "posture": context.get("posture", []),
    }
    for name in ("network", "device"):
        value = context.get(name, principal.attributes.get(name))
        given |= {} if value is None else {name: value}
    given |= {name: context[name] for name in ("purpose", "certificate") if name in context}
    if "address" in context:
        given["address"] = {"__extn": {"fn": "ip", "arg": context["address"].removeprefix("::ffff:")}}
    if question.action == "tool:call":
        given["arguments"] = written_out(context.get("arguments"), entities)
    result = cedarpy.is_authorized(
        {"principal": plain(entities[0]["uid"]), "action": {"type": "Action", "id": question.action},
         "resource": {"type": type_, "id": id_}, "context": given},
        policies,
        entities,
        schema=schema(),
    )  # fmt: skip
    assert result.decision is not cedarpy.Decision.NoDecision, result.diagnostics.errors
    ids = result.diagnostics.id_annotations_by_reason
    return result.allowed, {ids[one] for one in result.diagnostics.reasons}, bool(result.diagnostics.errors)


def uid(type_: str, id_: str) -> dict[str, Any]:
    return {"__entity": {"type": type_, "id": id_}}


def plain(reference: dict[str, Any]) -> dict[str, str]:
    made: dict[str, str] = reference["__entity"]
    return made


def resource_facts(type_: str, context: Any) -> dict[str, Any]:
    facts = {"tenant": uid("Tenant", context["tenant"])} if "tenant" in context else {}
    return facts | ({"label": context["label"]} if "label" in context and type_ == "Document" else {})


def groups_of(type_: str, id_: str) -> list[dict[str, Any]]:
    inside = {"g1": (type_, id_) in {("Tool", "t1"), ("Bot", "b1")}, "g2": type_ == "Document"}
    return [uid("Group", name) for name, true in inside.items() if true]


def written_out(arguments: dict[str, Any] | None, entities: list[dict[str, Any]]) -> dict[str, Any]:
    """The arguments that ``contexts`` makes, by hand."""
    given = arguments or {}
    tags: dict[str, dict[str, Any]] = {"texts": {}, "numbers": {}, "decimals": {}, "flags": {}, "lists": {}}
    if "amount" in given:
        tags["decimals"]["/amount"] = {
            "__extn": {"fn": "decimal", "arg": f"{given['amount']}.0".replace("6.5.0", "6.5")}
        }
        if isinstance(given["amount"], int):
            tags["numbers"]["/amount"] = given["amount"]
    if "to" in given:
        tags["texts"]["/to/name"] = given["to"]["name"]
    if "dry" in given:
        tags["flags"]["/dry"] = given["dry"]
    if "tags" in given:
        tags["lists"]["/tags"] = given["tags"]
        tags["texts"]["/tags/0"] = given["tags"][0]
    for name, values in tags.items():
        entities.append({"uid": uid(name.title(), "a"), "attrs": {}, "parents": [], "tags": values})
    return {name: uid(name.title(), "a") for name in tags} | {"lost": []}
