"""``chatward ledger``: is the record whole, and what came last.

``verify`` exits with 0 for a whole record, 1 for a broken one. Keep the head that it prints somewhere else: given as
``--expect`` later, it shows that nothing was cut off and that the chain was not made anew.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ConfigError
from chatward.ledger import reading
from chatward.ledger.chain import Head

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

LedgerFile = Annotated[str | None, typer.Argument(metavar="FILE", help="The ledger; else that of the settings.")]


@app.callback()
def main() -> None:
    """Verify the record, or show its newest entries."""


@app.command()
def verify(
    file: LedgerFile = None,
    expect: Annotated[str | None, typer.Option(metavar="NUMBER:HASH", help="A head noted earlier.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Check every entry and the chain that links them."""
    result = reading.verify(_path(file, config), None if expect is None else _head(expect))
    head = f"{result.head.seq}:{result.head.hash.hex()}"
    if as_json:
        told = {"ok": result.ok, "entries": result.entries, "head": head}
        print_json(told | {"first_bad": result.first_bad, "problem": result.problem or None})
    elif result.ok:
        print(f"whole: {result.entries} entries, head {head}")
    else:
        print(f"broken: entry {result.first_bad} is {result.problem}; {result.entries} entries before it are whole")
    return 0 if result.ok else 1


@app.command()
def tail(
    file: LedgerFile = None,
    number: Annotated[int, typer.Option("--number", "-n", min=0, help="How many entries.")] = 20,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show the newest entries, oldest first (with --json one object a line)."""
    rows = []
    for record in reading.tail(_path(file, config), number):
        # The record's own order and the clock's nanoseconds are in --json; people read microseconds.
        at = datetime.fromtimestamp(record.at // 1_000_000_000, UTC).replace(microsecond=record.at // 1000 % 1_000_000)
        if as_json:
            told = {"seq": record.seq, "at": at.isoformat(), "at_ns": record.at, "event": record.event}
            print_json(told | {"exchange": record.exchange, "fields": record.fields, "hash": record.hash.hex()})
        else:
            fields = msgspec.json.encode(record.fields).decode()
            rows.append((record.seq, at.isoformat(timespec="milliseconds"), record.event, record.exchange, fields))
    if not as_json:
        print_table(("number", "time", "event", "exchange", "fields"), rows)
        sys.stdout.flush()
    return 0


def _path(file: str | None, config: str | None) -> str:
    return file if file is not None else loaded_settings(config).settings.ledger.path


def _head(text: str) -> Head:
    number, _, digest = text.partition(":")
    try:
        head = Head(int(number), bytes.fromhex(digest))
    except ValueError:
        head = Head(0, b"")
    if head.seq < 1 or len(head.hash) != 32:
        raise ConfigError("--expect takes NUMBER:HASH as `chatward ledger verify` prints it", reason="usage")
    return head
