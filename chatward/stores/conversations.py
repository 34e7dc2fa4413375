"""Stored conversations: sealed, by subject and conversation, masked for every reader, erased and purged for good.

The rules:

1. **In the clear** stand tenant, subject, times, numbers and an id made by chance. Sealed are what was written, what
   the caller calls the conversation (it is text: people put addresses there), and the reasons of those who revealed.
2. Each UTC day of a conversation has a key of its own (``Place.record``). A purge destroys keys first, rows after: so
   old backups forget what the store has forgotten. Whole days go, once their last second is past the retention time.
3. **Durable before done.** ``append`` never waits on the event loop; its future is done when the turn is on the disk.
   What cannot be taken is refused before anything has happened.
4. **Masked, unless revealed.** ``reveal`` needs an operator with the role ``auditor`` and a reason. The record is
   durable before a word is shown, and so is the refusal of who may not. The reason itself is text: it is kept here,
   sealed. Only ``sample`` gives whole turns without it: to judge them anew, and nobody sees a word.
5. Who may list and read masked text is policy's business, one level up. Every method takes the tenant, and gives
   nothing of another.

Everything but ``append`` and ``aclose`` waits for the disk: call it on a thread.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Principal
from chatward.core.ports import Entry
from chatward.core.sealing import Place, Record, Sealer
from chatward.stores import turns as forms
from chatward.stores.conversation_rows import NAME, SCHEMA, name_place, reason_place, turn_place
from chatward.stores.database import Connection, Tables
from chatward.stores.revealing import Revealing
from chatward.stores.turns import ReadTurn, Turn
from chatward.stores.writing import Writer

DAY: Final = 86_400
_EVENTS: Final = (Event.CONVERSATION_REVEALED, Event.CONVERSATION_REVEAL_REFUSED)
_NEAR: Final = 120.0
"""Seconds between a message's entry in the ledger and its turn here."""
_SAMPLED: Final = 65_536
"""Bytes of the longest turn of a sample, which is in memory whole."""
_NAMED: Final = (
    "SELECT {} FROM conversation_names n JOIN conversations c ON c.number = n.conversation"
    " WHERE n.value IN ({}) AND c.tenant = ? AND c.subject = ?"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation, without anything that anybody wrote. Times are seconds since 1970 UTC."""

    id: str
    tenant: str
    subject: str
    started: float
    last: float
    turns: int


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge took out."""

    turns: int
    conversations: int


@dataclass(frozen=True, slots=True)
class _Item:
    tenant: str
    subject: str
    conversation: str
    turn: Turn
    at: float


@dataclass(slots=True)
class _Found:
    """A conversation that is written to."""

    number: int
    id: str
    turns: int
    last: float


class ConversationStore:
    """Conversations in ``Tables``: a SQLite file, or PostgreSQL. ``record`` puts an entry on record and returns once it
    is durable. ``retention`` is in seconds; ``None``: nothing is purged. ``clock`` gives seconds since 1970 UTC.
    ``limit`` bounds the turns that wait.

    Raises ``StoreError`` (``conversations-overloaded``, ``conversations-closed``, ``conversations-unavailable``,
    ``conversation-turn-invalid``, those of ``Sealer``), ``ClientError`` (``conversation-unknown``,
    ``reveal-reason-missing``) and ``IdentityError`` (``reveal-not-permitted``).
    """

    def __init__(
        self,
        database: Tables,
        sealer: Sealer,
        record: Record,
        *,
        retention: float | None = None,
        clock: Callable[[], float] = time.time,
        limit: int = 10_000,
    ) -> None:
        self.database = database
        self._sealer = sealer
        self._record = record
        self._retention = retention
        self._clock = clock
        self._revealing = Revealing(database, sealer, record, clock)
        database.adopt(SCHEMA)
        self._writer: Writer[_Item] = Writer(
            "conversations", self._write, lambda item: forms.size(item.turn), limit=limit
        )

    # --- writing

    def append(self, tenant: str, subject: str, conversation: str, turn: Turn) -> asyncio.Future[None]:
        """Takes a turn; the future is done once it is durable, and fails with ``StoreError`` otherwise. Must be called
        on a running event loop, and never waits. ``conversation`` is the caller's own name of the thread; without one,
        the turns of one exchange are a conversation."""
        return self._writer.put(_item(tenant, subject, conversation, turn, self._clock()))

    def write(self, tenant: str, subject: str, conversation: str, turns: Iterable[Turn]) -> None:
        """The same for callers without an event loop; returns once all are durable, together."""
        self._write([_item(tenant, subject, conversation, turn, self._clock()) for turn in turns])

    async def aclose(self) -> None:
        """Writes what was taken. The database stays open: it belongs to whoever opened it."""
        await self._writer.aclose()

    def _write(self, items: Sequence[_Item]) -> None:
        bodies = [forms.encode(item.turn) for item in items]
        with self.database.writing() as connection:  # sealing inside: see core.sealing, rule 3
            # The subjects' own keys, for the names, in one go.
            self._sealer.prepare(dict.fromkeys(Place(item.tenant, item.subject, NAME, "") for item in items))
            found: dict[tuple[str, str, str], _Found] = {}
            rows: list[tuple[Place, _Item, _Found]] = []
            for item in items:
                key = (item.tenant, item.subject, item.conversation)
                if key not in found:
                    found[key] = self._conversation(connection, item)
                one = found[key]
                one.turns += 1
                one.last = max(one.last, item.at)
                place = turn_place(item.tenant, item.subject, one.id, one.turns, int(item.at // DAY))
                rows.append((place, item, one))
            self._sealer.prepare(place for place, _, _ in rows)
            connection.executemany(
                "INSERT INTO turns (conversation, turn, day, at, body) VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        one.number,
                        int(place.row.rpartition("/")[2]),
                        int(item.at // DAY),
                        item.at,
                        self._sealer.seal(place, body),
                    )
                    for (place, item, one), body in zip(rows, bodies, strict=True)
                ],
            )
            connection.executemany(
                "UPDATE conversations SET turns = ?, last = ? WHERE number = ?",
                [(one.turns, one.last, one.number) for one in found.values()],
            )

    def _conversation(self, connection: Connection, item: _Item) -> _Found:
        """The conversation of that name, made if there is none."""
        values = self._sealer.index(item.tenant, item.subject, NAME, item.conversation)
        row = connection.execute(
            _NAMED.format("c.number, c.id, c.turns, c.last", ",".join("?" * len(values))),
            (*values, item.tenant, item.subject),
        ).fetchone()
        if row is not None:
            return _Found(*row)
        id_ = secrets.token_hex(16)
        name = self._sealer.seal(name_place(item.tenant, item.subject, id_), _bytes(item.conversation))
        (number,) = connection.execute(
            "INSERT INTO conversations (id, tenant, subject, name, started, last, turns) VALUES (?, ?, ?, ?, ?, ?, 0)"
            " RETURNING number",
            (id_, item.tenant, item.subject, name, item.at, item.at),
        ).fetchone()
        connection.executemany("INSERT INTO conversation_names VALUES (?, ?)", [(value, number) for value in values])
        return _Found(number, id_, 0, item.at)

    # --- reading

    def listing(
        self, tenant: str, subject: str | None = None, *, limit: int = 100, before: float | None = None
    ) -> list[Listed]:
        """Conversations of a tenant, or of one subject of it, newest first. ``before``: the ``last`` of the page
        before."""
        asked: list[tuple[str, object]] = [("tenant = ?", tenant)]
        asked += [] if subject is None else [("subject = ?", subject)]
        asked += [] if before is None else [("last < ?", before)]
        rows = self.database.rows(
            f"SELECT id, tenant, subject, started, last, turns FROM conversations"  # noqa: S608 - of the lines above
            f" WHERE {' AND '.join(sql for sql, _ in asked)} ORDER BY last DESC, number DESC LIMIT ?",
            (*(value for _, value in asked), limit),
        )
        return [Listed(*row) for row in rows]

    def find(self, tenant: str, subject: str, conversation: str) -> Listed | None:
        """The conversation that its subject's programs call by this name."""
        values = self._sealer.index(tenant, subject, NAME, conversation)
        row = self.database.row(
            _NAMED.format("c.id, c.tenant, c.subject, c.started, c.last, c.turns", ",".join("?" * len(values))),
            (*values, tenant, subject),
        )
        return None if row is None else Listed(*row)

    def of_exchange(self, subject: str, exchange: str, at: float) -> tuple[str, str] | None:
        """Tenant and id of the conversation that keeps a message of the ledger: its caller, its id, and its time. For
        the console, whose operators serve all tenants; the id of a message stands sealed, so turns near it are opened.
        """
        rows = self.database.rows(
            "SELECT c.tenant, c.id, t.turn, t.day, t.at, t.body FROM (SELECT DISTINCT tenant FROM conversations) n"
            " JOIN conversations c ON c.tenant = n.tenant AND c.subject = ? AND c.last >= ?"
            " JOIN turns t ON t.conversation = c.number AND t.at BETWEEN ? AND ? ORDER BY abs(t.at - ?) LIMIT 200",
            (subject, at - _NEAR, at - _NEAR, at + _NEAR, at),
        )
        for tenant, id_, *row in rows:
            known = Listed(id_, tenant, subject, 0.0, 0.0, 0)
            if self._turn(known, tuple(row), masked=True).exchange == exchange:
                return tenant, id_
        return None

    def read(self, tenant: str, id_: str, *, after: int = 0, limit: int = 1000) -> list[ReadTurn]:
        """Turns of a conversation, masked. ``after``: the number of the last one read."""
        return self._turns(tenant, id_, after, limit, masked=True)

    def reveal(
        self, principal: Principal, tenant: str, id_: str, reason: str, *, after: int = 0, limit: int = 1000
    ) -> list[ReadTurn]:
        """Turns of a conversation as they were written. See rule 4."""
        known = self._known(tenant, id_)
        fields = {"tenant": tenant, "conversation": id_, "after": after, "limit": limit}
        self._revealing.permit(principal, known.subject, id_, reason, fields, _EVENTS)
        return self._turns(tenant, id_, after, limit, masked=False)

    def due(self, since: float, most: int) -> int:
        """How many turns ``sample`` would give."""
        row = self.database.row(
            "SELECT count(*) FROM (SELECT 1 FROM turns WHERE day >= ? AND at >= ? AND length(body) <= ? LIMIT ?) s",
            (int(since // DAY), since, _SAMPLED, most),
        )
        return 0 if row is None else int(row[0])

    def sample(self, since: float, most: int) -> Iterator[tuple[Listed, ReadTurn]]:
        """The newest turns of all tenants since then, whole, each conversation's in their order: to be judged anew, not
        to be shown. Whoever asks has it on record first. Left out are those whose keys are gone, and very long ones.
        """
        rows = self.database.rows(
            "SELECT c.id, c.tenant, c.subject, c.started, c.last, c.turns, t.turn, t.day, t.at, t.body FROM"
            " (SELECT conversation, turn, day, at, body FROM turns WHERE day >= ? AND at >= ?"
            " AND length(body) <= ? ORDER BY number DESC LIMIT ?) t JOIN conversations c ON c.number = t.conversation"
            " ORDER BY t.conversation, t.turn",
            (int(since // DAY), since, _SAMPLED, most),
        )
        for row in rows:
            known = Listed(*row[:6])
            turn = self._turn(known, tuple(row[6:]), masked=False)
            if not (turn.gone or turn.altered):
                yield known, turn

    def reveals(self, tenant: str, id_: str) -> list[tuple[str, float, str]]:
        """Who revealed a conversation, when, and why, oldest first."""
        rows = self.database.rows(
            "SELECT by, at, subject, id, reason FROM reveals WHERE tenant = ? AND conversation = ? ORDER BY number",
            (tenant, id_),
        )
        return [
            (by, at, self._sealer.open(reason_place(tenant, subject, reveal), reason).decode("utf-8", "surrogatepass"))
            for by, at, subject, reveal, reason in rows
        ]

    def _known(self, tenant: str, id_: str) -> Listed:
        row = self.database.row(
            "SELECT id, tenant, subject, started, last, turns FROM conversations WHERE tenant = ? AND id = ?",
            (tenant, id_),
        )
        if row is None:
            raise ClientError("There is no such conversation.", reason="conversation-unknown", status=404)
        return Listed(*row)

    def _turns(self, tenant: str, id_: str, after: int, limit: int, *, masked: bool) -> list[ReadTurn]:
        known = self._known(tenant, id_)
        rows = self.database.rows(
            "SELECT t.turn, t.day, t.at, t.body FROM turns t JOIN conversations c ON c.number = t.conversation"
            " WHERE c.tenant = ? AND c.id = ? AND t.turn > ? ORDER BY t.turn LIMIT ?",
            (tenant, id_, after, limit),
        )
        return [self._turn(known, row, masked=masked) for row in rows]

    def _turn(self, known: Listed, row: tuple[Any, ...], *, masked: bool) -> ReadTurn:
        number, day, at, body = row
        try:
            opened = self._sealer.open(turn_place(known.tenant, known.subject, known.id, number, day), body)
            return forms.read(forms.decode(opened), number, at, masked=masked)
        except StoreError as error:
            if error.reason not in {"sealed-altered", "sealed-key-gone", "sealed-retired"}:
                raise
            altered = error.reason == "sealed-altered"
            return ReadTurn(number, at, masked=masked, gone=not altered, altered=altered)

    # --- forgetting

    def purge(self, kept: Callable[[str, str], bool] = lambda tenant, subject: False) -> Purged:
        """Takes out the days that are older than the retention time, of all subjects but those ``kept`` (tenant,
        subject: a legal hold). On record before it happens; may be killed and asked again."""
        if self._retention is None:
            return Purged(0, 0)
        first = int((self._clock() - self._retention) // DAY)  # the day that the limit is in stays
        rows = self.database.rows(
            "SELECT c.tenant, c.subject, count(*) FROM turns t JOIN conversations c ON c.number = t.conversation"
            " WHERE t.day < ? GROUP BY c.tenant, c.subject",
            (first,),
        )
        due = [row for row in rows if not kept(row[0], row[1])]
        if not due:
            return Purged(0, 0)
        entry = {"turns": sum(row[2] for row in due), "subjects": len(due), "before": first * DAY}
        self._record(Entry(Event.CONVERSATIONS_PURGED, "", entry))
        done = [self._purge(tenant, subject, first) for tenant, subject, _ in due]
        self.database.scrub()
        return Purged(sum(one.turns for one in done), sum(one.conversations for one in done))

    def _purge(self, tenant: str, subject: str, first: int) -> Purged:
        """Days before ``first`` of one subject: the keys, then the rows. Nobody writes meanwhile."""
        with self.database.writing() as connection:
            rows = connection.execute(
                "SELECT c.number, c.id, t.day, count(*) FROM turns t JOIN conversations c ON c.number = t.conversation"
                " WHERE c.tenant = ? AND c.subject = ? AND t.day < ? GROUP BY c.number, t.day",
                (tenant, subject, first),
            ).fetchall()
            ended = connection.execute(
                "SELECT number, id FROM conversations c WHERE tenant = ? AND subject = ?"
                " AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.conversation = c.number AND t.day >= ?)",
                (tenant, subject, first),
            ).fetchall()
            days = [turn_place(tenant, subject, id_, 0, day).record for _, id_, day, _ in rows]
            self._sealer.destroy(tenant, subject, [*days, *(id_ for _, id_ in ended)])
            connection.executemany(
                "DELETE FROM turns WHERE conversation = ? AND day = ?", [(row[0], row[2]) for row in rows]
            )
            connection.executemany("DELETE FROM conversations WHERE number = ?", [(number,) for number, _ in ended])
        return Purged(sum(row[3] for row in rows), len(ended))

    def delete(self, tenant: str, id_: str) -> None:
        """Takes out one conversation: its keys, then its rows."""
        known = self._known(tenant, id_)
        with self.database.writing() as connection:
            days = connection.execute(
                "SELECT DISTINCT t.day FROM turns t JOIN conversations c ON c.number = t.conversation WHERE c.id = ?",
                (id_,),
            ).fetchall()
            names = [turn_place(tenant, known.subject, id_, 0, day).record for (day,) in days]
            self._sealer.destroy(tenant, known.subject, [*names, id_])
            connection.execute("DELETE FROM conversations WHERE tenant = ? AND id = ?", (tenant, id_))
        self.database.scrub()


def _item(tenant: str, subject: str, conversation: str, turn: Turn, now: float) -> _Item:
    at = now if turn.at is None else turn.at
    if not tenant or not subject:
        raise StoreError("A turn is of a tenant and a subject.", reason="conversation-turn-invalid", status=500)
    return _Item(tenant, subject, conversation or turn.exchange or secrets.token_hex(16), turn, at)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
