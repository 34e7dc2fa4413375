"""Points of risk, told to the other processes of one installation, and remembered over a restart.

The rules:

1. What one process adds, the others have added within ``EVERY`` seconds and a moment, faded by its age. Sums of points
   that fade alike may be added in any order, so all processes come to the same.
2. Somebody stands in the file under the name that ``Risks`` has for them, a keyed digest, with the signal, its points
   and when; what has faded to less than a hundredth goes.
3. Where the file cannot be used, each process goes by what it has seen itself; that is logged, and nobody waits.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from chatward.core.errors import StoreError
from chatward.identity.risk import Risks
from chatward.stores.database import Database, Schema

EVERY: Final = 1.0
SCHEMA: Final = Schema(
    "risk",
    (
        "CREATE TABLE risk_added (id INTEGER PRIMARY KEY AUTOINCREMENT, process TEXT, at REAL, who TEXT, signal TEXT,"
        " points REAL)",
        "CREATE INDEX risk_added_at ON risk_added (at)",
    ),
)
_FADED: Final = 7
"""Half-lives after which points are gone."""
_MOST: Final = 10_000

_log = logging.getLogger("chatward.identity")


class SharedRisks:
    """Joins ``risks`` with those of other processes. ``half_life`` is theirs too; ``clock``: seconds since 1970."""

    def __init__(
        self, database: Database, risks: Risks, half_life: float, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._risks = risks
        self._half_life = half_life
        self._clock = clock
        self._process = secrets.token_hex(8)
        self._waiting: deque[tuple[str, float, str, str, float]] = deque(maxlen=_MOST)
        self._read = 0
        self._seen: object = None
        self._lock = threading.Lock()
        database.adopt(SCHEMA)
        risks.told = self._add

    def _add(self, who: str, signal: str, points: float) -> None:
        self._waiting.append((self._process, self._clock(), who, signal, points))

    def exchange(self) -> None:
        """Tells what was added here since, and adds what others told. Blocks. Raises ``StoreError``."""
        with self._lock:
            now = self._clock()
            told = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if told:
                self._tell(told, now)
            rows = self._database.rows(
                "SELECT id, at, who, signal, points FROM risk_added WHERE id > ? AND process != ? ORDER BY id",
                (self._read, self._process),
            )
            for id, at, who, signal, points in rows:
                self._read = id
                self._risks.join(who, signal, points * 0.5 ** (max(0.0, now - at) / self._half_life))

    def _tell(self, told: list[tuple[str, float, str, str, float]], now: float) -> None:
        try:
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT INTO risk_added (process, at, who, signal, points) VALUES (?, ?, ?, ?, ?)", told
                )
                connection.execute("DELETE FROM risk_added WHERE at < ?", (now - _FADED * self._half_life,))
        except StoreError:
            self._waiting.extendleft(reversed(told))
            raise

    async def run(self) -> None:
        """Exchanges every ``EVERY`` seconds, until it is cancelled."""
        while True:
            try:
                generation = self._database.generation  # of before: what is written meanwhile is looked at next time
                if self._waiting or generation != self._seen:
                    await asyncio.to_thread(self.exchange)
                    self._seen = generation
            except StoreError as error:
                _log.warning("risk is this process's own for now: %s", error.reason)
            await asyncio.sleep(EVERY)


def name_under(key: bytes) -> Callable[[str], str]:
    """How somebody is called in a file that must not say who they are."""
    return lambda principal: blake2b(principal.encode("utf-8", "surrogatepass"), digest_size=16, key=key).hexdigest()
