"""``chatward behaviour``: what was unusual, and the incidents that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from chatward.behaviour import suppressing
from chatward.behaviour.opening import stored
from chatward.behaviour.store import BehaviourStore, shown
from chatward.commands.privacy_tables import moment
from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ConfigError
from chatward.core.sealing import Record

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


@app.command()
def incidents(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the one last heard of first.")] = 50,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List incidents: alerts that belong together."""
    with stored(loaded_settings(config).settings) as store:
        found = [] if store is None else [shown(one) for one in store.incidents(limit)]
    _show(found, as_json=as_json)
    return 0


@app.command()
def suppress(
    incident: Annotated[str, typer.Argument(help="The incident's id.")],
    owner: Annotated[str, typer.Option(metavar="NAME", help="Who answers for it.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it stays in the file.")],
    hours: Annotated[float, typer.Option(min=0.1, help="Until when; 90 days at most.")] = 24.0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Hear no more of an incident until it grows beyond its scope, or the time is over."""
    with _changing(config) as (store, record, breaks):
        told = suppressing.suppress(store, record, incident, by=owner, reason=reason, hours=hours, breaks=breaks)
        _show([shown(told)], as_json=as_json)
    return 0


@app.command()
def lift(
    incident: Annotated[str, typer.Argument(help="The incident's id.")],
    owner: Annotated[str, typer.Option(metavar="NAME", help="Who wants that.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Hear of a suppressed incident again."""
    with _changing(config) as (store, record, _):
        _show([shown(suppressing.lift(store, record, incident, by=owner))], as_json=as_json)
    return 0


# --- inside


@contextmanager
def _changing(config: str | None) -> Iterator[tuple[BehaviourStore, Record, float]]:
    settings = loaded_settings(config).settings
    with stored(settings) as store:
        if store is None:
            raise ConfigError("nothing was learnt yet: there is no file of [behaviour]", reason="file-missing")
        yield store, recorder(settings.ledger), settings.behaviour.breaks


def _show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"incidents": found})
        return
    rows = [
        (
            *(one["id"], moment(one["opened"]), moment(one["heard"]), one["tenant"], one["size"], one["alerts"]),
            ", ".join(one["because"] or one["signals"]),
            one["suppressed"]["owner"] if one["suppressed"] else "-",
        )
        for one in found
    ]
    print_table(("incident", "opened", "heard", "tenant", "size", "alerts", "because", "suppressed by"), rows)
