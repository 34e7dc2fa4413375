"""``chatward mcp``: tools of MCP servers, as they were accepted and as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from chatward.commands.privacy_tables import moment
from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.settings import Settings
from chatward.stores.database import Database
from chatward.stores.tool_pins import Pin, ToolPins, pins_file

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Show and accept tools of MCP servers."""


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """List the tools that were seen, and whether they may be used."""
    with _pins(loaded_settings(config).settings) as pins:
        found = pins.pins()
    if as_json:
        print_json({"tools": [_told(one) for one in found]})
        return 0
    rows = [(one.server, one.tool, one.refusal or "good", one.offered[:16], moment(one.since)) for one in found]
    print_table(("server", "tool", "state", "sha256", "since"), rows)
    return 0


@app.command()
def accept(
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The name of the server in the settings.")],
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="One tool; without it all of the server.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Accept tools as they are now offered. Look at them first: `chatward mcp list`, and the server itself."""
    settings = loaded_settings(config).settings
    if server not in settings.mcp:
        raise ClientError("The settings name no such MCP server.", reason="not-found")
    with _pins(settings) as pins:
        if tool and not any((one.server, one.tool) == (server, tool) for one in pins.pins()):
            raise ClientError("This server has listed no such tool.", reason="not-found")
        wanted = pins.waiting(server, tool)
        if wanted:
            about = {"by": "command-line", "server": server, "sha256": [one.offered for one in wanted][:100]}
            recorder(settings.ledger)(Entry(Event.TOOL_ACCEPTED, "", about))
        changed = pins.accept(server, tool)
    if as_json:
        print_json({"accepted": [_told(one) for one in changed]})
    else:
        print(f"accepted: {', '.join(one.tool for one in changed) or 'nothing was waiting'}")
    return 0


@contextmanager
def _pins(settings: Settings) -> Iterator[ToolPins]:
    database = Database(pins_file(settings.ledger.path))
    try:
        yield ToolPins(database, {})
    finally:
        database.close()


def _told(one: Pin) -> dict[str, object]:
    return {
        "server": one.server,
        "tool": one.tool,
        "state": one.refusal or "good",
        "accepted": one.accepted,
        "offered": one.offered,
        "since": one.since,
    }
