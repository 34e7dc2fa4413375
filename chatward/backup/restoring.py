"""Putting a backup back: nothing is lost that is newer, and nobody comes back who was erased.

The rules:

1. Everything is checked before anything is written: the signature, digests, that every database is whole, that nobody
   has one open.
2. A file that is there and different is replaced only where that was asked for. Two never are: **the register of
   erasures**, which takes in what the backup knows, and **a ledger that goes on where the backup's ends**. A ledger
   of another history is for a person to move away.
3. Keys of people are taken only where there are none: those that are there are newer.
4. Then the register is carried out again, on keys, stored conversations and statements (``seal.register``, rule 3), the
   ledger is verified, and so are the receipts. Cut off at any point, it is done again from the start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from chatward.backup.copies import copy_file, digest, idle, sound, write
from chatward.backup.inventory import LEDGER, REGISTER, Manifest, Stored, beside, read, stored
from chatward.backup.signing import Whose, whose
from chatward.core.errors import ClientError, ConfigError, StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record, SealedFields
from chatward.ledger.checkpoint import split
from chatward.ledger.checkpointing import verifiers
from chatward.ledger.note import Note, NoteError, Verifier
from chatward.ledger.tree import reader
from chatward.ledger.verifying import Verification, verify
from chatward.privacy.opening import stores_of_people
from chatward.seal import receipt as receipts
from chatward.seal.opening import files
from chatward.seal.receipt import PublicKey
from chatward.seal.register import Register, signer
from chatward.settings import Settings
from chatward.stores.database import Database


@dataclass(frozen=True, slots=True)
class Restored:
    """``placed``: names of files that were put in place; ``kept``: of those that stayed. ``erasures``: how many the
    register knows now; ``taken``: statements and requests of erased people that went again; ``key``: whose key
    verified the signature."""

    placed: tuple[str, ...]
    kept: tuple[str, ...]
    erasures: int
    taken: int
    key: Whose


@dataclass(frozen=True, slots=True)
class Checked:
    """How a restored installation stands."""

    ledger: Verification | None
    receipts: int
    bad_receipts: int
    broken: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return (self.ledger is None or self.ledger.ok) and not self.bad_receipts and not self.broken


def check(folder: Path, known: Sequence[Verifier] = (), ledger: Path | None = None) -> tuple[Manifest, Whose]:
    """The manifest, once it is signed (``signing.whose``) and every file is as it says. Raises ``ConfigError``
    (``backup-invalid``, ``backup-unsigned``, ``backup-forged``)."""
    manifest = read(folder)
    key = whose(folder, known, ledger)
    for one in manifest.files:
        try:
            good = digest(folder / one.name) == (one.bytes, one.sha256)
        except OSError:
            good = False
        if not good:
            raise ConfigError(f"{one.name} of the backup is missing or was changed", reason="backup-invalid")
        if one.name.endswith(".db") and not sound(folder / one.name):
            raise ConfigError(f"{one.name} of the backup is damaged", reason="backup-invalid")
    return manifest, key


def restore(
    settings: Settings,
    folder: Path,
    *,
    keys: Callable[[], bytes] | None = None,
    replace: bool = False,
    known: Sequence[Verifier] = (),
) -> Restored:
    """Puts the backup in ``folder`` in place. ``keys`` gives the database of people's keys; ``known`` are public keys
    that may have signed it, else it is that of the ledger here. Raises ``ConfigError`` (those of ``check``,
    ``restore-in-use``, ``restore-exists``, ``restore-other-ledger``), ``StoreError``."""
    manifest, key = check(folder, known, Path(settings.ledger.path))
    names = {one.name for one in manifest.files}
    here = [one for one in stored(settings) if one.name in names]
    where = files(settings)
    image = keys() if keys is not None else None
    if image is not None and where.keys.exists():
        raise ConfigError(f"{where.keys} is there: the keys in it are newer than a copy", reason="restore-exists")
    kept = {one.name for one in here if one.path.exists() and digest(one.path) == digest(folder / one.name)}
    kept |= _newer(here, folder)
    for one in here:
        if one.path.exists() and one.kind == "database" and not idle(one.path):
            raise ConfigError(f"{one.path} is in use: stop the gateway first", reason="restore-in-use")
        if one.path.exists() and one.name not in kept and not replace:
            raise ConfigError(f"{one.path} is there and is another: see --replace", reason="restore-exists")
    merged = any(one.name == REGISTER and one.path.exists() for one in here)
    for one in here:
        if one.name not in kept:
            one.path.parent.mkdir(parents=True, exist_ok=True)
            for ending in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    beside(one.path, ending).unlink()
            copy_file(folder / one.name, one.path)
    if image is not None:
        write(where.keys, image)
    erasures, taken = _erased(settings, folder / REGISTER if merged and REGISTER in names else None)
    placed = (*(one.name for one in here if one.name not in kept), *(["keys.db"] if image is not None else []))
    return Restored(placed, tuple(sorted(kept)), erasures, taken, key)


def verified(settings: Settings, folder: Path) -> Checked:
    """Looks at everything that is in place now."""
    broken = tuple(
        one.name for one in stored(settings) if one.kind == "database" and one.path.exists() and not sound(one.path)
    )
    path = Path(settings.ledger.path)
    ledger = None
    if settings.ledger.enabled and path.exists():
        ledger = verify(path, keys=verifiers(path), noted=_noted(settings))
    public = [
        PublicKey(key.read_text("ascii").strip())
        for key in {beside(files(settings).register, ".vkey"), folder / f"{REGISTER}.vkey"}
        if key.exists()
    ]
    good = bad = 0
    for written in _receipts(files(settings).register):
        try:
            receipts.verify(written, public)
            good += 1
        except ClientError:
            bad += 1
    return Checked(ledger, good, bad, broken)


def note(settings: Settings, restored: Restored, record: Record) -> None:
    """Puts it on record, in the ledger that is in place now."""
    fields = {"files": list(restored.placed), "erasures": restored.erasures, "by": "command-line"}
    record(Entry(Event.BACKUP_RESTORED, "", fields))


# --- inside


def _newer(here: list[Stored], folder: Path) -> set[str]:
    """What stays whatever was asked for: the register and its keys, a longer ledger and its keys."""
    stay: set[str] = set()
    by_name = {one.name: one for one in here}
    register, ledger = by_name.get(REGISTER), by_name.get(LEDGER)
    if register is not None and register.path.exists():
        stay.add(REGISTER)
        stay |= {name for name in (f"{REGISTER}.signer", f"{REGISTER}.vkey") if name in _there(by_name)}
    if ledger is not None and ledger.path.exists() and _goes_on(ledger.path, folder / LEDGER):
        stay.add(LEDGER)
        stay |= {f"{LEDGER}{ending}" for ending in (".key", ".signer", ".vkey")} & _there(by_name)
    return stay


def _there(by_name: dict[str, Stored]) -> set[str]:
    return {name for name, one in by_name.items() if one.path.exists()}


def _goes_on(here: Path, backup: Path) -> bool:
    """Whether the ledger here holds all that the backup's does; ``False`` if it is a part of it. Raises ``ConfigError``
    for one of another history."""
    try:
        with reader(here) as ours, reader(backup) as theirs:
            long, short = _head(ours), _head(theirs)
            if long >= short and _hash(ours, short) == _hash(theirs, short):
                return True
            if long < short and _hash(ours, long) == _hash(theirs, long):
                return False
    except StoreError:
        pass
    raise ConfigError(
        f"{here} is another ledger than the backup's, or damaged: move it away if it is not wanted",
        reason="restore-other-ledger",
    )


def _head(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()[0])


def _hash(connection: sqlite3.Connection, seq: int) -> bytes | None:
    row = connection.execute("SELECT hash FROM ledger WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else bytes(row[0])


def _erased(settings: Settings, other: Path | None) -> tuple[int, int]:
    """The register takes in ``other``, and what it says is done again to statements and requests: that needs no keys.
    How many erasures there are, and how many rows went."""
    where = files(settings)
    if not where.register.exists():
        return 0, 0
    with closing(Database(where.register)) as database, stores_of_people(settings, lambda entry: None) as also:
        register = Register(database, signer(where.register))
        if other is not None:
            _merge(register, other)
        # What is sealed waits for its keys: which of it is dead, they say.
        taken = sum(_swept(store) for store in also(register) if not store.tables)
        return len(register.erasures()), taken


def _swept(store: SealedFields) -> int:
    return sum(store.sweep(tenant, subject, lambda place, blob: True) for tenant, subject in store.subjects())


def _merge(register: Register, other: Path) -> None:
    """Out of a copy: opening a database changes its file, and a backup stays as it is."""
    copy = beside(other, ".merging")
    copy_file(other, copy)
    try:
        with closing(Database(copy)) as opened:
            register.merge(opened)
    finally:
        for ending in ("", "-wal", "-shm"):
            beside(copy, ending).unlink(missing_ok=True)


def _receipts(register: Path) -> list[str]:
    if not register.exists():
        return []
    with closing(sqlite3.connect(register)) as connection:
        return [row[0] for row in connection.execute("SELECT written FROM receipts")]


def _noted(settings: Settings) -> list[Note]:
    """Checkpoints that were written elsewhere."""
    name = settings.ledger.checkpoint_file
    if not name or not Path(name).exists():
        return []
    try:
        return list(split(Path(name).read_text("utf-8")))
    except (OSError, UnicodeError, NoteError) as error:
        raise StoreError("The file of checkpoints cannot be read.", reason="ledger-unreadable") from error
