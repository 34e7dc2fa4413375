"""``chatward bench seal`` measures what it says, in small."""

from __future__ import annotations

import pytest

from chatward.bench import seal


def test_its_figure_is_the_worse_of_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "FIELDS", 20)
    report = seal.run(seal.Options(rounds=1), lambda line: None)
    assert set(report.figures) == {"us_per_kb"}
    costs = [report.details[f"{size}_bytes"]["seal_us_per_kb"] for size in seal.SIZES]
    assert report.figures["us_per_kb"] == max(costs) > 0
    assert report.details["new_key_us"] > 0
    assert report.machine["cores"] >= 1
