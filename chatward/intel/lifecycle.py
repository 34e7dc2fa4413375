"""The life of every source: fetched, verified, normalised, imported, expired; then one snapshot of all of them.

The rules:

1. One process updates at a time (a lock beside the store); others leave it at that.
2. A source that fails keeps what it had, and its reason stands in ``status.json``. Others are not held up by it.
3. Nothing is taken unverified: where a digest or a signature is asked for, it is checked before the first row is read.
4. What did not change is not imported again: files by time and size and then by digest, servers by ``ETag`` and
   ``Last-Modified`` (RFC 9110, section 13).
5. What was fetched is kept until it is imported, so that an import that was cut off goes on without the network.
6. A snapshot is made when the store has changed since the last one, whoever changed it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from chatward.core.errors import ChatwardError
from chatward.intel.fetching import Download, Request
from chatward.intel.index import SNAPSHOT, STATUS, SourceStatus, Status
from chatward.intel.readers import reader_of
from chatward.intel.reading import Context
from chatward.intel.snapshot import Snapshot, SnapshotError
from chatward.intel.store import SourceState, Store
from chatward.settings import Intel, IntelSource

STORE: Final = "entries.db"
Outcome = Literal["imported", "unchanged", "failed", "waiting"]


@dataclass(frozen=True, slots=True)
class Update:
    """What became of one source. ``error`` is a stable reason."""

    name: str
    outcome: Outcome
    rows: int = 0
    skipped: int = 0
    error: str = ""
    sentence: str = ""


class Lifecycle:
    """Keeps one folder up to date. ``base`` is what relative files are relative to; ``download`` asks servers, and
    without it sources on servers wait. Raises ``StoreError``."""

    def __init__(
        self,
        folder: Path,
        settings: Intel,
        *,
        base: Path,
        download: Download | None = None,
        secret: Callable[[str], str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self._settings = settings
        self._base = base
        self._download = download
        self._secret = secret or (lambda reference: "")
        self._clock = clock
        self._stamps: dict[str, object] = {}

    def update(self, names: Sequence[str] = (), *, now: bool = False) -> list[Update] | None:
        """Brings sources up to date, all or those of ``names``; ``now``: also those that are not due yet. ``None``:
        another process is at it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked() as mine:
            if not mine:
                return None
            store = Store(self.folder / STORE)
            try:
                return self._update(store, names, now=now)
            finally:
                store.close()

    def changed(self) -> bool:
        """Whether a file of a source changed since this was asked last, or a source is due. Costs some system calls."""
        due = False
        for source in self._settings.sources:
            place = self._file(source)
            stamp = (_stamp(place) if place is not None else None, int(self._clock() // source.refresh))
            due = due or self._stamps.get(source.name) != stamp
            self._stamps[source.name] = stamp
        return due

    def _update(self, store: Store, names: Sequence[str], *, now: bool) -> list[Update]:
        sources = [source for source in self._settings.sources if not names or source.name in names]
        store.forget([source.name for source in self._settings.sources])
        done = [self._one(store, source, now=now) for source in sources]
        store.expire(self._clock(), self._settings.keep)
        path = self.folder / SNAPSHOT
        if _changes_in(path) != store.changes:
            store.write_snapshot(path)
        self._write_status(store)
        return done

    def _one(self, store: Store, source: IntelSource, *, now: bool) -> Update:
        state = store.state(source.name)
        try:
            if self._file(source) is None and not self._is_due(source, state, now=now):
                return Update(source.name, "waiting")
            return self._take(store, source, state)
        except ChatwardError as error:
            store.note(source.name, self._clock(), error=error.reason)
            return Update(source.name, "failed", error=error.reason, sentence=error.public)
        except OSError as error:
            store.note(source.name, self._clock(), error="intel-unreadable")
            said = f"it cannot be read: {error.strerror}"
            return Update(source.name, "failed", error="intel-unreadable", sentence=said)

    def _is_due(self, source: IntelSource, state: SourceState, *, now: bool) -> bool:
        if self._download is None:
            return False
        return now or state.checked is None or state.unfinished or self._clock() - state.checked >= source.refresh

    # --- one source ----------------------------------------------------------------------------------

    def _take(self, store: Store, source: IntelSource, state: SourceState) -> Update:
        context = Context(
            source,
            state,
            place=self._file(source),
            folder=self.folder,
            request=self._request(source),
            clock=self._clock,
        )
        context.keep.parent.mkdir(exist_ok=True, mode=0o700)
        batch = reader_of(source.format)(context)
        if batch is None:
            store.note(source.name, self._clock(), confirmed=True)
            return Update(source.name, "unchanged")
        with batch.rows() as rows:
            done = store.take(
                source,
                rows,
                digest=batch.digest,
                now=self._clock(),
                etag=batch.etag,
                modified=batch.modified,
                cursor=batch.cursor,
                whole=batch.whole,
                readable=batch.readable,
                drop=source.forgets == "at-once" or (source.forgets == "auto" and context.place is not None),
            )
        return Update(source.name, "imported", done.rows, done.skipped)

    def _request(self, source: IntelSource) -> Request | None:
        if self._download is None:
            return None
        headers: list[tuple[str, str]] = []
        if source.key is not None:
            key = self._secret(source.key)
            bearer = source.key_header.lower() == "authorization" and " " not in key
            headers.append((source.key_header.lower(), f"Bearer {key}" if bearer else key))
        return Request(self._download, tuple(headers), source.max_size)

    def _file(self, source: IntelSource) -> Path | None:
        """Where a source is, if it is a file or a folder."""
        if "://" in source.location:
            return None
        return self._base / source.location

    # --- status --------------------------------------------------------------------------------------

    def _write_status(self, store: Store) -> None:
        told = {}
        for source in self._settings.sources:
            state = store.state(source.name)
            told[source.name] = SourceStatus(state.confirmed, state.checked, state.error, state.rows, state.skipped)
        path = self.folder / STATUS
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        fresh.write_bytes(msgspec.json.encode(Status(told)))
        os.replace(fresh, path)

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True


def _changes_in(path: Path) -> int | None:
    try:
        number: int = Snapshot(path).about["changes"]
        return number
    except (OSError, SnapshotError, KeyError):
        return None


def _stamp(path: Path) -> object:
    try:
        status = os.stat(path / "manifest.json" if path.is_dir() else path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
