"""What operators keep for themselves in the small database: saved views (a name for a question), and that they have put
the first steps away."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatward.core.errors import ClientError
from chatward.stores.database import Database, Schema

MOST: Final = 50
_LONGEST: Final = 60
SCHEMA: Final = Schema(
    "console-views",
    (
        "CREATE TABLE console_views (operator TEXT NOT NULL, name TEXT NOT NULL, page TEXT NOT NULL,"
        " query TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (operator, name))",
    ),
)
_STEPS: Final = Schema(
    "console-steps", ("CREATE TABLE console_steps (operator TEXT PRIMARY KEY, put_away REAL NOT NULL)",)
)


@dataclass(frozen=True, slots=True)
class View:
    """``page`` is a path of the console, ``query`` a query string of it."""

    name: str
    page: str
    query: str

    @property
    def address(self) -> str:
        return f"{self.page}?{self.query}" if self.query else self.page


class Views:
    """Views by operator. Raises ``ClientError`` (``view-invalid``)."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        database.adopt(SCHEMA)

    def of(self, operator: str) -> list[View]:
        rows = self._database.rows(
            "SELECT name, page, query FROM console_views WHERE operator = ? ORDER BY name", (operator,)
        )
        return [View(*row) for row in rows]

    def save(self, operator: str, name: str, page: str, query: str) -> None:
        told = " ".join(name.split())
        if not told or len(told) > _LONGEST or not told.isprintable() or len(query) > 2000:
            raise ClientError("A view needs a name of 1 to 60 characters.", reason="view-invalid")
        if len(self.of(operator)) >= MOST:
            raise ClientError(f"You have {MOST} views. Delete one first.", reason="view-invalid")
        self._database.write(
            "INSERT OR REPLACE INTO console_views VALUES (?, ?, ?, ?, ?)", (operator, told, page, query, self._clock())
        )

    def delete(self, operator: str, name: str) -> None:
        self._database.write("DELETE FROM console_views WHERE operator = ? AND name = ?", (operator, name))


class Steps:
    """Who has put the first steps away. Reads and writes block."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        database.adopt(_STEPS)

    def put_away(self, operator: str) -> None:
        self._database.write("INSERT OR REPLACE INTO console_steps VALUES (?, ?)", (operator, self._clock()))

    def wanted(self, operator: str) -> bool:
        return self._database.row("SELECT 1 FROM console_steps WHERE operator = ?", (operator,)) is None
