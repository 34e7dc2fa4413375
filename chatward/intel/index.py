"""What is listed, in memory: implements ``core.indicators.Indicators`` over the newest snapshot.

The rules:

1. A snapshot that was replaced is noticed within ``POLL`` seconds by whoever asks next (the file's time, size and
   identity), mapped, and put in the place of the old one in one step. One that cannot be read leaves the old one in
   force, and makes every source stale.
2. What a record leaves open (type, TLP, confidence) and how much it counts by its age is worked out here, from the
   settings in force now.
3. Warninglists give contexts to what others list. Alone they say nothing.
4. What conversations held of what is listed is counted by hour and appended to ``sightings.jsonl``: listed values, no
   text and nobody's name (``sightings``).
5. A source is stale when its last success is older than its ``stale_after``, or it never had one.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from chatward.core.hosts import SHORTENERS, shared, split
from chatward.core.indicators import IndicatorKind, Sighting, ThreatType, Tlp, domains_of
from chatward.intel.decay import lifetimes, score
from chatward.intel.sightings import SIGHTINGS, Sightings
from chatward.intel.snapshot import OPEN, UNDATED, Found, Snapshot, SnapshotError
from chatward.intel.store import MARKINGS, TYPES
from chatward.settings import Intel, IntelSource

POLL: Final = 0.5
"""Seconds between two looks at the file."""
SNAPSHOT: Final = "indicators.snapshot"
STATUS: Final = "status.json"


class SourceStatus(msgspec.Struct):
    """How a source stands, as it is written beside the snapshot. Times are seconds since 1970 UTC."""

    confirmed: float | None = None
    checked: float | None = None
    error: str = ""
    rows: int = 0
    skipped: int = 0


class Status(msgspec.Struct):
    """The file ``status.json``."""

    sources: dict[str, SourceStatus] = {}


class Index:
    """Indicators of the sources in the settings. ``folder`` holds the snapshot; ``clock`` gives seconds since 1970,
    ``steady`` seconds that only go forward. May be used from several threads."""

    def __init__(
        self,
        folder: Path,
        settings: Intel,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = folder / SNAPSHOT
        self._status_path = folder / STATUS
        self._settings = {source.name: source for source in settings.sources}
        self._lifetimes = lifetimes(settings.lifetimes)
        self._clock = clock
        self._steady = steady
        self._next = 0.0
        self._stamps: tuple[object, object] = (None, None)
        self._snapshot: Snapshot | None = None
        self._by_number: dict[int, IntelSource] = {}
        self._status = Status()
        self.sightings = Sightings(folder / SIGHTINGS, clock)
        self._broken = False
        self._gives_contexts = any(source.context for source in settings.sources)
        self.empty = not settings.sources

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot in force."""
        self._look()
        return self._snapshot

    @property
    def status(self) -> Status:
        """How the sources stand."""
        self._look()
        return self._status

    # --- Indicators ----------------------------------------------------------------------------------

    def look_up(self, kind: IndicatorKind, values: Sequence[str]) -> Sequence[Sighting]:
        if self._steady() >= self._next:
            self._look()
        snapshot = self._snapshot
        if snapshot is None:
            return ()
        passing = snapshot.passing(kind, values)
        if not passing:
            return ()
        found: list[Sighting] = []
        for index in passing:
            records = snapshot.find(kind, values[index])
            if records:
                found += self._sightings(snapshot, records, kind, values[index], index)
        return found

    def stale(self) -> Sequence[str]:
        if self._steady() >= self._next:
            self._look()
        now = self._clock()
        return [name for name, source in self._settings.items() if self._is_stale(source, now)]

    def ages(self) -> Mapping[str, float]:
        if self._steady() >= self._next:
            self._look()
        known, now = self._status.sources, self._clock()
        confirmed = {name: known[name].confirmed if name in known else None for name in self._settings}
        return {name: math.nan if at is None else now - at for name, at in confirmed.items()}

    def required(self) -> Sequence[str]:
        return [name for name in self.stale() if self._settings[name].on_stale == "unavailable"]

    def seen(self, sighting: Sighting, value: str) -> None:
        self.sightings.note(sighting, value)

    # --- inside --------------------------------------------------------------------------------------

    def _is_stale(self, source: IntelSource, now: float) -> bool:
        known = self._status.sources.get(source.name)
        confirmed = None if known is None or self._broken else known.confirmed
        return confirmed is None or now - confirmed > source.stale_after

    def _look(self) -> None:
        """Takes what changed on the disk."""
        self._next = self._steady() + POLL
        self.sightings.write()
        stamps = (_stamp(self._path), _stamp(self._status_path))
        if stamps == self._stamps:
            return
        if stamps[1] != self._stamps[1]:
            self._status = read_status(self._status_path)
        if stamps[0] != self._stamps[0]:
            try:
                fresh = Snapshot(self._path) if stamps[0] is not None else None
            except (OSError, SnapshotError):
                self._broken = True
            else:
                numbers = fresh.about["sources"] if fresh is not None else {}
                known = {int(number): self._settings.get(name) for number, name in numbers.items()}
                self._by_number = {number: source for number, source in known.items() if source is not None}
                self._snapshot, self._broken = fresh, False
        self._stamps = stamps

    def _sightings(
        self, snapshot: Snapshot, records: list[Found], kind: IndicatorKind, value: str, index: int
    ) -> list[Sighting]:
        now = self._clock()
        contexts: list[str] = []
        threats: list[tuple[IntelSource, Found]] = []
        for record in records:
            source = self._by_number.get(record.source)
            if source is None:
                continue
            if source.context:
                contexts.append(source.context)
            elif record.first <= now and (not record.expires or record.expires > now):
                threats.append((source, record))
        if not threats:
            return []
        contexts += self._contexts_of(snapshot, kind, value)
        told = tuple(dict.fromkeys(contexts))
        return [self._sighting(source, record, kind, now, told, index) for source, record in threats]

    def _sighting(
        self, source: IntelSource, record: Found, kind: IndicatorKind, now: float, contexts: tuple[str, ...], index: int
    ) -> Sighting:
        type_ = ThreatType(source.type) if record.type == OPEN else TYPES[record.type]
        marking = Tlp(source.tlp) if record.tlp == OPEN else MARKINGS[record.tlp]
        confidence = source.confidence if record.confidence == OPEN else record.confidence / 200
        last = float(record.last)
        if record.flags & UNDATED:
            known = self._status.sources.get(source.name)
            last = max(last, known.confirmed or 0.0) if known is not None else last
        left = score(confidence, now - last, self._lifetimes[type_])
        expires = float(record.expires) if record.expires else None
        return Sighting(
            source.name, kind, type_, float(record.first), last, marking, confidence, left, expires, contexts, index
        )

    def _contexts_of(self, snapshot: Snapshot, kind: IndicatorKind, value: str) -> list[str]:
        """What warninglists say of the host of a value that somebody lists, and of the domains above it."""
        host = value
        if kind is IndicatorKind.URL:
            host = value.partition("/")[0].partition("?")[0]
            host = host.partition(":")[0] if host.count(":") == 1 else host
        found: list[str] = []
        if kind in (IndicatorKind.URL, IndicatorKind.DOMAIN):
            found += hosting(host)
            if self._gives_contexts:
                for name in domains_of(host):
                    found += self._context_names(snapshot.find(IndicatorKind.DOMAIN, name))
        return found

    def _context_names(self, records: list[Found]) -> list[str]:
        known = (self._by_number.get(record.source) for record in records)
        return [source.context for source in known if source is not None and source.context]


@lru_cache(maxsize=1024)
def hosting(host: str) -> tuple[str, ...]:
    """``shared-hosting`` or ``public-suffix`` where a name stands for people who have nothing to do with one another. A
    customer's own name below a shared one (``name.github.io``) does not."""
    parts = split(host)
    if host in SHORTENERS or (shared(host) and not parts.shared):
        return ("shared-hosting",)
    suffix = not parts.name and "." in host and not host[-1].isdigit() and ":" not in host
    return ("public-suffix",) if suffix else ()


def read_status(path: Path) -> Status:
    """The file's content; empty where it is missing or broken, so that every source is stale."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError):
        return Status()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
