"""The pages by which operators run Chatward, and the same for programs: approvals, operators, keys, decisions.

``guarding`` stands before every route here: each is an action that was decided before it is reached.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from chatward.console.access import AdminAccess
from chatward.console.access_pages import Pages
from chatward.console.approval_desk import ApprovalDesk, approval_routes
from chatward.console.assurance_desk import assurance_routes
from chatward.console.assuring import Assuring
from chatward.console.behaviour_desk import BehaviourDesk, behaviour_routes
from chatward.console.explain_desk import Explaining, explain_routes
from chatward.console.key_desk import KeyDesk, key_routes
from chatward.console.operator_desk import OperatorDesk, operator_routes
from chatward.console.people_desk import People, people_routes
from chatward.core.values import Verdict
from chatward.identity.approvals import Approvals
from chatward.identity.invitations import Invitations
from chatward.identity.key_store import KeyStore
from chatward.identity.risk import Risks
from chatward.settings import Settings


@dataclass(frozen=True, slots=True)
class Desks:
    """What these pages work with. ``clock`` gives seconds since 1970 UTC."""

    access: AdminAccess
    approvals: Approvals
    invitations: Invitations
    keys: KeyStore
    authorizer: Explaining
    clock: Callable[[], float] = time.time
    risks: Risks | None = None
    behaviour: BehaviourDesk | None = None
    people: People | None = None
    assuring: Assuring = field(default_factory=lambda: Assuring(Settings(), lambda entry: None, None))


def desk_router(desks: Desks, check: Callable[[str], Verdict]) -> APIRouter:
    """All routes of these pages. ``check`` judges a text as a bot's, by the configuration in force."""
    router, pages = APIRouter(), Pages(desks.access)

    def titles() -> Mapping[str, str]:
        return {id: policy.annotations.get("title", "") for id, policy in desks.authorizer.policies.items()}

    approval_routes(router, ApprovalDesk(desks.approvals, check, titles), pages)
    operator_routes(router, desks.access, OperatorDesk(desks.access, desks.invitations), pages)
    key_routes(router, KeyDesk(desks.keys, clock=desks.clock), pages)
    explain_routes(router, desks.authorizer, pages, desks.risks)
    behaviour_routes(router, desks.behaviour)
    people_routes(router, pages, desks.people)
    assurance_routes(router, pages, desks.assuring)
    return router
