"""Which bots may be asked, message by message: not one that is shut for a critical vulnerability past due, and not one
of a vendor that is not approved today.

Nothing is looked up where nothing is configured: ``opened_gates`` gives ``None`` then.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from chatward.assurance.assessments import Assessments
from chatward.assurance.opening import (
    advisories_file,
    assurance_file,
    list_days,
    opened_advisories,
    opened_tasks,
    targets,
)
from chatward.assurance.tasks import Quarantine
from chatward.assurance.vendors import VendorGate
from chatward.models.store import ModelFiles
from chatward.settings import Settings
from chatward.stores.database import Database


@dataclass(frozen=True, slots=True)
class Gates:
    """``check`` raises ``ClientError`` where a bot is not to be asked, and ``StoreError`` where that is not known."""

    checks: tuple[Callable[[str], None], ...]
    database: Database

    def check(self, bot: str) -> None:
        for check in self.checks:
            check(bot)

    def close(self) -> None:
        self.database.close()


def opened_gates(settings: Settings, clock: Callable[[], float] = time.time) -> Gates | None:
    """Raises ``StoreError``."""
    vendors = any(vendor.bots for vendor in settings.vendors.values())
    if not settings.assurance.quarantine and not vendors:
        return None
    database = Database(assurance_file(settings))
    checks = []
    if settings.assurance.quarantine:
        checks.append(Quarantine(database, clock).check)
    if vendors:
        checks.append(VendorGate(settings, Assessments(database, lambda entry: None, clock), clock).check)
    return Gates(tuple(checks), database)


def figures(settings: Settings, clock: Callable[[], float] = time.time) -> Mapping[str, Mapping[str, float]]:
    """For the metrics: seconds since the day of each ecosystem's advisories, of each configured list and of each model,
    and since each scan (``NaN``: there was none, or it has no day); late tasks."""
    now, ages, late = clock(), dict[str, float](), dict[str, float]()
    scans = dict.fromkeys(targets(settings), math.nan)
    if advisories_file(settings).exists():
        with opened_advisories(settings) as advisories:
            ages = {feed.ecosystem: now - feed.as_of for feed in advisories.feeds()}
    if assurance_file(settings).exists():
        with opened_tasks(settings, lambda entry: None, clock) as tasks:
            scans |= {one.target: now - one.at for one in tasks.scans() if one.target in scans}
            for task in tasks.all():
                late[task.target] = late.get(task.target, 0.0) + (task.state(now) == "late")
    return {
        "chatward_advisories_age_seconds": ages or {"": math.nan},
        "chatward_list_age_seconds": {name: now - day for name, day in list_days(settings).items()},
        "chatward_model_age_seconds": {name: now - day for name, day in _model_days().items()},
        "chatward_patch_scan_age_seconds": scans,
        "chatward_patch_tasks_late": late or {"": 0.0},
    }


@lru_cache(maxsize=1)
def _model_days() -> dict[str, float]:
    made = ModelFiles().made
    return {
        name: math.nan if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
        for name, day in made.items()
        if name.endswith((".onnx", ".npz"))
    }
