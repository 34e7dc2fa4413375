"""An operator's own account: password, one-time codes, sessions, and what waits for their review. Its passkeys are
``console.passkey_routes``'."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.console.access import AdminAccess, caller_of, change_password, confirm_code, sign_out
from chatward.console.access_pages import Pages
from chatward.console.wording import ENGLISH
from chatward.core.errors import ClientError


def account_routes(router: APIRouter, access: AdminAccess, pages: Pages) -> None:
    """Adds ``/account`` and what its forms do."""

    @router.get("/account", include_in_schema=False)
    async def account(request: Request) -> Response:
        return await pages.account(caller_of(request))

    @router.post("/account/password", include_in_schema=False)
    async def password(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            new = caller.form.get("new", "")
            if new != caller.form.get("again"):
                raise ClientError(ENGLISH["different"], reason="password-different")
            token = await change_password(access, caller, caller.form.get("old", ""), new)
            return await pages.renewed(caller, token, ENGLISH["password_changed"])

        return await pages.acting(caller, act)

    @router.post("/account/codes", include_in_schema=False)
    async def codes(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            me, factor = access.operators.get(caller.principal.id), access.second_factor
            if me is None or factor is None:
                raise ClientError(ENGLISH["codes_none"], reason="second-factor-off")
            code = caller.form.get("code", "")
            uri = await asyncio.to_thread(factor.begin, caller.principal, me.name, code)
            return await pages.account(caller, uri=uri)

        return await pages.acting(caller, act)

    @router.post("/account/confirm", include_in_schema=False)
    async def confirm(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            token = await confirm_code(access, caller, caller.form.get("code", ""))
            return await pages.renewed(caller, token, ENGLISH["codes_done"])

        return await pages.acting(caller, act)

    @router.post("/account/end", include_in_schema=False)
    async def end(request: Request) -> Response:
        caller = caller_of(request)
        me, chosen = caller.principal, caller.form.get("session", "")
        mine = [one.id for one in await asyncio.to_thread(access.sessions.of, me.id)]
        for session in mine if chosen == "others" else [chosen]:
            if session != me.session:
                await sign_out(access, me, session, "ended")
        return await pages.account(caller, done=ENGLISH["session_ended"])

    @router.post("/account/review", include_in_schema=False)
    async def review(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            which = caller.form.get("operator", "")
            await asyncio.to_thread(access.operators.review, which, caller.principal.id)
            return await pages.account(caller, done=ENGLISH["reviewed"])

        return await pages.acting(caller, act)
