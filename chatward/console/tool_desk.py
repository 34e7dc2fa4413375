"""Tools of MCP servers: as they were accepted and as they are, with the difference; as a page and for programs.

The rules:

1. What is accepted is the one form that was looked at: where the server offers another by now, nothing is accepted.
2. It is on record before it counts, and counts from the next message on, in every process (``stores.tool_pins``).
3. A definition is somebody else's text. It is shown line by line, nothing in it unseen, and changes nothing here.
"""

from __future__ import annotations

import asyncio
import difflib
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages, form_route
from chatward.console.tables import Column, Table, listed
from chatward.console.watching import Watching
from chatward.console.wording import ENGLISH
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.stores.tool_pins import Pin

_LINES = 400
"""Lines of one difference that a page shows."""
_TONES = {"good": "allow", "tool-changed": "block", "tool-not-accepted": "redact"}


class Acceptance(BaseModel):
    """``offered``: the SHA-256 of the form that was looked at."""

    model_config = ConfigDict(extra="forbid")

    server: str = Field(max_length=200)
    tool: str = Field(max_length=200)
    offered: str = Field(pattern="^[0-9a-f]{64}$")


class ToolDesk:
    """What may be done about tools, whatever the form of the request."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def all(self) -> list[dict[str, Any]]:
        """Blocks."""
        pins = self._watching.pins
        return [_told(one) for one in pins.pins()] if pins is not None else []

    def waiting(self) -> list[dict[str, Any]]:
        """The tools that somebody has to look at, with what differs in them. Blocks."""
        pins = self._watching.pins
        found = [one for one in pins.pins() if one.refusal] if pins is not None else []
        return [_told(one) | {"diff": _diff(*pins.definitions(one))} for one in found if pins is not None]

    async def accept(self, caller: AdminCaller, wanted: Acceptance) -> None:
        """Raises ``ClientError``: ``not-found``, ``tool-changed``."""
        pins, record = self._watching.pins, self._watching.record
        if pins is None or record is None:
            raise ClientError(ENGLISH["tools_none"], reason="not-found", status=404)
        waiting = await asyncio.to_thread(pins.waiting, wanted.server, wanted.tool)
        if not wanted.tool or not waiting:
            raise ClientError(ENGLISH["tool_unknown"], reason="not-found", status=404)
        about = {"by": caller.principal.id, "server": wanted.server, "sha256": [wanted.offered]}
        if waiting[0].offered == wanted.offered:
            await record(Entry(Event.TOOL_ACCEPTED, "", about))
        if not await asyncio.to_thread(pins.accept, wanted.server, wanted.tool, wanted.offered):
            raise ClientError(ENGLISH["tool_again"], reason="tool-changed", status=409)


def tool_routes(router: APIRouter, pages: Pages, watching: Watching) -> None:
    """Adds ``/tools`` and ``/api/v1/tools``."""
    desk = ToolDesk(watching)

    async def page(request: Request, status: int = 200, **values: Any) -> Response:
        caller = caller_of(request)
        waiting = await asyncio.to_thread(desk.waiting)
        known = {"here": "/tools", "waiting": waiting, "may": caller.may("admin:bots:write")}
        table = Table(
            "tools",
            "tools_title",
            (
                Column("tool", "tool", "code"),
                Column("server", "tool_server", pick=True),
                Column("state", "state", "tag", pick=True, tones=_TONES),
                Column("since", "tool_since", "time"),
                Column("offered", "tool_digest", "code"),
            ),
            await asyncio.to_thread(desk.all),
            "tools_none",
        )
        return await listed(pages, request, "tools.html", [table], status, **(known | values))

    @router.get("/tools", include_in_schema=False)
    async def tools(request: Request) -> Response:
        return await page(request)

    async def accept(caller: AdminCaller) -> dict[str, Any]:
        form = caller.form
        try:
            wanted = Acceptance(
                server=form.get("server", ""), tool=form.get("tool", ""), offered=form.get("offered", "")
            )
        except ValueError:
            raise ClientError(ENGLISH["tool_unknown"], reason="not-found", status=404) from None
        await desk.accept(caller, wanted)
        return {"done": ENGLISH["tool_accepted"]}

    form_route(router, pages, "/tools/accept", page, accept)

    @router.get("/api/v1/tools", summary="Tools of MCP servers, as they were accepted and as they are")
    async def told() -> list[dict[str, Any]]:
        return await asyncio.to_thread(desk.all)

    @router.post("/api/v1/tools/accept", summary="Let a tool be used in the form that it has now")
    async def accepted(request: Request, wanted: Acceptance) -> dict[str, bool]:
        await desk.accept(caller_of(request), wanted)
        return {"accepted": True}


def _told(pin: Pin) -> dict[str, Any]:
    return {
        "server": pin.server,
        "tool": pin.tool,
        "state": pin.refusal or "good",
        "accepted": pin.accepted,
        "offered": pin.offered,
        "since": pin.since,
    }


def _diff(accepted: bytes, offered: bytes) -> list[tuple[str, str]]:
    """Lines that differ, with two around them; nothing where the offered form is not kept."""
    if not offered:
        return []
    before, after = (_lines(one) for one in (accepted, offered))
    told = list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]
    return [(line[:1], line[1:] if line[:1] != "@" else "…") for line in told[:_LINES]]


def _lines(definition: bytes) -> list[str]:
    """A definition as lines; long texts in it are broken at their own ends of lines."""
    if not definition:
        return []
    text = orjson.dumps(orjson.loads(definition), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    return [part for line in text.split("\n") for part in line.replace("\\n", "\\n\n").split("\n")]
