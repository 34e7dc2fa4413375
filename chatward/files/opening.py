"""Settings in, a desk for files out."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from chatward.core.errors import ConfigError
from chatward.core.identity import Fetch
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.files.clamd import Clamd
from chatward.files.desk import FileDesk
from chatward.files.quarantine import Quarantine, quarantine_file
from chatward.files.worker import Setup
from chatward.files.workers import Failed, Workers
from chatward.guards.files.inspecting import Report
from chatward.guards.files.looking import Bounds
from chatward.intel.opening import folder_of
from chatward.intel.rules import current
from chatward.seal.keys import Keys
from chatward.seal.kms import Ask
from chatward.seal.opening import files as sealing_files
from chatward.seal.opening import root_keys
from chatward.seal.sealer import KeySealer
from chatward.settings import Settings
from chatward.settings.files import Files
from chatward.stores.database import Database

INSTALL: Final = 'uv pip install "chatward[files]"'
_SUFFIXES: Final = (".yar", ".yara")


def opened(
    settings: Settings,
    *,
    start: bool = True,
    quarantine: Quarantine | None = None,
    note: Callable[[Entry], None] = lambda entry: None,
) -> FileDesk | None:
    """The desk; ``None`` where files are not looked at. ``start``: a worker is started at once, so that rules which do
    not compile are told now; else with the first file. Raises ``ConfigError``. May wait for a second: call it on a
    thread."""
    wanted = settings.files
    if not wanted.enabled:
        return None
    rules = tuple(_rules(settings))
    if rules and importlib.util.find_spec("yara_x") is None:
        raise ConfigError(
            f"files.rules: YARA rules need an extra: {INSTALL}", key="files.rules", reason="extra-missing"
        )
    workers = Workers(Setup(bounds_of(wanted), wanted.memory, rules, wanted.strip_metadata), wanted.workers)
    if start and rules:
        try:
            workers.start()
        except Failed as error:
            raise ConfigError("no process that looks at files could be started", reason="worker-failed") from error
    antivirus = Clamd(wanted.clamd) if wanted.clamd else None
    return FileDesk(wanted, workers, antivirus, quarantine=quarantine, note=note)


def opened_quarantine(
    settings: Settings, record: Record, *, fetch: Fetch | None = None, ask: Ask = asyncio.run
) -> Quarantine:
    """The files that were stopped, with the keys of ``[seal]``. Raises ``ConfigError`` and ``StoreError``. Waits for
    the disk and the key service: call it on a thread."""
    where, seal, wanted = sealing_files(settings), settings.seal, settings.files
    roots = root_keys(seal, where, fetch)
    keys = Keys(Database(where.keys), roots, ask=ask, capacity=seal.memory, ttl=seal.memory_seconds)
    database = Database(quarantine_file(settings))
    return Quarantine(database, KeySealer(keys), record, days=wanted.quarantine_days, most=wanted.quarantine_size)


def bounds_of(wanted: Files) -> Bounds:
    """The bounds of the settings."""
    return Bounds(
        unpacked=wanted.unpacked, ratio=wanted.ratio, depth=wanted.depth, members=wanted.members, text=wanted.text
    )


def _rules(settings: Settings) -> Iterator[str]:
    """Texts of YARA rules: the operator's, and the newest of each bundle of threat intelligence."""
    for name in settings.files.rules:
        path = Path(name)
        found = sorted(one for one in path.iterdir() if one.suffix in _SUFFIXES) if path.is_dir() else [path]
        for one in found:
            try:
                yield one.read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                raise ConfigError(
                    f"files.rules: {one} cannot be read", key="files.rules", reason="file-unreadable"
                ) from None
    folder = folder_of(settings)
    for source in settings.intel.sources:
        if source.format == "yara":
            path_of = current(folder, source.name)
            if path_of is not None:
                yield path_of.read_text("utf-8", "replace")


def asked(desk: FileDesk | None, data: bytes, name: str, declared: str) -> Report:
    """What a desk says of one file, from where no event loop is at hand. Raises ``ConfigError`` where there is no
    desk."""
    if desk is None:
        raise ConfigError("files.enabled is false", key="files.enabled", reason="files-off")

    def ask() -> Report:
        return asyncio.run(desk.inspect(data, name, declared))

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return ask()
    with ThreadPoolExecutor(1) as beside:  # an event loop runs here: it waits as it would for any blocking call
        return beside.submit(ask).result()
