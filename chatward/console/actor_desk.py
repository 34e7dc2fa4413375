"""Who is automated: how sessions stood, by which signals, and what the ladder did about it; as a page and for programs.

The record has a session's standing when it changes (``traffic.watch``, rule 5), so who was taken for a person all along
is not listed; the counts are of all messages since this process started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.console.access import caller_of
from chatward.console.access_pages import Pages
from chatward.console.charts import Chart, counted, steps_of
from chatward.console.preferences import preferences
from chatward.console.tables import Column, Table, listed
from chatward.console.trail import ACTORS
from chatward.console.watching import Watching

_ACTORS = {"human": "allow", "agent": "allow", "crawler": "allow", "unsure": "redact", "bot": "block"}
_RUNGS = {
    "none": "allow", "work": "challenge", "slow": "redact", "step-up": "challenge", "block": "block",
    "pass-given": "allow", "pass-refused": "block",
}  # fmt: skip

_COLOURS = {"human": "allow", "unsure": "redact", "bot": "block", "agent": "challenge", "crawler": "refused"}


def actor_routes(router: APIRouter, pages: Pages, watching: Watching) -> None:
    """Adds ``/traffic`` and ``/api/v1/traffic``."""

    async def standings() -> list[dict[str, Any]]:
        return await watching.ask(lambda it: it.standings()) or []

    @router.get("/traffic", include_in_schema=False)
    async def traffic(request: Request) -> Response:
        figures, settings = watching.figures(), watching.settings().traffic
        rows = [
            one | {"message": f"/messages/{one['exchange']}" if one["exchange"] else ""} for one in await standings()
        ]
        newest = Table(
            "standings",
            "actors_standings",
            (
                Column("at", "time", "time", link="message"),
                Column("actor", "actor", "tag", pick=True, tones=_ACTORS),
                Column("score", "actor_score", "number"),
                Column("rung", "actor_rung", "tag", pick=True, tones=_RUNGS),
                Column("mode", "mode", pick=True),
                Column("signals", "actor_signals", "list", pick=True),
                Column("principal", "caller", "code"),
                Column("session", "actor_session", "code"),
            ),
            rows,
            "actors_none",
        )
        signals = Table(
            "signals",
            "actor_signals",
            (Column("signal", "actor_signal", "code"), Column("messages", "messages", "number")),
            [{"signal": name, "messages": n} for name, n in sorted(figures.signals.items(), key=lambda one: -one[1])],
            "actors_none",
        )
        say = preferences(caller_of(request).headers).say
        kinds = {name: (say[name], colour) for name, colour in _COLOURS.items()}
        stood = counted("stood", [(one["at"], one["actor"]) for one in rows], kinds)
        known: dict[str, Any] = {"here": "/traffic", "on": settings.enabled, "mode": settings.mode, "figures": figures}
        known |= {"stood": stood, "sent": _sent(watching, kinds)}
        return await listed(pages, request, "traffic.html", [newest, signals], **known)

    @router.get("/api/v1/traffic", summary="How automated sessions looked, and what was done about it")
    async def told() -> dict[str, Any]:
        figures = watching.figures()
        counts = {"actors": dict(figures.actors), "rungs": dict(figures.rungs), "signals": dict(figures.signals)}
        return {**counts, "standings": await standings()}


def _sent(watching: Watching, kinds: Mapping[str, tuple[str, str]]) -> Chart:
    """Messages by what sent them, as this process saw it in the last day."""
    moments = [] if watching.trail is None else watching.trail.since(86_400)
    unknown = dict.fromkeys(ACTORS)
    return steps_of("sent", [{"at": one.at, **(one.actors or unknown)} for one in moments], kinds)
