"""Killed at any moment, and on a disk that fills up: nothing acknowledged is lost, and the tree goes on.

``CRASH_ROUNDS=200`` makes two hundred kills (``make crash``); ten are made otherwise. Round ``n`` is the same in both.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.ledger.checkpoint import Stack
from chatward.ledger.checkpointing import Plan
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import verify
from tests.ledger.conftest import keys_of

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "10"))
MakeEntry = Callable[..., Entry]

CHILD = textwrap.dedent(
    """
    import asyncio, os, sys
    from pathlib import Path
    from chatward.core.ports import Entry
    from chatward.ledger.checkpointing import Plan
    from chatward.ledger.sqlite import SqliteLedger

    async def main(path, durability, first, every, tasks):
        plan = Plan(every=int(every), seconds=0.005, file=Path(path + ".elsewhere"))
        ledger = SqliteLedger(path, durability, min_free=1, checkpoints=plan)
        os.write(1, b"open\\n")
        async def write(task):
            for step in range(100_000):
                number = int(first) + int(tasks) * step + task
                await ledger.append(Entry("message:input:judged", "x", {"number": number}))
                os.write(1, b"%d\\n" % number)
        await asyncio.gather(*(write(task) for task in range(int(tasks))))

    asyncio.run(main(*sys.argv[1:]))
    """
)


def test_kill_9_at_any_moment(path: Path) -> None:
    """One ledger, killed and gone on with. Small strides, so that many kills hit a checkpoint or a block."""
    acknowledged: set[int] = set()
    for turn in range(ROUNDS):
        chance = random.Random(turn)
        durability = chance.choice(["power", "process"])
        every, tasks = chance.choice([1, 7, 64, 500]), chance.choice([1, 8, 40])
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), durability, *map(str, (turn * 1_000_000, every, tasks))],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        told = b""
        enough = chance.randrange(0, 400)
        while told.count(b"\n") <= enough:
            chunk = os.read(child.stdout.fileno(), 4096)
            assert chunk, "the child ended by itself"
            told += chunk
        time.sleep(chance.random() * 0.01)  # anywhere in what comes next
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read()
        child.stdout.close()
        assert child.wait(10) == -signal.SIGKILL
        acknowledged.update(int(line) for line in told.split(b"\n")[1:-1])
        result = verify(path, keys=keys_of(path), noted=Stack(Path(f"{path}.elsewhere")).read()[-50:])
        assert result.ok, (turn, result)
        missing = acknowledged - numbers(path)
        assert not missing, (turn, sorted(missing)[:5])
    before = verify(path)
    asyncio.run(SqliteLedger(path, "process", min_free=1).aclose())
    after = verify(path, keys=keys_of(path))
    assert (after.root, after.vouched) == (before.root, before.entries)


def numbers(path: Path) -> set[int]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT fields FROM ledger").fetchall()
    connection.close()
    return {json.loads(text).get("number", -1) for (text,) in rows}


# --- a disk that fills up --------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes, of which ``ballast`` takes a quarter."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root; test_sqlite has the same with a simulated disk")
    try:
        (folder / "ballast").write_bytes(bytes(512 * 1024))
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("min_free", "reasons"),
    [(256 * 1024, {"ledger-disk-low"}), (1, {"ledger-unavailable", "ledger-disk-low"})],
    ids=["head-room", "to-the-last-byte"],
)
def test_a_full_disk_closes_the_gate_and_space_opens_it(
    small_disk: Path, entry: MakeEntry, min_free: int, reasons: set[str]
) -> None:
    path = small_disk / "ledger.db"
    acknowledged: set[int] = set()

    async def fill() -> None:
        ledger = SqliteLedger(path, "power", min_free=min_free, retry=0.05, checkpoints=Plan(every=50, seconds=0.02))
        refused = ""
        for start in range(0, 100_000, 20):
            ledger._looked = float("-inf")  # as if a second had passed
            group = range(start, start + 20)
            try:
                told = await asyncio.gather(
                    *(ledger.append(entry(number, filler="f" * 150)) for number in group), return_exceptions=True
                )
            except StoreError as error:
                refused = error.reason
                break
            acknowledged.update(number for number, one in zip(group, told, strict=True) if one is None)
            errors = [one for one in told if one is not None]
            assert all(isinstance(error, StoreError) for error in errors)
            if errors:
                break
        assert refused in reasons | {""}
        assert ledger.refusal in reasons
        assert not ledger.healthy
        (small_disk / "ballast").unlink()
        for _ in range(500):
            if ledger.healthy:
                break
            await asyncio.sleep(0.02)
        assert ledger.healthy
        await ledger.append(entry(1_000_000))
        await ledger.aclose()

    asyncio.run(fill())
    assert len(acknowledged) > 100
    assert acknowledged | {1_000_000} <= numbers(path)
    result = verify(path, keys=keys_of(path))
    assert result.ok, result
    assert result.vouched == result.entries
