"""The tables of stored conversations, the places of their sealed fields, and the walk over all of them.

``Fields`` implements ``core.sealing.SealedFields``. A walk goes through the tables one after another, by row number;
how far it is stands in ``seal_walks`` and changes in the transaction that changes the rows. Numbers are never given
twice (AUTOINCREMENT), so what is written meanwhile is still before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from chatward.core.sealing import Change, Place, Resealed, Sealer
from chatward.stores.database import Connection, Schema, Tables

SCHEMA: Final = Schema(
    "conversations",
    (
        "CREATE TABLE conversations (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        " tenant TEXT NOT NULL, subject TEXT NOT NULL, name BLOB NOT NULL, started REAL NOT NULL, last REAL NOT NULL,"
        " turns INTEGER NOT NULL)",
        "CREATE INDEX conversations_subject ON conversations (tenant, subject, last)",
        "CREATE INDEX conversations_last ON conversations (tenant, last)",
        "CREATE TABLE conversation_names (value BLOB NOT NULL,"
        " conversation INTEGER NOT NULL REFERENCES conversations (number) ON DELETE CASCADE,"
        " PRIMARY KEY (value, conversation)) WITHOUT ROWID",
        "CREATE INDEX conversation_names_conversation ON conversation_names (conversation)",
        "CREATE TABLE turns (number INTEGER PRIMARY KEY AUTOINCREMENT,"
        " conversation INTEGER NOT NULL REFERENCES conversations (number) ON DELETE CASCADE, turn INTEGER NOT NULL,"
        " day INTEGER NOT NULL, at REAL NOT NULL, body BLOB NOT NULL, UNIQUE (conversation, turn))",
        "CREATE INDEX turns_day ON turns (day)",
        "CREATE TABLE reveals (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,"
        " subject TEXT NOT NULL, conversation TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL, reason BLOB NOT NULL)",
        "CREATE INDEX reveals_conversation ON reveals (tenant, conversation)",
        "CREATE INDEX reveals_subject ON reveals (tenant, subject)",
        "CREATE TABLE seal_walks (tenant TEXT NOT NULL, field TEXT NOT NULL, version INTEGER NOT NULL,"
        " past INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (tenant, field)) WITHOUT ROWID",
        "CREATE TABLE vaults (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,"
        " subject TEXT NOT NULL, at REAL NOT NULL, state INTEGER NOT NULL, body BLOB NOT NULL)",
        "CREATE INDEX vaults_subject ON vaults (tenant, subject)",
        "CREATE TABLE vault_names (value BLOB NOT NULL, vault INTEGER NOT NULL REFERENCES vaults (number)"
        " ON DELETE CASCADE, PRIMARY KEY (value, vault)) WITHOUT ROWID",
        "CREATE INDEX vault_names_vault ON vault_names (vault)",
    ),
    (
        "CREATE TABLE conversations (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
        " tenant TEXT NOT NULL, subject TEXT NOT NULL, name BYTEA NOT NULL, started DOUBLE PRECISION NOT NULL,"
        " last DOUBLE PRECISION NOT NULL, turns BIGINT NOT NULL)",
        "CREATE INDEX conversations_subject ON conversations (tenant, subject, last)",
        "CREATE INDEX conversations_last ON conversations (tenant, last)",
        "CREATE TABLE conversation_names (value BYTEA NOT NULL,"
        " conversation BIGINT NOT NULL REFERENCES conversations (number) ON DELETE CASCADE,"
        " PRIMARY KEY (value, conversation))",
        "CREATE INDEX conversation_names_conversation ON conversation_names (conversation)",
        "CREATE TABLE turns (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " conversation BIGINT NOT NULL REFERENCES conversations (number) ON DELETE CASCADE, turn BIGINT NOT NULL,"
        " day BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL, body BYTEA NOT NULL, UNIQUE (conversation, turn))",
        "CREATE INDEX turns_day ON turns (day)",
        "CREATE TABLE reveals (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
        " tenant TEXT NOT NULL, subject TEXT NOT NULL, conversation TEXT NOT NULL, by TEXT NOT NULL,"
        " at DOUBLE PRECISION NOT NULL, reason BYTEA NOT NULL)",
        "CREATE INDEX reveals_conversation ON reveals (tenant, conversation)",
        "CREATE INDEX reveals_subject ON reveals (tenant, subject)",
        "CREATE TABLE seal_walks (tenant TEXT NOT NULL, field TEXT NOT NULL, version BIGINT NOT NULL,"
        " past BIGINT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (tenant, field))",
        "CREATE TABLE vaults (number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
        " tenant TEXT NOT NULL, subject TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, state BIGINT NOT NULL,"
        " body BYTEA NOT NULL)",
        "CREATE INDEX vaults_subject ON vaults (tenant, subject)",
        "CREATE TABLE vault_names (value BYTEA NOT NULL, vault BIGINT NOT NULL REFERENCES vaults (number)"
        " ON DELETE CASCADE, PRIMARY KEY (value, vault))",
        "CREATE INDEX vault_names_vault ON vault_names (vault)",
    ),
)

NAME: Final = "conversations.name"
BODY: Final = "turns.body"
REASON: Final = "reveals.reason"
VAULT: Final = "vaults.body"


def name_place(tenant: str, subject: str, id_: str) -> Place:
    """What the caller calls a conversation. Sealed with a key of the conversation."""
    return Place(tenant, subject, NAME, id_, id_)


def turn_place(tenant: str, subject: str, id_: str, turn: int, day: int) -> Place:
    """A turn. Sealed with a key of the conversation's day (days since 1970 UTC)."""
    return Place(tenant, subject, BODY, f"{id_}/{turn}", f"{id_}.{day}")


def reason_place(tenant: str, subject: str, reveal: str) -> Place:
    """Why somebody revealed a conversation. Sealed with its subject's own key."""
    return Place(tenant, subject, REASON, reveal)


def vault_place(tenant: str, subject: str, id_: str) -> Place:
    """What stands behind a conversation's placeholders. Sealed with a key of its own."""
    return Place(tenant, subject, VAULT, id_, id_)


@dataclass(frozen=True, slots=True)
class _Field:
    """One sealed column: SQL for number, sealed field, and what its place is made of."""

    name: str
    column: str
    select: str
    update: str
    highest: str
    place: Callable[[str, tuple[Any, ...]], Place]

    def newest(self, connection: Connection) -> int:
        """The number of the newest row, of whatever tenant."""
        return connection.execute(self.highest).fetchone()[0] or 0


_FIELDS: Final = (
    _Field(
        NAME,
        "name",
        "SELECT number, {}, subject, id FROM conversations c WHERE c.tenant = ? AND c.number > ? ORDER BY c.number",
        "UPDATE conversations SET name = ? WHERE number = ?",
        "SELECT max(number) FROM conversations",
        lambda tenant, row: name_place(tenant, row[0], row[1]),
    ),
    _Field(
        BODY,
        "body",
        "SELECT t.number, {}, c.subject, c.id, t.turn, t.day FROM turns t"
        " JOIN conversations c ON c.number = t.conversation WHERE c.tenant = ? AND t.number > ? ORDER BY t.number",
        "UPDATE turns SET body = ? WHERE number = ?",
        "SELECT max(number) FROM turns",
        lambda tenant, row: turn_place(tenant, *row),
    ),
    _Field(
        REASON,
        "reason",
        "SELECT number, {}, subject, id FROM reveals c WHERE c.tenant = ? AND c.number > ? ORDER BY c.number",
        "UPDATE reveals SET reason = ? WHERE number = ?",
        "SELECT max(number) FROM reveals",
        lambda tenant, row: reason_place(tenant, row[0], row[1]),
    ),
    _Field(
        VAULT,
        "body",
        "SELECT number, {}, subject, id FROM vaults c WHERE c.tenant = ? AND c.number > ? ORDER BY c.number",
        "UPDATE vaults SET body = ? WHERE number = ?",
        "SELECT max(number) FROM vaults",
        lambda tenant, row: vault_place(tenant, row[0], row[1]),
    ),
)
_BEGINNING: Final = 64
_PAGE: Final = 5000


class Fields:
    """The sealed fields of stored conversations, for rotation, erasure and restoring."""

    name = "conversations"
    tables = frozenset(field.name for field in _FIELDS)

    def __init__(self, database: Tables, sealer: Sealer) -> None:
        self.database = database
        self._sealer = sealer
        database.adopt(SCHEMA)

    def tenants(self) -> list[str]:
        return [
            row[0]
            for row in self.database.rows(
                "SELECT tenant FROM conversations UNION SELECT tenant FROM reveals"
                " UNION SELECT tenant FROM vaults ORDER BY 1"
            )
        ]

    def subjects(self) -> list[tuple[str, str]]:
        rows = self.database.rows(
            "SELECT tenant, subject FROM conversations UNION SELECT tenant, subject FROM reveals"
            " UNION SELECT tenant, subject FROM vaults"
        )
        return [(row[0], row[1]) for row in rows]

    def reseal(self, tenant: str, version: int, change: Change, limit: int) -> Resealed:
        with self.database.writing() as connection:
            walks = [_Walk.at(connection, tenant, field, version) for field in _FIELDS]
            left = sum(walk.left for walk in walks)
            for walk in walks:
                rows = connection.execute(
                    f"{walk.field.select.format(walk.field.column)} LIMIT ?", (tenant, walk.past, limit)
                ).fetchall()
                rows = [row for row in rows if row[0] <= walk.until]
                if rows:
                    changed = sum(self._reseal(connection, tenant, walk.field, row, change) for row in rows)
                    past = walk.until if len(rows) < limit else rows[-1][0]
                    walk.note(connection, past, walk.until)
                    return Resealed(changed, max(left - (past - walk.past), 1))
            for walk in walks:  # what has come since: for the next walk, if there has to be one
                walk.note(connection, walk.until, walk.field.newest(connection))
        return Resealed(0, 0)

    def _reseal(self, connection: Connection, tenant: str, field: _Field, row: tuple[Any, ...], change: Change) -> bool:
        place = field.place(tenant, row[2:])
        fresh = change(place, row[1])
        if fresh == row[1]:
            return False
        connection.execute(field.update, (fresh, row[0]))
        if field.name == NAME:
            name = self._sealer.open(place, fresh).decode("utf-8", "surrogatepass")
            connection.execute("DELETE FROM conversation_names WHERE conversation = ?", (row[0],))
            value = self._sealer.index(tenant, place.subject, NAME, name)[0]
            connection.execute("INSERT INTO conversation_names VALUES (?, ?)", (value, row[0]))
        elif field.name == VAULT:
            name = json.loads(self._sealer.open(place, fresh))["name"]
            connection.execute("DELETE FROM vault_names WHERE vault = ?", (row[0],))
            value = self._sealer.index(tenant, place.subject, VAULT, name)[0]
            connection.execute("INSERT INTO vault_names VALUES (?, ?)", (value, row[0]))
        return True

    def behind(self, tenant: str, is_behind: Callable[[Place, bytes], bool]) -> int:
        count = 0
        seen: dict[str, int] = {}
        for field in _FIELDS:
            for number, place, sealed in _pages(self.database.rows, tenant, field, 0):
                count += is_behind(place, sealed)
                seen[field.name] = number
        # What has come since, inside a writing transaction: nobody is in the middle of one with an older version.
        with self.database.writing() as connection:
            for field in _FIELDS:
                past = seen.get(field.name, 0)
                for _, place, sealed in _pages(lambda *q: connection.execute(*q).fetchall(), tenant, field, past):
                    count += is_behind(place, sealed)
        return count

    def erase_subject(self, tenant: str, subject: str) -> int:
        with self.database.writing() as connection:
            count = int(connection.execute(
                "SELECT count(*) FROM turns t JOIN conversations c ON c.number = t.conversation"
                " WHERE c.tenant = ? AND c.subject = ?",
                (tenant, subject),
            ).fetchone()[0])  # fmt: skip
            for table in ("conversations", "reveals", "vaults"):  # turns and names go with what they are of
                count += connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND subject = ?",  # noqa: S608 - one of three
                    (tenant, subject),
                ).rowcount
        self.database.scrub()
        return count

    def sweep(self, tenant: str, subject: str, dead: Callable[[Place, bytes], bool]) -> int:
        count = 0
        with self.database.writing() as connection:
            for field in reversed(_FIELDS):
                table = field.name.partition(".")[0]
                for row in connection.execute(field.select.format(field.column), (tenant, 0)).fetchall():
                    place = field.place(tenant, row[2:])
                    if place.subject == subject and dead(place, row[1]):
                        connection.execute(f"DELETE FROM {table} WHERE number = ?", (row[0],))  # noqa: S608 - from _FIELDS
                        count += 1
        self.database.scrub()
        return count


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far the walk over one column is: it has passed ``past`` and goes to ``until``, the newest row when it began.
    Rows that come later have the newest version anyhow, and a walk that waited for a pause would never end."""

    tenant: str
    field: _Field
    version: int
    past: int
    until: int

    @classmethod
    def at(cls, connection: Connection, tenant: str, field: _Field, version: int) -> _Walk:
        row = connection.execute(
            "SELECT past, until FROM seal_walks WHERE tenant = ? AND field = ? AND version = ?",
            (tenant, field.name, version),
        ).fetchone()
        if row is None:
            row = (0, field.newest(connection))
            cls(tenant, field, version, *row).note(connection, *row)
        return cls(tenant, field, version, *row)

    @property
    def left(self) -> int:
        return max(0, self.until - self.past)

    def note(self, connection: Connection, past: int, until: int) -> None:
        values = (self.tenant, self.field.name, self.version, past, until)
        connection.execute(
            "INSERT INTO seal_walks VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, field) DO UPDATE"
            " SET version = excluded.version, past = excluded.past, until = excluded.until",
            values,
        )


def _pages(
    rows: Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]], tenant: str, field: _Field, past: int
) -> Iterator[tuple[int, Place, bytes]]:
    """Number, place and the beginning of every field of a column after the row ``past``."""
    sql = field.select.format(f"substr({field.column}, 1, {_BEGINNING})") + f" LIMIT {_PAGE}"
    while page := rows(sql, (tenant, past)):
        for row in page:
            yield row[0], field.place(tenant, row[2:]), row[1]
        past = page[-1][0]
