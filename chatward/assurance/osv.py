"""Advisories of OSV database files, indexed for lookups without a network.

The rules:

1. Files come as OSV publishes them: ``all.zip`` of an ecosystem, a folder with such files or single advisories
   (JSON), one advisory. Nothing is fetched here. An entry replaces the one with its id unless it is older.
2. Each ecosystem has a day: that of its newest entry, or the one that was told. Past ``stale_after`` it is *stale*, and
   an ecosystem that never came is *missing*. Both mean that nothing is known, never that nothing is there.
3. What is withdrawn is kept, so that an older file does not bring it back.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from chatward.assurance.advisories import Advisory, covers
from chatward.assurance.versions import same_name
from chatward.core.errors import ConfigError
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "advisories",
    (
        "CREATE TABLE advisories (id TEXT PRIMARY KEY, modified TEXT, body BLOB) WITHOUT ROWID",
        "CREATE TABLE packages (ecosystem TEXT, name TEXT, id TEXT, PRIMARY KEY (ecosystem, name, id)) WITHOUT ROWID",
        "CREATE TABLE feeds (ecosystem TEXT PRIMARY KEY, as_of REAL, imported REAL) WITHOUT ROWID",
    ),
)
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of the largest advisory."""
_DECODER: Final = msgspec.json.Decoder(Advisory)


@dataclass(frozen=True, slots=True)
class Feed:
    """What is known of one ecosystem. ``as_of``, ``imported``: seconds since 1970."""

    ecosystem: str
    as_of: float
    imported: float
    entries: int


@dataclass(frozen=True, slots=True)
class Imported:
    """``refused``: names of files that are no advisories, at most ten."""

    advisories: int
    ecosystems: tuple[str, ...]
    refused: tuple[str, ...] = ()


class Advisories:
    """An index in one file. Raises ``StoreError``."""

    def __init__(self, path: Path | None) -> None:
        self._database = Database(path, [SCHEMA])

    def close(self) -> None:
        self._database.close()

    def take(self, paths: Iterable[Path], *, now: float, as_of: float | None = None) -> Imported:
        """Imports files. All or nothing. Raises ``ConfigError`` where there is no advisory in them."""
        count, newest, refused = 0, dict[str, float](), list[str]()
        with self._database.writing() as connection:
            for name, advisory in _advisories(paths):
                if advisory is None:
                    refused.append(name)
                    continue
                count += 1
                packages = advisory.packages()
                modified = _seconds(advisory.modified)
                for ecosystem, _ in packages:
                    newest[ecosystem] = max(newest.get(ecosystem, 0.0), modified)
                row = connection.execute("SELECT modified FROM advisories WHERE id = ?", (advisory.id,)).fetchone()
                if row is not None and _seconds(row[0]) > modified:
                    continue
                connection.execute("DELETE FROM packages WHERE id = ?", (advisory.id,)) if row is not None else None
                body = msgspec.json.encode(advisory)
                connection.execute(
                    "INSERT OR REPLACE INTO advisories VALUES (?, ?, ?)", (advisory.id, advisory.modified, body)
                )
                connection.executemany(
                    "INSERT OR REPLACE INTO packages VALUES (?, ?, ?)",
                    [(*package, advisory.id) for package in packages],
                )
            if not count:
                raise ConfigError("There is no OSV advisory in these files.", reason="advisories-invalid")
            for ecosystem, at in newest.items():
                day = min(now, at if as_of is None else as_of)
                old = connection.execute("SELECT as_of FROM feeds WHERE ecosystem = ?", (ecosystem,)).fetchone()
                kept = max(day, old[0]) if old is not None else day
                connection.execute("INSERT OR REPLACE INTO feeds VALUES (?, ?, ?)", (ecosystem, kept, now))
        return Imported(count, tuple(sorted(newest)), tuple(refused[:10]))

    def feeds(self) -> list[Feed]:
        """Every ecosystem that came, by name."""
        rows = self._database.rows(
            "SELECT f.ecosystem, f.as_of, f.imported, (SELECT count(*) FROM packages p WHERE p.ecosystem = f.ecosystem)"
            " FROM feeds f ORDER BY f.ecosystem"
        )
        return [Feed(*row) for row in rows]

    def fresh(self, now: float, stale_after: float) -> Callable[[str], bool]:
        """Whether what is known of an ecosystem is known by now."""
        known = {feed.ecosystem: now - feed.as_of <= stale_after for feed in self.feeds()}
        return lambda ecosystem: any(good for listed, good in known.items() if covers(listed, ecosystem))

    def of(self, ecosystem: str, name: str) -> list[Advisory]:
        """What was ever said of a package, whatever the version."""
        rows = self._database.rows(
            "SELECT a.body FROM packages p JOIN advisories a ON a.id = p.id"
            " WHERE p.ecosystem IN (?, ?) AND p.name = ? GROUP BY a.id",
            (ecosystem, ecosystem.partition(":")[0], same_name(ecosystem, name)),
        )
        return [_DECODER.decode(row[0]) for row in rows]


def _advisories(paths: Iterable[Path]) -> Iterator[tuple[str, Advisory | None]]:
    for path in paths:
        try:
            yield from _of_path(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{path} cannot be read: {type(error).__name__}", reason="advisories-invalid") from error


def _of_path(path: Path) -> Iterator[tuple[str, Advisory | None]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in {".json", ".zip"} and file.is_file():
                yield from _of_path(file)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.filename.endswith(".json"):
                    continue
                if entry.file_size > LARGEST:
                    yield entry.filename, None
                    continue
                with archive.open(entry) as stream:
                    yield entry.filename, _decoded(stream.read(LARGEST + 1))
    elif path.stat().st_size > LARGEST:
        yield path.name, None
    else:
        yield path.name, _decoded(path.read_bytes())


def _decoded(data: bytes) -> Advisory | None:
    if len(data) > LARGEST:
        return None
    try:
        read = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return read if read.id and _seconds(read.modified) > 0 else None


def _seconds(text: Any) -> float:
    """Seconds since 1970 of an RFC 3339 date and time; 0 for what is none."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return 0.0
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
