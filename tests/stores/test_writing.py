"""The writing thread: never waits on the loop, refuses before anything happens, and loses nothing it took."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from chatward.core.errors import StoreError
from chatward.stores.writing import Writer


class Sink:
    """Writes into a list; waits while ``shut``; fails on items in ``bad``."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.begun = threading.Event()
        self.groups: list[list[str]] = []
        self.bad: set[str] = set()
        self.error: Exception = StoreError("no", reason="sink-broken")

    def write(self, items: Sequence[str]) -> None:
        self.begun.set()
        self.open.wait(30)
        if self.bad & set(items):
            raise self.error
        self.groups.append(list(items))


def writer(sink: Sink, **limits: int) -> Writer[str]:
    return Writer("sink", sink.write, len, **limits)


async def test_what_is_taken_is_written_in_order() -> None:
    sink = Sink()
    one = writer(sink)
    await asyncio.gather(*(one.put(str(number)) for number in range(500)))
    assert [item for group in sink.groups for item in group] == [str(number) for number in range(500)]
    await one.aclose()


async def test_put_does_not_wait_and_overflow_is_told_at_once() -> None:
    sink = Sink()
    sink.open.clear()
    one = writer(sink, limit=3)
    first = one.put("0")
    await asyncio.to_thread(sink.begun.wait, 30)
    waiting = [one.put(str(number)) for number in range(1, 4)]
    with pytest.raises(StoreError) as caught:
        one.put("4")
    assert caught.value.reason == "sink-overloaded"
    assert not first.done()
    sink.open.set()
    await asyncio.gather(first, *waiting)
    assert [item for group in sink.groups for item in group] == ["0", "1", "2", "3"]
    await one.put("4")
    await one.aclose()


async def test_bytes_are_counted_too() -> None:
    sink = Sink()
    sink.open.clear()
    one = writer(sink, limit_bytes=10)
    first = one.put("12345")
    with pytest.raises(StoreError):
        one.put("123456")
    sink.open.set()
    await first
    await asyncio.sleep(0)
    await one.put("12345")
    await one.aclose()


async def test_one_that_cannot_be_written_fails_alone() -> None:
    sink = Sink()
    sink.bad = {"bad"}
    sink.open.clear()
    one = writer(sink)
    futures = [one.put(item) for item in ("good", "bad", "better")]
    sink.open.set()
    done = await asyncio.gather(*futures, return_exceptions=True)
    assert [getattr(result, "reason", None) for result in done] == [None, "sink-broken", None]
    sink.error = OSError("disk")
    with pytest.raises(StoreError) as caught:
        await one.put("bad")
    assert caught.value.reason == "sink-unavailable"
    assert "disk" not in str(caught.value)
    await one.aclose()


async def test_closing_writes_what_was_taken_and_takes_nothing_more() -> None:
    sink = Sink()
    sink.open.clear()
    one = writer(sink)
    future = one.put("last")
    closing = asyncio.create_task(one.aclose())
    await asyncio.sleep(0)
    with pytest.raises(StoreError) as caught:
        one.put("late")
    assert caught.value.reason == "sink-closed"
    sink.open.set()
    await closing
    await one.aclose()
    assert future.done()
    assert sink.groups == [["last"]]


async def test_who_has_gone_away_does_not_matter() -> None:
    sink = Sink()
    sink.open.clear()
    one = writer(sink)
    future = one.put("x")
    future.cancel()
    sink.open.set()
    await one.put("y")
    await one.aclose()
    assert [item for group in sink.groups for item in group] == ["x", "y"]


def test_a_loop_that_closed_is_no_harm() -> None:
    sink = Sink()
    sink.open.clear()
    one = writer(sink)

    async def leave() -> None:
        one.put("x")

    asyncio.run(leave())
    sink.open.set()
    asyncio.run(one.aclose())
    assert sink.groups == [["x"]]
