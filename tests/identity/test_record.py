"""What step-up records: the ledger's words, durable before they count."""

from __future__ import annotations

import asyncio

import pytest

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.identity.record import recorder
from tests.simulators.ledger import MemoryLedger


async def test_an_entry_is_durable_when_it_returns() -> None:
    ledger = MemoryLedger()
    ledger.stalled = True
    record = recorder(ledger, asyncio.get_running_loop())
    writing = asyncio.create_task(asyncio.to_thread(record, Entry(Event.STEP_UP_MET, "", {"proof": "totp"})))
    while not ledger.waiting:  # noqa: ASYNC110 - the simulator tells nobody
        await asyncio.sleep(0)
    assert not writing.done()
    ledger.release()
    await writing
    assert ledger.events == ["challenge:step-up:met"]


async def test_what_cannot_be_written_is_an_error() -> None:
    ledger = MemoryLedger()
    ledger.failing = "ledger-disk-low"
    record = recorder(ledger, asyncio.get_running_loop())
    with pytest.raises(StoreError):
        await asyncio.to_thread(record, Entry(Event.STEP_UP_MET, "", {}))


async def test_on_the_loops_own_thread_it_refuses_instead_of_waiting_for_itself() -> None:
    record = recorder(MemoryLedger(), asyncio.get_running_loop())
    with pytest.raises(RuntimeError, match="event loop"):
        record(Entry(Event.STEP_UP_MET, "", {}))
