"""A shadow, begun and ended on the policy page and by programs: on record first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console import policy_change as change
from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.rejudged import Shadows
from chatward.console.watching import Watching
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry

HOURS: Final = (1, 8, 24, 72)
SHARES: Final = (1, 10, 100)
"""Of a hundred messages."""
Tried = Callable[[str], Awaitable[change.Tried]]
Page = Callable[..., Awaitable[Response]]


class Casting(BaseModel):
    """A configuration file to judge messages by beside the one in force: ``share`` of a hundred, for ``hours``."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=change.MOST)
    hours: float = Field(default=8, gt=0, le=72)
    share: float = Field(default=10, gt=0, le=100)


def shadow_routes(router: APIRouter, pages: Pages, watching: Watching, tried: Tried, page: Page) -> None:
    """Adds ``/policy/shadow``, ``/policy/shadow-end`` and ``/api/v1/policy/shadow``."""

    def there() -> Shadows:
        if watching.shadows is None or watching.record is None:
            raise ClientError("There is no gateway here to judge beside.", reason="policy-unreadable", status=409)
        return watching.shadows

    async def note(event: Event, caller: AdminCaller, **about: object) -> None:
        if watching.record is not None:
            await watching.record(Entry(event, "", {"by": caller.principal.id, **about}))

    async def begin(caller: AdminCaller, text: str, hours: float, share: float) -> None:
        shadows, found = there(), await tried(text)
        new = found.settings
        if new is None:
            raise ClientError("The file is not good: try it first.", reason="policy-invalid")
        running = shadows.told()
        if running is not None and not running.ended:
            raise ClientError("There is a shadow already. End it first.", reason="policy-busy", status=409)
        digest = change.digest(text)
        await note(Event.POLICY_SHADOWED, caller, after=digest, hours=hours, share=share)
        await asyncio.to_thread(
            lambda: shadows.start(watching.settings(), new, digest=digest, hours=hours, share=share / 100)
        )

    async def stop(caller: AdminCaller) -> None:
        if there().end():
            await note(Event.POLICY_SHADOW_ENDED, caller)

    @router.post("/policy/shadow", include_in_schema=False)
    async def cast(request: Request) -> Response:
        caller = caller_of(request)
        text = caller.form.get("text", "").replace("\r\n", "\n")
        hours, share = (
            int(given) if given in map(str, known) else known[1]
            for given, known in ((caller.form.get("hours", ""), HOURS), (caller.form.get("share", ""), SHARES))
        )

        async def act() -> Response:
            await begin(caller, text, hours, share)
            return RedirectResponse("/policy", 303)

        return await pages.trying(act, lambda error: page(caller, error.status, problem=error.public, text=text))

    @router.post("/policy/shadow-end", include_in_schema=False)
    async def end(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            await stop(caller)
            return RedirectResponse("/policy", 303)

        return await pages.trying(act, lambda error: page(caller, error.status, problem=error.public))

    @router.get("/api/v1/policy/shadow", summary="What another file would do otherwise about what passes")
    async def told() -> dict[str, Any]:
        found = watching.shadows.told() if watching.shadows is not None else None
        return {"shadow": None if found is None else found.told()}

    @router.post("/api/v1/policy/shadow", summary="Judge messages by another file too", status_code=201)
    async def casting(given: Casting, request: Request) -> dict[str, Any]:
        await begin(caller_of(request), given.text, given.hours, given.share)
        return await told()

    @router.delete("/api/v1/policy/shadow", summary="End it")
    async def ending(request: Request) -> dict[str, Any]:
        await stop(caller_of(request))
        return await told()
