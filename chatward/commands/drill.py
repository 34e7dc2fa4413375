"""``chatward drill``: what was practised, as evidence on record, and what is due.

Exit status of ``list``: 0: every drill that is asked for was done in time; 1: one lacks; 2: an error.
"""

from __future__ import annotations

import hashlib
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from chatward.assurance.drills import KINDS, Drill, drills, newest, standing
from chatward.assurance.reports import records_of
from chatward.assurance.tasks import day_of
from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ConfigError
from chatward.core.events import Event
from chatward.core.ports import Entry

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Drills with dates: erasure, restore, incident, attacks; controls rest on them."""


@app.command()
def record(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.")],
    by: Annotated[str, typer.Option(help="Who answers for it.")],
    failed: Annotated[bool, typer.Option("--failed", help="It did not go well.")] = False,
    on: Annotated[str | None, typer.Option(metavar="DAY", help="When it was (YYYY-MM-DD); else today.")] = None,
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What was written about it; its SHA-256 is put on record.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Put a drill on record."""
    settings, now = loaded_settings(config).settings, time.time()
    if kind not in KINDS:
        raise ConfigError(f"Drills are {', '.join(KINDS)}.", reason="usage")
    at = now if on is None else day_of(on)
    if at > now:
        raise ConfigError("A drill is put on record after it was done.", reason="usage")
    if not by.strip():
        raise ConfigError("It needs somebody who answers for it (--by).", reason="usage")
    try:
        digest = hashlib.sha256(evidence.read_bytes()).hexdigest() if evidence is not None else ""
    except OSError as error:
        raise ConfigError(f"{evidence} cannot be read: {error.strerror}", reason="usage") from error
    told = Drill(kind, at, not failed, by).fields(digest)
    recorder(settings.ledger)(Entry(Event.DRILL_RECORDED, "", told))
    if as_json:
        print_json(told)
    else:
        print(f"On record: {kind}, {'failed' if failed else 'done'}, {datetime.fromtimestamp(at, UTC).date()}.")
    return 0


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """List drills: the last of each kind, and when it is due again."""
    settings = loaded_settings(config).settings
    rows = standing(settings.assurance.drills, newest(drills(records_of(settings))), time.time())
    good = not any(one["why"] for one in rows)
    if as_json:
        print_json({"ok": good, "drills": rows})
        return int(not good)
    names = ("kind", "last", "good", "by", "due", "why")
    print_table(names, [tuple("-" if one[name] is None else one[name] for name in names) for one in rows])
    if not good:
        print("Practise, and say so: chatward drill record --help", file=sys.stderr)
    return int(not good)
