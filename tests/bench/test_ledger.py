"""The ledger's benchmark, small: every figure is there, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.bench import ledger
from chatward.bench.ledger import FIGURES, Options


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in {"CLIENTS": 4, "PACE": 40, "ENTRIES": 600, "_SYNCS": 2}.items():
        monkeypatch.setattr(ledger, name, value)
    monkeypatch.setattr(ledger, "machine", lambda: {"busy_before": 0.9})
    return tmp_path


def test_a_short_run_measures_everything_and_cleans_up(short: Path) -> None:
    said: list[str] = []
    report = ledger.run(Options(rounds=1, seconds=0.2), said.append)
    assert tuple(report.figures) == FIGURES
    assert all(value is not None and value > 0 for value in report.figures.values())
    assert report.details["proof"]["bytes"] > 500
    assert report.details["verify_by_the_clock_per_s"].keys() == {"processes_1", "processes_2"}
    assert ["busy (90%)" in note for note in report.notes] == [True]
    assert said
    assert list(short.iterdir()) == []


def test_waits_are_ordered_before_one_is_chosen() -> None:
    assert ledger._at([5.0, 1.0, 3.0], 0.5) == 3.0
    assert ledger._at([float(n) for n in range(1000)], 0.99) == 990.0
    assert ledger._at([7.0], 0.99) == 7.0
