"""A disk that forgets what was never synced: SQLite's file layer (VFS) with a power cut in it.

The rule: what a file's ``xSync`` has returned for is on the disk. Of what was written since, a cut keeps any part: each
write may be there, not be there, or be torn at a sector of 512 bytes, in any order. That is more than a real disk does,
and no less than it may. ``Disk.cut`` gives the files as they would be found; the running process does not notice.

The code under test opens its files with the standard library's ``sqlite3``, whose file layer cannot be replaced from
Python. ``Disk.connect`` stands in for ``sqlite3.connect``: the same SQLite, bound by apsw, with what is used of the
other's interface.
"""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import apsw

SECTOR = 512
_ERRORS: dict[type[Exception], type[sqlite3.Error]] = {
    apsw.ConstraintError: sqlite3.IntegrityError,
    apsw.BusyError: sqlite3.OperationalError,
    apsw.FullError: sqlite3.OperationalError,
    apsw.IOError: sqlite3.OperationalError,
    apsw.SQLError: sqlite3.OperationalError,
}


class _Image:
    """One file: what is on the disk for certain, and what was done to it since."""

    def __init__(self, data: bytes) -> None:
        self.certain = bytearray(data)
        self.since: list[tuple[int, bytes | None]] = []  # offset and bytes, or the length it was cut to

    def sync(self) -> None:
        for at, data in self.since:
            _apply(self.certain, at, data)
        self.since.clear()

    def found(self, chance: random.Random) -> bytes:
        """After a cut."""
        image = bytearray(self.certain)
        mode = chance.choice(("none", "all", "some", "some"))
        for at, data in self.since if mode != "none" else ():
            if mode == "all":
                _apply(image, at, data)
            elif data is None:
                if chance.random() < 0.5:
                    _apply(image, at, None)
            else:
                for start in range(0, len(data), SECTOR):
                    if chance.random() < 0.5:
                        _apply(image, at + start, data[start : start + SECTOR])
        return bytes(image)


def _apply(image: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del image[at:]
        return
    if len(image) < at + len(data):
        image.extend(bytes(at + len(data) - len(image)))
    image[at : at + len(data)] = data


class Disk:
    """Files that are opened with ``connect``. ``name``: that of its file layer, one in a process."""

    def __init__(self, name: str) -> None:
        self.lock = threading.RLock()
        self.images: dict[Path, _Image] = {}
        self.name = name
        self._vfs = _Vfs(self)

    def close(self) -> None:
        self._vfs.unregister()

    def connect(self, path: Any, **more: Any) -> _Connection:
        """In place of ``sqlite3.connect``."""
        name = str(path)
        if more.pop("uri", False):
            name = unquote(urlsplit(name).path)
        return _Connection(self, name, float(more.get("timeout", 5.0)))

    def cut(self, folder: Path, chance: random.Random, into: Path) -> None:
        """The files of a folder as they are found after a cut now."""
        into.mkdir()
        with self.lock:
            for path in folder.iterdir():
                if path.name.endswith("-shm"):
                    continue  # memory that processes share: gone with them
                image = self.images.get(path)
                (into / path.name).write_bytes(path.read_bytes() if image is None else image.found(chance))


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        super().__init__(disk.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - SQLite's names
        return _File(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        with self.disk.lock:
            super().xDelete(filename, syncdir)
            self.disk.images.pop(Path(filename), None)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self.disk = disk
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name) if name else None
        super().__init__("", name, flags)
        self.image: _Image | None = None
        if path is not None:
            with disk.lock:
                self.image = disk.images.setdefault(path, _Image(path.read_bytes() if path.exists() else b""))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        with self.disk.lock:
            super().xWrite(data, offset)
            if self.image is not None:
                self.image.since.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with self.disk.lock:
            super().xTruncate(newsize)
            if self.image is not None:
                self.image.since.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        with self.disk.lock:
            if self.image is not None:
                self.image.sync()


class _Rows:
    def __init__(self, rows: list[tuple[Any, ...]], count: int, last: int) -> None:
        self._rows = rows
        self.rowcount = count
        self.lastrowid = last

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())


class _Connection:
    """What is used of ``sqlite3.Connection``."""

    def __init__(self, disk: Disk, name: str, timeout: float) -> None:
        with _translated():
            self._made = apsw.Connection(name, vfs=disk.name)
            self._made.set_busy_timeout(int(timeout * 1000))

    @property
    def in_transaction(self) -> bool:
        return self._made.in_transaction

    def execute(self, sql: str, values: Sequence[Any] = ()) -> _Rows:
        with _translated():
            before = self._made.total_changes()
            rows = list(self._made.execute(sql, tuple(values)))
            return _Rows(rows, self._made.total_changes() - before, self._made.last_insert_rowid())

    def executemany(self, sql: str, values: Any) -> _Rows:
        with _translated():
            before = self._made.total_changes()
            self._made.executemany(sql, values)
            return _Rows([], self._made.total_changes() - before, 0)

    def close(self) -> None:
        with _translated():
            self._made.close()


class _translated:  # noqa: N801 - a context manager
    """apsw's errors as the standard library's."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, apsw.Error):
            wanted = next((made for own, made in _ERRORS.items() if isinstance(error, own)), sqlite3.DatabaseError)
            raise wanted(str(error)) from error
