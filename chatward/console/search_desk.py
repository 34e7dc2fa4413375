"""Finding things: pages, saved views, rules, routes, bots, callers and messages by the beginning of their name.

The rule: who looks finds only what they may see. The same serves the page, the palette (``HX-Request``) and programs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import NAVIGATION, Pages, local
from chatward.console.preferences import COOKIE, chosen, preferences
from chatward.console.seeing import Seeing
from chatward.console.views import View, Views
from chatward.console.watching import Watching
from chatward.core.errors import ClientError

MOST: Final = 30
_PREFIX: Final = re.compile(r"[\w.:/@*+=-]{1,200}", re.ASCII)
_YEAR: Final = 365 * 86_400
_ACTIONS: Final = {path: action for path, _, action, _ in NAVIGATION}


class Hit(BaseModel):
    """``kind`` is a word for people; ``address`` a path of this console."""

    title: str
    kind: str
    address: str


class Hits(BaseModel):
    found: list[Hit]


def search_routes(
    router: APIRouter, pages: Pages, watching: Watching, views: Views | None = None, *, secure: bool
) -> None:
    """Adds ``/search``, ``/api/v1/search``, ``/preferences`` and ``/views``."""

    async def hits(caller: AdminCaller, text: str) -> list[Hit]:
        words = " ".join(text.split())[:200]
        say = preferences(caller.headers).say
        small = words.casefold()
        found = [
            Hit(title=say[title], kind=say[group], address=path)
            for path, title, action, group in NAVIGATION
            if caller.may(action) and (small in say[title].casefold() or small in path)
        ]
        found += [
            Hit(title=view.name, kind=say["views"], address=view.address)
            for view in await pages.views(caller)
            if small in view.name.casefold() and _has_tables(view.page) and caller.may(_ACTIONS[_first(view.page)])
        ]
        if words and _PREFIX.fullmatch(words) and caller.may("admin:ledger:read"):
            found += await watching.ask(_named(words, dict(say))) or []
        return found[:MOST]

    @router.get("/search", include_in_schema=False)
    async def search(request: Request) -> Response:
        caller = caller_of(request)
        text = request.query_params.get("q", "")[:200]
        found = await hits(caller, text)
        if caller.headers.get("hx-request"):
            return pages.render(caller, "palette.html", found=found)
        return pages.render(caller, "search.html", here="/search", wide=True, q=text, found=found)

    @router.get("/api/v1/search", summary="Pages, rules, callers, bots and messages by the beginning of their name")
    async def searched(request: Request, q: str = "") -> Hits:
        return Hits(found=await hits(caller_of(request), q))

    @router.post("/preferences", include_in_schema=False)
    async def prefer(request: Request) -> Response:
        caller = caller_of(request)
        form = caller.form
        wanted = chosen(form.get("language", ""), form.get("zone", ""), form.get("theme", ""))
        came = re.sub(r"^https?://[^/]+", "", caller.headers.get("referer") or "/")
        if set(form) - {"language", "zone", "theme"}:
            raise ClientError("There is no such choice.", reason="form-invalid")
        response = RedirectResponse(local(came), 303)
        response.set_cookie(COOKIE, wanted.cookie, _YEAR, path="/", secure=secure, httponly=True, samesite="lax")
        return response

    @router.post("/views/save", include_in_schema=False)
    async def save(request: Request) -> Response:
        caller = caller_of(request)
        form = caller.form
        path = form.get("page", "")
        if views is None or not _has_tables(path):
            raise ClientError("There is no such page.", reason="view-invalid")
        name, query = form.get("name", ""), form.get("query", "")
        await asyncio.to_thread(views.save, caller.principal.id, name, path, query)
        return RedirectResponse(View(name, path, query).address, 303)

    @router.post("/views/delete", include_in_schema=False)
    async def delete(request: Request) -> Response:
        caller = caller_of(request)
        if views is not None:
            await asyncio.to_thread(views.delete, caller.principal.id, caller.form.get("name", ""))
        path = caller.form.get("page", "")
        return RedirectResponse(path if _has_tables(path) else "/", 303)


def _first(path: str) -> str:
    """The page of the menu that a path belongs to."""
    return f"/{path.split('/')[1]}" if path.startswith("/") else ""


def _has_tables(path: str) -> bool:
    return local(path) == path and "?" not in path and _first(path) in _ACTIONS


def _named(prefix: str, say: dict[str, str]) -> Callable[[Seeing], list[Hit]]:
    """What begins so, in the index."""

    def look(it: Seeing) -> list[Hit]:
        found = []
        for column, word in (("rule", "rule"), ("route", "route"), ("bot", "bot"), ("principal", "caller")):
            found += [
                Hit(title=value, kind=say[word], address=f"/messages?{urlencode({column: value})}")
                for value in it.starting(column, prefix, 8)
            ]
        if len(prefix) >= 6:
            found += [
                Hit(title=value, kind=say["message_title"], address=f"/messages/{value}")
                for value in it.starting("exchange", prefix, 8)
            ]
        return found

    return look
