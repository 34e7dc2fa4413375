"""What is put on record of credentials that were refused.

The rule: a refusal has no effect on anyone, so it is written without waiting, at most ``PER_SECOND`` in a second: a
flood of bad credentials cannot fill the disk and close the gate. The next one written says how many were ``left_out``.
An entry says what was wrong and with which way of being known; nothing of the credential, of who sent it, from where.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

from chatward.core.errors import IdentityError
from chatward.core.events import Event
from chatward.core.ports import Entry

PER_SECOND: Final = 20

_log = logging.getLogger(__name__)


class Appending(Protocol):
    """The part of a ledger that is used."""

    def append(self, entry: Entry) -> Awaitable[None]: ...


class Refusals:
    """Writes refusals to ``ledger`` on ``loop``; called from any thread. ``clock`` gives seconds of any origin."""

    def __init__(
        self, ledger: Appending, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._loop = loop
        self._clock = clock
        self._lock = threading.Lock()
        self._second = 0
        self._written = 0
        self._left_out = 0
        self._pending: set[asyncio.Future[None]] = set()

    def __call__(self, way: str, error: IdentityError) -> None:
        """Never raises, never waits. ``way`` is the authenticator's name, empty where no one's kind it was."""
        about: dict[str, object] = {"reason": error.reason, "status": error.status}
        if way:
            about["way"] = way
        detail = getattr(error, "detail", "")
        if detail:
            about["detail"] = detail
        with self._lock:
            second = int(self._clock())
            if second != self._second:
                self._second, self._written = second, 0
            if self._written >= PER_SECOND:
                self._left_out += 1
                return
            self._written += 1
            if self._left_out:
                about["left_out"], self._left_out = self._left_out, 0
        with suppress(RuntimeError):  # the loop is closed: nothing is served any more
            self._loop.call_soon_threadsafe(self._begin, Entry(Event.CALLER_REFUSED, "", about))

    def _begin(self, entry: Entry) -> None:
        future = asyncio.ensure_future(self._write(entry))
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)

    async def _write(self, entry: Entry) -> None:
        try:
            await self._ledger.append(entry)
        except Exception as error:  # whatever a ledger raises: the caller was refused already
            _log.warning("a refusal was not recorded: %s", type(error).__name__)
