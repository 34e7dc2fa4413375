"""API keys at rest: issued, rotated, revoked, listed.

The rules:

1. A key is shown once, by ``create`` or ``rotate``; what is kept is its SHA-256 (``identity.keys`` says why).
2. A key is a record with versions. ``rotate`` makes a new version, good at once; the one before it is good until the
   end of a grace period. No more than two versions are ever good at the same time: rotating again before that is
   refused, unless the older one is revoked. All versions share the id, the principal, the grants and the budget.
3. Revoking is final, for one version or for the whole key, and nothing is deleted: who had what, and until when, can
   be asked later.
4. A key is on record before anybody has it: ``create`` and ``rotate`` fail, and change nothing, when the record cannot
   be written. ``revoke`` takes effect first.
5. ``changes`` moves on with every change that matters to who may ask, in the same transaction. It does not move when
   the last use is noted, so that what others keep in memory stays good.
6. Who was shown a version is kept with it (``given_to``): they do not consent to what the key asks for.

Times are seconds since 1970 UTC. Writing waits for the disk: from an event loop, call it on a thread.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.identity import Grants
from chatward.core.ports import Entry
from chatward.identity import keys
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "keys",
    (
        "CREATE TABLE keys (id TEXT PRIMARY KEY, env TEXT NOT NULL, name TEXT NOT NULL, tenant TEXT NOT NULL,"
        " roles TEXT NOT NULL, grants TEXT NOT NULL, budget TEXT NOT NULL, created REAL NOT NULL, expires REAL,"
        " revoked REAL, last_used REAL) WITHOUT ROWID",
        "CREATE TABLE key_versions (key TEXT NOT NULL REFERENCES keys (id), version INTEGER NOT NULL,"
        " digest BLOB NOT NULL, created REAL NOT NULL, until REAL, revoked REAL,"
        " PRIMARY KEY (key, version)) WITHOUT ROWID",
        "CREATE TABLE key_changes (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL)",
        "INSERT INTO key_changes VALUES (1, 0)",
        "ALTER TABLE key_versions ADD COLUMN given_to TEXT NOT NULL DEFAULT ''",
    ),
)

LIVE_VERSIONS: Final = 2
Record = Callable[[Entry], None]


_MAX_NAME: Final = 100
_MAX_PATTERNS: Final = 100


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a principal may use, in UTC days and months. ``None``: as much as it likes."""

    requests_day: int | None = None
    requests_month: int | None = None
    tokens_day: int | None = None
    tokens_month: int | None = None

    def __bool__(self) -> bool:
        return self != Budget()


@dataclass(frozen=True, slots=True)
class Version:
    """``until`` ends the grace period of one that was replaced."""

    number: int
    created: float
    until: float | None = None
    revoked: float | None = None

    def live(self, now: float) -> bool:
        return self.revoked is None and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key. ``name`` is for people; it is not unique and never recorded in the ledger."""

    id: str
    env: str
    name: str
    tenant: str
    roles: tuple[str, ...]
    grants: Grants
    budget: Budget
    created: float
    expires: float | None
    revoked: float | None
    last_used: float | None
    versions: tuple[Version, ...]

    @property
    def principal(self) -> str:
        return principal_id(self.id)

    def state(self, now: float) -> str:
        """``live``, ``rotating`` (two versions are good), ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        if self.expires is not None and now >= self.expires:
            return "expired"
        live = sum(version.live(now) for version in self.versions)
        return ("revoked", "live", "rotating")[min(live, 2)]


@dataclass(frozen=True, slots=True)
class Issued:
    """A key, this once, and its record. The last of the record's versions is that of the key."""

    record: KeyRecord
    key: str = field(repr=False)


class KeyStore:
    """The keys in a ``Database``. ``record`` returns when an entry is durable and raises ``StoreError`` otherwise; it
    may block. ``clock`` gives seconds since 1970 UTC. ``by`` is the id of who does something, for the record.

    Raises ``StoreError``, and ``ClientError`` for what cannot be done: ``api-key-unknown`` (404), ``api-key-request``,
    ``api-key-not-live`` and ``api-key-rotating`` (409).
    """

    def __init__(self, database: Database, record: Record, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)

    def create(
        self,
        name: str,
        *,
        env: str = "live",
        tenant: str = "default",
        roles: Sequence[str] = (),
        grants: Grants = Grants(),  # noqa: B008 - frozen
        budget: Budget = Budget(),
        expires: float | None = None,
        by: str = "command-line",
        choice: keys.Choice = secrets.choice,
    ) -> Issued:
        """A new key."""
        now = self._clock()
        _check(name, env, tenant, roles, grants, budget)
        if expires is not None and not now < expires < float("inf"):
            raise _bad("The key would have expired already.")
        key = keys.new(env, choice=choice)
        with self._database.writing() as connection:
            values = (key.id, env, name, tenant, _json(sorted(set(roles))), _json(grants), _json(budget), now, expires)
            connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", values)
            _add_version(connection, key, 1, now, by)
            _changed(connection)
            self._record(_entry(Event.KEY_CREATED, key.id, by, env=env, version=1, expires=expires))
        return Issued(self.show(key.id), key.text)

    def rotate(
        self, id_: str, grace: float = 86_400.0, *, by: str = "command-line", choice: keys.Choice = secrets.choice
    ) -> Issued:
        """A new version; the one that was good so far stays good for ``grace`` seconds."""
        if not 0 <= grace < float("inf"):
            raise _bad("The grace period must not be negative.")
        now = self._clock()
        with self._database.writing() as connection:
            record = _read(connection.execute(_ALL + " WHERE k.id = ? ORDER BY v.version", (id_,)).fetchall(), id_)
            live = [version for version in record.versions if version.live(now)]
            if record.state(now) not in {"live", "rotating"}:
                raise ClientError(
                    "The key is revoked or expired. Create another one.", reason="api-key-not-live", status=409
                )
            if len(live) >= LIVE_VERSIONS:
                raise ClientError(
                    "The key is being rotated: revoke its older version, or wait until that has ended.",
                    reason="api-key-rotating",
                    status=409,
                )
            key = keys.new(record.env, id_, choice)
            until = now + grace if live[0].until is None else min(live[0].until, now + grace)
            connection.execute(
                "UPDATE key_versions SET until = ? WHERE key = ? AND version = ?", (until, id_, live[0].number)
            )
            number = record.versions[-1].number + 1
            _add_version(connection, key, number, now, by)
            _changed(connection)
            self._record(_entry(Event.KEY_ROTATED, id_, by, env=record.env, version=number, until=until))
        return Issued(self.show(id_), key.text)

    def revoke(self, id_: str, version: int | None = None, *, by: str = "command-line") -> KeyRecord:
        """Ends a key, or one version of it, for good. What is revoked stays revoked since when it was."""
        now = self._clock()
        with self._database.writing() as connection:
            if version is None:
                found = connection.execute("UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?", (now, id_))
            else:
                found = connection.execute(
                    "UPDATE key_versions SET revoked = coalesce(revoked, ?) WHERE key = ? AND version = ?",
                    (now, id_, version),
                )
            if not found.rowcount:
                raise _unknown()
            _changed(connection)
        self._record(_entry(Event.KEY_REVOKED, id_, by, version=version))
        return self.show(id_)

    def show(self, id_: str) -> KeyRecord:
        """The record of a key."""
        return _read(self._database.rows(_ALL + " WHERE k.id = ? ORDER BY v.version", (id_,)), id_)

    def given(self, principal: str, to: str) -> bool:
        """Whether ``to`` (the id of an operator) was ever shown a version of the key that ``principal`` is known by."""
        id_ = principal.removeprefix(principal_id(""))
        sql = "SELECT 1 FROM key_versions WHERE key = ? AND given_to = ?"
        return id_ != principal and self._database.row(sql, (id_, to)) is not None

    def list(self, tenant: str | None = None) -> list[KeyRecord]:
        """All keys, of one tenant or of all, in the order in which they came to be."""
        rows = self._database.rows(
            _ALL + " WHERE ?1 IS NULL OR k.tenant = ?1 ORDER BY k.created, k.id, v.version", (tenant,)
        )
        by_id: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            by_id.setdefault(row[0], []).append(row)
        return [_read(found, id_) for id_, found in by_id.items()]


def changes(database: Database) -> int:
    """The number of changes that mattered so far."""
    row = database.row("SELECT number FROM key_changes")
    return int(row[0]) if row else 0


def note_uses(database: Database, uses: Sequence[tuple[str, float]]) -> None:
    """Notes when keys were last used: ids and times. Waits for the disk."""
    with database.writing() as connection:
        connection.executemany("UPDATE keys SET last_used = max(coalesce(last_used, 0), ?2) WHERE id = ?1", uses)


def principal_id(id_: str) -> str:
    return f"key:{id_}"


def _entry(event: Event, id_: str, by: str, **fields: object) -> Entry:
    """For the ledger. The name stays out: people wrote it."""
    told = {name: value for name, value in fields.items() if value is not None}
    return Entry(event.value, "", {"key": principal_id(id_), "by": by, **told})


# --- rows

_ALL: Final = (
    "SELECT k.id, k.env, k.name, k.tenant, k.roles, k.grants, k.budget, k.created, k.expires, k.revoked, k.last_used,"
    " v.version, v.created, v.until, v.revoked FROM keys k JOIN key_versions v ON v.key = k.id"
)


def _read(rows: Sequence[tuple[Any, ...]], id_: str) -> KeyRecord:
    if not rows:
        raise _unknown()
    env, name, tenant, roles, grants, budget, created, expires, revoked, last_used = rows[0][1:11]
    return KeyRecord(
        id=id_,
        env=env,
        name=name,
        tenant=tenant,
        roles=read_roles(roles),
        grants=read_grants(grants),
        budget=read_budget(budget),
        created=created,
        expires=expires,
        revoked=revoked,
        last_used=last_used,
        versions=tuple(Version(*row[11:]) for row in rows),
    )


def read_roles(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def read_grants(text: str) -> Grants:
    return msgspec.json.decode(text, type=Grants)


def read_budget(text: str) -> Budget:
    return msgspec.json.decode(text, type=Budget)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _add_version(connection: sqlite3.Connection, key: keys.Key, number: int, now: float, by: str) -> None:
    values = (key.id, number, key.digest, now, by)
    connection.execute("INSERT INTO key_versions VALUES (?, ?, ?, ?, NULL, NULL, ?)", values)


def _changed(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE key_changes SET number = number + 1")


# --- what may be asked for


def _check(name: str, env: str, tenant: str, roles: Sequence[str], grants: Grants, budget: Budget) -> None:
    if not keys.is_environment(env):
        raise _bad("The environment must be 2 to 8 lower-case letters, such as live or test.")
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise _bad(f"The name must have 1 to {_MAX_NAME} printable characters.")
    patterns = (*grants.bots, *grants.models, *grants.routes, *grants.tools)
    for text in (tenant, *roles, *patterns):
        if not 0 < len(text) <= _MAX_NAME or not text.isprintable() or " " in text:
            raise _bad(f"Tenant, roles and grants must have 1 to {_MAX_NAME} printable characters without blanks.")
    if len(patterns) + len(roles) > _MAX_PATTERNS:
        raise _bad(f"A key has at most {_MAX_PATTERNS} roles and grants.")
    for limit in (budget.requests_day, budget.requests_month, budget.tokens_day, budget.tokens_month):
        if limit is not None and not 0 < limit < 1 << 53:
            raise _bad("A budget must be above 0. To end a key, revoke it.")


def _bad(sentence: str) -> ClientError:
    return ClientError(sentence, reason="api-key-request")


def _unknown() -> ClientError:
    return ClientError("There is no such key, or no such version of it.", reason="api-key-unknown", status=404)
