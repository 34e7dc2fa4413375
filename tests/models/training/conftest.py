"""Tiny corpora, written once; a test that changes them takes a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.simulators.corpora import write_corpora


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpora(tmp_path_factory.mktemp("data"))


@pytest.fixture
def own_data(data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(data, tmp_path / "data"))
