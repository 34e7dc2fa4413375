"""Answers: their headers, and what is noted of them.

The rule: a header of the bot passes by name only, and only when its value is printable ASCII. What frames, sets
cookies or names the server's software never does; ``content-type`` is decided here. An exception is logged by type
and place, since its own words may quote a message.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace
from typing import Final

import orjson

from chatward.channels.dialect import Answer
from chatward.core.errors import ChatwardError
from chatward.core.ports import Headers
from chatward.gateway.inflight import Flight
from chatward.gateway.meter import Meter
from chatward.gateway.parties import Door

_log = logging.getLogger("chatward.gateway")

_PASSING: Final = frozenset(
    {"mcp-session-id", "request-id", "retry-after", "retry-after-ms", "x-request-id", "x-should-retry"}
)
_PASSING_PREFIXES: Final = ("anthropic-", "openai-", "x-ratelimit-")
_MAX_KNOWN: Final = 512

_known: dict[str, bool] = {}

NO_STORE: Final = ("cache-control", "no-store")
SERVER: Final = ("server", "chatward")


def answer_headers(
    flight: Flight, content_type: str, passing: Headers = (), extra: Headers = (), overhead: float | None = None
) -> list[tuple[str, str]]:
    """All headers of the answer to ``flight``, in lower case. ``overhead``: our own seconds, where they were looked
    at already."""
    overhead = flight.overhead if overhead is None else overhead
    headers = [
        ("content-type", content_type),
        ("x-chatward-request-id", flight.id),
        ("x-chatward-action", flight.action),
        ("x-chatward-overhead-ms", f"{overhead * 1000.0:.3f}"),
        NO_STORE,
        SERVER,
        *flight.sharing,
        *extra,
    ]
    for header in passing:
        name = header[0]
        passes = _known.get(name)
        if passes is None:
            passes = _learn(name)
        if passes and header[1].isascii() and header[1].isprintable():
            headers.append(header)
    return headers


def _learn(name: str) -> bool:
    passes = name in _PASSING or name.startswith(_PASSING_PREFIXES)
    if len(_known) < _MAX_KNOWN:
        _known[name] = passes
    return passes


class Answers:
    """Gives whole answers, and notes what they were for the meter and the log of requests."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def give(
        self,
        flight: Flight,
        door: Door,
        answer: Answer,
        passing: Headers = (),
        *,
        reason: str = "",
        extra: Headers = (),
    ) -> None:
        """``reason`` is the stable id of what went wrong, or empty."""
        overhead = flight.overhead
        headers = answer_headers(flight, answer.content_type, passing, extra, overhead)
        door.response_bytes(answer.status, headers, answer.body)
        flight.over = True
        self.note(flight, answer.status, reason, overhead)

    def note(self, flight: Flight, status: int, reason: str, overhead: float) -> None:
        self._meter.request(flight.route, flight.channel, flight.action, reason, status, overhead)
        flight.status, flight.reason, flight.own = status, reason, overhead


def log_unexpected(flight: Flight, error: BaseException) -> None:
    """Says where it happened; an exception's own words may quote a message, so they are not logged."""
    _log.error("%s %s", flight.id, place_of(error))


def place_of(error: BaseException) -> str:
    """The type of an exception and where it came from."""
    frame = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    where = f"{frame.filename}:{frame.lineno}" if frame else "?"
    return f"{type(error).__name__}@{where}"


def detailed(answer: Answer, error: ChatwardError) -> Answer:
    """The dialect's answer with what a program can do about the error."""
    if not error.details:
        return answer
    return replace(answer, body=orjson.dumps({**orjson.loads(answer.body), "chatward": error.details}))
