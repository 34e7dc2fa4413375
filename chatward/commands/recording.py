"""How a command records what it does, in the ledger that a running gateway may append to as well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chatward.core.ports import Entry
from chatward.ledger.checkpointing import Plan
from chatward.ledger.sqlite import SqliteLedger
from chatward.settings import LedgerSettings


def recorder(wanted: LedgerSettings) -> Callable[[Entry], None]:
    """Appends one entry and waits until it is durable; checkpoints are left to the gateway. Raises ``StoreError``."""

    async def append(entry: Entry) -> None:
        plan = Plan(every=0, origin=wanted.origin)
        ledger = SqliteLedger(wanted.path, wanted.durability, wanted.group_wait, wanted.min_free, checkpoints=plan)
        try:
            await ledger.append(entry)
        finally:
            await ledger.aclose()

    def record(entry: Entry) -> None:
        if wanted.enabled:
            asyncio.run(append(entry))

    return record
