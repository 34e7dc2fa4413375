"""``chatward patches``: known vulnerabilities in Chatward and in bots, without a network.

Exit status: 0: all was looked up and nothing is open; 1: something is open, or is not known; 2: an error. Not to know
is never taken for good news.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from chatward.assurance.inventory import OWN
from chatward.assurance.opening import (
    assurance_file,
    inventory_of,
    opened_advisories,
    opened_tasks,
    owner_of,
    scanned,
    targets,
    tools_of,
)
from chatward.assurance.sbom import cyclonedx
from chatward.assurance.scanning import Finding, Scan
from chatward.assurance.schedule import alone, due, gently
from chatward.assurance.tasks import Quarantine, Task, day_of
from chatward.commands.accepting import Owner, Reason, TaskNumber, Until, accepted
from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ConfigError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.settings import Settings
from chatward.stores.database import Database

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Of = Annotated[str | None, typer.Option("--of", metavar="NAME", help="This bot alone, or `chatward` itself.")]


@app.callback()
def main() -> None:
    """Known vulnerabilities in Chatward and in bots: advisories, scans, tasks, bills of materials."""


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="OSV files: all.zip, folders, advisories.")],
    as_of: Annotated[
        str | None, typer.Option(metavar="DAY", help="The day they are of; else their newest entry's.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Take in advisories from OSV database files."""
    settings, now = loaded_settings(config).settings, time.time()
    with opened_advisories(settings) as advisories:
        done = advisories.take(files, now=now, as_of=None if as_of is None else day_of(as_of))
    told = {"ecosystems": list(done.ecosystems), "advisories": done.advisories}
    recorder(settings.ledger)(Entry(Event.ADVISORIES_IMPORTED, "", told))
    if as_json:
        print_json({**told, "refused": list(done.refused)})
    else:
        print(f"{done.advisories} advisories of {', '.join(done.ecosystems) or 'no ecosystem'}")
        for name in done.refused:
            print(f"warning: {name} is no advisory", file=sys.stderr)
    return 0


@app.command()
def scan(
    of: Of = None,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only where one is due (assurance.scan_every), giving way to all else.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Compare what Chatward and the bots are made of with the advisories; open and close tasks."""
    settings = loaded_settings(config).settings
    wanted = _wanted(settings, of)
    if if_due:
        gently()
    with alone(settings):
        now = time.time()
        made = [] if if_due and not due(settings, now) else _settled(settings, wanted, now)
    good = all(not one.open and not one.unknown for one in made)
    if as_json:
        print_json({"ok": good, "targets": [_scan(one) for one in made]})
        return int(not good)
    rows = [
        (
            one.target,
            finding.id,
            finding.urgency,
            _mark(finding),
            finding.component.purl,
            _way(finding),
            finding.fixed or "-",
            finding.closed,
        )
        for one in made
        for finding in one.findings
    ]
    print_table(("in", "id", "urgency", "known", "component", "imported by", "fixed in", "closed by its maker"), rows)
    for one in made:
        print(f"{one.target}: {one.components} components, {len(one.open)} open findings", file=sys.stderr)
        for sentence in one.unknown:
            print(f"unknown: {one.target}: {sentence}", file=sys.stderr)
        for sentence in one.ended:
            print(f"warning: {one.target}: support ended: {sentence}", file=sys.stderr)
    return int(not good)


@app.command("list")
def list_(
    closed: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    of: Of = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List what is to be done, the most urgent first."""
    settings, now = loaded_settings(config).settings, time.time()
    with opened_tasks(settings, recorder(settings.ledger)) as tasks:
        found = [_task(one, now) for one in tasks.all(of) if closed or one.closed is None]
    if as_json:
        print_json({"tasks": found})
        return 0
    names = ("id", "target", "state", "urgency", "due", "owner", "component", "fixed")
    print_table((*names, "ids"), [(*(row[name] or "-" for name in names), " ".join(row["ids"])) for row in found])
    return 0


@app.command()
def accept(
    task: TaskNumber,
    owner: Owner,
    until: Until,
    reason: Reason,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Live with a finding for a while."""
    settings, now = loaded_settings(config).settings, time.time()
    with opened_tasks(settings, recorder(settings.ledger)) as tasks:
        told = _task(tasks.accept(task, owner=owner, until=day_of(until), reason=reason), now)
    return accepted(told, as_json=as_json)


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show how old the advisories are, when each bot was scanned, what is late, and which bots are shut."""
    settings, now = loaded_settings(config).settings, time.time()
    wanted = settings.assurance
    with opened_advisories(settings) as advisories:
        feeds = [
            {
                "ecosystem": one.ecosystem,
                "as_of": _moment(one.as_of),
                "entries": one.entries,
                "stale": now - one.as_of > wanted.stale_after,
            }
            for one in advisories.feeds()
        ]
    with opened_tasks(settings, recorder(settings.ledger)) as tasks:
        late = [_task(one, now) for one in tasks.all() if one.state(now) == "late"]
        scans = {one.target: one for one in tasks.scans()}
    shut = _shut(settings)
    rows: list[dict[str, Any]] = []
    for target in targets(settings):
        one = scans.get(target)
        unknown = ["it was never scanned"] if one is None else list(one.unknown)
        if one is not None and now - one.at > wanted.stale_after:
            unknown = ["its scan is old"]
        rows.append(
            {
                "target": target,
                "scanned": None if one is None else _moment(one.at),
                "findings": None if one is None else one.findings,
                "unknown": unknown,
                "quarantined": target in shut,
            }
        )
    good = bool(feeds) and not late and not any(row["unknown"] or row["findings"] for row in rows)
    if as_json:
        print_json({"ok": good, "feeds": feeds, "targets": rows, "late": late, "quarantine": wanted.quarantine})
        return int(not good)
    print_table(("ecosystem", "as of", "advisories", "stale"), [list(feed.values()) for feed in feeds])
    print_table(
        ("of", "scanned", "findings", "shut", "not known"),
        [
            (row["target"], row["scanned"] or "never", row["findings"], row["quarantined"], "; ".join(row["unknown"]))
            for row in rows
        ],
    )
    if not feeds:
        print("unknown: there are no advisories; see: chatward patches import --help", file=sys.stderr)
    print(f"{len(late)} tasks are late.", file=sys.stderr)
    return int(not good)


@app.command()
def sbom(
    of: Of = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="With what a scan finds in it, and what makers say of that (VEX).")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Print a bill of materials (CycloneDX 1.6, JSON): of Chatward with its models and MCP tools, or of a bot."""
    settings, now = loaded_settings(config).settings, time.time()
    target = of or OWN
    parts = inventory_of(settings, target).components
    found = None
    if findings:
        with opened_advisories(settings) as advisories:
            (found,) = scanned(settings, [target], advisories, now)
    tools = tools_of(settings) if target == OWN else []
    print_json(cyclonedx(target, parts, at=now, models=target == OWN, tools=tools, scan=found))
    return 0


def _settled(settings: Settings, wanted: list[str], now: float) -> list[Scan]:
    """Scans, and what follows from them."""
    with opened_advisories(settings) as advisories:
        made = scanned(settings, wanted, advisories, now)
    with opened_tasks(settings, recorder(settings.ledger)) as tasks:
        for one in made:
            tasks.settle(one, settings.assurance.due, owner_of(settings, one.target))
        tasks.tell_late()
    return made


def _shut(settings: Settings) -> list[str]:
    if not settings.assurance.quarantine:
        return []
    database = Database(assurance_file(settings))
    try:
        return Quarantine(database).shut(settings.bots)
    finally:
        database.close()


def _wanted(settings: Settings, of: str | None) -> list[str]:
    known = targets(settings)
    if of is None:
        return known
    if of not in known:
        raise ConfigError(f"There is no bot of that name; known are {', '.join(known)}.", reason="usage")
    return [of]


def _scan(one: Scan) -> dict[str, Any]:
    return {
        "target": one.target,
        "components": one.components,
        "findings": [_finding(finding) for finding in one.findings],
        "unknown": list(one.unknown),
        "ended": list(one.ended),
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "id": one.id,
        "ids": list(one.ids),
        "component": one.component.purl,
        "severity": one.severity,
        "score": one.score,
        "urgency": one.urgency,
        "exploited": one.exploited,
        "likely": one.likely,
        "fixed": one.fixed,
        "closed": one.closed or None,
        "reached": None if one.reached is None else list(one.reached),
    }


def _way(one: Finding) -> str:
    """How a bot's code comes to a package."""
    return "?" if one.reached is None else " > ".join(one.reached[:-1]) or "not imported"


def _mark(one: Finding) -> str:
    return "exploited" if one.exploited else f"{one.likely:.1%}" if one.likely is not None else one.severity


def _task(one: Task, now: float) -> dict[str, Any]:
    return {
        "id": one.id,
        "target": one.target,
        "state": one.state(now),
        "urgency": one.urgency,
        "due": _moment(one.due),
        "owner": one.owner or None,
        "component": f"{one.name} {one.version}",
        "ids": list(one.ids),
        "fixed": one.fixed,
        "opened": _moment(one.opened),
        "closed": None if one.closed is None else _moment(one.closed),
        "accepted_by": one.accepted_by or None,
        "accepted_until": _moment(one.accepted_until) if one.accepted_until else None,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
