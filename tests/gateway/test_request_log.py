"""The log of requests: what a line says, and that nobody waits for who reads it."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from chatward.gateway.inflight import Flight
from chatward.gateway.request_log import BATCHES, LogFormat, RequestLog
from tests.gateway.conftest import Gate

Open = Callable[..., Awaitable[Gate]]


class Written(list[str]):
    def lines(self) -> list[dict[str, str]]:
        return [dict(pair.split("=", 1) for pair in line.split()) for line in "".join(self).splitlines()]


def flight(status: int = 200, **told: str) -> Flight:
    made = Flight("cw-1", object(), None)  # type: ignore[arg-type] - nobody watches this one
    made.status, made.path = status, "/v1/chat/completions"
    for name, value in told.items():
        setattr(made, name, value)
    return made


async def noted(log: RequestLog, *flights: Flight, method: str = "POST") -> None:
    for one in flights:
        log.note(one, method)
    await asyncio.to_thread(log.close)


async def test_a_line_says_what_was_asked_and_what_came_of_it() -> None:
    written = Written()
    await noted(RequestLog(written.append), flight(route="shop", channel="openai-chat", action="redact"))
    [line] = written.lines()
    assert line.pop("time").endswith("+00:00")
    assert float(line.pop("ms")) >= float(line.pop("own_ms")) >= 0
    assert line == {
        "level": "info", "id": "cw-1", "method": "POST", "path": "/v1/chat/completions", "route": "shop",
        "channel": "openai-chat", "status": "200", "action": "redact", "reason": "-",
    }  # fmt: skip


@pytest.mark.parametrize(("level", "kept"), [("info", ["200", "400", "502"]), ("warning", ["502"]), ("error", [])])
async def test_the_level_is_the_least_that_is_written(level: str, kept: list[str]) -> None:
    written = Written()
    await noted(RequestLog(written.append, level), flight(200), flight(400), flight(502))  # type: ignore[arg-type]
    assert [line["status"] for line in written.lines()] == kept


async def test_a_method_of_the_callers_own_is_not_told() -> None:
    written = Written()
    await noted(RequestLog(written.append), flight(405), method="JANE-DOE")
    assert written.lines()[0]["method"] == "-"


async def test_lines_that_nobody_reads_are_lost_and_counted_and_nobody_waits() -> None:
    written, reads = Written(), threading.Event()

    def write(text: str) -> None:
        reads.wait(10)
        written.append(text)

    log = RequestLog(write, gather=0)
    for _ in range(BATCHES + 10):
        log.note(flight(), "POST")
        await asyncio.sleep(0.001)
    reads.set()
    await asyncio.sleep(0.05)
    await noted(log, flight())
    lines = written.lines()
    lost = [int(line["lost_lines"]) for line in lines if "lost_lines" in line]
    assert lost
    assert sum("id" in line for line in lines) + sum(lost) == BATCHES + 11


async def test_a_reader_who_has_gone_ends_nothing() -> None:
    written = Written()
    log = RequestLog(lambda text: written.append(text) if len(written) else _gone(written), gather=0)
    log.note(flight(), "POST")
    await asyncio.sleep(0.05)
    await noted(log, flight(404))
    assert "status=404" in written[-1]


def _gone(written: list[str]) -> None:
    written.append("")
    raise BrokenPipeError


async def test_every_answer_of_the_gateway_has_a_line(open_gate: Open, say: Callable[..., bytes]) -> None:
    written = Written()
    log = RequestLog(written.append)
    gate = await open_gate(["read", say("ok")] * 2, log=log, pages={"/chat": ("text/html", b"<p>")})
    await gate.chat("hello")
    for path in ("/healthz", "/chat", "/v1/models/jane-doe", "/people/jane-doe?name=jane-doe"):
        await gate.client.get(path)
    await gate.client.options("/chat")
    await gate.client.delete("/v1/chat/completions")
    await asyncio.to_thread(log.close)
    assert [(line["method"], line["path"], line["status"]) for line in written.lines()] == [
        ("POST", "/v1/chat/completions", "200"),
        ("GET", "/healthz", "200"),
        ("GET", "/chat", "200"),
        ("GET", "/v1/models", "200"),
        ("GET", "-", "404"),
        ("OPTIONS", "/chat", "204"),
        ("DELETE", "/v1/chat/completions", "405"),
    ]
    assert "jane-doe" not in "".join(written)


def test_a_warning_tells_the_type_of_an_exception_and_its_place_not_its_words() -> None:
    try:
        raise ValueError("jane-doe said it")
    except ValueError:
        told = sys.exc_info()
    record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "It ended.\nfuture: jane-doe", (), told)
    line = LogFormat().format(record)
    assert 'level=error logger=asyncio message="It ended." error=ValueError@' in line
    assert Path(__file__).name in line
    assert "jane-doe" not in line
