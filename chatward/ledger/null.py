"""The ledger that keeps nothing, for those who switched the record off (``ledger.enabled = false``).

The rule: it checks entries as the real one does, so that a mistake shows in every setting, and forgets them.
``chatward check`` names the setting as a weakness: without a record, promise 4 is not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.ledger.events import encode


class NullLedger:
    """Implements ``core.ports.Ledger``; ``append`` is done at once."""

    def __init__(self) -> None:
        self._open = True

    @property
    def healthy(self) -> bool:
        return self._open

    def append(self, entry: Entry) -> Awaitable[None]:
        """Raises ``ValueError`` for an entry that may not be recorded, ``StoreError`` after ``aclose``."""
        if not self._open:
            raise StoreError("The record is closed.", reason="ledger-closed")
        encode(entry)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    async def aclose(self) -> None:
        self._open = False
