"""Cases: a host that plays us, and the evidence for it.

The rules:

1. One case a host that is not closed. What is seen again becomes evidence of the same case; the same evidence is kept
   once, with the times of its first and its last sighting.
2. Evidence is what was seen, with a digest over it (SHA-256 of canonical JSON), and no text of the page: its address,
   digests, how like ours it was, certificates, records of DNS.
3. States: ``open``, ``reported``, ``closed``. A closed case has an outcome: ``gone`` (seen again, another case is
   opened) or ``harmless`` (never again a case).
4. On record before it counts: opened, changed. The ledger gets ids and rules, never the host.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "watch-cases",
    (
        """CREATE TABLE watch_cases (
            id INTEGER PRIMARY KEY, host TEXT, state TEXT, outcome TEXT, score REAL, reasons TEXT, of TEXT,
            opened REAL, changed REAL)""",
        "CREATE INDEX watch_cases_host ON watch_cases (host)",
        """CREATE TABLE watch_evidence (
            id INTEGER PRIMARY KEY, watch_case INTEGER REFERENCES watch_cases (id), kind TEXT, sha256 TEXT, data TEXT,
            first REAL, last REAL, UNIQUE (watch_case, kind, sha256))""",
    ),
)
STATES: Final = ("open", "reported", "closed")
OUTCOMES: Final = ("gone", "harmless")
MOST_EVIDENCE: Final = 200
"""Pieces of one kind that a case keeps; a copy whose page is another at each look must not fill the disk."""
Record = Callable[[Entry], None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """``kind``: ``dns``, ``certificate`` or ``page``. Times: seconds since 1970."""

    kind: str
    data: Mapping[str, Any]
    sha256: str
    first: float
    last: float

    def told(self) -> dict[str, Any]:
        return {"kind": self.kind, "sha256": self.sha256, "first": self.first, "last": self.last, **self.data}


@dataclass(frozen=True, slots=True)
class Case:
    """``of`` is our domain that it plays, where that is known. ``outcome`` is ``""`` until it is closed."""

    id: int
    host: str
    state: str
    outcome: str
    score: float
    reasons: tuple[str, ...]
    of: str
    opened: float
    changed: float

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "host": self.host,
            "state": self.state,
            "outcome": self.outcome,
            "score": self.score,
            "reasons": list(self.reasons),
            "of": self.of,
            "opened": self.opened,
            "changed": self.changed,
        }


def digest(data: Mapping[str, Any]) -> str:
    return sha256(_packed(data).encode()).hexdigest()


def _packed(data: Mapping[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class Cases:
    """Cases in a database. Raises ``StoreError``."""

    def __init__(self, database: Database, record: Record, clock: Callable[[], float]) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._record = record
        self._clock = clock

    def all(self, state: str | None = None) -> list[Case]:
        """Cases by score, highest first."""
        where, values = ("", ()) if state is None else (" WHERE state = ?", (state,))
        rows = self._database.rows(f"SELECT * FROM watch_cases{where} ORDER BY score DESC, id", values)  # noqa: S608
        return [_case(row) for row in rows]

    def one(self, number: int) -> Case:
        """Raises ``ClientError`` (``case-unknown``)."""
        row = self._database.row("SELECT * FROM watch_cases WHERE id = ?", (number,))
        if row is None:
            raise ClientError("There is no such case: `chatward genuine cases` lists them.", reason="case-unknown")
        return _case(row)

    def of(self, host: str) -> Case | None:
        """The newest case of a host."""
        row = self._database.row("SELECT * FROM watch_cases WHERE host = ? ORDER BY id DESC LIMIT 1", (host,))
        return None if row is None else _case(row)

    def evidence(self, case: Case) -> list[Evidence]:
        """In the order in which it was first seen."""
        sql = "SELECT kind, data, sha256, first, last FROM watch_evidence WHERE watch_case = ? ORDER BY first, id"
        return [Evidence(row[0], json.loads(row[1]), *row[2:]) for row in self._database.rows(sql, (case.id,))]

    def found(
        self, host: str, score: float, reasons: tuple[str, ...], of: str, evidence: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Case | None, bool]:
        """Keeps ``evidence`` (by kind) of a host. The case, and whether it was opened now; ``None`` for a host that was
        found harmless."""
        known, now = self.of(host), self._clock()
        if known is not None and known.outcome == "harmless":
            return None, False
        opens = known is None or known.state == "closed"
        with self._database.writing() as connection:
            if known is None or opens:
                made = connection.execute(
                    "INSERT INTO watch_cases (host, state, outcome, score, reasons, of, opened, changed)"
                    " VALUES (?, 'open', '', ?, ?, ?, ?, ?)",
                    (host, score, json.dumps(reasons), of, now, now),
                )
                case = made.lastrowid
                self._record(Entry(Event.COPY_FOUND, "", {"case": case, "score": score, "reasons": list(reasons)}))
            else:
                case = known.id
                merged = tuple(dict.fromkeys((*known.reasons, *reasons)))
                connection.execute(
                    "UPDATE watch_cases SET score = max(score, ?), reasons = ?, of = CASE of WHEN '' THEN ? ELSE of END"
                    " WHERE id = ?",
                    (score, json.dumps(merged), of, case),
                )
            for kind, data in evidence.items():
                which = (case, kind, digest(data))
                again = connection.execute(
                    "UPDATE watch_evidence SET last = ? WHERE watch_case = ? AND kind = ? AND sha256 = ?", (now, *which)
                )
                held = connection.execute(
                    "SELECT count(*) FROM watch_evidence WHERE watch_case = ? AND kind = ?", (case, kind)
                ).fetchone()[0]
                if not again.rowcount and held < MOST_EVIDENCE:
                    connection.execute(
                        "INSERT INTO watch_evidence (watch_case, kind, sha256, data, first, last)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        (*which, _packed(data), now, now),
                    )
        return self.of(host), opens

    def change(self, case: Case, state: str, outcome: str = "", by: str = "") -> Case:
        """Reports, closes (with an outcome) or opens a case again. Raises ``ClientError`` (``case-state``)."""
        if state not in STATES or (outcome in OUTCOMES) != (state == "closed") or state == case.state:
            raise ClientError(
                "A case is open, reported, or closed as `gone` or `harmless`; it is not made what it is.",
                reason="case-state",
            )
        fields = {"case": case.id, "state": state, **({"outcome": outcome} if outcome else {})}
        self._record(Entry(Event.COPY_CHANGED, "", fields | ({"by": by} if by else {})))
        self._database.write(
            "UPDATE watch_cases SET state = ?, outcome = ?, changed = ? WHERE id = ?",
            (state, outcome, self._clock(), case.id),
        )
        return self.one(case.id)


def _case(row: tuple[Any, ...]) -> Case:
    number, host, state, outcome, score, reasons, of, opened, changed = row
    return Case(number, host, state, outcome, score, tuple(json.loads(reasons)), of, opened, changed)
