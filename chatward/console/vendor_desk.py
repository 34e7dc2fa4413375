"""Vendors: who is approved and why not, what they answered and what can be seen of them, what is to be done about it.

The rules:

1. Pages say what the gate says (``assurance.vendors``): a route of a vendor that lacks something is refused, with the
   reasons, from the moment that this is so.
2. What a vendor gave as evidence is taken along as a file, never shown in a page, by who may export.
3. Answers, evidence and links are made here as by ``chatward vendor``; the register itself is in the settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from chatward.assurance.answers import parsed_answers, source_of
from chatward.assurance.assessments import Assessment
from chatward.assurance.domains import FAILED
from chatward.assurance.published import changed
from chatward.assurance.questionnaire import changes, questionnaire, scored
from chatward.assurance.tasks import DAY
from chatward.assurance.vendor_tasks import LOOK, QUESTION
from chatward.assurance.vendors import lacking
from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages, form_route
from chatward.console.assuring import Assuring, acceptance, given_file, sentences
from chatward.console.preferences import preferences
from chatward.console.tables import Column, Table, listed
from chatward.core.errors import ClientError, ConfigError
from chatward.settings.assurance import Vendor

_STATES: Final = {"approved": "allow", "not-approved": "block", "registered": "open"}
_TASKS: Final = {"open": "open", "late": "late", "accepted": "accepted", "closed": "allow"}
_URGENCY: Final = {"critical": "high", "high": "high", "medium": "medium", "low": "low"}
_LOOKS: Final = {"ok": "allow", "not-ok": "block", "unknown": "redact"}
_ANSWERS: Final = {"yes": "allow", "partly": "redact", "no": "block", "not-applicable": "open"}
VENDORS: Final = (
    Column("vendor", "vendor", link="there"),
    Column("state", "state", "tag", pick=True, tones=_STATES),
    Column("kind", "vendor_kind", pick=True),
    Column("bots", "vendor_bots", "list"),
    Column("owner", "owner", pick=True),
    Column("regions", "vendor_regions", "list"),
    Column("data", "vendor_data", "list"),
    Column("score", "vendor_score", "number"),
    Column("tasks", "vendor_tasks_open", "number"),
    Column("next", "vendor_next"),
    Column("lacks", "vendor_lacks"),
)
ROUTES: Final = (
    Column("route", "route"),
    Column("state", "state", "tag", pick=True, tones={"served": "allow", "refused": "block"}),
    Column("bot", "bot"),
)
ENDS: Final = (
    Column("what", "vendor_what", "code"),
    Column("until", "vendor_until"),
    Column("days", "vendor_days", "number"),
    Column("required", "vendor_required", "yes"),
)
LOST: Final = (
    Column("question", "vendor_question", "code"),
    Column("points", "vendor_points", "number"),
    Column("answer", "vendor_answer", "tag", pick=True, tones=_ANSWERS),
    Column("text", "vendor_text"),
    Column("comment", "vendor_comment"),
)
SEEN: Final = (
    Column("name", "vendor_look", "code"),
    Column("state", "state", "tag", pick=True, tones=_LOOKS),
    Column("said", "vendor_said"),
    Column("before", "vendor_before", "tag", tones=_LOOKS),
)
TASKS: Final = (
    Column("id", "task", "number"),
    Column("state", "state", "tag", pick=True, tones=_TASKS),
    Column("urgency", "urgency", "tag", pick=True, tones=_URGENCY),
    Column("about", "task_about", "code"),
    Column("text", "vendor_text"),
    Column("owner", "owner"),
    Column("due", "due", "time"),
    Column("until", "task_accepted_until", "time"),
)
CHANGES: Final = (
    Column("question", "vendor_question", "code"),
    Column("before", "vendor_before", "tag", tones=_ANSWERS),
    Column("after", "vendor_after", "tag", tones=_ANSWERS),
)
HISTORY: Final = (
    Column("at", "time", "time"),
    Column("score", "vendor_score", "number"),
    Column("source", "vendor_source", "code"),
    Column("until", "vendor_until", "time"),
)
EVIDENCE: Final = (
    Column("name", "vendor_file", link="there"),
    Column("question", "vendor_question", "code"),
    Column("at", "time", "time"),
    Column("sha256", "sha256", "code"),
)


def vendor_routes(router: APIRouter, pages: Pages, it: Assuring) -> None:
    """Adds ``/vendors`` with its forms, and the same for programs."""

    @router.get("/vendors", include_in_schema=False)
    async def vendors(request: Request) -> Response:
        rows = await asyncio.to_thread(_vendors, it)
        shown = [sentences(row, "lacks") for row in rows]
        table = Table("vendors", "vendors_title", VENDORS, shown, "vendors_none")
        return await listed(pages, request, "vendors.html", [table], here="/vendors")

    async def page(request: Request, status: int = 200, **values: Any) -> Response:
        caller = caller_of(request)
        name = request.path_params.get("id") or caller.form.get("vendor", "")
        told = await asyncio.to_thread(_told, it, name, export=caller.may("admin:vendors:export"))
        known = {"here": f"/vendors/{quote(name)}", "may": caller.may("admin:vendors:write"), "link": ""}
        return await listed(pages, request, "vendor.html", _tables(told), status, **(known | {"told": told} | values))

    @router.get("/vendors/{id}", include_in_schema=False)
    async def vendor(request: Request) -> Response:
        return await page(request)

    @router.get("/vendors/{id}/evidence/{seq}", include_in_schema=False)
    async def evidence(id: str, seq: int) -> Response:
        body = await asyncio.to_thread(it.assessments.body, _known(it, id)[0], seq)
        headers = {"content-disposition": f'attachment; filename="evidence-{seq}"'}
        return Response(body, media_type="application/octet-stream", headers=headers)

    form_route(router, pages, "/vendors/invite", page, _acting(it, _invite))
    form_route(router, pages, "/vendors/look", page, _acting(it, _look))
    form_route(router, pages, "/vendors/answers", page, _acting(it, _answers))
    form_route(router, pages, "/vendors/attach", page, _acting(it, _attach))
    form_route(router, pages, "/vendors/accept", page, _acting(it, _accept))

    @router.get("/api/v1/vendors", summary="Vendors, which of them are approved, and why not")
    async def as_json() -> list[dict[str, Any]]:
        return [_without_link(row) for row in await asyncio.to_thread(_vendors, it)]

    @router.get("/api/v1/vendors/{id}", summary="All that is known of a vendor")
    async def one_as_json(id: str) -> JSONResponse:
        told = await asyncio.to_thread(_told, it, id, export=False)
        return JSONResponse({**told, "evidence": [_without_link(row) for row in told["evidence"]]})


def _without_link(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "there"}


# --- what is known


def _known(it: Assuring, name: str) -> tuple[str, Vendor]:
    found = it.settings.vendors.get(name)
    if found is None:
        raise ClientError("There is no vendor of that name in the settings.", reason="vendor-unknown", status=404)
    return name, found


def _vendors(it: Assuring) -> list[dict[str, Any]]:
    now, rows = it.clock(), []
    why, newest = lacking(it.settings, it.assessments, now), it.assessments.newest()
    waiting = [one.vendor for one in it.assessments.tasks.of() if one.state(now) in {"open", "late"}]
    for name, one in it.settings.vendors.items():
        ahead = sorted((row["until"], row["what"]) for row in _ends(one, now))
        rows.append(
            {
                "vendor": name,
                "there": f"/vendors/{quote(name)}",
                "state": _state(one, why[name]),
                "kind": one.kind,
                "bots": list(one.bots),
                "owner": one.owner,
                "regions": list(one.regions),
                "data": list(one.data),
                "score": newest[name][1] if name in newest else None,
                "tasks": waiting.count(name),
                "next": f"{ahead[0][0]} {ahead[0][1]}" if ahead else "",
                "lacks": why[name],
            }
        )
    return rows


def _state(vendor: Vendor, why: list[str]) -> str:
    return "registered" if not vendor.bots else "not-approved" if why else "approved"


def _ends(vendor: Vendor, now: float) -> list[dict[str, Any]]:
    """Contracts, review and certificates with their last days."""
    days = [(key, getattr(vendor, f"{key}_until"), key == "review") for key in ("review", "dpa", "baa")]
    days += [(name, until, name in vendor.required) for name, until in vendor.certificates.items()]
    today = datetime.fromtimestamp(now, UTC).date()
    return [
        {"what": what, "until": until, "days": (date.fromisoformat(until) - today).days, "required": required}
        for what, until, required in days
        if until
    ]


def _told(it: Assuring, name: str, *, export: bool) -> dict[str, Any]:
    """Everything that is known of a vendor. Raises ``ClientError``."""
    name, vendor = _known(it, name)
    now, kept = it.clock(), it.assessments
    why, found, looks = lacking(it.settings, kept, now)[name], kept.of(name), kept.looks(name)
    texts = {one.id: one.text for one in questionnaire().questions}
    seen = {one.name: one.sentence for one in looks[0][1]} if looks else {}
    made = scored(found[0].answers) if found else None
    return {
        "vendor": name,
        "name": vendor.name,
        "state": _state(vendor, why),
        "lacks": why,
        "facts": _facts(vendor),
        "ends": _ends(vendor, now),
        "routes": [
            {"route": route, "bot": one.bot, "state": "refused" if why else "served"}
            for route, one in it.settings.routes.items()
            if one.bot in vendor.bots
        ],
        "score": None if made is None else made.score,
        "least_score": vendor.least_score,
        "held_by": [] if made is None else list(made.held_by),
        "unanswered": None if made is None else made.unanswered,
        "topics": {} if made is None else dict(made.by_topic),
        "lost": [] if made is None else [_lost(found[0], id_, points, texts) for id_, points in made.lost],
        "assessments": [
            {
                "at": one.at,
                "score": one.score,
                "source": one.source,
                "until": one.at + vendor.assessed_days * DAY,
            }
            for one in found
        ],
        "changes": changes(found[1].answers, found[0].answers) if len(found) > 1 else [],
        "looked": looks[0][0] if looks else None,
        "looked_before": looks[1][0] if len(looks) > 1 else None,
        "seen": _seen(looks),
        "tasks": [
            {
                "id": one.id,
                "state": one.state(now),
                "urgency": one.urgency,
                "about": one.about,
                "text": texts.get(one.about.removeprefix(QUESTION), "") or seen.get(one.about.removeprefix(LOOK), ""),
                "owner": one.owner,
                "due": one.due,
                "until": one.accepted_until or None,
                "accepted_by": one.accepted_by,
            }
            for one in kept.tasks.of(name)
        ],
        "evidence": [
            {
                "id": one.id,
                "name": one.name,
                "question": one.about,
                "at": one.at,
                "sha256": one.sha256,
                "there": f"/vendors/{quote(name)}/evidence/{one.id}" if export else "",
            }
            for one in kept.evidence(name)
        ],
    }


def _facts(vendor: Vendor) -> dict[str, Any]:
    """What the settings say, but for days."""
    names = ("kind", "owner", "domain", "bots", "data", "regions", "transfer", "subprocessors", "dpa", "baa")
    found = {name: getattr(vendor, name) for name in (*names, "status", "sbom", "products")}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value}


def _lost(one: Assessment, id_: str, points: float, texts: Mapping[str, str]) -> dict[str, Any]:
    answer = one.answers.get(id_)
    return {
        "question": id_,
        "points": points,
        "answer": "" if answer is None else answer.answer,
        "text": texts[id_],
        "comment": "" if answer is None else answer.comment,
    }


def _seen(looks: list[Any]) -> list[dict[str, Any]]:
    if not looks:
        return []
    other = {one["name"]: one["before"] for one in changed(looks[1][1], looks[0][1])} if len(looks) > 1 else {}
    return [
        {
            "name": one.name,
            "state": _shown(one.state),
            "said": one.sentence,
            "before": _shown(other.get(one.name) or ""),
        }
        for one in looks[0][1]
    ]


def _shown(state: str) -> str:
    return "not-ok" if state == FAILED else state


def _tables(told: Mapping[str, Any]) -> list[Table]:
    return [
        Table("routes", "routes", ROUTES, told["routes"], "vendor_routes_none"),
        Table("ends", "vendor_ends", ENDS, told["ends"], "vendor_ends_none"),
        Table("lost", "vendor_lost", LOST, told["lost"], "vendor_lost_none"),
        Table("changes", "vendor_changes", CHANGES, told["changes"], "vendor_changes_none"),
        Table("history", "vendor_history", HISTORY, told["assessments"], "vendor_history_none"),
        Table("seen", "vendor_seen", SEEN, told["seen"], "vendor_seen_none"),
        Table("tasks", "vendor_tasks", TASKS, told["tasks"], "vendor_tasks_none"),
        Table("evidence", "vendor_evidence", EVIDENCE, told["evidence"], "vendor_evidence_none"),
    ]


# --- what is done


def _acting(it: Assuring, act: Any) -> Any:
    """What a form does, on a thread; the sentence that says so afterwards, by its key."""

    async def acting(caller: AdminCaller) -> dict[str, Any]:
        name, vendor = _known(it, caller.form.get("vendor", ""))
        done, values = await asyncio.to_thread(act, it, caller, name, vendor)
        return {"done": preferences(caller.headers).say[done], **values}

    return acting


_Done = tuple[str, dict[str, Any]]


def _invite(it: Assuring, caller: AdminCaller, name: str, vendor: Vendor) -> _Done:
    days = caller.form.get("days", "14")
    if not days.isdecimal() or not 1 <= int(days) <= 90:
        raise ClientError("A link is good for 1 to 90 days.", reason="field-invalid")
    here = it.settings.operators.url.rstrip("/") or caller.headers.get("origin") or ""
    return "vendor_invited", {"link": f"{here}/assess/{it.assessments.invite(name, int(days))}"}


def _look(it: Assuring, caller: AdminCaller, name: str, vendor: Vendor) -> _Done:
    it.assessments.keep_looks(name, it.looking(it.settings, it.clock()).at(vendor))
    return _settled(it, name, vendor, "vendor_looked")


def _answers(it: Assuring, caller: AdminCaller, name: str, vendor: Vendor) -> _Done:
    file, data = given_file(caller, "file")
    table = caller.files.get("table", ("", b""))[1] or None
    try:
        answers = parsed_answers(file, data, table)
    except ConfigError as error:
        raise ClientError(error.public, reason=error.reason) from error
    it.assessments.add(name, answers, source_of(file))
    return _settled(it, name, vendor, "vendor_answered")


def _settled(it: Assuring, name: str, vendor: Vendor, done: str) -> _Done:
    it.assessments.settle(name, it.settings.assurance.due, vendor.owner)
    return done, {}


def _attach(it: Assuring, caller: AdminCaller, name: str, vendor: Vendor) -> _Done:
    question = caller.form.get("question", "")
    if question not in {one.id for one in questionnaire().questions}:
        raise ClientError("There is no such question.", reason="question-unknown")
    it.assessments.attach(name, question, *given_file(caller, "file"))
    return "vendor_attached", {}


def _accept(it: Assuring, caller: AdminCaller, name: str, vendor: Vendor) -> _Done:
    task, how = acceptance(caller)
    if task not in {one.id for one in it.assessments.tasks.of(name)}:
        raise ClientError("There is no open task of that number.", reason="task-unknown", status=404)
    it.assessments.tasks.accept(task, **how)
    return "task_accepted", {}
