"""Where the time of one guarded turn goes: each stage in this process, without sockets and without waiting.

The rule: the same requests and answers as on the wire, the same dialect, engine and guards; CPU time of this thread,
microseconds, medians over turns. The record and the two sockets are not in here: they are in the CPU time per
request of the gateway benchmark.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any, Final

from chatward.bench.wire import PATH, Answers, Kind, Requests
from chatward.channels.openai_chat import ChatCompletions
from chatward.routing import Routing, routing
from chatward.settings import Settings

TURNS: Final = 300
STREAMS: Final = 20
_DEPTH: Final = 64
_PARTS: Final = 20_000


def measure() -> dict[str, dict[str, float]]:
    """Medians in microseconds: of a plain turn, of one with personal data, and of a stream."""
    made = routing(Settings())
    dialect = ChatCompletions(_DEPTH, _PARTS)
    for _ in _turns(made, dialect, Kind.PLAIN, 1, TURNS):
        continue
    told = {}
    for number, kind in enumerate((Kind.PLAIN, Kind.PERSONAL), 2):
        told[kind.value] = _medians(list(_turns(made, dialect, kind, number, TURNS)))
    told[Kind.UNPACED.value] = _medians(list(_streams(made, dialect, 9, STREAMS)))
    return told


class _Laps:
    """Splits the time of one turn into named stages."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}
        self._at = time.thread_time()

    def __call__(self, stage: str) -> None:
        now = time.thread_time()
        self.taken[stage] = now - self._at
        self._at = time.thread_time()


def _turns(made: Routing, dialect: ChatCompletions, kind: Kind, number: int, count: int) -> Iterator[dict[str, float]]:
    requests, answers = Requests(kind, "bot", number * 1_000_000), Answers()
    for _ in range(count):
        body, answer = _body(requests()), _body(answers.whole())
        lap = _Laps()
        call = dialect.parse(body)
        lap("parse")
        screening = made.engine.screen(call, made.take(PATH, call.model), channel=dialect.name, principal="bench")
        lap("screen")
        call.body(screening.edits)
        lap("serialise")
        reply = screening.reply()
        call.reply(answer, reply)
        lap("reply")
        screening.finish(reply, call.reply_id())
        lap("finish")
        yield lap.taken


def _streams(made: Routing, dialect: ChatCompletions, number: int, count: int) -> Iterator[dict[str, float]]:
    requests, answers = Requests(Kind.UNPACED, "bot", number * 1_000_000), Answers()
    for _ in range(count):
        call = dialect.parse(_body(requests()))
        screening = made.engine.screen(call, made.take(PATH, call.model), channel=dialect.name, principal="bench")
        events = [event for chunk in answers.stream(Kind.UNPACED) for event in _events(chunk)]
        lap = _Laps()
        reply = screening.reply()
        rewriter = call.rewriter(reply)
        lap("open")
        for event in events:
            rewriter.feed(event)
        lap("feed")
        if not rewriter.done:
            rewriter.close()
        screening.finish(reply, call.reply_id())
        lap("finish")
        yield {**lap.taken, "feed_each_event": lap.taken["feed"] / len(events)}


def _body(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def _events(chunk: bytes) -> list[bytes]:
    """The events in chunks of a body, without the chunks' own lines."""
    return [line + b"\n\n" for line in chunk.replace(b"\r\n", b"\n\n").split(b"\n\n") if line.startswith(b"data:")]


def _medians(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {stage: round(statistics.median(row[stage] for row in rows) * 1e6, 1) for stage in rows[0]}
