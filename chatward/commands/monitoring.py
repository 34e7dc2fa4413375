"""``chatward monitoring``: how far receivers of the record have come, and who is alerted."""

from __future__ import annotations

import secrets
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import resolve
from chatward.core.errors import ConfigError
from chatward.ledger.reading import between, tail
from chatward.monitoring.alerts import Alert, Alerts
from chatward.monitoring.cursors import Cursors, file_of, opened
from chatward.monitoring.receivers import host_of
from chatward.monitoring.running import follow as follow_all
from chatward.monitoring.running import made, rules
from chatward.monitoring.sinks import SinkError
from chatward.monitoring.standing import ALERTS, standing
from chatward.monitoring.syslog import timestamp
from chatward.monitoring.targets import Message, deliverer
from chatward.parent import until_closed
from chatward.settings import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Follow the record for SIEMs and alerts; show how far they are."""


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show what each receiver has not taken yet, and its last error. Exit status 1 when one is late."""
    found = standing(_settings(config))
    if as_json:
        print_json({"receivers": [{**asdict(one), "late": one.lags} for one in found]})
    else:
        rows = [(one.name, one.kind, one.behind, f"{one.waiting:.0f} s", one.failures, one.error) for one in found]
        print_table(("receiver", "kind", "behind", "waiting", "failures", "error"), rows)
    return 1 if any(one.lags for one in found) else 0


@app.command()
def follow(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Send entries to their receivers until it is stopped. A gateway starts this by itself."""
    settings = _settings(config)
    stop = threading.Event()
    until_closed(stop)
    database = opened(file_of(settings))
    try:
        running = made(settings, database, resolve)
        if as_json:
            print_json({"following": len(running)})
            sys.stdout.flush()
        follow_all(running, stop)
    finally:
        database.close()
    return 0


@app.command()
def move(
    name: Annotated[str, typer.Argument(metavar="RECEIVER", help="Its name; `alerts`: the watching for rules.")],
    to: Annotated[int, typer.Option(min=0, metavar="ENTRY", help="The last entry that it counts as having.")] = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Let a receiver begin behind another entry: again from the start, or after the ledger was replaced."""
    settings = _settings(config)
    known = [one.name for one in settings.siem] + [ALERTS]
    if name not in known:
        raise ConfigError(f"there is no receiver {name}; there are: {', '.join(known)}", reason="usage")
    path = Path(settings.ledger.path)
    newest = tail(path, 1)
    if to > (newest[-1].seq if newest else 0):
        raise ConfigError("the ledger has no such entry yet", reason="usage")
    record = between(path, to, to) if to else []
    database = opened(file_of(settings))
    try:
        Cursors(database).move(name, to, record[0].hash if record else b"", time.time())
    finally:
        database.close()
    if as_json:
        print_json({"receiver": name, "behind": to})
    else:
        print(f"{name} goes on with entry {to + 1}")
    return 0


@app.command()
def alerts(
    n: Annotated[int, typer.Option("--last", min=1, help="How many.")] = 20,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show what was seen, newest first."""
    settings = _settings(config)
    file = file_of(settings)
    found: list[Alert] = []
    if file.exists():
        database = opened(file)
        try:
            found = Alerts(database, settings.monitoring.group).newest(n)
        finally:
            database.close()
    if as_json:
        print_json({"alerts": [one.as_object() for one in found]})
    else:
        rows = [(timestamp(o.last_at), o.level.label, o.count, o.title, o.about, o.last_seq, o.rule) for o in found]
        print_table(("last", "level", "count", "what", "about", "entry", "rule"), rows)
    return 0


@app.command("test-alert")
def try_alert(
    name: Annotated[str | None, typer.Argument(metavar="[TARGET]", help="This target alone; else all.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Tell every target of [[alerts]] that this is a test. Exit status 1 when one did not take it."""
    settings = _settings(config)
    known = [target.name for target in settings.alerts]
    if not known or (name is not None and name not in known):
        raise ConfigError(f"there is no such target; there are: {', '.join(known) or 'none'}", reason="usage")
    told = {}
    for target in settings.alerts:
        if name in (None, target.name):
            try:
                message = Message(f"msg_{secrets.token_hex(12)}", time.time(), host_of(settings), (), test=True)
                deliverer(target, resolve)(message)
                told[target.name] = ""
            except SinkError as error:
                told[target.name] = str(error)
    if as_json:
        print_json({"told": [{"target": one, "error": error} for one, error in told.items()]})
    else:
        print_table(("target", "result"), [(one, error or "taken") for one, error in told.items()])
    return 1 if any(told.values()) else 0


@app.command("rules")
def show_rules(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show the rules that are watched for."""
    found = rules(loaded_settings(config).settings).rules
    if as_json:
        shown = [{"rule": o.key, "id": o.id, "title": o.title, "level": o.level.label, "tags": o.tags} for o in found]
        print_json({"rules": shown})
    else:
        rows = [(one.key, one.level.label, one.title, " ".join(one.tags)) for one in found]
        print_table(("rule", "level", "title", "tags"), rows)
    return 0


# --- inside


def _settings(config: str | None) -> Settings:
    settings = loaded_settings(config).settings
    if not (settings.siem or settings.alerts):
        raise ConfigError("there is no receiver; add [[siem]] or [[alerts]] to the configuration", key="siem")
    return settings
