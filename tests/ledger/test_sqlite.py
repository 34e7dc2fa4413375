"""Group commit, failure and recovery of the SQLite ledger."""
# ruff: noqa: ASYNC240 - files of the test itself; a seeded choice

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger.reading import tail, verify
from chatward.ledger.sqlite import SqliteLedger

MakeEntry = Callable[..., Entry]


def numbers(path: Path) -> list[object]:
    return [r.fields["number"] for r in tail(path, 1_000_000) if r.event == Event.MESSAGE_JUDGED]


def make(path: Path, **options: object) -> SqliteLedger:
    settings: dict[str, object] = {"durability": "process", "min_free": 1, "retry": 0.02, **options}
    return SqliteLedger(path, **settings)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what a thread will do; fails after ten seconds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen within ten seconds")


async def test_entries_are_durable_when_append_resolves(path: Path, entry: MakeEntry) -> None:
    ledger = make(path)
    for number in range(20):
        await ledger.append(entry(number))
        assert numbers(path)[-1] == number  # read through another connection
    await ledger.aclose()
    assert verify(path).entries == 20


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 128, 1000, 9000])
async def test_groups_of_every_size_keep_order_and_chain(path: Path, entry: MakeEntry, count: int) -> None:
    ledger = make(path, group_wait=0.05)
    await asyncio.gather(*(ledger.append(entry(number)) for number in range(count)))
    await ledger.aclose()
    assert numbers(path) == list(range(count))
    assert verify(path).ok
    assert verify(path).entries == count


async def test_one_wake_up_for_a_group(path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = make(path, group_wait=0.05)
    loop = asyncio.get_running_loop()
    calls: list[object] = []
    real = loop.call_soon_threadsafe

    def counted(callback: Callable[..., object], *args: object, **rest: object) -> asyncio.Handle:
        calls.append(callback)
        return real(callback, *args, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    await asyncio.gather(*(ledger.append(entry(number)) for number in range(300)))
    assert len(calls) == 1
    monkeypatch.undo()
    await ledger.aclose()


async def test_the_clock_is_asked_at_append(path: Path, entry: MakeEntry) -> None:
    times = iter([11, 22, 33])
    ledger = make(path, clock=lambda: next(times))
    for number in range(3):
        await ledger.append(entry(number))
    await ledger.aclose()
    assert [record.at for record in tail(path)] == [11, 22, 33]


async def test_what_is_queued_is_written_before_closing(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, group_wait=0.02)
    waiting = [asyncio.ensure_future(ledger.append(entry(number))) for number in range(10)]
    await ledger.aclose()
    await asyncio.gather(*waiting)
    assert numbers(path) == list(range(10))


async def test_a_later_process_goes_on_with_the_chain(path: Path, entry: MakeEntry) -> None:
    for number in range(3):
        ledger = make(path)
        await ledger.append(entry(number))
        await ledger.aclose()
    assert (verify(path).ok, numbers(path)) == (True, [0, 1, 2])


async def test_two_writers_make_one_chain(path: Path, entry: MakeEntry) -> None:
    ledgers = [make(path), make(path), make(path)]

    async def write(ledger: SqliteLedger, first: int) -> None:
        for number in range(first, first + 100):
            await ledger.append(entry(number))

    await asyncio.gather(*(write(ledger, 100 * index) for index, ledger in enumerate(ledgers)))
    for ledger in ledgers:
        await ledger.aclose()
    assert verify(path).ok
    assert sorted(numbers(path)) == list(range(300))  # type: ignore[type-var]


async def test_the_table_refuses_changes_and_only_the_owner_reads(path: Path, entry: MakeEntry) -> None:
    ledger = make(path)
    await ledger.append(entry(1))
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    await ledger.aclose()
    connection = sqlite3.connect(path)
    for statement in ("UPDATE ledger SET at = 0", "DELETE FROM ledger"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(("durability", "level"), [("power", 2), ("process", 1)])
async def test_durability_sets_when_the_disk_is_waited_for(path: Path, durability: str, level: int) -> None:
    ledger = make(path, durability=durability)
    assert ledger._connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert ledger._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    await ledger.aclose()


# --- failure --------------------------------------------------------------------------------------------


async def test_the_log_has_its_size_from_the_start_and_what_is_in_it_is_found_after_a_power_cut(
    path: Path, entry: MakeEntry, tmp_path: Path
) -> None:
    ledger = make(path, durability="power")
    log_file = path.with_name(f"{path.name}-wal")
    size = log_file.stat().st_size
    assert size > 1000 * 4096
    writers = [ledger, make(path, durability="power")]  # who comes second extends nothing, and appends to the same log
    for number in range(40):
        await writers[number % 2].append(entry(number))
    assert log_file.stat().st_size == size
    left = tmp_path / "left" / path.name
    left.parent.mkdir()
    for suffix in ("", "-wal"):  # what the disk holds: the index of the log is gone, as after a power cut
        shutil.copyfile(f"{path}{suffix}", f"{left}{suffix}")
    assert numbers(left) == list(range(40))
    assert verify(left).ok
    for writer in writers:
        await writer.aclose()


async def test_a_small_disk_keeps_its_space(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, durability="power", free=lambda folder: 4 * 1024 * 1024)
    assert path.with_name(f"{path.name}-wal").stat().st_size < 1024 * 1024
    await ledger.append(entry(1))
    await ledger.aclose()


async def test_a_full_queue_is_refused_and_nothing_else(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, limit=5)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")  # the writer waits
    waiting = [asyncio.ensure_future(ledger.append(entry(0)))]
    await until(lambda: not ledger._gathered and ledger._queue.qsize() == 0)
    waiting += [asyncio.ensure_future(ledger.append(entry(number))) for number in range(1, 6)]
    with pytest.raises(StoreError) as caught:
        ledger.append(entry(6))
    assert caught.value.reason == "ledger-overloaded"
    connection.execute("ROLLBACK")
    connection.close()
    await asyncio.gather(*waiting)
    assert ledger.healthy
    await ledger.aclose()
    assert numbers(path) == list(range(6))


async def test_a_locked_file_fails_the_group_and_closes_the_gate_until_it_writes_again(
    path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("chatward.ledger.sqlite._BUSY", 0.02)
    ledger = make(path)
    await ledger.append(entry(0))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.WARNING):
        results = await asyncio.gather(*(ledger.append(entry(n)) for n in range(1, 9)), return_exceptions=True)
        assert [getattr(result, "reason", None) for result in results] == ["ledger-unavailable"] * 8
        assert not ledger.healthy
        for _ in range(3):
            with pytest.raises(StoreError, match="cannot be written"):
                ledger.append(entry(99))
        connection.execute("ROLLBACK")
        connection.close()
        await until(lambda: ledger.healthy)
    await ledger.append(entry(9))
    await ledger.aclose()
    assert numbers(path) == [0, 9]
    assert verify(path).ok
    closed, opened = [r for r in tail(path) if r.event.startswith("gate:")]
    assert (closed.event, opened.event) == (Event.GATE_CLOSED, Event.GATE_OPENED)
    assert closed.fields == {"reason": "ledger-unavailable", "refused": 11}
    assert closed.at <= opened.at
    assert "gate is closed" in caplog.text
    assert "gate is open" in caplog.text


async def test_a_full_disk_fails_the_group_and_loses_nothing_acknowledged(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, retry=0.05)
    await ledger.append(entry(0))
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLITE_FULL, as from a full disk
    results = await asyncio.gather(
        *(ledger.append(entry(number, filler="f" * 200)) for number in range(1, 201)), return_exceptions=True
    )
    failed = [n for n, result in enumerate(results, 1) if isinstance(result, StoreError)]
    assert failed
    assert all(result is None or isinstance(result, StoreError) for result in results)
    await until(lambda: ledger.healthy)  # a new connection knows no such limit
    await ledger.append(entry(1000))
    await ledger.aclose()
    written = numbers(path)
    assert set(written) == {0, 1000} | (set(range(1, 201)) - set(failed))
    assert verify(path).ok


async def test_low_disk_closes_the_gate_before_it_is_full(
    path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {"free": 2000}
    ledger = make(path, min_free=1000, free=lambda folder: space["free"])
    await ledger.append(entry(0))
    space["free"] = 999
    ledger._looked = float("-inf")  # a second later
    with pytest.raises(StoreError) as caught:
        await ledger.append(entry(1))
    assert caught.value.reason == "ledger-disk-low"
    assert ledger.refusal == "ledger-disk-low"
    await asyncio.sleep(0.1)  # several attempts later
    assert not ledger.healthy
    space["free"] = 1000
    await until(lambda: ledger.healthy)
    await ledger.append(entry(2))
    await ledger.aclose()
    assert numbers(path) == [0, 2]


async def test_space_is_looked_at_once_a_second_at_most(path: Path, entry: MakeEntry) -> None:
    folders: list[str] = []
    ledger = make(path, free=lambda folder: folders.append(folder) or 10**9)  # type: ignore[func-returns-value]
    ledger._looked = float("inf")
    for number in range(50):
        await ledger.append(entry(number))
    assert folders == [str(path.parent)]
    await ledger.aclose()


@pytest.mark.parametrize("how", ["removed", "replaced", "emptied"])
async def test_a_file_taken_away_closes_the_gate_and_no_new_history_begins(
    path: Path, entry: MakeEntry, how: str
) -> None:
    ledger = make(path)
    await ledger.append(entry(0))
    kept = path.with_name("kept")
    path.rename(kept)
    if how == "replaced":
        other = make(path)
        await other.append(entry(5))
        await other.aclose()
    elif how == "emptied":
        path.touch()
    ledger._looked = float("-inf")
    with pytest.raises(StoreError) as caught:
        await ledger.append(entry(1))
    assert caught.value.reason == "ledger-replaced"
    await asyncio.sleep(0.1)
    assert not ledger.healthy
    assert path.exists() == (how != "removed")
    await ledger.aclose()


async def test_a_file_put_back_opens_the_gate(path: Path, entry: MakeEntry) -> None:
    ledger = make(path)
    await ledger.append(entry(0))
    copy = path.with_name("copy")
    path.rename(copy)
    ledger._looked = float("-inf")
    with pytest.raises(StoreError):
        await ledger.append(entry(1))
    for part in ("-wal", "-shm"):
        side = Path(f"{path}{part}")
        if side.exists():
            side.rename(f"{copy}{part}")
    shutil.move(copy, path)
    for part in ("-wal", "-shm"):
        side = Path(f"{copy}{part}")
        if side.exists():
            shutil.move(side, f"{path}{part}")
    await until(lambda: ledger.healthy)
    await ledger.append(entry(2))
    await ledger.aclose()
    assert numbers(path) == [0, 2]
    assert verify(path).ok


async def test_an_error_nobody_foresaw_fails_closed(
    path: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make(path, retry=30.0)

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("chatward.ledger.sqlite._chained", broken)
    with pytest.raises(StoreError) as caught:
        await asyncio.wait_for(asyncio.ensure_future(ledger.append(entry(0))), 10)
    assert caught.value.reason == "ledger-unavailable"
    assert not ledger.healthy
    await ledger.aclose()


@pytest.mark.parametrize("kind", ["no-folder", "a-folder", "text", "low-disk"])
def test_a_ledger_that_cannot_start_says_so(path: Path, kind: str) -> None:
    options: dict[str, object] = {}
    if kind == "no-folder":
        path = path / "absent" / "ledger.db"
    elif kind == "a-folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no database " * 500)
    else:
        options = {"min_free": 100, "free": lambda folder: 99}
    with pytest.raises(StoreError) as caught:
        make(path, **options)
    assert caught.value.reason == ("ledger-disk-low" if kind == "low-disk" else "ledger-unavailable")


def test_loops_may_come_and_go(path: Path, entry: MakeEntry) -> None:
    ledger = make(path, group_wait=0.05)

    async def leave() -> None:
        asyncio.ensure_future(ledger.append(entry(0))).cancel()

    async def stay() -> None:
        await ledger.append(entry(1))

    asyncio.run(leave())  # the loop is gone before its entry is written
    asyncio.run(stay())
    asyncio.run(ledger.aclose())
    assert numbers(path) == [0, 1]
