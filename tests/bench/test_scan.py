"""The scan benchmark: one short run of the whole, and what is said where models or Presidio are missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chatward.bench import cascade, peers, scan
from chatward.bench.scan import FIGURES, Options
from chatward.models.store import ModelError

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


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, stand_in: peers.Program) -> None:
    """A small measurement, next to the stand-in."""
    monkeypatch.setattr(scan, "MESSAGES", 30)
    monkeypatch.setattr(scan, "IDS", IDS)
    monkeypatch.setattr(scan.stages, "TURNS", 3)
    monkeypatch.setattr(cascade, "CYCLES", 1)
    monkeypatch.setattr(cascade.phrases, "languages", lambda: ("de", "en"))
    monkeypatch.setattr(cascade, "loading", lambda: {"models_mb": 30.0})
    monkeypatch.setattr(peers, "presidio", lambda *, offline: stand_in)


def test_presidio_is_timed_with_its_model_and_without(stand_in: peers.Program) -> None:
    ended = subprocess.run(
        [*stand_in.command, scan._PEER], input=json.dumps(["a", "b"] * 10), capture_output=True, text=True, check=True
    )
    timed = json.loads(ended.stdout)
    assert timed["analyzer_s"] >= 0.08 > timed["patterns_only_s"] >= 0.01


@pytest.mark.usefixtures("short")
def test_a_short_run_measures_everything() -> None:
    report = scan.run(Options(rounds=1, offline=True), lambda line: None)
    assert tuple(report.figures) == FIGURES
    assert all(value is not None and value > 0 for value in report.figures.values())
    assert report.peers == {"presidio": "1.0"}
    assert all("cores_used" in note for note in report.notes)  # the machine may be busy
    assert set(report.details["guard_alone"]) == set(IDS)
    assert report.details["all_guards"]["us_p50"] > report.details["reading"]["us_p50"]
    models = report.details["models"]
    assert models["loading"] == {"models_mb": 30.0}
    assert models["threads"]["threads_2"]["texts_per_second"] > 0
    assert report.figures["cascade_ms_mean"] > report.figures["tier1_ms_p50"]


@pytest.mark.usefixtures("short")
def test_our_pii_guard_is_compared_with_its_model() -> None:
    report = scan.run(Options(rounds=1, offline=True), lambda line: None)
    told = report.details["presidio"]
    assert told["ours_ms_mean"] > told["ours_patterns_only_ms_mean"] > 0
    assert report.figures["pii_vs_presidio"] == pytest.approx(told["analyzer_ms_mean"] / told["ours_ms_mean"], rel=0.01)


@pytest.mark.usefixtures("short")
def test_without_models_there_are_no_figures_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModelError("the model file encoder.onnx cannot be read", reason="model-missing")

    monkeypatch.setattr(scan, "shipped", missing)
    report = scan.run(Options(rounds=1, offline=True), lambda line: None)
    assert {name for name, value in report.figures.items() if value is not None} == {"pattern_mb_s"}
    assert ["encoder.onnx" in note for note in report.notes] == [True]
    assert report.peers == {}


def test_no_measurement_has_the_messages_of_another() -> None:
    sets = [set(scan._texts(turn, place)) for turn in range(3) for place in range(4)]
    assert sum(map(len, sets)) - len(set().union(*sets)) <= len(sets)  # short ones end in a word drawn from eight


def test_without_presidio_there_is_no_figure_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = peers.Program("presidio", "1.0", (sys.executable, "-c", "raise SystemExit(1)"))
    assert scan._ask(broken, ["a"]) is None
