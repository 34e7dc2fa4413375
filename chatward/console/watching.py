"""What the pages of watching stand on: the index of what happened, and what else the running Chatward can say.

Whatever is not there is ``None``, and its page says what it would show and how to switch it on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from chatward.console.figures import Figures
from chatward.console.rejudged import Rejudges, Shadows
from chatward.console.seeing import Seeing
from chatward.console.trail import Trail
from chatward.console.views import Steps
from chatward.core.identity import Principal
from chatward.core.ports import Entry
from chatward.privacy.incidents import Incidents
from chatward.privacy.requests import Requests
from chatward.settings import Settings
from chatward.stores.tool_pins import ToolPins

T = TypeVar("T")


class Conversations(Protocol):
    """Stored conversations (``stores.conversations.ConversationStore``)."""

    def of_exchange(self, subject: str, exchange: str, at: float) -> tuple[str, str] | None:
        """Tenant and id of the conversation that keeps a message of the ledger."""
        ...

    def read(self, tenant: str, id_: str, *, after: int = 0, limit: int = 1000) -> Sequence[Any]: ...

    def reveal(
        self, principal: Principal, tenant: str, id_: str, reason: str, *, after: int = 0, limit: int = 1000
    ) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Watching:
    """``record`` puts an entry on record and returns once it is durable; called on the event loop, awaited.
    ``settings`` are those in force now; ``origins`` say where each comes from, ``file`` which file may be written.
    ``manifest`` gives the signed manifest as it is served; it raises ``ConfigError``."""

    seeing: Seeing | None = None
    ledger: Path | None = None
    record: Callable[[Entry], Awaitable[None]] | None = None
    settings: Callable[[], Settings] = Settings
    origins: Callable[[], Mapping[str, object]] = dict
    file: Path | None = None
    figures: Callable[[], Figures] = Figures
    conversations: Conversations | None = None
    requests: Requests | None = None
    incidents: Incidents | None = None
    feedback: Path | None = None
    pins: ToolPins | None = None
    manifest: Callable[[], bytes] | None = None
    steps: Steps | None = None
    rejudging: Rejudges | None = None
    shadows: Shadows | None = None
    trail: Trail | None = None

    async def ask(self, question: Callable[[Seeing], T]) -> T | None:
        """Asks the index on a thread, once it is up to date; ``None`` where there is no record."""
        seeing = self.seeing
        if seeing is None:
            return None

        def answer() -> T:
            seeing.happened.catch_up()
            return question(seeing)

        return await asyncio.to_thread(answer)
