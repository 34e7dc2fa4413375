"""What a running gateway puts on record about itself, and what it shows to witnesses.

The rules:

1. That it started, with which version and settings, is durable before it serves. That it stopped is written last; a
   start without a stop before it says that the process was killed.
2. Settings are told by a digest of what they say, never by what they say. A file that was refused is named by the
   reason, and the key that is wrong.
3. Witnesses are shown the newest checkpoint every ``ledger.witness_seconds``. A refusal is logged and put on record
   when it begins, and when it has another reason; nothing waits for a witness (``ledger.witness``, rule 4).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from chatward import __version__
from chatward.core.errors import ConfigError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Fetch
from chatward.core.ports import Entry, Ledger
from chatward.ledger.witness import Witnessing, configured
from chatward.settings import LedgerSettings, Settings

_GOOD: Final = frozenset({"cosigned", "nothing-new"})

_log = logging.getLogger("chatward.chronicle")


def digest(settings: Settings) -> str:
    """Which settings these are; secrets stand in none, only references to them."""
    return sha256(msgspec.json.encode(settings, order="sorted")).hexdigest()[:32]


class Chronicle:
    """Entries of one process about itself. ``note`` puts one on record without waiting."""

    def __init__(self, ledger: Ledger, note: Callable[[Entry], None]) -> None:
        self._ledger = ledger
        self._note = note

    async def started(self, settings: Settings) -> None:
        """Raises ``StoreError``."""
        await asyncio.gather(
            self._ledger.append(Entry(Event.SERVICE_STARTED, "", {"version": __version__, "process": os.getpid()})),
            self._ledger.append(Entry(Event.CONFIG_LOADED, "", {"settings": digest(settings)})),
        )

    async def stopped(self) -> None:
        with suppress(StoreError):  # the gate is closed: that is on record, once it opens again
            await self._ledger.append(Entry(Event.SERVICE_STOPPED, "", {"process": os.getpid()}))

    def loaded(self, settings: Settings) -> None:
        """Other settings are in force."""
        self._note(Entry(Event.CONFIG_LOADED, "", {"settings": digest(settings)}))

    def refused(self, error: ConfigError) -> None:
        """A changed file is not good, and the settings before it stay."""
        key = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in error.key or "")[:200]
        self._note(Entry(Event.CONFIG_REFUSED, "", {"reason": error.reason, **({"key": key} if key else {})}))

    async def witness(self, witnessing: Witnessing, every: float) -> None:
        """Shows checkpoints to witnesses until it is cancelled."""
        before: dict[str, str] = {}
        while True:
            try:
                outcomes = await witnessing.show()
            except StoreError as error:
                _log.warning("checkpoints are not shown to witnesses: %s", error.reason)
                outcomes = {}
            for name, outcome in outcomes.items():
                if outcome not in _GOOD and before.get(name) != outcome:
                    _log.error("the witness %s does not cosign: %s", name, outcome)
                    self._note(Entry(Event.WITNESS_REFUSED, "", {"witness": name[:200], "reason": outcome}))
                before[name] = outcome
            await asyncio.sleep(every)


def witnesses(settings: LedgerSettings, fetch: Fetch) -> Witnessing | None:
    """Those of the settings; ``None`` where there are none. Raises ``ConfigError``."""
    if not settings.enabled or not settings.witnesses:
        return None
    return Witnessing(Path(settings.path), configured(settings.witnesses, fetch))
