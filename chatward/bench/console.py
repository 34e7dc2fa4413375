"""``chatward bench console``: how soon pages answer over a long record, and what the live feed takes.

The method:

1. A ledger with ``MESSAGES`` entries as the gateway writes them, of which 50,000 are findings, is indexed as a running
   Chatward does it. They are put into its table in one go: how fast the writer is ``chatward bench ledger`` says.
2. ``page_ms_p95``: pages are asked of the admin plane by a signed-in operator, in turns, in this process and without a
   network: overview, messages by several filters and orders, the page after each, findings, one message, search.
   Counted is the time of a page, its index asked and its HTML made.
3. ``feed_per_s``: while verdicts come at ``RATE`` a second for ``seconds``, one feed is open. The figure is how many
   reached it for each second, up to the last one; ``details`` has how old the oldest of a batch was (``feed_ms_p99``).
4. By the clock: on a machine that does other work they say what is left over. ``index_cpu_us_per_entry`` is processor
   time of the thread that indexes.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI

from chatward.bench.report import Progress, Report, machine, significant
from chatward.console.access import CALLER, AdminAccess, AdminCaller, Headers
from chatward.console.access_pages import Pages
from chatward.console.asking import Asked
from chatward.console.happened import Happened
from chatward.console.live_desk import STEP, step
from chatward.console.overview import overview_routes
from chatward.console.seeing import Seeing
from chatward.console.watch_desk import watch_routes
from chatward.console.watching import Watching
from chatward.core.identity import Assurance, Kind, Principal
from chatward.identity.csrf import Csrf
from chatward.ledger.reading import Record
from chatward.ledger.sqlite import SqliteLedger

FIGURES: Final = ("page_ms_p95", "feed_per_s")
MESSAGES: Final = 1_000_000
FINDINGS: Final = 50_000
RATE: Final = 500
_AT_ONCE: Final = 5000
_START: Final = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` over all pages, the feed for ``seconds``, over ``messages`` messages."""

    rounds: int = 3
    seconds: float = 3.0
    messages: int = MESSAGES


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; with a million messages it takes some minutes, most of them for seeding."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    with tempfile.TemporaryDirectory(prefix=".chatward-bench-", dir=Path.cwd()) as name:
        folder = Path(name)
        asyncio.run(_empty(folder / "ledger.db"))
        progress(f"writing {options.messages:,} messages")
        _seed(folder / "ledger.db", options.messages)
        happened = Happened(folder / "ledger.db", folder / "index.db", pause=0)
        began = time.process_time()
        while happened.seq < options.messages:
            progress(f"message {happened.seq:,} of {options.messages:,}")
            happened.catch_up(_AT_ONCE)
        cpu = time.process_time() - began
        seeing = Seeing(happened, lambda: _START + options.messages / 10)
        taken = asyncio.run(_pages(seeing, options, progress))
        every = sorted(ms for found in taken.values() for ms in found)
        report.figures["page_ms_p95"] = significant(every[int(len(every) * 0.95)])
        progress("the live feed")
        rate, ages = _feed(seeing, options)
        report.figures["feed_per_s"] = significant(rate)
        report.details |= {
            "messages": options.messages,
            "findings": int(happened.rows("SELECT count(*) FROM findings")[0][0]),
            "page_ms_median": {page: significant(sorted(found)[len(found) // 2]) for page, found in taken.items()},
            "feed_ms_p99": significant(sorted(ages)[int(len(ages) * 0.99)]) if ages else None,
            "index_cpu_us_per_entry": significant(cpu / max(happened.seq, 1) * 1e6),
            "index_bytes_per_message": significant((folder / "index.db").stat().st_size / options.messages),
        }
        happened.close()
    return report


async def _empty(path: Path) -> None:
    await SqliteLedger(path, "process", min_free=1).aclose()


def _seed(path: Path, messages: int) -> None:
    """Entries in a ledger's table, without their chain, which nothing here reads."""
    connection = sqlite3.connect(path)
    rows = (
        (one.seq, one.at, one.event, one.exchange, orjson.dumps(one.fields).decode(), b"")
        for one in _entries(0, messages, messages)
    )
    with connection:
        connection.executemany("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()


def _entries(first: int, last: int, messages: int) -> Iterator[Record]:
    """Entries of messages: one in twenty is a finding, one in a thousand was judged without a guard."""
    every = max(messages // FINDINGS, 20)
    rules = (
        "text.injection/override",
        "text.pii/email",
        "text.pii/card",
        "text.secrets/aws-access-key",
        "links.urls/x",
    )
    for number in range(first, last):
        at = (_START + number // 10) * 1_000_000_000 + number % 10
        action = "allow" if number % every else "block" if number % (2 * every) else "redact"
        fields: dict[str, object] = {
            "channel": "openai_chat", "route": f"route-{number % 7 // 3}", "action": action, "policy": "3f9c2a17",
            "principal": f"key:{number * 2654435761 % 5000:016x}",
        }  # fmt: skip
        if action != "allow":
            rule = rules[number // every % len(rules)]
            fields |= {"rule": rule, "rules": [rule]}
        if number % 1000 == 7:
            fields["unavailable"] = ["text.links"]
        event = "message:input:judged" if action == "block" else "upstream:call:intended"
        if action != "block":
            fields["bot"] = f"bot-{number % 3}"
        yield Record(number + 1, at, event, f"01890a5d-ac96-774b-bcce-{number:012d}", fields, b"")


def _addresses(messages: int) -> tuple[str, ...]:
    """Pages that operators ask for, and filters that fit ill to an index."""
    return (
        "/messages",
        "/messages?action=block",
        "/messages?action=redact&route=route-2",
        "/messages?principal=key:0000000000000007&sort=action",
        "/messages?rule=text.*",
        "/messages?rule=text.pii/card&sort=time",
        "/messages?sort=principal&size=100",
        "/messages?missing=1&since=24h",
        "/messages?since=24h&until=12h&action=allow",
        f"/messages/01890a5d-ac96-774b-bcce-{messages // 2:012d}",
        "/findings",
        "/findings?rule=text.pii/*&sort=principal",
        "/findings?state=all&route=route-1",
        "/live",
        "/search?q=text.",
        "/search?q=key:00000000000000",
    )


async def _pages(seeing: Seeing, options: Options, progress: Progress) -> dict[str, list[float]]:
    """Milliseconds of each page, by its address."""
    app = _app(seeing)
    taken: dict[str, list[float]] = {}
    addresses = ("/", "/?span=7d", *_addresses(options.messages))
    for turn in range(options.rounds):
        progress(f"round {turn + 1} of {options.rounds}")
        for address in addresses:
            for at in await _following(app, address):
                began = time.perf_counter()
                status, _ = await _get(app, at)
                taken.setdefault(address, []).append((time.perf_counter() - began) * 1e3)
                if status != 200:
                    raise RuntimeError(f"{at} answered {status}")
    return taken


async def _following(app: FastAPI, address: str) -> tuple[str, ...]:
    """An address, and for lists the page after it."""
    _, body = await _get(app, address)
    after = re.search(rb'class="button" href="([^"]+after=[^"]+)"', body)
    return (address,) if after is None else (address, after[1].decode().replace("&amp;", "&"))


def _app(seeing: Seeing) -> FastAPI:
    """The pages with an operator who may all, and without what stands before them: that is decided in microseconds."""
    csrf = Csrf(b"k" * 32, secure=False)
    nothing: Any = None
    access = AdminAccess(nothing, nothing, nothing, csrf, nothing, secure=False)
    pages, watching = Pages(access), Watching(seeing)
    app, watched = FastAPI(openapi_url=None), APIRouter()
    overview_routes(app.router, pages, watching, lambda: {"version": "", "guards": [], "routes": []}, lambda n: [])
    watch_routes(watched, pages, watching, access)
    app.include_router(watched)
    return app


async def _get(app: FastAPI, address: str) -> tuple[int, bytes]:
    path, _, query = address.partition("?")
    me = Principal("operator:bench", Kind.OPERATOR, roles=frozenset({"admin"}), assurance=Assurance.STRONG, session="s")
    caller = AdminCaller(me, Headers(()), token="t", may=lambda action: True)  # noqa: S106 - no secret
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": [],
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80), "client": None, CALLER: caller,
    }  # fmt: skip
    status, body = 0, bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, bytes(body)


def _feed(seeing: Seeing, options: Options) -> tuple[float, list[float]]:
    """Verdicts a second that reach a feed, and the milliseconds that each batch's oldest waited."""
    happened = seeing.happened
    first = reached = happened.seq
    got = 0
    ages: list[float] = []
    began = last = time.perf_counter()
    while (now := time.perf_counter()) - began < options.seconds:
        due = int((now - began) * RATE)
        some = [_live(number) for number in range(happened.seq + 1, first + due + 1)]
        if some:
            happened.take(some)
        reached, rows, left = step(seeing, reached=reached, one=Asked())
        orjson.dumps([row.told() for row in rows])
        last = time.perf_counter()
        got += len(rows) + left
        if rows:
            ages.append((last - began - (rows[0].seq - first) / RATE) * 1e3)
        time.sleep(max(0.0, STEP - (time.perf_counter() - now)))
    return got / max(last - began, 1e-9), ages


def _live(number: int) -> Record:
    fields: dict[str, object] = {"channel": "openai_chat", "route": "default", "action": "allow", "policy": "3f9c2a17"}
    return Record(number, time.time_ns(), "upstream:call:intended", f"live-{number}", fields, b"")
