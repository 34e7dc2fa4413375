"""What step-up writes into the ledger, and how it gets there from a thread.

The rule: what was proven, approved or registered counts only after it is on record. A ``Record`` returns once the
entry is durable and raises ``StoreError`` otherwise; it may block, as the methods that call it do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from chatward.core.errors import StoreError
from chatward.core.ports import Entry, Ledger

Record = Callable[[Entry], None]

_log = logging.getLogger("chatward.identity")

_PATIENCE: Final = 10.0
"""Seconds that one entry may take to become durable."""


def recorder(ledger: Ledger, loop: asyncio.AbstractEventLoop) -> Record:
    """A ``Record`` for worker threads: hands entries to the ledger on ``loop`` and waits until they are durable.

    Called on the loop's own thread it would wait for itself, so that is refused (``RuntimeError``).
    """

    async def durable(entry: Entry) -> None:
        written: Awaitable[None] = ledger.append(entry)
        await written

    def record(entry: Entry) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is loop:
            raise RuntimeError("a record is waited for on a thread, not on the event loop")
        future = asyncio.run_coroutine_threadsafe(durable(entry), loop)
        try:
            future.result(_PATIENCE)
        except FutureTimeoutError as error:
            future.cancel()
            raise StoreError("The record cannot be written now; nothing was done.") from error

    return record


def later(ledger: Ledger, loop: asyncio.AbstractEventLoop) -> Record:
    """The same for what nobody waits for, from any thread: what cannot be written is logged."""

    async def write(entry: Entry) -> None:
        try:
            await ledger.append(entry)
        except (StoreError, ValueError) as error:
            _log.warning("%s %s not recorded: %s", entry.exchange, entry.event, type(error).__name__)

    def note(entry: Entry) -> None:
        asyncio.run_coroutine_threadsafe(write(entry), loop)

    return note
