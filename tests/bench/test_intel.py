"""``chatward bench intel`` measures what it says, in small."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chatward.bench import intel
from chatward.core.indicators import IndicatorKind
from chatward.intel.entries import normalise
from chatward.intel.index import SNAPSHOT
from chatward.intel.snapshot import Snapshot


def test_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intel, "_enforce", lambda folder: 0.25)
    report = intel.run(intel.Options(rounds=1, entries=4000, rows=300), lambda line: None)
    assert set(report.figures) == set(intel.FIGURES)
    assert all(value is not None and value >= 0 for value in report.figures.values())
    assert report.figures["enforce_s"] == 0.25
    assert report.details["import"]["rows"] == 300
    assert report.details["lookup"]["listed"] == report.details["lookup"]["asked"] // 200 == 20
    assert report.notes == []


@pytest.mark.parametrize("entries", [100, 5000])
def test_the_large_snapshot_has_what_is_known_and_as_many_others(tmp_path: Path, entries: int) -> None:
    intel._large(tmp_path, entries)
    snapshot = Snapshot(tmp_path / SNAPSHOT)
    assert snapshot.count == entries
    for number in random.Random(1).sample(range(entries // 10), 10):
        listed = normalise(intel.known_url(number))
        assert listed is not None
        assert snapshot.find(*listed)
        assert not snapshot.find(IndicatorKind.URL, intel.other_url(number))


def test_a_change_is_enforced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intel, "_SETTLE", 0.2)
    assert intel._enforce(tmp_path / "x") < intel._LIMIT
