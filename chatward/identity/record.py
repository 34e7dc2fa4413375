"""What step-up writes into the ledger, and how it gets there from a thread.

The rule: what was proven, approved or registered counts only after it is on record. A ``Record`` returns once the
entry is durable and raises ``StoreError`` otherwise; it may block, as the methods that call it do.

Siblings meet through ports, so the words stand here once more: ``Event`` is the part of ``ledger.events.Event`` that
step-up writes, and a test holds the two together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from enum import Enum
from typing import Final

from chatward.core.errors import StoreError
from chatward.core.ports import Entry, Ledger

Record = Callable[[Entry], None]

_PATIENCE: Final = 10.0
"""Seconds that one entry may take to become durable."""


class Event(str, Enum):
    """Names and values as in ``ledger.events.Event``."""

    STEP_UP_REQUIRED = "challenge:step-up:required"
    STEP_UP_MET = "challenge:step-up:met"
    STEP_UP_FAILED = "challenge:step-up:failed"
    STEP_UP_EXPIRED = "challenge:step-up:expired"
    APPROVAL_REQUIRED = "approval:tool:required"
    APPROVAL_GRANTED = "approval:tool:granted"
    APPROVAL_REFUSED = "approval:tool:refused"
    APPROVAL_EXPIRED = "approval:tool:expired"
    PASSKEY_REGISTERED = "passkey:credential:registered"
    PASSKEY_REMOVED = "passkey:credential:removed"
    PASSKEY_SUSPENDED = "passkey:credential:suspended"
    RECOVERY_ISSUED = "recovery:codes:issued"
    RECOVERY_USED = "recovery:codes:used"
    RECOVERY_FAILED = "recovery:codes:failed"
    TOTP_ENROLLED = "totp:secret:enrolled"
    TOTP_REMOVED = "totp:secret:removed"


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
