"""A clock that stands, sources with a name, and a folder that is kept up to date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatward.core.indicators import IndicatorKind, Sighting
from chatward.intel.fetching import Download
from chatward.intel.index import Index
from chatward.intel.lifecycle import Lifecycle, Update
from chatward.settings import Intel, IntelSource

DAY = 86_400.0
NOW = 1_800_000_000.0


@dataclass
class Desk:
    """A folder with sources, a clock that is set, and what is listed."""

    folder: Path
    now: float = NOW
    sources: list[IntelSource] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    download: Download | None = None

    @property
    def settings(self) -> Intel:
        return Intel(sources=tuple(self.sources), **self.more)

    def source(self, name: str, text: str | bytes | None = None, **more: Any) -> IntelSource:
        """A source; ``text`` makes its file."""
        more.setdefault("location", name)
        made = IntelSource(name=name, **more)
        self.sources = [one for one in self.sources if one.name != name] + [made]
        if text is not None:
            (self.folder / more["location"]).write_bytes(text.encode() if isinstance(text, str) else text)
        return made

    def update(self, *names: str, now: bool = True) -> dict[str, Update]:
        done = self.lifecycle().update(names, now=now)
        assert done is not None
        return {one.name: one for one in done}

    def lifecycle(self) -> Lifecycle:
        return Lifecycle(
            self.folder / "kept",
            self.settings,
            base=self.folder,
            download=self.download,
            secret=lambda reference: f"secret-{reference}",
            clock=lambda: self.now,
        )

    def index(self) -> Index:
        return Index(self.folder / "kept", self.settings, clock=lambda: self.now, steady=lambda: 0.0)

    def look_up(self, kind: str, *values: str) -> list[Sighting]:
        return list(self.index().look_up(IndicatorKind(kind), values))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


Clock = Callable[[], float]
