"""What policies may speak of: the Cedar schema, made from the tables here.

The rules:

1. A principal is one of five types, by its kind; its parents are ``Role`` and ``Tenant``, its tags its attributes.
2. A resource is a ``Bot``, ``Model``, ``Tool``, ``Route``, ``Document`` or ``AdminArea``; its parents are ``Group``.
3. Actions are a closed list. ``admin:<area>:<verb>`` stands in the groups ``admin:<area>:*``, ``admin:*:<verb>`` and
   ``admin:*:*``. What is not on the list is denied: a new area of the console is one word in ``AREAS``.
4. ``FIELDS`` are the attributes of ``context``. What has ``needed`` is always there; the others are asked for with
   ``has``, as Cedar's validator demands.
5. A tool's arguments are JSON of any form, and Cedar is strictly typed. They are therefore read by type and by JSON
   pointer (RFC 6901): ``context.arguments.numbers.getTag("/amount")``. See ``cedar_values``.

Cedar's schema language: https://docs.cedarpolicy.com/schema/human-readable-schema.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from chatward.core.identity import Kind

PRINCIPALS: Final[Mapping[str, str]] = MappingProxyType({kind.value: kind.value.title() for kind in Kind})
"""Kind -> entity type."""
RISKS: Final = ("unknown", "low", "raised", "high")
"""Bands of risk. ``unknown``: nobody has said, which is not the same as low."""
AREAS: Final = (
    "alerts", "approvals", "bots", "challenges", "feedback", "findings", "incidents", "inspect", "intel", "keys",
    "ledger", "metrics", "models", "operators", "overview", "patches", "policy", "privacy", "redteam", "reports",
    "roles", "routes", "scim", "sessions", "settings", "users", "vendors",
)  # fmt: skip
"""What the admin plane is made of."""
VERBS: Final = ("read", "write", "delete", "approve", "export")
"""What is done there. ``write`` makes and changes."""
ARGUMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {"texts": "String", "numbers": "Long", "decimals": "decimal", "flags": "Bool", "lists": "Set<String>"}
)
"""Parts of ``context.arguments`` -> Cedar type of their tags."""
CERTIFICATE: Final = ("issuer", "spiffe", "subject", "thumbprint")
"""What ``context.certificate`` may say."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One attribute of ``context``. ``form`` says how ``cedar_values`` reads it. ``actions``: prefixes of the actions
    that have it; empty: all."""

    name: str
    type: str
    form: str
    needed: bool = False
    actions: tuple[str, ...] = ()


FIELDS: Final = (
    FieldSpec("assurance", "Long", "assurance", needed=True),
    FieldSpec("approved", "Bool", "flag", needed=True),
    FieldSpec("risk", "Risk", "risk", needed=True),
    FieldSpec("hour", "Long", "hour", needed=True),
    FieldSpec("weekday", "Long", "weekday", needed=True),
    FieldSpec("address", "ipaddr", "address"),
    FieldSpec("network", "String", "fact"),
    FieldSpec("device", "String", "fact"),
    FieldSpec("purpose", "String", "text"),
    FieldSpec("posture", "Set<String>", "words", needed=True),
    FieldSpec("certificate", "Certificate", "certificate"),
    FieldSpec("bot", "String", "text", actions=("message:", "tool:", "document:")),
    FieldSpec("model", "String", "text", actions=("message:", "tool:", "document:")),
    FieldSpec("route", "String", "text", actions=("message:", "tool:", "document:")),
    FieldSpec("arguments", "Arguments", "arguments", needed=True, actions=("tool:",)),
)
FIELD: Final[Mapping[str, FieldSpec]] = MappingProxyType({field.name: field for field in FIELDS})
RESOURCE_FACTS: Final = ("label", "tenant")
"""Keys of a question's context that are facts of its resource: ``resource.label`` (of documents only) and
``resource.tenant``."""

_RESOURCES: Final = {
    "message:send": ("Bot", "Model", "Route"),
    "tool:call": ("Tool",),
    "document:read": ("Document",),
}
RESOURCES: Final = ("Bot", "Model", "Tool", "Route", "Document", "AdminArea")


@dataclass(frozen=True, slots=True)
class Action:
    """An action: the types of its resources, and every group that it stands in."""

    name: str
    resources: tuple[str, ...]
    groups: tuple[str, ...] = ()


def _actions() -> dict[str, Action]:
    found = {name: Action(name, resources) for name, resources in _RESOURCES.items()}
    for area in AREAS:
        for verb in VERBS:
            name = f"admin:{area}:{verb}"
            found[name] = Action(name, ("AdminArea",), (f"admin:{area}:*", f"admin:*:{verb}", "admin:*:*"))
    return found


ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(_actions())


def fields_of(action: str) -> tuple[FieldSpec, ...]:
    """The attributes of ``context`` for an action."""
    return tuple(field for field in FIELDS if not field.actions or action.startswith(field.actions))


def facts_of(resource: str) -> tuple[str, ...]:
    """The attributes of a type of resource."""
    return RESOURCE_FACTS if resource == "Document" else RESOURCE_FACTS[1:]


@cache
def schema_text() -> str:
    """The schema in Cedar's own language."""
    risks = ", ".join(f'"{risk}"' for risk in RISKS)
    certificate = ", ".join(f"{name}?: String" for name in CERTIFICATE)
    parts = ", ".join(f"{name}: {name.title()}" for name in ARGUMENTS)
    lines = [
        "entity Tenant, Group;",
        "entity Role in [Role];",
        f"entity Risk enum [{risks}];",
        f"type Certificate = {{{certificate}}};",
        *(f"entity {name.title()} tags {type_};" for name, type_ in ARGUMENTS.items()),
        f"type Arguments = {{{parts}, lost: Set<String>}};",
        *(f"entity {name} in [Role, Tenant] = {{tenant: Tenant}} tags String;" for name in PRINCIPALS.values()),
        *(f"entity {name} in [Group] = {{{_facts(name)}}};" for name in RESOURCES),
        'action "admin:*:*";',
        *(f'action "admin:*:{verb}" in ["admin:*:*"];' for verb in VERBS),
        *(f'action "admin:{area}:*" in ["admin:*:*"];' for area in AREAS),
        *(_context(name, action) for name, action in (*((f, f) for f in _RESOURCES), ("Admin", "admin:"))),
        *map(_action, ACTIONS.values()),
    ]
    return "\n".join(lines) + "\n"


def _facts(resource: str) -> str:
    types = {"label": "String", "tenant": "Tenant"}
    return ", ".join(f"{name}?: {types[name]}" for name in facts_of(resource))


def _context(name: str, action: str) -> str:
    members = ", ".join(f"{field.name}{'' if field.needed else '?'}: {field.type}" for field in fields_of(action))
    return f"type {_type_name(name)} = {{{members}}};"


def _type_name(action: str) -> str:
    return "Context" + action.title().replace(":", "")


def _action(action: Action) -> str:
    groups = ", ".join(f'"{group}"' for group in action.groups if group != "admin:*:*")
    name = _type_name("Admin" if action.groups else action.name)
    inside = f" in [{groups}]" if groups else ""
    applies = f"principal: [{', '.join(PRINCIPALS.values())}], resource: [{', '.join(action.resources)}]"
    return f'action "{action.name}"{inside} appliesTo {{{applies}, context: {name}}};'
