"""Living with a task for a while: the options of ``chatward patches accept`` and ``chatward vendor accept``, and what
they say when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from chatward.commands.terminal import print_json

TaskNumber = Annotated[int, typer.Argument(help="Its number.")]
Owner = Annotated[str, typer.Option(help="Who answers for it.")]
Until = Annotated[str, typer.Option(metavar="DAY", help="The day on which it is open again (YYYY-MM-DD).")]
Reason = Annotated[str, typer.Option(help="Why.")]


def accepted(task: Mapping[str, Any], *, as_json: bool) -> int:
    """Tells of a task that is accepted by now; the exit status."""
    if as_json:
        print_json(task)
    else:
        print(f"Task {task['id']} is accepted until {task['accepted_until']} by {task['accepted_by']}.")
    return 0
