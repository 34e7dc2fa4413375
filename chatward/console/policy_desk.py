"""The policy page: every setting in force and where it comes from; trying, applying and rolling back a changed file.

The rules are ``policy_change``'s. Who may read may try; who may write may apply, and judge stored
conversations by a file. What is applied, and what conversations are judged by, is on record first.
"""

from __future__ import annotations

import asyncio
import re
import tomllib
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.configuration import Loaded
from chatward.console import policy_change as change
from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.preferences import preferences
from chatward.console.rejudged import Rejudged
from chatward.console.shadow_desk import HOURS, SHARES, shadow_routes
from chatward.console.watching import Watching
from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.guards.catalog import KNOWN
from chatward.settings.told import told

DAYS: Final = 7
SPANS: Final = (1, 7, 30, 90)
"""Days of findings that the page offers to decide anew."""
_KEY: Final = re.compile(r"[\w.:/@*+=-]{1,200}", re.ASCII)


class Attempt(BaseModel):
    """A configuration file to be tried, and the days of findings to decide anew."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=change.MOST)
    days: int = Field(default=DAYS, ge=1, le=90)
    conversations: bool = False
    """Whether stored conversations of these days are judged anew too. It goes on record."""


class SettingAnswer(BaseModel):
    """A setting in words; of a section, ``keys`` are what may stand in it."""

    place: str
    key: str
    meaning: str
    kind: str
    default: str
    keys: list[str]


class PolicyDesk:
    """Tries and applies a file, for the page and for programs."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    def _loaded(self) -> Loaded:
        origins: Any = self._watching.origins()
        return Loaded(self._watching.settings(), origins, path=self._watching.file)

    async def tried(self, text: str, days: int) -> tuple[change.Tried, change.DryRun | None]:
        file = self._watching.file
        if file is None:
            raise ClientError("There is no file here.", reason="policy-unreadable", status=409)
        current = await asyncio.to_thread(self._loaded)
        found = await asyncio.to_thread(change.attempt, file, text, current, KNOWN)
        new = found.settings
        if new is None:
            return found, None
        return found, await self._watching.ask(lambda it: change.dry_run(it, current.settings, new, days))

    async def rejudged(self, caller: AdminCaller, found: change.Tried, days: int) -> Rejudged:
        """What a good file would have made of stored conversations: on record first. Raises ``IdentityError``
        (``not-permitted``) and ``ClientError`` (``conversations-off``, ``policy-busy``)."""
        watching = self._watching
        if not caller.may("admin:policy:write"):
            said = "Judging stored conversations needs a role that may change the policy."
            raise IdentityError(said, reason="not-permitted", status=403)
        rejudging, seeing, record = watching.rejudging, watching.seeing, watching.record
        if rejudging is None or seeing is None or record is None or found.settings is None:
            raise ClientError("No conversations are stored here.", reason="conversations-off", status=409)
        new = found.settings
        turns = await asyncio.to_thread(rejudging.due, days)
        about = {"by": caller.principal.id, "days": days, "turns": turns, "after": change.digest(found.text)}
        await record(Entry(Event.POLICY_TRIED, "", about))

        def route_of(exchange: str) -> str:
            rows = seeing.of(exchange)
            return rows[0].route if rows else ""

        return await asyncio.to_thread(lambda: rejudging.judge(watching.settings(), new, days, route_of))

    async def put(self, caller: AdminCaller, text: str, base: str) -> None:
        file = self._watching.file
        if file is None or not change.writable(file) or self._watching.record is None:
            raise ClientError("This file is managed elsewhere.", reason="policy-unreadable", status=409)
        found, _ = await self.tried(text, 1)
        if found.settings is None:
            raise ClientError("The file is not good: try it first.", reason="policy-invalid")
        if found.base != base:
            raise ClientError("The file was changed meanwhile. Look at it again.", reason="policy-changed", status=409)
        keys = [key for key, _, _ in found.changed if _KEY.fullmatch(key)][:100]
        about = {"by": caller.principal.id, "before": base, "after": change.digest(text), "keys": keys}
        await self._watching.record(Entry(Event.POLICY_APPLIED, "", about))
        await asyncio.to_thread(change.replace, file, text, base)


def policy_routes(router: APIRouter, pages: Pages, watching: Watching) -> None:
    """Adds ``/policy`` with its forms, and ``/api/v1/policy``."""

    async def page(caller: AdminCaller, status: int = 200, **values: object) -> Response:
        file = watching.file
        rows = await asyncio.to_thread(lambda: change.shown(watching.settings(), watching.origins()))
        may = caller.may("admin:policy:write")
        editable = may and await asyncio.to_thread(change.writable, file)
        text, base = "", ""
        if editable and file is not None:
            text = await asyncio.to_thread(change.read, file)
            base = change.digest(text)
        known: dict[str, object] = {"here": "/policy", "wide": True, "rows": rows, "text": text, "base": base}
        known |= {
            "editable": editable,
            "may": may,
            "tried": None,
            "dry": None,
            "only": "",
            "days": DAYS,
            "spans": SPANS,
            "rejudged": None,
            "conversations": False,
            "stored": watching.rejudging is not None,
            "shadows": watching.shadows is not None,
            "shadow": watching.shadows.told() if watching.shadows is not None else None,
            "hours": HOURS,
            "shares": SHARES,
        }
        known |= {"back": editable and await asyncio.to_thread(change.has_before, file)}
        return pages.render(caller, "policy.html", status, **(known | values))

    desk = PolicyDesk(watching)

    @router.get("/policy", include_in_schema=False)
    async def policy(request: Request) -> Response:
        only = request.query_params.get("set", "")
        return await page(caller_of(request), only=only)

    @router.post("/policy/try", include_in_schema=False)
    async def attempt(request: Request) -> Response:
        caller = caller_of(request)
        text, given = _text(caller), caller.form.get("days", "")
        days = int(given) if given in map(str, SPANS) else DAYS

        async def act() -> Response:
            found, dry = await desk.tried(text, days)
            known: dict[str, Any] = {"tried": found, "dry": dry, "text": text, "base": found.base, "days": days}
            if caller.form.get("conversations") and found.settings is not None:
                known |= {"rejudged": await desk.rejudged(caller, found, days), "conversations": True}
            return await page(caller, **known)

        return await pages.trying(act, lambda error: page(caller, error.status, problem=error.public, text=text))

    @router.post("/policy/apply", include_in_schema=False)
    async def apply(request: Request) -> Response:
        caller = caller_of(request)
        text = _text(caller)

        async def act() -> Response:
            await desk.put(caller, text, caller.form.get("base", ""))
            return await page(caller, done=preferences(caller.headers).say["policy_applied"])

        return await pages.trying(act, lambda error: page(caller, error.status, problem=error.public))

    @router.post("/policy/back", include_in_schema=False)
    async def back(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            if watching.file is None:
                raise ClientError("There is no file here.", reason="policy-unreadable", status=409)
            text = await asyncio.to_thread(change.back, watching.file)
            await desk.put(caller, text, caller.form.get("base", ""))
            return await page(caller, done=preferences(caller.headers).say["policy_backed"])

        return await pages.trying(act, lambda error: page(caller, error.status, problem=error.public))

    _for_programs(router, watching, desk)

    async def judged(text: str) -> change.Tried:
        return (await desk.tried(text, 1))[0]

    shadow_routes(router, pages, watching, judged, page)


def _for_programs(router: APIRouter, watching: Watching, desk: PolicyDesk) -> None:
    @router.get("/api/v1/policy/setting", summary="What a setting, or a section of the file, is")
    async def setting(
        section: Annotated[str, Query(max_length=300)] = "", key: Annotated[str, Query(max_length=300)] = ""
    ) -> SettingAnswer:
        found = await asyncio.to_thread(lambda: told((*_steps(section), *_steps(key))))
        if found is None:
            raise ClientError("There is no such setting.", reason="not-found", status=404)
        return SettingAnswer(
            place=found.place,
            key=found.key,
            meaning=found.meaning,
            kind=found.kind,
            default=found.default,
            keys=list(found.keys),
        )

    @router.get("/api/v1/policy", summary="Settings in force, with their origins")
    async def in_force() -> list[dict[str, str]]:
        rows = await asyncio.to_thread(lambda: change.shown(watching.settings(), watching.origins()))
        return [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]

    @router.post("/api/v1/policy/try", summary="Whether a file is good, what differs, what it would have decided")
    async def trying(given: Attempt, request: Request) -> dict[str, Any]:
        found, dry = await desk.tried(given.text, given.days)
        said: dict[str, Any] = {
            "good": found.settings is not None,
            "problems": [{"line": one.line, "message": one.sentence} for one in found.problems],
            "warnings": list(found.warnings),
            "changes": [{"key": key, "before": old, "after": new} for key, old, new in found.changed],
            "needs_restart": list(found.restart),
        }
        if dry is not None:
            moved = [
                {"rule": m.rule, "route": m.route, "before": m.before, "after": m.after, "findings": m.number}
                for m in dry.moved
            ]
            said["dry_run"] = {"days": dry.days, "findings": dry.findings, "changed": moved, "unknown": dry.unknown}
        if given.conversations and found.settings is not None:
            said["conversations"] = (await desk.rejudged(caller_of(request), found, given.days)).told()
        return said


def _steps(key: str) -> list[str]:
    """A key as TOML writes it (``routes."my route".mode``) in steps. Raises ``ClientError`` (``field-invalid``)."""
    if not key:
        return []
    try:
        inside: Any = tomllib.loads(f"[{key}]")
    except (tomllib.TOMLDecodeError, RecursionError):
        inside = {}
    if not inside or "\n" in key:
        raise ClientError("This is no key of a TOML file.", reason="field-invalid")
    steps = []
    while isinstance(inside, dict) and len(inside) == 1:
        [(step, inside)] = inside.items()
        steps.append(step)
    return steps


def _text(caller: AdminCaller) -> str:
    """What a text area sends has line ends of its own (HTML Standard, 4.10.5.4)."""
    return caller.form.get("text", "").replace("\r\n", "\n")
