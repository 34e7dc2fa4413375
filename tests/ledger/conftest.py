"""Fixtures of the ledger's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger.checkpointing import verifiers
from chatward.ledger.note import Verifier


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def entry() -> Callable[..., Entry]:
    def make(number: int = 0, **fields: object) -> Entry:
        return Entry(Event.MESSAGE_JUDGED, f"x-{number}", {"number": number, **fields})

    return make


def keys_of(path: Path) -> list[Verifier]:
    """The public keys beside a ledger."""
    keys = verifiers(path)
    assert keys
    return keys
