"""Files that say what a bot is made of, given to a running Chatward instead of named in the settings.

The rules: a file is read before it is kept, and refused where it names no component; one of the same name takes its
place; it is kept as it came, with its SHA-256; on record before it counts.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatward.assurance.inventory import Inventory, parsed
from chatward.assurance.tasks import Record
from chatward.core.errors import ClientError, ConfigError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "inventories",
    (
        """CREATE TABLE inventories (
            id INTEGER PRIMARY KEY, target TEXT, name TEXT, at REAL, sha256 TEXT, components INT, body BLOB,
            UNIQUE (target, name))""",
    ),
)
LONGEST: Final = 200
"""Characters of a file's name."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, without its body. ``at``: seconds since 1970."""

    id: int
    target: str
    name: str
    at: float
    sha256: str
    components: int


class Uploads:
    """Raises ``StoreError``."""

    def __init__(self, database: Database, record: Record, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)

    def add(self, target: str, name: str, body: bytes) -> Upload:
        """Raises ``ClientError``."""
        name = name[-LONGEST:]
        try:
            found = parsed(name, body)
        except ConfigError as error:
            raise ClientError(error.public, reason=error.reason) from error
        digest = hashlib.sha256(body).hexdigest()
        told = {"target": target, "sha256": digest, "components": len(found.components)}
        self._record(Entry(Event.INVENTORY_KEPT, "", told))
        self._database.write(
            "INSERT OR REPLACE INTO inventories (target, name, at, sha256, components, body) VALUES (?, ?, ?, ?, ?, ?)",
            (target, name, self._clock(), digest, len(found.components), body),
        )
        return self.of(target)[-1]

    def of(self, target: str) -> list[Upload]:
        """The newest last."""
        rows = self._database.rows(
            "SELECT id, target, name, at, sha256, components FROM inventories WHERE target = ? ORDER BY id", (target,)
        )
        return [Upload(*row) for row in rows]

    def drop(self, target: str, number: int) -> None:
        """Raises ``ClientError``."""
        found = next((one for one in self.of(target) if one.id == number), None)
        if found is None:
            raise ClientError("There is no such file.", reason="inventory-unknown", status=404)
        self._record(Entry(Event.INVENTORY_DROPPED, "", {"target": target, "sha256": found.sha256}))
        self._database.write("DELETE FROM inventories WHERE id = ?", (number,))

    def inventory(self, target: str) -> Inventory:
        """What all of them say. Raises ``ConfigError``."""
        made = Inventory()
        for name, body in self._database.rows("SELECT name, body FROM inventories WHERE target = ?", (target,)):
            made |= parsed(name, body)
        return made
