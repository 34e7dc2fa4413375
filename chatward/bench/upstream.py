"""The scripted chatbot behind every proxy that is measured: as fast as one Python process can be.

The rule: it does as little as it can, so that what is measured is the proxy. A request is framed by its length and
never parsed; answers were made beforehand; a paced stream has a timer of its own, so that streams do not fall into
step.

As a program: ``python -m chatward.bench.upstream PORT`` listens on 127.0.0.1 until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

from chatward.bench.wire import PACE, Answers, kind_of


class Upstream(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, answers: Answers, loop: asyncio.AbstractEventLoop) -> None:
        self._answers = answers
        self._loop = loop
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
            self._go_on(iter(self._answers.stream(kind)), PACE if kind.paced else 0.0)

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
    answers = Answers()
    server = await loop.create_server(lambda: Upstream(answers, loop), "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
