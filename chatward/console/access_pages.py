"""The pages of signing in and of one's own account, made from templates and the strings in ``wording``."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from chatward.console.access import AdminAccess, AdminCaller, caller_of, set_seed, set_session
from chatward.console.preferences import THEMES, ZONES, preferences
from chatward.console.views import View
from chatward.console.wording import ENGLISH, in_language, languages, visible
from chatward.core.errors import ChatwardError, ClientError, IdentityError
from chatward.identity.lockout import TooManyError
from chatward.identity.operator_passkeys import OperatorPasskeys
from chatward.identity.operators import REVIEWERS
from chatward.identity.sessions import Session

_PATH: Final = re.compile(r"/(?![/\\])[\w.~/?=&%+,:@-]{0,500}", re.ASCII)


NAVIGATION: Final = (
    ("/", "overview_title", "admin:overview:read", "group_watch"),
    ("/live", "live_title", "admin:ledger:read", "group_watch"),
    ("/messages", "messages_title", "admin:ledger:read", "group_watch"),
    ("/findings", "findings_title", "admin:findings:read", "group_watch"),
    ("/alerts", "alerts_title", "admin:alerts:read", "group_watch"),
    ("/traffic", "actors_title", "admin:ledger:read", "group_watch"),
    ("/approvals", "approvals_title", "admin:approvals:read", "group_decide"),
    ("/privacy", "privacy_title", "admin:privacy:read", "group_decide"),
    ("/policy", "policy_title", "admin:policy:read", "group_rules"),
    ("/policy/explain", "explain_title", "admin:policy:read", "group_rules"),
    ("/bots", "bots_title", "admin:bots:read", "group_rules"),
    ("/tools", "tools_title", "admin:bots:read", "group_rules"),
    ("/feeds", "feeds_title", "admin:intel:read", "group_rules"),
    ("/vendors", "vendors_title", "admin:vendors:read", "group_assure"),
    ("/patches", "patches_title", "admin:patches:read", "group_assure"),
    ("/controls", "controls_title", "admin:reports:read", "group_assure"),
    ("/reports", "reports_title", "admin:reports:read", "group_assure"),
    ("/redteam", "redteam_title", "admin:redteam:read", "group_assure"),
    ("/ledger", "ledger_title", "admin:ledger:read", "group_prove"),
    ("/health", "health_title", "admin:overview:read", "group_prove"),
    ("/people", "people_title", "admin:sessions:read", "group_people"),
    ("/tenants", "tenants_title", "admin:sessions:read", "group_people"),
    ("/operators", "operators_title", "admin:operators:read", "group_people"),
    ("/keys", "keys_title", "admin:keys:read", "group_people"),
    ("/help", "help_title", "admin:overview:read", "group_help"),
)
"""The pages that are linked from each other: path, title, the action without which one is not shown, and its group."""

HELP: Final[Mapping[str, str]] = {
    "/": "console",
    "/live": "console",
    "/messages": "console",
    "/search": "console",
    "/start": "console#the-first-steps",
    "/findings": "feedback",
    "/alerts": "behaviour",
    "/traffic": "traffic",
    "/approvals": "step-up",
    "/privacy": "privacy",
    "/policy": "configuration",
    "/policy/explain": "authorization",
    "/bots": "genuine",
    "/tools": "channels#tools-that-change",
    "/feeds": "intel",
    "/vendors": "vendors",
    "/patches": "patches",
    "/reports": "reports",
    "/controls": "reports",
    "/redteam": "redteam",
    "/ledger": "ledger",
    "/health": "operations",
    "/people": "oidc",
    "/tenants": "keys",
    "/operators": "operators",
    "/account": "operators",
    "/keys": "keys",
}
"""Pages -> the page of the documentation about them."""


def navigation(caller: AdminCaller, here: str = "", say: Mapping[str, str] = ENGLISH) -> list[dict[str, Any]]:
    """Links to what the caller may see, by group; nothing for who has not signed in and has no open console."""
    if not caller.signed_in and not (caller.open_console and here):
        return []
    groups: dict[str, list[dict[str, object]]] = {}
    for path, title, action, group in NAVIGATION:
        if caller.may(action):
            groups.setdefault(group, []).append({"path": path, "title": say[title], "here": path == here})
    if caller.signed_in:
        own = {"path": "/account", "title": say["account_title"], "here": here == "/account"}
        groups.setdefault("group_people", []).append(own)
    return [{"title": say[group], "links": links} for group, links in groups.items()]


def _of_view(name: str) -> Callable[..., str]:
    """A method of the page's ``Preferences`` as a filter."""

    @pass_context
    def said(context: Context, *values: Any, **named: Any) -> str:
        return getattr(context["view"], name)(*values, **named)  # type: ignore[no-any-return]

    return said


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    **{name: _of_view(name) for name in ("number", "put", "age")},
    "visible": visible,
    "iso": lambda at: datetime.fromtimestamp(at / 1e9, UTC).isoformat(timespec="seconds"),
    "plainly": lambda value: visible(
        orjson.dumps(value, default=str).decode() if not isinstance(value, str) else value
    ),
}
"""What templates do with values: numbers, ages, times, and text that could pass for something else."""


class Pages:
    """Renders for a caller. Every page sets the cookie that its token against cross-site requests belongs to."""

    def __init__(self, access: AdminAccess) -> None:
        self._access = access
        loader = PackageLoader("chatward.console", "templates")
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        self._templates.filters |= FILTERS

    def render(self, caller: AdminCaller, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        csrf = self._access.csrf
        seed = csrf.seed(caller.headers)
        view = preferences(caller.headers)
        for name in ("problem", "done"):  # sentences are ours, and known by what they say in English
            values[name] = in_language(values.get(name, ""), view.language)
        known: dict[str, Any] = {"say": view.say, "view": view, "csrf": csrf.token(seed, caller.token), "wide": False}
        known |= {"navigation": navigation(caller, values.get("here", ""), view.say)}
        known |= {"languages": languages(), "zones": ZONES, "themes": THEMES, "signed_in": caller.signed_in}
        known["help"] = HELP.get(values.get("here", ""), "")
        response = HTMLResponse(self._templates.get_template(template).render(known | values), status)
        set_seed(self._access, response, seed)
        return response

    async def views(self, caller: AdminCaller, page: str = "") -> list[View]:
        """What a caller keeps under a name: of a page, or all."""
        kept = self._access.views
        if kept is None or not caller.signed_in:
            return []
        found = await asyncio.to_thread(kept.of, caller.principal.id)
        return [view for view in found if page in ("", view.page)]

    def login(self, caller: AdminCaller, status: int = 200, **values: Any) -> HTMLResponse:
        federation = self._access.federation
        titles = federation.titles if federation is not None else {}
        party = None if self._access.passkeys is None else self._access.passkeys.party
        known = {"next": "/", "empty": not titles and not self._access.operators.any(), "providers": titles}
        known["party"] = party
        return self.render(caller, "login.html", status, **(known | values))

    async def account(self, caller: AdminCaller, status: int = 200, **values: Any) -> HTMLResponse:
        access = self._access
        me = access.operators.get(caller.principal.id)
        if me is None:
            raise IdentityError("This session has ended. Sign in again.", reason="session-ended")
        sessions = await asyncio.to_thread(access.sessions.of, me.id)
        factor = access.second_factor
        pending = []
        if me.roles & REVIEWERS and not me.break_glass:
            uses = await asyncio.to_thread(access.operators.pending)
            named = [(use, access.operators.get(use.operator)) for use in uses if use.operator != me.id]
            pending = [{"id": who.id, "name": who.name, "at": use.at} for use, who in named if who is not None]
        known = {
            "me": me,
            "sessions": [_told(one, caller) for one in sessions],
            "codes": "none" if factor is None else "on" if factor.enrolled(me.id) else "off",
            "needed": access.code_needed and caller.principal.assurance < 2,
            "uri": "",
            "keys": None if access.passkeys is None or me.provider else await _passkeys(access.passkeys, me.id),
            "party": None if access.passkeys is None else access.passkeys.party,
            "pending": pending,
            "here": "/account",
        }
        return self.render(caller, "account.html", status, **(known | values))

    async def acting(self, caller: AdminCaller, act: Callable[[], Awaitable[Response]]) -> Response:
        """What a form of the account page does; why it may not is said on the page."""
        return await self.trying(act, lambda error: self.account(caller, error.status, problem=error.public))

    @staticmethod
    async def trying(
        act: Callable[[], Awaitable[Response]], again: Callable[[ChatwardError], Awaitable[Response]]
    ) -> Response:
        """What a form does; where it may not, the page ``again``, which says why. Who has to sign in is sent there."""
        try:
            return await act()
        except (ClientError, IdentityError) as error:
            if error.status == IdentityError.status:
                raise
            return retry(error, await again(error))

    async def renewed(self, caller: AdminCaller, token: str, done: str) -> Response:
        """The account page under a session's new token."""
        response = await self.account(AdminCaller(caller.principal, caller.headers, caller.address, token), done=done)
        set_session(self._access, response, token)
        return response


def form_route(
    router: APIRouter,
    pages: Pages,
    path: str,
    page: Callable[..., Awaitable[Response]],
    act: Callable[[AdminCaller], Awaitable[dict[str, Any]]],
) -> None:
    """Adds what a form at ``path`` does: ``act`` gives what ``page(request, status, **values)`` then says; why it may
    not is said there too."""

    async def posted(request: Request) -> Response:
        async def acting() -> Response:
            return await page(request, **await act(caller_of(request)))

        return await pages.trying(acting, lambda error: page(request, error.status, problem=error.public))

    router.add_api_route(path, posted, methods=["POST"], include_in_schema=False)


def local(path: str) -> str:
    """``path`` where it is one of this plane, else ``/``: no host, no scheme, no backslash, no control character."""
    return path if _PATH.fullmatch(path) else "/"


def retry(error: ChatwardError, response: Response) -> Response:
    """Says when to come back, where that is known (RFC 9110, 10.2.3)."""
    if isinstance(error, TooManyError):
        response.headers["retry-after"] = str(error.after)
    return response


async def _passkeys(passkeys: OperatorPasskeys, operator: str) -> list[dict[str, object]]:
    return [
        {
            "id": one.id,
            "made": one.made,
            "used": one.used,
            "synced": one.synced,
            "suspended": one.suspended,
        }
        for one in await asyncio.to_thread(passkeys.of, operator)
    ]


def _told(session: Session, caller: AdminCaller) -> dict[str, object]:
    return {
        "id": session.id,
        "opened": session.opened,
        "seen": session.seen,
        "agent": session.agent,
        "current": session.id == caller.principal.session,
    }
