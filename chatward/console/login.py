"""The pages for signing in and out, for the first admin and for who was invited; ``login_router`` has those of one's
own account as well.

The rules:

1. ``guarding`` stands before every route here: what is ``OWN`` has a session, forms are checked for their origin.
2. A page changes nothing when it is asked for (GET): a link preview uses up no link.
3. Where to go afterwards is a path of this plane in plain characters; anything else is ``/``.
4. The answer to a failed log-in is the same for every name.
"""

from __future__ import annotations

import asyncio
import secrets

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from chatward.console.access import AdminAccess, caller_of, drop_session, set_signed_in, sign_in, sign_out
from chatward.console.access_pages import Pages, local, retry
from chatward.console.account import account_routes
from chatward.console.federation import TOLD, federation_routes
from chatward.console.passkey_routes import passkey_routes
from chatward.console.session_api import session_routes
from chatward.console.wording import ENGLISH
from chatward.core.errors import ClientError, IdentityError
from chatward.identity.operators import Operator


def login_router(access: AdminAccess) -> APIRouter:
    """All routes of signing in, to be included in the admin application, which ``guarding.Guarding`` wraps."""
    router, pages = APIRouter(), Pages(access)
    _login_routes(router, access, pages)
    account_routes(router, access, pages)
    session_routes(router, access)
    passkey_routes(router, access)
    federation_routes(router, access, pages)
    return router


def _login_routes(router: APIRouter, access: AdminAccess, pages: Pages) -> None:
    @router.get("/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        caller = caller_of(request)
        there = local(request.query_params.get("next", "/"))
        if caller.signed_in:
            return RedirectResponse(there, 303)
        done = {"out": ENGLISH["signed_out"], "new": ENGLISH["welcome_done"]}.get(
            request.query_params.get("done", ""), ""
        )
        problem = TOLD.get(request.query_params.get("problem", ""), "")
        return pages.login(caller, next=there, done=done, problem=problem)

    @router.post("/login", include_in_schema=False)
    async def log_in(request: Request) -> Response:
        caller = caller_of(request)
        form, there = caller.form, local(caller.form.get("next", "/"))
        try:
            signed = await sign_in(access, caller, form.get("name", ""), form.get("password", ""), form.get("code", ""))
        except (ClientError, IdentityError) as error:
            return retry(error, pages.login(caller, error.status, problem=error.public, next=there))
        response = RedirectResponse(there, 303)
        set_signed_in(access, response, signed, secrets.token_urlsafe(32))
        return response

    @router.post("/logout", include_in_schema=False)
    async def log_out(request: Request) -> Response:
        caller = caller_of(request)
        await sign_out(access, caller.principal, caller.principal.session, "log-out")
        response = RedirectResponse("/login?done=out", 303)
        drop_session(access, response)
        return response

    # --- the first admin, and who was invited

    @router.get("/welcome/{token}", include_in_schema=False)
    async def welcome(request: Request, token: str) -> Response:
        invited = None if access.invitations is None else await asyncio.to_thread(access.invitations.opens, token)
        good = invited is not None or await asyncio.to_thread(access.operators.opens, token)
        roles = [] if invited is None else sorted(invited.roles)
        return pages.render(caller_of(request), "welcome.html", 200 if good else 404, good=good, roles=roles)

    @router.post("/welcome/{token}", include_in_schema=False)
    async def begin(request: Request, token: str) -> Response:
        caller = caller_of(request)
        name, password = caller.form.get("name", ""), caller.form.get("password", "")
        try:
            if password != caller.form.get("again"):
                raise ClientError(ENGLISH["different"], reason="password-different")
            await access.turns.run(_redeem, access, token, name, password)
        except (ClientError, IdentityError) as error:
            good = error.reason != "link-invalid"
            invited = None if access.invitations is None else await asyncio.to_thread(access.invitations.opens, token)
            known = {"good": good, "roles": [] if invited is None else sorted(invited.roles)}
            return pages.render(caller, "welcome.html", error.status, **known, problem=error.public if good else "")
        return RedirectResponse("/login?done=new", 303)


def _redeem(access: AdminAccess, token: str, name: str, password: str) -> Operator:
    """The account that a link is for. A link that is neither kind gets the answer of the first admin's."""
    if access.invitations is not None and access.invitations.opens(token) is not None:
        return access.invitations.redeem(token, name, password)
    return access.operators.redeem(token, name, password)
