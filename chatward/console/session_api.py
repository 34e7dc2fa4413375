"""Signing in and out for programs: the pages' doings as JSON.

A program says ``Origin``, or sends no cookie, when it signs in; afterwards it sends the session's cookie, ``Origin``,
and in ``x-csrf-token`` the token of the last answer with whatever changes something.
"""

from __future__ import annotations

import asyncio
import secrets

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import (
    AdminAccess,
    AdminCaller,
    caller_of,
    drop_session,
    set_seed,
    set_signed_in,
    sign_in,
    sign_out,
)


class Credentials(BaseModel):
    """Name and password of an operator, and a one-time code where one is set up."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    code: str = Field(default="", max_length=20)


class OperatorAnswer(BaseModel):
    id: str
    name: str
    roles: list[str]
    assurance: int


class SessionAnswer(BaseModel):
    """``csrf`` goes into the header ``x-csrf-token`` of what changes something."""

    operator: OperatorAnswer | None
    session: str
    csrf: str


class OpenSession(BaseModel):
    """Times are seconds since 1970 UTC."""

    id: str
    opened: float
    seen: float
    expires: float
    agent: str
    current: bool


def session_routes(router: APIRouter, access: AdminAccess) -> None:
    """Adds ``/api/v1/session``."""

    def answer(caller: AdminCaller, seed: str) -> SessionAnswer:
        who = access.operators.get(caller.principal.id) if caller.signed_in else None
        told = None
        if who is not None:
            told = OperatorAnswer(
                id=who.id, name=who.name, roles=sorted(who.roles), assurance=caller.principal.assurance
            )
        session = caller.principal.session if told is not None else ""
        return SessionAnswer(operator=told, session=session, csrf=access.csrf.token(seed, caller.token))

    @router.get("/api/v1/session", summary="Who is signed in, and the token for what changes something")
    async def session(request: Request, response: Response) -> SessionAnswer:
        caller = caller_of(request)
        seed = access.csrf.seed(caller.headers)
        set_seed(access, response, seed)
        return answer(caller, seed)

    @router.post("/api/v1/session", summary="Sign in")
    async def open_session(request: Request, response: Response, given: Credentials) -> SessionAnswer:
        caller, seed = caller_of(request), secrets.token_urlsafe(32)
        signed = await sign_in(access, caller, given.name, given.password, given.code)
        set_signed_in(access, response, signed, seed)
        return answer(AdminCaller(signed.principal, caller.headers, caller.address, signed.token), seed)

    @router.delete("/api/v1/session", summary="Sign out")
    async def close_session(request: Request, response: Response) -> dict[str, bool]:
        caller = caller_of(request)
        ended = await sign_out(access, caller.principal, caller.principal.session, "log-out")
        drop_session(access, response)
        return {"ended": ended}

    @router.get("/api/v1/session/all", summary="One's own sessions")
    async def all_sessions(request: Request) -> list[OpenSession]:
        caller = caller_of(request)
        found = await asyncio.to_thread(access.sessions.of, caller.principal.id)
        return [
            OpenSession(
                id=one.id,
                opened=one.opened,
                seen=one.seen,
                expires=one.expires,
                agent=one.agent,
                current=one.id == caller.principal.session,
            )
            for one in found
        ]

    @router.delete("/api/v1/session/{id}", summary="End one of one's own sessions")
    async def end_session(request: Request, id: str) -> dict[str, bool]:
        return {"ended": await sign_out(access, caller_of(request).principal, id, "ended")}
