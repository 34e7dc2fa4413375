"""How ``chatward privacy`` shows requests, incidents and the record of processing."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Any

from chatward.commands.terminal import print_json, print_table
from chatward.privacy.incidents import FIELDS, Incident
from chatward.privacy.requests import Request


def show_requests(found: list[Request], today: date, *, as_json: bool) -> None:
    told = [_told(one, today) for one in found]
    if as_json:
        print_json({"requests": told})
        return
    names = ("id", "tenant", "subject", "kind", "law", "state", "received", "due", "late", "outcome")
    print_table(names, [[row[name] for name in names] for row in told])


def _told(one: Request, today: date) -> dict[str, Any]:
    confirm_by = one.confirm()
    return {
        "id": one.id,
        "tenant": one.tenant,
        "subject": one.subject,
        "kind": one.kind.value,
        "law": one.law.value,
        "state": one.state.value,
        "received": one.received.isoformat(),
        "confirm_by": None if confirm_by is None else confirm_by.isoformat(),
        "confirmed": None if one.confirmed is None else one.confirmed.isoformat(),
        "due": one.due.isoformat(),
        "days_left": (one.due - today).days,
        "late": one.late(today),
        "extended": one.extended,
        "verified": one.verified,
        "outcome": one.outcome,
    }


def show_processing(made: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"processing": made})
        return
    rows = [
        (
            one["purpose"] or "-",
            one["lawful_basis"] or "-",
            " ".join(one["routes"]),
            "; ".join(f"{who['processor'] or 'own'} {who['region'] or '?'}" for who in one["recipients"]),
            one["retention_days"] or "-",
        )
        for one in made
    ]
    print_table(("purpose", "ground", "routes", "recipients", "days"), rows)


def show_incidents(found: list[Incident], *, as_json: bool) -> None:
    now = time.time()
    told: list[dict[str, Any]] = [
        {
            "id": one.id,
            "aware": moment(one.aware),
            "authority_by": moment(one.due),
            "hours_left": round((one.due - now) / 3600, 1),
            "late": one.late(now),
            "individuals_by": one.individuals_due.isoformat(),
            "told": {who: moment(at) for who, at in one.told.items()},
            "fields": {name: one.fields.get(name, "") for name in FIELDS},
            "missing": one.missing,
            "closed": None if one.closed is None else moment(one.closed),
        }
        for one in found
    ]
    if as_json:
        print_json({"incidents": told})
        return
    names = ("id", "aware", "authority_by", "late", "individuals_by", "told", "missing", "closed")
    rows = [
        [" ".join(row[name]) if isinstance(row[name], (dict, list)) else row[name] for name in names] for row in told
    ]
    print_table(names, rows)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
