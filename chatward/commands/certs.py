"""``chatward certs``: a local authority and a certificate for trying TLS; what is configured and when it ends."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.gateway.certificates import RENEW_DAYS, expiries, local

FOLDER: Final = "chatward-tls"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Make certificates for trying TLS; show when those that are configured end."""


@app.command()
def make(
    names: Annotated[
        list[str] | None, typer.Argument(help="Host names and addresses besides localhost and loopback.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where the files are.")] = Path(FOLDER),
    as_json: AsJson = False,
) -> int:
    """Make a local authority and a certificate for development, or renew the certificate."""
    files = local(folder, names or ())
    if as_json:
        print_json(
            {
                "ca": str(files.ca),
                "tls_cert": str(files.cert),
                "tls_key": str(files.key),
                "not_after": files.not_after.isoformat(),
                "made": files.made,
            }
        )
        return 0
    print(f"{'Made' if files.made else 'Kept'}; good until {files.not_after:%Y-%m-%d}. In chatward.toml:")
    print(f'\n[server]\ntls_cert = "{files.cert}"\ntls_key = "{files.key}"\n')
    print(f"Clients must trust {files.ca}. It vouches for these names only.")
    return 0


@app.command("list")
def list_(
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show when the configured certificates end. Exit status 1 where one has ended or soon does."""
    found = expiries(loaded_settings(config).settings)
    now = datetime.now(UTC)
    days = {path: (at - now).days for path, at in found}
    if as_json:
        rows = [{"path": path, "not_after": at.isoformat(), "days": days[path]} for path, at in found]
        print_json({"certificates": rows})
    elif found:
        print_table(("Ends", "Days", "File"), [(f"{at:%Y-%m-%d}", days[path], path) for path, at in found])
    else:
        print("No certificates are configured.", file=sys.stderr)
    return int(any(left < RENEW_DAYS for left in days.values()))
