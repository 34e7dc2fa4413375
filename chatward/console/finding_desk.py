"""The inbox of findings: what rules acted upon, to be called true, false or accepted; cases and exceptions from them.

The rules are ``inbox``'s. A text becomes a case only when an operator gives it by hand (``models.feedback``, rule 1).
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console import inbox
from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.asking import MOST, SIZES, Asked
from chatward.console.message_desk import choices_of
from chatward.console.preferences import preferences
from chatward.console.sheets import lines
from chatward.console.watching import Watching
from chatward.core.errors import ChatwardError, ClientError
from chatward.models.feedback import ROLES, TOPICS, Mark, add, mark_of

_TOLD: Final = (
    "finding", "at", "exchange", "side", "action", "rule", "route", "bot", "principal", "state", "reason", "until",
    "by",
)  # fmt: skip
_BOX: Final = re.compile(r"finding-(\d{1,18})")
_LABELS: Final = {"true": "true-alarm", "false": "false-alarm"}


class Verdicts(BaseModel):
    """``days``: how long an accepted finding is accepted."""

    model_config = ConfigDict(extra="forbid")

    findings: list[int] = Field(min_length=1, max_length=inbox.MOST)
    verdict: str = Field(max_length=20)
    reason: str = Field(max_length=20)
    days: int = inbox.DAYS


class Case(BaseModel):
    """A text for the feedback file. ``label`` is ``true`` or ``false``."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=100_000)
    role: str = Field(default="user", max_length=20)
    label: str = Field(max_length=20)
    about: str = Field(default="", max_length=40)


def finding_routes(router: APIRouter, pages: Pages, watching: Watching) -> None:
    """Adds ``/findings`` with its forms, and the same for programs."""

    async def page(caller: AdminCaller, query: dict[str, str], status: int = 200, **values: object) -> Response:
        problem: object = values.pop("problem", "")
        one, found, after = Asked({"state": "open"}), list[inbox.Finding](), ""
        try:
            one = inbox.asked_of(query)
            found, after = await watching.ask(lambda it: inbox.find(it, one)) or ([], "")
        except ClientError as error:
            problem, status = error.public, error.status
        known: dict[str, object] = {"here": "/findings", "wide": True, "asked": one, "found": found, "after": after}
        known |= {"counts": await watching.ask(inbox.counts) or {}, "states": inbox.STATES, "sizes": SIZES}
        known |= {"choices": await watching.ask(choices_of) or {}, "may": caller.may("admin:findings:write")}
        known |= {"verdicts": inbox.VERDICTS, "reasons": inbox.REASONS, "days": inbox.DAYS, "problem": problem}
        known |= {"views": await pages.views(caller, "/findings"), "recorded": watching.seeing is not None}
        return pages.render(caller, "findings.html", status, **(known | values))

    @router.get("/findings", include_in_schema=False)
    async def findings(request: Request) -> Response:
        return await page(caller_of(request), dict(request.query_params))

    @router.get("/findings.csv", include_in_schema=False)
    async def as_csv(request: Request) -> Response:
        one = inbox.asked_of(request.query_params)
        found = await watching.ask(lambda it: inbox.find(it, one, MOST)) or ([], "")
        text = await asyncio.to_thread(lambda: lines((row.told() for row in found[0]), _TOLD))
        named = {"content-disposition": 'attachment; filename="findings.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=named)

    @router.post("/findings/judge", include_in_schema=False)
    async def judge(request: Request) -> Response:
        caller = caller_of(request)
        form = dict(caller.form)
        query = _query(form.pop("query", ""))

        async def act() -> Response:
            numbers = [int(box[1]) for name in form if (box := _BOX.fullmatch(name))]
            if form.get("all"):
                one = inbox.asked_of(query)
                numbers = await watching.ask(lambda it: inbox.matching(it, one)) or []
            days = int(form["days"]) if form.get("days", "").isdecimal() else inbox.DAYS
            count = await _judged(watching, caller, numbers, form.get("verdict", ""), form.get("reason", ""), days)
            view = preferences(caller.headers)
            done = view.put(view.say["judged_done"], count)
            return await page(caller, query, done=done)

        async def again(error: ChatwardError) -> Response:
            return await page(caller, query, error.status, problem=error.public)

        return await pages.trying(act, again)

    @router.get("/findings/{seq}", include_in_schema=False)
    async def finding(request: Request, seq: int) -> Response:
        return await _single(pages, watching, caller_of(request), seq)

    @router.post("/findings/keep", include_in_schema=False)
    async def keep(request: Request) -> Response:
        caller = caller_of(request)
        form = caller.form
        seq = int(form["finding"]) if form.get("finding", "").isdecimal() else 0

        async def act() -> Response:
            text = form.get("text", "").replace("\r\n", "\n")
            case = Case.model_construct(
                text=text, role=form.get("role", ""), label=form.get("label", ""), about=form.get("about", "")
            )
            await asyncio.to_thread(_kept, watching, case, caller.principal.id)
            return await _single(pages, watching, caller, seq, done=preferences(caller.headers).say["case_kept"])

        return await pages.trying(
            act, lambda error: _single(pages, watching, caller, seq, error.status, problem=error.public)
        )


async def _single(
    pages: Pages, watching: Watching, caller: AdminCaller, seq: int, status: int = 200, **values: object
) -> Response:
    found = await watching.ask(lambda it: inbox.one_of(it, seq))
    if found is None:
        raise ClientError("There is no such finding.", reason="finding-unknown", status=404)
    seen = await watching.ask(lambda it: inbox.preview(it, found.rule, found.route))
    known: dict[str, object] = {"here": "/findings", "wide": True, "one": found, "preview": seen}
    known |= {"verdicts": inbox.VERDICTS, "reasons": inbox.REASONS, "days": inbox.DAYS}
    known |= {"may": caller.may("admin:findings:write"), "topics": tuple(TOPICS), "roles": tuple(ROLES)}
    known |= {"cases": watching.feedback is not None and caller.may("admin:findings:write")}
    return pages.render(caller, "finding.html", status, **(known | values))


def finding_api(router: APIRouter, watching: Watching) -> None:
    """Adds ``/api/v1/findings``."""

    @router.get("/api/v1/findings", summary="What rules acted upon; filters as the page has them")
    async def as_json(request: Request) -> JSONResponse:
        one = inbox.asked_of(request.query_params)
        found, after = await watching.ask(lambda it: inbox.find(it, one)) or ([], "")
        following = f"/api/v1/findings?{one.query(after=after)}" if after else None
        return JSONResponse({"findings": [row.told() for row in found], "next": following})

    @router.post("/api/v1/findings/verdicts", summary="Call findings true, false or accepted for a time")
    async def verdicts(request: Request, given: Verdicts) -> dict[str, int]:
        caller = caller_of(request)
        return {"judged": await _judged(watching, caller, given.findings, given.verdict, given.reason, given.days)}

    @router.post("/api/v1/findings/cases", summary="Keep a text as a case to test and train with")
    async def case(request: Request, given: Case) -> dict[str, int]:
        return {"kept": await asyncio.to_thread(_kept, watching, given, caller_of(request).principal.id)}

    @router.get("/api/v1/findings/{seq}", summary="One finding, and what an exception for it would have let through")
    async def told(seq: int) -> dict[str, Any]:
        found = await watching.ask(lambda it: inbox.one_of(it, seq))
        if found is None:
            raise ClientError("There is no such finding.", reason="finding-unknown", status=404)
        seen = await watching.ask(lambda it: inbox.preview(it, found.rule, found.route))
        if seen is None:
            return found.told()
        would = {"days": seen.days, "messages": seen.messages, "callers": seen.callers, "true": seen.true}
        return found.told() | {"exception": seen.toml, "would_let_through": would}


async def _judged(
    watching: Watching, caller: AdminCaller, numbers: list[int], verdict: str, reason: str, days: int
) -> int:
    if watching.seeing is None or watching.record is None:
        raise ClientError("There is no record here.", reason="verdict-invalid")
    return await inbox.judge(watching.record, watching.seeing, numbers, verdict, reason, days, caller.principal.id)


def _kept(watching: Watching, case: Case, who: str) -> int:
    """Adds a case to the feedback file; how many lines are new. Raises ``ClientError``."""
    if watching.feedback is None:
        raise ClientError("Cases are kept beside a configuration file; there is none.", reason="case-invalid")
    if case.label not in _LABELS or not case.text.strip():
        raise ClientError("A case needs a text, and whether it is a true or a false alarm.", reason="case-invalid")
    row = {"text": case.text, "role": case.role, "label": _LABELS[case.label], "about": case.about, "who": who}
    mark: Mark = mark_of(row | {"when": datetime.now(UTC).isoformat(timespec="seconds")}, 1)
    return add(watching.feedback, [mark])


def _query(text: str) -> dict[str, str]:
    """A query string that a form brought back."""
    return dict(parse_qsl(text[:4000]))
