"""``chatward config``: the settings in force, where each comes from, and their schema."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import msgspec
import typer

from chatward.commands.settings import loaded_settings, one_file
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import schema
from chatward.settings.types import dotted, values

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """The settings in force, where each comes from, and their schema."""


@app.command()
def show(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="Else CHATWARD_CONFIG or ./chatward.toml.")] = None,
    config: ConfigFile = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    as_json: AsJson = False,
) -> int:
    """Print every setting that has a value. Secrets are references here as everywhere."""
    loaded = loaded_settings(one_file(file, config))
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if as_json:
        told: dict[str, object] = {"settings": msgspec.to_builtins(loaded.settings)}
        if origin:
            told["origins"] = {key: str(one) for key, one in loaded.origins.items()}
        print_json(told)
        return 0
    rows = [(dotted(steps), json.dumps(value)) for steps, value in values(loaded.settings) if value is not None]
    if origin:
        print_table(("key", "value", "origin"), [(key, value, loaded.origins[key]) for key, value in rows])
    else:
        for key, value in rows:
            print(f"{key} = {value}")
    return 0


@app.command("schema")
def print_schema(as_json: AsJson = False) -> int:
    """Print the JSON Schema of the file."""
    if as_json:
        print_json(schema())
    else:
        print(json.dumps(schema(), indent=2))
    return 0
