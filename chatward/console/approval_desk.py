"""Approvals: tool calls that wait for another person, as a page and for programs.

The rules:

1. Arguments are shown masked, as the guards for personal data and secrets find them. Where one of these did not look,
   all of it is hidden: what cannot be masked is not shown. Who has to see more asks for it, which goes on record first
   (``identity.approvals``, rule 5).
2. What is shown cannot pass for something else: JSON is written anew, one value a line, and whatever is not plain to
   the eye (controls, invisible characters, other directions of writing) is shown as its code.
3. What was found in a call is remembered while it waits, so that looking again asks no guard again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.wording import ENGLISH, visible
from chatward.core.errors import ClientError
from chatward.core.values import Category, Verdict
from chatward.identity.approvals import REASONS, Approvals, Pending

SENSITIVE: Final = frozenset({Category.PII, Category.PHI, Category.SECRET})
NEEDED: Final = ("text.pii", "text.secrets")
"""Guards that must have looked before anything is shown."""
_MOST: Final = 100
"""Calls that one page shows."""
_LONGEST: Final = 20_000

Check = Callable[[str], Verdict]


@dataclass(frozen=True, slots=True)
class Shown:
    """Arguments as they are shown. ``hidden``: how many values are masked; ``unmasked``: nothing could be told."""

    text: str
    hidden: int
    unmasked: bool = False


class WaitingAnswer(BaseModel):
    """One call. ``arguments`` is text for people; ``hidden`` says how much of it is masked, -1: all of it. ``reasons``
    are titles of the policies that want it approved. Times are seconds since 1970 UTC."""

    id: str
    principal: str
    bot: str
    tool: str
    arguments: str
    hidden: int
    policies: list[str]
    reasons: list[str]
    asked: float
    expires: float
    own: bool


class Decision(BaseModel):
    """Consent or refusal, with a reason from the list and a short note for people."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    reason: str = Field(max_length=40)
    note: str = Field(default="", max_length=500)


class ApprovalDesk:
    """``check`` judges a text as a bot's; ``titles`` are words for policies by id."""

    def __init__(self, approvals: Approvals, check: Check, titles: Callable[[], Mapping[str, str]]) -> None:
        self._approvals = approvals
        self._check = check
        self._titles = titles
        self._known: dict[str, Shown] = {}

    async def waiting(self, caller: AdminCaller, whole: str = "") -> list[WaitingAnswer]:
        """What waits; the call ``whole`` as it is."""
        pending = (await asyncio.to_thread(self._approvals.pending, caller.principal))[:_MOST]
        self._known = {one.id: self._known[one.id] for one in pending if one.id in self._known}
        found = []
        for one in pending:
            if one.id == whole:
                found.append(self._answer(one, Shown(plain(one.arguments), 0)))
                continue
            if one.id not in self._known:
                self._known[one.id] = masked(plain(one.arguments), self._check)
                await asyncio.sleep(0)  # what else is served goes on in between
            found.append(self._answer(one, self._known[one.id]))
        return found

    async def reveal(self, caller: AdminCaller, id: str) -> WaitingAnswer:
        """One call whole, on record. Raises ``ClientError`` (``challenge-unknown``)."""
        one = await asyncio.to_thread(self._approvals.reveal, caller.principal, id)
        return self._answer(one, Shown(plain(one.arguments), 0))

    async def decide(self, caller: AdminCaller, id: str, decision: Decision) -> None:
        def act() -> None:
            self._approvals.decide(
                caller.principal, id, approve=decision.approve, reason=decision.reason, note=decision.note
            )

        await asyncio.to_thread(act)

    def _answer(self, one: Pending, shown: Shown) -> WaitingAnswer:
        titles = self._titles()
        return WaitingAnswer(
            id=one.id,
            principal=one.principal,
            bot=one.bot,
            tool=visible(one.tool)[:200],
            arguments="" if shown.unmasked else shown.text,
            hidden=-1 if shown.unmasked else shown.hidden,
            policies=list(one.policies),
            reasons=[titles.get(id, "") or id for id in one.policies],
            asked=one.asked,
            expires=one.expires,
            own=one.own,
        )


def approval_routes(router: APIRouter, desk: ApprovalDesk, pages: Pages) -> None:
    """Adds ``/approvals`` and ``/api/v1/approvals``."""

    async def page(caller: AdminCaller, status: int = 200, *, whole: str = "", **values: object) -> Response:
        waiting = [one.model_dump() | {"whole": one.id == whole} for one in await desk.waiting(caller, whole)]
        may = {name: caller.may(f"admin:approvals:{name}") for name in ("approve", "export")}
        known = {"here": "/approvals", "wide": True, "waiting": waiting, "reasons": REASONS, "may": may}
        return pages.render(caller, "approvals.html", status, **(known | values))

    async def acting(caller: AdminCaller, act: Callable[[], Awaitable[Response]]) -> Response:
        return await pages.trying(act, lambda error: page(caller, error.status, problem=error.public))

    @router.get("/approvals", include_in_schema=False)
    async def approvals(request: Request) -> Response:
        return await page(caller_of(request))

    @router.post("/approvals/decide", include_in_schema=False)
    async def decide(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            form = caller.form
            if form.get("decision") not in {"approve", "refuse"}:
                raise ClientError(ENGLISH["approval_choose"], reason="approval-reason")
            approve, why, words = form["decision"] == "approve", form.get("reason", ""), form.get("note", "")
            given = Decision.model_construct(approve=approve, reason=why, note=words)
            await desk.decide(caller, form.get("id", ""), given)
            return await page(caller, done=ENGLISH["approval_approved" if approve else "approval_refused"])

        return await acting(caller, act)

    @router.post("/approvals/reveal", include_in_schema=False)
    async def reveal(request: Request) -> Response:
        caller = caller_of(request)

        async def act() -> Response:
            one = await desk.reveal(caller, caller.form.get("id", ""))
            return await page(caller, whole=one.id)

        return await acting(caller, act)

    @router.get("/api/v1/approvals", summary="Tool calls that wait for a decision")
    async def waiting(request: Request) -> list[WaitingAnswer]:
        return await desk.waiting(caller_of(request))

    @router.post("/api/v1/approvals/{id}/decision", summary="Approve or refuse a tool call")
    async def decision(request: Request, id: str, given: Decision) -> dict[str, bool]:
        await desk.decide(caller_of(request), id, given)
        return {"approved": given.approve}

    @router.post("/api/v1/approvals/{id}/reveal", summary="A tool call with its arguments whole; goes on record")
    async def revealed(request: Request, id: str) -> WaitingAnswer:
        return await desk.reveal(caller_of(request), id)


def plain(arguments: str) -> str:
    """Arguments for the eye: JSON one value a line, everything else as it is, and what cannot be seen by its code."""
    try:
        value = json.loads(arguments or "{}", object_pairs_hook=_once, parse_float=_exact, parse_constant=_exact)
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return visible(arguments)
    # A line break inside a value stands there as ``\\n``: those that are left are ours.
    return "\n".join(map(visible, text.split("\n")))


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a name stands twice")
    return found


def _exact(number: str) -> float:
    """A number that is written anew as it was."""
    if repr(float(number)) != number:
        raise ValueError("another form")
    return float(number)


def masked(text: str, check: Check) -> Shown:
    """``text`` without what guards find personal or secret, whatever policy would do about it."""
    if len(text) > _LONGEST:
        return Shown("", 0, unmasked=True)
    verdict = check(text)
    if verdict.unavailable or not set(NEEDED) <= set(verdict.ran):
        return Shown("", 0, unmasked=True)
    found = [decision.finding for decision in verdict.decisions if decision.finding.category in SENSITIVE]
    spans: list[tuple[int, int, str]] = []
    for one in sorted(found, key=lambda one: one.span):
        start, end = one.span
        label = one.entity or one.category.value
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]), spans[-1][2])
        else:
            spans.append((start, end, label))
    out, at = [], 0
    for start, end, label in spans:
        out += [text[at:start], f"[{label}]"]
        at = end
    return Shown("".join([*out, text[at:]]), len(spans))
