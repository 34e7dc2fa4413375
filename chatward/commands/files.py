"""``chatward files``: look at a file as the gateway would; list, take out and delete what was stopped.

A gateway may be running meanwhile. Who takes a file out of quarantine is on record before they get it, by the name of
the account that asks.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.console.verdicts import verdict_object
from chatward.core.errors import ConfigError
from chatward.core.values import Action
from chatward.files.opening import asked, opened, opened_quarantine
from chatward.files.quarantine import Held, Quarantine
from chatward.gateway.fetching import Fetching
from chatward.ward import Ward

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

FileId = Annotated[str, typer.Argument(metavar="ID", help="The file's id in quarantine.")]


@app.callback()
def main() -> None:
    """Look at files, and at those that were stopped."""


@app.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file.")],
    media_type: Annotated[str, typer.Option(metavar="TYPE", help="What it is declared to be.")] = "",
    route: Annotated[str, typer.Option(metavar="NAME", help="The route whose policy applies.")] = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Look at one file as the gateway would. Exit status 1: it would not go on as it is."""
    settings = loaded_settings(config).settings
    data = path.read_bytes()
    desk = opened(settings, start=False)
    try:
        report = asked(desk, data, path.name, media_type)
    finally:
        if desk is not None:
            desk.close()
    verdict = Ward(settings, route=route).check_report(report)
    told = verdict_object(verdict, report.text)
    told |= {"kind": report.kind, "size": report.size, "digest": report.digest, "unread": dict(report.failed)}
    told["notes"] = [finding.rule for finding in report.findings]
    if as_json:
        print_json(told)
    else:
        rules = [decision.finding.rule for decision in verdict.decisions if decision.action > Action.ALLOW]
        rows = [("action", verdict.action.label), ("kind", report.kind), ("digest", report.digest)]
        rows += [("rule", rule) for rule in dict.fromkeys(rules)]
        rows += [("unread", f"{name}: {reason}") for name, reason in report.failed]
        print_table(("what", "is"), rows)
    return 1 if verdict.action > Action.ALLOW else 0


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """List what is in quarantine, newest first."""
    with _quarantine(config) as quarantine:
        held = quarantine.all()
    if as_json:
        print_json({"files": [_told(one) for one in held]})
        return 0
    rows = [(one.id, _time(one.at), _time(one.until), one.kind, one.size, " ".join(one.rules)) for one in held]
    print_table(("id", "since", "until", "kind", "bytes", "rules"), rows)
    return 0


@app.command()
def show(id_: FileId, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show what is known of one file in quarantine, without opening it."""
    with _quarantine(config) as quarantine:
        told = _told(quarantine.show(id_))
    if as_json:
        print_json(told)
        return 0
    print_table(("what", "is"), [(name, " ".join(value) if name == "rules" else value) for name, value in told.items()])
    return 0


@app.command()
def release(
    id_: FileId,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where it is written; the file must not be there.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Take a file out of quarantine: a copy of it, for who examines it. It may be malware."""
    if to.exists():
        raise ConfigError(f"{to} is there already", reason="file-exists")
    with _quarantine(config) as quarantine:
        content = quarantine.release(id_, getpass.getuser())
    to.touch(mode=0o600, exist_ok=False)
    to.write_bytes(content.data)
    if as_json:
        print_json({"id": id_, "name": content.name, "path": str(to), "size": len(content.data)})
    else:
        print(f"{to}: {len(content.data)} bytes; it was called {content.name!r}")
    return 0


@app.command()
def delete(id_: FileId, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Delete a file in quarantine before its time, its key with it."""
    with _quarantine(config) as quarantine:
        quarantine.delete(id_, getpass.getuser())
    if as_json:
        print_json({"deleted": id_})
    return 0


@contextmanager
def _quarantine(config: str | None) -> Iterator[Quarantine]:
    settings = loaded_settings(config).settings
    if not settings.files.quarantine:
        raise ConfigError("files.quarantine is false", key="files.quarantine", reason="quarantine-off")
    fetch = Fetching()
    with asyncio.Runner() as runner:
        quarantine = opened_quarantine(settings, recorder(settings.ledger), fetch=fetch, ask=runner.run)
        try:
            yield quarantine
        finally:
            quarantine.database.close()
            runner.run(fetch.aclose())


def _told(held: Held) -> dict[str, Any]:
    return asdict(held) | {"at": _time(held.at), "until": _time(held.until)}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
