"""What behaviour keeps in a file: baselines, alerts, incidents, suppressions.

The rules:

1. Written in batches by one thread; a process that is killed loses what was learnt since the last batch, no alert.
2. Entities stand under keyed digests. An alert names its principal (``core.identity.Principal.id``) or address block,
   since somebody has to act on it; it goes after ``keep`` days, or with its subject.
3. No text that anybody wrote is in here, and no signature that could be compared without the key.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import msgspec

from chatward.behaviour.rows import LAYOUT, Rows
from chatward.behaviour.values import Alert
from chatward.settings import Settings
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "behaviour",
    (
        "CREATE TABLE behaviour_entities (id BLOB PRIMARY KEY, layout TEXT, heard INTEGER, row BLOB) WITHOUT ROWID",
        "CREATE TABLE behaviour_states (name TEXT PRIMARY KEY, layout TEXT, state BLOB) WITHOUT ROWID",
        "CREATE TABLE behaviour_alerts (id INTEGER PRIMARY KEY, at REAL, tenant TEXT, form TEXT, entity TEXT, bot TEXT,"
        " signal TEXT, points REAL, incident TEXT, told BLOB)",
        "CREATE INDEX behaviour_alerts_at ON behaviour_alerts (at)",
        "CREATE INDEX behaviour_alerts_entity ON behaviour_alerts (tenant, entity)",
        "CREATE TABLE behaviour_incidents (id TEXT PRIMARY KEY, opened REAL, heard REAL, state BLOB) WITHOUT ROWID",
        "CREATE TABLE behaviour_members (incident TEXT, tenant TEXT, entity TEXT, PRIMARY KEY (incident, tenant,"
        " entity)) WITHOUT ROWID",
        "CREATE INDEX behaviour_members_entity ON behaviour_members (tenant, entity)",
        "CREATE TABLE behaviour_suppressions (incident TEXT PRIMARY KEY, owner TEXT, reason TEXT, scope REAL,"
        " since REAL, until REAL) WITHOUT ROWID",
        "CREATE TABLE behaviour_erased (id BLOB PRIMARY KEY, at REAL) WITHOUT ROWID",
        "ALTER TABLE behaviour_incidents ADD COLUMN process TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE behaviour_incidents ADD COLUMN written INTEGER NOT NULL DEFAULT 1",
        "CREATE TABLE behaviour_writes (id INTEGER PRIMARY KEY CHECK (id = 1), written INTEGER)",
        "INSERT INTO behaviour_writes VALUES (1, 1)",
    ),
)


def behaviour_file(settings: Settings) -> Path:
    """The file of ``[behaviour]``."""
    return Path(settings.behaviour.path or Path(settings.ledger.path).with_name("chatward-behaviour.db"))


class BehaviourStore:
    """The tables. Its methods wait for the disk: never call them on an event loop."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.adopt(SCHEMA)

    # --- baselines

    def load(self, rows: Rows) -> int:
        """Entities as they were kept; how many."""
        kept = self.database.rows(
            "SELECT id, row FROM (SELECT id, row, heard FROM behaviour_entities WHERE layout = ? ORDER BY heard DESC"
            " LIMIT ?) ORDER BY heard",
            (LAYOUT, rows.most),
        )
        return rows.load((bytes(id), bytes(row)) for id, row in kept)

    def save(self, rows: Rows, states: Mapping[str, Any]) -> None:
        """What has changed of the entities, and the states of everything else by name."""
        written, gone = rows.take_changed()
        with self.database.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO behaviour_entities VALUES (?, ?, ?, ?)",
                [(id, LAYOUT, int.from_bytes(row[:4], "little", signed=True), row) for id, row in written],
            )
            connection.executemany("DELETE FROM behaviour_entities WHERE id = ?", [(id,) for id in gone])
            connection.executemany(
                "INSERT OR REPLACE INTO behaviour_states VALUES (?, ?, ?)",
                [(name, LAYOUT, msgspec.msgpack.encode(state)) for name, state in states.items()],
            )

    def states(self) -> dict[str, Any]:
        rows = self.database.rows("SELECT name, state FROM behaviour_states WHERE layout = ?", (LAYOUT,))
        return {name: msgspec.msgpack.decode(state) for name, state in rows}

    # --- alerts

    def add(self, alerts: Iterable[tuple[Alert, str]]) -> None:
        """Alerts with the incidents that they are part of (empty: none)."""
        rows = [
            (
                *(alert.at, alert.tenant, alert.form, alert.entity, alert.bot, alert.signal, alert.points, incident),
                msgspec.msgpack.encode([[asdict(one) for one in alert.deviations], alert.evidence]),
            )
            for alert, incident in alerts
        ]
        with self.database.writing() as connection:
            connection.executemany(
                "INSERT INTO behaviour_alerts (at, tenant, form, entity, bot, signal, points, incident, told)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def alerts(
        self,
        *,
        limit: int = 100,
        tenant: str | None = None,
        incident: str | None = None,
        entity: str | None = None,
    ) -> list[dict[str, Any]]:
        """The newest first, as plain data."""
        rows = self.database.rows(
            "SELECT id, at, tenant, form, entity, bot, signal, points, incident, told FROM behaviour_alerts"
            " WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR incident = ?2) AND (?4 IS NULL OR entity = ?4)"
            " ORDER BY at DESC, id DESC LIMIT ?3",
            (tenant, incident, limit, entity),
        )
        names = ("id", "at", "tenant", "form", "entity", "bot", "signal", "points", "incident")
        found = []
        for *row, told in rows:
            deviations, evidence = msgspec.msgpack.decode(told)
            found.append({**dict(zip(names, row, strict=True)), "deviations": deviations, "evidence": list(evidence)})
        return found

    # --- incidents and suppressions

    def put_incidents(self, incidents: Sequence[tuple[str, float, float, Any]], process: str = "") -> None:
        """Id, when opened, when last heard of, and plain data, as a process has them."""
        if not incidents:
            return
        with self.database.writing() as connection:
            connection.execute("UPDATE behaviour_writes SET written = written + 1")
            connection.executemany(
                "INSERT OR REPLACE INTO behaviour_incidents (id, opened, heard, state, process, written)"
                " SELECT ?, ?, ?, ?, ?, written FROM behaviour_writes",
                [(id, opened, heard, msgspec.msgpack.encode(state), process) for id, opened, heard, state in incidents],
            )

    def heard(self, process: str, since: int) -> list[dict[str, Any]]:
        """What other processes wrote after the write of this number (``written``), in order."""
        rows = self.database.rows(
            "SELECT id, opened, heard, state, written FROM behaviour_incidents WHERE written > ? AND process != ?"
            " ORDER BY written",
            (since, process),
        )
        return [
            {**msgspec.msgpack.decode(state), "id": id, "opened": opened, "heard": heard, "written": written}
            for id, opened, heard, state, written in rows
        ]

    def join_incidents(self, joined: Iterable[tuple[str, str]]) -> None:
        """Each of them became part of another: its alerts, members and suppression are that one's from now on."""
        with self.database.writing() as connection:
            for id, into in joined:
                connection.execute("UPDATE behaviour_alerts SET incident = ? WHERE incident = ?", (into, id))
                for table in ("members", "suppressions"):
                    connection.execute(
                        f"UPDATE OR IGNORE behaviour_{table} SET incident = ? WHERE incident = ?",  # noqa: S608
                        (into, id),
                    )
                    connection.execute(f"DELETE FROM behaviour_{table} WHERE incident = ?", (id,))  # noqa: S608
                connection.execute("DELETE FROM behaviour_incidents WHERE id = ?", (id,))

    def add_members(self, members: Iterable[tuple[str, str, str]]) -> None:
        """Incident, tenant and entity."""
        with self.database.writing() as connection:
            connection.executemany("INSERT OR IGNORE INTO behaviour_members VALUES (?, ?, ?)", list(members))

    def incidents(self, limit: int = 100) -> list[dict[str, Any]]:
        """The one last heard of first, with its suppression."""
        return self._incidents("ORDER BY heard DESC, i.id LIMIT ?", limit)

    def incident(self, id: str) -> dict[str, Any] | None:
        return next(iter(self._incidents("WHERE i.id = ?", id)), None)

    def _incidents(self, which: str, value: object) -> list[dict[str, Any]]:
        columns = "i.id, opened, heard, state, owner, reason, scope, since, until"
        tables = "behaviour_incidents i LEFT JOIN behaviour_suppressions s ON s.incident = i.id"
        rows = self.database.rows(f"SELECT {columns} FROM {tables} {which}", (value,))  # noqa: S608 - all of it is ours
        found = []
        for id, opened, heard, state, owner, reason, scope, since, until in rows:
            suppressed = None
            if owner is not None:
                suppressed = {"owner": owner, "reason": reason, "scope": scope, "since": since, "until": until}
            told = {"id": id, "opened": opened, "heard": heard, **msgspec.msgpack.decode(state)}
            found.append({**told, "suppressed": suppressed})
        return found

    def members(self, incident: str) -> list[str]:
        rows = self.database.rows(
            "SELECT entity FROM behaviour_members WHERE incident = ? ORDER BY entity", (incident,)
        )
        return [entity for (entity,) in rows]

    def suppress(self, incident: str, owner: str, reason: str, scope: float, since: float, until: float) -> None:
        self.database.write(
            "INSERT OR REPLACE INTO behaviour_suppressions VALUES (?, ?, ?, ?, ?, ?)",
            (incident, owner, reason, scope, since, until),
        )

    def end_suppression(self, incident: str) -> bool:
        return self.database.write("DELETE FROM behaviour_suppressions WHERE incident = ?", (incident,)) > 0

    def suppressions(self) -> dict[str, tuple[float, float]]:
        """Scope and end by incident."""
        rows = self.database.rows("SELECT incident, scope, until FROM behaviour_suppressions")
        return {incident: (scope, until) for incident, scope, until in rows}

    # --- what goes

    def purge(self, before: float) -> int:
        """Alerts and incidents of before; how many."""
        self.database.write("DELETE FROM behaviour_erased WHERE at < ?", (before,))
        count = self.database.write("DELETE FROM behaviour_alerts WHERE at < ?", (before,))
        count += self.database.write("DELETE FROM behaviour_incidents WHERE heard < ?", (before,))
        for table in ("members", "suppressions"):
            self.database.write(
                f"DELETE FROM behaviour_{table} WHERE incident NOT IN (SELECT id FROM behaviour_incidents)"  # noqa: S608
            )
        return count

    def erase(self, tenant: str, entity: str, digest: bytes, *, before: float | None = None) -> int:
        """All that is kept of one principal, or all from before a time; how many rows. They are in no log of the file
        afterwards, and a process that has some of it in memory hears of it (``erased``)."""
        count = self.database.write(
            "DELETE FROM behaviour_alerts WHERE tenant = ?1 AND entity = ?2 AND (?3 IS NULL OR at <= ?3)",
            (tenant, entity, before),
        )
        # A baseline that is being learnt anew cannot be told from one that came back: it goes as well.
        count += self.database.write("DELETE FROM behaviour_entities WHERE id = ?", (digest,))
        count += self.database.write("DELETE FROM behaviour_members WHERE tenant = ? AND entity = ?", (tenant, entity))
        if before is None:
            self.database.write("INSERT OR REPLACE INTO behaviour_erased VALUES (?, ?)", (digest, time.time()))
        if count:
            self.database.scrub()
        return count

    def erased(self) -> dict[bytes, float]:
        """Whom a process must forget that may have them in memory still, and since when."""
        return {bytes(id): at for id, at in self.database.rows("SELECT id, at FROM behaviour_erased")}

    def subjects(self) -> list[tuple[str, str]]:
        """Tenants and principals of whom there is an alert, or who are part of an incident. Of whom there is a baseline
        alone, nobody can say who they are."""
        rows = self.database.rows(
            "SELECT tenant, entity FROM behaviour_alerts WHERE form = 'principal'"
            " UNION SELECT tenant, entity FROM behaviour_members"
        )
        return sorted((str(tenant), str(entity)) for tenant, entity in rows)


def shown(incident: Mapping[str, Any]) -> dict[str, Any]:
    """An incident without what only this software compares: counts of processes, keys, signatures, hashes of
    conversations."""
    return {name: value for name, value in incident.items() if name not in {"counts", "keys", "texts", "sessions"}}
