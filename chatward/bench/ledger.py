"""``chatward bench ledger``: durable messages a second, what the record adds to a message, and how fast it is verified.

The method:

1. A message is what the gateway makes of one: an entry before the bot is called and one before the reply leaves, each
   awaited. Their fields are those of an ordinary message. Messages run in one event loop, without anything else.
2. ``durable_per_s``: ``CLIENTS`` messages at a time, one after another, on the disk (``durability = "power"``).
3. ``added_ms_p99``: messages begin at a steady pace of ``PACE`` a second, whether earlier ones are done or not; counted
   is the time that each waits for its two entries.
4. ``verify_per_s``: entries a second of processor time, one process, over a file of ``ENTRIES`` entries with
   checkpoints, which is read from memory (it was just written). ``details`` has the same by the clock, and with two
   processes.
5. The file lies in the folder where the command is run, so that it is that disk which is measured; ``disk_sync_ms``
   says what one write of 4 KiB and ``fdatasync`` takes there, which no ledger can beat.
6. The first two are by the clock. On a machine that does other work they say what is left over; ``cpu_us_per_message``
   (this process, all its threads) does not depend on that. A note says so where the machine was busy before.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median as middle
from typing import Any, Final, Literal

from chatward.bench.report import Progress, Report, machine, median, significant
from chatward.core.ports import Entry
from chatward.ledger.checkpointing import Plan, verifiers
from chatward.ledger.merkle import Edge, leaf_hash
from chatward.ledger.proving import check, prove
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.verifying import verify

FIGURES: Final = ("durable_per_s", "added_ms_p99", "verify_per_s")
CLIENTS: Final = 128
PACE: Final = 500
ENTRIES: Final = 300_000
_SYNCS: Final = 50
_AT_ONCE: Final = 4000
_NO_LIMIT: Final = 1
"""Bytes that must stay free: the benchmark does not care."""

_BUSY: Final = 0.3

Durability = Literal["power", "process"]


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements, of ``seconds`` each."""

    rounds: int = 3
    seconds: float = 1.0


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes half a minute."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    details = report.details
    with tempfile.TemporaryDirectory(prefix=".chatward-bench-", dir=Path.cwd()) as name:
        folder = Path(name)
        rates: dict[Durability, list[float]] = {"power": [], "process": []}
        used: dict[Durability, list[float]] = {"power": [], "process": []}
        paced: list[list[float]] = []
        syncs: list[float] = []
        for turn in range(options.rounds):
            progress(f"round {turn + 1} of {options.rounds}")
            syncs.append(_sync_ms(folder))
            for durability, found in rates.items():
                path = folder / f"{durability}-{turn}.db"
                with _timed(time.process_time) as spent:
                    done, took = asyncio.run(_closed(path, durability, options.seconds))
                found.append(done / took)
                used[durability].append(spent[0] / done * 1e6)
            paced.append(asyncio.run(_paced(folder / f"paced-{turn}.db", PACE, max(options.seconds, 1.0))))
        report.figures["durable_per_s"] = median(rates["power"])
        report.figures["added_ms_p99"] = median([_at(waits, 0.99) for waits in paced])
        details |= {
            "messages_per_s": {name: median(found) for name, found in rates.items()},
            "cpu_us_per_message": {name: median(found) for name, found in used.items()},
            "added_ms_p50": median([_at(waits, 0.5) for waits in paced]),
            "paced_messages_per_s": PACE,
            "disk_sync_ms": median(syncs),
        }
        busy = report.machine["busy_before"]
        if busy is not None and busy > _BUSY:
            report.notes.append(f"the machine was busy ({busy:.0%}): what is by the clock says what was left over.")
        progress("writing entries to verify")
        path = folder / "long.db"
        asyncio.run(_fill(path, ENTRIES))
        details["bytes_per_message"] = significant(2 * path.stat().st_size / ENTRIES)
        progress("verifying")
        report.figures["verify_per_s"] = _verifying(path, options.rounds, details)
        _proving(path, details)
    return report


def _entries(number: int) -> tuple[Entry, Entry]:
    """What the gateway records of an ordinary message."""
    judged: dict[str, object] = {"channel": "openai_chat", "route": "default", "action": "allow", "policy": "3f9c2a17"}
    exchange = f"01890a5d-ac96-774b-bcce-{number:012d}"
    intended = {"bot": "main", "principal": "key:3f9c2a1700aabb11", "stream": False, **judged}
    return Entry("upstream:call:intended", exchange, intended), Entry("reply:output:judged", exchange, judged)


async def _closed(path: Path, durability: Durability, seconds: float) -> tuple[int, float]:
    """How many messages, ``CLIENTS`` at a time, in how many seconds."""
    ledger = SqliteLedger(path, durability, min_free=_NO_LIMIT)
    done = 0
    began = time.perf_counter()
    end = began + seconds

    async def client(first: int) -> None:
        nonlocal done
        number = first
        while time.perf_counter() < end:
            before, after = _entries(number)
            await ledger.append(before)
            await ledger.append(after)
            done += 1
            number += CLIENTS

    await asyncio.gather(*(client(first) for first in range(CLIENTS)))
    took = time.perf_counter() - began
    await ledger.aclose()
    return done, took


async def _paced(path: Path, pace: int, seconds: float) -> list[float]:
    """Milliseconds that each message waited, ``pace`` of them a second."""
    ledger = SqliteLedger(path, "power", min_free=_NO_LIMIT)
    waits: list[float] = []

    async def message(number: int) -> None:
        before, after = _entries(number)
        began = time.perf_counter()
        await ledger.append(before)
        await ledger.append(after)
        waits.append((time.perf_counter() - began) * 1e3)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(pace * seconds)):
            await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))
            group.create_task(message(number))
    await ledger.aclose()
    return waits


async def _fill(path: Path, entries: int) -> None:
    ledger = SqliteLedger(path, "process", min_free=_NO_LIMIT, checkpoints=Plan())
    for first in range(0, entries // 2, _AT_ONCE):
        some = [_entries(number) for number in range(first, min(first + _AT_ONCE, entries // 2))]
        await asyncio.gather(*(ledger.append(entry) for pair in some for entry in pair))
    await ledger.aclose()


def _verifying(path: Path, rounds: int, details: dict[str, Any]) -> float | None:
    keys = verifiers(path)
    rates: list[float] = []
    clocked: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for jobs, found in clocked.items():
            with _timed(time.process_time) as used, _timed(time.perf_counter) as took:
                result = verify(path, keys=keys, jobs=jobs)
            if not result.ok:
                return None
            found.append(result.entries / took[0])
            if jobs == 1:
                rates.append(result.entries / used[0])
    details["verify_by_the_clock_per_s"] = {f"processes_{jobs}": median(found) for jobs, found in clocked.items()}
    return median(rates)


def _proving(path: Path, details: dict[str, Any]) -> None:
    """One proof from a long ledger; and what the tree adds to an entry on the writer's thread."""
    keys = verifiers(path)
    with _timed(time.process_time) as made:
        bundle = prove(path, ENTRIES // 2).encode()
    with _timed(time.process_time) as checked:
        check(bundle, keys)
    edge, hashes = Edge(), [bytes([n % 256]) * 32 for n in range(20)]
    with _timed(time.process_time) as added:
        for _ in range(1000):
            edge.extend(map(leaf_hash, hashes))
    details["proof"] = {
        "made_ms": significant(made[0] * 1e3),
        "checked_ms": significant(checked[0] * 1e3),
        "bytes": len(bundle),
    }
    details["tree_us_per_entry"] = significant(added[0] / (1000 * len(hashes)) * 1e6)


@contextmanager
def _timed(clock: Callable[[], float]) -> Any:
    """Seconds of ``clock`` that the block takes, in a list of one."""
    told = [0.0]
    began = clock()
    yield told
    told[0] = max(clock() - began, 1e-9)


def _sync_ms(folder: Path) -> float:
    """The median of writing 4 KiB and waiting for the disk."""
    sync = getattr(os, "fdatasync", os.fsync)
    with (folder / "sync").open("wb", buffering=0) as file:
        found = []
        for _ in range(_SYNCS):
            with _timed(time.perf_counter) as took:
                file.write(bytes(4096))
                sync(file.fileno())
            found.append(took[0] * 1e3)
    return float(middle(found))


def _at(values: list[float], share: float) -> float:
    """The value below which ``share`` of all lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
