"""What tools of MCP servers were when they were accepted, and what they are now.

A tool is known by its server and name, and by a SHA-256 of all that a model reads of it. That itself is kept, as it was
accepted and as it is offered, for whoever has to say whether the difference is good: it is the server's text, nobody's
message. What is looked up stands in memory as long as nobody, in this process or another, has written
(``Database.generation``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "tool-pins",
    (
        "CREATE TABLE tool_pins (server TEXT NOT NULL, tool TEXT NOT NULL, accepted TEXT NOT NULL,"
        " offered TEXT NOT NULL, since REAL NOT NULL, PRIMARY KEY (server, tool)) WITHOUT ROWID",
        "CREATE TABLE tool_definitions (server TEXT NOT NULL, tool TEXT NOT NULL, digest TEXT NOT NULL,"
        " definition BLOB NOT NULL, PRIMARY KEY (server, tool, digest)) WITHOUT ROWID",
    ),
)
CHANGED: Final = "tool-changed"
NEW: Final = "tool-not-accepted"
MOST: Final = 10_000
"""Tools that are remembered of one server; a server that has more of them is not believed about the others."""
LARGEST: Final = 16_384
"""Bytes of a definition that are kept at most; of a larger one nothing is."""
_LONGEST: Final = 128


@dataclass(frozen=True, slots=True)
class Pin:
    """One tool. ``accepted`` is empty where nobody has accepted it; ``since`` is when it came to be as it is."""

    server: str
    tool: str
    accepted: str
    offered: str
    since: float

    @property
    def refusal(self) -> str:
        if not self.accepted:
            return NEW
        return CHANGED if self.accepted != self.offered else ""


def pins_file(ledger: str) -> Path:
    """Beside the ledger."""
    return Path(ledger).with_name("chatward-mcp.db")


class ToolPins:
    """Implements ``channels.mcp_server.Pins``. ``modes``: ``first-use`` or ``accepted`` by server; others are not
    pinned. ``told`` gets a tool that may not be used (any more), once for each form of it."""

    def __init__(
        self,
        database: Database,
        modes: Mapping[str, str],
        told: Callable[[Pin], None] = lambda pin: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._modes = dict(modes)
        self._told = told
        self._clock = clock
        self._known: dict[tuple[str, str], Pin] = {}
        self._generation = (-1, -1)

    def admits(self, server: str, tool: str, digest: str, definition: bytes = b"") -> bool:
        """Whether a tool that is listed in this form may be used. ``definition`` is what the digest is of: JSON. Raises
        ``StoreError``."""
        mode = self._modes.get(server, "off")
        if mode == "off":
            return True
        if len(tool) > _LONGEST:
            return False
        pin = self._fresh().get((server, tool))
        if pin is None or pin.offered != digest:
            pin = self._offered(server, tool, digest, definition, first_use=mode == "first-use")
        return pin is not None and not pin.refusal

    def refusal(self, server: str, tool: str) -> str:
        """Why a tool may not be called, or ``""``. One that was never listed is refused where it has to be accepted."""
        mode = self._modes.get(server, "off")
        if mode == "off":
            return ""
        pin = self._fresh().get((server, tool))
        if pin is None:
            return NEW if mode == "accepted" else ""
        return pin.refusal

    def pins(self) -> list[Pin]:
        """All of them, by server and name."""
        return [self._known[key] for key in sorted(self._fresh())]

    def waiting(self, server: str, tool: str = "") -> list[Pin]:
        """What somebody may accept: one tool, or all of a server."""
        return [one for one in self.pins() if one.server == server and one.refusal and tool in {"", one.tool}]

    def accept(self, server: str, tool: str = "", offered: str = "") -> list[Pin]:
        """Accepts what is offered: one tool (in the one form ``offered`` that was looked at), or all of a server. The
        pins that changed by it."""
        wanted = [one for one in self.waiting(server, tool) if offered in {"", one.offered}]
        with self._database.writing() as connection:
            for one in wanted:
                connection.execute(
                    "UPDATE tool_pins SET accepted = ?, since = ? WHERE server = ? AND tool = ? AND offered = ?",
                    (one.offered, self._clock(), server, one.tool, one.offered),
                )
        return wanted

    def definitions(self, pin: Pin) -> tuple[bytes, bytes]:
        """What a tool was when it was accepted and what it is: JSON, or nothing where it was not kept."""
        rows = self._database.rows(
            "SELECT digest, definition FROM tool_definitions WHERE server = ? AND tool = ?", (pin.server, pin.tool)
        )
        kept = {digest: bytes(definition) for digest, definition in rows}
        return kept.get(pin.accepted, b""), kept.get(pin.offered, b"")

    def _fresh(self) -> dict[tuple[str, str], Pin]:
        generation = self._database.generation
        if generation != self._generation:
            rows = self._database.rows("SELECT server, tool, accepted, offered, since FROM tool_pins")
            self._known = {(row[0], row[1]): Pin(*row) for row in rows}
            self._generation = generation
        return self._known

    def _offered(self, server: str, tool: str, digest: str, definition: bytes, *, first_use: bool) -> Pin | None:
        known = self._known
        if (server, tool) not in known and sum(one == server for one, _ in known) >= MOST:
            return None
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO tool_pins VALUES (?, ?, ?, ?, ?) ON CONFLICT (server, tool) DO UPDATE SET"
                " offered = excluded.offered, since = excluded.since WHERE offered != excluded.offered",
                (server, tool, digest if first_use else "", digest, self._clock()),
            )
            if definition and len(definition) <= LARGEST:
                connection.execute(
                    "INSERT OR IGNORE INTO tool_definitions VALUES (?, ?, ?, ?)", (server, tool, digest, definition)
                )
            connection.execute(
                "DELETE FROM tool_definitions WHERE server = ?1 AND tool = ?2 AND digest NOT IN (SELECT accepted FROM"
                " tool_pins WHERE server = ?1 AND tool = ?2 UNION SELECT offered FROM tool_pins WHERE server = ?1"
                " AND tool = ?2)",
                (server, tool),
            )
        pin = self._fresh()[server, tool]
        if pin.refusal:
            self._told(pin)
        return pin
