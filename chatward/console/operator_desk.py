"""Operators: who there is, what they may do, and where they are signed in; as a page and for programs.

The rules:

1. Everything here is an action on the area ``operators``, decided before it is reached (``console.guarding``); what may
   be done at all is ``identity.operators``' to say: there is always an active admin, nobody reviews their own use.
2. Nobody takes away their own one-time codes: who has lost them asks another operator. It ends the account's sessions.
3. Uses of accounts for emergencies that nobody has reviewed stand first on the page.
4. A link for a new account is shown once, to who made it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import AdminAccess, AdminCaller, caller_of, host_name, note
from chatward.console.access_pages import Pages, form_route
from chatward.console.tables import Column, Table, listed
from chatward.console.wording import ENGLISH
from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.identity.invitations import Invitations
from chatward.identity.operators import REVIEWERS, ROLES, Operator

COLUMNS: Final = (
    Column("name", "person_name"),
    Column("id", "message_id", "code"),
    Column("state", "operator_state", "tag", pick=True, tones={"active": "allow", "disabled": "block"}),
    Column("roles", "roles", "list", pick=True),
    Column("codes", "operator_codes", "yes", pick=True),
    Column("signed_in", "operator_sessions", "number"),
    Column("created", "person_made", "time"),
    Column("used", "operator_glass_used", "time"),
)


class SessionAnswer(BaseModel):
    """One log-in of an operator. Times are seconds since 1970 UTC."""

    id: str
    opened: float
    seen: float
    expires: float
    agent: str
    assurance: int


class OperatorAnswer(BaseModel):
    """An account. ``review``: a use of it (an account for emergencies) awaits its review since ``used``."""

    id: str
    name: str
    roles: list[str]
    active: bool
    break_glass: bool
    codes: bool
    review: bool
    used: float | None
    created: float
    sessions: list[SessionAnswer]


class Change(BaseModel):
    """What is to be otherwise: the roles, whether the account may be used, or both."""

    model_config = ConfigDict(extra="forbid")

    roles: list[str] | None = Field(default=None, max_length=len(ROLES))
    active: bool | None = None


class Invite(BaseModel):
    """A new account: its roles, and whether it is for emergencies."""

    model_config = ConfigDict(extra="forbid")

    roles: list[str] = Field(max_length=len(ROLES))
    break_glass: bool = False


class InvitationAnswer(BaseModel):
    """``path`` is the link on this plane, once, in the answer to what made it."""

    id: str
    roles: list[str]
    break_glass: bool
    by: str
    expires: float
    path: str = ""


class OperatorDesk:
    """What may be done about accounts, whatever the form of the request."""

    def __init__(self, access: AdminAccess, invitations: Invitations) -> None:
        self._access = access
        self.invitations = invitations

    def everybody(self) -> list[OperatorAnswer]:
        """Blocks."""
        access = self._access
        uses = {use.operator: use.at for use in access.operators.pending()}
        return [self._told(one, uses.get(one.id)) for one in access.operators.all()]

    async def change(self, caller: AdminCaller, id: str, change: Change) -> None:
        """Raises ``ClientError``: ``operator-unknown``, ``last-admin``, ``role-missing``, ``role-unknown``."""
        by, operators = caller.principal.id, self._access.operators

        def act() -> None:
            if change.active is False:  # what takes rights away comes first
                operators.disable(id, by=by)
            if change.roles is not None:
                operators.set_roles(id, change.roles, by=by)
            if change.active is True:
                operators.enable(id, by=by)

        await asyncio.to_thread(act)

    async def reset(self, caller: AdminCaller, id: str) -> bool:
        """Takes one-time codes and passkeys away and ends the sessions; whether there were any. Raises
        ``IdentityError`` (``reset-own``), ``ClientError`` (``operator-unknown``, ``second-factor-off``)."""
        access, factor, keys = self._access, self._access.second_factor, self._access.passkeys
        if factor is None and keys is None:
            raise ClientError(ENGLISH["codes_none"], reason="second-factor-off")
        if id == caller.principal.id:
            raise IdentityError(ENGLISH["reset_own"], reason="reset-own", status=403)
        self._known(id)
        about = {"operator": id, "what": "one-time-codes", "by": caller.principal.id}
        await note(access, Event.OPERATOR_CHANGED, about)
        had = keys is not None and await asyncio.to_thread(keys.forget, id)
        had = (factor is not None and await asyncio.to_thread(factor.reset, id)) or had
        for session in await asyncio.to_thread(access.sessions.of, id):
            await self.end(caller, id, session.id, "reset")
        return had

    async def end(self, caller: AdminCaller, id: str, session: str, reason: str = "ended") -> bool:
        """Ends a session of an operator; whether there was one."""
        ended = await asyncio.to_thread(self._access.sessions.end, session, id)
        if ended:
            about = {"operator": id, "session": session, "reason": reason, "by": caller.principal.id}
            await note(self._access, Event.OPERATOR_SESSION_CLOSED, about)
        return ended

    async def review(self, caller: AdminCaller, id: str) -> None:
        await asyncio.to_thread(self._access.operators.review, id, caller.principal.id)

    async def invite(self, caller: AdminCaller, wanted: Invite) -> InvitationAnswer:
        def act() -> InvitationAnswer:
            made = self.invitations.invite(wanted.roles, break_glass=wanted.break_glass, by=caller.principal.id)
            one = made.invitation
            return InvitationAnswer(
                id=one.id,
                roles=sorted(one.roles),
                break_glass=one.break_glass,
                by=one.by,
                expires=one.expires,
                path=f"/welcome/{made.token}",
            )

        return await asyncio.to_thread(act)

    def invited(self) -> list[InvitationAnswer]:
        """Blocks."""
        return [
            InvitationAnswer(
                id=one.id, roles=sorted(one.roles), break_glass=one.break_glass, by=one.by, expires=one.expires
            )
            for one in self.invitations.open()
        ]

    def name(self, id: str) -> str:
        found = self._access.operators.get(id)
        return id if found is None else found.name

    def _known(self, id: str) -> Operator:
        found = self._access.operators.get(id)
        if found is None:
            raise ClientError("There is no such operator.", reason="operator-unknown", status=404)
        return found

    def _told(self, one: Operator, used: float | None) -> OperatorAnswer:
        factor = self._access.second_factor
        return OperatorAnswer(
            id=one.id,
            name=one.name,
            roles=sorted(one.roles),
            active=one.active,
            break_glass=one.break_glass,
            codes=factor is not None and factor.enrolled(one.id),
            review=used is not None,
            used=used,
            created=one.created,
            sessions=[
                SessionAnswer(
                    id=session.id,
                    opened=session.opened,
                    seen=session.seen,
                    expires=session.expires,
                    agent=session.agent,
                    assurance=session.assurance,
                )
                for session in self._access.sessions.of(one.id)
            ],
        )


def operator_routes(router: APIRouter, access: AdminAccess, desk: OperatorDesk, pages: Pages) -> None:
    """Adds ``/operators`` and ``/api/v1/operators``."""
    _pages(router, access, desk, pages)
    _api(router, desk)


def _pages(router: APIRouter, access: AdminAccess, desk: OperatorDesk, pages: Pages) -> None:
    async def page(request: Request, status: int = 200, **values: Any) -> Response:
        caller = caller_of(request)
        everybody = await asyncio.to_thread(desk.everybody)
        invited = await asyncio.to_thread(desk.invited)
        me = access.operators.get(caller.principal.id)
        reviews = me is not None and not me.break_glass and bool(me.roles & REVIEWERS)
        known = {
            "here": "/operators",
            "me": caller.principal.id,
            "roles": ROLES,
            "operators": [one.model_dump() for one in everybody],
            "invited": [one.model_dump() | {"giver": desk.name(one.by)} for one in invited],
            "may": {"write": caller.may("admin:operators:write"), "review": reviews},
            "link": "",
        }
        accounts = [one.model_dump() | {"state": _state(one), "signed_in": len(one.sessions)} for one in everybody]
        table = Table("operators", "operators_title", COLUMNS, accounts, "operators_none")
        return await listed(pages, request, "operators.html", [table], status, **(known | values))

    @router.get("/operators", include_in_schema=False)
    async def operators(request: Request) -> Response:
        return await page(request)

    async def roles(caller: AdminCaller) -> dict[str, Any]:
        await desk.change(caller, caller.form.get("operator", ""), Change(roles=_chosen(caller)))
        return {"done": ENGLISH["operator_done_roles"]}

    async def state(caller: AdminCaller) -> dict[str, Any]:
        active = caller.form.get("active") == "yes"
        await desk.change(caller, caller.form.get("operator", ""), Change(active=active))
        return {"done": ENGLISH["operator_done_enabled" if active else "operator_done_disabled"]}

    async def reset(caller: AdminCaller) -> dict[str, Any]:
        await desk.reset(caller, caller.form.get("operator", ""))
        return {"done": ENGLISH["operator_done_reset"]}

    async def end(caller: AdminCaller) -> dict[str, Any]:
        await desk.end(caller, caller.form.get("operator", ""), caller.form.get("session", ""))
        return {"done": ENGLISH["session_ended"]}

    async def review(caller: AdminCaller) -> dict[str, Any]:
        await desk.review(caller, caller.form.get("operator", ""))
        return {"done": ENGLISH["reviewed"]}

    async def invite(caller: AdminCaller) -> dict[str, Any]:
        wanted = Invite(roles=_chosen(caller), break_glass="break_glass" in caller.form)
        made = await desk.invite(caller, wanted)
        return {"link": _origin(access, caller) + made.path}

    async def withdraw(caller: AdminCaller) -> dict[str, Any]:
        by = caller.principal.id
        await asyncio.to_thread(lambda: desk.invitations.withdraw(caller.form.get("invitation", ""), by=by))
        return {"done": ENGLISH["invite_withdrawn"]}

    for path, act in (
        ("roles", roles),
        ("state", state),
        ("reset", reset),
        ("end", end),
        ("review", review),
        ("invite", invite),
        ("withdraw", withdraw),
    ):
        form_route(router, pages, f"/operators/{path}", page, act)


def _api(router: APIRouter, desk: OperatorDesk) -> None:
    @router.get("/api/v1/operators", summary="Operators, and where they are signed in")
    async def everybody() -> list[OperatorAnswer]:
        return await asyncio.to_thread(desk.everybody)

    @router.patch("/api/v1/operators/{id}", summary="Give an operator other roles, disable or enable them")
    async def change(request: Request, id: str, wanted: Change) -> dict[str, bool]:
        await desk.change(caller_of(request), id, wanted)
        return {"changed": True}

    @router.post("/api/v1/operators/{id}/reset", summary="Take an operator's one-time codes away")
    async def reset(request: Request, id: str) -> dict[str, bool]:
        return {"reset": await desk.reset(caller_of(request), id)}

    @router.post("/api/v1/operators/{id}/review", summary="Say that the use of an account for emergencies was reviewed")
    async def review(request: Request, id: str) -> dict[str, bool]:
        await desk.review(caller_of(request), id)
        return {"reviewed": True}

    @router.delete("/api/v1/operators/{id}/sessions/{session}", summary="End a session of an operator")
    async def end(request: Request, id: str, session: str) -> dict[str, bool]:
        return {"ended": await desk.end(caller_of(request), id, session)}

    @router.get("/api/v1/invitations", summary="Invitations that are open")
    async def invited() -> list[InvitationAnswer]:
        return await asyncio.to_thread(desk.invited)

    @router.post("/api/v1/invitations", summary="A link for a new operator, shown once")
    async def invite(request: Request, wanted: Invite) -> InvitationAnswer:
        return await desk.invite(caller_of(request), wanted)

    @router.delete("/api/v1/invitations/{id}", summary="Withdraw an invitation")
    async def withdraw(request: Request, id: str) -> dict[str, bool]:
        by = caller_of(request).principal.id
        await asyncio.to_thread(lambda: desk.invitations.withdraw(id, by=by))
        return {"withdrawn": True}


def _chosen(caller: AdminCaller) -> list[str]:
    """Roles that are ticked in a form: fields ``role-admin`` and so on, since no field stands in it twice."""
    return [role for role in ROLES if f"role-{role}" in caller.form]


def _state(one: OperatorAnswer) -> str:
    return "disabled" if not one.active else "emergency-only" if one.break_glass else "active"


def _origin(access: AdminAccess, caller: AdminCaller) -> str:
    """Where this plane is, as the caller asked for it; the guard has looked at the name."""
    host = caller.headers.get("host") or ""
    return f"{'https' if access.secure else 'http'}://{host}" if host_name(host) else ""
