"""The stages of a turn are all there, and none is free."""

from __future__ import annotations

import pytest

from chatward.bench import stages


def test_each_stage_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "TURNS", 5)
    monkeypatch.setattr(stages, "STREAMS", 2)
    told = stages.measure()
    turn = {"parse", "screen", "serialise", "reply", "finish"}
    assert {kind: set(rows) for kind, rows in told.items()} == {
        "bench-plain": turn,
        "bench-personal": turn,
        "bench-unpaced": {"open", "feed", "finish", "feed_each_event"},
    }
    assert all(value > 0 for rows in told.values() for value in rows.values())
    assert told["bench-unpaced"]["feed"] > told["bench-unpaced"]["feed_each_event"]
