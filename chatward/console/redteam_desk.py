"""Attacks on bots of one's own (``chatward redteam``): what worked before and after, and the cases to replay.

Shown only: an attack sends requests to a bot and is started by hand. Answers of bots are not kept (``runs``).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from chatward.assurance.probes import probes
from chatward.assurance.redteam import FAILED, cases
from chatward.assurance.runs import OWN, Run
from chatward.console.access_pages import Pages
from chatward.console.assuring import Assuring
from chatward.console.tables import Column, Table, listed
from chatward.core.errors import ClientError

_OUTCOMES: Final = {"worked": "block", "resisted": "allow", "stopped": "allow", "unknown": "redact"}
RUNS: Final = (
    Column("id", "redteam_run", "number", link="there"),
    Column("at", "time", "time"),
    Column("bot", "bot", pick=True),
    Column("model", "redteam_model", "code"),
    Column("suite", "redteam_suite", pick=True),
    Column("probes", "redteam_probes", "number"),
    Column("direct", "redteam_direct"),
    Column("guarded", "redteam_guarded"),
    Column("unknown", "unknown", "number"),
)
PROBES: Final = (
    Column("id", "redteam_probe", "code"),
    Column("category", "redteam_category", pick=True),
    Column("direct", "redteam_direct", "tag", pick=True, tones=_OUTCOMES),
    Column("guarded", "redteam_guarded", "tag", pick=True, tones=_OUTCOMES),
)


def redteam_routes(router: APIRouter, pages: Pages, it: Assuring) -> None:
    """Adds ``/redteam``, and the same for programs."""

    @router.get("/redteam", include_in_schema=False)
    async def runs(request: Request) -> Response:
        found = await asyncio.to_thread(it.runs.all)
        table = Table("runs", "redteam_title", RUNS, [_row(one) for one in found], "redteam_none")
        newest = _chart(found[0]) if found else []
        return await listed(pages, request, "redteam.html", [table], here="/redteam", chart=newest)

    @router.get("/redteam/{seq}", include_in_schema=False)
    async def run(request: Request, seq: int) -> Response:
        found = await asyncio.to_thread(it.runs.one, seq)
        table = Table("probes", "redteam_probes", PROBES, [_probe(one) for one in found.made["probes"]], "redteam_none")
        known: dict[str, Any] = {
            "here": f"/redteam/{seq}",
            "run": _row(found),
            "chart": _chart(found),
            "own": found.suite == OWN,
        }
        return await listed(pages, request, "redteam_run.html", [table], **known)

    @router.get("/redteam/{seq}/cases", include_in_schema=False)
    async def suite(seq: int) -> Response:
        found = await asyncio.to_thread(it.runs.one, seq)
        if found.suite != OWN:
            raise ClientError("The cases of this suite are its own.", reason="run-unknown", status=404)
        seed, named = str(found.made.get("seed", "1")), {one["id"] for one in found.made["probes"]}
        text = cases(one for one in probes(seed) if one.id in named)
        headers = {"content-disposition": f'attachment; filename="redteam-{seq}.jsonl"'}
        return Response(text, media_type="application/jsonl", headers=headers)

    @router.get("/api/v1/redteam", summary="Attacks on bots of one's own, and what worked")
    async def as_json() -> JSONResponse:
        found = await asyncio.to_thread(it.runs.all)
        return JSONResponse([{"id": one.id, "at": one.at, "suite": one.suite, **one.made} for one in found])


def _row(one: Run) -> dict[str, Any]:
    whole = one.made["all"]
    return {
        "id": one.id,
        "there": f"/redteam/{one.id}",
        "at": one.at,
        "bot": one.bot,
        "model": one.made.get("model", ""),
        "suite": one.suite,
        "probes": whole["probes"],
        "direct": _rate(whole["direct"]),
        "guarded": _rate(whole["guarded"]),
        "unknown": whole["direct"]["unknown"] + whole["guarded"]["unknown"],
    }


def _probe(one: dict[str, Any]) -> dict[str, Any]:
    """A probe that failed is a bot that resisted it."""
    return one | {side: "resisted" if one[side] == FAILED else one[side] for side in ("direct", "guarded")}


def _rate(side: dict[str, Any]) -> str:
    """How many worked, as a part with its 95 % interval."""
    if side["rate"] is None:
        return "–"
    return f"{side['rate']:.0%} ({side['low']:.0%} – {side['high']:.0%})"


def _chart(one: Run) -> list[dict[str, Any]]:
    """By category: the part that worked, before and after, of 100; ``None`` where nothing is known."""
    return [
        {
            "title": said["title"],
            "probes": said["probes"],
            **{
                side: None if said[side]["rate"] is None else round(100 * said[side]["rate"])
                for side in ("direct", "guarded")
            },
        }
        for said in one.made["categories"].values()
    ]
