"""Controls as they stand now, with the evidence behind them; reports that are made of them, kept and verified.

The rules:

1. A control's state is found anew each time that it is shown: its code is looked for, and tried (``evidence``).
2. What is not covered stands first. Unknown is never a pass.
3. A report is made one at a time, kept with its signed note, and given in every form; whoever reads can have one
   verified: its bytes and note against the key of this ledger.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from chatward.assurance.controls import REPORTS, TITLES
from chatward.assurance.drills import KINDS, Drill, drills, newest, standing
from chatward.assurance.evidence import Context, Control, Seen, gathered, row
from chatward.assurance.kept_reports import Kept
from chatward.assurance.reports import as_csv, as_html, as_oscal, canonical, proof, proven, report
from chatward.assurance.tasks import day_of
from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages, form_route
from chatward.console.assuring import Assuring, given_file
from chatward.console.preferences import preferences
from chatward.console.tables import Column, Table, listed
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger.reading import between
from chatward.privacy.requirements import Status

_PAGE: Final = 10_000
_STATES: Final = {
    Status.OBSERVED.value: "allow",
    Status.UNOBSERVED.value: "redact",
    Status.OFF.value: "refused",
    Status.DUTY.value: "open",
    Status.NOT_ASSESSED.value: "block",
}
CONTROLS: Final = (
    Column("id", "control", "code"),
    Column("catalogue", "control_catalogue", pick=True),
    Column("status", "state", "tag", pick=True, tones=_STATES),
    Column("sentence", "control_says"),
    Column("why", "control_why"),
    Column("tried", "control_tried", "yes", pick=True),
    Column("evidence", "control_evidence", "list"),
    Column("last", "control_last", "time"),
    Column("entries", "control_entries", "list"),
)
DRILLS: Final = (
    Column("kind", "drill", "code"),
    Column("what", "control_says"),
    Column("last", "control_last"),
    Column("good", "drill_good", "yes", pick=True),
    Column("due", "due"),
    Column("why", "drill_lacks"),
    Column("by", "by", "code"),
)
KEPT: Final = (
    Column("id", "report", "number", link="there"),
    Column("report", "report_of", pick=True),
    Column("at", "time", "time"),
    Column("by", "by", "code"),
    Column("observed", "report_observed", "number"),
    Column("controls", "controls_title", "number"),
    Column("signed", "report_signed", "yes", pick=True),
    Column("sha256", "sha256", "code"),
)
NOT_COVERED: Final = (
    Column("id", "control", "code"),
    Column("status", "state", "tag", pick=True, tones=_STATES),
    Column("why", "control_why"),
)
OTHER: Final = (
    Column("id", "control", "code"),
    Column("before", "vendor_before", "tag", tones=_STATES),
    Column("after", "vendor_after", "tag", tones=_STATES),
)
FORMS: Final = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "oscal": "application/json",
    "note": "text/plain; charset=utf-8",
}


class OnRecord:
    """What a ledger holds as evidence: counted once, and after that only what is new. Blocks."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next = 0
        self._seen: dict[str, Seen] = {}
        self._drills: dict[str, Drill] = {}
        self._lock = threading.Lock()

    def now(self) -> tuple[dict[str, Seen], dict[str, Drill]]:
        """Evidence by event, and the newest drill of each kind. Raises ``StoreError``."""
        with self._lock:
            while self._path is not None and self._path.exists():
                page = between(self._path, self._next, self._next + _PAGE - 1)
                if not page:
                    break
                self._seen = gathered(page, before=self._seen)
                self._drills = newest((*self._drills.values(), *drills(page)))
                self._next = page[-1].seq + 1
            return dict(self._seen), dict(self._drills)


def report_routes(router: APIRouter, pages: Pages, it: Assuring) -> None:
    """Adds ``/controls`` and ``/reports`` with its forms, and the same for programs."""
    wanted = it.settings.ledger
    ledger = Path(wanted.path) if wanted.enabled else None
    record, making = OnRecord(ledger), asyncio.Lock()

    async def standing_now(request: Request, status: int = 200, **values: Any) -> Response:
        rows, practised = await asyncio.to_thread(_controls, it, record)
        tables = [
            Table("controls", "controls_title", CONTROLS, rows, "controls_none"),
            Table("drills", "drills_title", DRILLS, practised, "drills_text"),
        ]
        known: dict[str, Any] = {"here": "/controls", "may": caller_of(request).may("admin:reports:write")}
        known |= {"counts": {state: sum(one["status"] == state for one in rows) for state in _STATES}}
        known |= {"tones": _STATES, "kinds": [kind for kind in KINDS if kind != "redteam"]}
        return await listed(pages, request, "controls.html", tables, status, **(known | values))

    @router.get("/controls", include_in_schema=False)
    async def controls(request: Request) -> Response:
        return await standing_now(request)

    async def practised(caller: AdminCaller) -> dict[str, Any]:
        await asyncio.to_thread(_practised, it, caller)
        return {"done": preferences(caller.headers).say["drill_recorded"]}

    form_route(router, pages, "/controls/drill", standing_now, practised)

    @router.get("/api/v1/controls", summary="Controls as they stand now, with the evidence behind them")
    async def controls_as_json() -> list[dict[str, Any]]:
        return (await asyncio.to_thread(_controls, it, record))[0]

    async def page(request: Request, status: int = 200, **values: Any) -> Response:
        rows = await asyncio.to_thread(_kept, it)
        table = Table("reports", "reports_kept", KEPT, rows, "reports_none")
        known = {"here": "/reports", "may": caller_of(request).may("admin:reports:write"), "titles": TITLES}
        return await listed(pages, request, "reports.html", [table], status, **(known | values))

    @router.get("/reports", include_in_schema=False)
    async def reports(request: Request) -> Response:
        return await page(request)

    @router.get("/reports/{seq}", include_in_schema=False)
    async def one(request: Request, seq: int) -> Response:
        kept, made, other = await asyncio.to_thread(_one, it, seq)
        tables = [
            Table("missing", "report_missing", NOT_COVERED, made["not_covered"], "report_missing_none"),
            Table("other", "report_other", OTHER, other, "report_other_none"),
            Table("controls", "controls_title", CONTROLS, [_shown(one) for one in made["controls"]], "controls_none"),
        ]
        known: dict[str, Any] = {
            "here": f"/reports/{seq}",
            "kept": kept,
            "made": made,
            "forms": FORMS,
            "tones": _STATES,
        }
        return await listed(pages, request, "kept_report.html", tables, **known)

    @router.get("/reports/{seq}/{form}", include_in_schema=False)
    async def taken(seq: int, form: str) -> Response:
        if form not in FORMS:
            raise ClientError("There is no such form of a report.", reason="report-unknown", status=404)
        name, body = await asyncio.to_thread(_file, it, seq, form)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(body, media_type=FORMS[form], headers=headers)

    async def make(caller: AdminCaller) -> dict[str, Any]:
        name = caller.form.get("report", "")
        if name not in REPORTS:
            raise ClientError("There is no report of that name.", reason="report-unknown", status=404)
        if making.locked():
            raise ClientError("One is being made just now. Wait for that.", reason="overloaded", status=503)
        async with making:
            await asyncio.to_thread(_made, it, name, ledger, caller.principal.id)
        return {"done": preferences(caller.headers).say["report_made"]}

    async def verified(caller: AdminCaller) -> dict[str, Any]:
        good = await asyncio.to_thread(_verified, caller, ledger)
        say = preferences(caller.headers).say
        return {"done": say["report_proven"]} if good else {"problem": say["report_not_proven"]}

    form_route(router, pages, "/reports/make", page, make)
    form_route(router, pages, "/reports/verify", page, verified)

    @router.get("/api/v1/reports", summary="Reports that were made")
    async def reports_as_json() -> list[dict[str, Any]]:
        rows = await asyncio.to_thread(_kept, it)
        return [{name: value for name, value in row.items() if name != "there"} for row in rows]


def _controls(it: Assuring, record: OnRecord) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Controls and drills as they stand."""
    seen, practised = record.now()
    context = Context(it.settings, seen, it.check, practised, it.clock())
    catalogues: dict[str, Control] = {}
    for controls in REPORTS.values():
        catalogues |= {f"{one.catalogue} {one.id}": one for one in controls}
    rows = [_shown(row(one, context)) for one in catalogues.values()]
    return rows, standing(it.settings.assurance.drills, practised, it.clock())


def _practised(it: Assuring, caller: AdminCaller) -> None:
    """Puts a drill on record. Raises ``ClientError``."""
    kind, day = caller.form.get("kind", ""), day_of(caller.form.get("day", ""))
    if kind not in KINDS or day > it.clock():
        raise ClientError("A drill is of a known kind, and put on record after it was done.", reason="drill-invalid")
    done = Drill(kind, day, caller.form.get("good") == "yes", caller.principal.id)
    it.record(Entry(Event.DRILL_RECORDED, "", done.fields()))


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    """A control as a row: what stands in its way before what is left out of it."""
    found: dict[str, Any] = one["evidence"]
    return {
        **{name: one[name] for name in ("id", "catalogue", "status", "sentence", "tried")},
        "why": one["why"] or one["limit"] or "",
        "evidence": [f"{name}: {seen['count']}" for name, seen in found.items()],
        "last": max((seen["last"] for seen in found.values()), default=None),
        "entries": sorted({entry for seen in found.values() for entry in seen["entries"]})[-5:],
    }


def _kept(it: Assuring) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "there": f"/reports/{one.id}",
            "report": one.name,
            "at": one.at,
            "by": one.by,
            "observed": one.counts.get(Status.OBSERVED.value, 0),
            "controls": sum(one.counts.values()),
            "signed": bool(one.note),
            "sha256": one.sha256,
        }
        for one in it.reports.all()
    ]


def _one(it: Assuring, seq: int) -> tuple[Kept, dict[str, Any], list[dict[str, Any]]]:
    """A report, and which controls stood otherwise in the one before it."""
    kept, made = it.reports.one(seq)
    before = it.reports.before(kept)
    old = {one["id"]: one["status"] for one in before["controls"]} if before is not None else {}
    other = [
        {"id": one["id"], "before": old.get(one["id"]), "after": one["status"]}
        for one in made["controls"]
        if old and old.get(one["id"]) != one["status"]
    ]
    return kept, made, other


def _file(it: Assuring, seq: int, form: str) -> tuple[str, str | bytes]:
    kept, made = it.reports.one(seq)
    ways: dict[str, Callable[[], str | bytes]] = {
        "html": lambda: as_html(made),
        "json": lambda: canonical(made),
        "csv": lambda: as_csv(made),
        "oscal": lambda: msgspec.json.encode(as_oscal(made)),
        "note": lambda: kept.note,
    }
    ending = {"oscal": "oscal.json", "note": "json.note"}.get(form, form)
    return f"{kept.name}-{kept.id}.{ending}", ways[form]()


def _made(it: Assuring, name: str, ledger: Path | None, by: str) -> None:
    made = report(name, it.settings, it.check)
    note = proof(made, ledger) if ledger is not None else ""
    it.reports.keep(made, note, by)


def _verified(caller: AdminCaller, ledger: Path | None) -> bool:
    """Raises ``ClientError`` where what was given is no report with a note."""
    if ledger is None:
        raise ClientError("There is no record here.", reason="ledger-off", status=409)
    _, body = given_file(caller, "file")
    _, note = given_file(caller, "note")
    try:
        made = msgspec.json.decode(body, type=dict[str, Any])
        return proven(made, note.decode(), ledger)
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
        raise ClientError("This is no report in JSON.", reason="report-invalid") from None
