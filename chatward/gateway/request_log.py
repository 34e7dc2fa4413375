"""The log, in logfmt, for whoever runs the gateway: one line a request, and warnings in the same form.

The rules:

1. A line holds numbers and what Chatward itself calls things: the path as it is served, route, channel, reason. Nothing
   that a caller made up stands in it: no query, no model's name, and ``-`` for a path that is not served.
2. A request waits for nothing here: its line is written with those beside it, by a thread. A reader that is slow costs
   lines, never requests; the next line that is written says how many.
3. ``level`` is the least that is written: ``info`` is every request, ``warning`` those that we could not serve (5xx).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal

from chatward.gateway.answers import place_of
from chatward.gateway.inflight import Flight

GATHER: Final = 0.1
"""Seconds that a line waits for others."""
BATCHES: Final = 64
"""Batches that may wait for the one who reads."""
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_FAILED: Final = 500

Level = Literal["info", "warning", "error"]
_Noted = tuple[float, str, str, str, str, str, int, str, str, float, float]


class RequestLog:
    """``write`` gets whole lines, on a thread; it may take as long as it likes. Belongs to one event loop."""

    def __init__(self, write: Callable[[str], object], level: Level = "info", *, gather: float = GATHER) -> None:
        self._write = write
        self._least = {"info": 0, "warning": _FAILED}.get(level, 1000)
        self._gather = gather
        self._noted: list[_Noted] = []
        self._waiting: queue.Queue[tuple[list[_Noted], int] | None] = queue.Queue(BATCHES)
        self._lost = 0
        self._writing = threading.Thread(target=self._write_on, daemon=True, name="request-log")
        self._writing.start()

    def note(self, flight: Flight, method: str) -> None:
        if flight.status < self._least:
            return
        if not self._noted:
            asyncio.get_running_loop().call_later(self._gather, self._hand_over)
        self._noted.append(
            (
                time.time(),
                flight.id,
                method if method in _METHODS else "-",
                flight.path,
                flight.route,
                flight.channel,
                flight.status,
                flight.action,
                flight.reason or "-",
                time.perf_counter() - flight.began,
                flight.own,
            )
        )

    def close(self, wait: float = 1.0) -> None:
        """Writes what is left, within ``wait`` seconds."""
        self._hand_over()
        try:
            self._waiting.put(None, timeout=wait)
        except queue.Full:
            return
        self._writing.join(wait)

    def _hand_over(self) -> None:
        noted, self._noted = self._noted, []
        try:
            self._waiting.put_nowait((noted, self._lost))
        except queue.Full:
            self._lost += len(noted)
        else:
            self._lost = 0

    def _write_on(self) -> None:
        while (batch := self._waiting.get()) is not None:
            noted, lost = batch
            lines = [_line(one) for one in noted]
            if lost:
                lines.append(f"time={_moment(time.time())} level=warning lost_lines={lost}\n")
            with contextlib.suppress(OSError):  # whoever read has gone, or the disk is full: requests go on
                self._write("".join(lines))


class LogFormat(logging.Formatter):
    """Warnings and errors in the same form. Of an exception its type and place: its own words may quote a message."""

    def format(self, record: logging.LogRecord) -> str:
        message, *_ = record.getMessage().splitlines() or [""]
        error = record.exc_info[1] if record.exc_info else None
        told = f" error={place_of(error)}" if error is not None else ""
        return (
            f"time={_moment(record.created)} level={record.levelname.lower()} logger={record.name}"
            f" message={json.dumps(message, ensure_ascii=False)}{told}"
        )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _line(noted: _Noted) -> str:
    at, id_, method, path, route, channel, status, action, reason, took, own = noted
    return (
        f"time={_moment(at)} level={'warning' if status >= _FAILED else 'info'} id={id_} method={method} path={path}"
        f" route={route} channel={channel} status={status} action={action} reason={reason}"
        f" ms={took * 1000:.1f} own_ms={own * 1000:.1f}\n"
    )
