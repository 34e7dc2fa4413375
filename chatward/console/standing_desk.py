"""How things stand: the ledger and whether it is whole, feeds, requests of people and breaches, bots, health.

The rules:

1. Pages read and say; what is done about requests and breaches is done with ``chatward privacy``.
2. Verifying reads the whole record: one at a time, on a thread of its own turn; who comes meanwhile is told to wait.
3. Nothing is known is said as such: a feed that was never fetched is not fresh, and a guard that cannot run is named.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.behaviour.opening import stored
from chatward.console.access import caller_of
from chatward.console.access_pages import Pages
from chatward.console.seeing import Seeing
from chatward.console.watching import Watching
from chatward.core.errors import ClientError, StoreError
from chatward.intel.index import STATUS, read_status
from chatward.intel.opening import folder_of
from chatward.ledger import tree
from chatward.ledger.checkpointing import verifiers
from chatward.ledger.reading import tail
from chatward.ledger.verifying import Verification, verify
from chatward.settings import Settings
from chatward.weaknesses import weaknesses

_SHOWN: Final = 20
_STALE: Final = 24 * 3600.0
Guards = Callable[[], Sequence[tuple[str, str, str]]]


def standing_routes(
    router: APIRouter, pages: Pages, watching: Watching, guards: Guards, clock: Callable[[], float] = time.time
) -> None:
    """Adds ``/ledger``, ``/feeds``, ``/privacy``, ``/bots``, ``/health`` and ``/alerts``."""
    verifying = asyncio.Lock()

    async def proven() -> Verification:
        path = watching.ledger
        if path is None:
            raise ClientError("There is no record here.", reason="ledger-off", status=409)
        if verifying.locked():
            raise ClientError("It is being verified just now. Wait for that.", reason="overloaded", status=503)
        async with verifying:
            return await asyncio.to_thread(lambda: verify(path, keys=verifiers(path), jobs=1))

    @router.get("/ledger", include_in_schema=False)
    async def ledger(request: Request) -> Response:
        return await _ledger(pages, watching, request)

    @router.post("/ledger/verify", include_in_schema=False)
    async def verified(request: Request) -> Response:
        async def act() -> Response:
            return await _ledger(pages, watching, request, result=await proven())

        return await pages.trying(
            act, lambda error: _ledger(pages, watching, request, error.status, problem=error.public)
        )

    @router.post("/api/v1/ledger/verify", summary="Verifies the whole record")
    async def verdict() -> dict[str, Any]:
        found = await proven()
        told: dict[str, Any] = {"ok": found.ok, "entries": found.entries, "checkpoints": found.checkpoints}
        return told | {"first_bad": found.first_bad, "problem": found.problem, "root": found.root.hex()}

    @router.get("/feeds", include_in_schema=False)
    async def feeds(request: Request) -> Response:
        rows = await asyncio.to_thread(_feeds, watching.settings(), clock())
        return pages.render(caller_of(request), "feeds.html", here="/feeds", wide=True, rows=rows)

    @router.get("/privacy", include_in_schema=False)
    async def privacy(request: Request) -> Response:
        told = await asyncio.to_thread(_privacy, watching, clock())
        return pages.render(caller_of(request), "privacy.html", here="/privacy", wide=True, **told)

    @router.get("/bots", include_in_schema=False)
    async def bots(request: Request) -> Response:
        rows = _bots(watching.settings(), await watching.ask(_messages_of_bots) or {})
        known: dict[str, Any] = {"rows": rows, "signed": watching.settings().genuine.sign}
        return pages.render(caller_of(request), "bots.html", here="/bots", wide=True, **known)

    @router.get("/health", include_in_schema=False)
    async def health(request: Request) -> Response:
        found = weaknesses(watching.settings(), datetime.fromtimestamp(clock(), UTC).date())
        down = [one for one in guards() if one[2] != "on"]
        behind = await watching.ask(lambda it: it.happened.behind)
        known: dict[str, Any] = {"found": found, "down": down, "behind": behind, "figures": watching.figures()}
        return pages.render(caller_of(request), "health.html", here="/health", wide=True, **known)

    @router.get("/alerts", include_in_schema=False)
    async def alerts(request: Request) -> Response:
        told = await asyncio.to_thread(_alerts, watching.settings())
        return pages.render(caller_of(request), "alerts.html", here="/alerts", wide=True, **told)


async def _ledger(pages: Pages, watching: Watching, request: Request, status: int = 200, **values: object) -> Response:
    path = watching.ledger
    points, entries = (await asyncio.to_thread(_newest, path)) if path is not None else ([], [])
    known: dict[str, object] = {"here": "/ledger", "wide": True, "points": points, "entries": entries, "result": None}
    known |= {"recorded": path is not None}
    return pages.render(caller_of(request), "ledger.html", status, **(known | values))


def _newest(path: Path) -> tuple[list[dict[str, object]], list[Any]]:
    """The newest checkpoints and entries."""
    points: list[dict[str, object]] = []
    with tree.reader(path) as connection:
        if tree.has_tree(connection):
            rows = connection.execute(
                "SELECT c.size, c.note, (SELECT count(*) FROM ledger_cosignatures s WHERE s.size = c.size)"
                " FROM ledger_checkpoints c ORDER BY c.size DESC LIMIT ?",
                (_SHOWN,),
            ).fetchall()
            points = [{"size": size, "root": note.split("\n")[2][:44], "witnesses": n} for size, note, n in rows]
    return points, list(reversed(tail(path, _SHOWN)))


def _feeds(settings: Settings, now: float) -> list[dict[str, object]]:
    known = read_status(folder_of(settings) / STATUS).sources
    rows: list[dict[str, object]] = []
    for source in settings.intel.sources:
        one = known.get(source.name)
        at = None if one is None else one.confirmed
        age = None if at is None else now - at
        state = "never" if age is None else "stale" if age > _STALE else "fresh"
        count, error = (0, "") if one is None else (one.rows, one.error)
        rows.append({"name": source.name, "age": age, "state": state, "count": count, "error": error})
    return rows


def _privacy(watching: Watching, now: float) -> dict[str, Any]:
    today = datetime.fromtimestamp(now, UTC).date()
    requests = watching.requests.all() if watching.requests is not None else []
    incidents = watching.incidents.all() if watching.incidents is not None else []
    return {
        "on": watching.requests is not None,
        "requests": [
            {
                "id": one.id,
                "kind": one.kind.value,
                "law": one.law.value,
                "due": one.due.isoformat(),
                "left": (one.due - today).days,
                "late": one.late(today),
                "verified": bool(one.verified),
            }
            for one in requests[:200]
        ],
        "incidents": [
            {
                "id": one.id,
                "aware": one.aware,
                "due": one.due,
                "hours": int((one.due - now) // 3600),
                "late": one.late(now),
                "missing": one.missing,
                "closed": one.closed is not None,
                "told": sorted(one.told),
            }
            for one in incidents[:50]
        ],
    }


def _bots(settings: Settings, messages: dict[str, int]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, bot in settings.bots.items():
        parts = urlsplit(bot.upstream)
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        routes = [route for route, one in settings.routes.items() if one.bot == name]
        rows.append({"name": name, "address": address, "routes": routes, "messages": messages.get(name, 0)})
    return rows


def _messages_of_bots(it: Seeing) -> dict[str, int]:
    rows = it.happened.rows(
        "SELECT bot, sum(n) FROM traffic WHERE slot >= ? AND side = 'message' GROUP BY bot",
        (int(it.clock() - 86_400) // 300,),
    )
    return {str(bot): int(n) for bot, n in rows}


def _alerts(settings: Settings) -> dict[str, Any]:
    """What behaviour found unusual, where it is watched."""
    try:
        with stored(settings) as store:
            if store is None:
                return {"on": False, "alerts": [], "incidents": []}
            return {"on": True, "alerts": store.alerts(limit=100), "incidents": store.incidents(limit=50)}
    except StoreError:
        return {"on": False, "alerts": [], "incidents": []}
