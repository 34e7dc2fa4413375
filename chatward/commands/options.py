"""The options of commands whose modules know nothing of command lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from chatward.commands.terminal import AsJson, ConfigFile
from chatward.configuration import locate


def demo(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the gateway; else 8787 or above.")] = None,
    admin_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port of the console; else 8788 or above.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run a guarded chatbot on this machine, with attacks to try, until Ctrl-C."""
    from chatward.commands.demo import run  # noqa: PLC0415

    return run(port, admin_port, as_json=as_json)


def scan(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The input; - is standard input.")] = "-",
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line, in and out.")] = False,
    scores: Annotated[bool, typer.Option("--scores", help="Add each model's calibrated score.")] = False,
    role: Annotated[str, typer.Option(help="Who wrote it: user, assistant, tool, document or system.")] = "user",
    config: ConfigFile = None,
    route: Annotated[str, typer.Option(help="The route whose settings apply.")] = "default",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Judge text, or JSON Lines as a stream. Exit status 1 when something is above `allow`."""
    from chatward.commands.scan import Options, opened, run  # noqa: PLC0415
    from chatward.ward import ROLES  # noqa: PLC0415

    if role not in ROLES:
        raise typer.BadParameter(f"must be one of {', '.join(ROLES)}", param_hint="--role")
    path = locate(config)
    options = Options(jsonl, scores, role, None if path is None else Path(path), route, workers)
    with opened(file) as source:
        return run(source, sys.stdout.buffer, options)
