"""What every part of one running Chatward is opened with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatward.assembly.engine import RoutedEngine
from chatward.configuration import Loaded
from chatward.core.ports import Entry
from chatward.gateway.fetching import Fetching
from chatward.gateway.meter import Meter
from chatward.gateway.records import Records
from chatward.identity.record import recorder
from chatward.identity.risk import Watched
from chatward.settings import Settings


@dataclass(slots=True)
class House:
    """``stack`` closes what was opened, the last first; ``say`` tells whoever started it. ``record`` puts an entry on
    record from any thread and waits for it, ``note`` from the event loop without waiting."""

    loaded: Loaded
    stack: AsyncExitStack
    say: Callable[[str], None]
    ledger: Watched
    ledger_path: Path | None
    secret: bytes
    engine: RoutedEngine
    fetch: Fetching
    meter: Meter
    record: Callable[[Entry], None] = field(init=False)
    note: Callable[[Entry], None] = field(init=False)

    def __post_init__(self) -> None:
        self.record = recorder(self.ledger, asyncio.get_running_loop())
        self.note = Records(self.ledger).note

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    def go_on(self, work: Coroutine[Any, Any, None]) -> None:
        """Does ``work`` beside all else, until everything ends."""
        self.stack.callback(asyncio.ensure_future(work).cancel)

    def bot_of(self, path: str, model: str) -> str:
        """The bot that a request goes to, as routes are now."""
        return self.engine.routing.take(path, model).bot
