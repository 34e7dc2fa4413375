"""``chatward check``: is a configuration valid, does this machine have what it needs, and what is weak in it.

Exit status: 0 valid; 1 with ``--strict`` when something is missing, ended or of high weakness; 2 invalid.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from chatward.commands.settings import loaded_settings, missing, one_file, policies
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import SettingsError
from chatward.core.errors import ConfigError
from chatward.weaknesses import weaknesses


def command(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="Else CHATWARD_CONFIG or ./chatward.toml.")] = None,
    config: ConfigFile = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings and high weaknesses.")] = False,
    as_json: AsJson = False,
) -> int:
    """Say whether a configuration is valid, and what is weak in it."""
    try:
        loaded = loaded_settings(one_file(file, config), names=True)
        policies(loaded)
    except ConfigError as error:
        return _invalid([error, *(error.others if isinstance(error, SettingsError) else ())], as_json=as_json)
    gone = [str(error) for error in missing(loaded)]
    warnings = [*loaded.warnings, *gone]
    found = weaknesses(loaded.settings, datetime.now(UTC).date())
    if as_json:
        print_json(
            {
                "valid": True,
                "starts": not gone,
                "file": None if loaded.path is None else str(loaded.path),
                "warnings": warnings,
                "weaknesses": [
                    {
                        "level": one.level,
                        "key": one.key,
                        "sentence": one.sentence,
                        "origin": str(loaded.origins.get(one.key, "")),
                    }
                    for one in found
                ],
            }
        )
    else:
        lacks = "; it does not start here, where something that it names is not there" if gone else ""
        print(f"{loaded.path or 'The environment'}: valid{lacks}")
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print_table(("level", "key", "what it means"), [(one.level, one.key, one.sentence) for one in found])
    return int(strict and (bool(warnings) or any(one.level == "high" for one in found)))


def _invalid(errors: list[ConfigError], *, as_json: bool) -> int:
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    if as_json:
        told = [{"reason": e.reason, "file": e.file, "line": e.line, "key": e.key, "message": e.public} for e in errors]
        print_json({"valid": False, "errors": told})
    return 2
