"""Telling recipients that a person used a right: signed webhooks from a durable queue (GDPR Articles 19, 21, 18).

The rules:

1. **Queued before it is done.** A notice of an erasure is durable before the erasure begins, one of a word in the
   transaction that takes the word. So a crash loses none; at worst one is sent of what is done a moment later.
2. Signed as Standard Webhooks 1.0 says (``monitoring.webhooks``): a notice keeps its id over all attempts, so that who
   gets it twice does it once. Body: ``{"type", "timestamp", "data": {"tenant", "subject", "purpose"?}}``; no text.
3. Tried again after ``PAUSES``, then given up: on record, and listed until an operator sends it anew or drops it. 2xx
   is taken; 410 gives up at once.
4. Several processes may send from one queue: each attempt is claimed first.
5. A recipient that has no webhook is told by people: ``erasing.recipients`` lists it with its contract. What a bot's
   processor does with copies of its own is its duty.

``Notices`` waits for the disk: call it on a thread. ``send`` is for an event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from chatward.configuration import resolve
from chatward.core.errors import ClientError, ConfigError, StoreError, UpstreamError
from chatward.core.events import Event
from chatward.core.identity import Fetch
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.monitoring.webhooks import secret_of, signed
from chatward.privacy.standing import Statement, Word
from chatward.settings.rights import NoticeKind, Recipient
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "privacy-notices",
    (
        "CREATE TABLE privacy_notices (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
        " recipient TEXT NOT NULL, body TEXT NOT NULL, made REAL NOT NULL, due REAL, attempts INTEGER NOT NULL)",
        "CREATE INDEX privacy_notices_due ON privacy_notices (due)",
    ),
)
PAUSES: Final = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds before each further attempt; those that the specification recommends."""
LOOK: Final = 5.0
CLAIM: Final = 60.0
"""Seconds that an attempt is one process's."""
_BATCH: Final = 50
_TYPES: Final[Mapping[Word, tuple[NoticeKind, str]]] = {
    Word.OBJECTS: ("objection", "subject.objection.made"),
    Word.OBJECTS_NO_MORE: ("objection", "subject.objection.ended"),
    Word.RESTRICTS: ("restriction", "subject.restriction.made"),
    Word.RESTRICTS_NO_MORE: ("restriction", "subject.restriction.ended"),
    Word.OPTS_OUT: ("objection", "subject.opt-out.made"),
    Word.OPTS_IN: ("objection", "subject.opt-out.ended"),
    Word.WITHDRAWS: ("objection", "subject.consent.withdrawn"),
}

_log = logging.getLogger("chatward.privacy")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that is not taken yet. ``due``: ``None`` once it was given up. Times are seconds since 1970 UTC."""

    id: str
    recipient: str
    type: str
    made: float
    due: float | None
    attempts: int


class Notices:
    """The queue in the ``Database`` of ``[privacy]``. ``recipients`` by name, as settings have them. Raises
    ``ConfigError`` (``secret-missing``, ``secret-invalid``) and ``StoreError``."""

    def __init__(
        self,
        database: Database,
        recipients: Mapping[str, Recipient],
        record: Record = lambda entry: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self._recipients = recipients
        self._secrets = {name: _secret(name, one.secret) for name, one in recipients.items()}
        self._record = record
        self._clock = clock
        database.adopt(SCHEMA)

    # --- queueing

    def tell(self, kind: NoticeKind, type_: str, tenant: str, subject: str) -> int:
        """Queues a notice for each recipient that is told of this kind; how many."""
        with self.database.writing() as connection:
            return self._queue(connection, kind, type_, {"tenant": tenant, "subject": subject}, tenant)

    def said(self, connection: sqlite3.Connection, tenant: str, subject: str, statement: Statement) -> None:
        """Queues what somebody said, in the transaction that takes it."""
        known = _TYPES.get(statement.word)
        if known is not None:
            data = {"tenant": tenant, "subject": subject, "purpose": statement.purpose}
            self._queue(connection, *known, data, tenant)

    def _queue(
        self, connection: sqlite3.Connection, kind: NoticeKind, type_: str, data: Mapping[str, str], tenant: str
    ) -> int:
        now = self._clock()
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        body = json.dumps({"type": type_, "timestamp": at, "data": data})
        names = [
            name
            for name, one in self._recipients.items()
            if kind in one.kinds and (not one.tenants or tenant in one.tenants)
        ]
        connection.executemany(
            "INSERT INTO privacy_notices (id, recipient, body, made, due, attempts) VALUES (?, ?, ?, ?, ?, 0)",
            [(f"msg_{secrets.token_hex(12)}", name, body, now, now) for name in names],
        )
        return len(names)

    # --- what waits

    def waiting(self) -> list[Waiting]:
        rows = self.database.rows(
            "SELECT id, recipient, body, made, due, attempts FROM privacy_notices ORDER BY number"
        )
        return [Waiting(row[0], row[1], json.loads(row[2])["type"], *row[3:]) for row in rows]

    def again(self, id_: str | None = None) -> int:
        """What was given up is tried anew, all or one; how many."""
        return self.database.write(
            "UPDATE privacy_notices SET due = ?1, attempts = 0 WHERE due IS NULL AND (?2 IS NULL OR id = ?2)",
            (self._clock(), id_),
        )

    def drop(self, id_: str) -> None:
        """Takes one out: the recipient was told by people. Raises ``ClientError`` (``notice-unknown``)."""
        if not self.database.write("DELETE FROM privacy_notices WHERE id = ?", (id_,)):
            raise ClientError("There is no such notice.", reason="notice-unknown", status=404)

    # --- sending

    async def run(self, fetch: Fetch) -> None:
        """Sends what is due, until it is cancelled."""
        while True:
            try:
                await self.send(fetch)
            except StoreError as error:
                _log.warning("recipients are not told: %s", error.reason)
            await asyncio.sleep(LOOK)

    async def send(self, fetch: Fetch) -> int:
        """Sends what is due now; how many were taken. Raises ``StoreError``."""
        due = await asyncio.to_thread(self._claimed)
        taken = await asyncio.gather(*(self._attempt(fetch, *one) for one in due))
        return sum(taken)

    def _claimed(self) -> list[tuple[str, str, str, int]]:
        now = self._clock()
        with self.database.writing() as connection:
            rows = connection.execute(
                "SELECT id, recipient, body, attempts FROM privacy_notices WHERE due <= ? ORDER BY number LIMIT ?",
                (now, _BATCH),
            ).fetchall()
            connection.executemany(
                "UPDATE privacy_notices SET due = ? WHERE id = ?", [(now + CLAIM, r[0]) for r in rows]
            )
        return rows

    async def _attempt(self, fetch: Fetch, id_: str, name: str, body: str, attempts: int) -> bool:
        recipient = self._recipients.get(name)
        status = 410
        if recipient is not None:
            data = body.encode()
            headers = signed(self._secrets[name], id_, int(self._clock()), data)
            try:
                answer = await fetch(
                    "POST", recipient.url, [("content-type", "application/json"), *headers.items()], data
                )
                status = answer.status
            except UpstreamError as error:
                _log.info("%s was not told: %s", name, error.reason)
                status = 0
        await asyncio.to_thread(self._settled, id_, name, status, attempts)
        return 200 <= status < 300

    def _settled(self, id_: str, name: str, status: int, attempts: int) -> None:
        fields = {"notice": id_, "recipient": name, "attempts": attempts + 1}
        if 200 <= status < 300:
            self.database.write("DELETE FROM privacy_notices WHERE id = ?", (id_,))
            self._record(Entry(Event.RECIPIENT_TOLD, "", fields))
            return
        over = status == 410 or attempts >= len(PAUSES)
        due = None if over else self._clock() + PAUSES[attempts]
        self.database.write("UPDATE privacy_notices SET due = ?, attempts = attempts + 1 WHERE id = ?", (due, id_))
        if over:
            _log.error("%s could not be told of %s", name, id_)
            self._record(Entry(Event.RECIPIENT_NOT_TOLD, "", fields | {"status": status}))


def _secret(name: str, reference: str) -> bytes:
    key = f"privacy.recipients.{name}.secret"
    try:
        return secret_of(resolve(reference))
    except ConfigError as error:
        raise ConfigError(f"{key}: {error.public}", key=key, reason=error.reason) from error
