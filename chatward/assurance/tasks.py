"""What is to be done about findings: by whom and until when; what was accepted, by whom and until when.

The rules:

1. A finding opens a task with a due day by its urgency. The task stays the same one when an advisory gets another alias
   or a component another version that is affected too: its due day moves forward, never back.
2. A task closes when a scan *knows* that the finding is gone. A scan that does not know (no advisories, old ones, a
   part that could not be read) closes nothing.
3. Accepting a task has an owner, a reason and an end. After the end it is open again, as due as it ever was.
4. On record (``record``) before it counts: opened, closed, accepted. The ledger gets ids, never words of advisories
   or of reasons.
5. A bot is *quarantined* while it has a critical task that is past due and not accepted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from chatward.assurance.inventory import OWN
from chatward.assurance.scanning import Finding, Scan
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.settings.assurance import Due
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "patches",
    (
        """CREATE TABLE patch_tasks (
            id INTEGER PRIMARY KEY, target TEXT, ecosystem TEXT, name TEXT, version TEXT, ids TEXT, urgency TEXT,
            fixed TEXT, owner TEXT, opened REAL, due REAL, closed REAL,
            accepted_by TEXT DEFAULT '', accepted_until REAL DEFAULT 0, accepted_why TEXT DEFAULT '')""",
        "CREATE TABLE patch_scans (target TEXT PRIMARY KEY, at REAL, components INT, findings INT, unknown TEXT)",
        "ALTER TABLE patch_tasks ADD COLUMN told REAL DEFAULT 0",
    ),
)
DAY: Final = 86_400.0
URGENCIES: Final = ("critical", "high", "medium", "low")
_COLUMNS: Final = (
    "id, target, ecosystem, name, version, ids, urgency, fixed, owner, opened, due, closed, accepted_by,"
    " accepted_until, accepted_why"
)
Record = Callable[[Entry], None]


def standing(closed: float | None, accepted_until: float, due: float, now: float) -> str:
    """How a task stands: ``closed``, ``accepted``, ``late`` or ``open``."""
    if closed is not None:
        return "closed"
    if accepted_until > now:
        return "accepted"
    return "late" if due <= now else "open"


@dataclass(frozen=True, slots=True)
class Task:
    """Times are seconds since 1970."""

    id: int
    target: str
    ecosystem: str
    name: str
    version: str
    ids: tuple[str, ...]
    urgency: str
    fixed: str | None
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


@dataclass(frozen=True, slots=True)
class Scanned:
    """The last scan of a target."""

    target: str
    at: float
    components: int
    findings: int
    unknown: tuple[str, ...]


class Tasks:
    """Tasks in a database. Raises ``StoreError``."""

    def __init__(self, database: Database, record: Record, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)

    def settle(self, scan: Scan, due: Due, owner: str = "") -> tuple[int, int]:
        """Opens and closes what a scan says; how many of each."""
        now = self._clock()
        before = {task.id: task for task in self.all(scan.target) if task.closed is None}
        days = {urgency: getattr(due, urgency) * DAY for urgency in URGENCIES}
        opened, met = 0, set()
        for finding in scan.open:
            task = next((one for one in before.values() if one.id not in met and _is_of(one, finding)), None)
            latest = now + days[finding.urgency]
            if task is None:
                self._open(scan.target, finding, owner, now, latest)
                opened += 1
                continue
            met.add(task.id)
            urgency = min(task.urgency, finding.urgency, key=URGENCIES.index)
            self._database.write(
                "UPDATE patch_tasks SET version = ?, ids = ?, urgency = ?, due = ?, fixed = ? WHERE id = ?",
                (
                    finding.component.version,
                    json.dumps(sorted({*task.ids, *finding.ids})),
                    urgency,
                    min(task.due, latest),
                    finding.fixed,
                    task.id,
                ),
            )
        gone = [task for task in before.values() if task.id not in met and _knows(scan, task)]
        for task in gone:
            self._record(
                Entry(Event.PATCH_TASK_CLOSED, "", {"target": task.target, "task": task.id, "ids": list(task.ids)})
            )
            self._database.write("UPDATE patch_tasks SET closed = ? WHERE id = ?", (now, task.id))
        fields = {"components": scan.components, "findings": len(scan.open), "unknown": len(scan.unknown)}
        self._record(Entry(Event.PATCHES_SCANNED, "", {"target": scan.target, **fields}))
        self._database.write(
            "INSERT OR REPLACE INTO patch_scans VALUES (?, ?, ?, ?, ?)",
            (scan.target, now, scan.components, len(scan.open), json.dumps(scan.unknown)),
        )
        return opened, len(gone)

    def _open(self, target: str, finding: Finding, owner: str, now: float, due: float) -> None:
        told = {"target": target, "ids": list(finding.ids), "urgency": finding.urgency, "due": int(due)}
        self._record(Entry(Event.PATCH_TASK_OPENED, "", told))
        part = finding.component
        self._database.write(
            "INSERT INTO patch_tasks (target, ecosystem, name, version, ids, urgency, fixed, owner, opened, due)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                target,
                part.ecosystem,
                part.name,
                part.version,
                json.dumps(finding.ids),
                finding.urgency,
                finding.fixed,
                owner,
                now,
                due,
            ),
        )

    def accept(self, task_id: int, *, owner: str, until: float, reason: str) -> Task:
        """Lives with a finding for a while. Raises ``ClientError``."""
        task = next((one for one in self.all() if one.id == task_id and one.closed is None), None)
        if task is None:
            raise ClientError("There is no open task of that number.", reason="task-unknown", status=404)
        accepting(owner, reason, until, self._clock())
        self._record(
            Entry(Event.PATCH_ACCEPTED, "", {"target": task.target, "task": task.id, "until": int(until), "by": owner})
        )
        self._database.write(
            "UPDATE patch_tasks SET accepted_by = ?, accepted_until = ?, accepted_why = ? WHERE id = ?",
            (owner, until, reason, task_id),
        )
        return next(one for one in self.all() if one.id == task_id)

    def untold(self) -> list[Task]:
        """Those that are late now and of whose day nobody was told yet."""
        now = self._clock()
        told = {
            row[0]
            for row in self._database.rows("SELECT id FROM patch_tasks WHERE told >= max(due, accepted_until, 1)")
        }
        return [one for one in self.all() if one.state(now) == "late" and one.id not in told]

    def tell_late(self) -> int:
        """Puts what became late on record, once; how much of it there was."""
        found = self.untold()
        for task in found:
            about = {"target": task.target, "task": task.id, "ids": list(task.ids), "urgency": task.urgency}
            self._record(Entry(Event.PATCH_TASK_LATE, "", about))
            self._database.write("UPDATE patch_tasks SET told = ? WHERE id = ?", (self._clock(), task.id))
        return len(found)

    def all(self, target: str | None = None) -> list[Task]:
        """The most urgent first."""
        where, values = ("", ()) if target is None else (" WHERE target = ?", (target,))
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM patch_tasks{where} ORDER BY due, id", values)  # noqa: S608
        return [Task(*(*row[:5], tuple(json.loads(row[5])), *row[6:])) for row in rows]

    def scans(self) -> list[Scanned]:
        rows = self._database.rows("SELECT target, at, components, findings, unknown FROM patch_scans ORDER BY target")
        return [Scanned(*(*row[:4], tuple(json.loads(row[4])))) for row in rows]

    def quarantined(self) -> dict[str, float]:
        """Targets that are or will be shut, and since when (seconds since 1970), if nothing is done."""
        now = self._clock()
        found: dict[str, float] = {}
        for task in self.all():
            if task.closed is None and task.urgency == "critical" and task.target != OWN:
                at = max(task.due, task.accepted_until if task.accepted_until > now else 0.0)
                found[task.target] = min(found.get(task.target, at), at)
        return found


def accepting(owner: str, reason: str, until: float, now: float) -> None:
    """What accepting a finding takes. Raises ``ClientError``."""
    if not owner.strip() or not reason.strip():
        raise ClientError("It needs an owner and a reason.", reason="owner-missing")
    if until <= now:
        raise ClientError("Its end must lie ahead.", reason="until-invalid")


def day_of(text: str) -> float:
    """The first moment of a day (UTC), in seconds since 1970. Raises ``ClientError``."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ClientError("A day is written as 2030-12-31.", reason="day-invalid") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _is_of(task: Task, finding: Finding) -> bool:
    part = finding.component
    return (task.ecosystem, task.name) == (part.ecosystem, part.name) and not set(task.ids).isdisjoint(finding.ids)


def _knows(scan: Scan, task: Task) -> bool:
    """Whether a scan can tell that a task's finding is gone. Where parts were unread, it may be among them."""
    unsure = scan.unknown_components
    return unsure.isdisjoint({("*", "*"), (task.ecosystem, "*"), (task.ecosystem, task.name)})


class Quarantine:
    """Shuts bots for whom a critical task is past due, from that moment on; opens them when it is closed or accepted,
    by whatever process. ``check`` costs a look at the file's generation (3 µs)."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._tasks = Tasks(database, lambda entry: None, clock)
        self._database = database
        self._clock = clock
        self._seen: Any = None
        self._shut: Mapping[str, float] = {}

    def check(self, bot: str) -> None:
        """Raises ``ClientError`` (``bot-quarantined``) and ``StoreError``."""
        generation = self._database.generation
        if generation != self._seen:
            self._shut, self._seen = self._tasks.quarantined(), generation
        since = self._shut.get(bot)
        if since is not None and since <= self._clock():
            raise ClientError(
                "This bot is closed until it has been updated; ask who runs it.", reason="bot-quarantined", status=403
            )

    def shut(self, bots: Iterable[str]) -> list[str]:
        """Those that are shut now."""
        now, known = self._clock(), self._tasks.quarantined()
        return sorted(bot for bot in bots if known.get(bot, now + 1) <= now)
