"""The scripted chatbot behind every proxy that is measured: as fast as one Python process can be.

The rule: it does as little as it can, so that what is measured is the proxy. A request is framed by its length and
never parsed; answers were made beforehand; a paced stream has a timer of its own, so that streams do not fall into
step. It thinks only where the time to first token is measured (``Kind.FIRST``), as every bot does.

As a program: ``python -m chatward.bench.upstream PORT`` listens on 127.0.0.1 until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import uvloop

from chatward.bench.wire import PACE, THINKING, Answers, Kind, kind_of


class Thinking:
    """Calls back ``THINKING`` seconds later, to some ten microseconds. The loop's own timers count whole milliseconds
    from its last tick: what a proxy takes up to a millisecond earlier or later would not show."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = ThreadPoolExecutor(1)

    def __call__(self, then: Callable[[], None]) -> None:
        self._thread.submit(self._wait, time.perf_counter() + THINKING, then)  # as they came is as they are due

    def _wait(self, until: float, then: Callable[[], None]) -> None:
        time.sleep(max(0.0, until - time.perf_counter()))
        self._loop.call_soon_threadsafe(then)


class Upstream(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, answers: Answers, loop: asyncio.AbstractEventLoop, thinking: Thinking) -> None:
        self._answers = answers
        self._loop = loop
        self._thinking = thinking
        self._held = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held = held = self._held + data if self._held else data
        end = held.find(b"\r\n\r\n")
        if end < 0 or len(held) < end + 4 + _length(held[:end]):
            return
        self._held = b""
        kind = kind_of(held[end:])
        if not kind.streams:
            self._transport.write(self._answers.whole())
        else:
            chunks, pace = iter(self._answers.stream(kind)), PACE if kind.paced else 0.0
            if kind is Kind.FIRST:
                self._thinking(partial(self._go_on, chunks, pace))
            else:
                self._go_on(chunks, pace)

    def _go_on(self, chunks: object, pace: float) -> None:
        chunk = next(chunks, None)  # type: ignore[call-overload]
        if chunk is None or self._transport.is_closing():
            return
        self._transport.write(chunk)
        if pace:
            self._loop.call_later(pace, self._go_on, chunks, pace)
        else:
            self._loop.call_soon(self._go_on, chunks, pace)


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    return int(lower[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0


async def serve(port: int) -> None:
    """Listens on 127.0.0.1 until cancelled."""
    loop = asyncio.get_running_loop()
    answers, thinking = Answers(), Thinking(loop)
    server = await loop.create_server(lambda: Upstream(answers, loop, thinking), "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
