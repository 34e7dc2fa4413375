"""Visitors of a widget: nobody knows them, but nobody else can be them.

The rules:

1. A page makes a key pair (P-256; with WebCrypto it need never be able to show the private half) and asks for a
   session with a proof of possession (``identity.dpop``). The request's ``Origin`` must be on the bot's list.
2. The token is signed by this installation (HS256, ``kid``) and says: which origin, which bot, which session, which
   key (``cnf.jkt``, RFC 9449 section 6.1), until when. It is short-lived. A page renews it with the token that it has;
   the session stays the same and ends for good after ``longest`` seconds.
3. Every request carries the token (``Authorization: DPoP cww_…``) and a fresh proof over method, URL and token. So a
   token that was stolen is worth nothing without the key, a proof nothing a second time or at another place; and from
   another origin neither.
4. What begins with ``cww_`` is of this kind, under whichever scheme: good, or refused. As a plain bearer token it is
   refused (RFC 9449 section 7.2).
5. The list of origins and the revocations are read anew on every request. A proof of possession says that it is the
   same visitor as before and not who that is: the assurance is ``SINGLE``, so that policy may still ask for more.
"""

from __future__ import annotations

import glob
import re
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from chatward.core import base64url
from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Fields, Grants, Kind, Presented, Principal
from chatward.identity import dpop
from chatward.identity.credential import shown
from chatward.stores.database import Database, Schema

PREFIX: Final = "cww_"
TYPE: Final = "cw-visitor+jwt"
ALGORITHMS: Final = ("ES256",)
"""Of the page's key."""

SCHEMA: Final = Schema(
    "visitors",
    (
        "CREATE TABLE visitor_keys (kid TEXT PRIMARY KEY, secret BLOB NOT NULL, created REAL NOT NULL) WITHOUT ROWID",
        "CREATE TABLE visitor_revocations (session TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    ),
)

_KEY_BYTES: Final = 32
_GOOD: Final = (
    "SELECT 1 FROM visitor_keys WHERE kid = ? AND NOT EXISTS (SELECT 1 FROM visitor_revocations WHERE session = ?)"
)
_NEWEST: Final = "SELECT kid, secret, created FROM visitor_keys ORDER BY created DESC LIMIT 1"
_KEY_AGE: Final = 30 * 86_400.0
"""Seconds after which a new signing key is made."""
# RFC 6454 section 6.2. ``null`` is the origin of sandboxed and local pages, which are anybody's.
_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)

Allowed = Callable[[str], Collection[str]]
"""The origins that may talk to a bot, as browsers write them: ``https://shop.example``, ``http://localhost:3000``."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Times are seconds since 1970 UTC; ``began`` is that of the session. ``kid`` names the key
    that signed it, once it is signed."""

    origin: str
    bot: str
    session: str
    key: str
    began: float
    issued: float
    expires: float
    kid: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token for a page, and until when it is good. ``renewed``: of a session that there was before."""

    token: str = field(repr=False)
    session: str
    expires: float
    renewed: bool = False


def claims_of(
    origin: str | None,
    allowed: Collection[str],
    *,
    bot: str,
    key: str,
    session: str,
    now: float,
    began: float | None = None,
    lifetime: float = 900.0,
    longest: float = 43_200.0,
) -> Claims:
    """Whether a page may have a token, and what is in it. ``key`` is the thumbprint that it has proven to hold,
    ``began`` the session's start where it is renewed. Raises ``IdentityError``: ``origin-not-allowed`` (403),
    ``session-expired`` (401)."""
    if origin is None or _ORIGIN.fullmatch(origin) is None or origin not in allowed:
        _refuse("origin-not-allowed")
    began = now if began is None else began
    expires = min(now + lifetime, began + longest)
    if expires <= now:
        _refuse("session-expired")
    return Claims(origin, bot, session, key, began, now, expires)


class Signer:
    """The keys that this installation signs visitors' tokens with. They lie in the ``Database``, which its owner alone
    can read; processes that share it know each other's. A new one is made when the newest is a month old, and one is
    forgotten when nothing that it signed can be good. Nothing is kept in memory: a key that is gone signs and verifies
    nothing from then on. ``clock`` gives seconds since 1970 UTC."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time, longest: float = 43_200.0) -> None:
        self._database = database
        self._clock = clock
        self._kept = _KEY_AGE + longest + 3600
        database.adopt(SCHEMA)

    def sign(self, claims: Claims) -> str:
        """The token. May make a key, which waits for the disk."""
        kid, secret, created = self._database.row(_NEWEST) or ("", b"", 0.0)
        if self._clock() - created > _KEY_AGE:
            kid, secret = self._renew()
        header = {"alg": "HS256", "typ": TYPE, "kid": kid}
        body = {
            "origin": claims.origin,
            "bot": claims.bot,
            "sid": claims.session,
            "cnf": {"jkt": claims.key},
            "began": claims.began,
            "iat": claims.issued,
            "exp": claims.expires,
        }
        return PREFIX + jws.serialize_compact(header, msgspec.json.encode(body), OctKey.import_key(secret), ["HS256"])

    def read(self, token: str) -> Claims | None:
        """What a token says that was signed here; ``None`` for everything else. Times are not looked at."""
        text = token.removeprefix(PREFIX)
        try:
            found = base64url.compact(text)
            kid = found.header.get("kid")
            if text == token or not isinstance(kid, str) or found.header != {"alg": "HS256", "typ": TYPE, "kid": kid}:
                return None
            row = self._database.row("SELECT secret FROM visitor_keys WHERE kid = ?", (kid,))
            if row is None:
                return None
            jws.deserialize_compact(text, OctKey.import_key(row[0]), ["HS256"])
            body: dict[str, Any] = base64url.json_object(found.payload)
        except (ValueError, JoseError):
            return None
        return Claims(
            origin=body["origin"],
            bot=body["bot"],
            session=body["sid"],
            key=body["cnf"]["jkt"],
            began=body["began"],
            issued=body["iat"],
            expires=body["exp"],
            kid=kid,
        )

    def forget(self) -> None:
        """Forgets all keys: whatever was signed so far is worth nothing. Waits for the disk."""
        self._database.write("DELETE FROM visitor_keys")

    def _renew(self) -> tuple[str, bytes]:
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute("DELETE FROM visitor_keys WHERE created < ?", (now - self._kept,))
            row = connection.execute(_NEWEST).fetchone()
            if row is None or now - row[2] > _KEY_AGE:  # another process may have been first
                row = (secrets.token_hex(8), secrets.token_bytes(_KEY_BYTES), now)
                connection.execute("INSERT INTO visitor_keys VALUES (?, ?, ?)", row)
        return row[0], row[1]


class Widget:
    """Gives out visitors' sessions, and implements ``core.identity.Authenticator`` for them.

    ``allowed`` tells the origins of a bot, none for a bot that has no widget. ``lifetime`` and ``longest`` are those
    of ``claims_of``. ``tenant`` tells whose a bot is, ``models`` which of its models visitors may ask (empty: all).

    Raises ``IdentityError``: ``visitor-invalid``, ``session-expired``, ``dpop-proof-missing``, the reasons of
    ``dpop.verify`` (401), ``origin-not-allowed`` (403); and ``StoreError``.
    """

    def __init__(
        self,
        database: Database,
        allowed: Allowed,
        clock: Callable[[], float] = time.time,
        *,
        seen: dpop.Seen | None = None,
        tenant: Callable[[str], str] = lambda bot: "default",
        models: Callable[[str], Sequence[str]] = lambda bot: (),
        lifetime: float = 900.0,
        longest: float = 43_200.0,
    ) -> None:
        self._database = database
        self._allowed = allowed
        self._clock = clock
        self._seen = dpop.SeenProofs() if seen is None else seen
        self._tenant = tenant
        self._models = models
        self._lifetime = lifetime
        self._longest = longest
        self._signer = Signer(database, clock, longest)

    def issue(self, presented: Presented, bot: str) -> Issued:
        """A token for the page that asks: of a new session, or, where the page shows a good token for this bot, of
        that one. May wait for the disk, once a month."""
        origin = _origin(presented.headers)
        if origin is None or origin not in self._allowed(bot):  # before any signature is verified
            _refuse("origin-not-allowed")
        now = self._clock()
        known = self._known(presented)
        if known is None:
            key = self._prove(presented, now).thumbprint
            session, began = secrets.token_hex(16), None
        else:
            if known.bot != bot:
                _refuse("visitor-invalid")
            key, session, began = known.key, known.session, known.began
        claims = claims_of(
            origin,
            self._allowed(bot),
            bot=bot,
            key=key,
            session=session,
            now=now,
            began=began,
            lifetime=self._lifetime,
            longest=self._longest,
        )
        return Issued(self._signer.sign(claims), session, claims.expires, known is not None)

    def identify(self, presented: Presented) -> Principal | None:
        claims = self._known(presented)
        if claims is None:
            return None
        return Principal(
            id=f"visitor:{claims.session}",
            kind=Kind.VISITOR,
            tenant=self._tenant(claims.bot),
            assurance=Assurance.SINGLE,
            session=claims.session,
            grants=Grants(
                bots=(glob.escape(claims.bot),), models=tuple(glob.escape(model) for model in self._models(claims.bot))
            ),
            expires=claims.expires,
            attributes={"origin": claims.origin, "bot": claims.bot, "kid": claims.kid},
        )

    def valid(self, principal: Principal) -> bool:
        """Not expired, not revoked, and its origin still allowed."""
        now, bot = self._clock(), principal.attributes.get("bot", "")
        if principal.kind is not Kind.VISITOR or principal.expires is None or now >= principal.expires:
            return False
        origin, kid = principal.attributes.get("origin"), principal.attributes.get("kid", "")
        return origin in self._allowed(bot) and not self._revoked(principal.session, kid)

    def revoke(self, session: str) -> None:
        """Ends a session now, everywhere. Waits for the disk."""
        now = self._clock()
        with self._database.writing() as connection:
            connection.execute("DELETE FROM visitor_revocations WHERE until < ?", (now,))
            # No token of a session is good for longer than a whole session from now.
            values = (session, now + self._longest)
            connection.execute("INSERT OR REPLACE INTO visitor_revocations VALUES (?, ?)", values)

    def revoke_all(self) -> None:
        """Ends all sessions now, everywhere, by forgetting what signed them. Waits for the disk."""
        self._signer.forget()

    def _known(self, presented: Presented) -> Claims | None:
        """What the token of a request says, once everything about it is good; ``None`` where there is none."""
        found = shown(presented)
        if found is None or not found.text.startswith(PREFIX):
            return None
        if found.scheme != "dpop":
            _refuse("visitor-invalid")
        claims, now = self._signer.read(found.text), self._clock()
        if claims is None:
            _refuse("visitor-invalid")
        if now >= claims.expires:
            _refuse("session-expired")
        if claims.origin not in self._allowed(claims.bot):
            _refuse("origin-not-allowed")
        # Browsers send no Origin with a GET within one site (Fetch, section 3.2); everything else has one.
        origin = _origin(presented.headers)
        if origin != claims.origin and not (origin is None and presented.method in {"GET", "HEAD"}):
            _refuse("origin-not-allowed")
        self._prove(presented, now, found.text, claims.key)
        if self._revoked(claims.session, claims.kid):
            _refuse("session-expired")
        return claims

    def _prove(
        self, presented: Presented, now: float, token: str | None = None, bound: str | None = None
    ) -> dpop.Proven:
        proof = dpop.from_headers(presented.headers)
        if proof is None:
            _refuse("dpop-proof-missing")
        return dpop.verify(
            proof,
            method=presented.method,
            url=presented.url,
            now=now,
            seen=self._seen,
            token=token,
            bound=bound,
            algorithms=ALGORITHMS,
        )

    def _revoked(self, session: str, kid: str) -> bool:
        return self._database.row(_GOOD, (kid, session)) is None


def _origin(headers: Fields) -> str | None:
    """The ``Origin`` of a request. Two of them are none that is allowed."""
    found = headers.get_all("origin")
    if len(found) > 1:
        _refuse("origin-not-allowed")
    return found[0] if found else None


_PUBLIC: Final = {
    "origin-not-allowed": "This page may not talk to this bot. Whoever runs it can allow the page's origin.",
    "session-expired": "The session has ended. Begin a new one.",
    "visitor-invalid": "The session's token is not good. Begin a new session.",
    "dpop-proof-missing": "The request needs a proof of possession (DPoP) with the session's key.",
}


def _refuse(reason: str) -> NoReturn:
    raise IdentityError(_PUBLIC[reason], reason=reason, status=403 if reason == "origin-not-allowed" else 401)
