"""Sessions of operators: kept here, known by a random id of which only the SHA-256 is stored.

The rules:

1. A token is 256 random bits, made at every log-in and at every gain of assurance (``rotate``), never taken from what a
   browser sends: nobody can fix it beforehand (OWASP, session fixation). The old token is worth nothing from then on.
2. A session ends ``idle`` seconds after its last request, ``absolute`` seconds after the log-in whatever happens
   (sooner for break-glass accounts), when it is ended, and when its operator is disabled or has other roles or another
   password: it is of one ``epoch`` of the account. All of it counts at the next request, in every process on the store.
3. Reading takes microseconds (``Fresh``). That a session is in use is written once in ``idle / 10`` seconds, a minute
   at most, on a thread; so idle log-off is that much too early at worst, never late.
4. The family of the browser is remembered and compared: another one is told as the attribute ``agent`` = ``changed``,
   which policy may weigh. It is a signal, since who steals a cookie can copy it.
5. Of a session that an identity provider vouched for, ``ended`` is asked each time: who is logged out or shut out there
   has left the console as well.
6. A cookie that stands there twice is refused, whatever its values: one of them was put there by somebody else.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Fields, Kind, Presented, Principal
from chatward.identity.operators import Fresh, Operator, Operators
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "operator-sessions",
    (
        "CREATE TABLE operator_sessions (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, operator TEXT NOT NULL,"
        " epoch INTEGER NOT NULL, opened REAL NOT NULL, seen REAL NOT NULL, expires REAL NOT NULL,"
        " assurance INTEGER NOT NULL, agent TEXT NOT NULL)",
        "CREATE INDEX operator_sessions_operator ON operator_sessions (operator)",
        "ALTER TABLE operator_sessions ADD COLUMN person TEXT NOT NULL DEFAULT ''",
    ),
)

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TOUCH: Final = 60.0
_AGENTS: Final = (("edg", "edge"), ("opr", "opera"), ("firefox", "firefox"), ("chrom", "chrome"), ("safari", "safari"))


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: without a request; from the log-in on; the same for break-glass accounts."""

    idle: float = 1800.0
    absolute: float = 43_200.0
    break_glass: float = 3600.0


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in. ``id`` is safe to record and opens nothing; times are seconds since 1970 UTC."""

    id: str
    operator: str
    epoch: int
    opened: float
    seen: float
    expires: float
    assurance: Assurance
    agent: str
    person: str = ""
    """Who an identity provider said that it is, as ``told`` writes it; empty: signed in here."""


_COLUMNS: Final = ", ".join(Session.__slots__)


class Sessions:
    """An ``Authenticator`` for the cookie that ``open`` made. ``secure``: the plane is reached by TLS, and the cookie
    has the prefix ``__Host-``. ``clock`` gives seconds since 1970 UTC. ``open``, ``rotate`` and what ends sessions
    write: on a thread."""

    def __init__(
        self,
        database: Database,
        operators: Operators,
        *,
        secure: bool,
        limits: Limits = Limits(),
        ended: Callable[[Principal], bool] = lambda person: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        database.adopt(SCHEMA)
        self.cookie: Final = cookie_name("session", secure=secure)
        self._ended = ended
        self._database = database
        self._operators = operators
        self._limits = limits
        self._clock = clock
        self._by_digest: Fresh[Session | None] = Fresh(database, self._read_digest)
        self._by_id: Fresh[Session | None] = Fresh(database, self._read_id)

    # --- asking

    def identify(self, presented: Presented) -> Awaitable[Principal] | Principal | None:
        """Whose session the request's cookie is of. Raises ``IdentityError``: ``session-ended`` for one that is over or
        never was, ``cookie-ambiguous``."""
        token = self.token(presented.headers)
        if token is None:
            return None
        session = self._by_digest(digest(token)) if _TOKEN.fullmatch(token) else None
        operator = self._live(session)
        if session is None or operator is None:
            raise IdentityError("This session has ended. Sign in again.", reason="session-ended")
        principal = self._principal(session, operator, family(presented.headers.get("user-agent") or ""))
        now = self._clock()
        if now - session.seen < min(_TOUCH, self._limits.idle / 10):
            return principal
        return self._touched(principal, session, now)

    def valid(self, principal: Principal) -> bool:
        session = self._by_id(principal.session)
        operator = self._live(session)
        return (
            session is not None
            and operator is not None
            and operator.id == principal.id
            and operator.roles == principal.roles
            and session.assurance >= principal.assurance
        )

    def token(self, headers: Fields) -> str | None:
        """What the request's cookie holds. Raises ``IdentityError`` (``cookie-ambiguous``)."""
        return cookie(headers, self.cookie)

    def of(self, operator: str) -> list[Session]:
        """The sessions of an operator that are good now, newest first."""
        sql = f"SELECT {_COLUMNS} FROM operator_sessions WHERE operator = ? ORDER BY opened DESC"  # noqa: S608 - literals
        return [one for one in map(_session, self._database.rows(sql, [operator])) if self._live(one) is not None]

    # --- changing

    def open(
        self, operator: Operator, assurance: Assurance, agent: str = "", person: Principal | None = None
    ) -> tuple[str, Principal]:
        """A new session and its token, which is given out here and never again. ``agent`` is the ``user-agent``,
        ``person`` who an identity provider said that it is."""
        token, now = secrets.token_urlsafe(32), self._clock()
        life = self._limits.break_glass if operator.break_glass else self._limits.absolute
        whose = "" if person is None else told(person)
        made = (
            secrets.token_hex(8),
            operator.id,
            operator.epoch,
            now,
            now,
            now + life,
            assurance,
            family(agent),
            whose,
        )
        session = Session(*made)
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM operator_sessions WHERE expires <= ? OR seen <= ?", [now, now - self._limits.idle]
            )
            connection.execute(
                f"INSERT INTO operator_sessions (digest, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                [digest(token), *made],
            )
        return token, self._principal(session, operator, session.agent)

    def rotate(self, principal: Principal, *, assurance: Assurance | None = None, epoch: int | None = None) -> str:
        """A new token for a session that goes on with another assurance, or in a later epoch of its account (after its
        own change of password). The hook for passkeys: call it with ``Assurance.STRONG`` once one was verified.
        Raises ``IdentityError`` (``session-ended``)."""
        token = secrets.token_urlsafe(32)
        changed = self._database.write(
            "UPDATE operator_sessions SET digest = ?, assurance = coalesce(?, assurance), epoch = coalesce(?, epoch)"
            " WHERE id = ? AND operator = ?",
            [digest(token), assurance, epoch, principal.session, principal.id],
        )
        if not changed:
            raise IdentityError("This session has ended. Sign in again.", reason="session-ended")
        return token

    def end(self, id: str, operator: str) -> bool:
        """Ends one session of an operator; whether there was one."""
        sql = "DELETE FROM operator_sessions WHERE id = ? AND operator = ?"
        return self._database.write(sql, [id, operator]) > 0

    def end_all(self, operator: str, *, but: str = "") -> int:
        """Ends all sessions of an operator, or all but one; how many."""
        return self._database.write("DELETE FROM operator_sessions WHERE operator = ? AND id <> ?", [operator, but])

    # --- parts

    def _live(self, session: Session | None) -> Operator | None:
        """The session's operator, if both are good now."""
        if session is None:
            return None
        now = self._clock()
        if now >= session.expires or now - session.seen >= self._limits.idle:
            return None
        operator = self._operators.get(session.operator)
        if operator is None or not operator.active or operator.epoch != session.epoch:
            return None
        if session.person and self._ended(_person(session.person)):
            return None
        return operator

    async def _touched(self, principal: Principal, session: Session, now: float) -> Principal:
        sql = "UPDATE operator_sessions SET seen = max(seen, ?) WHERE id = ?"
        await asyncio.to_thread(self._database.write, sql, [now, session.id])
        return principal

    @staticmethod
    def _principal(session: Session, operator: Operator, agent: str) -> Principal:
        attributes = {"agent": "same" if agent == session.agent else "changed"}
        if operator.break_glass:
            attributes["break_glass"] = "yes"
        return Principal(
            operator.id,
            Kind.OPERATOR,
            roles=operator.roles,
            assurance=session.assurance,
            session=session.id,
            expires=session.expires,
            attributes=attributes,
        )

    def _read_digest(self, key: bytes) -> Session | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM operator_sessions WHERE digest = ?", [key])  # noqa: S608
        return _session(row) if row else None

    def _read_id(self, key: str) -> Session | None:
        row = self._database.row(f"SELECT {_COLUMNS} FROM operator_sessions WHERE id = ?", [key])  # noqa: S608
        return _session(row) if row else None


def cookie_name(name: str, *, secure: bool) -> str:
    """``__Host-`` binds a cookie to one host, its root and TLS (RFC 6265bis, 4.1.3.2); without TLS it is refused."""
    return f"__Host-chatward-{name}" if secure else f"chatward-{name}"


def cookie(headers: Fields, name: str) -> str | None:
    """The value of a cookie. HTTP/2 may send several ``cookie`` fields (RFC 9113, 8.2.3); a name that stands in them
    twice raises ``IdentityError`` (``cookie-ambiguous``)."""
    found: list[str] = []
    for line in headers.get_all("cookie"):
        for pair in line.split(";"):
            key, equals, value = pair.partition("=")
            if equals and key.strip() == name:
                found.append(value.strip())
    if len(found) > 1:
        said = "A cookie was sent twice. Delete the cookies of this page."
        raise IdentityError(said, reason="cookie-ambiguous", status=400)
    return found[0] if found else None


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def told(person: Principal) -> str:
    """What is kept of a person of an identity provider, for ``ended`` to be asked about."""
    return json.dumps([person.id, dict(person.attributes)])


def _person(text: str) -> Principal:
    id, attributes = json.loads(text)
    return Principal(id, Kind.PERSON, attributes=attributes)


def family(agent: str) -> str:
    """The family of a ``user-agent``: the first that fits, since each names its ancestors."""
    lower = agent.lower()
    return next((name for part, name in _AGENTS if part in lower), "other")


def _session(row: tuple[Any, ...]) -> Session:
    id, operator, epoch, opened, seen, expires, assurance, agent, person = row
    return Session(id, operator, epoch, opened, seen, expires, Assurance(assurance), agent, person)
