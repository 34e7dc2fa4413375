"""What vendors answered, with files as evidence, and the one-time links by which they answer.

The rules:

1. An assessment is what somebody answered at one moment; it is never changed, the next one stands beside it. It
   counts for ``assessed_days``.
2. Evidence is a file of at most ``LARGEST`` bytes, kept as it came, with its SHA-256 and, if it has one, a last day.
3. A link is worth one assessment of one vendor, until a day. Only a digest of its token is kept.
4. On record before it counts, by digests and numbers: no word of an answer, no name of a file.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chatward.assurance.domains import STATES, Seen
from chatward.assurance.questionnaire import Answer, checked, scored
from chatward.assurance.tasks import DAY, Record
from chatward.assurance.vendor_tasks import VendorTasks, findings
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.settings.assurance import Due
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "vendors",
    (
        """CREATE TABLE vendor_assessments (
            id INTEGER PRIMARY KEY, vendor TEXT, at REAL, source TEXT, score INT, answers BLOB)""",
        """CREATE TABLE vendor_evidence (
            id INTEGER PRIMARY KEY, vendor TEXT, about TEXT, name TEXT, until REAL, at REAL, sha256 TEXT, body BLOB)""",
        "CREATE TABLE vendor_links (digest TEXT PRIMARY KEY, vendor TEXT, until REAL)",
        "CREATE TABLE vendor_checks (vendor TEXT PRIMARY KEY, at REAL, results BLOB)",
        "CREATE TABLE vendor_looks (id INTEGER PRIMARY KEY, vendor TEXT, at REAL, results BLOB)",
        "INSERT INTO vendor_looks (vendor, at, results) SELECT vendor, at, results FROM vendor_checks",
        "DROP TABLE vendor_checks",
    ),
)
LARGEST: Final = 10 * 1024 * 1024
_ANSWERS: Final = msgspec.json.Decoder(dict[str, Answer])


@dataclass(frozen=True, slots=True)
class Assessment:
    """Times are seconds since 1970."""

    id: int
    vendor: str
    at: float
    source: str
    score: int
    answers: Mapping[str, Answer]

    def counts(self, now: float, days: int) -> bool:
        return now < self.at + days * DAY


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file, without its body. ``until``: its last moment; 0: it has none."""

    id: int
    vendor: str
    about: str
    name: str
    until: float
    at: float
    sha256: str


class Assessments:
    """Raises ``StoreError``."""

    def __init__(self, database: Database, record: Record, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._record = record
        self._clock = clock
        self.tasks = VendorTasks(database, record, clock)
        database.adopt(SCHEMA)

    @property
    def generation(self) -> object:
        return self._database.generation

    def add(self, vendor: str, answers: Mapping[str, Answer], source: str) -> Assessment:
        """Raises ``ClientError``."""
        good, now = checked(answers), self._clock()
        score = scored(good).score
        self._record(Entry(Event.VENDOR_ASSESSED, "", {"vendor": vendor, "score": score, "source": source}))
        self._database.write(
            "INSERT INTO vendor_assessments (vendor, at, source, score, answers) VALUES (?, ?, ?, ?, ?)",
            (vendor, now, source, score, msgspec.json.encode(good)),
        )
        return self.of(vendor)[0]

    def of(self, vendor: str) -> list[Assessment]:
        """The newest first."""
        rows = self._database.rows(
            "SELECT id, vendor, at, source, score, answers FROM vendor_assessments WHERE vendor = ? ORDER BY id DESC",
            (vendor,),
        )
        return [Assessment(*(*row[:5], _ANSWERS.decode(row[5]))) for row in rows]

    def newest(self) -> dict[str, tuple[float, int]]:
        """Moment and score of each vendor's newest assessment."""
        rows = self._database.rows("SELECT vendor, at, score FROM vendor_assessments ORDER BY id")
        return {vendor: (at, score) for vendor, at, score in rows}

    def attach(self, vendor: str, about: str, name: str, body: bytes, until: float = 0.0) -> Evidence:
        """Keeps a file. Raises ``ClientError``."""
        if not body or len(body) > LARGEST:
            raise ClientError(f"Evidence is a file of at most {LARGEST // 2**20} MiB.", reason="evidence-invalid")
        digest = hashlib.sha256(body).hexdigest()
        self._record(Entry(Event.VENDOR_EVIDENCE_KEPT, "", {"vendor": vendor, "sha256": digest, "bytes": len(body)}))
        self._database.write(
            "INSERT INTO vendor_evidence (vendor, about, name, until, at, sha256, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (vendor, about, name[:200], until, self._clock(), digest, body),
        )
        return self.evidence(vendor)[-1]

    def evidence(self, vendor: str) -> list[Evidence]:
        rows = self._database.rows(
            "SELECT id, vendor, about, name, until, at, sha256 FROM vendor_evidence WHERE vendor = ? ORDER BY id",
            (vendor,),
        )
        return [Evidence(*row) for row in rows]

    def body(self, vendor: str, number: int) -> bytes:
        """A file as it came. Raises ``ClientError``."""
        row = self._database.row("SELECT body FROM vendor_evidence WHERE vendor = ? AND id = ?", (vendor, number))
        if row is None:
            raise ClientError("There is no such evidence.", reason="evidence-unknown", status=404)
        return bytes(row[0])

    def invite(self, vendor: str, days: int = 14) -> str:
        """The token of a new link."""
        token = secrets.token_urlsafe(24)
        self._record(Entry(Event.VENDOR_INVITED, "", {"vendor": vendor, "days": days}))
        self._database.write(
            "INSERT INTO vendor_links VALUES (?, ?, ?)", (_digest(token), vendor, self._clock() + days * DAY)
        )
        return token

    def invited(self, token: str) -> str:
        """The vendor that a link is for. Raises ``ClientError``."""
        row = self._database.row("SELECT vendor, until FROM vendor_links WHERE digest = ?", (_digest(token),))
        if row is None or row[1] <= self._clock():
            raise ClientError("This link is not good any more; ask for another.", reason="link-invalid", status=404)
        return str(row[0])

    def answer(self, token: str, answers: Mapping[str, Answer]) -> Assessment:
        """What a vendor answered by a link, which is worth nothing from then on. Raises ``ClientError``."""
        vendor = self.invited(token)
        checked(answers)
        if not self._database.write("DELETE FROM vendor_links WHERE digest = ?", (_digest(token),)):
            raise ClientError("This link is not good any more; ask for another.", reason="link-invalid", status=404)
        return self.add(vendor, answers, "link")

    def keep_looks(self, vendor: str, seen: Sequence[Seen]) -> None:
        """Keeps what was seen of a vendor's domain now."""
        counts = Counter(one.state for one in seen)
        self._record(Entry(Event.VENDOR_CHECKED, "", {"vendor": vendor, **{state: counts[state] for state in STATES}}))
        self._database.write(
            "INSERT INTO vendor_looks (vendor, at, results) VALUES (?, ?, ?)",
            (vendor, self._clock(), msgspec.json.encode(seen)),
        )

    def looks(self, vendor: str, most: int = 2) -> list[tuple[float, list[Seen]]]:
        """When a vendor's domain was looked at, and what was seen; the newest first."""
        rows = self._database.rows(
            "SELECT at, results FROM vendor_looks WHERE vendor = ? ORDER BY id DESC LIMIT ?", (vendor, most)
        )
        return [(at, msgspec.json.decode(results, type=list[Seen])) for at, results in rows]

    def settle(self, vendor: str, due: Due, owner: str) -> tuple[int, int]:
        """Opens and closes a vendor's tasks by its newest answers and the newest look; how many of each."""
        answered, looked = self.of(vendor), self.looks(vendor, 1)
        known = findings(answered[0].answers if answered else None, looked[0][1] if looked else ())
        return self.tasks.settle(vendor, known, due, owner)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
