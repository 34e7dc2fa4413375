"""Measuring the models: on a stand-in that takes known time, and remembers as the cascade does."""

from __future__ import annotations

import string
import threading
import time

import pytest

from chatward.bench import cascade
from chatward.bench.times import Times
from chatward.bench.traffic import CYCLE, MIX, Text
from chatward.models.cascade import Analysis
from chatward.models.encoder import windows
from chatward.models.wordpiece import CLS, PAD, SEP, TRUSTED, UNK, UNTRUSTED, WordPiece

FIRST, WHOLE = 0.0004, 0.0012


class StandIn:
    """Tier 1 takes ``FIRST`` seconds of CPU, a new text ``WHOLE``, a remembered one nothing. With names the encoder
    reads every window, without it those of untrusted texts."""

    def __init__(self) -> None:
        letters = [mark + letter for mark in ("", "##") for letter in string.ascii_lowercase]
        self.cutter = WordPiece([PAD, UNK, CLS, SEP, TRUSTED, UNTRUSTED, *letters])
        self.seen: list[str] = []
        self.threads: set[int] = set()

    def first(self, text: str) -> dict[str, float]:
        _spin(FIRST)
        return {}

    def analyse(self, text: str, *, untrusted: bool = False, names: bool = False) -> Analysis:
        if text not in self.seen:
            _spin(WHOLE)
        self.seen.append(text)
        self.threads.add(threading.get_ident())
        count = len(windows(self.cutter(text), untrusted=untrusted))
        return Analysis({}, {}, (), count if names or untrusted else 0)


def _spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascade, "CYCLES", 1)
    monkeypatch.setattr(cascade.phrases, "languages", lambda: ("de", "en"))


def test_figures_are_the_times_of_new_texts() -> None:
    models = StandIn()
    figures, details = cascade.measure(models, cascade.traffic_for(models), 2, lambda line: None)
    assert tuple(figures) == cascade.FIGURES
    assert len(models.seen) == len(set(models.seen)) == CYCLE * (3 * 2 + 2)
    assert figures["tier1_ms_p50"] == pytest.approx(FIRST * 1e3, rel=0.5)
    assert figures["cascade_ms_mean"] >= WHOLE * 1e3
    assert figures["cascade_ms_p99"] >= figures["cascade_ms_mean"]
    assert details["cascade"]["texts_per_second"] <= 1 / WHOLE
    assert details["traffic"]["texts"] == CYCLE


def test_what_the_encoder_read_is_told_by_kind() -> None:
    models = StandIn()
    _, details = cascade.measure(models, cascade.traffic_for(models), 1, lambda line: None)
    assert set(details["windows_read"].values()) == {1.0}
    read = details["windows_read_without_names"]
    assert (read["ordinary"], read["look_alikes"], read["documents"]) == (0.0, 0.0, 1.0)
    assert 0 < read["attacks"] < 1
    told = {kind for kinds in cascade._GROUPS.values() for kind in kinds}
    assert told == set(MIX)


def test_a_share_counts_windows_and_not_texts() -> None:
    texts = (Text("a", "en", "chat", False, 1), Text("b", "en", "document", True, 300))
    run = cascade.Run(texts, Times((1.0, 1.0), 2), (1, 3), (1, 0))
    assert (run.share(), run.share("chat"), run.share("document"), run.share("pii")) == (0.25, 1.0, 0.0, None)


def test_every_language_has_figures_of_its_own() -> None:
    models = StandIn()
    _, details = cascade.measure(models, cascade.traffic_for(models), 1, lambda line: None)
    assert set(details["languages"]) == {"de", "en"}
    for told in details["languages"].values():
        assert told["cascade_ms_mean"] > told["tier1_ms_p50"] > 0
        assert told["tokens_mean"] > 15


def test_lengths_are_counted_as_the_models_count() -> None:
    models = StandIn()
    text = cascade.traffic_for(models).take(1, "en")[0]
    assert text.tokens == len(models.cutter(text.text).ids)


def test_threads_share_the_texts() -> None:
    models = StandIn()
    told = cascade.throughput(models, cascade.traffic_for(models), 1, lambda line: None)
    assert len(models.seen) == len(set(models.seen)) == 2 * CYCLE
    assert threading.get_ident() not in models.threads
    assert set(told) == {"threads_1", "threads_2"}
    for row in told.values():
        assert 0 < row["texts_per_second"] <= 2 / WHOLE
        assert 0 < row["cores_used"] <= 2.1
        assert row["texts_per_core_second"] <= 1.05 / WHOLE


def test_cores_that_others_took_are_noticed() -> None:
    def told(one: float | None, two: float) -> dict[str, dict[str, float | None]]:
        return {"threads_1": {"cores_used": one}, "threads_2": {"cores_used": two}}

    assert not cascade.starved(told(0.99, 1.9))
    assert cascade.starved(told(0.99, 1.0))
    assert cascade.starved(told(0.5, 1.9))
    assert cascade.starved(told(None, 1.9))


def test_what_a_thread_raised_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    models = StandIn()
    traffic = cascade.traffic_for(models)
    monkeypatch.setattr(models, "analyse", lambda text, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cascade.throughput(models, traffic, 1, lambda line: None)


def test_loading_is_measured_in_a_process_of_its_own() -> None:
    told = cascade.loading()
    assert told is not None
    assert told["models_ms"] > 0
    assert 20 < told["models_mb"] < 400
    assert told["before_mb"] > 10


def test_a_process_that_fails_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascade.sys, "executable", "/bin/false")
    assert cascade.loading() is None
