"""The scan that a running gateway does by itself: when one is due, and the process that does it.

The rules:

1. One is due where a target was never scanned or was last scanned ``assurance.scan_every`` ago, where advisories,
   lists or inventories are newer than the oldest scan, and where a task became late that nobody was told of. Without
   advisories none is due: there is nothing to compare with, which doctor and metrics tell.
2. It is a process of its own (``chatward patches scan --if-due``) that gives way to all else, so no message waits for
   it, and ends when it is done. One at a time of all processes: the others find that nothing is due any more.
3. What it finds is on record: tasks opened, closed, late. Alerts come from there (``monitoring``).
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from chatward.assurance.opening import (
    advisories_file,
    assurance_file,
    beside_ledger,
    opened_advisories,
    opened_tasks,
    targets,
)
from chatward.core.errors import ChatwardError
from chatward.settings import Settings

LOOK: Final = 300.0
"""Seconds between two looks at whether a scan is due."""
GENTLY: Final = 10
"""By how much a scheduled scan gives way (nice(2))."""

_log = logging.getLogger("chatward.assurance")


def due(settings: Settings, now: float) -> bool:
    """Raises ``StoreError`` and ``ConfigError``."""
    wanted = settings.assurance
    if not wanted.scan_every or not advisories_file(settings).exists():
        return False
    with opened_tasks(settings, lambda entry: None, lambda: now) as tasks:
        scans, untold = {one.target: one.at for one in tasks.scans()}, tasks.untold()
    if untold or not scans.keys() >= set(targets(settings)):
        return True
    oldest = min(scans[name] for name in targets(settings))
    with opened_advisories(settings) as advisories:
        newest = max((feed.imported for feed in advisories.feeds()), default=0.0)
    return now - oldest >= wanted.scan_every or max(newest, _changed(settings)) > oldest


def _changed(settings: Settings) -> float:
    """When the newest of the files that a scan reads was written; of a folder, when something came or went."""
    wanted = settings.assurance
    names = [*wanted.vex, *(one for bot in wanted.bots.values() for one in bot.inventory)]
    newest = 0.0
    for name in filter(None, (*names, wanted.exploited, wanted.likely, wanted.ends)):
        with suppress(OSError):  # a scan tells what is not there
            newest = max(newest, beside_ledger(settings, name).stat().st_mtime)
    return newest


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Waits until no other process scans."""
    path = assurance_file(settings)
    with path.with_name(path.name + ".scan").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def scan_now(config: Path) -> int:
    """The process; its exit status. Ended with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatward.cli", "patches", "scan", "--if-due", "--json", "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return await process.wait()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise


async def keep_scanning(
    settings: Settings,
    scan: Callable[[], Awaitable[int]],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Looks, and scans where it is due, until it is cancelled. A scan that fails is tried again at the next look."""
    while True:
        try:
            if await asyncio.to_thread(due, settings, clock()):
                status = await scan()
                if status not in {0, 1}:
                    _log.error("the scan for known vulnerabilities ended with %d", status)
        except ChatwardError as error:
            _log.error("whether a scan is due is not known: %s", error.reason)
        await sleep(LOOK)


def gently() -> None:
    """This process gives way to all else."""
    with suppress(OSError):
        os.nice(GENTLY)
