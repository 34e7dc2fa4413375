"""One suite for every implementation of the ledger's port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry, Ledger
from chatward.ledger.null import NullLedger
from chatward.ledger.sqlite import SqliteLedger
from tests.simulators.ledger import MemoryLedger

MAKERS: dict[str, Callable[[Path], Ledger]] = {
    "sqlite-power": lambda path: SqliteLedger(path, "power", min_free=1),
    "sqlite-process": lambda path: SqliteLedger(path, "process", min_free=1),
    "sqlite-waiting": lambda path: SqliteLedger(path, "process", 0.002, min_free=1),
    "memory": lambda path: MemoryLedger(),
    "null": lambda path: NullLedger(),
}

MakeEntry = Callable[..., Entry]


@pytest.fixture(params=list(MAKERS))
async def ledger(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Ledger]:
    made = MAKERS[request.param](path)
    yield made
    await made.aclose()


async def test_append_resolves_to_nothing(ledger: Ledger, entry: MakeEntry) -> None:
    assert list(await asyncio.gather(ledger.append(entry()))) == [None]


async def test_many_at_once_all_resolve(ledger: Ledger, entry: MakeEntry) -> None:
    results = await asyncio.gather(*(ledger.append(entry(n)) for n in range(500)))
    assert list(results) == [None] * 500


async def test_text_is_refused_with_the_field_named_and_the_value_not(ledger: Ledger) -> None:
    secret = "my sister is called Aurelia"
    with pytest.raises(ValueError, match="field note ") as caught:
        await ledger.append(Entry(Event.MESSAGE_JUDGED, "x", {"note": secret}))
    assert "Aurelia" not in str(caught.value)


async def test_a_field_that_came_before_is_looked_at_in_another_entry_too(ledger: Ledger) -> None:
    await ledger.append(Entry(Event.MESSAGE_JUDGED, "x", {"note": "plain"}))
    with pytest.raises(ValueError, match="field note "):
        await ledger.append(Entry(Event.MESSAGE_JUDGED, "x", {"note": "two words", "status": 200}))
    with pytest.raises(ValueError, match="field note "):
        await ledger.append(Entry(Event.REPLY_JUDGED, "x", {"note": "two words"}))


async def test_an_unknown_event_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="event"):
        await ledger.append(Entry("message:was:nice", "x"))


async def test_a_cancelled_caller_harms_no_other(ledger: Ledger, entry: MakeEntry) -> None:
    first = asyncio.ensure_future(ledger.append(entry(1)))
    second = asyncio.ensure_future(ledger.append(entry(2)))
    first.cancel()
    await asyncio.wait_for(second, 10)
    await asyncio.wait_for(asyncio.ensure_future(ledger.append(entry(3))), 10)


async def test_after_close_append_fails_and_close_may_be_repeated(ledger: Ledger, entry: MakeEntry) -> None:
    await ledger.append(entry())
    await ledger.aclose()
    await ledger.aclose()
    with pytest.raises(StoreError) as caught:
        await ledger.append(entry())
    assert caught.value.reason == "ledger-closed"
    assert caught.value.status == 503
