"""Copies of SQLite files and small files: whole from their first moment, readable by their owner alone.

A database is copied with SQLite's own backup: consistent, while others write. The copy has no write-ahead log. What was
deleted in the original was overwritten there (``PRAGMA secure_delete``), so it is in no page of the copy.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from chatward.core.errors import StoreError

_PIECE: Final = 1 << 20
_BUSY: Final = 10.0


def copy_database(source: Path, target: Path) -> None:
    """Copies a database that may be in use. Raises ``StoreError`` (``backup-failed``)."""
    with (
        _new(target) as temporary,
        _failing(source),
        closing(_connect(source)) as from_,
        closing(sqlite3.connect(temporary)) as to,
    ):
        from_.backup(to)
        to.execute("PRAGMA journal_mode=DELETE")
        if to.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError


def image(source: Path) -> bytes:
    """The same copy as bytes, which never stand on a disk. Raises ``StoreError`` (``backup-failed``)."""
    with _failing(source), closing(_connect(source)) as from_, closing(sqlite3.connect(":memory:")) as to:
        from_.backup(to)
        return to.serialize()


def copy_file(source: Path, target: Path) -> None:
    """Copies a file as it stands. Raises ``OSError``."""
    with _new(target) as temporary, source.open("rb") as from_, temporary.open("wb") as to:
        while piece := from_.read(_PIECE):
            to.write(piece)


def write(target: Path, data: bytes) -> None:
    """Writes a file, in place of one that is there. Raises ``OSError``."""
    with _new(target) as temporary:
        temporary.write_bytes(data)


def digest(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file. Raises ``OSError``."""
    found, size = sha256(), 0
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            found.update(piece)
            size += len(piece)
    return size, found.hexdigest()


def sound(path: Path) -> bool:
    """Whether SQLite finds a database whole."""
    try:
        with closing(_connect(path)) as connection:
            return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False


def idle(path: Path) -> bool:
    """Whether nobody has a database open. Its write-ahead log is brought into it."""
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
    except sqlite3.OperationalError:
        return False
    except sqlite3.Error:
        return True  # no database: nobody reads it as one
    return True


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY)


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path.name} cannot be copied.", reason="backup-failed") from error


@contextmanager
def _new(target: Path) -> Iterator[Path]:
    """A new empty file beside ``target``, which takes its place at the end, on the disk."""
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.new")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
