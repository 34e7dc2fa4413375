"""``chatward behaviour``: what was unusual, and the incidents that it makes."""

from __future__ import annotations

from typing import Annotated

import typer

from chatward.behaviour.opening import stored
from chatward.commands.privacy_tables import moment
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Show what was unusual of people, keys, bots, tenants and address blocks."""


@app.command()
def alerts(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 50,
    tenant: Annotated[str | None, typer.Option(metavar="NAME", help="Of this tenant alone.")] = None,
    incident: Annotated[str | None, typer.Option(metavar="ID", help="Of this incident alone.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List alerts: what was unusual, of whom, and what was expected."""
    with stored(loaded_settings(config).settings) as store:
        found = [] if store is None else store.alerts(limit=limit, tenant=tenant, incident=incident)
    if as_json:
        print_json({"alerts": found})
        return 0
    rows = []
    for one in found:
        said = ", ".join(f"{d['feature']} {d['value']:g} (expected {d['expected']:g})" for d in one["deviations"])
        rows.append((moment(one["at"]), one["form"], one["entity"], one["signal"], said, one["incident"] or "-"))
    print_table(("time", "of", "entity", "signal", "what", "incident"), rows)
    return 0
