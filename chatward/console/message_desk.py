"""Messages: a table of what was decided, its files, and all that is known of one message.

The rules:

1. A filter lives in the address (``asking``); CSV and JSON answer to the same one, up to ``asking.MOST`` rows.
2. Text is shown where conversations are stored, masked; whole only to an auditor with a reason, on record first
   (``stores.conversations``, rule 4).
3. What people, bots and tools name is shown by ``visible``: nothing that cannot be seen, no other direction of writing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.asking import MOST, SIZES, Asked, asked
from chatward.console.preferences import preferences
from chatward.console.seeing import Page, Seeing, Seen
from chatward.console.sheets import lines
from chatward.console.verdicts import LedgerRecord
from chatward.console.watching import Watching
from chatward.console.wording import visible
from chatward.core.errors import ClientError

_TOLD: Final = (
    "entry", "at", "exchange", "side", "action", "would", "rule", "route", "channel", "bot", "principal",
    "guards_missing",
)  # fmt: skip
CHOICES: Final = {
    "action": ("allow", "redact", "challenge", "block", "refused", "failed"),
    "side": ("message", "reply", "asked", "request", "bot"),
}
_LONGEST: Final = 20_000
"""Characters of one part of a turn that a page shows."""


@dataclass(frozen=True, slots=True)
class Step:
    """One verdict of a message, or what became of it. ``ran``: the guards; ``None`` where they are not on record.
    ``scores``: what models said, by guard or rule, where it was anything."""

    row: Seen
    entry: LedgerRecord
    ran: Sequence[str] | None
    scores: Mapping[str, float]

    def told(self) -> dict[str, object]:
        """As JSON data."""
        known = {"event": self.entry.event, "guards_ran": self.ran, "scores": self.scores}
        return self.row.told() | known | {"fields": dict(self.entry.fields)}


def message_routes(router: APIRouter, pages: Pages, watching: Watching) -> None:
    """Adds ``/messages``, ``/messages.csv``, ``/messages/{id}``, ``/messages/reveal``, and the same for programs."""

    async def rows(query: Mapping[str, str], most: int | None = None) -> tuple[Asked, Page]:
        one = asked(query)
        return one, await watching.ask(lambda it: it.page(one, most=most)) or Page(())

    @router.get("/messages", include_in_schema=False)
    async def messages(request: Request) -> Response:
        caller = caller_of(request)
        one, problem, status = Asked(), "", 200
        page = Page(())
        try:
            one, page = await rows(request.query_params)
        except ClientError as error:
            problem, status = error.public, error.status
        choices = await watching.ask(choices_of) or {}
        known: dict[str, object] = {"here": "/messages", "wide": True, "asked": one, "page": page, "problem": problem}
        known |= {"choices": {**choices, **CHOICES}, "sizes": SIZES, "recorded": watching.seeing is not None}
        known |= {"views": await pages.views(caller, "/messages"), "path": "/messages"}
        return pages.render(caller, "messages.html", status, **known)

    @router.get("/messages.csv", include_in_schema=False)
    async def as_csv(request: Request) -> Response:
        _, page = await rows(request.query_params, MOST)
        text = await asyncio.to_thread(lambda: lines((row.told() for row in page.rows), _TOLD))
        named = {"content-disposition": 'attachment; filename="messages.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=named)

    @router.get("/api/v1/messages", summary="What was decided about messages; filters as the page has them")
    async def as_json(request: Request) -> JSONResponse:
        one, page = await rows(request.query_params)
        following = f"/api/v1/messages?{one.query(after=page.after)}" if page.after else None
        return JSONResponse({"messages": [row.told() for row in page.rows], "next": following})

    async def whole(caller: AdminCaller, id: str, status: int = 200, *, reason: str = "", **values: object) -> Response:
        found = await watching.ask(lambda it: _message(it, id)) or []
        turns = await _turns(watching, caller, found[0].row, reason) if found else None
        known: dict[str, object] = {"here": "/messages", "wide": True, "id": id, "steps": found, "turns": turns}
        known |= {"stored": watching.conversations is not None, "revealed": bool(reason and turns)}
        known |= {"may_reveal": caller.may("admin:ledger:export") and "auditor" in caller.principal.roles}
        status = status if found or status != 200 else 404
        return pages.render(caller, "message.html", status, **(known | values))

    @router.get("/messages/{id}", include_in_schema=False)
    async def message(request: Request, id: str) -> Response:
        return await whole(caller_of(request), id)

    @router.post("/messages/reveal", include_in_schema=False)
    async def reveal(request: Request) -> Response:
        caller = caller_of(request)
        id, reason = caller.form.get("id", ""), caller.form.get("reason", "")

        async def act() -> Response:
            return await whole(caller, id, reason=reason or " ")

        return await pages.trying(act, lambda error: whole(caller, id, error.status, problem=error.public))

    @router.get("/api/v1/messages/{id}", summary="All that is on record of one message")
    async def of_one(id: str) -> dict[str, Any]:
        found = await watching.ask(lambda it: _message(it, id)) or []
        if not found:
            raise ClientError("Nothing is known of this message.", reason="message-unknown", status=404)
        return {"exchange": id, "steps": [step.told() for step in found]}


def choices_of(it: Seeing) -> dict[str, list[str]]:
    return {name: it.known(name, 100) for name in ("rule", "route", "bot")}


def _message(it: Seeing, id: str) -> list[Step]:
    """A message's rows with what their entries say."""
    found = []
    for row in it.of(id):
        entry = it.happened.entry(row.seq)
        if entry is not None:
            ran = it.happened.guards(str(entry.fields.get("guards", ""))) or None
            found.append(Step(row, entry, ran, _scores(entry.fields.get("scores"))))
    return found


def _scores(told: object) -> dict[str, float]:
    """Scores as an entry has them, ``NAME=SCORE`` each (``gateway.records``)."""
    pairs = [one.partition("=") for one in told if isinstance(one, str)] if isinstance(told, list) else []
    return {name: float(score) for name, _, score in pairs}


async def _turns(watching: Watching, caller: AdminCaller, of: Seen, reason: str) -> list[dict[str, object]] | None:
    """The conversation of a message; ``None`` where nothing of it is stored. With a reason it is shown whole."""
    store = watching.conversations
    if store is None:
        return None

    def read() -> list[Any] | None:
        place = store.of_exchange(of.principal, of.exchange, of.at / 1e9)
        if place is None:
            return None
        tenant, conversation = place
        if reason:
            return list(store.reveal(caller.principal, tenant, conversation, reason))
        return list(store.read(tenant, conversation))

    turns = await asyncio.to_thread(read)
    if turns is None:
        return None
    when = preferences(caller.headers)
    return [
        {
            "number": turn.number,
            "at": when.moment(turn.at),
            "role": visible(turn.role),
            "gone": turn.gone,
            "here": turn.exchange == of.exchange,
            "hidden": sorted(turn.hidden.items()),
            "parts": [pieces(part.text[:_LONGEST], masked=turn.masked) for part in turn.parts],
        }
        for turn in turns
    ]


def pieces(text: str, *, masked: bool) -> list[tuple[str, bool]]:
    """Text in pieces, each with whether it stands for something that is hidden (``[email hidden]``)."""
    shown = "\n".join(visible(line) for line in text.split("\n"))
    if not masked:
        return [(shown, False)]
    found: list[tuple[str, bool]] = []
    rest = shown
    while (start := rest.find("[")) >= 0 and (end := rest.find(" hidden]", start)) >= 0:
        inner = rest.rfind("[", start, end)
        found += [(rest[:inner], False), (rest[inner : end + 8], True)]
        rest = rest[end + 8 :]
    return [piece for piece in [*found, (rest, False)] if piece[0]]
