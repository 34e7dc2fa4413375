"""What the console's pages stand on in a running Chatward, made ready from what runs.

The index of what happened is a file beside the ledger (``.index``), readable by its owner alone; it may be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from chatward.configuration import Loaded, load
from chatward.console.figures import Figures, figures
from chatward.console.happened import Happened
from chatward.console.rejudged import Rejudges, Shadows
from chatward.console.seeing import Seeing
from chatward.console.trail import Trail
from chatward.console.views import Steps
from chatward.console.watching import Conversations, Watching
from chatward.core.errors import ConfigError
from chatward.core.ports import Entry, Ledger
from chatward.core.sealing import Record
from chatward.guards.catalog import KNOWN
from chatward.models.feedback import FILE_NAME
from chatward.privacy.incidents import Incidents
from chatward.privacy.requests import Requests
from chatward.settings import Settings
from chatward.stores.database import Database
from chatward.stores.tool_pins import ToolPins, pins_file

SUFFIX: Final = ".index"


def overseeing(
    stack: AsyncExitStack,
    loaded: Loaded,
    ledger: Ledger,
    ledger_path: Path | None,
    *,
    database: Database,
    metrics: Callable[[], str],
    record: Record,
    privacy: Database | None = None,
    conversations: Conversations | None = None,
    manifest: Callable[[], bytes] | None = None,
    rejudging: Rejudges | None = None,
    shadows: Shadows | None = None,
) -> Watching:
    """Opens the index and follows the ledger until ``stack`` ends. ``database`` keeps who put the first steps away,
    ``privacy`` the registers of ``[privacy]``, ``manifest`` gives what bots are known by. Raises ``StoreError``."""
    seeing: Seeing | None = None
    if ledger_path is not None:
        happened = Happened(ledger_path, ledger_path.with_name(ledger_path.name + SUFFIX))
        stack.callback(happened.close)
        happened.start()
        seeing = Seeing(happened)

    async def noted(entry: Entry) -> None:
        await ledger.append(entry)

    def now() -> Loaded:
        """The settings of the file as it is, or those of the start where it cannot be read just now."""
        if loaded.path is None:
            return loaded
        try:
            return load(loaded.path, guards=KNOWN)
        except ConfigError:
            return loaded

    def settings() -> Settings:
        return now().settings

    def origins() -> Mapping[str, object]:
        return now().origins

    def told() -> Figures:
        return figures(metrics())

    trail = Trail(told)
    trail.start()
    stack.callback(trail.stop)
    hours = loaded.settings.privacy.breach_hours
    return Watching(
        seeing,
        ledger_path,
        noted if ledger_path is not None else None,
        settings,
        origins,
        loaded.path,
        told,
        conversations,
        Requests(privacy, record) if privacy is not None else None,
        Incidents(privacy, record, hours=hours) if privacy is not None else None,
        loaded.path.parent / FILE_NAME if loaded.path is not None else None,
        _pins(stack, loaded.settings),
        manifest,
        Steps(database),
        rejudging,
        shadows,
        trail,
    )


def _pins(stack: AsyncExitStack, settings: Settings) -> ToolPins | None:
    """The tools of MCP servers, where there are any: beside the gateway's own connection to the same file."""
    if not settings.mcp:
        return None
    database = Database(pins_file(settings.ledger.path))
    stack.callback(database.close)
    return ToolPins(database, {})
