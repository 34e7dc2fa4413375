"""The keys below the root: tenant, subject, record; made, cached, counted up, destroyed.

The rules:

1. **Each key is wrapped by the one above it**: a tenant's by the root key (``kms``), a subject's by its tenant's, a
   record's by its subject's, with AES-256-GCM and its whole name as associated data. A key put in another's place does
   not unwrap. A key seals, wraps and indexes with three keys derived from it (HKDF-Expand, RFC 5869), never with
   itself.
2. **One version for a tenant and all below it.** ``advance`` makes the next one: what is sealed from then on has it.
   ``retire`` sets the minimum to it, once nothing older is left: older fields are refused from then on, older keys are
   destroyed. Both are decisions of a rotation.
3. **Destroyed is overwritten.** Rows are only ever appended, and overwritten in place with as many zeros: none moves,
   so no page keeps a stale copy of a key in a gap between rows. Then the write-ahead log is emptied. ``retire`` makes
   the file anew. What a file system or an SSD keeps of old blocks is beyond a program; such blocks hold wrapped keys,
   which are worth nothing once their tenant's version is retired too.
4. **They stand in a file of their own**, which ordinary backups leave out.
5. **Numbers only grow.** Every key has a number that is given once. An erasure is noted with the newest number of its
   time, so that whatever copy of this file comes back, ``destroy_before`` finds the keys that were to be gone
   (``register``), and spares those that the subject got later.
6. In memory, keys stay for ``ttl`` seconds, at most ``capacity`` of them. A key that anybody destroyed, here or in
   another process, is not used again: a commit of anyone is noticed (``Database.generation``). Python cannot promise
   that a key leaves memory when it is dropped; it is not written to logs, errors or ``repr``.

All of it may wait for the disk or a key service: call it on a thread.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chatward.core.errors import StoreError
from chatward.seal.envelope import KEY_BYTES, MAX_VERSION, joined
from chatward.seal.key import Cache, Key, Name
from chatward.seal.kms import Ask, RootKeys, Wrapped
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "seal",
    (
        "CREATE TABLE tenants (tenant TEXT PRIMARY KEY, current INTEGER NOT NULL, minimum INTEGER NOT NULL)",
        "CREATE TABLE tenant_keys (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL,"
        " version INTEGER NOT NULL, root INTEGER NOT NULL, wrapped BLOB NOT NULL, live INTEGER NOT NULL)",
        "CREATE UNIQUE INDEX tenant_keys_live ON tenant_keys (tenant, version) WHERE live = 1",
        "CREATE TABLE keys (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, subject TEXT NOT NULL,"
        " record TEXT NOT NULL, version INTEGER NOT NULL, wrapped BLOB NOT NULL, live INTEGER NOT NULL)",
        "CREATE UNIQUE INDEX keys_live ON keys (tenant, subject, record, version) WHERE live = 1",
        "CREATE TABLE sealed_tables (name TEXT PRIMARY KEY)",
        "CREATE TABLE changes (one INTEGER PRIMARY KEY CHECK (one = 1), destroyed INTEGER NOT NULL)",
        "INSERT INTO changes VALUES (1, 0)",
    ),
)

_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """How a tenant's keys stand. ``roots``: versions of the root key under which its keys are wrapped."""

    tenant: str
    current: int
    minimum: int
    roots: tuple[int, ...]
    keys: int


class Keys:
    """The keys in a ``Database`` of their own, under the root key ``root``. ``ask`` waits for a key service: the
    default is for threads without an event loop; ``kms.on_loop`` gives one for a service that lives on a loop.

    Raises ``StoreError``: ``sealed-key-gone`` (410), ``sealed-retired``, ``sealed-altered``, ``erasure-unfinished``,
    ``root-key-unavailable``, ``root-key-refused``.
    """

    def __init__(
        self,
        database: Database,
        root: RootKeys,
        *,
        ask: Ask = asyncio.run,
        clock: Callable[[], float] = time.monotonic,
        capacity: int = 4096,
        ttl: float = 300.0,
    ) -> None:
        self.database = database
        self._root = root
        self._ask = ask
        self._cache = Cache(clock, capacity, ttl)
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._destroyed = -1
        self._states: Mapping[str, tuple[int, int]] = {}
        self._tables: set[str] = set()
        database.adopt(SCHEMA)

    # --- versions

    def current(self, tenant: str) -> int:
        """The version that is sealed with now. A tenant's first key is made when it is asked for."""
        state = self._state(tenant)
        if state is None:
            self._make_tenant(tenant, 0)
            state = self._state(tenant)
            if state is None:
                raise _unusable()
        return state[0]

    def minimum(self, tenant: str) -> int:
        """The lowest version that opens; 0 for a tenant without keys."""
        state = self._state(tenant)
        return state[1] if state else 0

    def versions(self, tenant: str) -> range:
        """All that are good now."""
        current = self.current(tenant)
        return range(self.minimum(tenant), current + 1)

    def tenants(self) -> list[str]:
        self._look()
        return sorted(self._states)

    def advance(self, tenant: str) -> int:
        """The next version; what is sealed from now on has it."""
        before = self.current(tenant)
        self._make_tenant(tenant, before)
        return self.current(tenant)

    def retire(self, tenant: str) -> int:
        """Nothing below the current version opens any more, its keys are destroyed, and the file is made anew; how many
        keys that were. Raises ``StoreError`` (``erasure-unfinished``) where another holds the file: ask again."""
        with self.database.writing() as connection:
            (current,) = connection.execute("SELECT current FROM tenants WHERE tenant = ?", (tenant,)).fetchone()
            connection.execute("UPDATE tenants SET minimum = ? WHERE tenant = ?", (current, tenant))
            count = 0
            for table in ("tenant_keys", "keys"):
                count += connection.execute(
                    f"UPDATE {table} SET live = 0, wrapped = zeroblob(length(wrapped))"  # noqa: S608 - one of two
                    " WHERE live = 1 AND tenant = ? AND version < ?",
                    (tenant, current),
                ).rowcount
            _changed(connection)
        self._cache.clear()
        self._compact()
        return count

    def _make_tenant(self, tenant: str, before: int) -> None:
        """The version after ``before``, unless another made it first."""
        version = before + 1
        if version > MAX_VERSION:
            raise _unusable()
        wrapped = self._ask(self._root.wrap(os.urandom(KEY_BYTES), joined("tenant", tenant, str(version))))
        with self.database.writing() as connection:
            row = connection.execute("SELECT current FROM tenants WHERE tenant = ?", (tenant,)).fetchone()
            if (row[0] if row else 0) != before:
                return
            connection.execute(
                "INSERT INTO tenant_keys (tenant, version, root, wrapped, live) VALUES (?, ?, ?, ?, 1)",
                (tenant, version, wrapped.version, wrapped.blob),
            )
            connection.execute(
                "INSERT INTO tenants VALUES (?, ?, ?) ON CONFLICT (tenant) DO UPDATE SET current = excluded.current",
                (tenant, version, version),
            )

    def rewrap(self) -> int:
        """Wraps every tenant's keys under the newest root key; how many there were. Old versions of the root key may be
        destroyed after that, which makes older copies of this file worthless."""
        newest = self._ask(self._root.newest())
        rows = self.database.rows("SELECT id, tenant, version, root, wrapped FROM tenant_keys WHERE live = 1")
        count = 0
        for number, tenant, version, root, blob in rows:
            if root == newest:
                continue
            context = joined("tenant", tenant, str(version))
            raw = self._ask(self._root.unwrap(Wrapped(root, blob), context))
            wrapped = self._ask(self._root.wrap(raw, context))
            count += self.database.write(
                "UPDATE tenant_keys SET root = ?, wrapped = ? WHERE id = ? AND live = 1",
                (wrapped.version, wrapped.blob, number),
            )
        return count

    def status(self) -> list[TenantKeys]:
        """How all tenants' keys stand."""
        rows = self.database.rows(
            "SELECT t.tenant, t.current, t.minimum,"
            " (SELECT group_concat(DISTINCT root) FROM tenant_keys k WHERE k.tenant = t.tenant AND live = 1),"
            " (SELECT count(*) FROM keys k WHERE k.tenant = t.tenant AND live = 1) FROM tenants t ORDER BY t.tenant"
        )
        return [
            TenantKeys(tenant, current, minimum, tuple(sorted(map(int, str(roots or "").split(",")))), count)
            for tenant, current, minimum, roots, count in rows
        ]

    # --- keys

    def get(self, name: Name, version: int) -> Key:
        """A key that exists."""
        self._look()
        if version < self.minimum(name[0]):
            raise StoreError("This was sealed with a key that is no longer accepted.", reason="sealed-retired")
        key = self._find(name, version)
        if key is None:
            raise gone()
        return key

    def live(self, name: Name, version: int) -> bool:
        """Whether there is such a key; it is not unwrapped."""
        return self._row(name, version) is not None

    def newest(self, name: Name) -> tuple[Key, int]:
        """The key to seal with, and its version; made if there is none."""
        for _ in range(_ATTEMPTS):
            version = self.current(name[0])
            key = self._find(name, version)
            if key is not None:
                return key, version
            self.prepare([name])
        raise _unusable()

    def prepare(self, names: Iterable[Name]) -> None:
        """Makes what is missing of these keys at their current versions, in one transaction."""
        missing: list[tuple[Name, int]] = []
        epoch = self._cache.epoch
        for name in dict.fromkeys(names):
            version = self.current(name[0])
            if self._find(name, version) is None:
                missing.append((name, version))
        if not missing:
            return
        above = {(name[0], version): self._tenant(name[0], version) for name, version in missing if name[1]}
        made: dict[tuple[Name, int], Key] = {}
        with self.database.writing() as connection:
            for (tenant, subject, record), version in missing:
                row = connection.execute("SELECT current FROM tenants WHERE tenant = ?", (tenant,)).fetchone()
                if not subject or row is None or row[0] != version:
                    continue  # a rotation came in between: the caller comes again
                parent = above[tenant, version]
                own = self._have(connection, parent, (tenant, subject, ""), version, made)
                if record:
                    self._have(connection, own, (tenant, subject, record), version, made)
        for (name, version), key in made.items():
            self._cache.keep(name, version, key, epoch)

    def destroy(self, tenant: str, subject: str, records: Sequence[str]) -> int:
        """Destroys the keys of these records of a subject; how many there were."""
        with self.database.writing() as connection:
            sql = _DESTROY + " AND record = ?"
            count = sum(connection.execute(sql, (tenant, subject, record)).rowcount for record in records)
            _changed(connection)
        self._cache.clear()
        self.database.scrub()
        return count

    def erase(self, tenant: str, subject: str) -> tuple[int, int]:
        """Destroys all keys of a subject; how many there were, and the newest number that any key had then."""
        with self.database.writing() as connection:
            count = connection.execute(_DESTROY, (tenant, subject)).rowcount
            number = _number(connection)
            _changed(connection)
        self._cache.clear()
        self.database.scrub()
        return count, number

    # --- erasures, and copies of the file that come back

    @property
    def number(self) -> int:
        """The newest number that any subject's or record's key has had."""
        with self.database.writing() as connection:
            return _number(connection)

    def subjects(self) -> list[tuple[str, str]]:
        """Tenants and subjects that have keys."""
        return [
            (row[0], row[1]) for row in self.database.rows("SELECT DISTINCT tenant, subject FROM keys WHERE live = 1")
        ]

    def destroy_before(self, erasures: Sequence[tuple[str, str, int]], number: int) -> int:
        """Destroys the keys of these subjects up to the number given for each; how many there were. Keys made from now
        on have numbers above ``number``."""
        count = 0
        with self.database.writing() as connection:
            for tenant, subject, last in erasures:
                count += connection.execute(_DESTROY + " AND id <= ?", (tenant, subject, last)).rowcount
            if not connection.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'keys'", (number,)
            ).rowcount:
                connection.execute("INSERT INTO sqlite_sequence VALUES ('keys', ?)", (number,))
            if count:
                _changed(connection)
        if count:
            self._cache.clear()
            self.database.scrub()
        return count

    # --- which tables hold sealed fields

    def note_table(self, name: str) -> None:
        """Remembers that fields of this table are sealed: a rotation without it would lose them."""
        if name not in self._tables:
            self.database.write("INSERT OR IGNORE INTO sealed_tables VALUES (?)", (name,))
            self._tables.add(name)

    def tables(self) -> frozenset[str]:
        return frozenset(row[0] for row in self.database.rows("SELECT name FROM sealed_tables"))

    # --- inside

    def _look(self) -> None:
        """Notices what anyone has committed."""
        seen = self.database.generation
        if seen == self._seen:
            return
        with self._lock:
            states = {
                row[0]: (row[1], row[2]) for row in self.database.rows("SELECT tenant, current, minimum FROM tenants")
            }
            row = self.database.row("SELECT destroyed FROM changes")
            if row is None or row[0] != self._destroyed:
                self._cache.clear()
                self._destroyed = -1 if row is None else row[0]
            self._states = states
            self._seen = seen

    def _state(self, tenant: str) -> tuple[int, int] | None:
        self._look()
        return self._states.get(tenant)

    def _find(self, name: Name, version: int) -> Key | None:
        """A key out of memory, or out of the file and unwrapped by the one above it."""
        kept = self._cache.get(name, version)
        if kept is not None:
            return kept
        tenant, subject, record = name
        if not subject:
            return self._tenant(tenant, version)
        # What is destroyed while this reads must not be kept: it would be found again.
        epoch = self._cache.epoch
        row = self._row(name, version)
        if row is None:
            return None
        parent = self._find((tenant, subject, ""), version) if record else self._tenant(tenant, version)
        if parent is None:
            return None
        key = Key(parent.unwrap(row, _context(name, version)))
        self._look()
        self._cache.keep(name, version, key, epoch)
        return key

    def _tenant(self, tenant: str, version: int) -> Key:
        name = (tenant, "", "")
        kept = self._cache.get(name, version)
        if kept is not None:
            return kept
        epoch = self._cache.epoch
        row = self.database.row(
            "SELECT root, wrapped FROM tenant_keys WHERE tenant = ? AND version = ? AND live = 1", (tenant, version)
        )
        if row is None:
            raise gone()
        key = Key(self._ask(self._root.unwrap(Wrapped(row[0], row[1]), joined("tenant", tenant, str(version)))))
        self._look()
        self._cache.keep(name, version, key, epoch)
        return key

    def _have(
        self, connection: sqlite3.Connection, parent: Key, name: Name, version: int, made: dict[tuple[Name, int], Key]
    ) -> Key:
        """A key inside a transaction, made if there is none."""
        if (name, version) in made:
            return made[name, version]
        row = connection.execute(_SELECT, (*name, version)).fetchone()
        if row is not None:
            key = Key(parent.unwrap(row[0], _context(name, version)))
        else:
            raw = os.urandom(KEY_BYTES)
            connection.execute(
                "INSERT INTO keys (tenant, subject, record, version, wrapped, live) VALUES (?, ?, ?, ?, ?, 1)",
                (*name, version, parent.wrap(raw, _context(name, version))),
            )
            key = Key(raw)
        made[name, version] = key
        return key

    def _row(self, name: Name, version: int) -> bytes | None:
        row = self.database.row(_SELECT, (*name, version))
        return None if row is None else row[0]

    def _compact(self) -> None:
        """Takes out what was overwritten, and makes the file anew."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM tenant_keys WHERE live = 0")
            connection.execute("DELETE FROM keys WHERE live = 0")
        self.database.rows("VACUUM")
        self.database.scrub()


_SELECT: Final = "SELECT wrapped FROM keys WHERE tenant = ? AND subject = ? AND record = ? AND version = ? AND live = 1"
_DESTROY: Final = (
    "UPDATE keys SET live = 0, wrapped = zeroblob(length(wrapped)) WHERE live = 1 AND tenant = ? AND subject = ?"
)


def gone() -> StoreError:
    return StoreError("The key of this was destroyed. It cannot be read again.", reason="sealed-key-gone", status=410)


def _unusable() -> StoreError:
    return StoreError("The keys cannot be used now.", reason="sealed-keys-unavailable")


def _number(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'keys'").fetchone()
    return int(row[0]) if row else 0


def _changed(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE changes SET destroyed = destroyed + 1")


def _context(name: Name, version: int) -> bytes:
    tenant, subject, record = name
    if record:
        return joined("record", tenant, subject, record, str(version))
    return joined("subject", tenant, subject, str(version))
