"""The scan benchmark: how figures come from times, and one short run of the whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatward.bench import peers, scan
from chatward.bench.scan import FIGURES, Options, Times
from chatward.bench.texts import messages

IDS = ("text.pii", "text.secrets")
MODULES = {
    "spacy": "load = lambda name: 'model'\nblank = lambda language: 'blank'\n",
    "presidio_analyzer/nlp_engine": "class SpacyNlpEngine:\n    def __init__(self, models): self.models = models\n",
    "presidio_analyzer/__init__": (
        "import time\n"
        "class AnalyzerEngine:\n"
        "    def __init__(self, nlp_engine, supported_languages): self.slow = nlp_engine.nlp['en'] == 'model'\n"
        "    def analyze(self, text, language):\n"
        "        end = time.thread_time() + (0.004 if self.slow else 0.0005)\n"
        "        while time.thread_time() < end: pass\n"
    ),
}


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> peers.Program:
    """A Python with packages that behave as Presidio's and spaCy's, and take time."""
    for name, source in MODULES.items():
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return peers.Program("presidio", "1.0", (sys.executable,))


def test_times_are_of_all_and_of_each() -> None:
    times = Times((0.001, 0.001, 0.002), 4000)
    assert times.per_second == pytest.approx(750)
    assert times.megabytes_per_second == pytest.approx(1.0)
    assert times.mean_ms == pytest.approx(4 / 3)
    assert times.quantile_ms(0.5) == 1.0
    assert times.quantile_ms(0.99) == 2.0


def test_each_text_is_timed_once() -> None:
    texts = list(messages(30, seed=1))
    seen: list[str] = []
    times = scan.timed(seen.append, texts)
    assert seen == [text.text for text in texts]
    assert len(times.each) == 30
    assert times.size == sum(len(text.encode()) for text in seen)


def test_one_core_is_held_and_given_back() -> None:
    before = os.sched_getaffinity(0)
    with scan.one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_presidio_is_timed_with_its_model_and_without(stand_in: peers.Program) -> None:
    ended = subprocess.run(
        [*stand_in.command, scan._PEER], input=json.dumps(["a", "b"] * 10), capture_output=True, text=True, check=True
    )
    timed = json.loads(ended.stdout)
    assert timed["analyzer_s"] >= 0.08 > timed["patterns_only_s"] >= 0.01


def test_a_short_run_measures_everything(monkeypatch: pytest.MonkeyPatch, stand_in: peers.Program) -> None:
    monkeypatch.setattr(scan, "MESSAGES", 30)
    monkeypatch.setattr(scan, "IDS", IDS)
    monkeypatch.setattr(scan.stages, "TURNS", 3)
    monkeypatch.setattr(peers, "presidio", lambda *, offline: stand_in)
    report = scan.run(Options(rounds=1, offline=True), lambda line: None)
    assert tuple(report.figures) == FIGURES
    assert all(value is not None and value > 0 for value in report.figures.values())
    assert report.peers == {"presidio": "1.0"}
    assert scan.NOTE in report.notes
    assert set(report.details["guard_alone"]) == set(IDS)
    assert report.details["all_guards"]["us_p50"] > report.details["reading"]["us_p50"]


def test_without_presidio_there_is_no_figure_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = peers.Program("presidio", "1.0", (sys.executable, "-c", "raise SystemExit(1)"))
    assert scan._ask(broken, ["a"]) is None
