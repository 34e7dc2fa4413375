"""Ending what an identity provider began: OpenID Connect Back-Channel Logout 1.0, and people who are shut out.

The rules:

1. A log-out token is checked as section 2.6 says: signed by the provider, for this client, young, with the log-out
   event, with ``sub`` or ``sid`` or both, **without** ``nonce`` (so that no ID token passes for one), and good once
   (``jti``).
2. ``sid`` ends that session. ``sub`` alone ends everything of that person that began before. With both, tokens of that
   person that name no session end as well: they may be of that one.
3. What has ended is in the database, so that every process that shares it knows with its next question; asking costs
   the database's ``generation`` and a look into a dictionary. It is kept for ``KEEP`` seconds: whatever is made from a
   log-in (tokens, sessions of the console) must not last longer.
4. A person who is shut out (``disable``) stays so until let in again (``enable``).

The table holds digests: no subject, no session of the provider's.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from chatward.core.errors import ClientError
from chatward.core.identity import Kind, Principal
from chatward.identity.jose import MAX_SUBJECT, Expected, TokenError, Unverified, read
from chatward.identity.provider import Provider, person_id, session_id
from chatward.stores.database import Database, Schema

KEEP: Final = 30 * 86_400.0
"""Seconds for which an ended session is remembered."""
MAX_BODY: Final = 32 * 1024
MAX_AGE: Final = 600.0
"""Seconds for which a log-out token is good, whatever ``exp`` says."""
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

SCHEMA: Final = Schema(
    "oidc-revocations",
    (
        "CREATE TABLE oidc_revocations (subject TEXT PRIMARY KEY, before REAL NOT NULL, until REAL NOT NULL)",
        "CREATE TABLE oidc_logout_tokens (digest BLOB PRIMARY KEY, until REAL NOT NULL)",
    ),
)
_PUT: Final = (
    "INSERT INTO oidc_revocations VALUES (?, ?, ?) ON CONFLICT (subject) DO UPDATE SET"
    " before = max(before, excluded.before), until = max(until, excluded.until)"
)
_SEEN: Final = "INSERT OR IGNORE INTO oidc_logout_tokens VALUES (?, ?)"
_LOOSE: Final = "loose:"
"""Before a person's id: only what names no session."""


class Revocations:
    """Who and what is not good any more. Adopts its tables. ``clock`` gives seconds since 1970 UTC.

    Writing waits for the disk: from an event loop, call it on a thread. Raises ``StoreError``.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._clock = clock
        self._generation: tuple[int, int] | None = None
        self._before: Mapping[str, float] = {}

    def covers(self, principal: Principal) -> bool:
        """Whether the principal has ended, was logged out or shut out. Microseconds. Goes by its id and by the
        attributes that ``Provider.person`` gave it; of others, only who is shut out is covered."""
        before = self._current()
        if not before:
            return False
        issued = float(principal.attributes.get("issued", "-inf"))
        names = [principal.id, principal.attributes.get("idp_session") or _LOOSE + principal.id]
        return any(issued <= before.get(name, -math.inf) for name in names)

    def end(
        self, session: str = "", person: str = "", issued: float = 0.0, token: str = "", until: float = 0.0
    ) -> bool:
        """Ends a session, and what a person was given up to ``issued`` (by the provider's clock): all of it, or, with a
        session, what names none. With ``token`` (the id of a log-out token, good up to ``until``) all that is done the
        first time only; whether it was."""
        keep = self._clock() + KEEP
        with self._database.writing() as connection:
            if token:
                digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
                connection.execute("DELETE FROM oidc_logout_tokens WHERE until < ?", (self._clock(),))
                if not connection.execute(_SEEN, (digest, until)).rowcount:
                    return False
            connection.execute("DELETE FROM oidc_revocations WHERE until < ?", (self._clock(),))
            if session:
                connection.execute(_PUT, (session, math.inf, keep))
            if person:
                connection.execute(_PUT, (_LOOSE + person if session else person, issued, keep))
        return True

    def disable(self, person: str) -> None:
        """Shuts a person out, until ``enable``."""
        self._database.write(_PUT, (person, math.inf, math.inf))

    def enable(self, person: str) -> None:
        """Lets a person in again; what they had before is over all the same."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE oidc_revocations SET before = ?, until = ? WHERE subject = ? AND before = ?",
                (self._clock(), self._clock() + KEEP, person, math.inf),
            )

    def _current(self) -> Mapping[str, float]:
        generation = self._database.generation
        if generation != self._generation:
            rows = self._database.rows(
                "SELECT subject, before FROM oidc_revocations WHERE until >= ?", (self._clock(),)
            )
            # In this order: a commit in between is noticed the next time.
            self._before, self._generation = dict(rows), generation
        return self._before


class BackChannel:
    """The endpoint's logic (section 2.5). ``providers`` by name."""

    def __init__(self, providers: Mapping[str, Provider], revocations: Revocations) -> None:
        self._issuers = {provider.settings.issuer: provider for provider in providers.values()}
        self._revocations = revocations

    async def logout(self, content_type: str, body: bytes) -> Principal:
        """Ends what a log-out token names, durably; who it was, for the ledger (``id`` is empty where only a session
        was named). Answer 200 with ``cache-control: no-store`` (section 2.8).

        Raises ``ClientError`` (400, ``logout-token-invalid``) for whatever is wrong with the token, its ``__cause__``
        says what; ``Unreachable`` and ``StoreError`` (503), after which the provider may try again.
        """
        try:
            provider, token = self._read(_form_token(content_type, body))
            claims = await provider.verified(token, _expected(provider))
            self._check(claims)
            return await asyncio.to_thread(self._end, provider, claims)
        except TokenError as error:
            raise ClientError("The log-out token is not accepted.", reason="logout-token-invalid") from error

    def _read(self, text: str) -> tuple[Provider, Unverified]:
        algorithms = {name for provider in self._issuers.values() for name in provider.settings.algorithms}
        token = read(text, algorithms)
        issuer = token.claims.get("iss")
        provider = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if provider is None or not provider.settings.client_id:
            _refuse("token-issuer")
        if token.jws.alg not in provider.settings.algorithms:
            _refuse("token-algorithm")
        return provider, token

    @staticmethod
    def _check(claims: Mapping[str, Any]) -> None:
        """Section 2.4, what other tokens do not have."""
        events, jti = claims.get("events"), claims.get("jti")
        if "nonce" in claims:
            _refuse("logout-nonce")
        if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
            _refuse("logout-event")
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_SUBJECT:
            _refuse("logout-id")
        sid = claims.get("sid")
        if sid is None and "sub" not in claims:
            _refuse("logout-whom")
        if "sid" in claims and not (isinstance(sid, str) and 0 < len(sid) <= MAX_SUBJECT):
            _refuse("logout-session")

    def _end(self, provider: Provider, claims: Mapping[str, Any]) -> Principal:
        issuer = provider.settings.issuer
        person = person_id(issuer, claims["sub"]) if "sub" in claims else ""
        session = session_id(issuer, claims["sid"]) if "sid" in claims else ""
        until = float(claims["iat"]) + MAX_AGE + 2 * provider.settings.clock_skew
        token = f"{issuer}\0{claims['jti']}"
        if not self._revocations.end(session, person, float(claims["iat"]), token, until):
            _refuse("logout-replayed")
        return Principal(person, Kind.PERSON, session=session)


def _expected(provider: Provider) -> Expected:
    settings = provider.settings
    return Expected(
        settings.issuer,
        frozenset({settings.client_id}),
        frozenset({"logout+jwt", "jwt"}),  # the first is recommended only (section 2.4)
        trusted=frozenset(settings.audiences),  # as of an ID token (section 2.6)
        subject=False,
        skew=settings.clock_skew,
        max_age=MAX_AGE,
    )


def _form_token(content_type: str, body: bytes) -> str:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded" or len(body) > MAX_BODY:
        _refuse("logout-form")
    try:
        fields = parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=10)
    except ValueError:
        _refuse("logout-form")
    tokens = [value for name, value in fields if name == "logout_token"]
    if len(tokens) != 1:
        _refuse("logout-form")
    return tokens[0]


def _refuse(detail: str) -> NoReturn:
    raise TokenError(detail)
