"""How each receiver stands: for ``status``, ``doctor`` and ``/metrics``. Reads; makes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chatward.core.errors import StoreError
from chatward.ledger.reading import between, tail
from chatward.monitoring.cursors import Cursors, file_of, opened
from chatward.settings import Settings

ALERTS = "alerts"
"""The name by which the watching for rules remembers how far it has come. No receiver may have it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``behind``: entries that it has not taken; ``waiting``: seconds that the oldest of them has waited."""

    name: str
    kind: str
    behind: int
    waiting: float
    failures: int
    error: str

    @property
    def lags(self) -> bool:
        return self.failures > 0 or self.waiting > LATE


LATE = 60.0
"""Seconds after which an entry that was not taken is late."""


def standing(settings: Settings, clock: Callable[[], float] = time.time) -> list[Standing]:
    """Every receiver of the settings. Raises ``StoreError``."""
    path, file = Path(settings.ledger.path), file_of(settings)
    if not settings.ledger.enabled or not (settings.siem or settings.alerts):
        return []
    newest = tail(path, 1)[-1:] if path.exists() else []
    head = newest[0].seq if newest else 0
    names = [(one.name, one.kind) for one in settings.siem] + ([(ALERTS, "rules")] if settings.alerts else [])
    if not file.exists():
        return [Standing(name, kind, head, _waiting(path, 1, head, clock()), 0, "") for name, kind in names]
    database = opened(file)
    try:
        cursors = Cursors(database)
        found = []
        for name, kind in names:
            one = cursors.get(name)
            late = _waiting(path, one.seq + 1, head, clock())
            found.append(Standing(name, kind, max(head - one.seq, 0), late, one.failures, one.said))
        for target in settings.alerts:
            one = cursors.get(target.name)
            found.append(Standing(target.name, target.kind, 0, 0.0, one.failures, one.said))
        return found
    finally:
        database.close()


def _waiting(path: Path, seq: int, head: int, now: float) -> float:
    oldest = between(path, seq, seq) if seq <= head else []
    return max(now - oldest[0].at / 1e9, 0.0) if oldest else 0.0


def figures(settings: Settings) -> Mapping[str, Mapping[str, float]]:
    """Metrics by name and receiver."""
    try:
        found = standing(settings)
    except StoreError:  # the metrics of everything else are shown
        return {}
    return {
        "chatward_siem_behind_entries": {one.name: float(one.behind) for one in found},
        "chatward_siem_waiting_seconds": {one.name: one.waiting for one in found},
        "chatward_siem_up": {one.name: float(one.failures == 0) for one in found},
    }
