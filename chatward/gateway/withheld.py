"""Replies that wait for a proof: what the bot said is kept until the caller comes back with it, or for a while.

The rules:

1. A whole reply that was stopped by a challenge is kept, as the bot sent it, in this process's memory alone. The same
   request of the same principal in the same session that names the challenge gets that reply, inspected anew, and the
   bot is not asked again: what was proven was proven for these arguments, and another answer would have others.
2. Kept for ``SECONDS``, at most ``MOST`` replies and ``BYTES`` of them; taken once. What is no longer there is asked of
   the bot again, and needs a new proof if its arguments differ.
3. A stream does not come back: it waits. Its rewriter runs on a thread while a tool call waits for its proof, and the
   caller is told by a comment line what is to be proven (``: chatward {"challenge": {...}}``).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Final

import orjson

from chatward.core.identity import CHALLENGE_HEADER, Caller, Challenge, Principal, ProvingGate
from chatward.core.ports import Headers

SECONDS: Final = 600.0
MOST: Final = 256
BYTES: Final = 32 * 1024 * 1024
WAITING: Final = 32
"""Streams with tool calls to be proven that are read at once; more of them stand in line."""


@dataclass(frozen=True, slots=True)
class _Reply:
    principal: str
    session: str
    request: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    until: float


class Kept:
    """A reply as the bot sent it: ``core.ports.UpstreamResponse`` once more."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self.headers = tuple(headers)
        self.body = body

    async def read(self, limit: int) -> bytes:
        return self.body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body

    async def aclose(self) -> None: ...


def may_call(data: bytes) -> bool:
    """Whether a reply's bytes may hold a tool call. Where they do and this says no, the call is refused without a
    challenge: nothing is let out for it."""
    return b"tool" in data or b"_call" in data


class Withheld:
    """Whole replies by the challenge that they wait for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._replies: OrderedDict[str, _Reply] = OrderedDict()
        self._bytes = 0

    def put(self, challenge: Challenge, principal: Principal, request: bytes, kept: Kept) -> None:
        """Keeps a reply. ``request`` is the body as it was sent to the bot."""
        reply = _Reply(
            principal.id,
            principal.session,
            sha256(request).digest(),
            kept.status,
            kept.headers,
            kept.body,
            self._clock() + SECONDS,
        )
        self._drop(challenge.id)
        self._replies[challenge.id] = reply
        self._bytes += len(reply.body)
        now = self._clock()
        while self._replies and (
            len(self._replies) > MOST or self._bytes > BYTES or next(iter(self._replies.values())).until < now
        ):
            self._drop(next(iter(self._replies)))

    def take(self, caller: Caller, request: bytes) -> Kept | None:
        """The reply that a request comes back for, once."""
        if CHALLENGE_HEADER not in caller.presented.headers:
            return None
        number = caller.presented.headers.get(CHALLENGE_HEADER) or ""
        reply = self._replies.get(number)
        principal = caller.principal
        if reply is None or (reply.principal, reply.session) != (principal.id, principal.session):
            return None
        if reply.until < self._clock() or reply.request != sha256(request).digest():
            return None
        self._drop(number)
        return Kept(reply.status, reply.headers, reply.body)

    def _drop(self, number: str) -> None:
        reply = self._replies.pop(number, None)
        if reply is not None:
            self._bytes -= len(reply.body)


class AbandonedError(Exception):
    """Nobody waits for a stream any more."""


class Waiting:
    """Lets a stream's rewriter wait for a proof. Implements ``core.identity.Patience`` for one stream."""

    _threads: ClassVar[ThreadPoolExecutor | None] = None

    def __init__(self, gate: ProvingGate, seconds: float, say: Callable[[bytes], Awaitable[None]]) -> None:
        self.seconds = seconds
        self._gate = gate
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[Challenge | None] = asyncio.Queue()
        self._left = threading.Event()
        gate.patience = self
        gate.on_thread = True

    def announce(self, challenge: Challenge) -> None:
        self._loop.call_soon_threadsafe(self._news.put_nowait, challenge)

    def pause(self, seconds: float) -> None:
        if self._left.wait(seconds):
            raise AbandonedError

    async def run(self, work: Callable[[], bytes]) -> bytes:
        """``work`` on a thread; meanwhile what is to be proven is told to the caller. Cancelled, it lets ``work`` end
        at its next pause."""
        if Waiting._threads is None:
            Waiting._threads = ThreadPoolExecutor(WAITING, "chatward-waiting")
        working = self._loop.run_in_executor(Waiting._threads, work)
        working.add_done_callback(lambda _: self._news.put_nowait(None))
        try:
            while (challenge := await self._news.get()) is not None:
                told = orjson.dumps(self._gate.described(challenge))
                await self._say(b": chatward " + told + b"\n\n")
            return await working
        finally:
            if not working.done():
                self._left.set()
