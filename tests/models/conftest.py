"""Tiny model files, written once, and what is loaded from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.models.cascade import Cascade
from chatward.models.store import ModelFiles
from chatward.models.wordpiece import WordPiece
from tests.simulators.models import VOCABULARY, write_files


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("models"))


@pytest.fixture
def cascade(files: Path) -> Cascade:
    """A cascade that remembers nothing yet."""
    return Cascade(ModelFiles(files))


@pytest.fixture(scope="session")
def cutter() -> WordPiece:
    return WordPiece(VOCABULARY)
