"""``chatward education``: what tips led to, and whether people share less.

Counts of days, from the store of ``[education]``; how often personal data and secrets were hidden in what people wrote,
from the ledger. Nothing of a person, nothing of a text.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.education.counting import GIVEN, SAID, TipCounts
from chatward.education.effect import Week, weeks
from chatward.education.opening import counts_file
from chatward.education.tips import TIPS
from chatward.settings import Settings
from chatward.stores.database import Database

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Days = Annotated[int, typer.Option("--days", min=1, max=3660, help="How many days back, today included.")]


@app.callback()
def education() -> None:
    """What tips for people led to."""


@app.command()
def report(days: Days = 90, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Tips given, shown, followed and dismissed; and by week, how often people wrote what had to be hidden or stopped,
    and how many answers they reported."""
    settings = loaded_settings(config).settings
    totals = _totals(settings, days)
    by_week = weeks(settings.ledger.path, days)
    if as_json:
        print_json({"days": days, "tips": totals, "weeks": [_fields(week) for week in by_week]})
        return
    heads = (GIVEN, *SAID)
    rows = [(tip, *(str(totals.get(tip, {}).get(what, 0)) for what in heads)) for tip in TIPS if tip in totals]
    print_table(("tip", *heads), rows)
    print_table(
        ("week of", "messages", "hidden", "stopped", "reports"),
        [(week.monday, str(week.messages), str(week.hidden), str(week.stopped), str(week.reports)) for week in by_week],
    )


def _totals(settings: Settings, days: int) -> dict[str, dict[str, int]]:
    path = counts_file(settings)
    if not path.exists():
        return {}
    database = Database(path)
    try:
        return {tip: dict(found) for tip, found in TipCounts(database).totals(days).items()}
    finally:
        database.close()


def _fields(week: Week) -> dict[str, Any]:
    return {
        "week_of": week.monday,
        "messages": week.messages,
        "hidden": week.hidden,
        "stopped": week.stopped,
        "reports": week.reports,
        "hidden_share": week.hidden_share,
    }
