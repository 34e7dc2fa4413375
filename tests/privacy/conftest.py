"""An office: the privacy file, sealed conversations and a record, with a clock that stands."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatward.core.ports import Entry
from chatward.privacy.erasing import Statements
from chatward.privacy.incidents import Incidents
from chatward.privacy.requests import Requests
from chatward.privacy.retention import Holds
from chatward.privacy.standing import Standings
from chatward.seal.opening import Sealing, opened
from chatward.settings import Conversations, LedgerSettings, Notice, Privacy, Processor, Purpose, Route, Seal, Settings
from chatward.stores.conversations import ConversationStore
from chatward.stores.database import Database
from tests.seal.conftest import turn

START = datetime(2026, 3, 9, 12, 0, tzinfo=UTC).timestamp()
DAY = 86_400.0


@dataclass
class Office:
    """``now`` is the clock's time."""

    folder: Path
    now: float = START
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(
            routes={"default": Route(purpose="support")},
            ledger=LedgerSettings(path=str(self.folder / "chatward.db")),
            conversations=Conversations(store=True, retention_days=90),
            seal=Seal(root="environment", root_keys="env:ROOT_KEYS"),
            privacy=Privacy(
                controller="Example Ltd",
                notice=Notice(version="1"),
                purposes={"support": Purpose(summary="Answering.", lawful_basis="consent", retention_days=30)},
                processors={
                    "a": Processor(
                        name="A Inc.", bots=("default",), region="US", transfer="adequacy", contract="x.pdf"
                    ),
                    "own": Processor(own=True),
                },
            ),
        )
        self.database = Database(self.folder / "privacy.db")
        record = self.entries.append
        self.standings = Standings(self.database, record, self.clock)
        self.requests = Requests(self.database, record, self.clock)
        self.holds = Holds(self.database, record, self.clock)
        self.incidents = Incidents(self.database, record, self.clock)
        self.sealing: Sealing = opened(
            self.settings,
            record,
            clock=self.clock,
            also=lambda register: [Statements(self.standings, self.requests, register)],
        )
        self.store: ConversationStore = self.sealing.conversations()
        for database in (self.database, self.sealing.data, self.sealing.keys.database, self.sealing.register.database):
            for connection in (database._writer, database._reader):  # no power is cut here, and disks are slow
                connection.execute("PRAGMA synchronous=OFF")

    def clock(self) -> float:
        return self.now

    def days(self, count: float) -> None:
        self.now += count * DAY

    def chat(self, subject: str, *texts: str, conversation: str = "thread", tenant: str = "default") -> None:
        self.store.write(tenant, subject, conversation, [turn(text) for text in texts])

    def again(self) -> Office:
        """As the next process sees it."""
        self.close()
        return Office(self.folder, self.now, self.entries)

    def close(self) -> None:
        asyncio.run(self.store.aclose())
        self.sealing.close()
        self.database.close()

    def events(self) -> list[str]:
        return [entry.event for entry in self.entries]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("ROOT_KEYS", "1:" + base64.b64encode(b"r" * 32).decode())
    office = Office(tmp_path)
    yield office
    office.close()
