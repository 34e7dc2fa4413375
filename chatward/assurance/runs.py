"""Attacks on bots of one's own that were made: what each probe did, directly and through the gateway (``redteam``).

The rule: kept are ids, outcomes and numbers; what bots answered was let go before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chatward.core.errors import ClientError
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "redteam", ("CREATE TABLE redteam_runs (id INTEGER PRIMARY KEY, at REAL, bot TEXT, suite TEXT, made BLOB)",)
)
OWN: Final = "own"


@dataclass(frozen=True, slots=True)
class Run:
    """``made``: as ``redteam.summary`` gives it, with ``model``; ``suite``: whose probes; ``at``: since 1970."""

    id: int
    at: float
    bot: str
    suite: str
    made: Mapping[str, Any]


class Runs:
    """Raises ``StoreError``."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        database.adopt(SCHEMA)

    def keep(self, made: Mapping[str, Any]) -> None:
        """``made`` names ``bot``, and ``suite`` where it is not our own."""
        self._database.write(
            "INSERT INTO redteam_runs (at, bot, suite, made) VALUES (?, ?, ?, ?)",
            (self._clock(), made["bot"], made.get("suite", OWN), msgspec.json.encode(made)),
        )

    def all(self, most: int = 50) -> list[Run]:
        """The newest first."""
        rows = self._database.rows(
            "SELECT id, at, bot, suite, made FROM redteam_runs ORDER BY id DESC LIMIT ?", (most,)
        )
        return [Run(*(*row[:4], msgspec.json.decode(row[4]))) for row in rows]

    def one(self, number: int) -> Run:
        """Raises ``ClientError``."""
        row = self._database.row("SELECT id, at, bot, suite, made FROM redteam_runs WHERE id = ?", (number,))
        if row is None:
            raise ClientError("There is no such run.", reason="run-unknown", status=404)
        return Run(*(*row[:4], msgspec.json.decode(row[4])))
