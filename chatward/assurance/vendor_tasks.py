"""What is to be done about a vendor: by whom and until when; what was accepted, by whom and until when.

The rules:

1. A question that is not answered with yes, and a look from outside that failed, is a finding (``findings``); each is
   one task, with an owner and a due day by its urgency. While it stays found, its day never moves back.
2. A task closes when it is *known* that its finding is gone: another answer, a look that is ``ok``. What is unknown
   closes nothing.
3. Accepting a task has an owner, a reason and an end; after the end it is open again, as due as it ever was.
4. On record before it counts, by numbers and ids: no word of an answer or of a reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chatward.assurance.domains import FAILED, OK, Seen
from chatward.assurance.questionnaire import Answer, questionnaire
from chatward.assurance.tasks import DAY, Record, accepting, standing
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.settings.assurance import Due
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "vendor-tasks",
    (
        """CREATE TABLE vendor_tasks (
            id INTEGER PRIMARY KEY, vendor TEXT, about TEXT, urgency TEXT, owner TEXT, opened REAL, due REAL,
            closed REAL, accepted_by TEXT DEFAULT '', accepted_until REAL DEFAULT 0, accepted_why TEXT DEFAULT '')""",
    ),
)
QUESTION: Final = "question:"
LOOK: Final = "look:"
_COLUMNS: Final = "id, vendor, about, urgency, owner, opened, due, closed, accepted_by, accepted_until, accepted_why"


@dataclass(frozen=True, slots=True)
class VendorTask:
    """``about``: ``question:ID`` or ``look:NAME``. Times are seconds since 1970."""

    id: int
    vendor: str
    about: str
    urgency: str
    owner: str
    opened: float
    due: float
    closed: float | None
    accepted_by: str = ""
    accepted_until: float = 0.0
    accepted_why: str = ""

    def state(self, now: float) -> str:
        """``closed``, ``accepted``, ``late`` or ``open``."""
        return standing(self.closed, self.accepted_until, self.due, now)


def findings(answers: Mapping[str, Answer] | None, looks: Sequence[Seen]) -> dict[str, str | None]:
    """What is known: ``about`` -> urgency, ``None`` where all is well. ``answers``: ``None`` where nobody asked yet."""
    found: dict[str, str | None] = {}
    for question in questionnaire().questions if answers is not None else ():
        answer = answers.get(question.id) if answers is not None else None
        said = "no" if answer is None else answer.answer
        urgency = "high" if question.must and said == "no" else "medium" if question.weight == 3 else "low"
        found[f"{QUESTION}{question.id}"] = None if said in {"yes", "not-applicable"} else urgency
    for look in looks:
        if look.state in {OK, FAILED}:
            found[f"{LOOK}{look.name}"] = None if look.state == OK else "medium"
    return found


class VendorTasks:
    """Tasks in a database. Raises ``StoreError``."""

    def __init__(self, database: Database, record: Record, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)

    def settle(self, vendor: str, known: Mapping[str, str | None], due: Due, owner: str) -> tuple[int, int]:
        """Opens and closes what ``findings`` say; how many of each."""
        now = self._clock()
        before = {task.about: task for task in self.of(vendor) if task.closed is None}
        wanted = {about: urgency for about, urgency in known.items() if urgency is not None}
        new = {about: urgency for about, urgency in wanted.items() if about not in before}
        gone = [task for about, task in before.items() if about in known and known[about] is None]
        if new:
            self._record(Entry(Event.VENDOR_TASKS_OPENED, "", {"vendor": vendor, "about": sorted(new)}))
        if gone:
            self._record(
                Entry(Event.VENDOR_TASKS_CLOSED, "", {"vendor": vendor, "about": sorted(one.about for one in gone)})
            )
        with self._database.writing() as connection:
            for about, urgency in new.items():
                connection.execute(
                    "INSERT INTO vendor_tasks (vendor, about, urgency, owner, opened, due) VALUES (?, ?, ?, ?, ?, ?)",
                    (vendor, about, urgency, owner, now, now + getattr(due, urgency) * DAY),
                )
            for about, urgency in wanted.items():
                connection.execute(
                    "UPDATE vendor_tasks SET urgency = ?, due = min(due, ?) WHERE vendor = ? AND about = ?"
                    " AND closed IS NULL",
                    (urgency, now + getattr(due, urgency) * DAY, vendor, about),
                )
            connection.executemany("UPDATE vendor_tasks SET closed = ? WHERE id = ?", [(now, one.id) for one in gone])
        return len(new), len(gone)

    def accept(self, task_id: int, *, owner: str, until: float, reason: str) -> VendorTask:
        """Lives with a finding for a while. Raises ``ClientError``."""
        task = self._open(task_id)
        accepting(owner, reason, until, self._clock())
        told = {"vendor": task.vendor, "about": task.about, "until": int(until), "by": owner}
        self._record(Entry(Event.VENDOR_TASK_ACCEPTED, "", told))
        self._database.write(
            "UPDATE vendor_tasks SET accepted_by = ?, accepted_until = ?, accepted_why = ? WHERE id = ?",
            (owner, until, reason, task_id),
        )
        return self._open(task_id)

    def of(self, vendor: str | None = None) -> list[VendorTask]:
        """The one that is due first first."""
        where, values = ("", ()) if vendor is None else (" WHERE vendor = ?", (vendor,))
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM vendor_tasks{where} ORDER BY due, id", values)  # noqa: S608
        return [VendorTask(*row) for row in rows]

    def _open(self, task_id: int) -> VendorTask:
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM vendor_tasks WHERE id = ? AND closed IS NULL",  # noqa: S608
            (task_id,),
        )
        if row is None:
            raise ClientError("There is no open task of that number.", reason="task-unknown", status=404)
        return VendorTask(*row)
