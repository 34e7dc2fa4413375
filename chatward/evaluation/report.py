"""An evaluation from start to end, and what is written of it.

The rules: the report names the machine, the version, the rows that were left out and everything that could not be
measured. It quotes no row. ``report.json`` holds what ``report.md`` shows; plots are SVG beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from chatward import __version__
from chatward.bench.report import machine
from chatward.evaluation import plots
from chatward.evaluation.comparing import compared, pii_table
from chatward.evaluation.leaving import left_out_table
from chatward.evaluation.measuring import Measured, Outcome, measured
from chatward.evaluation.peers.asking import ask
from chatward.evaluation.rows import Data, own_rows
from chatward.evaluation.samples import Progress, collect
from chatward.evaluation.scoring import Ask, Scored, score
from chatward.evaluation.tables import Cell, Table
from chatward.models.store import ModelError, ModelFiles
from chatward.ward import Ward

_LATENCY_ROWS: Final = 2000
_WARM_UP: Final = 10
"""One text in so many warms up and is not timed."""


@dataclass(frozen=True, slots=True)
class Options:
    """``limit``: rows of a corpus, label and language at most (0: all). ``rules``: confidences of rules stand in for
    scores. ``peers``: ask the peers; ``offline``: install none that is missing. ``workers`` 0: one a core.
    ``left_out``: fit n-grams without each source in turn."""

    limit: int = 500
    peers: bool = False
    offline: bool = False
    rules: bool = False
    workers: int = 0
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, ready to be written."""

    figures: dict[str, float | None]
    tables: Sequence[Table]
    drawings: dict[str, str]
    notes: Sequence[str]
    about: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "figures": self.figures,
            "about": self.about,
            "notes": list(self.notes),
            "tables": {table.name: table.as_json() for table in self.tables},
            "plots": sorted(self.drawings),
        }

    def as_markdown(self) -> str:
        parts = ["# Evaluation", ""]
        parts += [f"- {name}: {value}" for name, value in self.about.items()]
        parts += ["", *(f"> {note}" for note in self.notes for note in (note, ""))]
        parts += [Table("figures", "Figures", ("figure", "value"), list(self.figures.items())).as_markdown()]
        parts += [f"![{name.removesuffix('.svg')}]({name})\n" for name in sorted(self.drawings)]
        return "\n".join([*parts, *(table.as_markdown() for table in self.tables)])

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Writes ``report.json``, ``report.md`` and the plots; returns what was written."""
        folder.mkdir(parents=True, exist_ok=True)
        texts = {"report.md": self.as_markdown(), **self.drawings}
        written = [folder / "report.json", *(folder / name for name in texts)]
        written[0].write_bytes(orjson.dumps(self.as_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        for path, text in zip(written[1:], texts.values(), strict=True):
            path.write_text(text)
        return tuple(written)


def evaluate(ward: Ward, data: Data | None, options: Options, progress: Progress) -> Evaluation:
    """Measures. ``data`` ``None``: the product's own held-out rows alone. Raises ``DataError``."""
    about = {
        "chatward": __version__,
        "date": datetime.now(UTC).date().isoformat(),
        "encoder.onnx, SHA-256": _encoder(),
        **machine(),
        "rows of a corpus, label and language at most": options.limit or "all",
    }
    samples = collect(data, own_rows(), limit=options.limit, progress=progress)
    scorer = _scorer(ward, options, progress)
    progress(f"{len(samples.all)} rows")
    found = Measured.of(samples, scorer, rules=options.rules)
    outcome = measured(found, scorer, samples.dropped)
    tables, notes = list(outcome.tables), list(outcome.notes)
    if options.rules:
        notes.insert(0, "The rules' confidences stand in for the models' scores: this says nothing of the models.")
    if data is None:
        notes.insert(0, "No data directory was given: only the product's own held-out rows were measured.")
    unavailable = sorted({name for _, one in (*found.chat, *found.rows) for name in one.unavailable})
    if unavailable:
        notes.append(f"Guards that could not run on some rows: {', '.join(unavailable)}.")
    if options.peers:
        peers = compared(
            found, lambda peer, rows: ask(peer, rows, offline=options.offline), __version__,
            limit=max(options.limit // 5, 1) if options.limit else 0, progress=progress,
        )  # fmt: skip
        tables += peers[:2]
        notes += peers[2]
    if data is not None:
        asking = (lambda peer, rows: ask(peer, rows, offline=options.offline)) if options.peers else None
        pii, said = pii_table(data, scorer, asking, limit=options.limit, progress=progress)
        tables.append(pii)
        notes += said
    if options.left_out and data is not None:
        tables.append(left_out_table(data, samples, limit=options.limit, progress=progress))
    progress("latency of the whole check, one process")
    latency, times = latency_table(ward, [(row.text, row.role) for row in (*samples.chat, *samples.rows)])
    figures = {**outcome.figures, **times}
    return Evaluation(figures, [*tables, latency], drawn(outcome), notes, about)


def drawn(outcome: Outcome) -> dict[str, str]:
    """The plots by file name; none where nothing has a curve."""
    if not outcome.curves:
        return {}
    return {
        "roc.svg": plots.roc_plot(outcome.curves, "ROC, sources not fitted on"),
        "det.svg": plots.det_plot(outcome.curves, "DET, sources not fitted on"),
        "reliability.svg": plots.reliability_plot(outcome.bins, "Reliability, sources not fitted on"),
    }


def latency_table(ward: Ward, asked: Sequence[Ask]) -> tuple[Table, dict[str, float | None]]:
    """Wall time of ``Ward.check`` in this process, one text after the other, by length in words."""
    step = max(len(asked) // _LATENCY_ROWS, 1)
    some = list(dict.fromkeys(asked[::step]))
    score(ward, some[::_WARM_UP], workers=1)  # what is loaded at first use; the same text is never timed twice
    some = [one for at, one in enumerate(some) if at % _WARM_UP]
    times = np.array([one.seconds for one in score(ward, some, workers=1)], dtype=np.float64) * 1000
    words = np.array([len(text.split()) for text, _ in some], dtype=np.int64)
    bands = (("up to 20 words", 0, 20), ("21 to 100", 20, 100), ("101 to 500", 100, 500), ("more", 500, 1 << 30))
    rows: list[tuple[Cell, ...]] = []
    for name, least, most in (*bands, ("all", -1, 1 << 30)):
        inside = times[(words > least) & (words <= most)] if name != "up to 20 words" else times[words <= most]
        if len(inside):
            middle, high, highest = (float(value) for value in np.percentile(inside, [50, 95, 99]))
            rows.append((name, len(inside), float(inside.mean()), middle, high, highest))
    columns = ("words", "texts", "mean ms", "p50 ms", "p95 ms", "p99 ms")
    note = "The whole check: all guards and the policy. Texts of scripts without blanks count as one word a run."
    figures = {
        "check_ms_mean": float(times.mean()) if len(times) else None,
        "check_ms_p50": float(np.percentile(times, 50)) if len(times) else None,
        "check_ms_p99": float(np.percentile(times, 99)) if len(times) else None,
    }
    return Table("latency", "Latency", columns, rows, note), figures


def _encoder() -> str:
    """How the digest of the encoder's file begins."""
    try:
        return ModelFiles().digests["encoder.onnx"][:8]
    except (ModelError, KeyError):
        return "missing"


def _scorer(ward: Ward, options: Options, progress: Progress) -> Callable[[Sequence[Ask]], Sequence[Scored]]:
    def scorer(asked: Sequence[Ask]) -> Sequence[Scored]:
        def done(count: int) -> None:
            if count % 5000 == 0:
                progress(f"{count} of {len(asked)}")

        return score(ward, asked, workers=options.workers, done=done)

    return scorer
