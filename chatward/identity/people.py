"""People and groups as another system keeps them here (SCIM), so that leaving the company ends access.

The rules:

1. A user is known here by a random id. A *person* is who signs in (``provider.person_id``, a digest of issuer and
   subject); ``Link`` says which of a user's attributes is which claim of which identity provider, so the two meet.
2. A person whose user is disabled or deleted is shut out, from the next question on, in every process that shares the
   file: the database's generation tells. Who is let in again starts anew: what was issued before stays refused.
3. A person who was ever linked stays known, by digest alone, after the user is deleted or goes by another name. So
   deleting is no way back in; only a user to whom they belong again is.
4. Groups give roles through the configured map and in no other way. A group's name is unique, so that no second group
   of that name gets its role.
5. Rights are on record before they are given; what takes rights away is done first. An entry that could not be written
   then is owed, and written with the next change or start. The ledger gets ids only.
6. Personal data is in ``document`` alone, and overwritten when the user is deleted.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from chatward.core.events import Event
from chatward.core.identity import Principal
from chatward.core.ports import Entry
from chatward.identity.operators import Fresh
from chatward.identity.provider import person_id
from chatward.identity.record import Record
from chatward.identity.scim_filter import folded
from chatward.identity.scim_schema import GROUP, USER, Document, Kind, ScimError
from chatward.stores.database import Database, Schema

LINK: Final = "link"
"""The attribute of a principal that holds ``link_id`` of a claim, where that claim is not ``sub``."""
ROLES: Final = "scim_roles"
"""The attribute of a principal that says which of its roles are from groups here (with blanks between them)."""

SCHEMA: Final = Schema(
    "people",
    (
        "CREATE TABLE scim_users (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,"
        " external TEXT, active INTEGER NOT NULL, version INTEGER NOT NULL, created REAL NOT NULL,"
        " modified REAL NOT NULL, document TEXT NOT NULL)",
        "CREATE INDEX scim_users_external ON scim_users (external)",
        "CREATE TABLE scim_groups (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,"
        " external TEXT, active INTEGER NOT NULL, version INTEGER NOT NULL, created REAL NOT NULL,"
        " modified REAL NOT NULL, document TEXT NOT NULL)",
        "CREATE INDEX scim_groups_external ON scim_groups (external)",
        "CREATE TABLE scim_members (member TEXT NOT NULL REFERENCES scim_users (id) ON DELETE CASCADE,"
        " team TEXT NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE, PRIMARY KEY (member, team)) WITHOUT ROWID",
        "CREATE INDEX scim_members_team ON scim_members (team, member)",
        # A person without a user is one whose user is gone.
        "CREATE TABLE scim_persons (person TEXT PRIMARY KEY, user TEXT REFERENCES scim_users (id) ON DELETE SET NULL,"
        " since REAL NOT NULL)",
        "CREATE INDEX scim_persons_user ON scim_persons (user)",
        "CREATE TABLE scim_owed (id INTEGER PRIMARY KEY, event TEXT NOT NULL, fields TEXT NOT NULL)",
        "CREATE TABLE scim_linked (links TEXT NOT NULL)",
    ),
)
_COLUMNS: Final = "id, document, created, modified, version"
_TABLES: Final = {USER.name: "scim_users", GROUP.name: "scim_groups"}
_STANDING: Final = (
    "SELECT p.user, u.active, p.since FROM scim_persons p LEFT JOIN scim_users u ON u.id = p.user WHERE p.person = ?"
)
_TEAMS: Final = (
    "SELECT g.id, g.document FROM scim_members m JOIN scim_groups g ON g.id = m.team WHERE m.member = ? ORDER BY g.row"
)
_MEMBERS: Final = (
    "SELECT m.member FROM scim_members m JOIN scim_users u ON u.id = m.member WHERE m.team = ? ORDER BY u.row"
)
_ATTEMPTS: Final = 5


_EVENTS: Final = {
    ("User", "created"): Event.PERSON_CREATED,
    ("User", "changed"): Event.PERSON_CHANGED,
    ("User", "disabled"): Event.PERSON_DISABLED,
    ("User", "deleted"): Event.PERSON_DELETED,
    ("Group", "created"): Event.GROUP_CREATED,
    ("Group", "changed"): Event.GROUP_CHANGED,
    ("Group", "deleted"): Event.GROUP_DELETED,
}


@dataclass(frozen=True, slots=True)
class Link:
    """People of ``issuer`` are the users whose ``attribute`` (``externalId`` or ``userName``) is their ``claim``."""

    issuer: str
    attribute: str = "externalId"
    claim: str = "sub"


@dataclass(frozen=True, slots=True)
class Stored:
    """A user or a group. ``document`` is as ``scim_document.clean`` makes it; times are seconds since 1970 UTC."""

    id: str
    document: dict[str, Any]
    created: float
    modified: float
    version: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are with a person now. ``user`` is empty for somebody SCIM does not know (any more); ``since`` is when
    they were let in again, 0 where they were never shut out."""

    known: bool
    active: bool
    user: str = ""
    roles: frozenset[str] = frozenset()
    since: float = 0.0


Change = Callable[[Stored], Document]
"""What a resource becomes; raises what stops the change."""


class PeopleRegistry:
    """The store. What writes waits for the disk and the record: on a thread. ``clock`` gives seconds since 1970 UTC.

    ``links`` say who is who; ``groups`` gives the role for the name or ``externalId`` of a group. With ``required``
    only people that SCIM knows are let in. Raises ``StoreError``, and ``ScimError`` for what a client asked wrongly.
    """

    def __init__(
        self,
        database: Database,
        record: Record,
        *,
        links: Sequence[Link] = (),
        groups: Mapping[str, str] | None = None,
        required: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._record = record
        self._links = tuple(links)
        self._role = dict(groups or {})
        self._required = required
        self._clock = clock
        self._standing: Fresh[Standing] = Fresh(database, self._read_standing)
        self._relink()

    # --- for every message

    def standing(self, person: str) -> Standing:
        """Microseconds. ``person`` is a principal's id, or a ``link_id``."""
        return self._standing(person)

    def active(self, person: str) -> bool:
        """Whether somebody of this id may ask anything at all. Microseconds."""
        return self._standing(person).active

    def admits(self, principal: Principal) -> bool:
        """Whether a principal of an identity provider is good now: not shut out, not from before they were let in
        again, and with no role from groups that they have lost. Microseconds."""
        found = self.found(principal)
        if not found.active:
            return False
        if found.since and float(principal.attributes.get("issued", "-inf")) <= found.since:
            return False
        return set(principal.attributes.get(ROLES, "").split()) <= found.roles

    def found(self, principal: Principal) -> Standing:
        """How things are with who this is, by whichever link there is. One that shuts out counts most."""
        found = self._standing(principal.id)
        link = principal.attributes.get(LINK)
        if link is None or (found.known and not found.active):
            return found
        other = self._standing(link)
        return other if other.known or not found.known else found

    # --- reading

    def get(self, kind: Kind, id: str) -> Stored | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM {_TABLES[kind.name]} WHERE id = ?", [id])  # noqa: S608
        return self._whole(kind, row) if row else None

    def named(self, kind: Kind, attribute: str, value: str) -> list[Stored]:
        """Those with this name (in any case) or this ``externalId``."""
        column, wanted = ("external", value) if attribute == "externalId" else ("name", folded(value))
        sql = f"SELECT {_COLUMNS} FROM {_TABLES[kind.name]} WHERE {column} = ? ORDER BY row"  # noqa: S608
        return [self._whole(kind, row) for row in self._database.rows(sql, [wanted])]

    def all(self, kind: Kind) -> list[Stored]:
        """In the order of their making."""
        sql = f"SELECT {_COLUMNS} FROM {_TABLES[kind.name]} ORDER BY row"  # noqa: S608 - literals of this module
        return [self._whole(kind, row) for row in self._database.rows(sql)]

    def teams(self, user: str) -> list[tuple[str, str]]:
        """Id and name of each group of a user."""
        return [(id, json.loads(document)["displayName"]) for id, document in self._database.rows(_TEAMS, [user])]

    # --- changing

    def create(self, kind: Kind, document: Document, by: str = "") -> Stored:
        """Raises ``ScimError``: ``uniqueness`` (409)."""
        self.settle()
        now = self._clock()
        made = Stored(secrets.token_hex(16), dict(document), now, now, 1)
        self._check_free(kind, made)
        active = kind is GROUP or document["active"] is True
        self._record(self._entry(kind, "created", made.id, by, active=active))
        with self._writing() as connection:
            connection.execute(
                f"INSERT INTO {_TABLES[kind.name]} (id, name, external, active, version, created, modified, document)"  # noqa: S608
                " VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
                [made.id, _name(kind, document), document.get("externalId"), active, now, now, _json(document)],
            )
            self._relate(connection, kind, made, None)
        return made

    def change(self, kind: Kind, id: str, change: Change, by: str = "") -> Stored:
        """Raises ``ScimError``: 404 for an unknown id, ``uniqueness``, and what ``change`` raises."""
        self.settle()
        for _ in range(_ATTEMPTS):
            old = self.get(kind, id)
            if old is None:
                raise _missing()
            document = dict(change(old))
            if document == old.document:
                return old
            new = Stored(id, document, old.created, max(self._clock(), old.modified), old.version + 1)
            self._check_free(kind, new)
            word = _word(kind, old.document, document)
            entry = self._entry(kind, word, id, by, active=document.get("active", True))
            taking = _takes(kind, old.document, document)
            if not taking:
                self._record(entry)
            if self._changed(kind, old, new, entry if taking else None):
                if taking:
                    self.settle()
                return new
        raise ScimError("", "Somebody else is changing this. Try again.", 409)

    def delete(self, kind: Kind, id: str, check: Callable[[Stored], None], by: str = "") -> None:
        """Raises ``ScimError``: 404, and what ``check`` raises."""
        self.settle()
        old = self.get(kind, id)
        if old is None:
            raise _missing()
        check(old)
        with self._writing() as connection:
            if kind is USER:
                sql = "UPDATE scim_persons SET since = ? WHERE user = ?"
                connection.execute(sql, [self._clock(), id])
            connection.execute(f"DELETE FROM {_TABLES[kind.name]} WHERE id = ?", [id])  # noqa: S608
            self._owe(connection, self._entry(kind, "deleted", id, by, active=False))
        self.settle()

    def _changed(self, kind: Kind, old: Stored, new: Stored, owed: Entry | None) -> bool:
        """Whether the resource was still the old one."""
        with self._writing() as connection:
            done = connection.execute(
                f"UPDATE {_TABLES[kind.name]} SET name = ?, external = ?, active = ?, version = ?, modified = ?,"  # noqa: S608
                " document = ? WHERE id = ? AND version = ?",
                [
                    _name(kind, new.document),
                    new.document.get("externalId"),
                    new.document.get("active", True),
                    new.version,
                    new.modified,
                    _json(new.document),
                    new.id,
                    old.version,
                ],
            ).rowcount
            if done:
                self._relate(connection, kind, new, old)
                if owed is not None:
                    self._owe(connection, owed)
        return bool(done)

    def _relate(self, connection: sqlite3.Connection, kind: Kind, new: Stored, old: Stored | None) -> None:
        """Who is in the group; or who the user is."""
        if kind is GROUP:
            had, has = _members(old.document if old else {}), _members(new.document)
            for member in had - has:
                connection.execute("DELETE FROM scim_members WHERE member = ? AND team = ?", [member, new.id])
            for member in has - had:
                done = connection.execute(
                    "INSERT INTO scim_members SELECT id, ? FROM scim_users WHERE id = ?", [new.id, member]
                ).rowcount
                if not done:
                    raise ScimError("invalidValue", "A member of the group is no user that there is.")
            return
        now = self._clock()
        persons = self._persons(new.document)
        for (person,) in connection.execute("SELECT person FROM scim_persons WHERE user = ?", [new.id]).fetchall():
            if person not in persons:  # goes by another name now
                connection.execute("UPDATE scim_persons SET user = NULL, since = ? WHERE person = ?", [now, person])
        for person in persons:
            connection.execute(
                "INSERT INTO scim_persons VALUES (?, ?, 0) ON CONFLICT (person) DO UPDATE SET"
                " since = CASE WHEN user IS NULL THEN ? ELSE since END, user = excluded.user",
                [person, new.id, now],
            )
        if old is not None and old.document["active"] != new.document["active"]:
            connection.execute("UPDATE scim_persons SET since = ? WHERE user = ?", [now, new.id])

    def _check_free(self, kind: Kind, wanted: Stored) -> None:
        table = _TABLES[kind.name]
        taken = self._database.row(
            f"SELECT 1 FROM {table} WHERE name = ? AND id != ?",  # noqa: S608
            [_name(kind, wanted.document), wanted.id],
        )
        for person in self._persons(wanted.document) if kind is USER else ():
            sql = "SELECT 1 FROM scim_persons WHERE person = ? AND user IS NOT NULL AND user != ?"
            taken = taken or self._database.row(sql, [person, wanted.id])
        if taken:
            raise _taken()

    # --- who is who

    def _persons(self, document: Document) -> set[str]:
        found = set()
        for link in self._links:
            value = document.get(link.attribute)
            if isinstance(value, str) and value:
                found.add(person_of(link, value))
        return found

    def _relink(self) -> None:
        """Other links in the settings make other persons of the same users. Those that no user is any more are
        forgotten: it was the settings that let go of them."""
        wanted = _json([[link.issuer, link.attribute, link.claim] for link in sorted(self._links, key=str)])
        if self._database.rows("SELECT links FROM scim_linked") == [(wanted,)]:
            return
        with self._writing() as connection:
            users = connection.execute("SELECT id, document FROM scim_users ORDER BY active DESC").fetchall()
            # Where two users are one person now, who is disabled comes last and counts.
            persons = {person: id for id, document in users for person in self._persons(json.loads(document))}
            for (person,) in connection.execute("SELECT person FROM scim_persons WHERE user IS NOT NULL").fetchall():
                if person not in persons:
                    connection.execute("DELETE FROM scim_persons WHERE person = ?", [person])
            for person, id in persons.items():
                connection.execute(
                    "INSERT INTO scim_persons VALUES (?, ?, 0) ON CONFLICT (person) DO UPDATE SET user = excluded.user",
                    [person, id],
                )
            connection.execute("DELETE FROM scim_linked")
            connection.execute("INSERT INTO scim_linked VALUES (?)", [wanted])

    def _read_standing(self, person: str) -> Standing:
        row = self._database.row(_STANDING, [person])
        if row is None:
            return Standing(known=False, active=not self._required)
        user, active, since = row
        if user is None or not active:
            return Standing(known=True, active=False, user=user or "", since=since)
        return Standing(known=True, active=True, user=user, roles=self._roles(user), since=since)

    def _roles(self, user: str) -> frozenset[str]:
        names: set[str] = set()
        for _, document in self._database.rows(_TEAMS, [user]):
            group = json.loads(document)
            names |= {group["displayName"], group.get("externalId", "")}
        return frozenset(role for name, role in self._role.items() if name in names)

    # --- the record

    def _entry(self, kind: Kind, word: str, id: str, by: str, *, active: bool) -> Entry:
        about: dict[str, object] = {"by": by}
        about |= {"user": id, "active": active} if kind is USER else {"group": id}
        return Entry(_EVENTS[kind.name, word].value, "", about)

    @staticmethod
    def _owe(connection: sqlite3.Connection, entry: Entry) -> None:
        connection.execute(
            "INSERT INTO scim_owed (event, fields) VALUES (?, ?)", [str(entry.event), _json(dict(entry.fields))]
        )

    def settle(self) -> None:
        """Writes the entries that are owed, oldest first: before any change, and at the start. On a thread."""
        for number, event, fields in self._database.rows("SELECT id, event, fields FROM scim_owed ORDER BY id"):
            self._record(Entry(event, "", json.loads(fields)))
            self._database.write("DELETE FROM scim_owed WHERE id = ?", [number])

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        return self._database.writing()

    def _whole(self, kind: Kind, row: tuple[Any, ...]) -> Stored:
        id, text, created, modified, version = row
        document = json.loads(text)
        if kind is GROUP and (members := self._database.rows(_MEMBERS, [id])):
            document["members"] = [{"value": member} for (member,) in members]
        return Stored(id, document, created, modified, version)


def person_of(link: Link, value: str) -> str:
    """The person whose claim is ``value``: the id of a principal where the claim is ``sub``, else a ``link_id``."""
    return person_id(link.issuer, value) if link.claim == "sub" else link_id(link.issuer, link.claim, value)


def link_id(issuer: str, claim: str, value: str) -> str:
    """``link:`` and 128 bits of a digest. Names and addresses are the same in any case."""
    whole = f"{issuer}\0{claim}\0{folded(value)}".encode("utf-8", "surrogatepass")
    return f"link:{hashlib.sha256(whole).hexdigest()[:32]}"


def _takes(kind: Kind, old: Document, new: Document) -> bool:
    """Whether a change only takes rights away."""
    if kind is USER:
        return old["active"] is True and new["active"] is False
    had, has = _members(old), _members(new)
    same = all(old.get(name) == new.get(name) for name in ("displayName", "externalId"))
    return same and had > has


def _word(kind: Kind, old: Document, new: Document) -> str:
    return "disabled" if kind is USER and old["active"] and not new["active"] else "changed"


def _members(document: Document) -> set[str]:
    return {member["value"] for member in document.get("members", ())}


def _name(kind: Kind, document: Document) -> str:
    return folded(document["userName" if kind is USER else "displayName"])


def _json(value: object) -> str:
    if isinstance(value, Mapping):
        value = {name: inner for name, inner in value.items() if name != "members"}
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _missing() -> ScimError:
    return ScimError("", "There is no such resource.", 404)


def _taken() -> ScimError:
    return ScimError("uniqueness", "There is another one of this name or externalId.", 409)
