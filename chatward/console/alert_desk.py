"""What was unusual, as a page: how often by kind, the scores of one of whom there is an alert, incidents and alerts.

Read from the file of ``[behaviour]``, which the gateway's thread writes; the newest ``_READ`` alerts are looked at.
Ids, features and numbers: there is no text in it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.behaviour.opening import stored
from chatward.console.access import caller_of
from chatward.console.access_pages import Pages
from chatward.console.charts import Chart, Line, counted
from chatward.console.preferences import preferences
from chatward.console.tables import Column, Table, listed
from chatward.console.watching import Watching
from chatward.core.errors import StoreError
from chatward.settings import Settings

_READ: Final = 1_000
_OFFERED: Final = 50
OF: Final = "of.entity"
"""The part of the address that says whose scores are drawn. With a dot, so that tables keep it in theirs."""
_SIGNALS: Final = {
    "extreme": "block",
    "record": "redact",
    "shift": "challenge",
    "odd": "allow",
    "duplicates": "one",
    "again": "refused",
}
"""Signal -> colour."""
OF_BEHAVIOUR: Final = (
    Column("id", "message_id", "code"),
    Column("heard", "alerts_heard", "time"),
    Column("size", "alerts_size", "number"),
    Column("signals", "alerts_signals", "list"),
    Column("message", "alerts_evidence", "code", link="address"),
)
ALERTS: Final = (
    Column("at", "time", "time"),
    Column("signal", "alerts_signals", "code", pick=True),
    Column("form", "alerts_form", pick=True),
    Column("entity", "alerts_entity", "code"),
    Column("bot", "bot", pick=True),
    Column("why", "alerts_why", "list"),
    Column("message", "alerts_evidence", "code", link="address"),
)


def alert_routes(router: APIRouter, pages: Pages, watching: Watching) -> None:
    """Adds ``/alerts``."""

    @router.get("/alerts", include_in_schema=False)
    async def alerts(request: Request) -> Response:
        on, found, incidents = await asyncio.to_thread(_found, watching.settings())
        tables = [
            Table("incidents", "alerts_incidents", OF_BEHAVIOUR, [_incident(one) for one in incidents], "alerts_none"),
            Table("alerts", "alerts_title", ALERTS, [_alert(one) for one in found], "alerts_none"),
        ]
        say = preferences(caller_of(request).headers).say
        marks = sorted((one["opened"], f"{say['alerts_incident']} {one['id']}") for one in incidents)
        kinds = {name: (name, colour) for name, colour in _SIGNALS.items()}
        entities = [
            name for name, _ in Counter(one["entity"] for one in found if one["deviations"]).most_common(_OFFERED)
        ]
        asked = request.query_params.get(OF, "")
        entity = asked if asked in entities else next(iter(entities), "")
        known: dict[str, Any] = {"here": "/alerts", "on": on, "entities": entities, "entity": entity, "of": OF}
        known |= {"kinds": counted("kinds", [(one["at"], one["signal"]) for one in found], kinds, marks=marks)}
        known |= {"scores": scores([one for one in found if one["entity"] == entity], marks, say)}
        return await listed(pages, request, "alerts.html", tables, **known)


def scores(alerts: Sequence[Mapping[str, Any]], marks: Sequence[tuple[float, str]], say: Mapping[str, str]) -> Chart:
    """How far from the usual each alert was: its strongest feature, in standard deviations, and from where on that is
    extreme."""
    strongest: dict[float, Mapping[str, Any]] = {}
    for alert in alerts:
        for one in alert["deviations"]:
            if alert["at"] not in strongest or one["score"] > strongest[alert["at"]]["score"]:
                strongest[alert["at"]] = one
    at = sorted(strongest)
    lines = [
        Line(say["alerts_score"], "two", [strongest[when]["score"] for when in at]),
        Line(say["alerts_extreme"], "refused", [strongest[when]["threshold"] for when in at]),
    ]
    return Chart(
        "scores", at, lines, "points", digits=1, marks=[one for one in marks if at and at[0] <= one[0] <= at[-1]]
    )


def _found(settings: Settings) -> tuple[bool, list[dict[str, Any]], list[dict[str, Any]]]:
    """Whether behaviour is watched; alerts and incidents."""
    try:
        with stored(settings) as store:
            return (False, [], []) if store is None else (True, store.alerts(limit=_READ), store.incidents(limit=200))
    except StoreError:
        return False, [], []


def _alert(one: dict[str, Any]) -> dict[str, Any]:
    why = [deviation["feature"] for deviation in one["deviations"]]
    return {name: one[name] for name in ("at", "signal", "form", "entity", "bot")} | _evidence(one) | {"why": why}


def _incident(one: dict[str, Any]) -> dict[str, Any]:
    signals = [f"{name} {n}" for name, n in one["signals"].items()]
    return {name: one[name] for name in ("id", "heard", "size")} | _evidence(one) | {"signals": signals}


def _evidence(one: dict[str, Any]) -> dict[str, Any]:
    """The newest message that shows it."""
    newest = next(iter(one["evidence"][-1:]), "")
    return {"message": newest, "address": f"/messages/{quote(newest, safe='')}" if newest else ""}
