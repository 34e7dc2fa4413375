"""Model files are those that were released, or they are not read."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.models.cascade import Cascade
from chatward.models.heads import HEADS
from chatward.models.store import FOLDER, ModelError, ModelFiles, write_manifest

NAMES = ("vocabulary.txt", "tier1.npz", "names.npz", "encoder.onnx", "calibration.json")


@pytest.fixture
def copy(files: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(files, tmp_path / "files"))


def test_files_as_released(files: Path) -> None:
    found = ModelFiles(files)
    assert found.version == "tiny"
    assert set(found.digests) == set(NAMES)
    assert all(found.path(name) == files / name for name in NAMES)
    assert set(found.json("calibration.json")["heads"]) == set(HEADS)


@settings(max_examples=30)
@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_changed_byte_is_refused(files: Path, name: str, where: float, change: int) -> None:
    path = files / name
    released = path.read_bytes()
    changed = bytearray(released)
    changed[int(where * len(released))] ^= change
    try:
        path.write_bytes(changed)
        with pytest.raises(ModelError) as refused:
            ModelFiles(files).path(name)
    finally:
        path.write_bytes(released)
    assert refused.value.reason == "model-changed"
    assert ModelFiles(files).path(name) == path


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_changed_folder_is_loaded(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(ModelError, match="SHA-256"):
        Cascade(ModelFiles(copy))


@pytest.mark.parametrize("name", [*NAMES, "manifest.json"])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError) as refused:
        Cascade(ModelFiles(copy))
    assert refused.value.reason == "model-missing"


def test_a_file_that_the_manifest_does_not_name_is_refused(copy: Path) -> None:
    (copy / "more.txt").write_text("more")
    with pytest.raises(ModelError, match=r"more\.txt"):
        ModelFiles(copy).path("more.txt")


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"files": []}', '{"files": {"a": {}}}', '{"files": {"a": "b"}}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ModelError) as refused:
        ModelFiles(tmp_path)
    assert refused.value.reason == "model-missing"


def test_a_released_pickle_is_refused_all_the_same(copy: Path) -> None:
    """Even where the manifest vouches for it: loading a file runs none of it."""
    with np.load(copy / "tier1.npz") as stored:
        arrays = dict(stored)
    np.savez(copy / "tier1.npz", **{**arrays, "bias": np.array([{"an": "object"}], dtype=object)})
    write_manifest(copy, "tiny")
    with pytest.raises(ValueError, match="allow_pickle"):
        Cascade(ModelFiles(copy))


def test_the_manifest_names_models_and_nothing_else(copy: Path) -> None:
    (copy / "card.md").write_text("# Card")
    (copy / "notes.py").write_text("")
    write_manifest(copy, "2")
    manifest = json.loads((copy / "manifest.json").read_text())
    assert set(manifest["files"]) == set(NAMES)
    assert manifest["files"]["tier1.npz"]["bytes"] == (copy / "tier1.npz").stat().st_size
    assert manifest["version"] == "2"


def test_a_file_keeps_its_day_until_it_changes(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    write_manifest(copy, "1", date(2026, 9, 1))
    (copy / "tier1.npz").write_bytes(b"anew")
    write_manifest(copy, "2", date(2026, 9, 20))
    made = ModelFiles(copy).made
    assert made["tier1.npz"] == date(2026, 9, 20)
    assert {day for name, day in made.items() if name != "tier1.npz"} == {date(2026, 9, 1)}


def test_the_shipped_files_are_as_released() -> None:
    shipped = ModelFiles()
    assert set(NAMES) <= set(shipped.digests)
    for name in shipped.digests:
        assert shipped.path(name) == FOLDER / name
    on_disk = {path.name for path in FOLDER.iterdir() if path.suffix in (".npz", ".onnx", ".txt", ".json")}
    assert on_disk == {*shipped.digests, "manifest.json"}
