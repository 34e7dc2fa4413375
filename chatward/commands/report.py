"""``chatward report``: how controls stand, with the evidence behind them, as a page, a table or OSCAL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from chatward.assurance.controls import REPORTS
from chatward.assurance.reports import as_csv, as_html, as_oscal, proof, report
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json
from chatward.core.errors import ConfigError
from chatward.ward import Ward


def command(
    name: Annotated[str, typer.Argument(help=f"{', '.join(REPORTS)}.")],
    form: Annotated[
        Literal["html", "json", "csv", "oscal"], typer.Option("--format", help="html, json, csv or oscal.")
    ] = "html",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there, and its signature beside it.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Report how controls stand: what is enforced, what is not covered, and the evidence."""
    if name not in REPORTS:
        raise ConfigError(f"Reports are {', '.join(REPORTS)}.", reason="usage")
    settings = loaded_settings(config).settings
    made = report(name, settings, Ward(settings).check)
    signature = proof(made, Path(settings.ledger.path)) if settings.ledger.enabled else None
    if as_json or (form == "json" and out is None):
        print_json({**made, "proof": signature})
        return 0
    if form == "html":
        text = as_html(made)
    elif form == "csv":
        text = as_csv(made)
    else:
        text = msgspec.json.encode(made if form == "json" else as_oscal(made)).decode() + "\n"
    if out is None:
        sys.stdout.write(text)
        return 0
    out.write_text(text, "utf-8")
    if signature is not None:
        beside = out.with_name(out.name + ".note")
        beside.write_text(signature, "utf-8")
        print(f"{out}; its signature: {beside}", file=sys.stderr)
    return 0
