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
from urllib.parse import quote, urlencode, urlsplit

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.console.access_pages import Pages
from chatward.console.seeing import Seeing
from chatward.console.tables import Column, Table, listed
from chatward.console.watching import Watching
from chatward.core import base64url
from chatward.core.errors import ClientError, ConfigError
from chatward.intel.index import STATUS, read_status
from chatward.intel.opening import folder_of
from chatward.ledger import tree
from chatward.ledger.checkpointing import verifiers
from chatward.ledger.reading import tail
from chatward.ledger.verifying import Verification, verify
from chatward.settings import Settings
from chatward.weaknesses import weaknesses

_SHOWN: Final = 200
_STALE: Final = 24 * 3600.0
_LATE: Final = {"open": "redact", "late": "late", "closed": "allow", "done": "allow"}
FEEDS: Final = (
    Column("name", "feed_source"),
    Column("state", "feed_state", "tag", pick=True, tones={"fresh": "allow", "stale": "block", "never": "block"}),
    Column("fetched", "feed_fetched", "time"),
    Column("count", "feed_count", "number"),
    Column("error", "feed_error", "code"),
)
REQUESTS: Final = (
    Column("id", "message_id", "code"),
    Column("state", "state", "tag", pick=True, tones=_LATE),
    Column("kind", "privacy_kind", pick=True),
    Column("law", "privacy_law", pick=True),
    Column("due", "privacy_due"),
    Column("left", "privacy_days", "number"),
    Column("verified", "privacy_verified", "yes", pick=True),
)
INCIDENTS: Final = (
    Column("id", "message_id", "code"),
    Column("state", "state", "tag", pick=True, tones=_LATE),
    Column("aware", "incident_aware", "time"),
    Column("due", "incident_due", "time"),
    Column("hours", "incident_hours", "number"),
    Column("told", "incident_told", "list"),
    Column("missing", "incident_missing", "list"),
)
BOTS: Final = (
    Column("name", "bot", link="there"),
    Column("address", "bots_upstream", "code"),
    Column("routes", "bots_routes", "list", pick=True),
    Column("messages", "bots_seen", "number"),
)
KEYS: Final = (
    Column("kid", "bots_key", "code"),
    Column("state", "state", "tag", pick=True, tones={"in-use": "allow", "retired": "redact", "revoked": "block"}),
    Column("signs", "bots_signs", "yes", pick=True),
    Column("since", "person_made", "time"),
    Column("until", "person_until", "time"),
)
DOWN: Final = (
    Column("id", "guard", "code"),
    Column("state", "state", "tag", pick=True),
    Column("summary", "looks_for"),
)
WEAK: Final = (
    Column("key", "policy_key", "code"),
    Column("level", "health_level", "tag", pick=True, tones={"high": "high", "medium": "medium", "low": "low"}),
    Column("what", "health_what"),
)
POINTS: Final = (
    Column("size", "ledger_upto", "number"),
    Column("root", "ledger_root", "code"),
    Column("witnesses", "ledger_witnesses", "number"),
)
ENTRIES: Final = (
    Column("seq", "entry", "number"),
    Column("at", "time", "time"),
    Column("event", "event", "code", pick=True),
    Column("exchange", "message_title", "code", link="address"),
)
Guards = Callable[[], Sequence[tuple[str, str, str]]]


def standing_routes(
    router: APIRouter, pages: Pages, watching: Watching, guards: Guards, clock: Callable[[], float] = time.time
) -> None:
    """Adds ``/ledger``, ``/feeds``, ``/privacy``, ``/bots`` and ``/health``."""
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
        return await listed(
            pages, request, "feeds.html", [Table("feeds", "feeds_title", FEEDS, rows, "feeds_none")], here="/feeds"
        )

    @router.get("/privacy", include_in_schema=False)
    async def privacy(request: Request) -> Response:
        requests, incidents = await asyncio.to_thread(_privacy, watching, clock())
        tables = [
            Table("requests", "privacy_requests", REQUESTS, requests, "privacy_requests_none"),
            Table("incidents", "incidents", INCIDENTS, incidents, "incidents_none"),
        ]
        return await listed(pages, request, "privacy.html", tables, here="/privacy", on=watching.requests is not None)

    @router.get("/bots", include_in_schema=False)
    async def bots(request: Request) -> Response:
        rows = _bots(watching.settings(), await watching.ask(_messages_of_bots) or {})
        known = await asyncio.to_thread(_manifest, watching)
        tables = [
            Table("bots", "bots_title", BOTS, rows, "bots_none"),
            Table("keys", "bots_keys", KEYS, known.pop("keys"), "bots_manifest_off"),
        ]
        return await listed(pages, request, "bots.html", tables, here="/bots", **known)

    @router.get("/health", include_in_schema=False)
    async def health(request: Request) -> Response:
        found = weaknesses(watching.settings(), datetime.fromtimestamp(clock(), UTC).date())
        down = [{"id": id, "state": state, "summary": said} for id, said, state in guards() if state != "on"]
        behind = await watching.ask(lambda it: it.happened.behind)
        weak = [{"level": one.level, "key": one.key, "what": one.sentence} for one in found]
        tables = [
            Table("guards", "guards", DOWN, down, "guards_on"),
            Table("weak", "health_text", WEAK, weak, "weak_none"),
        ]
        known: dict[str, Any] = {"here": "/health", "behind": behind, "figures": watching.figures()}
        return await listed(pages, request, "health.html", tables, **known)


async def _ledger(pages: Pages, watching: Watching, request: Request, status: int = 200, **values: object) -> Response:
    path = watching.ledger
    points, entries = (await asyncio.to_thread(_newest, path)) if path is not None else ([], [])
    tables = [
        Table("points", "ledger_checkpoints", POINTS, points, "ledger_checkpoints_none"),
        Table("entries", "ledger_entries", ENTRIES, entries, "nothing_yet"),
    ]
    known: dict[str, object] = {"here": "/ledger", "result": None, "recorded": path is not None}
    return await listed(pages, request, "ledger.html", tables, status, **(known | values))


def _newest(path: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
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
    entries = [
        {
            "seq": one.seq,
            "at": one.at / 1e9,
            "event": one.event,
            "exchange": one.exchange,
            "address": f"/messages/{quote(one.exchange, safe='')}" if one.exchange else "",
        }
        for one in reversed(tail(path, _SHOWN))
    ]
    return points, entries


def _feeds(settings: Settings, now: float) -> list[dict[str, object]]:
    known = read_status(folder_of(settings) / STATUS).sources
    rows: list[dict[str, object]] = []
    for source in settings.intel.sources:
        one = known.get(source.name)
        at = None if one is None else one.confirmed
        age = None if at is None else now - at
        state = "never" if age is None else "stale" if age > _STALE else "fresh"
        count, error = (0, "") if one is None else (one.rows, one.error)
        rows.append({"name": source.name, "fetched": at, "state": state, "count": count, "error": error})
    return rows


def _privacy(watching: Watching, now: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Requests of people, and breaches."""
    today = datetime.fromtimestamp(now, UTC).date()
    requests = watching.requests.all() if watching.requests is not None else []
    incidents = watching.incidents.all() if watching.incidents is not None else []
    return [
        {
            "id": one.id,
            "state": "late" if one.late(today) else one.state.value,
            "kind": one.kind.value,
            "law": one.law.value,
            "due": one.due.isoformat(),
            "left": (one.due - today).days,
            "verified": bool(one.verified),
        }
        for one in requests
    ], [
        {
            "id": one.id,
            "state": "closed" if one.closed is not None else "late" if one.late(now) else "open",
            "aware": one.aware,
            "due": one.due,
            "hours": None if one.closed is not None else int((one.due - now) // 3600),
            "missing": one.missing,
            "told": sorted(one.told),
        }
        for one in incidents
    ]


def _bots(settings: Settings, messages: dict[str, int]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, bot in settings.bots.items():
        parts = urlsplit(bot.upstream)
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        routes = [route for route, one in settings.routes.items() if one.bot == name]
        seen = messages.get(name, 0)
        there = f"/messages?{urlencode({'bot': name})}"
        rows.append({"name": name, "address": address, "routes": routes, "messages": seen, "there": there})
    return rows


def _messages_of_bots(it: Seeing) -> dict[str, int]:
    rows = it.happened.rows(
        "SELECT bot, sum(n) FROM traffic WHERE slot >= ? AND side = 'message' GROUP BY bot",
        (int(it.clock() - 86_400) // 300,),
    )
    return {str(bot): int(n) for bot, n in rows}


def _manifest(watching: Watching) -> dict[str, Any]:
    """The manifest as it is served now, and its keys."""
    if watching.manifest is None:
        return {"manifest": None, "keys": [], "fault": ""}
    try:
        found = orjson.loads(watching.manifest())
    except ConfigError as error:
        return {"manifest": None, "keys": [], "fault": error.reason}
    signed = {orjson.loads(base64url.decode(one.partition("..")[0]))["kid"] for one in found["signatures"]}
    keys = [
        {
            "kid": one["kid"],
            "state": "revoked" if "revoked" in one else "retired" if "not_after" in one else "in-use",
            "since": one["not_before"],
            "until": one.get("revoked", one.get("not_after")),
            "signs": one["kid"] in signed,
        }
        for one in found["keys"]
    ]
    return {"manifest": found, "keys": keys, "fault": ""}
