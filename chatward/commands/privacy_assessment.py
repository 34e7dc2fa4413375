"""``chatward privacy assessment``: which purposes need an impact assessment, and a draft of one."""

from __future__ import annotations

from typing import Annotated

import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ConfigError
from chatward.privacy.assessing import assessed, draft


def assessment(
    purpose: Annotated[str | None, typer.Argument(help="Draft the assessment of this purpose.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show which purposes need an impact assessment (GDPR Article 35), or draft one in Markdown."""
    settings = loaded_settings(config).settings
    found = assessed(settings)
    if purpose is None:
        if as_json:
            print_json({"assessments": found})
            return 0
        rows = [
            (
                one.purpose,
                "yes" if one.needed else "likely" if one.likely else "-",
                len(one.criteria),
                one.on_file or "-",
            )
            for one in found
        ]
        print_table(("purpose", "needed", "criteria", "on file"), rows)
        return 0
    if purpose not in {one.purpose for one in found}:
        raise ConfigError("no route has this purpose", reason="usage")
    text = draft(settings, purpose)
    if as_json:
        print_json({"purpose": purpose, "draft": text})
    else:
        print(text, end="")
    return 0
