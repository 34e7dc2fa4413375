"""``chatward replay``: what another configuration would have done with conversations that are in a file.

The report names lines by number and id and repeats nothing of what they say. Exit status: 0 nothing would change,
1 something would, 2 an error; lines before the one in error are still reported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import print_table
from chatward.configuration import locate

if TYPE_CHECKING:
    from chatward.replaying import Compared, Judged, Totals

_TITLES: Final = ("line", "id", "action", "rules", "text")
_WIDTHS: Final = (7, 20, 24, 48, 8)
_ACTIONS: Final = ("allow", "redact", "challenge", "block")


def command(
    config: Annotated[str, typer.Option("--config", "-c", metavar="FILE", help="The configuration to try.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON Lines; - is standard input.")] = "-",
    against: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The one in force; else CHATWARD_CONFIG, ./chatward.toml or the defaults."),
    ] = None,
    route: Annotated[str, typer.Option(help="The route whose settings apply to texts; requests find theirs.")] = (
        "default"
    ),
    every: Annotated[bool, typer.Option("--all", help="Show lines that stay the same as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, the totals last.")] = False,
) -> int:
    """Show what another configuration would change. Exit status 1 when it would change something."""
    other = loaded_settings(config, names=True).settings
    from chatward.commands.scan import opened  # noqa: PLC0415 - imports every guard
    from chatward.replaying import Side, Totals, compare, turns_of  # noqa: PLC0415
    from chatward.settings import Settings  # noqa: PLC0415

    current = loaded_settings(against, names=True).settings if against or locate(None) else Settings()
    totals = Totals()
    with opened(file) as source:
        before = Side(current, route)
        after = Side(other, route, like=before)
        if not as_json and sys.stdout.isatty():
            print(_row(_TITLES))
        for compared in compare(turns_of(source), before, after):
            totals.add(compared)
            if every or compared.changes:
                print(_line(compared) if as_json else _row(_cells(compared)), flush=True)
    if as_json:
        print(_json({"totals": _totals(totals)}))
    else:
        _print_totals(totals)
    return int(totals.changed > 0)


# --- lines -------------------------------------------------------------------------------------------


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _line(compared: Compared) -> str:
    return _json(
        {
            "line": compared.number,
            "id": compared.id,
            "changes": compared.changes,
            "before": _side(compared.before),
            "after": _side(compared.after),
        }
    )


def _side(judged: Judged) -> dict[str, Any]:
    return {
        "action": judged.action.label,
        "would": judged.would.label,
        "rules": sorted(judged.rules),
        "text_changed": judged.text_changed,
    }


def _cells(compared: Compared) -> tuple[str, ...]:
    before, after = compared.before, compared.after
    name = "" if compared.id is None else compared.id if isinstance(compared.id, str) else _json(compared.id)
    gone, come = sorted(before.rules - after.rules), sorted(after.rules - before.rules)
    return (
        str(compared.number),
        name if name.isprintable() else _json(name),
        _arrow(_action(before), _action(after)),
        " ".join([*(f"-{rule}" for rule in gone), *(f"+{rule}" for rule in come)]),
        "differs" if "text" in compared.changes else "",
    )


def _action(judged: Judged) -> str:
    if judged.would is judged.action:
        return judged.action.label
    return f"{judged.action.label} (would {judged.would.label})"


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} -> {after}"


def _row(cells: tuple[str, ...]) -> str:
    """Columns on a terminal, tabs elsewhere. Written at once: the lines are too many to be kept for a table."""
    if not sys.stdout.isatty():
        return "\t".join(cells)
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


# --- totals ------------------------------------------------------------------------------------------


def _counts(totals: Totals) -> Iterator[tuple[str, str, int, int]]:
    for action in _ACTIONS:
        yield "action", action, totals.actions[0][action], totals.actions[1][action]
    for rule in sorted(totals.rules[0].keys() | totals.rules[1].keys()):
        yield "rule", rule, totals.rules[0][rule], totals.rules[1][rule]


def _totals(totals: Totals) -> dict[str, Any]:
    found: dict[str, Any] = {"lines": totals.turns, "changed": totals.changed, "action": {}, "rule": {}}
    for kind, name, before, after in _counts(totals):
        found[kind][name] = {"before": before, "after": after}
    return found


def _print_totals(totals: Totals) -> None:
    rows: list[tuple[object, ...]] = [("lines", "", totals.turns, ""), ("changed", "", totals.changed, "")]
    rows += [(kind, name, before, after) for kind, name, before, after in _counts(totals) if before or after]
    if sys.stdout.isatty():
        print()
    print_table(("total", "", "before", "after"), rows)
