"""Callers of four kinds for ``bench.revocation``, and how each is shut out: a key, a user, a session, a role.

All is done in the store that the gateways share, as a command or the directory beside them does: a key is revoked, a
user is made inactive by the directory (SCIM), a session is ended, and a group that gives a role loses its members.
Without the role, policy refuses people.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatward.core.identity import Assurance, Kind, Principal
from chatward.core.ports import Entry
from chatward.identity.key_store import KeyStore
from chatward.identity.people import PeopleRegistry, Stored
from chatward.identity.person_sessions import PersonSessions
from chatward.identity.provider import person_id
from chatward.identity.provisioned import registry
from chatward.identity.scim_schema import GROUP, USER
from chatward.settings import Identity, Oidc, Scim
from chatward.stores.database import Database

KINDS: Final = ("key", "user", "session", "role")
ISSUER: Final = "http://127.0.0.1:9"
"""Nobody is there, and nobody has to be: sessions are made here."""
POLICY: Final = """\
@id("bench/role")
forbid (principal is Person, action == Action::"message:send", resource)
unless { principal in Role::"bench" };
"""
CONFIG: Final = f"""\
[authorization]
policies = ["bench.cedar"]
[identity.oidc.bench]
issuer = "{ISSUER}"
client_id = "bench"
[identity.scim]
enabled = true
groups = {{ bench = "bench" }}
"""
_IDENTITY: Final = Identity(
    oidc={"bench": Oidc(issuer=ISSUER, client_id="bench")}, scim=Scim(enabled=True, groups={"bench": "bench"})
)


@dataclass(frozen=True, slots=True, eq=False)
class One:
    """A caller: its kind, the headers it is known by, and what shuts it out."""

    kind: str
    headers: dict[str, str]
    end: Callable[[], object]


class Callers:
    """Lets callers in, by the store of an installation in ``folder``."""

    def __init__(self, folder: Path) -> None:
        database = Database(folder / "chatward-identity.db")
        entries: list[Entry] = []
        self.keys = KeyStore(database, entries.append)
        self.directory: PeopleRegistry = registry(database, _IDENTITY, entries.append)
        self.sessions = PersonSessions(database, lambda person: False, secure=False)
        self._group = self.directory.create(GROUP, {"displayName": "bench"}).id
        self._count = 0

    def let_in(self, of_each: int) -> list[One]:
        """So many of each kind."""
        found = [one for _ in range(of_each) for one in (self._key(), *map(self._person, KINDS[1:]))]
        return sorted(found, key=lambda one: KINDS.index(one.kind))

    def _key(self) -> One:
        issued = self.keys.create("bench")
        return One("key", {"authorization": f"Bearer {issued.key}"}, lambda: self.keys.revoke(issued.record.id))

    def _person(self, kind: str) -> One:
        self._count += 1
        name = f"bench-{self._count}"
        user = self.directory.create(USER, {"userName": name, "externalId": name, "active": True}).id
        self._members(lambda members: [*members, user])
        attributes = {"idp": "bench", "issued": repr(time.time()), "idp_session": ""}
        person = Principal(person_id(ISSUER, name), Kind.PERSON, assurance=Assurance.SINGLE, attributes=attributes)
        token, signed_in = self.sessions.open(person)
        ends: dict[str, Callable[[], object]] = {
            "user": lambda: self.directory.change(USER, user, lambda old: {**old.document, "active": False}),
            "session": lambda: self.sessions.end(signed_in.session),
            "role": lambda: self._members(lambda members: [one for one in members if one != user]),
        }
        headers = {"cookie": f"{self.sessions.cookie}={token}", "sec-fetch-site": "same-origin"}
        return One(kind, headers, ends[kind])

    def _members(self, change: Callable[[Sequence[str]], Sequence[str]]) -> None:
        def changed(old: Stored) -> dict[str, object]:
            before = [str(one["value"]) for one in old.document.get("members", ())]
            return {"displayName": "bench", "members": [{"value": one} for one in change(before)]}

        self.directory.change(GROUP, self._group, changed)
