"""``chatward evaluate``: measures detection on labelled texts.

Figures go to standard output, what is being done to standard error, on a terminal. Without ``--data`` the product's own
held-out sets are measured. Nothing of a row is printed or written.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatward.commands.terminal import AsJson, print_json, print_table, progress

if TYPE_CHECKING:
    from chatward.evaluation.report import Evaluation


def command(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Corpora with a manifest.json; see docs/evaluation.md.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write report.json, report.md and plots there.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="A configuration; else the defaults.")
    ] = None,
    peers: Annotated[bool, typer.Option("--peers", help="Compare with other programs on the same rows.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Install no peer that is missing.")] = False,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="Fit n-grams without each source of --data in turn; takes minutes.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="Rows of a corpus, label and language at most; 0: all.")] = 500,
    rules: Annotated[bool, typer.Option("--rules", help="Let rules' confidences stand in for models' scores.")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Measure detection. Peers are installed into the user's cache folder, unless --offline."""
    from chatward.evaluation.report import Options, evaluate  # noqa: PLC0415 - imports numpy
    from chatward.evaluation.rows import open_data  # noqa: PLC0415
    from chatward.ward import Ward  # noqa: PLC0415

    corpora = open_data(data) if data else None
    ward = Ward.from_config(config) if config else Ward()
    found = evaluate(ward, corpora, Options(limit, peers, offline, rules, workers, left_out), progress("evaluate"))
    written = found.write(out) if out else ()
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)
    for path in written:
        print(f"chatward evaluate: wrote {path}", file=sys.stderr)
    return 0


def _print(found: Evaluation) -> None:
    for note in found.notes:
        print(f"note: {note}")
    values = [(name, "not measured" if value is None else f"{value:.4g}") for name, value in found.figures.items()]
    print_table(("figure", "value"), values)
    if not sys.stdout.isatty():
        return
    for table in found.tables:
        print(f"\n{table.as_markdown()}")
