"""People behind messages: who is signed in, their passkeys, the directory's users, tenants; as a page and for programs.

The rules:

1. What ends counts from the next message on, also inside an open stream (``identity.person_sessions``, rule 2). Ending
   all of a person ends, too, what an identity provider gave them until now: tokens that are shown without a session.
2. What people are called at an identity provider is for their own eyes and is not shown. Names of the directory are
   shown to who may read it.
3. A visitor's session (``[widget]``) stands in no list: it is a signed token. It is ended by its name, which messages
   have, or together with all others.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import AdminCaller, caller_of
from chatward.console.access_pages import Pages, form_route
from chatward.console.tables import Column, Table, listed
from chatward.console.wording import ENGLISH
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.identity.backchannel import Revocations
from chatward.identity.key_store import KeyStore
from chatward.identity.passkeys import Passkeys
from chatward.identity.people import PeopleRegistry
from chatward.identity.person_sessions import PersonSessions
from chatward.identity.record import Record
from chatward.identity.scim_schema import USER
from chatward.identity.widget import Widget

_VISITOR = "visitor:"
_OPERATOR = "operator:"


@dataclass(frozen=True, slots=True)
class People:
    """What is known of people; a part that the settings leave out is ``None``. ``clock``: seconds since 1970 UTC."""

    record: Record
    keys: KeyStore
    passkeys: Passkeys | None = None
    sessions: PersonSessions | None = None
    revocations: Revocations | None = None
    directory: PeopleRegistry | None = None
    visitors: Widget | None = None
    clock: Callable[[], float] = time.time

    def signed_in(self) -> list[dict[str, Any]]:
        """Blocks."""
        return [
            {
                "id": one.principal.session,
                "person": one.principal.id,
                "tenant": one.principal.tenant,
                "provider": one.provider,
                "roles": sorted(one.principal.roles),
                "assurance": int(one.principal.assurance),
                "seen": one.seen,
                "expires": one.expires,
            }
            for one in (self.sessions.all() if self.sessions is not None else [])
        ]

    def registered(self) -> list[dict[str, Any]]:
        """Passkeys of people; those of operators are their own page's. Blocks."""
        keys = self.passkeys
        if keys is None:
            return []
        return [
            {"person": owner, "made": one.made, "used": one.used, "synced": one.synced, "suspended": one.suspended}
            for owner in keys.owners()
            if not owner.startswith(_OPERATOR)
            for one in keys.of(owner)
        ]

    def listed(self) -> list[dict[str, Any]]:
        """Users of the directory. Blocks."""
        if self.directory is None:
            return []
        return [
            {
                "id": one.id,
                "name": one.document.get("userName", ""),
                "state": "active" if one.document.get("active") else "disabled",
                "groups": [name for _, name in self.directory.teams(one.id)],
                "modified": one.modified,
            }
            for one in self.directory.all(USER)
        ]

    def tenants(self) -> list[dict[str, Any]]:
        """Tenants that somebody is of: a key, or a person who is signed in. Blocks."""
        now = self.clock()
        keys = self.keys.list()
        live = Counter(one.tenant for one in keys if one.state(now) in {"live", "rotating"})
        people = Counter(one["tenant"] for one in self.signed_in())
        used: dict[str, float] = {}
        for one in keys:
            used[one.tenant] = max(used.get(one.tenant, 0.0), one.last_used or 0.0)
        return [
            {"tenant": name, "keys": live[name], "people": people[name], "used": used.get(name) or None}
            for name in sorted({*(one.tenant for one in keys), *people})
        ]

    def end(self, session: str, by: str) -> bool:
        """Ends one session of a person, or of a visitor (``visitor:...``); whether there was one. Blocks."""
        if session.startswith(_VISITOR):
            if self.visitors is None:
                return False
            self.visitors.revoke(session.removeprefix(_VISITOR))
        elif self.sessions is None or not self.sessions.end(session):
            return False
        self.record(Entry(Event.PERSON_SESSION_CLOSED, "", {"session": session, "by": by}))
        return True

    def end_all(self, person: str, by: str) -> int:
        """Ends all that a person has; how many sessions. Blocks."""
        if self.revocations is not None:
            self.revocations.end(person=person, issued=self.clock())
        count = self.sessions.end_all(person) if self.sessions is not None else 0
        self.record(Entry(Event.PERSON_SESSIONS_ENDED, "", {"principal": person, "sessions": count, "by": by}))
        return count

    def end_visitors(self, by: str) -> bool:
        """Ends the sessions of all visitors; whether there are any visitors here. Blocks."""
        if self.visitors is None:
            return False
        self.visitors.revoke_all()
        self.record(Entry(Event.PERSON_SESSIONS_ENDED, "", {"principal": "visitor:*", "by": by}))
        return True


class Ending(BaseModel):
    """What is to end: one ``session``, or all that a ``person`` has."""

    model_config = ConfigDict(extra="forbid")

    session: str = Field(default="", max_length=200)
    person: str = Field(default="", max_length=200)


def people_routes(router: APIRouter, pages: Pages, people: People | None) -> None:
    """Adds ``/people``, ``/tenants`` and ``/api/v1/sessions``."""

    async def page(request: Request, status: int = 200, **values: Any) -> Response:
        caller = caller_of(request)
        found = await asyncio.to_thread(lambda: _read(people, names=caller.may("admin:scim:read")))
        known = {"here": "/people", "may": caller.may("admin:sessions:write"), "people": people}
        return await listed(pages, request, "people.html", _tables(*found), status, **(known | values))

    @router.get("/people", include_in_schema=False)
    async def everybody(request: Request) -> Response:
        return await page(request)

    @router.get("/tenants", include_in_schema=False)
    async def tenants(request: Request) -> Response:
        rows = await asyncio.to_thread(people.tenants) if people is not None else []
        rows = [one | {"address": f"/keys?keys.q={one['tenant']}"} for one in rows]
        link = "address" if caller_of(request).may("admin:keys:read") else ""
        columns = (
            Column("tenant", "tenant", link=link),
            Column("keys", "tenant_keys", "number"),
            Column("people", "tenant_people", "number"),
            Column("used", "tenant_used", "time"),
        )
        table = Table("tenants", "tenants_title", columns, rows, "tenants_none")
        return await listed(pages, request, "tenants.html", [table], here="/tenants")

    async def end(caller: AdminCaller) -> dict[str, Any]:
        form = caller.form
        if "visitors" in form:
            if people is None or not await asyncio.to_thread(people.end_visitors, caller.principal.id):
                raise ClientError(ENGLISH["visitors_none"], reason="not-found", status=404)
        else:
            wanted = Ending(session=form.get("session", "")[:200], person=form.get("person", "")[:200])
            await _end(people, caller, wanted)
        return {"done": ENGLISH["session_ended"]}

    form_route(router, pages, "/people/end", page, end)

    @router.get("/api/v1/sessions", summary="People who are signed in")
    async def signed_in() -> list[dict[str, Any]]:
        return await asyncio.to_thread(people.signed_in) if people is not None else []

    @router.post("/api/v1/sessions/end", summary="End a session, or all that a person has")
    async def ended(request: Request, wanted: Ending) -> dict[str, int]:
        return {"ended": await _end(people, caller_of(request), wanted)}


async def _end(people: People | None, caller: AdminCaller, wanted: Ending) -> int:
    """How many sessions ended. Raises ``ClientError`` (``not-found``)."""
    by = caller.principal.id
    if people is not None and wanted.person and not wanted.session:
        return await asyncio.to_thread(people.end_all, wanted.person, by)
    if people is None or not wanted.session or not await asyncio.to_thread(people.end, wanted.session, by):
        raise ClientError(ENGLISH["session_none"], reason="not-found", status=404)
    return 1


def _read(people: People | None, *, names: bool) -> tuple[list[dict[str, Any]], ...]:
    if people is None:
        return [], [], []
    directory = people.listed()
    if not names:
        directory = [one | {"name": ""} for one in directory]
    return people.signed_in(), people.registered(), directory


def _tables(sessions: list[dict[str, Any]], passkeys: list[dict[str, Any]], users: list[dict[str, Any]]) -> list[Table]:
    for one in sessions:
        one["messages"] = f"/messages?principal={one['person']}"
    return [
        Table(
            "sessions",
            "people_sessions",
            (
                Column("person", "person", "code", link="messages"),
                Column("tenant", "tenant", pick=True),
                Column("provider", "person_provider", pick=True),
                Column("roles", "roles", "list", pick=True),
                Column("assurance", "person_assurance", "number"),
                Column("seen", "person_seen", "time"),
                Column("expires", "person_until", "time"),
            ),
            sessions,
            "people_none",
        ),
        Table(
            "passkeys",
            "passkeys_title",
            (
                Column("person", "person", "code"),
                Column("made", "person_made", "time"),
                Column("used", "person_used", "time"),
                Column("synced", "person_synced", "yes", pick=True),
                Column("suspended", "person_suspended", "yes", pick=True),
            ),
            passkeys,
            "people_passkeys_none",
        ),
        Table(
            "users",
            "people_directory",
            (
                Column("id", "message_id", "code"),
                Column("name", "person_name"),
                Column("state", "state", "tag", pick=True, tones={"active": "allow", "disabled": "block"}),
                Column("groups", "person_groups", "list", pick=True),
                Column("modified", "person_changed", "time"),
            ),
            users,
            "people_directory_none",
        ),
    ]
