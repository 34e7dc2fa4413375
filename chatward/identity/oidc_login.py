"""Signing in at an identity provider: the authorization code flow (OpenID Connect Core 3.1, RFC 6749, RFC 9700).

The rules:

1. Every attempt has a ``state`` of its own, good once and for ``LIFETIME`` seconds, and only in the browser that began
   it: the browser holds a second secret (a cookie), and without it an answer is worth nothing. So nobody can be signed
   in to somebody else's account by a link, and nobody can use an answer that they overheard.
2. PKCE with S256 always (RFC 7636); a provider that says that it cannot is not used. ``nonce`` binds the ID token to
   the attempt. Both are derived from the two secrets, so the database holds nothing that could be used: digests only.
3. An attempt belongs to one provider. An answer that names another issuer is refused, and one that names none where the
   provider says that it would (RFC 9207): no mix-up. The code goes to the address that the provider's own description
   gives.
4. The ID token is verified like every other token, signature included, though it came over TLS. What is taken from it
   is the principal; the access token is thrown away.
5. Afterwards the browser goes to a path of this server, never elsewhere (``safe_path``).

The flow: ``begin`` gives the address to send the browser to, and the cookie; ``finish`` takes the query that the
browser comes back with, and the cookie. No I/O but ``Fetch`` and the database.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from chatward.core import base64url
from chatward.core.errors import IdentityError
from chatward.core.identity import Principal
from chatward.identity.backchannel import Revocations
from chatward.identity.jose import Expected, TokenError, read
from chatward.identity.jwks import Unreachable, answer_object, ask
from chatward.identity.provider import Metadata, Provider, is_safe_url
from chatward.stores.database import Database, Schema

LIFETIME: Final = 600.0
"""Seconds in which a person has to come back."""
MAX_WAITING: Final = 50_000
"""Attempts under way at once; of more, the oldest are forgotten."""
MAX_NAME: Final = 80
COOKIE: Final = "login"
"""The cookie, for ``sessions.cookie_name``; ``Secure; HttpOnly; SameSite=Lax; Path=/``, for ``LIFETIME`` seconds."""

SCHEMA: Final = Schema(
    "oidc-logins",
    (
        "CREATE TABLE oidc_logins (state BLOB PRIMARY KEY, browser BLOB NOT NULL, provider TEXT NOT NULL,"
        " redirect TEXT NOT NULL, back TEXT NOT NULL, max_age REAL, until REAL NOT NULL)",
        "CREATE INDEX oidc_logins_until ON oidc_logins (until)",
    ),
)
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_CODE: Final = re.compile(r"[\x20-\x7e]{1,4096}")
_BROKEN_OFF: Final = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the value of the cookie that it brings back."""

    url: str
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who came back, and where they wanted to go. The principal never expires by itself (the ID token was for this
    moment only): who makes a session of it says how long that lasts, keeps its attributes, and asks
    ``Revocations.covers`` each time."""

    principal: Principal
    back: str
    name: str = field(default="", repr=False)
    """What people call them, for their own eyes alone: it says nothing of who they are."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    provider: Provider
    redirect: str
    back: str
    max_age: float | None
    nonce: str
    verifier: str


class Logins:
    """``providers`` by the name of their attempts; ``client_secrets`` by their own, for those that have one;
    ``admits`` as in ``OidcAuthenticator``. Adopts its table.

    Errors are ``IdentityError``: ``login-invalid`` (400: not begun here, used, too old, another browser, another
    provider), ``login-denied`` (403: the provider says no), ``login-refused`` (401: the provider's answer is not good;
    the ``__cause__`` says what), and ``Unreachable`` (503).
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        client_secrets: Mapping[str, str],
        database: Database,
        revocations: Revocations,
        clock: Callable[[], float],
        admits: Callable[[Principal], bool] | None = None,
        limit: int = MAX_WAITING,
    ) -> None:
        database.adopt(SCHEMA)
        self._limit = limit
        self._admits = admits
        self._providers = {name: one for name, one in providers.items() if one.settings.client_id}
        self._secrets = client_secrets
        self._database = database
        self._revocations = revocations
        self._clock = clock

    @property
    def names(self) -> tuple[str, ...]:
        """The providers where people can sign in."""
        return tuple(self._providers)

    async def begin(
        self, name: str, redirect: str, back: str = "/", *, acr: Sequence[str] = (), max_age: float | None = None
    ) -> Begun:
        """Begins an attempt. ``redirect`` is this server's own address for the answer, as registered there and from the
        configuration, never from a header of the request; best one for each provider. ``acr`` asks for assurance,
        ``max_age`` (seconds) for a log-in that is not older: for step-up. Raises ``IdentityError``."""
        provider = self._providers.get(name)
        if provider is None:
            _refuse("login-invalid", "no such provider")
        if not is_safe_url(redirect):
            raise ValueError("the redirect address must be https, or http on loopback")
        metadata = await provider.metadata()
        if not (metadata.authorization_endpoint and metadata.token_endpoint) or (
            metadata.challenge_methods is not None and "S256" not in metadata.challenge_methods
        ):
            raise Unreachable from ValueError("no code flow with PKCE")
        state, cookie = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        row = (_digest(state), _digest(cookie), name, redirect, safe_path(back), max_age, self._clock() + LIFETIME)
        await asyncio.to_thread(self._keep, row)
        nonce, verifier = _derived(cookie, state)
        asked = {
            "response_type": "code",
            "client_id": provider.settings.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(provider.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": base64url.encode(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        if acr:
            asked["acr_values"] = " ".join(acr)
        if max_age is not None:
            asked["max_age"] = str(int(max_age))
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return Begun(metadata.authorization_endpoint + joint + urlencode(asked), cookie)

    async def finish(self, query: Sequence[tuple[str, str]], cookie: str | None, name: str | None = None) -> SignedIn:
        """Ends an attempt, whatever comes of it: its ``state`` is used up. ``query`` holds the decoded parameters in
        order; the cookie is to be deleted; ``name`` is the provider whose address the answer came to (RFC 9700 section
        4.4.2.2: that, too, must be the one that was asked). Raises ``IdentityError``."""
        answer = dict(query)
        if len(answer) != len(query):
            _refuse("login-invalid", "a parameter twice")  # RFC 6749 section 3.1
        attempt = await asyncio.to_thread(self._take, answer.get("state", ""), cookie or "")
        if name is not None and self._providers.get(name) is not attempt.provider:
            _refuse("login-invalid", "another provider's address")
        metadata = await attempt.provider.metadata()
        issuer = answer.get("iss")
        if (issuer is None and metadata.names_itself) or issuer not in {None, attempt.provider.settings.issuer}:
            _refuse("login-invalid", "another issuer")
        if "error" in answer:
            _refuse("login-denied" if answer["error"] in _BROKEN_OFF else "login-refused", "error of the provider")
        code = answer.get("code", "")
        if _CODE.fullmatch(code) is None:
            _refuse("login-invalid", "no code")
        token = await self._redeem(attempt, metadata, code)
        try:
            principal, called = await self._believe(attempt, token)
        except TokenError as error:
            _refuse("login-refused", error.detail)
        return SignedIn(replace(principal, expires=None), attempt.back, called)

    async def _redeem(self, attempt: _Attempt, metadata: Metadata, code: str) -> str:
        """The ID token for a code (RFC 6749 section 4.1.3)."""
        client, secret = attempt.provider.settings.client_id, self._secrets.get(attempt.provider.name)
        headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect,
            "code_verifier": attempt.verifier,
        }
        methods = metadata.token_methods
        if secret is None:
            asked["client_id"] = client
        elif methods is None or "client_secret_basic" in methods:
            # Section 2.3.1: each form-encoded before they are joined.
            pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
            headers.append(("authorization", f"Basic {b64encode(pair.encode()).decode()}"))
        else:
            asked |= {"client_id": client, "client_secret": secret}
        given = await ask(attempt.provider.fetch, "POST", metadata.token_endpoint, headers, urlencode(asked).encode())
        if 400 <= given.status < 500:
            _refuse("login-refused", f"token endpoint: {given.status}")
        token = answer_object(given).get("id_token")
        if not isinstance(token, str):
            _refuse("login-refused", "no ID token")
        return token

    async def _believe(self, attempt: _Attempt, text: str) -> tuple[Principal, str]:
        """Whose ID token it is, and what they are called (OpenID Connect Core section 3.1.3.7). Raises
        ``TokenError``."""
        settings = attempt.provider.settings
        client = frozenset({settings.client_id})
        expected = Expected(
            settings.issuer,
            client,
            frozenset({"jwt"}),
            parties=client,
            trusted=frozenset(settings.audiences),
            skew=settings.clock_skew,
            max_age=LIFETIME,
        )
        claims = await attempt.provider.verified(read(text, settings.algorithms), expected)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not nonce.isascii() or not hmac.compare_digest(nonce, attempt.nonce):
            raise TokenError("token-nonce")
        if "events" in claims or "cnf" in claims:
            raise TokenError("token-type")
        if attempt.max_age is not None:
            self._check_age(claims, attempt.max_age + settings.clock_skew)
        principal = attempt.provider.person(claims)
        if self._revocations.covers(principal) or not (self._admits is None or self._admits(principal)):
            raise TokenError("token-revoked", reason="token-revoked")
        return principal, _called(claims)

    def _check_age(self, claims: Mapping[str, Any], max_age: float) -> None:
        at = claims.get("auth_time")
        if isinstance(at, bool) or not isinstance(at, (int, float)) or not self._clock() - at <= max_age:
            raise TokenError("token-auth-time")

    def _keep(self, row: tuple[Any, ...]) -> None:
        with self._database.writing() as connection:
            connection.execute("DELETE FROM oidc_logins WHERE until < ?", (self._clock(),))
            # Whoever begins many pushes out the oldest, and locks nobody out who is quick.
            connection.execute(
                "DELETE FROM oidc_logins WHERE state IN"
                " (SELECT state FROM oidc_logins ORDER BY until DESC LIMIT -1 OFFSET ?)",
                (self._limit - 1,),
            )
            connection.execute("INSERT INTO oidc_logins VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _take(self, state: str, cookie: str) -> _Attempt:
        """The attempt of a ``state``, which is good once. Another browser does not use it up."""
        if _SECRET.fullmatch(state) is None or _SECRET.fullmatch(cookie) is None:
            _refuse("login-invalid", "no state, or no cookie")
        with self._database.writing() as connection:
            row = connection.execute(
                "DELETE FROM oidc_logins WHERE state = ? AND browser = ?"
                " RETURNING provider, redirect, back, max_age, until",
                (_digest(state), _digest(cookie)),
            ).fetchone()
        if row is None or row[4] <= self._clock() or row[0] not in self._providers:
            _refuse("login-invalid", "no such attempt, or too late")
        return _Attempt(self._providers[row[0]], row[1], row[2], row[3], *_derived(cookie, state))


def safe_path(path: str) -> str:
    """``path`` if it leads to this server and nowhere else, otherwise ``/``.

    One slash first and not two (RFC 3986 section 4.2: that would name a host); no backslash, which browsers take for a
    slash; no blanks and controls, which they drop (WHATWG URL).
    """
    return path if _PATH.fullmatch(path) else "/"


def _called(claims: Mapping[str, Any]) -> str:
    """What a person is called (OpenID Connect Core section 5.1), as plain text of at most ``MAX_NAME`` characters."""
    found = (claims.get(name) for name in ("name", "preferred_username", "email"))
    text = next((one for one in found if isinstance(one, str) and one.strip()), "")
    return "".join(sign for sign in text.strip() if sign.isprintable())[:MAX_NAME]


def _derived(cookie: str, state: str) -> tuple[str, str]:
    """``nonce`` and PKCE's verifier: 256 bits each, known only to who has both secrets."""
    nonce, verifier = (
        base64url.encode(hmac.digest(cookie.encode(), f"{purpose}\0{state}".encode(), "sha256"))
        for purpose in ("nonce", "verifier")
    )
    return nonce, verifier


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


_PUBLIC: Final = {
    "login-invalid": (400, "This sign-in is not valid any more. Start again."),
    "login-denied": (403, "The identity provider did not let you in. Start again, or ask its administrator."),
    "login-refused": (401, "The sign-in could not be completed. Start again."),
}


def _refuse(reason: str, cause: str) -> NoReturn:
    status, public = _PUBLIC[reason]
    raise IdentityError(public, reason=reason, status=status) from ValueError(cause)
