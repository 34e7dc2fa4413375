"""``chatward bench genuine`` measures what it says, in small."""

from __future__ import annotations

import pytest

from chatward.bench import genuine


def test_altered_proofs_are_refused_and_the_figure_is_both_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genuine, "REPLIES", 8)
    monkeypatch.setattr(genuine, "ALTERED", 160)
    report = genuine.run(genuine.Options(rounds=1), lambda line: None)
    assert set(report.figures) == set(genuine.FIGURES)
    assert report.details["altered"] > 120
    assert report.details["accepted"] == 0
    both = report.details["sign_us_p50"] + report.details["verify_us_p50"]
    assert report.figures["sign_verify_ms_p50"] == pytest.approx(both / 1000, rel=0.01)


def test_a_check_that_lets_everything_pass_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genuine, "REPLIES", 8)
    monkeypatch.setattr(genuine, "ALTERED", 80)
    monkeypatch.setattr(genuine, "verify", lambda *args, **named: None)
    assert genuine.run(genuine.Options(rounds=1), lambda line: None).details["accepted"] > 0
