"""What the default policies answer, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from chatward.core.identity import Assurance, Kind, Principal, Question
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import load
from chatward.identity.cedar_schema import ACTIONS
from chatward.identity.explain import outcome
from chatward.settings import Authorization

GROUPS = {"public": ("Bot::faq", "Tool::search"), "step-up": ("Tool::pay",), "approval": ("Tool::wire",)}
DEFAULTS = CedarAuthorizer(load(Authorization(groups=GROUPS)))
LOCAL = {"address": "127.0.0.1"}
FAR = {"address": "192.0.2.7"}
TYPES = {"message:send": "Bot", "tool:call": "Tool", "document:read": "Document"}


def ask(
    kind: str,
    action: str,
    name: str = "x",
    *,
    role: str = "",
    assurance: int = 1,
    **context: Any,
) -> str:
    roles = frozenset({role} if role else ())
    principal = Principal(f"{kind}:1", Kind(kind), "default", roles, Assurance(assurance))
    return outcome(DEFAULTS.decide(Question(principal, action, (TYPES.get(action, "AdminArea"), name), context)))


@pytest.mark.parametrize(
    ("kind", "context", "expected"),
    [
        ("anonymous", LOCAL, "allow"),
        ("anonymous", {"address": "::1"}, "allow"),
        ("anonymous", {"address": "::ffff:127.0.0.1"}, "allow"),
        ("anonymous", FAR, "deny"),
        ("anonymous", {}, "deny"),
        ("visitor", FAR, "allow"),
        ("service", FAR, "allow"),
        ("person", FAR, "allow"),
        ("operator", FAR, "allow"),
        ("person", {"risk": "raised"}, "allow"),
        ("person", {"risk": "high"}, "deny"),
        ("anonymous", {**LOCAL, "risk": "high"}, "deny"),
        ("person", {"tenant": "other"}, "deny"),
        ("person", {"tenant": "default"}, "allow"),
    ],
)
def test_messages(kind: str, context: dict[str, Any], expected: str) -> None:
    assert ask(kind, "message:send", **context) == expected


def test_a_public_bot_is_for_everyone() -> None:
    assert ask("anonymous", "message:send", "faq", **FAR) == "allow"
    assert ask("anonymous", "message:send", "faq", risk="high", **FAR) == "deny"


@pytest.mark.parametrize(
    ("kind", "name", "assurance", "context", "expected"),
    [
        ("anonymous", "x", 0, LOCAL, "allow"),
        ("anonymous", "x", 0, FAR, "deny"),
        ("visitor", "x", 1, FAR, "deny"),
        ("visitor", "search", 1, FAR, "allow"),
        ("service", "x", 1, FAR, "allow"),
        ("person", "pay", 1, {}, "step-up"),
        ("person", "pay", 2, {}, "step-up"),
        ("person", "pay", 3, {}, "allow"),
        ("visitor", "pay", 1, {}, "deny"),
        ("person", "wire", 3, {}, "approval"),
        ("person", "wire", 1, {"approved": True}, "allow"),
        ("person", "x", 1, {"risk": "raised"}, "step-up"),
        ("person", "x", 2, {"risk": "raised"}, "allow"),
        ("person", "wire", 1, {"risk": "raised"}, "step-up-and-approval"),
        ("person", "pay", 1, {"risk": "high"}, "deny"),
    ],
)
def test_tools(kind: str, name: str, assurance: int, context: dict[str, Any], expected: str) -> None:
    assert ask(kind, "tool:call", name, assurance=assurance, **context) == expected


@pytest.mark.parametrize(
    ("kind", "label", "expected"),
    [
        ("anonymous", "public", "allow"),
        ("visitor", "internal", "deny"),
        ("person", "internal", "allow"),
        ("person", "confidential", "deny"),
        ("person", None, "deny"),
        ("person", "Public", "deny"),
    ],
)
def test_documents(kind: str, label: str | None, expected: str) -> None:
    assert ask(kind, "document:read", label=label) == expected


ADMIN = {
    # action: roles that may
    "admin:overview:read": {"admin", "operator", "analyst", "auditor", "privacy-officer", "read-only"},
    "admin:findings:write": {"admin", "operator", "analyst"},
    "admin:ledger:read": {"admin", "operator", "analyst", "auditor", "privacy-officer", "read-only"},
    "admin:ledger:export": {"admin", "operator", "auditor", "privacy-officer"},
    "admin:keys:read": {"admin", "auditor"},
    "admin:keys:write": {"admin"},
    "admin:operators:write": {"admin"},
    "admin:policy:write": {"admin"},
    "admin:privacy:read": {"admin", "auditor", "privacy-officer"},
    "admin:privacy:delete": {"admin", "privacy-officer"},
    "admin:approvals:approve": {"admin", "operator"},
    "admin:routes:write": {"admin", "operator"},
}


@pytest.mark.parametrize("action", ADMIN)
def test_roles_of_the_admin_plane(action: str) -> None:
    roles = ("admin", "operator", "analyst", "auditor", "privacy-officer", "read-only", "", "Admin", "agent")
    assert {role for role in roles if ask("operator", action, role=role, assurance=2) == "allow"} == ADMIN[action]


def test_no_role_makes_anyone_but_an_operator_an_admin() -> None:
    for action in (name for name in ACTIONS if name.startswith("admin:")):
        for kind in ("anonymous", "visitor", "service", "person"):
            allowed = ask(kind, action, role="admin", assurance=3, **FAR) == "allow"
            assert allowed == (kind == "service" and action.startswith("admin:inspect:"))


def test_sensitive_changes_need_two_factors() -> None:
    for area in ("keys", "operators", "policy", "roles", "scim", "settings", "users", "approvals"):
        assert ask("operator", f"admin:{area}:write", role="admin", assurance=1) == "step-up"
        assert ask("operator", f"admin:{area}:write", role="admin", assurance=2) == "allow"
        assert ask("operator", f"admin:{area}:read", role="admin", assurance=1) == "allow"
        assert ask("operator", f"admin:{area}:write", role="analyst", assurance=1) == "deny"


def test_high_risk_on_the_admin_plane_needs_a_passkey() -> None:
    assert ask("operator", "admin:overview:read", role="admin", assurance=2, risk="high") == "step-up"
    assert ask("operator", "admin:overview:read", role="admin", assurance=3, risk="high") == "allow"


def test_inspection_on_this_machine_needs_no_key() -> None:
    assert ask("anonymous", "admin:inspect:write", **LOCAL) == "allow"
    assert ask("anonymous", "admin:inspect:write", **FAR) == "deny"
    assert ask("anonymous", "admin:overview:read", **LOCAL) == "deny"
