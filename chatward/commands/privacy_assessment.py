"""``chatward privacy assessment``: which purposes need an impact assessment, and drafts for data and for rights."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ConfigError
from chatward.privacy.assessing import assessed, draft
from chatward.privacy.rights import as_page, rights_draft


def assessment(
    purpose: Annotated[str | None, typer.Argument(help="Draft the assessment of this purpose.")] = None,
    rights: Annotated[
        bool, typer.Option("--rights", help="Draft that of fundamental rights (AI Act, Article 27) instead.")
    ] = False,
    form: Annotated[Literal["markdown", "html"], typer.Option("--format", help="markdown or html.")] = "markdown",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show which purposes need an impact assessment (GDPR Article 35), or draft one."""
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
    text = rights_draft(settings, purpose) if rights else draft(settings, purpose)
    if form == "html":
        text = as_page(text)
    if as_json:
        print_json({"purpose": purpose, "draft": text})
    else:
        print(text, end="")
    return 0
