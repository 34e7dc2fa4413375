"""The erasure register, and erasing a subject: begun, done everywhere, receipted; done again to whatever comes back.

The rules:

1. The register is a small file of its own, which every backup holds and no restore may replace: copies are merged
   (``merge``). It names subjects by digests (``receipt.digest``).
2. An erasure is noted before anything happens. Then the subject's keys are destroyed, which is what makes every copy
   unreadable; then each store deletes its rows; then each has a signed receipt, and the erasure is done. Whatever cuts
   it off, ``resume`` goes on.
3. **What was erased stays erased.** ``replay`` destroys, in whatever keys are there, those of erased subjects up to the
   number that the register noted, and deletes rows that nothing can open. It runs at every start: a copy of the keys'
   file from before an erasure does not bring anybody back, and a subject who came again later keeps what is new.
4. The register cannot know what it has not seen. Whoever restores on an empty machine from a backup older than an
   erasure has to bring the register as well (it is a few kilobytes: keep a copy elsewhere).
5. The key that signs receipts stands beside the register (``.signer``), readable by its owner alone; its public half in
   ``.vkey``, for verifying elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatward.core.errors import StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record, SealedFields
from chatward.seal import receipt as receipts
from chatward.seal.receipt import PublicKey, Receipt, digest
from chatward.seal.sealer import KeySealer
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "erasures",
    (
        "CREATE TABLE erasures (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, subject TEXT NOT NULL, begun REAL NOT NULL,"
        " number INTEGER NOT NULL, done REAL)",
        "CREATE INDEX erasures_subject ON erasures (tenant, subject)",
        "CREATE TABLE receipts (erasure TEXT NOT NULL, store TEXT NOT NULL, written TEXT NOT NULL,"
        " PRIMARY KEY (erasure, store))",
    ),
)
KEYS: Final = "keys"
"""What receipts call the store of keys."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """``subject`` is a digest. ``number``: keys up to this one were destroyed. ``done``: ``None`` while it is not."""

    id: str
    tenant: str
    subject: str
    begun: float
    number: int
    done: float | None


class Register:
    """The register in a ``Database``, and the key that signs receipts."""

    def __init__(self, database: Database, key: Ed25519PrivateKey) -> None:
        self.database = database
        self.key = key
        database.adopt(SCHEMA)

    @property
    def public(self) -> PublicKey:
        return PublicKey.of(self.key.public_key().public_bytes_raw())

    def erasures(self) -> list[Erasure]:
        """All of them, in the order in which they were begun."""
        rows = self.database.rows("SELECT id, tenant, subject, begun, number, done FROM erasures ORDER BY begun, id")
        return [Erasure(*row) for row in rows]

    def receipts(self, id_: str) -> dict[str, str]:
        """The receipts of an erasure by store."""
        return dict(self.database.rows("SELECT store, written FROM receipts WHERE erasure = ?", (id_,)))

    def merge(self, other: Database) -> int:
        """Takes in what another copy of the register knows; how many erasures were new. One that is done in either is
        done."""
        rows = other.rows("SELECT id, tenant, subject, begun, number, done FROM erasures")
        written = other.rows("SELECT erasure, store, written FROM receipts")
        with self.database.writing() as connection:
            before = connection.execute("SELECT count(*) FROM erasures").fetchone()[0]
            connection.executemany(
                "INSERT INTO erasures VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET number = max(number, excluded.number), done = coalesce(done, excluded.done)",
                rows,
            )
            connection.executemany("INSERT OR IGNORE INTO receipts VALUES (?, ?, ?)", written)
            after: int = connection.execute("SELECT count(*) FROM erasures").fetchone()[0]
        return after - int(before)


class Eraser:
    """Erases subjects from the keys and from all ``stores``. ``clock`` gives seconds since 1970 UTC. Raises
    ``StoreError`` (``erasure-unfinished``: not done yet, ask again or ``resume``)."""

    def __init__(
        self,
        register: Register,
        sealer: KeySealer,
        stores: Sequence[SealedFields],
        record: Record = lambda entry: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.register = register
        self._sealer = sealer
        self._keys = sealer.keys
        self._stores = tuple(stores)
        self._record = record
        self._clock = clock

    def erase(self, tenant: str, subject: str, by: str) -> list[str]:
        """Erases a subject; the receipts in writing, that of the keys first. ``by`` is the id of who asked for it."""
        erasure = Erasure(
            secrets.token_hex(16), tenant, digest(tenant, subject), self._clock(), self._keys.number, None
        )
        fields = {"erasure": erasure.id, "tenant": tenant, "subject": erasure.subject, "by": by}
        self._record(Entry(Event.SUBJECT_ERASURE_INTENDED, "", fields))
        self.register.database.write(
            "INSERT INTO erasures VALUES (?, ?, ?, ?, ?, NULL)",
            (erasure.id, tenant, erasure.subject, erasure.begun, erasure.number),
        )
        return self._carry_out(erasure, [(tenant, subject)])

    def resume(self) -> int:
        """Goes on with erasures that were cut off; how many there were."""
        open_ = [erasure for erasure in self.register.erasures() if erasure.done is None]
        if open_:
            known = self._known()
            for erasure in open_:
                self._carry_out(erasure, known.get((erasure.tenant, erasure.subject), []))
        return len(open_)

    def replay(self) -> int:
        """Does again what the register says to whatever keys and rows are here; how many keys and rows that took."""
        erasures = self.register.erasures()
        last = max((erasure.number for erasure in erasures), default=0)
        known = self._known() if erasures else {}
        again = [
            (tenant, subject, erasure.number)
            for erasure in erasures
            for tenant, subject in known.get((erasure.tenant, erasure.subject), [])
        ]
        count = self._keys.destroy_before(again, last)
        for tenant, subject in {(tenant, subject) for tenant, subject, _ in again}:
            count += sum(store.sweep(tenant, subject, self._sealer.dead) for store in self._stores)
        return count

    def _known(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """Tenants and subjects that there are, by tenant and digest."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        everywhere = set(self._keys.subjects())
        for store in self._stores:
            everywhere.update(store.subjects())
        for tenant, subject in everywhere:
            found.setdefault((tenant, digest(tenant, subject)), []).append((tenant, subject))
        return found

    def _carry_out(self, erasure: Erasure, subjects: Sequence[tuple[str, str]]) -> list[str]:
        destroyed = [self._keys.erase(tenant, subject) for tenant, subject in subjects]
        counts = {KEYS: sum(count for count, _ in destroyed)}
        number = max((erasure.number, *(number for _, number in destroyed)))
        for store in self._stores:
            counts[store.name] = sum(store.erase_subject(tenant, subject) for tenant, subject in subjects)
        now = self._clock()
        with self.register.database.writing() as connection:
            for store_, rows in counts.items():
                made = Receipt(erasure.id, erasure.tenant, erasure.subject, store_, rows, number, now)
                values = (erasure.id, store_, receipts.sign(made, self.register.key))
                connection.execute("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?)", values)
            connection.execute("UPDATE erasures SET done = ?, number = ? WHERE id = ?", (now, number, erasure.id))
        entry = {"erasure": erasure.id, "tenant": erasure.tenant, "subject": erasure.subject, "stores": list(counts)}
        self._record(Entry(Event.SUBJECT_ERASED, "", entry))
        written = self.register.receipts(erasure.id)
        return [written[store] for store in counts]


# --- the signing key


def signer(register: Path) -> Ed25519PrivateKey:
    """The key that signs receipts, made if there is none. Raises ``StoreError`` (``receipt-key-invalid``)."""
    path = register.with_name(register.name + ".signer")
    try:
        if not path.exists():
            _create(path, base64.b64encode(secrets.token_bytes(32)) + b"\n", 0o600)
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_bytes().strip(), validate=True))
        public = register.with_name(register.name + ".vkey")
        if not public.exists():
            _create(public, PublicKey.of(key.public_key().public_bytes_raw()).written.encode() + b"\n", 0o644)
    except (OSError, ValueError, binascii.Error) as error:
        raise StoreError("The key that signs receipts cannot be used.", reason="receipt-key-invalid") from error
    return key


def _create(path: Path, data: bytes, mode: int) -> None:
    """A new file that is whole from its first moment; who comes second leaves the first one's alone."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor: Any = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.close(descriptor)
        temporary.unlink()
