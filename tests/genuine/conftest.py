"""A keyring with a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from chatward.genuine.keyring import Keyring
from chatward.genuine.manifest import Facts
from chatward.genuine.replies import Proving

ORIGIN = "https://chat.example.com"
FACTS = Facts(
    ORIGIN, "Möbel-Bot", "Example Ltd", "abuse@example.com", ("https://social.example/@bot",), ("example.com",)
)


@dataclass
class Clock:
    now: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(tmp_path: Path, clock: Clock) -> Keyring:
    return Keyring(tmp_path / "signing.json", clock)


@pytest.fixture
def proving(ring: Keyring, clock: Clock) -> Proving:
    return Proving(ring, lambda: FACTS, capacity=4, clock=clock, monotonic=clock)
