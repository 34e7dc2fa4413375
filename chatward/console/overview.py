"""The first page: what passes, what was decided about it, and whether all that guards it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.asking import SPANS, moment_of
from chatward.console.charts import Chart, Line, steps_of
from chatward.console.preferences import preferences
from chatward.console.seeing import Seeing, Traffic
from chatward.console.start_desk import unfinished
from chatward.console.trail import Trail
from chatward.console.verdicts import LedgerRecord, Row, rows
from chatward.console.watching import Watching

_SHOWN: Final = 12
KINDS: Final = ("allow", "redact", "challenge", "block", "refused")
"""What a bar is made of, from the bottom."""


def overview_routes(
    router: APIRouter,
    pages: Pages,
    watching: Watching,
    status: Callable[[], dict[str, Any]],
    tail: Callable[[int], Sequence[LedgerRecord]],
) -> None:
    """Adds ``/`` and ``/api/v1/overview``. ``tail`` gives the newest entries, on a thread."""

    async def recent() -> list[Row]:
        """The newest verdicts first. One verdict comes with a few other entries, hence the factor."""
        return rows(reversed(await asyncio.to_thread(tail, _SHOWN * 8)))[:_SHOWN]

    def seen(span: str) -> Callable[[Seeing], tuple[Traffic, list[tuple[str, int]], int, int]]:
        return lambda it: (it.traffic(span), it.worst(span), it.findings_open(), it.happened.behind)

    @router.get("/", include_in_schema=False)
    async def overview(request: Request) -> Response:
        caller = caller_of(request)
        span = request.query_params.get("span", "24h")
        span = span if span in SPANS else "24h"
        found = await watching.ask(seen(span))
        say = preferences(caller.headers).say
        known: dict[str, Any] = {"running": status(), "rows": await recent(), "figures": watching.figures()}
        known |= {"open": caller.open_console, "span": span, "spans": SPANS, "traffic": None, "here": "/", "wide": True}
        known |= {"may_look": _may_look(caller), "steps": await unfinished(watching, caller)}
        if found is not None:
            traffic, worst, waiting, behind = found
            known |= {"traffic": traffic, "trail": _trail(watching.trail, _length(span), say)}
            known["chart"] = steps_of("traffic", traffic.steps, {kind: (say[kind], kind) for kind in KINDS})
            known |= {"worst": worst, "waiting": waiting, "behind": behind}
        return pages.render(caller, "overview.html", **known)

    @router.get("/api/v1/overview", summary="Counts of a time: traffic, verdicts, rules that acted")
    async def counts(span: str = "24h") -> dict[str, Any]:
        found = await watching.ask(seen(span if span in SPANS else "24h"))
        figures = watching.figures()
        told: dict[str, Any] = {"overhead_seconds": figures.overhead, "in_flight": figures.in_flight}
        if found is None:
            return told | {"span": span, "steps": [], "totals": {}, "rules": {}, "findings_open": 0, "unscanned": 0}
        traffic, worst, waiting, _ = found
        told |= {"span": traffic.span, "step_seconds": traffic.step, "steps": list(traffic.steps)}
        told |= {"totals": dict(traffic.totals), "rules": dict(worst), "findings_open": waiting}
        return told | {"unscanned": traffic.missing}


def _length(span: str) -> float:
    """The seconds of a time that ends now."""
    return -(moment_of(span, "span", 0.0) or 0.0)


def _trail(trail: Trail | None, seconds: float, say: Mapping[str, str]) -> list[Chart]:
    """Chatward's own time and the share of bots, by what this process saw."""
    moments = [] if trail is None else trail.since(seconds)
    at = [one.at for one in moments]
    half, most = ([None if one.overhead is None else one.overhead[n] * 1000 for one in moments] for n in (0, 1))
    own = Chart("overhead", at, [Line(say["trail_half"], "one", half), Line(say["trail_most"], "two", most)],
                digits=1, unit=" ms")  # fmt: skip
    share = Chart("bots", at, [Line(say["trail_bots"], "one", [one.share for one in moments])], digits=1, unit=" %")
    return [chart for chart in (own, share) if any(value is not None for value in chart.lines[0].values)]


def _may_look(caller: AdminCaller) -> bool:
    return caller.may("admin:ledger:read")
