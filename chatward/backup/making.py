"""Making a backup while everything runs: consistent copies, digests of each, a manifest, its signature last.

A folder without both is no backup: whatever cuts it off, it is not taken for one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from chatward import __version__
from chatward.backup.copies import copy_database, copy_file, digest, write
from chatward.backup.inventory import CONFIG, FORMAT, LEDGER, MANIFEST, Copied, Manifest, stored
from chatward.backup.signing import sign
from chatward.core.errors import ConfigError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.settings import Settings


def backup(
    settings: Settings,
    config: Path | None,
    out: Path,
    record: Record,
    *,
    clock: Callable[[], float] = time.time,
) -> Manifest:
    """Copies everything but keys of people, and what stands in PostgreSQL, into the new folder ``out``; what was
    copied. It is on record before it begins. Raises ``ConfigError`` (``backup-exists``), ``StoreError``
    (``backup-failed``), ``OSError``."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already: a backup is made in a new folder", reason="backup-exists")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    record(Entry(Event.BACKUP_MADE, "", {"by": "command-line"}))
    found = [one for one in stored(settings) if one.path.exists()]
    if config is not None:
        copy_file(config, out / CONFIG)
    for one in found:
        (copy_database if one.kind == "database" else copy_file)(one.path, out / one.name)
    names = [*([CONFIG] if config is not None else []), *(one.name for one in found)]
    copied = [Copied(name, *digest(out / name)) for name in names]
    made = Manifest(FORMAT, __version__, clock(), _entries(out / LEDGER), copied)
    write(out / MANIFEST, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    sign(out, Path(settings.ledger.path))
    return made


def _entries(ledger: Path) -> int:
    if not ledger.exists():
        return 0
    with closing(sqlite3.connect(ledger)) as connection:
        return int(connection.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()[0])
