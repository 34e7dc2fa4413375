"""Assurance as the settings say: its files, its lists, a scan of everything that is named."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import chatward
from chatward.assurance import ranking, vex
from chatward.assurance.assessments import Assessments
from chatward.assurance.inventory import OWN, Inventory, installation, installed_in, read
from chatward.assurance.osv import Advisories
from chatward.assurance.ranking import Ends, Exploited, Likely
from chatward.assurance.reach import Reach, reached
from chatward.assurance.runs import Runs
from chatward.assurance.scanning import Lists, Scan, scan
from chatward.assurance.tasks import Record, Tasks
from chatward.assurance.uploads import Uploads
from chatward.core.errors import ConfigError
from chatward.settings import Settings
from chatward.stores.database import Database
from chatward.stores.tool_pins import Pin, ToolPins, pins_file

T = TypeVar("T")


def assurance_file(settings: Settings) -> Path:
    """Tasks, assessments and evidence."""
    return Path(settings.assurance.path or Path(settings.ledger.path).with_name("chatward-assurance.db"))


def advisories_file(settings: Settings) -> Path:
    return Path(settings.assurance.advisories or Path(settings.ledger.path).with_name("chatward-advisories.db"))


def beside_ledger(settings: Settings, name: str) -> Path:
    """A path of the settings: relative to the folder of the ledger."""
    return Path(settings.ledger.path).absolute().parent / name


@contextmanager
def opened_advisories(settings: Settings) -> Iterator[Advisories]:
    """Raises ``ConfigError`` where the extra is missing."""
    if find_spec("packaging") is None:
        raise ConfigError(
            'comparing versions needs a package: uv pip install "chatward[assurance]"', reason="extra-missing"
        )
    advisories = Advisories(advisories_file(settings))
    try:
        yield advisories
    finally:
        advisories.close()


@contextmanager
def opened_tasks(settings: Settings, record: Record, clock: Callable[[], float] = time.time) -> Iterator[Tasks]:
    database = Database(assurance_file(settings))
    try:
        yield Tasks(database, record, clock)
    finally:
        database.close()


@contextmanager
def opened_assessments(settings: Settings, record: Record) -> Iterator[Assessments]:
    database = Database(assurance_file(settings))
    try:
        yield Assessments(database, record)
    finally:
        database.close()


@contextmanager
def opened_runs(settings: Settings) -> Iterator[Runs]:
    database = Database(assurance_file(settings))
    try:
        yield Runs(database)
    finally:
        database.close()


def lists(settings: Settings, now: float) -> Lists:
    """Everything that findings are ranked and closed by. What cannot be read, or is old, is told, not raised."""
    wanted, problems = settings.assurance, list[str]()

    def taken(name: str, reader: Callable[[Path], T], empty: T) -> T:
        if not name:
            return empty
        try:
            made = reader(beside_ledger(settings, name))
        except ConfigError as error:
            problems.append(error.public)
            return empty
        as_of = getattr(made, "as_of", None)
        if as_of is not None and now - as_of > wanted.stale_after:
            problems.append(f"{name} is older than {wanted.stale_after / 86_400:g} days, or has no date")
        return made

    exploited = taken(wanted.exploited, ranking.read_exploited, Exploited())
    likely = taken(wanted.likely, ranking.read_likely, Likely())
    ends = taken(wanted.ends, ranking.read_ends, Ends())
    none: list[vex.Statement] = []
    statements = [one for name in wanted.vex for one in taken(name, vex.read, none)]
    return Lists(exploited, likely, ends, statements, tuple(problems))


def list_days(settings: Settings) -> dict[str, float]:
    """Of when the configured lists are, by setting: seconds since 1970, ``NaN`` where that is not known. ``ends`` has
    no day in it: its file's counts."""
    wanted = settings.assurance
    return {
        name: _day_of(name, beside_ledger(settings, file))
        for name, file in (("exploited", wanted.exploited), ("likely", wanted.likely), ("ends", wanted.ends))
        if file
    }


def _day_of(name: str, path: Path) -> float:
    try:
        told = path.stat()
    except OSError:
        return math.nan
    return told.st_mtime if name == "ends" else _read_day(name, path, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=8)
def _read_day(name: str, path: Path, _changed: int, _size: int) -> float:
    """Kept until the file changes: metrics ask every few seconds, and the lists are long."""
    try:
        found = ranking.read_exploited(path) if name == "exploited" else ranking.read_likely(path)
    except ConfigError:
        return math.nan
    return found.as_of or math.nan


def inventory_of(settings: Settings, target: str) -> Inventory:
    """Chatward itself, or a bot by the files that the settings name and those that were uploaded. Raises
    ``ConfigError``."""
    if target == OWN:
        return installation()
    known = settings.assurance.bots.get(target)
    made = Inventory()
    for name in known.inventory if known is not None else ():
        made |= read(beside_ledger(settings, name))
    if assurance_file(settings).exists():
        database = Database(assurance_file(settings))
        try:
            made |= Uploads(database, lambda entry: None).inventory(target)
        finally:
            database.close()
    if not made.components and not made.unread:
        raise ConfigError(f"[assurance.bots.{target}] names no inventory", reason="inventory-missing")
    return made


def tools_of(settings: Settings) -> list[Pin]:
    """The tools that MCP servers have listed here. Raises ``StoreError``."""
    file = pins_file(settings.ledger.path)
    if not file.exists():
        return []
    database = Database(file)
    try:
        return ToolPins(database, {}).pins()
    finally:
        database.close()


def targets(settings: Settings) -> list[str]:
    """What a scan looks through: Chatward, then every bot."""
    return [OWN, *sorted({*settings.bots, *settings.assurance.bots} - {OWN})]


def scanned(settings: Settings, wanted: Sequence[str], advisories: Advisories, now: float) -> list[Scan]:
    """A scan of each target; a bot of which nothing is known is a scan that knows nothing."""
    by = lists(settings, now)
    made = []
    for target in wanted:
        try:
            parts = inventory_of(settings, target)
        except ConfigError as error:
            made.append(Scan(target, 0, (), (error.public,), frozenset({("*", "*")})))
            continue
        stale, reaching = settings.assurance.stale_after, partial(reach_of, settings, target)
        made.append(scan(target, parts, advisories, by, now=now, stale_after=stale, reached=reaching))
    return made


def reach_of(settings: Settings, target: str) -> Reach:
    """What the code of Chatward, or of a bot, imports of its Python environment. Chatward imports by expressions what
    is its own. Of a bot that names no code and environment, or one that is not there, nothing is known."""
    if target == OWN:
        places = [place for name in sys.path for place in installed_in(Path(name)) if name]
        return reached([Path(chatward.__file__).parent], places, closed=True)
    known = settings.assurance.bots.get(target)
    if known is None or not known.code:
        return Reach()
    places = [place for name in known.inventory for place in installed_in(beside_ledger(settings, name))]
    try:
        return reached([beside_ledger(settings, name) for name in known.code], places)
    except OSError:
        return Reach()


def owner_of(settings: Settings, target: str) -> str:
    known = settings.assurance.bots.get(target)
    return (known.owner if known is not None else "") or settings.assurance.owner
