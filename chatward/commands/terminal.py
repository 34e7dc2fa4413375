"""How commands speak: one JSON object, or lines; tables on a terminal, tab-separated columns in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ConfigFile = Annotated[
    str | None,
    typer.Option("--config", "-c", metavar="FILE", help="The configuration; else CHATWARD_CONFIG or ./chatward.toml."),
]


def progress(command: str) -> Callable[[str], None]:
    """Tells what is being done, on a terminal; in a pipe nothing."""
    if not sys.stderr.isatty():
        return lambda line: None
    return lambda line: print(f"chatward {command}: {line}", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One value on one line; keys in the order given."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on a terminal; without titles and separated by tabs elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)
