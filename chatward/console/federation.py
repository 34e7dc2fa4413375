"""Operators who sign in to the console by an identity provider, beside those with a password.

The rules:

1. The settings say which provider, which claim lists groups, and which group gives which role. Who has none of them is
   nobody here, whatever else the provider says of them.
2. Their account is made at the first sign-in and known by a digest of issuer and subject; its roles are those of the
   last sign-in, so whoever loses a group has lost the role by then, and whoever is logged out or shut out there has
   left at once (``Sessions``). It has no password here. It can be disabled here.
3. Where two factors are needed, the provider must have seen them (``acr``, ``amr``).
4. The flow is ``identity.oidc_login``'s, with a cookie and attempts of its own: an attempt that was begun on the other
   plane ends nowhere here.
5. The answer comes from another site, and our cookies are ``SameSite=Strict``: the page that is shown then leads on by
   itself (``refresh``), which is this plane's own navigation. A redirect would be the other site's, without cookies.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from chatward.console.access import (
    AdminAccess,
    AdminCaller,
    caller_of,
    cookies_may_leave,
    is_loopback_name,
    note,
    set_seed,
    set_session,
    sign_out,
)
from chatward.console.access_pages import Pages, local
from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Principal
from chatward.identity.allowance import Allowance
from chatward.identity.oidc_login import COOKIE, LIFETIME, Logins
from chatward.identity.sessions import cookie, cookie_name
from chatward.identity.signin_api import BEGINNINGS, PROBLEMS, begins

TOLD: Final = {
    **PROBLEMS,
    "tls-needed": "Signing in needs TLS. Ask for this page by https, or on the machine itself.",
    "second-factor-needed": "Two factors are needed here. Sign in at the identity provider with both.",
}
"""What the page says, by reason."""


def attempts(name: str) -> str:
    """The name of a provider in ``Logins`` of this plane: attempts of the two planes do not mix."""
    return f"operators:{name}"


class Federation:
    """``logins`` for this plane, whose providers give operators' roles; ``titles`` are what people read, by name;
    ``origin`` is this plane's, or empty on this machine."""

    def __init__(self, logins: Logins, titles: Mapping[str, str], origin: str = "") -> None:
        self.logins = logins
        self.titles = dict(titles)
        self.origin = origin

    def address(self, access: AdminAccess, caller: AdminCaller, name: str) -> str:
        """Where the provider sends the browser back to. Raises ``IdentityError``."""
        if self.origin:
            return f"{self.origin}/login/{name}/callback"
        host = caller.headers.get("host") or ""
        if not is_loopback_name(host):
            raise IdentityError(PROBLEMS["login-unavailable"], reason="login-unavailable", status=503)
        return f"{'https' if access.secure else 'http'}://{host}/login/{name}/callback"


def federation_routes(router: APIRouter, access: AdminAccess, pages: Pages) -> None:
    """Adds ``/login/NAME`` and its way back, where there is a provider for operators."""
    federation = access.federation
    if federation is None:
        return
    allowance = Allowance(BEGINNINGS)
    held = cookie_name(f"operator-{COOKIE}", secure=access.secure)

    @router.get("/login/{name}", include_in_schema=False)
    async def begin(request: Request, name: str) -> Response:
        caller, there = caller_of(request), local(request.query_params.get("next", "/"))
        try:
            if not cookies_may_leave(access, caller):
                raise IdentityError(TOLD["tls-needed"], reason="tls-needed", status=403)
            begins(allowance, caller.address)
            begun = await federation.logins.begin(attempts(name), federation.address(access, caller, name), there)
        except IdentityError as error:
            return await _failed(access, error)
        response = RedirectResponse(begun.url, 303)
        response.set_cookie(
            held, begun.cookie, int(LIFETIME), path="/", secure=access.secure, httponly=True, samesite="lax"
        )
        return response

    @router.get("/login/{name}/callback", include_in_schema=False)
    async def finish(request: Request, name: str) -> Response:
        caller = caller_of(request)
        response: Response
        try:
            given = request.query_params.multi_items()
            signed = await federation.logins.finish(given, cookie(caller.headers, held), attempts(name))
            token = await sign_in_by_provider(access, caller, signed.principal, name)
        except (ClientError, IdentityError) as error:
            response = await _failed(access, error)
        else:
            response = pages.render(caller, "signed_in.html", there=signed.back)
            response.headers["refresh"] = f"0;url={signed.back}"
            set_session(access, response, token)
            set_seed(access, response, secrets.token_urlsafe(32))
        response.delete_cookie(held, path="/", secure=access.secure, httponly=True, samesite="lax")
        return response


async def sign_in_by_provider(access: AdminAccess, caller: AdminCaller, person: Principal, provider: str) -> str:
    """A new session for whom a provider vouches; its token. Raises ``IdentityError``: ``login-denied``,
    ``second-factor-needed``."""
    if not person.roles:
        _denied("none of their groups has a role here")
    if access.code_needed and person.assurance < Assurance.MULTI:
        raise IdentityError(TOLD["second-factor-needed"], reason="second-factor-needed", status=403)
    operator = await asyncio.to_thread(access.operators.admit, person.id, provider, person.roles)
    if not operator.active:
        _denied("the account is disabled")
    agent = caller.headers.get("user-agent") or ""
    token, principal = await asyncio.to_thread(access.sessions.open, operator, person.assurance, agent, person)
    about = {"operator": operator.id, "session": principal.session, "assurance": int(person.assurance)}
    try:
        await note(access, Event.OPERATOR_SESSION_OPENED, {**about, "provider": provider})
    except BaseException:
        await asyncio.to_thread(access.sessions.end, principal.session, operator.id)
        raise
    if caller.signed_in:
        await sign_out(access, caller.principal, caller.principal.session, "log-in")
    return token


async def _failed(access: AdminAccess, error: ClientError | IdentityError) -> RedirectResponse:
    """To a page without the provider's answer in its address, which says why."""
    await note(access, Event.OPERATOR_SESSION_REFUSED, {"reason": error.reason, "operator": ""})
    return RedirectResponse(f"/login?{urlencode({'problem': error.reason})}", 303)


def _denied(cause: str) -> NoReturn:
    raise IdentityError(PROBLEMS["login-denied"], reason="login-denied", status=403) from ValueError(cause)
