"""What the pages of assurance stand on: vendors, patches, controls, reports, attacks of one's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from chatward.assurance.assessments import Assessments
from chatward.assurance.evidence import Check
from chatward.assurance.kept_reports import KeptReports
from chatward.assurance.published import Looking
from chatward.assurance.runs import Runs
from chatward.assurance.tasks import Tasks, day_of
from chatward.assurance.uploads import Uploads
from chatward.console.access import AdminCaller
from chatward.core.errors import ClientError
from chatward.core.sealing import Record
from chatward.settings import Settings
from chatward.stores.database import Database


class Assuring:
    """``settings``: those in force, which for vendors and inventories are those of the start. ``file``: where tasks,
    evidence and reports are, opened when a page first needs it; ``None``: in memory. ``record`` puts an entry on record
    from a thread, ``check`` says what the guards say of a text, ``looking`` looks at vendors from outside. All that the
    parts do blocks. ``clock`` gives seconds since 1970 UTC."""

    def __init__(
        self,
        settings: Settings,
        record: Record,
        file: Path | None,
        check: Check | None = None,
        *,
        clock: Callable[[], float] = time.time,
        looking: Callable[[Settings, float], Looking] = Looking,
    ) -> None:
        self.settings = settings
        self.record = record
        self.check = check
        self.clock = clock
        self.looking = looking
        self._file = file
        self._opened: Database | None = None
        self._opening = threading.Lock()

    @property
    def database(self) -> Database:
        """Raises ``StoreError``."""
        with self._opening:
            if self._opened is None:
                self._opened = Database(self._file)
            return self._opened

    @cached_property
    def assessments(self) -> Assessments:
        return Assessments(self.database, self.record, self.clock)

    @cached_property
    def tasks(self) -> Tasks:
        return Tasks(self.database, self.record, self.clock)

    @cached_property
    def uploads(self) -> Uploads:
        return Uploads(self.database, self.record, self.clock)

    @cached_property
    def reports(self) -> KeptReports:
        return KeptReports(self.database, self.record, self.clock)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.database, self.clock)

    def close(self) -> None:
        with self._opening:
            if self._opened is not None:
                self._opened.close()


def given_file(caller: AdminCaller, field: str) -> tuple[str, bytes]:
    """Name and content of a form's file. Raises ``ClientError``."""
    found = caller.files.get(field, ("", b""))
    if not found[1]:
        raise ClientError("Choose a file first.", reason="file-missing")
    return found


def acceptance(caller: AdminCaller) -> tuple[int, dict[str, Any]]:
    """What a form about living with a task says: its number, and ``owner``, ``until``, ``reason``. Raises
    ``ClientError``."""
    form = caller.form
    number = form.get("task", "")
    task = int(number) if number.isdecimal() and len(number) < 16 else 0
    return task, {
        "owner": form.get("owner", ""),
        "until": day_of(form.get("until", "")),
        "reason": form.get("reason", ""),
    }


def sentences(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A row of a table whose value of that name is a list of sentences, as one text."""
    return {**row, name: "; ".join(row[name])}
