"""Sessions of people who signed in by an identity provider: a cookie, of which only the SHA-256 is stored.

The rules:

1. A token is 256 random bits, made at every sign-in, never taken from what a browser sends: nobody can fix it
   beforehand. The session that the browser had before ends.
2. A session ends ``idle`` seconds after its last request, ``absolute`` seconds after signing in whatever happens, when
   the person signs out, and when the provider ends it (``Revocations``). All of it counts at the next request, inside
   an open stream at its next piece, in every process on the store.
3. A cookie goes with every request that a browser makes, whoever made the browser ask. It therefore counts only where
   the browser says that a page of this server asks: ``Sec-Fetch-Site`` is ``same-origin`` where it is sent (Fetch
   Metadata), ``Origin`` is this server's own where it is sent, and one of the two is sent. ``SameSite=Lax`` alone would
   let in sister hosts, and browsers that do not know it.
4. Of a request with a cookie that does not count, nothing weaker is made: it is refused.
5. What people are called is for their own eyes. It is stored until the session ends, and in no record.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Fields, Kind, Presented, Principal
from chatward.identity.operators import Fresh
from chatward.identity.sessions import cookie, cookie_name, digest
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "person-sessions",
    (
        "CREATE TABLE person_sessions (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, person TEXT NOT NULL,"
        " idp_session TEXT NOT NULL, issued REAL NOT NULL, facts TEXT NOT NULL, name TEXT NOT NULL,"
        " seen REAL NOT NULL, expires REAL NOT NULL)",
        "CREATE INDEX person_sessions_person ON person_sessions (person)",
        "CREATE INDEX person_sessions_idp ON person_sessions (idp_session)",
    ),
)
_COLUMNS: Final = "id, person, facts, name, seen, expires"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TOUCH: Final = 60.0
_ENDED: Final = "This session has ended. Sign in again."


@dataclass(frozen=True, slots=True)
class PersonSession:
    """One sign-in. ``principal`` is whose it is, with the session's own id; times are seconds since 1970 UTC."""

    principal: Principal
    name: str = field(repr=False)
    seen: float
    expires: float

    @property
    def provider(self) -> str:
        return self.principal.attributes.get("idp", "")


class PersonSessions:
    """An ``Authenticator`` for the cookie that ``open`` made. ``secure``: browsers come by TLS, and the cookie has the
    prefix ``__Host-``. ``ended`` says of a principal whether its provider has ended it; it takes microseconds.
    ``origin`` is this server's, where that is not what requests name. ``open`` and what ends sessions write: on a
    thread. ``clock`` gives seconds since 1970 UTC."""

    def __init__(
        self,
        database: Database,
        ended: Callable[[Principal], bool],
        *,
        secure: bool,
        origin: str = "",
        idle: float = 3600.0,
        absolute: float = 43_200.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self.cookie: Final = cookie_name("person", secure=secure)
        self._database = database
        self._ended = ended
        self._secure = secure
        self._origin = origin
        self._idle = idle
        self._absolute = absolute
        self._clock = clock
        self._by_digest: Fresh[PersonSession | None] = Fresh(database, self._read_digest)
        self._by_id: Fresh[PersonSession | None] = Fresh(database, self._read_id)

    # --- asking

    def identify(self, presented: Presented) -> Awaitable[Principal] | Principal | None:
        """Whose session the request's cookie is of. Raises ``IdentityError``: ``cross-site`` (403) where another page
        asks, ``session-ended`` for a session that is over or never was, ``cookie-ambiguous``."""
        if cookie(presented.headers, self.cookie) is None:
            return None
        self.check_origin(presented)
        session = self.current(presented.headers)
        if session is None:
            raise IdentityError(_ENDED, reason="session-ended")
        now = self._clock()
        if now - session.seen < min(_TOUCH, self._idle / 10):
            return session.principal
        return self._touched(session.principal, now)

    def valid(self, principal: Principal) -> bool:
        session = self._by_id(principal.session)
        return self._live(session) is not None and session is not None and session.principal.id == principal.id

    def current(self, headers: Fields) -> PersonSession | None:
        """The session of the request's cookie, whoever made the browser ask: for what the person alone gets to see.
        Raises ``IdentityError`` (``cookie-ambiguous``)."""
        token = cookie(headers, self.cookie)
        return self._live(self._by_digest(digest(token))) if token and _TOKEN.fullmatch(token) else None

    def check_origin(self, presented: Presented) -> None:
        """Rule 3. Raises ``IdentityError`` (403, ``cross-site``)."""
        sites, origins = presented.headers.get_all("sec-fetch-site"), presented.headers.get_all("origin")
        own = self._own(presented)
        foreign = any(site != "same-origin" for site in sites) or any(_plain(origin) != own for origin in origins)
        if foreign or not (sites or origins):
            said = "This request did not come from a page of this server. Load the page again and repeat it."
            raise IdentityError(said, reason="cross-site", status=403)

    # --- changing

    def open(self, principal: Principal, name: str = "", *, before: str | None = None) -> tuple[str, Principal]:
        """A new session of somebody whom ``Logins.finish`` gave, and its token, which is given out here and never
        again. ``before`` is the id of the session that the browser had."""
        token, now = secrets.token_urlsafe(32), self._clock()
        attributes = dict(principal.attributes)
        facts = {
            "tenant": principal.tenant,
            "roles": sorted(principal.roles),
            "assurance": int(principal.assurance),
            "attributes": attributes,
        }
        id, expires = f"person-session:{secrets.token_hex(8)}", now + self._absolute
        row = (
            id,
            digest(token),
            principal.id,
            attributes.get("idp_session", ""),
            float(attributes.get("issued", now)),
            json.dumps(facts),
            name,
            now,
            expires,
        )
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM person_sessions WHERE expires <= ? OR seen <= ? OR id = ?",
                (now, now - self._idle, before or ""),
            )
            connection.execute("INSERT INTO person_sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return token, replace(principal, session=id, expires=expires)

    def end(self, id: str) -> bool:
        """Ends one session; whether there was one."""
        return self._database.write("DELETE FROM person_sessions WHERE id = ?", (id,)) > 0

    def all(self) -> list[PersonSession]:
        """All that are good now, the newest first. Blocks."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM person_sessions ORDER BY expires DESC, id")  # noqa: S608
        return [one for one in map(self._live, map(_session, rows)) if one is not None]

    def end_all(self, person: str) -> int:
        """Ends all sessions of a person; how many there were."""
        return self._database.write("DELETE FROM person_sessions WHERE person = ?", (person,))

    def forget(self, ended: Principal) -> int:
        """Deletes the sessions of what a provider has ended (``BackChannel.logout``); how many. They are over already:
        this is so that nothing of them stays."""
        rows = self._database.rows(
            "SELECT id FROM person_sessions WHERE person = ? OR (idp_session = ? AND idp_session <> '')",
            (ended.id, ended.session),
        )
        return sum(self.end(id) for (id,) in rows if self._live(self._by_id(id)) is None)

    # --- parts

    def _own(self, presented: Presented) -> str:
        """This server's origin, as a page of it would name it."""
        if self._origin:
            return self._origin
        scheme, _, rest = presented.url.partition("://")
        return _plain(f"{'https' if self._secure else scheme}://{rest.partition('/')[0]}")

    def _live(self, session: PersonSession | None) -> PersonSession | None:
        if session is None:
            return None
        now = self._clock()
        over = now >= session.expires or now - session.seen >= self._idle
        return None if over or self._ended(session.principal) else session

    async def _touched(self, principal: Principal, now: float) -> Principal:
        sql = "UPDATE person_sessions SET seen = max(seen, ?) WHERE id = ?"
        await asyncio.to_thread(self._database.write, sql, (now, principal.session))
        return principal

    def _read_digest(self, key: bytes) -> PersonSession | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM person_sessions WHERE digest = ?", (key,))  # noqa: S608
        return _session(row) if row else None

    def _read_id(self, key: str) -> PersonSession | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM person_sessions WHERE id = ?", (key,))  # noqa: S608
        return _session(row) if row else None


def _session(row: tuple[Any, ...]) -> PersonSession:
    id, person, text, name, seen, expires = row
    facts = json.loads(text)
    principal = Principal(
        person,
        Kind.PERSON,
        tenant=facts["tenant"],
        roles=frozenset(facts["roles"]),
        assurance=Assurance(facts["assurance"]),
        session=id,
        expires=expires,
        attributes=facts["attributes"],
    )
    return PersonSession(principal, name, seen, expires)


def _plain(origin: str) -> str:
    """Browsers leave the scheme's own port out of ``Origin`` (RFC 6454 section 6.2); a ``Host`` may have it."""
    lower = origin.lower()
    return lower.removesuffix({"http": ":80", "https": ":443"}.get(lower.partition(":")[0], " "))
