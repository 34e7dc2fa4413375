"""The power goes while ledger and stores are written: nothing that was acknowledged is missing, nothing is torn.

Each round writes, has the power cut at some moment, and opens what the disk is found with by the real code.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger import sqlite as ledger_module
from chatward.ledger.checkpointing import Plan, verifiers
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import verify
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots
from chatward.seal.sealer import KeySealer
from chatward.stores import database as database_module
from chatward.stores.conversations import ConversationStore
from chatward.stores.database import Database
from tests.seal.conftest import ROOT, turn
from tests.simulators.power import Disk

ROUNDS = 12
ENTRIES = 60


class _Module:
    """``sqlite3``, but for where files are opened."""

    def __init__(self, disk: Disk) -> None:
        self.connect = disk.connect

    def __getattr__(self, name: str) -> object:
        return getattr(sqlite3, name)


@pytest.fixture
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk(f"power-{request.node.name}")
    monkeypatch.setattr(ledger_module, "sqlite3", _Module(made))
    monkeypatch.setattr(database_module, "sqlite3", _Module(made))
    yield made
    made.close()


async def lived(path: Path, disk: Disk, seed: int, durability: str = "power") -> tuple[set[int], Path]:
    """Writes entries, and has the power cut after some of them; those acknowledged by then, and what is found."""
    chance = random.Random(seed)
    ledger = SqliteLedger(path, durability, checkpoints=Plan(every=8, seconds=0.001), min_free=1)  # type: ignore[arg-type]
    acknowledged: set[int] = set()
    found = path.parent.with_name(f"{path.parent.name}-found")
    when = chance.randrange(1, ENTRIES)

    async def one(number: int) -> None:
        await ledger.append(Entry(Event.UPSTREAM_INTENDED, "", {"number": number}))
        acknowledged.add(number)

    def cut() -> set[int]:
        with disk.lock:  # nothing is written between the two
            before = set(acknowledged)
            disk.cut(path.parent, chance, found)
            return before

    known: set[int] = set()
    waiting: set[asyncio.Task[None]] = set()
    for number in range(ENTRIES):
        waiting.add(asyncio.ensure_future(one(number)))
        if chance.random() < 0.3:
            await asyncio.wait(waiting)
            waiting.clear()
        if number == when:
            await asyncio.sleep(chance.random() * 0.003)
            known = cut()
    await asyncio.wait(waiting) if waiting else None
    await ledger.aclose()
    return known, found / path.name


def numbers(path: Path) -> set[int]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT json_extract(fields, '$.number') FROM ledger").fetchall()
    connection.close()
    return {row[0] for row in rows if row[0] is not None}


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_the_ledger_has_all_that_it_acknowledged(tmp_path: Path, disk: Disk, seed: int) -> None:
    (tmp_path / "live").mkdir()
    known, path = await lived(tmp_path / "live" / "ledger.db", disk, seed)
    assert known <= numbers(path)
    result = verify(path, keys=verifiers(path))
    assert result.ok, result
    # And it goes on from there: checkpoints that were signed are of this history.
    after = SqliteLedger(path, checkpoints=Plan(every=8, seconds=0.001), min_free=1)
    await after.append(Entry(Event.UPSTREAM_INTENDED, "", {"number": 1000}))
    await after.aclose()
    assert verify(path, keys=verifiers(path)).ok
    assert 1000 in numbers(path)


async def test_this_disk_does_lose_what_nobody_waited_for(tmp_path: Path, disk: Disk) -> None:
    """The test can fail: with ``process`` durability, entries that were acknowledged are gone after some cut."""
    lost = 0
    for seed in range(4):
        (tmp_path / str(seed)).mkdir()
        known, path = await lived(tmp_path / str(seed) / "ledger.db", disk, seed, "process")
        try:
            lost += len(known - numbers(path))
        except sqlite3.Error:
            lost += len(known)
    assert lost


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_stored_turns_and_their_keys_are_there_together(tmp_path: Path, disk: Disk, seed: int) -> None:
    chance = random.Random(seed)
    live, found = tmp_path / "live", tmp_path / "found"
    live.mkdir()
    keys = Keys(Database(live / "keys.db"), LocalRoots(ROOT))
    store = ConversationStore(Database(live / "conversations.db"), KeySealer(keys), lambda entry: None)
    kept: list[str] = []
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            text = f"turn {number}"
            store.write("default", f"person:{number % 3}", f"thread {number % 5}", [turn(text)])
            kept.append(text)
            number += 1
            if number >= 3:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(30)
    stop.wait(chance.random() * 0.01)
    with disk.lock:
        known = list(kept)
        disk.cut(live, chance, found)
    stop.set()
    writer.join()
    asyncio.run(store.aclose())
    for database in (store.database, keys.database):
        database.close()

    keys = Keys(Database(found / "keys.db"), LocalRoots(ROOT))
    after = ConversationStore(Database(found / "conversations.db"), KeySealer(keys), lambda entry: None)
    texts = set()
    for one in after.listing("default", limit=100):
        for read in after._turns("default", one.id, 0, 10_000, masked=False):
            assert (read.gone, read.altered) == (False, False)  # no turn without its key
            texts |= {part.text for part in read.parts}
    assert set(known) <= texts
    asyncio.run(after.aclose())
    for database in (after.database, keys.database):
        database.close()
