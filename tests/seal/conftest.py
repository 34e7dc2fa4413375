"""A small house of sealed conversations in a folder, opened as a process opens it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatward.core.ports import Entry
from chatward.core.values import Category, Finding, Part, Severity, Source
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots
from chatward.seal.register import Eraser, Register, signer
from chatward.seal.rotation import Rotation
from chatward.seal.sealer import KeySealer
from chatward.stores.conversation_rows import Fields
from chatward.stores.conversations import ConversationStore
from chatward.stores.database import Database, Tables
from chatward.stores.postgres import PostgresTables
from chatward.stores.turns import Turn

ROOT = {1: b"r" * 32}


@dataclass
class House:
    """Everything opened anew from ``folder``. ``now`` is the clock's time; ``url``: of the PostgreSQL database that
    conversations are in, else they are in the folder."""

    folder: Path
    now: float = 1_767_225_600.0
    entries: list[Entry] = field(default_factory=list)
    retention: float | None = None
    url: str = ""

    def __post_init__(self) -> None:
        self.keys = Keys(Database(self.folder / "keys.db"), LocalRoots(ROOT), clock=self.clock)
        self.sealer = KeySealer(self.keys)
        data: Tables = PostgresTables(self.url) if self.url else Database(self.folder / "conversations.db")
        self.store = ConversationStore(
            data, self.sealer, self.entries.append, retention=self.retention, clock=self.clock
        )
        self.fields = Fields(data, self.sealer)
        register = self.folder / "erasures.db"
        self.register = Register(Database(register), signer(register))
        self.eraser = Eraser(self.register, self.sealer, [self.fields], self.entries.append, self.clock)
        self.rotation = Rotation(self.sealer, [self.fields], self.entries.append, batch=7)
        for database in (self.keys.database, data, self.register.database):
            if not isinstance(database, Database):
                continue
            for connection in (database._writer, database._reader):  # no power is cut here, and disks are slow
                connection.execute("PRAGMA synchronous=OFF")

    def clock(self) -> float:
        return self.now

    def close(self) -> None:
        asyncio.run(self.store.aclose())
        for database in (self.keys.database, self.store.database, self.register.database):
            database.close()

    def again(self) -> House:
        """As the next process sees it."""
        self.close()
        return House(self.folder, self.now, self.entries, self.retention, self.url)

    def say(self, subject: str, *texts: str, conversation: str = "thread", tenant: str = "default") -> None:
        self.store.write(tenant, subject, conversation, [turn(text) for text in texts])

    def texts(self, tenant: str = "default") -> dict[str, list[str]]:
        """Everything that opens, by subject."""
        found: dict[str, list[str]] = {}
        for one in self.store.listing(tenant, limit=100_000):
            for read in self.store._turns(tenant, one.id, 0, 100_000, masked=False):
                if not (read.gone or read.altered):
                    found.setdefault(one.subject, []).extend(part.text for part in read.parts)
        return found


def turn(text: str, *spans: tuple[int, int], inspected: bool = True, at: float | None = None) -> Turn:
    findings = tuple(Finding("text.pii/email", Category.PII, Severity.LOW, 0.9, span, 0, "EMAIL") for span in spans)
    return Turn("user", (Part(text, Source.USER),), findings, inspected, "exchange-1", at)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


DATABASES = ("sqlite", "postgres")


def on(tmp_path: Path, request: pytest.FixtureRequest) -> House:
    """A house on the database of ``request.param``: for fixtures of the contract that all stores keep."""
    return House(tmp_path, url=request.getfixturevalue("postgres").fresh() if request.param == "postgres" else "")


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., House]:
    return lambda **changed: House(tmp_path, **changed)


@pytest.fixture(params=DATABASES)
def stored(tmp_path: Path, request: pytest.FixtureRequest) -> House:
    return on(tmp_path, request)
