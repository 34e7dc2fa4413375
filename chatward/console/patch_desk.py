"""Patches: what Chatward and the bots behind it are made of, what is known against it, and what is to be done.

The rules:

1. Not to know is never good news: advisories that are old or missing, a part that cannot be looked up, a scan that is
   old or was never made is *unknown*, before anything else is said.
2. A page scans what it shows; only *Scan now* opens and closes tasks.
3. What a bot is made of may be uploaded; it counts beside what the settings name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from chatward.assurance.opening import inventory_of, lists, opened_advisories, owner_of, scanned, targets, tools_of
from chatward.assurance.sbom import cyclonedx
from chatward.assurance.scanning import Finding
from chatward.assurance.tasks import Quarantine, Task
from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages, form_route
from chatward.console.assuring import Assuring, acceptance, given_file, sentences
from chatward.console.preferences import preferences
from chatward.console.tables import Column, Table, listed
from chatward.core.errors import ClientError, ConfigError

_STATES: Final = {"clean": "allow", "affected": "block", "unknown": "redact", "quarantined": "block"}
_TASKS: Final = {"open": "open", "late": "late", "accepted": "accepted", "closed": "allow"}
_URGENCY: Final = {"critical": "high", "high": "high", "medium": "medium", "low": "low"}
FEEDS: Final = (
    Column("ecosystem", "patch_ecosystem"),
    Column("state", "state", "tag", pick=True, tones={"fresh": "allow", "stale": "block"}),
    Column("as_of", "patch_as_of", "time"),
    Column("entries", "patch_entries", "number"),
)
TARGETS: Final = (
    Column("target", "patch_target", link="there"),
    Column("state", "state", "tag", pick=True, tones=_STATES),
    Column("components", "patch_components", "number"),
    Column("findings", "patch_findings", "number"),
    Column("late", "patch_late", "number"),
    Column("scanned", "patch_scanned", "time"),
    Column("owner", "owner", pick=True),
    Column("unknown", "patch_unknown"),
)
TASKS: Final = (
    Column("id", "task", "number"),
    Column("state", "state", "tag", pick=True, tones=_TASKS),
    Column("urgency", "urgency", "tag", pick=True, tones=_URGENCY),
    Column("target", "patch_target", pick=True),
    Column("component", "patch_component", "code"),
    Column("ids", "patch_ids", "list"),
    Column("fixed", "patch_fixed", "code"),
    Column("owner", "owner", pick=True),
    Column("due", "due", "time"),
    Column("until", "task_accepted_until", "time"),
)
FINDINGS: Final = (
    Column("id", "patch_id", "code"),
    Column("urgency", "urgency", "tag", pick=True, tones=_URGENCY),
    Column("exploited", "patch_exploited", "yes", pick=True),
    Column("likely", "patch_likely"),
    Column("score", "patch_score", "number"),
    Column("component", "patch_component", "code"),
    Column("fixed", "patch_fixed", "code"),
    Column("vex", "patch_vex"),
)
PARTS: Final = (
    Column("name", "patch_component", "code"),
    Column("version", "patch_version", "code"),
    Column("ecosystem", "patch_ecosystem", pick=True),
    Column("license", "patch_license"),
)
UPLOADS: Final = (
    Column("name", "vendor_file"),
    Column("components", "patch_components", "number"),
    Column("at", "time", "time"),
    Column("sha256", "sha256", "code"),
)


def patch_routes(router: APIRouter, pages: Pages, it: Assuring) -> None:
    """Adds ``/patches`` with its forms, and the same for programs."""

    async def overview(request: Request, status: int = 200, **values: Any) -> Response:
        told = await asyncio.to_thread(_standing, it)
        tables = [
            Table(
                "targets",
                "patch_targets",
                TARGETS,
                [sentences(one, "unknown") for one in told["targets"]],
                "patch_targets_none",
            ),
            Table("tasks", "patch_tasks", TASKS, told["tasks"], "patch_tasks_none"),
            Table("databases", "patch_databases", FEEDS, told["databases"], "patch_databases_none"),
        ]
        known = {"here": "/patches", "may": caller_of(request).may("admin:patches:write"), "told": told}
        return await listed(pages, request, "patches.html", tables, status, **(known | values))

    async def page(request: Request, status: int = 200, **values: Any) -> Response:
        caller = caller_of(request)
        target = _target(it, request.path_params.get("id") or caller.form.get("target", ""))
        told = await asyncio.to_thread(_told, it, target)
        tables = [
            Table("findings", "patch_findings", FINDINGS, told["findings"], "patch_findings_none"),
            Table("parts", "patch_parts", PARTS, told["parts"], "patch_parts_none"),
            Table("uploads", "patch_uploads", UPLOADS, told["uploads"], "patch_uploads_none"),
        ]
        known = {"here": f"/patches/{quote(target)}", "may": caller.may("admin:patches:write"), "told": told}
        return await listed(pages, request, "patch.html", tables, status, **(known | values))

    @router.get("/patches", include_in_schema=False)
    async def patches(request: Request) -> Response:
        return await overview(request)

    @router.get("/patches/{id}", include_in_schema=False)
    async def target(request: Request) -> Response:
        return await page(request)

    form_route(router, pages, "/patches/scan", overview, _acting(it, _scan))
    form_route(router, pages, "/patches/accept", overview, _acting(it, _accept))
    form_route(router, pages, "/patches/upload", page, _acting(it, _upload))
    form_route(router, pages, "/patches/drop", page, _acting(it, _drop))

    @router.get("/api/v1/patches", summary="Known vulnerabilities: how things stand, and what is to be done")
    async def as_json() -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(_standing, it))

    @router.get("/api/v1/patches/{id}/sbom", summary="A bill of materials (CycloneDX 1.6): of Chatward, or of a bot")
    async def sbom(id: str) -> JSONResponse:
        target = _target(it, id)
        made = await asyncio.to_thread(_bill, it, target)
        named = {"content-disposition": 'attachment; filename="sbom.cdx.json"'}
        return JSONResponse(made, headers=named, media_type="application/vnd.cyclonedx+json")


def _target(it: Assuring, name: str) -> str:
    if name not in targets(it.settings):
        raise ClientError("There is no bot of that name.", reason="bot-unknown", status=404)
    return name


def _standing(it: Assuring) -> dict[str, Any]:
    """How things stand by the last scans."""
    now, wanted = it.clock(), it.settings.assurance
    problems = list(lists(it.settings, now).problems)
    databases: list[dict[str, Any]] = []
    try:
        with opened_advisories(it.settings) as advisories:
            for feed in advisories.feeds():
                state = "stale" if now - feed.as_of > wanted.stale_after else "fresh"
                databases.append(
                    {"ecosystem": feed.ecosystem, "state": state, "as_of": feed.as_of, "entries": feed.entries}
                )
    except ConfigError as error:
        problems.append(error.public)
    known, tasks = {one.target: one for one in it.tasks.scans()}, it.tasks.all()
    shut = Quarantine(it.database, it.clock).shut(targets(it.settings)) if wanted.quarantine else []
    rows = []
    for target in targets(it.settings):
        scan = known.get(target)
        unknown = ["it was never scanned"] if scan is None else list(scan.unknown)
        if scan is not None and now - scan.at > wanted.stale_after:
            unknown = ["its scan is old"]
        late = sum(one.target == target and one.state(now) == "late" for one in tasks)
        found = 0 if scan is None else scan.findings
        state = "quarantined" if target in shut else "unknown" if unknown else "affected" if found else "clean"
        rows.append(
            {
                "target": target,
                "there": f"/patches/{quote(target)}",
                "state": state,
                "components": None if scan is None else scan.components,
                "findings": None if scan is None else scan.findings,
                "late": late,
                "scanned": None if scan is None else scan.at,
                "owner": owner_of(it.settings, target),
                "unknown": unknown,
            }
        )
    return {
        "targets": rows,
        "tasks": [_task(one, now) for one in tasks],
        "databases": databases,
        "problems": problems,
        "vex": list(wanted.vex),
        "quarantine": wanted.quarantine,
    }


def _task(one: Task, now: float) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": one.state(now),
        "urgency": one.urgency,
        "target": one.target,
        "component": f"{one.name} {one.version}",
        "ids": list(one.ids),
        "fixed": one.fixed or "",
        "owner": one.owner,
        "due": one.due,
        "until": one.accepted_until or None,
    }


def _told(it: Assuring, target: str) -> dict[str, Any]:
    """A scan of one target, as of now, with what it is made of."""
    told: dict[str, Any] = {"target": target, "unknown": [], "ended": [], "findings": [], "parts": []}
    try:
        with opened_advisories(it.settings) as advisories:
            [made] = scanned(it.settings, [target], advisories, it.clock())
        told |= {"unknown": list(made.unknown), "ended": list(made.ended)}
        told["findings"] = [_finding(one) for one in made.findings]
        told["parts"] = [
            {"name": one.name, "version": one.version, "ecosystem": one.ecosystem, "license": one.license}
            for one in inventory_of(it.settings, target).components
        ]
    except ConfigError as error:
        told["unknown"] = told["unknown"] or [error.public]
    told["uploads"] = [
        {"id": one.id, "name": one.name, "components": one.components, "at": one.at, "sha256": one.sha256}
        for one in it.uploads.of(target)
    ]
    return told


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "id": one.id,
        "urgency": one.urgency,
        "exploited": one.exploited,
        "likely": "" if one.likely is None else f"{one.likely:.1%}",
        "score": one.score,
        "component": one.component.purl,
        "fixed": one.fixed or "",
        "vex": one.closed,
    }


def _bill(it: Assuring, target: str) -> dict[str, Any]:
    own = target == targets(it.settings)[0]
    try:
        tools = tools_of(it.settings) if own else []
        return cyclonedx(target, inventory_of(it.settings, target).components, at=it.clock(), models=own, tools=tools)
    except ConfigError as error:
        raise ClientError(error.public, reason=error.reason, status=404) from error


# --- what is done


def _acting(it: Assuring, act: Callable[[Assuring, AdminCaller], str]) -> Any:
    """What a form does, on a thread; the sentence that says so afterwards, by its key."""

    async def acting(caller: AdminCaller) -> dict[str, Any]:
        return {"done": preferences(caller.headers).say[await asyncio.to_thread(act, it, caller)]}

    return acting


def _scan(it: Assuring, caller: AdminCaller) -> str:
    try:
        with opened_advisories(it.settings) as advisories:
            made = scanned(it.settings, targets(it.settings), advisories, it.clock())
    except ConfigError as error:
        raise ClientError(error.public, reason=error.reason) from error
    for one in made:
        it.tasks.settle(one, it.settings.assurance.due, owner_of(it.settings, one.target))
    return "patch_scan_done"


def _accept(it: Assuring, caller: AdminCaller) -> str:
    task, how = acceptance(caller)
    it.tasks.accept(task, **how)
    return "task_accepted"


def _upload(it: Assuring, caller: AdminCaller) -> str:
    it.uploads.add(_target(it, caller.form.get("target", "")), *given_file(caller, "file"))
    return "patch_uploaded"


def _drop(it: Assuring, caller: AdminCaller) -> str:
    number = caller.form.get("file", "")
    wanted = int(number) if number.isdecimal() and len(number) < 16 else 0
    it.uploads.drop(_target(it, caller.form.get("target", "")), wanted)
    return "patch_dropped"
