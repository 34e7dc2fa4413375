"""Keeping sources up to date while something runs: a loop, and the process that a gateway starts for it.

Importing takes memory and processor time that a gateway does not have to spare, so it happens in a process of its own:
``chatward intel update --watch``. Where its standard input is a pipe, that process ends when the pipe is closed, which
the system does when whoever started it is gone. The gateway only maps the snapshots that it makes.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from chatward.core.errors import ChatwardError
from chatward.intel.lifecycle import Lifecycle, Update

LOOK: Final = 0.5
"""Seconds between two looks at files and at what is due."""


def watch(
    lifecycle: Lifecycle,
    report: Callable[[Sequence[Update]], None],
    failed: Callable[[ChatwardError], None],
    stop: threading.Event,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Updates whenever a file changed or a source is due, until ``stop`` or ``until``. A store that fails is tried
    again."""
    while not (stop.is_set() or until()):
        try:
            if lifecycle.changed():
                done = lifecycle.update()
                if done is not None:
                    report([one for one in done if one.outcome in ("imported", "failed")])
        except ChatwardError as error:
            failed(error)
        stop.wait(LOOK)


class Updater:
    """The process that keeps the sources of a configuration file up to date. Closed, it ends at once; killed, it leaves
    nothing half done."""

    def __init__(self, config: Path) -> None:
        command = [sys.executable, "-m", "chatward.cli", "intel", "update", "--watch", "--config", str(config)]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
