"""``chatward bench traffic`` measures what it says, in small."""

from __future__ import annotations

import pytest

from chatward.bench import traffic_bots


def test_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_bots, "MESSAGES", 60)
    said: list[str] = []
    report = traffic_bots.run(traffic_bots.Options(1), said.append)
    assert set(report.figures) == {"ms_p99"}
    assert report.figures["ms_p99"] is not None
    assert 0 < report.details["ms_p50"] <= report.figures["ms_p99"]
    assert said == ["warming up", "round 1 of 1"]


def test_its_messages_are_seen_as_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a refusal at the first look would be what is timed."""
    traffic = traffic_bots._traffic()
    for message in traffic_bots._messages(traffic, 50, seed=1):
        traffic_bots._finish(traffic.look(message.caller, "/v1/chat/completions", message.call, "", "x")).end()
    assert traffic.figures.actors["human"] > 5 * traffic.figures.actors["bot"] > 0
    assert "page.invalid" not in traffic.figures.signals
