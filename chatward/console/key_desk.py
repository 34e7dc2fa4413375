"""API keys of callers: made, rotated and disabled; as a page and for programs.

The rules:

1. A key is shown once, in the answer to what made or rotated it, and stands nowhere else: not in an address, not in a
   cookie, not in the record.
2. Who makes a key is on record with it (``by``), and does not consent to what it asks for (``identity.approvals``).
3. Disabling is final (``identity.key_store``): it counts from the next message on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages, form_route
from chatward.console.tables import Column, Table, listed
from chatward.console.wording import ENGLISH
from chatward.core.errors import ClientError
from chatward.core.identity import Grants
from chatward.identity.key_store import Budget, Issued, KeyRecord, KeyStore

_LIST: Final = 100
_YEARS: Final = 3_660
_DAY: Final = 86_400.0
COLUMNS: Final = (
    Column("name", "key_name"),
    Column("id", "message_id", "code"),
    Column("state", "key_state", "tag", pick=True, tones={"live": "allow", "rotating": "redact"}),
    Column("env", "key_env", pick=True),
    Column("tenant", "key_tenant", pick=True),
    Column("roles", "roles", "list", pick=True),
    Column("limits", "key_limits"),
    Column("created", "person_made", "time"),
    Column("expires", "person_until", "time"),
    Column("last_used", "person_used", "time"),
)


class Limits(BaseModel):
    """What a key is good for at most: names or shell-style patterns; empty means all."""

    model_config = ConfigDict(extra="forbid")

    bots: list[str] = Field(default=[], max_length=_LIST)
    models: list[str] = Field(default=[], max_length=_LIST)
    routes: list[str] = Field(default=[], max_length=_LIST)
    tools: list[str] = Field(default=[], max_length=_LIST)


class Use(BaseModel):
    """How much a key may use, in UTC days and months."""

    model_config = ConfigDict(extra="forbid")

    requests_day: int | None = None
    requests_month: int | None = None
    tokens_day: int | None = None
    tokens_month: int | None = None


class NewKey(BaseModel):
    """A key to be made. ``expires`` is seconds since 1970 UTC."""

    model_config = ConfigDict(extra="forbid")

    name: str
    env: str = "live"
    tenant: str = "default"
    roles: list[str] = Field(default=[], max_length=_LIST)
    grants: Limits = Limits()
    budget: Use = Use()
    expires: float | None = None


class Rotation(BaseModel):
    """``grace``: seconds that the version before stays good."""

    model_config = ConfigDict(extra="forbid")

    grace: float = Field(default=_DAY, ge=0, le=90 * _DAY)


class KeyAnswer(BaseModel):
    """What is known of a key; ``key`` is the key itself, in the one answer that shows it. Times are seconds since 1970
    UTC."""

    id: str
    name: str
    env: str
    tenant: str
    principal: str
    state: str
    roles: list[str]
    grants: Limits
    budget: Use
    created: float
    expires: float | None
    last_used: float | None
    versions: int
    key: str | None = None


class KeyDesk:
    """What may be done about keys, whatever the form of the request. ``clock`` gives seconds since 1970 UTC."""

    def __init__(self, keys: KeyStore, *, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self.clock = clock

    async def list(self) -> list[KeyAnswer]:
        return [self._told(one) for one in await asyncio.to_thread(self._keys.list)]

    async def issue(self, caller: AdminCaller, wanted: NewKey) -> KeyAnswer:
        """Raises ``ClientError`` (``api-key-request``)."""
        limits, use = wanted.grants, wanted.budget

        def act() -> Issued:
            return self._keys.create(
                wanted.name,
                env=wanted.env,
                tenant=wanted.tenant,
                roles=wanted.roles,
                grants=Grants(tuple(limits.bots), tuple(limits.models), tuple(limits.routes), tuple(limits.tools)),
                budget=Budget(use.requests_day, use.requests_month, use.tokens_day, use.tokens_month),
                expires=wanted.expires,
                by=caller.principal.id,
            )

        issued = await asyncio.to_thread(act)
        return self._told(issued.record, issued.key)

    async def rotate(self, caller: AdminCaller, id: str, grace: float) -> KeyAnswer:
        """Raises ``ClientError``: ``api-key-unknown``, ``api-key-not-live``, ``api-key-rotating``."""
        issued = await asyncio.to_thread(lambda: self._keys.rotate(id, grace, by=caller.principal.id))
        return self._told(issued.record, issued.key)

    async def disable(self, caller: AdminCaller, id: str) -> KeyAnswer:
        """Raises ``ClientError`` (``api-key-unknown``)."""
        return self._told(await asyncio.to_thread(lambda: self._keys.revoke(id, by=caller.principal.id)))

    def _told(self, record: KeyRecord, key: str | None = None) -> KeyAnswer:
        now = self.clock()
        grants, budget = record.grants, record.budget
        return KeyAnswer(
            id=record.id,
            name=record.name,
            env=record.env,
            tenant=record.tenant,
            principal=record.principal,
            state=record.state(now),
            roles=list(record.roles),
            grants=Limits(
                bots=list(grants.bots),
                models=list(grants.models),
                routes=list(grants.routes),
                tools=list(grants.tools),
            ),
            budget=Use(
                requests_day=budget.requests_day,
                requests_month=budget.requests_month,
                tokens_day=budget.tokens_day,
                tokens_month=budget.tokens_month,
            ),
            created=record.created,
            expires=record.expires,
            last_used=record.last_used,
            versions=sum(version.live(now) for version in record.versions) if record.revoked is None else 0,
            key=key,
        )


def key_routes(router: APIRouter, desk: KeyDesk, pages: Pages) -> None:
    """Adds ``/keys`` and ``/api/v1/keys``."""

    async def page(request: Request, status: int = 200, **values: Any) -> Response:
        caller = caller_of(request)
        may = {name: caller.may(f"admin:keys:{name}") for name in ("write", "delete")}
        rows = [_row(one) for one in await desk.list()]
        known = {"here": "/keys", "keys": rows, "shown": None, "may": may}
        table = Table("keys", "keys_title", COLUMNS, rows, "keys_none")
        return await listed(pages, request, "keys.html", [table], status, **(known | values))

    @router.get("/keys", include_in_schema=False)
    async def keys(request: Request) -> Response:
        return await page(request)

    async def issue(caller: AdminCaller) -> dict[str, Any]:
        return {"shown": await desk.issue(caller, _wanted(caller, desk.clock()))}

    async def rotate(caller: AdminCaller) -> dict[str, Any]:
        hours = _number(caller.form.get("grace", ""), 90 * 24)
        grace = _DAY if hours is None else hours * 3600.0
        return {"shown": await desk.rotate(caller, caller.form.get("key", ""), grace)}

    async def disable(caller: AdminCaller) -> dict[str, Any]:
        await desk.disable(caller, caller.form.get("key", ""))
        return {"done": ENGLISH["key_disabled"]}

    for path, act in (("issue", issue), ("rotate", rotate), ("disable", disable)):
        form_route(router, pages, f"/keys/{path}", page, act)

    @router.get("/api/v1/keys", summary="API keys: what they are for, and when they were last used")
    async def told() -> list[KeyAnswer]:
        return await desk.list()

    @router.post("/api/v1/keys", summary="Make an API key, which is shown in this answer alone")
    async def issued(request: Request, wanted: NewKey) -> KeyAnswer:
        return await desk.issue(caller_of(request), wanted)

    @router.post("/api/v1/keys/{id}/rotate", summary="Make a new version of a key, shown in this answer alone")
    async def rotated(request: Request, id: str, wanted: Rotation) -> KeyAnswer:
        return await desk.rotate(caller_of(request), id, wanted.grace)

    @router.delete("/api/v1/keys/{id}", summary="Disable a key for good")
    async def disabled(request: Request, id: str) -> KeyAnswer:
        return await desk.disable(caller_of(request), id)


def _wanted(caller: AdminCaller, now: float) -> NewKey:
    form = caller.form
    days = _number(form.get("days", ""), _YEARS)
    limits = {name: form.get(name, "").split()[:_LIST] for name in ("bots", "models", "routes", "tools")}
    return NewKey(
        name=form.get("name", "").strip(),
        env=form.get("env", "").strip() or "live",
        tenant=form.get("tenant", "").strip() or "default",
        roles=form.get("roles", "").split()[:_LIST],
        grants=Limits(**limits),
        budget=Use(
            requests_day=_number(form.get("requests", ""), 1 << 50),
            tokens_day=_number(form.get("tokens", ""), 1 << 50),
        ),
        expires=None if days is None else now + days * _DAY,
    )


def _number(text: str, most: int) -> int | None:
    """A number of a form's field that may be empty. Raises ``ClientError`` (``api-key-request``)."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 17 and int(text) <= most):
        raise ClientError(ENGLISH["key_number"], reason="api-key-request")
    return int(text)


def _row(one: KeyAnswer) -> dict[str, Any]:
    limits = [f"{name}: {', '.join(patterns)}" for name, patterns in one.grants.model_dump().items() if patterns]
    uses = [f"{name.replace('_', ' a ')}: {most}" for name, most in one.budget.model_dump().items() if most]
    return one.model_dump() | {"limits": "; ".join([*limits, *uses])}
