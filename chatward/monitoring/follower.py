"""One receiver's way through the ledger: the record is the queue.

The rules:

1. Entries are read from the ledger by their numbers, after they are durable there. Nothing is handed over by the
   message path, so that a receiver that is slow, dead or gone for a week costs it nothing, and loses nothing.
2. In order, at least once: the cursor moves after the receiver took the batch. At most ``BATCH`` entries at a time.
3. After a failure it waits: 1 s, then twice as long each time up to ``LONGEST``, with up to half of it taken off by
   chance, so that many do not come back at once.
4. A ledger that is not the one that was read before stops it (``ledger-replaced``), until somebody moves the cursor.
5. A new receiver begins with the first entry, or with ``start = "now"`` behind the newest.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Protocol

from chatward.core.errors import StoreError
from chatward.ledger.reading import Record, between, tail
from chatward.monitoring.cursors import Cursor, Cursors
from chatward.monitoring.formats import Format
from chatward.monitoring.sinks import Sink, SinkError

BATCH: Final = 500
POLL: Final = 0.5
"""Seconds between two looks at a ledger that had nothing new."""
FIRST: Final = 1.0
LONGEST: Final = 60.0
REPLACED: Final = "the ledger is not the one that was read before: chatward monitoring move"


class Taker(Protocol):
    """What is done with entries. Raises ``SinkError``; then it gets the same again."""

    def take(self, records: Sequence[Record]) -> None: ...

    def close(self) -> None: ...


class Shipping:
    """Gives entries whose event matches one of ``events`` to a sink, in a format."""

    def __init__(self, sink: Sink, format_: Format, events: Sequence[str] = ("*",)) -> None:
        self._sink = sink
        self._format = format_
        self._events = tuple(events)
        self._wanted: dict[str, bool] = {}

    def take(self, records: Sequence[Record]) -> None:
        batch = [self._format(record) for record in records if self._wants(record.event)]
        if batch:
            self._sink.send(batch)

    def close(self) -> None:
        self._sink.close()

    def _wants(self, event: str) -> bool:
        known = self._wanted.get(event)
        if known is None:
            known = self._wanted[event] = any(fnmatchcase(event, pattern) for pattern in self._events)
        return known


class Follower:
    """Follows the ledger at ``path`` for the receiver ``name``. ``step`` does one batch, ``run`` goes on."""

    def __init__(
        self,
        name: str,
        path: Path,
        cursors: Cursors,
        taker: Taker,
        *,
        start: str = "beginning",
        batch: int = BATCH,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._path = path
        self._cursors = cursors
        self._taker = taker
        self._start = start
        self._batch = batch
        self._clock = clock
        self._chance = chance

    def step(self) -> float:
        """Sends the next batch; the seconds to wait before the next step. What goes wrong is noted, not raised."""
        try:
            return self._step()
        except (SinkError, StoreError) as error:
            said = error.public if isinstance(error, StoreError) else str(error)
            return self._pause(self._noted(said))

    def _step(self) -> float:
        cursor = self._cursors.get(self.name)
        if not cursor.known:
            cursor = self._begun()
        if not self._path.exists():
            return POLL
        records = self._read(cursor)
        if not records:
            if cursor.failures:  # it was the ledger that could not be read
                self._cursors.move(self.name, cursor.seq, cursor.hash, self._clock())
            return POLL
        self._taker.take(records)
        self._cursors.move(self.name, records[-1].seq, records[-1].hash, self._clock())
        return 0.0 if len(records) == self._batch else POLL

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``."""
        try:
            while not stop.is_set():
                stop.wait(self.step())
        finally:
            self._taker.close()

    def _begun(self) -> Cursor:
        newest = tail(self._path, 1) if self._start == "now" and self._path.exists() else []
        seq, hash_ = (newest[-1].seq, newest[-1].hash) if newest else (0, b"")
        self._cursors.move(self.name, seq, hash_, self._clock())
        return Cursor(self.name, seq, hash_)

    def _read(self, cursor: Cursor) -> list[Record]:
        """What comes after the cursor. Raises ``SinkError`` where the entry at the cursor is another one now."""
        first = max(cursor.seq, 1)
        records = between(self._path, first, cursor.seq + self._batch)
        if cursor.seq == 0:
            return records
        if not records or records[0].seq != cursor.seq or (cursor.hash and records[0].hash != cursor.hash):
            raise SinkError(REPLACED)
        return records[1:]

    def _noted(self, said: str) -> int:
        try:
            return self._cursors.failed(self.name, said, self._clock())
        except StoreError:
            return 1  # the file of cursors fails too: nothing moves, everything is tried again

    def _pause(self, failures: int) -> float:
        return min(LONGEST, FIRST * 2.0 ** min(failures - 1, 16)) * (1.0 - self._chance() / 2)
