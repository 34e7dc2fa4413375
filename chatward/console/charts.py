"""Charts over time: what a script draws (``static/charts.js``, with uPlot), and the same numbers as a table.

The rules:

1. Whoever has no script, or does not see, has all of it in the table of the page (``parts.html``, ``chart``).
2. What is not known is ``None`` and drawn as a gap, never as 0.
3. Names that people, bots and tools gave reach the script as JSON in an attribute, and the screen as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from chatward.console.preferences import Preferences
from chatward.console.wording import visible

STEPS: Final = 48
"""Steps of a chart whose times are not given by what it shows."""
_WHOLE: Final = (60, 300, 900, 3600, 4 * 3600, 86_400, 7 * 86_400)
Form = Literal["stack", "line", "points"]


@dataclass(frozen=True, slots=True)
class Line:
    """``kind``: the colour ``--c-KIND`` of the style sheet. ``values``: one for each time of its chart."""

    title: str
    kind: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """``at``: the begin of each step, seconds since 1970 UTC, ascending. ``form``: bars upon each other, lines, or the
    first line as points. ``digits`` after the decimal point, and the ``unit`` behind a number. ``marks``: times with
    what happened then."""

    id: str
    at: Sequence[float]
    lines: Sequence[Line]
    form: Form = "line"
    digits: int = 0
    unit: str = ""
    marks: Sequence[tuple[float, str]] = ()

    def __bool__(self) -> bool:
        return any(value for line in self.lines for value in line.values)

    def data(self, view: Preferences) -> str:
        """For the script."""
        told = {
            "at": self.at,
            "lines": [{"title": visible(one.title), "kind": one.kind, "values": one.values} for one in self.lines],
            "form": self.form,
            "digits": self.digits,
            "unit": self.unit,
            "marks": [(at, visible(text)) for at, text in self.marks],
            "zone": view.zone,
            "language": view.language,
        }
        return orjson.dumps(told).decode()

    def rows(self) -> list[tuple[float, list[float | None]]]:
        """For the table: the newest first, without steps in which nothing was."""
        columns = [one.values for one in self.lines]
        rows = [(at, [values[place] for values in columns]) for place, at in enumerate(self.at)]
        return [(at, values) for at, values in reversed(rows) if any(values)]


def counted(
    id: str,
    times: Iterable[tuple[float, str]],
    kinds: Mapping[str, tuple[str, str]],
    *,
    marks: Sequence[tuple[float, str]] = (),
) -> Chart:
    """How often each kind of thing happened, by steps of a round length. ``times``: when and what; ``kinds``: what ->
    title and colour, in the order of the bars."""
    found = [(at, kind) for at, kind in times if kind in kinds]
    if not found:
        return Chart(id, (), [Line(title, colour, ()) for title, colour in kinds.values()], "stack")
    first, last = min(at for at, _ in found), max(at for at, _ in found)
    step = next((one for one in _WHOLE if (last - first) / one <= STEPS), _WHOLE[-1])
    begin = int(first) // step
    count = int(last) // step - begin + 1
    values = {kind: [0] * count for kind in kinds}
    for at, kind in found:
        values[kind][int(at) // step - begin] += 1
    lines = [Line(title, colour, values[kind]) for kind, (title, colour) in kinds.items()]
    return Chart(id, [float((begin + place) * step) for place in range(count)], lines, "stack", marks=marks)


def steps_of(id: str, steps: Sequence[Mapping[str, Any]], kinds: Mapping[str, tuple[str, str]]) -> Chart:
    """Counts that are there by step already: ``at`` and a number by kind."""
    lines = [Line(title, colour, [step[kind] for step in steps]) for kind, (title, colour) in kinds.items()]
    return Chart(id, [float(step["at"]) for step in steps], lines, "stack")
