"""The HTTP interface of signing in by an identity provider: requests to responses, without a framework or a socket.

The rules:

1. Nobody is known yet who asks here, so everything here is safe to be asked by anybody: what begins a sign-in changes
   nothing but a list of attempts (``BEGINNINGS`` in a minute from one address), and what ends one needs the provider's
   answer, its ``state`` and the cookie of the browser that began it (``Logins``).
2. The address that the provider sends the browser to is the configured ``origin``, or, on this machine alone, the
   loopback address that the browser asked. No other name in a request is believed.
3. What goes wrong in a browser is told on a page, as a sentence from a fixed list; the address bar keeps neither code
   nor ``state``. What is told is also on record, at most ``REFUSALS`` in a second.
4. A session is on record before its cookie leaves; an end is done first and recorded then.
5. Signing out is asked for by a page of this server (``PersonSessions.check_origin``). Where the provider has an
   address for it, the browser goes there next (OpenID Connect RP-Initiated Logout 1.0), with ``client_id`` and without
   ``id_token_hint``: ID tokens are not kept.
6. Answers are never stored.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import orjson

from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Fields, Presented
from chatward.core.ports import Entry, Ledger
from chatward.identity.allowance import Allowance
from chatward.identity.backchannel import BackChannel
from chatward.identity.oidc_login import COOKIE, LIFETIME, Logins, safe_path
from chatward.identity.person_sessions import PersonSession, PersonSessions
from chatward.identity.provider import Provider
from chatward.identity.sessions import cookie, cookie_name
from chatward.settings.rules import is_loopback

SIGN_IN: Final = "/signin"
SIGN_OUT: Final = "/signout"
SESSION: Final = "/v1/session"
LOGOUT: Final = "/v1/backchannel-logout/"
PREFIXES: Final = ("/signin/", "/signout/", "/v1/session/", LOGOUT)
BEGINNINGS: Final = 300
"""Sign-ins that one address may begin in a minute: many people may share one."""
REFUSALS: Final = 10
"""Entries about refused sign-ins that are written in a second."""

Headers = list[tuple[str, str]]
Response = tuple[int, Headers, bytes]

_NAME: Final = r"([A-Za-z0-9_.-]{1,64})"
_BEGIN: Final = re.compile(f"/signin/{_NAME}")
_BACK: Final = re.compile(f"/signin/{_NAME}/callback")
_ENDING: Final = re.compile(f"{LOGOUT}{_NAME}")
_PLAIN: Final = (("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"))

PROBLEMS: Final = {
    "login-invalid": "This sign-in is not valid any more. Start again.",
    "login-denied": "The identity provider did not let you in. Start again, or ask its administrator.",
    "login-refused": "The sign-in could not be completed. Start again.",
    "login-unavailable": "Nobody can sign in at this address. Use the one that you were given by who runs this server.",
    "identity-provider-unavailable": "Signing in is not possible right now. Try again in a minute.",
    "too-many-attempts": "Too many sign-ins begin in your network at this moment. Wait a minute, then start again.",
    "person-inactive": "This account may not sign in here. Ask the people who run this server.",
    "cookie-ambiguous": "A cookie was sent twice. Delete the cookies of this page, and start again.",
}
"""What the page says, by reason."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of signing in shows: ``providers`` are address and title, ``name`` is whoever is signed in."""

    providers: Sequence[tuple[str, str]] = ()
    problem: str = ""
    signed_in: bool = False
    name: str = field(default="", repr=False)
    out: bool = False


Page = Callable[[Shown], tuple[Headers, bytes]]
"""The page as headers and HTML."""


class SignInApi:
    """Serves the paths below ``PREFIXES``. ``providers`` by name; those with a ``client_id`` are offered. ``origin`` is
    that of the settings, or empty; ``secure``: browsers come by TLS. ``clock`` gives seconds of any origin."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        logins: Logins,
        sessions: PersonSessions,
        channels: Mapping[str, BackChannel],
        ledger: Ledger,
        page: Page,
        *,
        origin: str = "",
        secure: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._providers = providers
        self._logins = logins
        self._sessions = sessions
        self._channels = channels
        self._ledger = ledger
        self._page = page
        self._origin = origin
        self._secure = secure
        self._cookie = cookie_name(COOKIE, secure=secure)
        self._allowance = Allowance(BEGINNINGS, clock)
        self._second, self._written = 0, 0

    async def handle(self, presented: Presented, path: str, query: str, body: bytes) -> Response:
        """One request to its response. Raises ``ChatwardError`` for what no person reads."""
        if (found := _ENDING.fullmatch(path)) is not None:
            _only(presented.method, "POST")
            return await self._ended(found[1], presented.headers, body)
        if path == SESSION:
            _only(presented.method, "GET")
            return self._who(presented)
        if path == SIGN_OUT:
            _only(presented.method, "GET", "POST")
            return await (self._sign_out(presented) if presented.method == "POST" else self._signed_out(presented))
        if path == SIGN_IN:
            _only(presented.method, "GET")
            return self._choose(presented, _parameters(query))
        if (found := _BEGIN.fullmatch(path)) is not None:
            _only(presented.method, "GET")
            return await self._told(self._begin(found[1], presented, _parameters(query)))
        if (found := _BACK.fullmatch(path)) is not None:
            _only(presented.method, "GET")
            return await self._told(self._finish(found[1], presented, query))
        raise ClientError("There is nothing at this address.", reason="not-found", status=404)

    # --- signing in

    def _choose(self, presented: Presented, asked: Mapping[str, str]) -> Response:
        """The page, or straight on where there is one provider only and nothing to tell."""
        back = safe_path(asked.get("back", "/chat"))
        problem = PROBLEMS.get(asked.get("problem", ""), "")
        session = self._current(presented.headers)
        if len(self._logins.names) == 1 and not problem and session is None:
            return _go(f"{SIGN_IN}/{self._logins.names[0]}?{urlencode({'back': back})}")
        return self._shown(Shown(self._offered(back), problem, session is not None, session.name if session else ""))

    async def _begin(self, name: str, presented: Presented, asked: Mapping[str, str]) -> Response:
        back = safe_path(asked.get("back", "/chat"))
        begins(self._allowance, presented.address)
        begun = await self._logins.begin(name, f"{self._here(presented)}{SIGN_IN}/{name}/callback", back)
        return _go(begun.url, self._set(self._cookie, begun.cookie, int(LIFETIME)))

    async def _finish(self, name: str, presented: Presented, query: str) -> Response:
        headers = presented.headers
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=20)
        signed = await self._logins.finish(given, cookie(headers, self._cookie), name)
        before = self._current(headers)
        had = before.principal.session if before else None
        token, principal = await asyncio.to_thread(self._sessions.open, signed.principal, signed.name, before=had)
        about = {
            "principal": principal.id,
            "session": principal.session,
            "provider": name,
            "assurance": int(principal.assurance),
        }
        try:
            await self._note(Event.PERSON_SESSION_OPENED, about)
        except BaseException:
            await asyncio.to_thread(self._sessions.end, principal.session)
            raise
        return _go(signed.back, self._set(self._sessions.cookie, token), self._set(self._cookie, "", 0))

    async def _told(self, doing: Awaitable[Response]) -> Response:
        """What goes wrong, as a page: at an address without the provider's answer in it."""
        try:
            return await doing
        except IdentityError as error:
            await self._refused(error.reason)
            reason = error.reason if error.reason in PROBLEMS else "login-refused"
            return _go(f"{SIGN_IN}?{urlencode({'problem': reason})}", self._set(self._cookie, "", 0))
        except ValueError as error:  # more fields than anybody needs
            raise ClientError("The query cannot be read.", reason="login-invalid") from error

    # --- signing out

    async def _sign_out(self, presented: Presented) -> Response:
        self._sessions.check_origin(presented)
        session = self._current(presented.headers)
        there = SIGN_OUT
        if session is not None:
            id = session.principal.session
            if await asyncio.to_thread(self._sessions.end, id):
                about = {"principal": session.principal.id, "session": id}
                await self._note(Event.PERSON_SESSION_CLOSED, about)
            there = await self._elsewhere(session, presented)
        gone = self._set(self._sessions.cookie, "", 0)
        if "application/json" in (presented.headers.get("accept") or ""):
            return 200, [_JSON, gone, *_PLAIN], orjson.dumps({"next": there})
        return _go(there, gone)

    async def _elsewhere(self, session: PersonSession, presented: Presented) -> str:
        """Where the browser goes to be signed out at the provider too."""
        provider = self._providers.get(session.provider)
        try:
            end = (await provider.metadata()).end_session_endpoint if provider is not None else ""
            here = self._here(presented)
        except IdentityError:
            return SIGN_OUT
        if provider is None or not end:
            return SIGN_OUT
        asked = {"client_id": provider.settings.client_id, "post_logout_redirect_uri": here + SIGN_OUT}
        return end + ("&" if urlsplit(end).query else "?") + urlencode(asked)

    async def _signed_out(self, presented: Presented) -> Response:
        session = self._current(presented.headers)
        if session is not None:
            return self._shown(Shown(signed_in=True, name=session.name))
        return self._shown(Shown(self._offered("/chat"), out=True))

    async def _ended(self, name: str, headers: Fields, body: bytes) -> Response:
        """OpenID Connect Back-Channel Logout 1.0, section 2.5."""
        channel = self._channels.get(name)
        if channel is None:
            raise ClientError("There is nothing at this address.", reason="not-found", status=404)
        ended = await channel.logout(headers.get("content-type") or "", body)
        count = await asyncio.to_thread(self._sessions.forget, ended)
        about = {"principal": ended.id, "session": ended.session, "provider": name, "sessions": count}
        await self._note(Event.PERSON_SESSIONS_ENDED, about)
        return 200, [("cache-control", "no-store"), *_PLAIN], b""

    # --- parts

    def _who(self, presented: Presented) -> Response:
        """Who is signed in, for pages of this server. Everybody else reads that nobody is."""
        session: PersonSession | None = None
        try:
            self._sessions.check_origin(presented)
            session = self._current(presented.headers)
        except IdentityError:
            session = None
        told: dict[str, object] = {"signed_in": session is not None, "sign_in": SIGN_IN, "sign_out": SIGN_OUT}
        if session is not None:
            told |= {"name": session.name, "provider": session.provider, "expires": int(session.expires)}
        return 200, [_JSON, ("vary", "cookie"), *_PLAIN], orjson.dumps(told)

    def _current(self, headers: Fields) -> PersonSession | None:
        """The browser's session. Cookies that cannot be told apart are of no session here."""
        try:
            return self._sessions.current(headers)
        except IdentityError:
            return None

    def _offered(self, back: str) -> list[tuple[str, str]]:
        where = urlencode({"back": back})
        titled = ((name, self._providers[name].settings.title or name) for name in self._logins.names)
        return [(f"{SIGN_IN}/{name}?{where}", title) for name, title in titled]

    def _here(self, presented: Presented) -> str:
        """Rule 2. Raises ``IdentityError``."""
        if self._origin:
            return self._origin
        scheme, _, rest = presented.url.partition("://")
        host = rest.partition("/")[0]
        if not is_loopback(urlsplit(f"//{host}").hostname or ""):
            raise IdentityError(PROBLEMS["login-unavailable"], reason="login-unavailable", status=503)
        return f"{'https' if self._secure else scheme}://{host}"

    def _shown(self, shown: Shown) -> Response:
        headers, page = self._page(shown)
        return 200, headers, page

    def _set(self, name: str, value: str, age: int | None = None) -> tuple[str, str]:
        """A cookie (RFC 6265bis); ``Lax``, since the way back from a provider is a cross-site navigation. Without an
        age it lasts until the browser is closed."""
        lasting = "" if age is None else f"; Max-Age={age}"
        return "set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{'; Secure' * self._secure}{lasting}"

    async def _note(self, event: Event, fields: Mapping[str, object]) -> None:
        await self._ledger.append(Entry(event, uuid4().hex, fields))

    async def _refused(self, reason: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        self._written += 1
        if self._written <= REFUSALS:
            await self._note(Event.PERSON_SESSION_REFUSED, {"reason": reason})


def begins(allowance: Allowance, address: str) -> None:
    """Raises ``IdentityError`` (429, ``too-many-attempts``)."""
    if allowance.take(address):
        raise IdentityError(PROBLEMS["too-many-attempts"], reason="too-many-attempts", status=429)


_JSON: Final = ("content-type", "application/json")


def _go(there: str, *more: tuple[str, str]) -> Response:
    return 303, [("location", there), ("cache-control", "no-store"), *more, *_PLAIN], b""


def _only(method: str, *methods: str) -> None:
    if method not in methods:
        raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)


def _parameters(query: str) -> dict[str, str]:
    """The parameters of a page; of one that stands there twice, nothing."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    found = dict(pairs)
    return {name: value for name, value in found.items() if sum(name == one for one, _ in pairs) == 1}
