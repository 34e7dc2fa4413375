"""Operators: the people who run this Chatward, with a password each and roles.

The rules:

1. An operator is known by a random id (``operator:`` and 16 hex digits). The name is for signing in; it stands in no
   record and no log.
2. What a role may do is policy's business (``console.guarding``, Cedar). Here a role is a name out of ``ROLES``.
3. ``epoch`` grows whenever roles, password or state change. A session is of one epoch, so each of these ends it, in
   every process, at the next request.
4. There is always an active admin once there was one: the last one can neither be disabled nor lose the role. A
   break-glass account does not count, nor does one that an identity provider vouches for.
5. A break-glass account is for emergencies. Each log-in of it is a use; while a use is not reviewed by another active
   operator there is no further one. Two at once: one of them is the use.
6. The first admin comes from a link. Its token (256 bits) is kept as SHA-256 and good once, for 24 hours, while there
   is no admin. A token that is used, old, unknown or late gets one answer.
7. A right is on record before anybody has it: a new account whose record fails is taken back at once; other roles, a
   new password, a review and a return are recorded first. What takes rights away is done first. ``record`` returns
   once an entry is durable and raises ``StoreError``; ``by`` is the id of who did it, or where it was done.
8. No account is ever removed: its id stays in the record, and the console that stands open while there is none
   (``any``) does not open again.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar

from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.identity.passwords import Passwords, judge
from chatward.stores.database import Database, Schema

ADMIN: Final = "admin"
ROLES: Final = (ADMIN, "operator", "analyst", "auditor", "privacy-officer", "read-only")
REVIEWERS: Final = frozenset({ADMIN, "auditor"})
"""Roles of those who may review a use of a break-glass account."""
LINK_LIFE: Final = 86_400.0
"""Seconds that a link for the first admin is good."""

SCHEMA: Final = Schema(
    "operators",
    (
        "CREATE TABLE operators (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password TEXT NOT NULL,"
        " roles TEXT NOT NULL, active INTEGER NOT NULL, break_glass INTEGER NOT NULL, epoch INTEGER NOT NULL,"
        " created REAL NOT NULL)",
        "CREATE TABLE operator_links (digest BLOB PRIMARY KEY, expires REAL NOT NULL)",
        "CREATE TABLE break_glass_uses (id INTEGER PRIMARY KEY, operator TEXT NOT NULL REFERENCES operators (id),"
        " at REAL NOT NULL, reviewer TEXT, reviewed REAL)",
        "CREATE UNIQUE INDEX break_glass_open ON break_glass_uses (operator) WHERE reviewer IS NULL",
        "ALTER TABLE operators ADD COLUMN provider TEXT NOT NULL DEFAULT ''",
    ),
)

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}", re.ASCII)
_COLUMNS: Final = "id, name, roles, active, break_glass, epoch, created, provider"
_BY_ID: Final = f"SELECT {_COLUMNS} FROM operators WHERE id = ?"  # noqa: S608 - literals
_BY_NAME: Final = f"SELECT {_COLUMNS}, password FROM operators WHERE name = ?"  # noqa: S608
_ALL: Final = f"SELECT {_COLUMNS} FROM operators ORDER BY name"  # noqa: S608
_LINK: Final = "This link is not good, or not any more. Restart `chatward serve` for a new one."

T = TypeVar("T")

Record = Callable[[Entry], None]


class Fresh(Generic[T]):
    """What was read from a database, remembered until anybody commits (``Database.generation``)."""

    def __init__(self, database: Database, read: Callable[[Any], T], limit: int = 10_000) -> None:
        self._database = database
        self._read = read
        self._limit = limit
        self._known: dict[Hashable, tuple[tuple[int, int], T]] = {}

    def __call__(self, key: Hashable) -> T:
        generation = self._database.generation  # before reading: what is committed meanwhile is read again
        known = self._known.get(key)
        if known is not None and known[0] == generation:
            return known[1]
        value = self._read(key)
        if len(self._known) >= self._limit:
            self._known = {}
        self._known[key] = (generation, value)
        return value


@dataclass(frozen=True, slots=True)
class Operator:
    """One account. ``created`` is seconds since 1970 UTC."""

    id: str
    name: str
    roles: frozenset[str]
    active: bool
    break_glass: bool
    epoch: int
    created: float
    provider: str = ""
    """The identity provider that vouches for them, in place of a password; its word gives the roles."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a break-glass account that nobody has reviewed yet."""

    operator: str
    at: float


class Operators:
    """The accounts. What writes waits for the disk and the record, and ``create``, ``verify``, ``redeem`` and
    ``set_password`` for a hash besides: on a thread. The others read. ``clock`` gives seconds since 1970 UTC."""

    def __init__(
        self, database: Database, passwords: Passwords, record: Record, *, clock: Callable[[], float] = time.time
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._passwords = passwords
        self._record = record
        self._clock = clock
        self._by_id: Fresh[Operator | None] = Fresh(database, self._read)
        self._any: Fresh[bool] = Fresh(database, lambda _: database.row("SELECT 1 FROM operators LIMIT 1") is not None)

    # --- reading

    def any(self) -> bool:
        """Whether there ever was an operator. Microseconds."""
        return self._any(None)

    def get(self, id: str) -> Operator | None:
        """The account as it is now, in whichever process it was changed. Microseconds."""
        return self._by_id(id)

    def named(self, name: str) -> Operator:
        """For those who may know who there is. Raises ``ClientError`` (``operator-unknown``)."""
        row = self._database.row(_BY_NAME, [folded(name)])
        if row is None:
            raise ClientError("There is no operator of that name.", reason="operator-unknown", status=404)
        return _operator(row[:-1])

    def all(self) -> list[Operator]:
        """Everybody, by name."""
        return [_operator(row) for row in self._database.rows(_ALL)]

    # --- changing

    def create(
        self, name: str, password: str, roles: Collection[str], *, break_glass: bool = False, by: str = ""
    ) -> Operator:
        """A new account. Raises ``ClientError``: ``name-invalid``, ``name-taken``, ``role-unknown``, ``role-missing``,
        and those of ``passwords.judge``."""
        operator, stored = self._prepared(name, password, roles, break_glass)
        with self._database.writing() as connection:
            _insert(connection, operator, stored)
        self._created(operator, by)
        return operator

    def disable(self, id: str, *, by: str = "") -> Operator:
        """Ends the account's sessions at their next request. Raises ``ClientError``: ``last-admin``."""
        operator = self._change(id, "active = 0")
        self._record(Entry(Event.OPERATOR_DISABLED, "", {"operator": id, "by": by}))
        return operator

    def enable(self, id: str, *, by: str = "") -> Operator:
        self._changing(id, "enabled", by)
        return self._change(id, "active = 1")

    def set_roles(self, id: str, roles: Collection[str], *, by: str = "") -> Operator:
        """Other roles; ends the account's sessions. Raises ``ClientError``: ``last-admin`` and those of ``create``."""
        wanted = sorted(checked_roles(roles))
        self._check_ours(id)
        self._changing(id, "roles", by, roles=wanted)
        return self._change(id, "roles = ?", " ".join(wanted))

    def set_password(self, id: str, password: str, *, by: str = "") -> Operator:
        """Another password; ends the account's sessions. Raises what ``passwords.judge`` does."""
        self._check_ours(id)
        operator = self.get(id)
        judge(password, "" if operator is None else operator.name)
        stored = self._passwords.hash(password)
        self._changing(id, "password", by)
        return self._change(id, "password = ?", stored)

    def admit(self, person: str, provider: str, roles: Collection[str]) -> Operator:
        """The account of a ``person`` whom an identity provider vouches for, with the roles that its groups give now:
        made at the first time; other roles than before end its sessions. It may be disabled. Raises ``ClientError`` as
        ``create`` does."""
        wanted = " ".join(sorted(checked_roles(roles)))
        id = f"operator:{sha256(person.encode()).hexdigest()[:32]}"
        made = Operator(
            id, f"{provider}:{id[-12:]}", frozenset(roles), True, False, 0, self._clock(), provider
        )  # no name of a local account has a colon
        with self._database.writing() as connection:
            known = connection.execute(_BY_ID, [id]).fetchone()
            if known is None:
                _insert(connection, made, "")
        if known is None:
            self._created(made, f"idp:{provider}")
            return made
        operator = _operator(known)
        if operator.roles == made.roles:
            return operator
        self._changing(id, "roles", f"idp:{provider}", roles=wanted.split())
        return self._change(id, "roles = ?", wanted)

    def _check_ours(self, id: str) -> None:
        operator = self.get(id)
        if operator is not None and operator.provider:
            said = "Roles and password of this account are its identity provider's."
            raise ClientError(said, reason="account-elsewhere", status=409)

    def _created(self, operator: Operator, by: str) -> None:
        about = {
            "operator": operator.id,
            "roles": sorted(operator.roles),
            "break_glass": operator.break_glass,
            "by": by,
        }
        try:
            self._record(Entry(Event.OPERATOR_CREATED, "", about))
        except BaseException:
            self._database.write("DELETE FROM operators WHERE id = ? AND epoch = 0", [operator.id])
            raise

    def _changing(self, id: str, what: str, by: str, **more: object) -> None:
        if self.get(id) is None:
            raise _unknown()
        self._record(Entry(Event.OPERATOR_CHANGED, "", {"operator": id, "what": what, "by": by, **more}))

    def _change(self, id: str, assignment: str, *values: str) -> Operator:
        with self._database.writing() as connection:
            guarded = _has_active_admin(connection)
            sql = f"UPDATE operators SET {assignment}, epoch = epoch + 1 WHERE id = ?"  # noqa: S608 - literals of this class
            if not connection.execute(sql, [*values, id]).rowcount:
                raise _unknown()
            if guarded and not _has_active_admin(connection):
                raise ClientError("There must be another active admin first.", reason="last-admin", status=409)
            return _operator(connection.execute(_BY_ID, [id]).fetchone())

    # --- signing in

    def verify(self, name: str, password: str) -> Operator | None:
        """Whose name and password these are: an active operator, or ``None``, after the same work for every name.
        Makes the stored hash anew where its parameters are outdated."""
        row = self._database.row(_BY_NAME, [folded(name)])
        stored: str | None = (row[-1] or None) if row else None  # whom a provider vouches for has no password
        if not self._passwords.check(stored, password) or row is None or stored is None:
            return None
        operator = _operator(row[:-1])
        if not operator.active:
            return None
        if self._passwords.outdated(stored):
            renewed = self._passwords.hash(password)
            self._database.write(
                "UPDATE operators SET password = ? WHERE id = ? AND password = ?", [renewed, operator.id, stored]
            )
        return operator

    # --- break-glass

    def use(self, operator: Operator) -> None:
        """Notes that a break-glass account is used now. Raises ``IdentityError`` (``review-pending``)."""
        sql = (
            "INSERT INTO break_glass_uses (operator, at) SELECT ?, ? WHERE NOT EXISTS"
            " (SELECT 1 FROM break_glass_uses WHERE operator = ? AND reviewer IS NULL)"
        )
        if not self._database.write(sql, [operator.id, self._clock(), operator.id]):
            said = "This account was used in an emergency. Another operator must review that before it is used again."
            raise IdentityError(said, reason="review-pending", status=403)
        self._record(Entry(Event.BREAK_GLASS_USED, "", {"operator": operator.id, "roles": sorted(operator.roles)}))

    def pending(self) -> list[Use]:
        """Uses that await a review, oldest first."""
        return [
            Use(*row)
            for row in self._database.rows(
                "SELECT operator, at FROM break_glass_uses WHERE reviewer IS NULL ORDER BY at"
            )
        ]

    def review(self, id: str, reviewer: str) -> None:
        """Says that ``reviewer`` has looked at the last use of the account ``id``, which may be used again. Ends its
        sessions. Raises ``ClientError``: ``review-own``, ``review-role``, ``review-none``."""
        by = self.get(reviewer)
        if reviewer == id or by is None or by.break_glass:
            raise ClientError("Another operator must review this.", reason="review-own", status=403)
        if not by.active or not by.roles & REVIEWERS:
            raise ClientError("An admin or auditor must review this.", reason="review-role", status=403)
        if all(use.operator != id for use in self.pending()):
            raise ClientError("There is nothing to review.", reason="review-none", status=409)
        self._record(Entry(Event.BREAK_GLASS_REVIEWED, "", {"operator": id, "by": reviewer}))
        with self._database.writing() as connection:
            found = connection.execute(
                "UPDATE break_glass_uses SET reviewer = ?, reviewed = ? WHERE operator = ? AND reviewer IS NULL",
                [reviewer, self._clock(), id],
            ).rowcount
            if not found:
                raise ClientError("There is nothing to review.", reason="review-none", status=409)
            connection.execute("UPDATE operators SET epoch = epoch + 1 WHERE id = ?", [id])

    # --- the first admin

    def first_link(self) -> str | None:
        """A token for the first admin, to be shown where only who runs this sees it; ``None`` once there is one."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._database.writing() as connection:
            if _has_admin(connection):
                connection.execute("DELETE FROM operator_links")
                return None
            connection.execute("DELETE FROM operator_links WHERE expires <= ?", [now])
            connection.execute("INSERT INTO operator_links VALUES (?, ?)", [_digest(token), now + LINK_LIFE])
        return token

    def opens(self, token: str) -> bool:
        """Whether a link is good now; does not use it."""
        return (
            self._database.row(
                "SELECT 1 FROM operator_links WHERE digest = ? AND expires > ?"
                " AND NOT EXISTS (SELECT 1 FROM operators WHERE ' ' || roles || ' ' LIKE '% admin %')",
                [_digest(token), self._clock()],
            )
            is not None
        )

    def redeem(self, token: str, name: str, password: str) -> Operator:
        """The first admin, who has the link. Raises ``IdentityError`` (``link-invalid``); what ``create`` raises leaves
        the link as it is."""
        if not self.opens(token):
            raise IdentityError(_LINK, reason="link-invalid", status=404)
        operator, stored = self._prepared(name, password, (ADMIN,), break_glass=False)
        with self._database.writing() as connection:
            used = connection.execute(
                "DELETE FROM operator_links WHERE digest = ? AND expires > ?", [_digest(token), self._clock()]
            ).rowcount
            if not used or _has_admin(connection):
                raise IdentityError(_LINK, reason="link-invalid", status=404)
            _insert(connection, operator, stored)
            others = connection.execute("SELECT digest, expires FROM operator_links").fetchall()
            connection.execute("DELETE FROM operator_links")
        try:
            self._created(operator, "link")
        except BaseException:
            with self._database.writing() as connection:  # nobody was made, so the other links are good as before
                connection.executemany("INSERT OR IGNORE INTO operator_links VALUES (?, ?)", others)
            raise
        return operator

    # --- parts

    def _read(self, id: str) -> Operator | None:
        row = self._database.row(_BY_ID, [id])
        return _operator(row) if row else None

    def _prepared(self, name: str, password: str, roles: Collection[str], break_glass: bool) -> tuple[Operator, str]:
        plain = folded(name)
        if not _NAME.fullmatch(plain):
            said = "A name has letters a to z, digits and . _ @ + - and begins with a letter or digit; 64 at most."
            raise ClientError(said, reason="name-invalid")
        judge(password, plain)
        wanted = checked_roles(roles)
        made = Operator(f"operator:{secrets.token_hex(8)}", plain, wanted, True, break_glass, 0, self._clock())
        return made, self._passwords.hash(password)


def folded(name: str) -> str:
    """A name as it is stored and compared: case and blanks around it do not matter."""
    return name.strip().lower().encode("utf-8", "replace").decode()


def _insert(connection: sqlite3.Connection, operator: Operator, stored: str) -> None:
    if connection.execute("SELECT 1 FROM operators WHERE name = ?", [operator.name]).fetchone():
        raise ClientError("There is an operator of that name.", reason="name-taken", status=409)
    row = (operator.id, operator.name, stored, " ".join(sorted(operator.roles)), 1, operator.break_glass, 0)
    values = [*row, operator.created, operator.provider]
    connection.execute("INSERT INTO operators VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def _has_admin(connection: sqlite3.Connection) -> bool:
    sql = "SELECT 1 FROM operators WHERE ' ' || roles || ' ' LIKE '% admin %'"
    return connection.execute(sql).fetchone() is not None


def _has_active_admin(connection: sqlite3.Connection) -> bool:
    sql = (
        "SELECT 1 FROM operators WHERE ' ' || roles || ' ' LIKE '% admin %' AND active AND NOT break_glass"
        " AND provider = ''"
    )
    return connection.execute(sql).fetchone() is not None


def checked_roles(roles: Collection[str]) -> frozenset[str]:
    """Roles that an account can have. Raises ``ClientError``: ``role-missing``, ``role-unknown``."""
    if not roles:
        raise ClientError(f"An operator has a role: {', '.join(ROLES)}.", reason="role-missing")
    if not frozenset(roles) <= frozenset(ROLES):
        raise ClientError(f"There is no such role; there are {', '.join(ROLES)}.", reason="role-unknown")
    return frozenset(roles)


def _operator(row: tuple[Any, ...]) -> Operator:
    id, name, roles, active, break_glass, epoch, created, provider = row
    return Operator(id, name, frozenset(roles.split()), bool(active), bool(break_glass), epoch, created, provider)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def _unknown() -> ClientError:
    return ClientError("There is no such operator.", reason="operator-unknown", status=404)
