"""The live feed: verdicts as they are made, as server-sent events (WHATWG HTML, 9.2).

The rules:

1. An event is a batch, every ``STEP`` seconds where there is something: ``{"rows": [...], "left": n}`` with at most
   ``MOST`` rows, the newest; ``left`` says how many more there were. Its id is the entry that it reaches, so a browser
   that comes back (``Last-Event-ID``) goes on there.
2. An open feed is no lasting trust: every ``AGAIN`` seconds it is decided anew whether its caller may, and it ends
   where not. It ends after ``LONGEST`` seconds in any case; the browser comes back by itself.
3. ``FEEDS`` at a time; more are refused (503, ``overloaded``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages
from chatward.console.asking import Asked, asked
from chatward.console.message_desk import CHOICES, choices_of
from chatward.console.preferences import preferences
from chatward.console.seeing import Seeing, Seen
from chatward.console.watching import Watching
from chatward.core.errors import ClientError, StoreError

STEP: Final = 0.25
MOST: Final = 200
READ: Final = 2000
"""Rows that one step looks at."""
AGAIN: Final = 5.0
LONGEST: Final = 900.0
FEEDS: Final = 20
_WORDS: Final = (
    "allow", "redact", "challenge", "block", "refused", "failed", "side_message", "side_reply", "side_tool_call",
    "side_asked", "side_request", "side_bot", "would",
)  # fmt: skip


def live_routes(
    router: APIRouter,
    pages: Pages,
    watching: Watching,
    valid: Callable[[AdminCaller], bool],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Adds ``/live`` and ``/live/feed``. ``valid`` says whether a caller's session still holds."""
    open_feeds: set[object] = set()

    @router.get("/live", include_in_schema=False)
    async def live(request: Request) -> Response:
        caller = caller_of(request)
        one, problem, status = Asked(), "", 200
        try:
            one = asked(request.query_params)
        except ClientError as error:
            problem, status = error.public, error.status
        choices = await watching.ask(choices_of) or {}
        say = preferences(caller.headers).say
        known: dict[str, object] = {"here": "/live", "wide": True, "asked": one, "problem": problem}
        known |= {"choices": {**choices, **CHOICES}, "recorded": watching.seeing is not None}
        known |= {"newest": max(0, (await watching.ask(_newest) or 0) - 100)}
        known |= {"words": orjson.dumps({name: say[name] for name in _WORDS}).decode()}
        return pages.render(caller, "live.html", status, **known)

    @router.get("/live/feed", include_in_schema=False)
    async def feed(request: Request) -> Response:
        caller, query = caller_of(request), dict(request.query_params)
        start = request.headers.get("last-event-id") or query.pop("from", "0")
        query.pop("from", None)
        one = asked(query)
        if not start.isdecimal() or len(start) > 18:
            raise ClientError("The feed cannot begin there.", reason="filter-invalid")
        if len(open_feeds) >= FEEDS:
            raise ClientError("Too many feeds are open. Try again later.", reason="overloaded", status=503)
        mark = object()
        open_feeds.add(mark)

        async def events() -> AsyncIterator[bytes]:
            reached, began, told, checked = int(start), clock(), clock(), clock()
            try:
                yield b"retry: 2000\n\n"
                while clock() - began < LONGEST and not await request.is_disconnected():
                    if clock() - checked >= AGAIN:
                        checked = clock()
                        if not (valid(caller) and caller.may("admin:ledger:read")):
                            return
                    try:
                        found = await watching.ask(partial(step, reached=reached, one=one))
                    except StoreError:  # the browser comes back, and is told where to go on
                        return
                    if found is not None and found[0] != reached:
                        reached, rows, left = found
                        if rows:
                            told = clock()
                            yield _event(reached, rows, left)
                    if clock() - told > 15:
                        told = clock()
                        yield b": still here\n\n"
                    await asyncio.sleep(STEP)
            finally:
                open_feeds.discard(mark)

        return StreamingResponse(events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def step(it: Seeing, *, reached: int, one: Asked) -> tuple[int, list[Seen], int]:
    """What came after an entry: the entry that is reached now, the newest rows, and how many more there were."""
    newest = it.happened.seq
    rows = it.since(reached, one, READ)
    return newest, rows[-MOST:], max(0, len(rows) - MOST)


def _newest(it: Seeing) -> int:
    return it.happened.seq


def _event(reached: int, rows: list[Seen], left: int) -> bytes:
    told = [
        [
            row.at // 1_000_000,
            row.exchange,
            row.side,
            row.action,
            row.would,
            row.rule,
            row.route,
            row.bot,
            row.principal,
        ]
        for row in rows
    ]
    return b"id: %d\ndata: " % reached + orjson.dumps({"rows": told, "left": left}) + b"\n\n"
