"""The encoder's thread: every job gets the answers to its own windows, or its own error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.models.batching import MOST, Batcher
from chatward.models.encoder import Window
from chatward.models.wordpiece import Tokens

WAIT = 20  # seconds after which a test that hangs has failed


def window(number: int) -> Window:
    return Window(Tokens([number], [0], [0], [(0, 1)]), 0, False)


class Reader:
    """Answers each window with its number; ``gate`` holds batches back, ``bad`` numbers make a batch fail."""

    def __init__(self, bad: frozenset[int] = frozenset()) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.bad = bad
        self.batches: list[list[int]] = []

    def __call__(self, given_: Sequence[Window]) -> Sequence[object]:
        self.entered.set()
        assert self.gate.wait(WAIT)
        numbers = [one.tokens.ids[0] for one in given_]
        self.batches.append(numbers)
        if self.bad & set(numbers):
            raise ValueError("a window that cannot be read")
        return numbers


def run(work: object) -> None:
    asyncio.run(asyncio.wait_for(work, WAIT))  # type: ignore[arg-type]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["go", "rest", "cancel", "bad"])), min_size=1, max_size=14),
    st.booleans(),
)
def test_each_job_gets_its_own_answers(jobs: list[tuple[int, str]], held: bool) -> None:
    """Jobs of any size, submitted at once or after a rest, some cancelled, some unreadable."""
    starts = [sum(size for size, _ in jobs[:number]) for number in range(len(jobs))]
    bad = frozenset(start for start, (_, kind) in zip(starts, jobs, strict=True) if kind == "bad")

    async def work() -> None:
        reader = Reader(bad)
        batcher = Batcher(reader)
        if held:
            reader.gate.clear()
        told: dict[int, list[object]] = {}
        waiting: list[asyncio.Future[None]] = []
        for number, (size, kind) in enumerate(jobs):
            numbers = range(starts[number], starts[number] + size)
            waiting.append(
                batcher.submit([window(n) for n in numbers], lambda answers, n=number: told.update({n: list(answers)}))  # type: ignore[misc]
            )
            if kind == "rest":
                await asyncio.sleep(0.001)
            if kind == "cancel":
                waiting[-1].cancel()
        reader.gate.set()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        beside = {n for batch in reader.batches if bad & set(batch) for n in batch}
        for number, ((size, kind), end) in enumerate(zip(jobs, ends, strict=True)):
            mine = list(range(starts[number], starts[number] + size))
            if kind == "cancel":
                assert isinstance(end, asyncio.CancelledError)
            elif beside & set(mine):
                assert isinstance(end, ValueError)
                assert number not in told
            else:
                assert end is None
                assert told[number] == mine
        if not bad:
            assert len(reader.batches) == batcher.batches

    run(work())


async def test_the_first_does_not_wait_and_the_rest_are_read_together() -> None:
    reader = Reader()
    batcher = Batcher(reader)
    reader.gate.clear()
    first = batcher.submit([window(0)], lambda answers: None)
    assert await asyncio.to_thread(reader.entered.wait, WAIT)  # it is being read, alone
    rest = [batcher.submit([window(n)], lambda answers: None) for n in range(1, 10)]
    reader.gate.set()
    await asyncio.wait_for(asyncio.gather(first, *rest), WAIT)
    assert reader.batches == [[0], list(range(1, 10))]


async def test_a_batch_has_its_limit_unless_one_text_is_longer() -> None:
    reader = Reader()
    batcher = Batcher(reader)
    reader.gate.clear()
    sizes = [1, MOST - 1, 2, 2 * MOST, 1, 1]
    waiting = []
    for number, size in enumerate(sizes):
        waiting.append(batcher.submit([window(number)] * size, lambda answers: None))
        if not number:
            assert await asyncio.to_thread(reader.entered.wait, WAIT)
    reader.gate.set()
    await asyncio.wait_for(asyncio.gather(*waiting), WAIT)
    assert [sorted(set(batch)) for batch in reader.batches] == [[0], [1], [2], [3], [4, 5]]


async def test_an_error_reaches_its_waiters_and_the_thread_goes_on() -> None:
    reader = Reader(frozenset({1}))
    batcher = Batcher(reader)
    with pytest.raises(ValueError, match="cannot be read"):
        await asyncio.wait_for(batcher.submit([window(1)], lambda answers: None), WAIT)
    told: list[object] = []
    await asyncio.wait_for(batcher.submit([window(2)], told.extend), WAIT)
    assert told == [2]


async def test_a_taker_that_fails_is_told_and_nobody_else() -> None:
    reader = Reader()
    batcher = Batcher(reader)
    reader.gate.clear()
    held = batcher.submit([window(0)], lambda answers: None)
    assert await asyncio.to_thread(reader.entered.wait, WAIT)

    def fail(answers: Sequence[object]) -> None:
        raise KeyError("taker")

    told: list[object] = []
    failing, fine = batcher.submit([window(1)], fail), batcher.submit([window(2)], told.extend)
    reader.gate.set()
    await asyncio.wait_for(held, WAIT)
    with pytest.raises(KeyError):
        await asyncio.wait_for(failing, WAIT)
    await asyncio.wait_for(fine, WAIT)
    assert (told, reader.batches) == ([2], [[0], [1, 2]])


async def test_who_no_longer_waits_is_not_read() -> None:
    reader = Reader()
    batcher = Batcher(reader)
    reader.gate.clear()
    first = batcher.submit([window(0)], lambda answers: None)
    assert await asyncio.to_thread(reader.entered.wait, WAIT)
    gone, stays = batcher.submit([window(1)], lambda answers: None), batcher.submit([window(2)], lambda answers: None)
    gone.cancel()
    reader.gate.set()
    await asyncio.wait_for(asyncio.gather(first, stays), WAIT)
    assert reader.batches == [[0], [2]]


def test_several_loops_share_one_thread() -> None:
    reader = Reader()
    batcher = Batcher(reader)
    told: dict[int, list[object]] = {}

    def loop(number: int) -> None:
        async def work() -> None:
            for step in range(20):
                mine = number * 1000 + step
                await batcher.submit([window(mine)], lambda answers: told.update({mine: list(answers)}))  # noqa: B023

        run(work())

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert told == {number * 1000 + step: [number * 1000 + step] for number in range(4) for step in range(20)}
    assert sum(thread.name == "chatward-encoder" for thread in threading.enumerate()) >= 1


def test_a_loop_that_has_ended_does_not_stop_the_thread() -> None:
    reader = Reader()
    batcher = Batcher(reader)

    async def leave() -> None:
        reader.gate.clear()
        batcher.submit([window(1)], lambda answers: None)
        assert await asyncio.to_thread(reader.entered.wait, WAIT)

    run(leave())
    reader.gate.set()
    told: list[object] = []

    async def come() -> None:
        await batcher.submit([window(2)], told.extend)

    run(come())
    assert told == [2]
