"""What is unusual, for programs: alerts, incidents, and hearing no more of one (``behaviour.suppressing``).

Read with ``admin:incidents:read``, suppressed with ``admin:incidents:write`` (``admin_rules``). The owner of a
suppression is who asks for it. Where nothing is learnt, the lists are empty and ``enabled`` is false.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from chatward.behaviour.store import BehaviourStore, shown
from chatward.behaviour.suppressing import lift, suppress
from chatward.console.access import caller_of
from chatward.core.errors import ClientError
from chatward.core.sealing import Record


class Suppression(BaseModel):
    """``hours``: how long, at most 90 days."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=500)
    hours: float = Field(gt=0, le=2_160)


class AlertsAnswer(BaseModel):
    enabled: bool
    alerts: list[dict[str, Any]]


class IncidentsAnswer(BaseModel):
    enabled: bool
    incidents: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class BehaviourDesk:
    """``record`` puts an entry on record from a thread. ``breaks``: how many times as large an incident grows before
    its suppression ends. ``fresh`` writes what is raised and not written yet; it is called on a thread."""

    store: BehaviourStore
    record: Record
    breaks: float = 2.0
    fresh: Callable[[], None] = lambda: None


def behaviour_routes(router: APIRouter, desk: BehaviourDesk | None) -> None:
    """Adds ``/api/v1/behaviour/...``."""

    def there() -> BehaviourDesk:
        if desk is None:
            raise ClientError("Nothing is learnt here: see [behaviour].", reason="behaviour-off", status=404)
        return desk

    @router.get("/api/v1/behaviour/alerts", summary="What was unusual, the newest first")
    async def alerts(
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        tenant: Annotated[str | None, Query(max_length=100)] = None,
        incident: Annotated[str | None, Query(max_length=100)] = None,
    ) -> AlertsAnswer:
        if desk is None:
            return AlertsAnswer(enabled=False, alerts=[])

        def read() -> list[dict[str, Any]]:
            desk.fresh()
            return desk.store.alerts(limit=limit, tenant=tenant, incident=incident)

        return AlertsAnswer(enabled=True, alerts=[shown(one) for one in await asyncio.to_thread(read)])

    @router.get("/api/v1/behaviour/incidents", summary="Alerts that belong together, the one last heard of first")
    async def incidents(limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> IncidentsAnswer:
        if desk is None:
            return IncidentsAnswer(enabled=False, incidents=[])

        def read() -> list[dict[str, Any]]:
            desk.fresh()
            return desk.store.incidents(limit)

        return IncidentsAnswer(enabled=True, incidents=[shown(one) for one in await asyncio.to_thread(read)])

    @router.post("/api/v1/behaviour/incidents/{incident}/suppression", summary="Hear no more of an incident")
    async def suppressed(incident: str, wanted: Suppression, request: Request) -> dict[str, Any]:
        one, by = there(), caller_of(request).principal.id

        def act() -> dict[str, Any]:
            return suppress(
                one.store, one.record, incident, by=by, reason=wanted.reason, hours=wanted.hours, breaks=one.breaks
            )

        return shown(await asyncio.to_thread(act))

    @router.delete("/api/v1/behaviour/incidents/{incident}/suppression", summary="Hear of it again")
    async def lifted(incident: str, request: Request) -> dict[str, Any]:
        one, by = there(), caller_of(request).principal.id
        return shown(await asyncio.to_thread(lambda: lift(one.store, one.record, incident, by=by)))
