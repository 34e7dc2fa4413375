"""``chatward education``: what tips, the quiz and drills led to, and whether people share less.

Counts of days, from the store of ``[education]``; how often personal data and secrets were hidden in what people wrote,
from the ledger. Nothing of a person, nothing of a text.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.education.counting import GIVEN, SAID, TipCounts
from chatward.education.drills import DID, DRILL, SHOWN
from chatward.education.effect import Week, weeks
from chatward.education.opening import counts_file
from chatward.education.quiz import QUIZ, RIGHT, TAKEN, WRONG
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
    """Tips given, shown, followed and dismissed; answers of the quiz; what came of drills; and by week, how often
    people wrote what had to be hidden or stopped, how many answers they reported, and how many drills they fell for."""
    settings = loaded_settings(config).settings
    totals = _totals(settings, days)
    by_week = weeks(settings.ledger.path, days)
    if as_json:
        tips = {tip: found for tip, found in totals.items() if tip in TIPS}
        quiz = {"taken": totals.get(QUIZ, {}).get(TAKEN, 0), "questions": _of(totals, QUIZ)}
        told = {"days": days, "tips": tips, "quiz": quiz, "drills": _of(totals, DRILL)}
        print_json({**told, "weeks": [_fields(week) for week in by_week]})
        return
    heads = (GIVEN, *SAID)
    rows = [(tip, *(str(totals.get(tip, {}).get(what, 0)) for what in heads)) for tip in TIPS if tip in totals]
    print_table(("tip", *heads), rows)
    for name, columns in ((QUIZ, (RIGHT, WRONG)), (DRILL, (SHOWN, *DID))):
        if found := _of(totals, name):
            print_table(
                (name, *columns), [(kind, *(str(one.get(c, 0)) for c in columns)) for kind, one in found.items()]
            )
    counted = ("messages", "hidden", "stopped", "reports", "drills", "followed")
    print_table(
        ("week of", *counted), [(week.monday, *(str(getattr(week, name)) for name in counted)) for week in by_week]
    )


def _of(totals: dict[str, dict[str, int]], name: str) -> dict[str, dict[str, int]]:
    """The counts of the quiz's questions, or of drills, by kind."""
    head = f"{name}:"
    return {key.removeprefix(head): totals[key] for key in sorted(totals) if key.startswith(head)}


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
        "drills": week.drills,
        "followed": week.followed,
        "hidden_share": week.hidden_share,
    }
