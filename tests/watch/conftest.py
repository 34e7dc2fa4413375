"""A resolver that knows what it is told, and a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from chatward.watch.resolving import Unresolved


@dataclass
class Zones:
    """Implements ``Resolver``: names to records by kind. ``silent`` names get no answer."""

    known: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def records(self, name: str, kind: str) -> Sequence[str] | None:
        self.asked.append((name, kind))
        if name in self.silent:
            raise Unresolved
        found = self.known.get(name)
        return None if found is None else found.get(kind, ())


@dataclass
class Clock:
    now: float = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
