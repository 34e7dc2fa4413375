"""A ledger in memory that implements the port, and can be told to fail or to stall.

The rule: it keeps the contract of ``core.ports.Ledger`` (``tests/ledger/test_contract.py`` holds it to that),
so what a test sees of the gateway with it is what the gateway does with the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.ledger.events import encode


class MemoryLedger:
    """Keeps entries in ``entries``, in order; those of guards that ran together, which come beside whatever message is
    the first, in ``sets``. ``failing``: a reason id with which everything fails.

    While ``stalled``, entries are taken and their futures wait in ``waiting`` until ``release()``.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.sets: list[Entry] = []
        self.failing: str | None = None
        self.stalled = False
        self.waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self.closed = False

    @property
    def healthy(self) -> bool:
        return self.failing is None and not self.closed

    @property
    def events(self) -> list[str]:
        return [str.__str__(entry.event) for entry in self.entries]

    def append(self, entry: Entry) -> Awaitable[None]:
        if self.closed or self.failing is not None:
            reason = "ledger-closed" if self.closed else self.failing
            raise StoreError("The record cannot be written now; nothing was done.", reason=reason)
        encode(entry)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((entry, future))
        if not self.stalled:
            self.release()
        return future

    def release(self) -> None:
        """Settles what waits: recorded, or failed while ``failing``."""
        waiting, self.waiting = self.waiting, []
        for entry, future in waiting:
            if self.failing is None:
                (self.sets if entry.event == "guard:set:ran" else self.entries).append(entry)
            if future.done():
                continue
            if self.failing is None:
                future.set_result(None)
            else:
                future.set_exception(StoreError("The record cannot be written now.", reason=self.failing))

    async def aclose(self) -> None:
        self.release()
        self.closed = True
