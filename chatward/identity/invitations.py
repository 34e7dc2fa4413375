"""Invitations: links by which new operators make their own account, with roles that somebody chose for them.

The rules:

1. A link's token has 256 random bits, is kept as SHA-256, and is good once, for ``LIFE``. One that is used, old,
   withdrawn or unknown gets one answer, the same as for the link of the first admin (``identity.operators``).
2. Nobody but the invited person ever knows the password: who invites chooses the roles, who is invited the rest.
3. An invitation is as good as the account that gave it: once that is disabled, or has other roles or another password
   (another ``epoch``), the link is worth nothing.
4. It is on record before anybody has it. What cannot become an account (a name that is taken) leaves the link as it is.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.identity.operators import Operator, Operators, Record, checked_roles
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "invitations",
    (
        "CREATE TABLE invitations (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, roles TEXT NOT NULL,"
        " break_glass INTEGER NOT NULL, by TEXT NOT NULL, epoch INTEGER NOT NULL, expires REAL NOT NULL)",
    ),
)

LIFE: Final = 86_400.0
"""Seconds that a link is good."""
MOST: Final = 50
"""Invitations that may be open at once."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that is open. ``id`` opens nothing; ``by`` is the operator who gave it; times are seconds since 1970 UTC."""

    id: str
    roles: frozenset[str]
    break_glass: bool
    by: str
    expires: float


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and its token, this once."""

    invitation: Invitation
    token: str = field(repr=False)


class Invitations:
    """Implements the rules above. ``opens`` and ``open`` read; the others write, and block."""

    def __init__(
        self, database: Database, operators: Operators, record: Record, *, clock: Callable[[], float] = time.time
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._operators = operators
        self._record = record
        self._clock = clock

    def invite(self, roles: Collection[str], *, break_glass: bool = False, by: str) -> Invited:
        """A new link. ``by`` is an active operator. Raises ``ClientError``: ``role-missing``, ``role-unknown``,
        ``operator-unknown``, ``too-many-invitations``."""
        wanted, giver = checked_roles(roles), self._operators.get(by)
        if giver is None or not giver.active:
            raise ClientError("There is no such operator.", reason="operator-unknown", status=404)
        if len(self.open()) >= MOST:
            said = "Too many invitations are open. Withdraw some first."
            raise ClientError(said, reason="too-many-invitations", status=409)
        token, now = secrets.token_urlsafe(32), self._clock()
        made = Invitation(secrets.token_hex(8), wanted, break_glass, by, now + LIFE)
        self._record(_entry(Event.OPERATOR_INVITED, made))
        with self._database.writing() as connection:
            connection.execute("DELETE FROM invitations WHERE expires <= ?", [now])
            _insert(connection, made, _digest(token), giver.epoch)
        return Invited(made, token)

    def open(self) -> list[Invitation]:
        """Those whose links are good now, oldest first."""
        sql = "SELECT id, roles, break_glass, by, epoch, expires FROM invitations WHERE expires > ? ORDER BY expires"
        return [made for row in self._database.rows(sql, [self._clock()]) if (made := self._good(row)) is not None]

    def opens(self, token: str) -> Invitation | None:
        """The invitation of a link that is good now; does not use it."""
        sql = "SELECT id, roles, break_glass, by, epoch, expires FROM invitations WHERE digest = ? AND expires > ?"
        row = self._database.row(sql, [_digest(token), self._clock()])
        return None if row is None else self._good(row)

    def withdraw(self, id: str, *, by: str) -> None:
        """Ends a link. Raises ``ClientError`` (``invitation-unknown``)."""
        if not self._database.write("DELETE FROM invitations WHERE id = ?", [id]):
            raise ClientError("There is no such invitation.", reason="invitation-unknown", status=404)
        self._record(Entry(Event.OPERATOR_INVITATION_WITHDRAWN, "", {"invitation": id, "by": by}))

    def redeem(self, token: str, name: str, password: str) -> Operator:
        """The account of the one who has the link. Raises ``IdentityError`` (``link-invalid``); what
        ``Operators.create`` raises leaves the link as it is."""
        made = self.opens(token)
        giver = None if made is None else self._operators.get(made.by)
        with self._database.writing() as connection:
            taken = connection.execute("DELETE FROM invitations WHERE digest = ?", [_digest(token)]).rowcount
        if made is None or giver is None or not taken:
            said = "This link is not good, or not any more. Ask for another one."
            raise IdentityError(said, reason="link-invalid", status=404)
        try:
            return self._operators.create(name, password, made.roles, break_glass=made.break_glass, by=made.by)
        except BaseException:
            with self._database.writing() as connection:  # nobody was made: the link is good as before
                _insert(connection, made, _digest(token), giver.epoch)
            raise

    def _good(self, row: tuple[Any, ...]) -> Invitation | None:
        id, roles, break_glass, by, epoch, expires = row
        giver = self._operators.get(by)
        if giver is None or not giver.active or giver.epoch != epoch:
            return None
        return Invitation(id, frozenset(roles.split()), bool(break_glass), by, expires)


def _insert(connection: Any, made: Invitation, digest: bytes, epoch: int) -> None:
    row = (made.id, digest, " ".join(sorted(made.roles)), made.break_glass, made.by, epoch, made.expires)
    connection.execute("INSERT INTO invitations VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _entry(event: Event, made: Invitation) -> Entry:
    about = {"invitation": made.id, "roles": sorted(made.roles), "break_glass": made.break_glass, "by": made.by}
    return Entry(event, "", about)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
