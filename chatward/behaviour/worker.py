"""The thread that learns: takes observations from a bounded queue, and tells what is unusual.

The rules:

1. ``observe`` is called on the way of a message: it appends, or counts that it dropped. Nothing else.
2. One thread looks at them. After each it gives way to the others, so that it never holds up the event loop for longer
   than one observation takes; it looks for new ones every ``TICK`` seconds.
3. What was learnt is written every ``every`` seconds, and at the end. What fails is logged by its type, and learning
   goes on: nobody's message depends on it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from chatward.core.errors import StoreError
from chatward.core.observing import Observation

TICK: Final = 0.25

_log = logging.getLogger("chatward.behaviour")


class Learning(Protocol):
    """What the thread feeds (``analyst.Analyst``)."""

    def learn(self, observation: Observation) -> None: ...

    def save(self) -> None:
        """Raises ``StoreError``."""
        ...


class Worker:
    """An ``core.observing.Observer``. ``most`` observations may wait."""

    def __init__(
        self,
        learning: Learning,
        *,
        most: int = 10_000,
        every: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learning = learning
        self._most = most
        self._every = every
        self._clock = clock
        self._waiting: deque[Observation] = deque()
        self._stop = threading.Event()
        self._saved = clock()
        self._thread: threading.Thread | None = None
        self.dropped = 0
        self.failed = 0
        self.seen = 0

    def observe(self, observation: Observation) -> None:
        if len(self._waiting) >= self._most:
            self.dropped += 1
        else:
            self._waiting.append(observation)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="chatward-behaviour", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Looks at what waits, and writes what was learnt. Blocks."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.work()
        self._save()

    def work(self) -> int:
        """Looks at what waits; how many there were."""
        count = 0
        while self._waiting:
            observation = self._waiting.popleft()
            try:
                self._learning.learn(observation)
            except Exception as error:
                self.failed += 1
                _log.error("an observation was not learnt from: %s", type(error).__name__)
            count += 1
            time.sleep(0)
        self.seen += count
        return count

    def _run(self) -> None:
        while not self._stop.wait(TICK):
            self.work()
            if self._clock() - self._saved >= self._every:
                self._save()

    def _save(self) -> None:
        self._saved = self._clock()
        try:
            self._learning.save()
        except StoreError as error:
            _log.error("baselines were not written: %s", error.reason)
