"""The live feed: batches with a place to go on from, and no longer than its caller may."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse

from chatward.console import live_desk
from chatward.console.access import CALLER, AdminCaller, Headers
from chatward.console.asking import Asked, asked
from chatward.console.live_desk import AGAIN, MOST, live_routes, step
from chatward.console.watching import Watching
from chatward.core.errors import ClientError
from chatward.core.identity import Kind, Principal
from tests.console.conftest import SCENE, seen

ME = Principal("operator:x", Kind.OPERATOR, roles=frozenset({"admin"}))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_desk, "STEP", 0.0)


async def feed(
    scene: Any, query: str, *, valid: Callable[[AdminCaller], bool], events: int = 1, **headers: str
) -> list[tuple[int, dict[str, Any]]]:
    """The first events of a feed, as numbers and data; fewer where it ends before."""
    app, router, seconds = FastAPI(), APIRouter(), count(0, AGAIN)
    live_routes(router, None, Watching(seen(scene)), valid, lambda: float(next(seconds)))  # type: ignore[arg-type]
    app.include_router(router)

    @app.exception_handler(ClientError)
    async def refused(request: Any, error: ClientError) -> JSONResponse:
        return JSONResponse({"reason": error.reason}, error.status)

    body = bytearray()
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http", "method": "GET", "path": "/live/feed", "query_string": query.encode(), "headers": lines,
        "http_version": "1.1", CALLER: AdminCaller(ME, Headers(()), may=lambda action: True),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        done = body.count(b"data: ") >= events
        return {"type": "http.disconnect"} if done else {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return [(int(id_), json.loads(data)) for id_, data in re.findall(r"id: (\d+)\ndata: (.+)\n", body.decode())]


async def test_a_feed_begins_where_it_is_told_to(scene):
    [(reached, said)] = await feed(scene, f"from={len(SCENE) - 3}", valid=lambda caller: True)
    assert reached == len(SCENE)
    assert len(said["rows"]) == 3
    again = await feed(scene, "from=0", valid=lambda caller: True, last_event_id=str(len(SCENE) - 1))
    assert len(again[0][1]["rows"]) == 1


async def test_who_was_shut_out_sees_no_more(scene):
    """Their session is looked at again while the feed is open: it ends without another word."""
    asked_of: list[str] = []

    def valid(caller: AdminCaller) -> bool:
        asked_of.append(caller.principal.id)
        return False

    assert await feed(scene, "from=0", valid=valid, events=5) == []
    assert asked_of == [ME.id]


def test_what_is_too_much_to_draw_is_counted(scene):
    it = seen(scene)
    reached, rows, left = step(it, reached=0, one=Asked())
    assert (reached, len(rows), left) == (len(SCENE), MOST, len(SCENE) - MOST)
    assert rows[-1].seq == len(SCENE)
    assert step(it, reached=reached, one=Asked()) == (reached, [], 0)
    assert {row.action for row in step(it, reached=0, one=asked({"action": "block"}))[1]} == {"block"}


@pytest.mark.parametrize("query", ["from=-1", "from=x", "evil=1", "from=" + "9" * 30])
async def test_a_place_that_is_none_is_refused(scene, query):
    assert await feed(scene, query, valid=lambda caller: True) == []
