"""Tables of figures, as JSON and as Markdown.

The rule: a cell that could not be measured is ``None`` in JSON and a dash in Markdown, never 0. A share is between 0
and 1 in JSON and in percent in Markdown, with its interval where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatward.evaluation.metrics import Interval

Cell = str | int | float | bool | Interval | None


@dataclass(frozen=True, slots=True)
class Table:
    """``shares``: the columns whose plain numbers are shares."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    note: str = ""
    shares: frozenset[str] = field(default=frozenset())

    def as_json(self) -> dict[str, Any]:
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]
        shares = [name for name in self.columns if name in self.shares]
        return {
            "title": self.title,
            "note": self.note,
            "columns": list(self.columns),
            "shares": shares,
            "rows": rows,
        }

    @classmethod
    def of_json(cls, name: str, told: Mapping[str, Any]) -> Table:
        """A table of a report, to six digits."""
        columns = tuple(told["columns"])
        rows = [tuple(_cell(row[column]) for column in columns) for row in told["rows"]]
        return cls(name, told["title"], columns, rows, told["note"], frozenset(told["shares"]))

    def as_markdown(self, level: int = 2) -> str:
        """The table under a heading of a level."""
        parts = [f"{'#' * level} {self.title}", ""]
        if self.note:
            parts += [self.note, ""]
        if not self.rows:
            return "\n".join([*parts, "Nothing was measured.", ""])
        right = [all(not isinstance(row[at], str) for row in self.rows) for at in range(len(self.columns))]
        parts.append(_line(self.columns))
        parts.append(_line(["--:" if one else ":--" for one in right]))
        for row in self.rows:
            cells = [_shown(cell, name in self.shares) for name, cell in zip(self.columns, row, strict=True)]
            parts.append(_line(cells))
        return "\n".join([*parts, ""])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cell(told: Any) -> Cell:
    return Interval(told["value"], told["low"], told["high"]) if isinstance(told, dict) else told


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Interval):
        return {"value": _short(cell.value), "low": _short(cell.low), "high": _short(cell.high)}
    return _short(cell) if isinstance(cell, float) else cell


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _shown(cell: Cell, share: bool) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, Interval):
        return f"{100 * cell.value:.1f} % ({100 * cell.low:.1f}–{100 * cell.high:.1f})"
    if isinstance(cell, float):
        return f"{100 * cell:.1f} %" if share else f"{cell:.4g}"
    return str(cell)
