"""Checkpoints while a ledger is written: when, by whom, what is kept, and that nobody waits for them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.ledger import checkpointing, tree
from chatward.ledger.checkpoint import Stack, opened
from chatward.ledger.checkpointing import Checkpointer, Plan, sign_now, signer, signer_path, vkey_path
from chatward.ledger.merkle import leaf_hash, root_of
from chatward.ledger.reading import tail
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import newest, verify
from tests.ledger.conftest import keys_of

MakeEntry = Callable[..., Entry]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make(path: Path, plan: Plan) -> SqliteLedger:
    return SqliteLedger(path, "process", min_free=1, checkpoints=plan)


def sizes(path: Path) -> list[int]:
    with tree.reader(path) as connection:
        return [size for (size,) in connection.execute("SELECT size FROM ledger_checkpoints ORDER BY size")]


def blocks(path: Path) -> int:
    with tree.reader(path) as connection:
        return int(connection.execute("SELECT count(*) FROM ledger_blocks").fetchone()[0])


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


async def test_one_each_so_many_entries_and_one_at_the_end(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, Plan(every=10, seconds=1e9))
    for number in range(35):
        await ledger.append(entry(number))
    await until(lambda: len(sizes(path)) == 3)
    assert sizes(path) == [10, 20, 30]
    await ledger.aclose()
    assert sizes(path) == [10, 20, 35]  # of one stretch the newest
    for size in sizes(path):
        with tree.reader(path) as connection:
            written = str(
                connection.execute("SELECT note FROM ledger_checkpoints WHERE size = ?", (size,)).fetchone()[0]
            )
        checkpoint, _ = opened(written, keys_of(path))
        assert checkpoint.size == size
        assert checkpoint.root == root_of(leaf_hash(record.hash) for record in tail(path, 100) if record.seq <= size)


async def test_one_after_so_many_seconds(path: Path, entry: MakeEntry) -> None:
    """The writer's own wait, with real time: nothing else wakes it."""
    ledger = make(path, Plan(every=10**6, seconds=0.05))
    await ledger.append(entry(1))
    await until(lambda: sizes(path) == [1])
    await ledger.aclose()
    assert sizes(path) == [1]


def checkpointer(path: Path, plan: Plan) -> tuple[Checkpointer, sqlite3.Connection]:
    asyncio.run(make(path, Plan(every=0)).aclose())
    connection = sqlite3.connect(path, isolation_level=None)
    one = Checkpointer(plan, signer(path))
    one.resume(connection, 0)
    return one, connection


def test_when_one_is_due(path: Path) -> None:
    clock = Clock()
    one, connection = checkpointer(path, Plan(every=10, seconds=60.0, clock=clock))
    assert one.wait() is None  # nothing to sign: an idle ledger has no timer
    one.extend(connection, 1, [bytes(32)])
    assert one.wait() == 60.0
    clock.now += 20
    one.extend(connection, 2, [bytes(32)])
    assert one.wait() == 40.0
    one.write(connection)
    assert sizes(path) == []
    clock.now += 40
    assert one.wait() == 0.0
    one.write(connection)
    assert (sizes(path), one.wait()) == ([2], None)
    one.extend(connection, 3, [bytes(32)] * 10)
    assert one.wait() == 0.0
    one.write(connection)
    assert (sizes(path), one.wait()) == ([2, 12], None)
    one.extend(connection, 13, [bytes(32)])
    clock.now += 60
    one.write(connection)
    assert sizes(path) == [2, 13]  # of one stretch the newest
    connection.close()


def test_a_checkpoint_that_cannot_be_written_is_tried_again_later(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    one, connection = checkpointer(path, Plan(every=1, seconds=5.0, clock=clock))
    connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    one.extend(connection, 1, [bytes(32)] * 300)
    one.write(connection)
    assert (one.failures, sizes(path), one.wait()) == (1, [], 5.0)
    assert "No checkpoint could be written (OperationalError)" in caplog.text
    other.execute("ROLLBACK")
    one.write(connection)
    assert sizes(path) == []
    clock.now += 5
    one.write(connection)
    assert (sizes(path), blocks(path), one.failures) == ([300], 1, 1)
    other.close()
    connection.close()


async def test_a_file_that_cannot_be_written_hurts_nobody(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, Plan(every=1, seconds=1e9, file=path.parent / "absent" / "file"))
    for number in range(3):
        await ledger.append(entry(number))
    await until(lambda: ledger._tree.failures == 3)
    assert ledger.healthy
    await ledger.aclose()
    assert sizes(path)[-1] == 3


async def test_each_is_appended_elsewhere_too(path: Path, tmp_path: Path, entry: MakeEntry) -> None:
    plan = Plan(every=5, seconds=1e9, file=tmp_path / "elsewhere", origin="example.com/chatward")
    for _ in range(2):
        ledger = make(path, plan)
        for number in range(8):
            await ledger.append(entry(number))
        await ledger.aclose()
    stack = Stack(tmp_path / "elsewhere").read()
    assert [opened(note.encode(), keys_of(path), "example.com/chatward")[0].size for note in stack] == [5, 8, 13, 16]
    assert verify(path, keys=keys_of(path), noted=stack).ok


async def test_callers_are_told_before_anything_is_signed(
    path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make(path, Plan(every=1, seconds=1e9))
    gate, threads = threading.Event(), set[str]()

    def slow(self: Checkpointer, connection: sqlite3.Connection) -> None:
        threads.add(threading.current_thread().name)
        gate.wait(10)

    monkeypatch.setattr(Checkpointer, "_write", slow)
    await asyncio.wait_for(asyncio.ensure_future(ledger.append(entry(1))), 5)
    await until(lambda: threads == {"chatward-ledger"})
    gate.set()
    monkeypatch.undo()
    await ledger.aclose()
    assert verify(path).ok


async def test_an_error_nobody_foresaw_leaves_the_entries_and_their_callers_alone(
    path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make(path, Plan(every=1, seconds=1e9))

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Checkpointer, "_write", broken)
    for number in range(3):
        await ledger.append(entry(number))
    await until(lambda: ledger._tree.failures >= 1)
    assert ledger.healthy
    monkeypatch.undo()
    await ledger.aclose()
    assert (verify(path).ok, verify(path).entries, verify(path).vouched) == (True, 3, 3)


async def test_a_tree_that_does_not_follow_closes_the_gate_and_begins_anew(
    path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = SqliteLedger(path, "process", min_free=1, retry=0.02, checkpoints=Plan(every=1000))
    await ledger.append(entry(0))
    await until(lambda: ledger._tree.size == 1)
    real = Checkpointer.extend
    calls = iter([True])

    def broken(self: Checkpointer, *arguments: object) -> None:
        if next(calls, False):
            raise RuntimeError("a bug")
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Checkpointer, "extend", broken)
    await ledger.append(entry(1))  # durable, so the caller is told so
    await until(lambda: ledger.healthy and len(tail(path)) >= 4)
    await ledger.append(entry(2))
    await ledger.aclose()
    assert [record.event for record in tail(path)][2:4] == ["gate:state:closed", "gate:state:opened"]
    result = verify(path, keys=keys_of(path))
    assert (result.ok, result.vouched) == (True, 5)


@given(counts=st.lists(st.integers(0, 400), min_size=1, max_size=4))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_written_between_starts_the_tree_goes_on(
    path: Path, entry: MakeEntry, counts: list[int]
) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    for count in counts:
        ledger = make(path, Plan(every=128, seconds=1e9))
        await asyncio.gather(*(ledger.append(entry(number)) for number in range(count)))
        await ledger.aclose()
    result = verify(path, keys=keys_of(path))
    assert (result.ok, result.entries, result.vouched) == (True, sum(counts), sum(counts))
    assert result.root == root_of(leaf_hash(record.hash) for record in tail(path, 10_000))
    assert blocks(path) == sum(counts) // 256


async def test_a_file_from_before_there_was_a_tree(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, Plan(every=0))
    await asyncio.gather(*(ledger.append(entry(number)) for number in range(600)))
    await ledger.aclose()
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE ledger_blocks; DROP TABLE ledger_checkpoints; DROP TABLE ledger_cosignatures;")
    connection.close()
    for file in (signer_path(path), vkey_path(path)):
        file.unlink()
    assert (verify(path).ok, verify(path).entries, newest(path)) == (True, 600, None)
    ledger = make(path, Plan(every=4096))
    await ledger.append(entry(600))
    await ledger.aclose()
    result = verify(path, keys=keys_of(path))
    assert (result.ok, result.entries, result.vouched, blocks(path)) == (True, 601, 601, 2)


async def test_a_missing_block_is_made_again(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, Plan(every=4096))
    await asyncio.gather(*(ledger.append(entry(number)) for number in range(1300)))
    await ledger.aclose()
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM ledger_blocks WHERE block IN (1, 3)")
    connection.commit()
    connection.close()
    root = verify(path).root
    with tree.reader(path) as reader:
        assert tree.root(reader, 1300) == root
        assert tree.Stored(reader)(0, 1300) == root
    ledger = make(path, Plan(every=4096))
    await ledger.append(entry(1300))
    await ledger.aclose()
    assert blocks(path) == 5
    assert verify(path, keys=keys_of(path)).vouched == 1301


async def test_several_writers_make_one_tree(path: Path, entry: MakeEntry) -> None:
    ledgers = [make(path, Plan(every=32, seconds=1e9)) for _ in range(3)]
    assert len({ledger._tree._key.encode() for ledger in ledgers}) == 1

    async def write(ledger: SqliteLedger) -> None:
        for number in range(150):
            await ledger.append(entry(number))

    await asyncio.gather(*map(write, ledgers))
    for ledger in ledgers:
        await ledger.aclose()
    result = verify(path, keys=keys_of(path))
    assert (result.ok, result.entries, result.vouched) == (True, 450, 450)


def test_a_key_is_made_once_whoever_comes_first(path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(signer(path, "x.example").encode())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert sorted(file.name for file in path.parent.iterdir()) == [f"{path.name}.signer", f"{path.name}.vkey"]
    assert signer(path, "other.example").name == "x.example"


async def test_signing_now_beside_a_writer_and_without_one(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, Plan(every=10**6, seconds=1e9))
    for number in range(3):
        await ledger.append(entry(number))
    sign_now(path)
    assert sizes(path) == [3]
    await ledger.append(entry(3))
    await ledger.aclose()
    sign_now(path)
    assert sizes(path) == [4]
    assert verify(path, keys=keys_of(path)).ok


def test_signing_needs_a_ledger_and_its_key(path: Path) -> None:
    for prepare, reason in ((lambda: None, "ledger-unreadable"), (path.touch, "ledger-key-invalid")):
        prepare()
        with pytest.raises(StoreError) as caught:
            sign_now(path)
        assert caught.value.reason == reason
    checkpointing.signer(path)
    with pytest.raises(StoreError) as caught:
        sign_now(path)  # an empty file is no ledger
    assert caught.value.reason == "ledger-unavailable"
