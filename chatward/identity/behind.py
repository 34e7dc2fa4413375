"""Writing behind: work that waits for the disk, done on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from chatward.core.errors import StoreError

log = logging.getLogger(__name__)


class Behind:
    """Does ``work`` on a daemon thread every ``pause`` seconds in which there was something to do, and soon after
    ``wake``. A ``StoreError`` is logged and the work tried again later: ``work`` must keep what it could not write."""

    def __init__(self, name: str, work: Callable[[], None], pause: float) -> None:
        self._work = work
        self._pause = pause
        self._due = threading.Event()
        self._hurry = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = False
        self._lock = threading.Lock()

    def due(self) -> None:
        """There is something to write, within ``pause`` seconds."""
        if not self._due.is_set():
            self._start()
            self._due.set()

    def wake(self) -> None:
        """There is something to write now."""
        self._hurry.set()
        self.due()

    def close(self) -> None:
        """Does the work a last time, here. What cannot be written is lost, and logged."""
        with self._lock:
            self._closed = True
            started = self._started
        if started:
            self.wake()
            self._thread.join()
        self._once()

    def _start(self) -> None:
        with self._lock:
            if not self._started and not self._closed:
                self._started = True
                self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            self._due.wait()
            self._hurry.wait(self._pause)
            self._due.clear()
            self._hurry.clear()
            if not self._closed:
                self._once()

    def _once(self) -> None:
        try:
            self._work()
        except StoreError as error:
            log.warning("identity: writing behind failed (%s); it is tried again", error.reason)
            self._due.set()
