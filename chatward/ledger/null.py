"""The ledger that keeps nothing, for those who switched the record off (``ledger.enabled = false``).

The rule: of each kind of entry, by its event and the names of its fields, it checks the first as the real one does,
so that a mistake shows in every setting; the others cost a look. It forgets them all.
``chatward check`` names the setting as a weakness: without a record, promise 4 is not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final

from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.ledger.events import encode

_MAX_KINDS: Final = 1000


class NullLedger:
    """Implements ``core.ports.Ledger``; ``append`` is done at once."""

    def __init__(self) -> None:
        self._open = True
        self._kinds: set[tuple[str, ...]] = set()
        self._done: asyncio.Future[None] | None = None

    @property
    def healthy(self) -> bool:
        return self._open

    def append(self, entry: Entry) -> Awaitable[None]:
        """Raises ``ValueError`` for an entry that may not be recorded, ``StoreError`` after ``aclose``."""
        if not self._open:
            raise StoreError("The record is closed.", reason="ledger-closed")
        kind = (entry.event, *entry.fields)
        if kind not in self._kinds:
            encode(entry)
            if len(self._kinds) < _MAX_KINDS:
                self._kinds.add(kind)
        loop, done = asyncio.get_running_loop(), self._done
        if done is None or done.get_loop() is not loop:
            done = self._done = loop.create_future()
            done.set_result(None)
        return done

    async def aclose(self) -> None:
        self._open = False
