"""The policy benchmark: one short run of the whole, its mix, and that it compares like with like."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import cedarpy
import pytest

from chatward.bench import policy
from chatward.bench.policy import FIGURES, Options, all_questions, own_policies
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "QUESTIONS", 60)
    monkeypatch.setattr(policy, "PEER_QUESTIONS", 20)
    monkeypatch.setattr(policy, "BATCH", 10)


def test_a_run() -> None:
    said: list[str] = []
    report = policy.run(Options(1), said.append)
    assert set(report.figures) == set(FIGURES)
    uncached, cached = (report.figures[name] for name in FIGURES)
    assert uncached is not None
    assert cached is not None
    assert 0 < cached < uncached
    assert report.peers == {"cedarpy": cedarpy_version()}
    assert report.details["questions"] == 60
    assert report.details["policies"] > 80
    assert report.notes == []
    assert said[-1] == "cedarpy by itself"


def test_answers_that_differ_take_the_figures_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer is asked with a handle of all policies; here it permits everything."""
    real = cedarpy.is_authorized

    def is_authorized(request: Any, policies: Any, entities: Any) -> Any:
        return SimpleNamespace(allowed=True) if isinstance(entities, list) else real(request, policies, entities)

    monkeypatch.setattr(cedarpy, "is_authorized", is_authorized)
    report = policy.run(Options(1), lambda line: None)
    assert report.figures == dict.fromkeys(FIGURES)
    assert "differently" in report.notes[0]


def test_questions_are_a_mix_of_their_own() -> None:
    questions = all_questions(600, seed=1)
    assert questions == all_questions(600, seed=1)
    assert questions != all_questions(600, seed=2)
    actions = Counter(question.action.partition(":")[0] for question in questions)
    assert all(actions[name] > 10 for name in ("message", "tool", "document", "admin"))
    assert len({question.principal.id for question in questions}) == 600
    authorizer = CedarAuthorizer(book({"d": shipped(), "o": own_policies()}))
    reasons = Counter(authorizer.decide(question).reason for question in questions)
    assert {"permitted", "not-permitted", "forbidden", "step-up-required"} <= reasons.keys()
    assert not reasons["policy-error"]
    assert any(map(authorizer.reads_arguments, questions))


def cedarpy_version() -> str:
    import importlib.metadata

    return importlib.metadata.version("cedarpy")
