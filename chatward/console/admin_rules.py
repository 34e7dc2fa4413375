"""What requests to the admin plane are, as actions, and what roles may do where no policies were given.

``rule_of`` is total: every method and path has a rule, so a new route is guarded before anybody thinks of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

import orjson

from chatward.console.statics import FILES
from chatward.core.identity import Question, Ruling
from chatward.identity.cedar_schema import ACTIONS

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""
RESOURCE: Final = "AdminArea"
PROGRAM: Final = "program"
"""The role of who has a key of ``server.keys``."""
OPEN_CONSOLE: Final = "open-console"
"""The role of who asks while the console stands open."""

_OPEN: Final = {
    "/healthz": {"GET", "HEAD"},
    "/login": {"GET", "HEAD", "POST"},
    **{path: {"GET", "HEAD"} for path in FILES},
    "/api/v1/session": {"GET", "HEAD", "POST"},
    "/api/v1/session/passkey": {"POST"},
    "/api/v1/session/passkey/options": {"POST"},
}
_PROVIDER: Final = re.compile(r"/login/[A-Za-z0-9_.-]{1,64}(?:/callback)?", re.ASCII)
_WELCOME: Final = re.compile(r"/welcome/[\w-]{43}", re.ASCII)
_OWN: Final = re.compile(
    r"/logout|/preferences|/start/done|/views/(?:save|delete)|/account(?:/[a-z-]+)?|/api/v1/session(?:/[\w-]+)*",
    re.ASCII,
)
_POSTS: Final = tuple(
    (re.compile(form, re.ASCII), action)
    for form, action in (
        (r"/account/review|/operators/review|/api/v1/operators/[\w:-]+/review", "admin:operators:approve"),
        (r"/approvals/decide|/api/v1/approvals/[\w-]+/decision", "admin:approvals:approve"),
        (r"/approvals/reveal|/api/v1/approvals/[\w-]+/reveal", "admin:approvals:export"),
        (r"/policy/(?:explain|try)|/api/v1/policy/(?:explain|try)", "admin:policy:read"),
        (r"/messages/reveal", "admin:ledger:export"),
        (r"/start/attack", "admin:inspect:write"),
        (r"/ledger/verify|/api/v1/ledger/verify", "admin:ledger:read"),
        (r"/reports/verify", "admin:reports:read"),
    )
)
"""What is posted and is not a change of its area: consent, what is shown whole, and a question."""
_FILES: Final = re.compile(r"/vendors/[^/]+/evidence/[^/]+")
"""Files that vendors gave: shown whole, which looking around does not reach."""
_AREA: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_AREAS: Final = {
    "/": "overview",
    "/api/v1/status": "overview",
    "/api/v1/openapi.json": "overview",
    "/beta/litellm_basic_guardrail_api": "inspect",
}
_ALSO: Final = {
    "behaviour": "incidents",
    "invitations": "operators",
    "messages": "ledger",
    "messages.csv": "ledger",
    "live": "ledger",
    "findings.csv": "findings",
    "search": "overview",
    "help": "overview",
    "start": "overview",
    "tools": "bots",
    "traffic": "ledger",
    "people": "sessions",
    "tenants": "sessions",
    "health": "overview",
    "feeds": "intel",
    "controls": "reports",
    "drills": "reports",
}
"""Paths whose first segment is named otherwise than their area."""


class Ground(Enum):
    """On what ground something is reached."""

    OPEN = "open"
    OWN = "own"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a request needs. ``action`` and ``area`` where it is decided."""

    ground: Ground
    action: str = ""
    area: str = ""


def rule_of(method: str, path: str) -> Rule:
    """Total: every method and path has a rule."""
    if method in _OPEN.get(path, ()) or (_WELCOME.fullmatch(path) and method in {"GET", "HEAD", "POST"}):
        return Rule(Ground.OPEN)
    if method == "GET" and _PROVIDER.fullmatch(path):
        return Rule(Ground.OPEN)
    if method == "POST":
        for form, action in _POSTS:
            if form.fullmatch(path):
                return Rule(Ground.DECIDED, action, action.split(":")[1])
    if method in SAFE and _FILES.fullmatch(path):
        return Rule(Ground.DECIDED, "admin:vendors:export", "vendors")
    if _OWN.fullmatch(path):
        return Rule(Ground.OWN)
    segments = path.removeprefix("/api/v1/").lstrip("/").split("/")
    area = _AREAS.get(path, _ALSO.get(segments[0], segments[0]))
    if not _AREA.fullmatch(area):
        area = "unmapped"
    verb = "read" if method in SAFE else "delete" if method == "DELETE" else "write"
    return Rule(Ground.DECIDED, f"admin:{area}:{verb}", area)


_LOOK: Final = ("admin:*:read", ("keys", "privacy", "scim"))
_PROGRAM: Final = (("admin:overview:read", ()), ("admin:metrics:read", ()), ("admin:inspect:write", ()))
_RUN: Final = ("keys", "operators", "policy", "privacy", "roles", "scim", "settings", "users")
_WORK: Final = tuple(
    (f"admin:{area}:*", ()) for area in ("alerts", "feedback", "findings", "incidents", "inspect", "intel")
)
ROLES: Final[Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "admin": (("admin:*:*", ()),),
    "operator": (("admin:*:*", _RUN), _LOOK),
    "analyst": (*_WORK, _LOOK),
    "auditor": (("admin:*:read", ()), ("admin:*:export", ()), ("admin:operators:approve", ())),
    "privacy-officer": (("admin:privacy:*", ()), ("admin:reports:*", ()), ("admin:ledger:export", ()), _LOOK),
    "read-only": (_LOOK,),
    PROGRAM: _PROGRAM,
    OPEN_CONSOLE: _PROGRAM,
}
"""What each role may do where no policies were given, as the policies that come with Chatward have it: shell-style
patterns of actions, and areas that a pattern leaves out."""


class RoleTable:
    """An ``Authorizer`` of roles alone. What no row permits is denied, and so is what no policy could speak of."""

    @property
    def version(self) -> str:
        return sha256(orjson.dumps(ROLES, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    def decide(self, question: Question) -> Ruling:
        action = question.action
        if action not in ACTIONS or question.resource[0] != RESOURCE:
            return Ruling(False, reason="unknown-action")
        area = action.split(":")[1]
        for role in sorted(question.principal.roles & ROLES.keys()):
            if any(fnmatchcase(action, pattern) and area not in but for pattern, but in ROLES[role]):
                return Ruling(True, (f"role:{role}",), "permitted")
        return Ruling(False, reason="not-permitted")
