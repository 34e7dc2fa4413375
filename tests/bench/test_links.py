"""``chatward bench links`` measures what it says, in small."""

from __future__ import annotations

import pytest

from chatward.bench import links
from chatward.guards.links.extraction import links_in


def test_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MESSAGES", 30)
    said: list[str] = []
    report = links.run(links.Options(1), said.append)
    assert set(report.figures) == set(links.FIGURES)
    assert report.figures["url_ms_p50"] is not None
    assert report.figures["url_ms_p50"] > 0
    assert set(report.details["stage_ms_p50"]) == {"find", "parse", "signs", "model", "none"}
    assert set(report.peers) == {"urlextract", "tldextract"}
    assert said == ["warming up", "round 1 of 1"]


def test_messages_are_a_mix_of_their_own() -> None:
    made = links.messages(400, seed=1)
    assert made == links.messages(400, seed=1)
    assert made != links.messages(400, seed=2)
    assert len(set(made)) == 400
    assert all(links_in(text) for text in made)
