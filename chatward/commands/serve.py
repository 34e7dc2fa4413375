"""``chatward serve``: the gateway, from settings that hold and a machine that has what they need."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chatward.commands.settings import assignments, loaded_settings, missing
from chatward.commands.terminal import AsJson, ConfigFile, print_json


def command(
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address of the gateway.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the gateway.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Port of the console.")] = None,
    upstream: Annotated[str | None, typer.Option(metavar="URL", help="The bot's base URL.")] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="info (a line for each request), warning or error.")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting.")] = None,
    as_json: AsJson = False,
) -> int:
    """Run the gateway until it is told to stop."""
    given = {
        "server.host": host,
        "server.port": port,
        "server.admin_port": admin_port,
        "server.log_level": log_level,
        "upstream": upstream,
    }
    overrides = assignments(settings or []) | {key: value for key, value in given.items() if value is not None}
    loaded = loaded_settings(config, overrides, names=True)
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for error in missing(loaded):
        raise error
    from chatward.assembly import serve  # noqa: PLC0415 - compiles patterns

    server = loaded.settings.server
    scheme = "https" if server.tls_cert else "http"
    if as_json:
        print_json({"base_url": f"{scheme}://{server.host}:{server.port}/v1"})
        sys.stdout.flush()
    result: object = serve(loaded)
    return result if isinstance(result, int) else 0
