"""What a person has said about purposes: consent, objection, restriction, opting out; and what follows for a message.

The rules:

1. What is said is appended, never changed: who consented when to which version of the notice can be shown (GDPR
   Article 7(1)). What counts is the last word of each kind about a purpose.
2. ``refusal`` is pure and total: the same word gives the same answer, and nothing a person has said makes more lawful
   than they said. In doubt it refuses.
3. Consent is to one version of the notice. A new version asks anew.
4. Nobody in particular cannot consent: what one of them said would hold for all.
5. A word counts from the next message on, in every process: what is remembered is dropped when the file has changed
   (``Database.generation``, two microseconds). A right is given only once it is on record; one that is taken away is
   taken away first.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.identity import ANONYMOUS, Principal
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.settings import Purpose
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "privacy-statements",
    (
        "CREATE TABLE privacy_statements (number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL,"
        " subject TEXT NOT NULL, purpose TEXT NOT NULL, word TEXT NOT NULL, notice TEXT NOT NULL, at REAL NOT NULL,"
        " by TEXT NOT NULL)",
        "CREATE INDEX privacy_statements_subject ON privacy_statements (tenant, subject, number)",
    ),
)
ALL: Final = "*"
"""A restriction, objection or opting out of this purpose is of all."""
_REMEMBERED: Final = 20_000
_MOST: Final = 500
"""Statements of one person, beyond which nothing more is permitted that was not before."""


class Word(str, Enum):
    """What a person can say about a purpose. Pairs: the first of each is taken back by the second."""

    CONSENTS = "consents"
    WITHDRAWS = "withdraws"
    OBJECTS = "objects"  # GDPR Article 21
    OBJECTS_NO_MORE = "objects-no-more"
    RESTRICTS = "restricts"  # Article 18
    RESTRICTS_NO_MORE = "restricts-no-more"
    OPTS_OUT = "opts-out"  # 1798.120
    OPTS_IN = "opts-in"


PAIRS: Final = {
    Word.CONSENTS: Word.WITHDRAWS,
    Word.OBJECTS: Word.OBJECTS_NO_MORE,
    Word.RESTRICTS: Word.RESTRICTS_NO_MORE,
    Word.OPTS_OUT: Word.OPTS_IN,
}
_BACK: Final = frozenset(PAIRS.values())
_EVENTS: Final = {
    Word.CONSENTS: Event.CONSENT_GIVEN,
    Word.WITHDRAWS: Event.CONSENT_WITHDRAWN,
    Word.OBJECTS: Event.OBJECTION_MADE,
    Word.OBJECTS_NO_MORE: Event.OBJECTION_ENDED,
    Word.RESTRICTS: Event.RESTRICTION_MADE,
    Word.RESTRICTS_NO_MORE: Event.RESTRICTION_ENDED,
    Word.OPTS_OUT: Event.OPT_OUT_MADE,
    Word.OPTS_IN: Event.OPT_OUT_ENDED,
}
_PERMITS: Final = frozenset({Word.CONSENTS, Word.OBJECTS_NO_MORE, Word.RESTRICTS_NO_MORE, Word.OPTS_IN})
"""Words that let something pass that would not have passed: on record before they count."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One word. ``notice``: the version that a consent is to. ``at``: seconds since 1970 UTC. ``by``: the principal who
    said it: the person, or who said it for them."""

    purpose: str
    word: Word
    notice: str
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The last words: purposes that are consented to (with the notice's version), objected to, restricted, opted out
    of. Three of them may hold ``ALL``."""

    consents: Mapping[str, str] = field(default_factory=dict)
    objects: frozenset[str] = frozenset()
    restricts: frozenset[str] = frozenset()
    opts_out: frozenset[str] = frozenset()

    @classmethod
    def of(cls, statements: list[Statement]) -> Standing:
        """``statements`` in the order in which they were made. A later word about ``ALL`` is not one about a single
        purpose: each is taken back as it was given."""
        last: dict[tuple[Word, str], Statement] = {}
        for one in statements:
            kind = next(first for first, second in PAIRS.items() if one.word in {first, second})
            last[kind, one.purpose] = one
        held = {key: one for key, one in last.items() if one.word is key[0]}
        return cls(
            {purpose: one.notice for (kind, purpose), one in held.items() if kind is Word.CONSENTS},
            *(
                frozenset(purpose for kind, purpose in held if kind is wanted)
                for wanted in (Word.OBJECTS, Word.RESTRICTS, Word.OPTS_OUT)
            ),
        )


EXPLICIT: Final = "+explicit"
"""Stands behind the notice's version where a consent was explicit (GDPR Article 9(2)(a)); no version holds a plus."""
NOTHING_SAID: Final = Standing()
Told = Callable[[sqlite3.Connection, str, str, Statement], None]
"""Is told of every word, by tenant and subject, in the transaction that takes it (``notices``)."""


def somebody(principal: Principal) -> bool:
    """Whether what this principal says can be kept as one person's word."""
    return principal.id != ANONYMOUS.id


def refusal(
    name: str, purpose: Purpose, standing: Standing, *, notice: str, minor: bool = False, gpc: bool = False
) -> str:
    """Why nothing of this person may be processed for this purpose now; empty where it may.

    ``notice``: the version that is told now. ``gpc``: this request says ``Sec-GPC: 1``. The order: what the person
    forbade, then what the law wants first.
    """
    if not standing.restricts.isdisjoint((name, ALL)):
        return "processing-restricted"
    if not standing.objects.isdisjoint((name, ALL)):
        return "processing-objected"
    if purpose.use != "service" and (gpc or not standing.opts_out.isdisjoint((name, ALL))):
        return "opted-out"
    if minor and purpose.minors == "refuse":
        return "minor-refused"
    if purpose.lawful_basis == "consent":
        given = standing.consents.get(name, "")
        enough = given == notice + EXPLICIT if purpose.explicit else given.removesuffix(EXPLICIT) == notice
        if not notice or not enough:
            return "consent-required"
    return ""


class Standings:
    """What people have said, in a ``Database``; remembered until it changes.

    ``record`` puts an entry on record and returns once it is durable. ``clock`` gives seconds since 1970 UTC. ``say``
    waits for the disk: call it on a thread. Raises ``StoreError``.
    """

    def __init__(
        self,
        database: Database,
        record: Record = lambda entry: None,
        clock: Callable[[], float] = time.time,
        told: Told = lambda connection, tenant, subject, statement: None,
    ) -> None:
        self.database = database
        self._told = told
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)
        self._memory: tuple[tuple[int, int] | None, dict[tuple[str, str], Standing]] = (None, {})

    def of(self, tenant: str, subject: str) -> Standing:
        """What somebody has said up to now. Microseconds, unless the file has changed."""
        generation = self.database.generation  # before what depends on it is read
        known = self._memory
        if known[0] != generation:
            # Replaced as a whole: who fills the old one meanwhile leaves nothing stale in the new one.
            known = self._memory = (generation, {})
        found = known[1].get((tenant, subject))
        if found is None:
            found = Standing.of(self.statements(tenant, subject)) or NOTHING_SAID
            if len(known[1]) >= _REMEMBERED:
                known[1].clear()
            known[1][tenant, subject] = found
        return found

    def statements(self, tenant: str, subject: str) -> list[Statement]:
        """All that somebody has said, in order."""
        rows = self.database.rows(
            "SELECT purpose, word, notice, at, by FROM privacy_statements WHERE tenant = ? AND subject = ?"
            " ORDER BY number",
            (tenant, subject),
        )
        return [Statement(purpose, Word(word), notice, at, by) for purpose, word, notice, at, by in rows]

    def say(self, tenant: str, subject: str, purpose: str, word: Word, *, by: str, notice: str = "") -> Statement:
        """Takes one word. Said twice in a row, it stands once; what was never said is not taken back. Raises
        ``ClientError`` (``too-many-statements``)."""
        statement = Statement(purpose, word, notice, self._clock(), by)
        before = self.statements(tenant, subject)
        kind = {word, PAIRS.get(word), *(first for first, second in PAIRS.items() if second is word)}
        last = next((one for one in reversed(before) if one.purpose == purpose and one.word in kind), None)
        if (last is None and word in _BACK) or (last is not None and (last.word, last.notice) == (word, notice)):
            return last or statement
        if word in _PERMITS and len(before) >= _MOST:
            raise ClientError("You changed your mind too often to do it here; ask us.", reason="too-many-statements")
        fields: dict[str, object] = {"tenant": tenant, "principal": subject, "by": by}
        fields["purpose"] = purpose
        if notice:
            fields["notice"] = notice
        entry = Entry(_EVENTS[word], "", fields)
        if word in _PERMITS:
            self._record(entry)
        values = (tenant, subject, purpose, word.value, notice, statement.at, by)
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO privacy_statements (tenant, subject, purpose, word, notice, at, by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            self._told(connection, tenant, subject, statement)
        if word not in _PERMITS:
            self._record(entry)
        return statement

    def subjects(self) -> list[tuple[str, str]]:
        """Tenants and subjects who have said anything."""
        rows = self.database.rows("SELECT DISTINCT tenant, subject FROM privacy_statements")
        return [(tenant, subject) for tenant, subject in rows]
