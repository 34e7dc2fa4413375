"""The process beside the gateway that follows the ledger: one thread a receiver, none of them on the way of a message.

The rules:

1. The gateway starts ``chatward monitoring follow`` and holds a pipe to it. When the gateway is gone, however that came
   about, the pipe is closed and the process ends. What was not taken by then is taken after the next start.
2. A receiver that blocks, blocks its own thread alone.
3. If the process dies, it is started again, and goes on where its receivers had come to.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from chatward import __version__
from chatward.monitoring.alerts import Alerts, Watching
from chatward.monitoring.cursors import Cursors
from chatward.monitoring.follower import FIRST, LONGEST, Follower
from chatward.monitoring.receivers import Secret, host_of, taker
from chatward.monitoring.sigma.rules import SHIPPED, Rules, read
from chatward.monitoring.standing import ALERTS
from chatward.monitoring.targets import Telling, deliverer
from chatward.settings import Settings
from chatward.stores.database import Database

_log = logging.getLogger("chatward.monitoring")


class Running(Protocol):
    """Something with a thread of its own."""

    def run(self, stop: threading.Event) -> None: ...


def wanted(settings: Settings) -> bool:
    """Whether there is anything to follow the ledger for."""
    return settings.ledger.enabled and bool(settings.siem or settings.alerts)


def made(settings: Settings, database: Database, secret: Secret) -> list[Running]:
    """Everything that follows the ledger. Raises ``ConfigError``."""
    cursors, path, host = Cursors(database), Path(settings.ledger.path), host_of(settings)
    found: list[Running] = [
        Follower(one.name, path, cursors, taker(one, path, host, __version__, secret), start=one.start)
        for one in settings.siem
    ]
    if settings.alerts:
        alerts = Alerts(database, settings.monitoring.group)
        keep = settings.monitoring.keep * 86_400
        watching = Watching(path, rules(settings), alerts, keep)
        found.append(Follower(ALERTS, path, cursors, watching, start="now"))
        found += [Telling(one, alerts, cursors, deliverer(one, secret), host) for one in settings.alerts]
    return found


def rules(settings: Settings) -> Rules:
    """What is watched for. Raises ``ConfigError``."""
    wanted = settings.monitoring
    own = [Path(one) for one in wanted.rules]
    return read([*([SHIPPED] if wanted.shipped_rules else []), *own], wanted.without)


def check(settings: Settings, secret: Secret) -> None:
    """Raises ``ConfigError`` where a file or a secret of a receiver is missing: a gateway does not start without."""
    for one in settings.siem:
        taker(one, Path(settings.ledger.path), "", __version__, secret).close()
    for target in settings.alerts:
        deliverer(target, secret)
    if settings.alerts:
        rules(settings)


def follow(running: Sequence[Running], stop: threading.Event) -> None:
    """Until ``stop``; then waits for batches that are under way, for a while."""
    threads = [threading.Thread(target=one.run, args=(stop,), daemon=True) for one in running]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(2.0)


class Process:
    """The process for a configuration file; started again when it dies. Closed, it ends soon; killed, nothing is lost.

    ``pause``: seconds before it is started again, twice as long each time up to ``LONGEST``, as before once it has run
    for that long."""

    def __init__(self, config: Path, *, pause: float = FIRST) -> None:
        self._command = [sys.executable, "-m", "chatward.cli", "monitoring", "follow", "--config", str(config)]
        self._pause = pause
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._process = self._started()
        self._keeper = threading.Thread(target=self._keep, daemon=True, name="monitoring")
        self._keeper.start()

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(3.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._keeper.join(1.0)

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own command
            self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def _keep(self) -> None:
        pause = self._pause
        while True:
            began = time.monotonic()
            status = self._process.wait()
            if self._closing.is_set():
                return
            if time.monotonic() - began > LONGEST:
                pause = self._pause
            _log.error("the process that sends the record ended with %s; again in %.0f s", status, pause)
            if self._closing.wait(pause):
                return
            pause = min(2 * pause, LONGEST)
            with self._lock:
                if self._closing.is_set():
                    return
                if self._process.stdin is not None:
                    self._process.stdin.close()
                self._process = self._started()
