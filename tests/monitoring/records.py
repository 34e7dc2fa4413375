"""Entries and ledgers for the tests of monitoring."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from chatward.core.ports import Entry
from chatward.ledger.reading import Record
from chatward.ledger.sqlite import SqliteLedger

AT = 1_780_000_000_123_456_789


def record(event: str = "upstream:call:intended", seq: int = 1, at: int = AT, **fields: object) -> Record:
    return Record(seq, at, event, f"e{seq}", fields, hashlib.sha256(b"%d" % seq).digest())


BLOCKED: Mapping[str, object] = {
    "channel": "openai-chat",
    "route": "default",
    "action": "block",
    "policy": "p1",
    "rule": "text.injection/direct",
    "rules": ["text.injection/direct", "text.leak/system-prompt"],
    "findings": 2,
    "principal": "k:abc",
}


class Written:
    """A real ledger that is appended to between steps."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.db"
        self._count = 0

    async def add(self, count: int = 1, event: str = "upstream:call:intended", **fields: object) -> None:
        ledger = SqliteLedger(self.path, "process")
        for _ in range(count):
            self._count += 1
            await ledger.append(Entry(event, f"e{self._count}", fields))
        await ledger.aclose()
