"""Signing in and out of the admin plane, whatever the form of the request.

The rules:

1. An attempt is charged, then name and password are checked, then the one-time code where there is one; all failures
   get one answer (``credentials-wrong``) after the same work. What only who has proven all of it can see (an account
   for emergencies that awaits a review) is told.
2. Who signs in gets a new session, and the one that the browser had ends. It is on record before its cookie leaves.
3. Names, passwords, codes and addresses stand in no record. A refused attempt names its account only where the password
   was right, so that a name alone is not found out from the record either.
4. A cookie leaves only by TLS, or to this machine: elsewhere nobody can sign in (``tls-needed``).
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeVar
from uuid import uuid4

from chatward.console.views import Views
from chatward.core.errors import ChatwardError, ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Kind, Principal
from chatward.core.ports import Entry
from chatward.identity.csrf import Csrf
from chatward.identity.invitations import Invitations
from chatward.identity.lockout import DEVICE_LIFE, Attempt, Lockout, TooManyError
from chatward.identity.oidc_login import Logins
from chatward.identity.operator_passkeys import OperatorPasskeys
from chatward.identity.operators import Operator, Operators
from chatward.identity.sessions import Sessions, cookie, cookie_name

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger(__name__)

T = TypeVar("T")

CALLER: Final = "chatward.caller"
"""Where the guard leaves the ``AdminCaller`` in the scope."""


class Headers:
    """The headers of an ASGI request as ``core.identity.Fields``."""

    def __init__(self, lines: Iterable[tuple[bytes, bytes]]) -> None:
        self._lines = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in lines]

    def get(self, key: str, default: str | None = None) -> str | None:
        return next(iter(self.get_all(key)), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self._lines if name == key]

    def __contains__(self, key: str) -> bool:
        return bool(self.get_all(key))


class SecondFactor(Protocol):
    """One-time codes. ``enrolled`` reads; the others block. What is not good raises ``ChatwardError``."""

    def enrolled(self, operator: str) -> bool: ...

    def verify(self, operator: Principal, code: str) -> None:
        """Uses up a code. ``operator.session`` is where it comes from: attempts are counted by it."""
        ...

    def begin(self, operator: Principal, label: str, code: str) -> str:
        """A new secret as an ``otpauth`` address; ``code`` is one of the present secret, where there is one."""
        ...

    def confirm(self, operator: Principal, code: str) -> None:
        """The first code of the new secret, which counts from now on."""
        ...

    def reset(self, operator: str) -> bool:
        """Takes codes away, so that they begin anew; whether there were any."""
        ...


class Turns:
    """A few threads of its own for what takes long (hashes), so that a crowd of strangers who guess holds up nobody but
    who signs in. Who comes when ``most`` wait is refused (503, ``overloaded``)."""

    def __init__(self, threads: int = 2, most: int = 32) -> None:
        self._pool = ThreadPoolExecutor(threads, "chatward-sign-in")
        self._most = most
        self._waiting = 0

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        if self._waiting >= self._most:
            raise ClientError("Too many sign in at this moment. Try again shortly.", reason="overloaded", status=503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, partial(call, *args))
        finally:
            self._waiting -= 1


class FederationLike(Protocol):
    """Identity providers by which operators sign in (``console.federation``)."""

    @property
    def titles(self) -> Mapping[str, str]:
        """What people read, by the provider's name."""
        ...

    @property
    def logins(self) -> Logins: ...

    def address(self, access: AdminAccess, caller: AdminCaller, name: str) -> str:
        """Where the provider sends the browser back to. Raises ``IdentityError``."""
        ...


class LedgerLike(Protocol):
    def append(self, entry: Entry) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """What signing in needs. ``secure``: the plane is reached by TLS (its own, or a proxy's). ``code_needed``: who
    signs in with a password alone may only set up one-time codes. ``views``: questions that operators keep."""

    operators: Operators
    sessions: Sessions
    lockout: Lockout
    csrf: Csrf
    ledger: LedgerLike
    secure: bool
    second_factor: SecondFactor | None = None
    code_needed: bool = False
    invitations: Invitations | None = None
    federation: FederationLike | None = None
    turns: Turns = field(default_factory=Turns)
    passkeys: OperatorPasskeys | None = None
    views: Views | None = None

    @property
    def device_cookie(self) -> str:
        return cookie_name("device", secure=self.secure)


@dataclass(frozen=True, slots=True)
class AdminCaller:
    """Who asks, as the guard found. ``token`` is the session's, ``form`` has the fields of a form and ``files`` its
    files (name and content), ``by_key`` says that it was a key of ``server.keys``, and ``may`` whether an action
    (``admin:keys:read``) would be allowed to them."""

    principal: Principal
    headers: Headers = field(repr=False)
    address: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)
    by_key: bool = False
    may: Callable[[str], bool] = field(default=lambda action: False, repr=False, compare=False)

    @property
    def open_console(self) -> bool:
        """Nobody in particular asks: the console stands open, since there is no operator and no key yet."""
        return self.principal.kind is Kind.ANONYMOUS and bool(self.principal.roles)

    @property
    def signed_in(self) -> bool:
        return self.token is not None and self.principal.kind is Kind.OPERATOR


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: its cookie, who it is, and the cookie of the browser that is known from now on."""

    token: str = field(repr=False)
    principal: Principal
    device: str = field(repr=False)


def caller_of(request: Request) -> AdminCaller:
    found: AdminCaller = request.scope[CALLER]
    return found


async def sign_in(access: AdminAccess, caller: AdminCaller, name: str, password: str, code: str) -> SignedIn:
    """A new session. Raises ``IdentityError``: ``credentials-wrong``, ``too-many-attempts``, ``review-pending``,
    ``tls-needed``."""
    attempt = await admitted(access, caller, access.lockout.admit, name)
    operator, assurance = await access.turns.run(_proven, access, attempt, name, password, code)
    if operator is None:
        await refused(access, "credentials-wrong")
        said = "The name, the password or the code is wrong."
        raise IdentityError(said, reason="credentials-wrong")
    return await entered(access, caller, operator, assurance, attempt)


async def admitted(
    access: AdminAccess, caller: AdminCaller, admit: Callable[[str, str, str | None], Attempt], name: str
) -> Attempt:
    """An attempt to sign in that was charged. Raises ``IdentityError``: ``tls-needed``, ``too-many-attempts``."""
    if not cookies_may_leave(access, caller):
        said = "Signing in needs TLS. Ask for this page by https, or on the machine itself."
        raise IdentityError(said, reason="tls-needed", status=403)
    try:
        return await access.turns.run(admit, name, caller.address, cookie(caller.headers, access.device_cookie))
    except TooManyError as error:
        await refused(access, error.reason)
        raise


async def entered(
    access: AdminAccess, caller: AdminCaller, operator: Operator, assurance: Assurance, attempt: Attempt
) -> SignedIn:
    """A new session for who has proven it all. Raises ``IdentityError`` (``review-pending``)."""
    if operator.break_glass:
        try:
            await asyncio.to_thread(access.operators.use, operator)
        except IdentityError as error:
            await refused(access, error.reason, operator.id)
            raise
        log.warning("A break-glass account is used (%s). Another operator must review it.", operator.id)
    agent = caller.headers.get("user-agent") or ""
    token, principal = await asyncio.to_thread(access.sessions.open, operator, assurance, agent)
    told = {"operator": operator.id, "session": principal.session, "assurance": int(assurance)}
    try:
        entry = {**told, "known_device": bool(attempt.device), "break_glass": operator.break_glass}
        await note(access, Event.OPERATOR_SESSION_OPENED, entry)
    except BaseException:
        await asyncio.to_thread(access.sessions.end, principal.session, operator.id)
        raise
    if caller.signed_in:
        await sign_out(access, caller.principal, caller.principal.session, "log-in")
    return SignedIn(token, principal, await asyncio.to_thread(access.lockout.succeeded, attempt))


def _proven(
    access: AdminAccess, attempt: Attempt, name: str, password: str, code: str
) -> tuple[Operator | None, Assurance]:
    """Whose name, password and code these are, and how surely."""
    operator = access.operators.verify(name, password)
    factor = access.second_factor
    if operator is None or factor is None or not factor.enrolled(operator.id):
        return operator, Assurance.SINGLE
    place = attempt.device or attempt.address.hex()[:32]
    try:
        factor.verify(Principal(operator.id, Kind.OPERATOR, session=f"log-in:{place}"), code)
    except ChatwardError as error:
        if error.status >= 500:
            raise
        return None, Assurance.NONE
    return operator, Assurance.MULTI


async def sign_out(access: AdminAccess, principal: Principal, session: str, reason: str) -> bool:
    """Ends a session of this operator, then records it; whether there was one."""
    ended = await asyncio.to_thread(access.sessions.end, session, principal.id)
    if ended:
        about = {"operator": principal.id, "session": session, "reason": reason}
        await note(access, Event.OPERATOR_SESSION_CLOSED, about)
    return ended


async def change_password(access: AdminAccess, caller: AdminCaller, old: str, new: str) -> str:
    """Another password for the caller, who proves the old one; all other sessions end, and this one has a new token,
    which is returned. Raises ``IdentityError`` (``credentials-wrong``, ``too-many-attempts``) and what
    ``passwords.judge`` does."""
    me = caller.principal
    operator = access.operators.get(me.id)
    if operator is None:
        _ended()
    device = cookie(caller.headers, access.device_cookie)
    attempt = await access.turns.run(access.lockout.admit, operator.name, caller.address, device)
    if await access.turns.run(access.operators.verify, operator.name, old) is None:
        raise IdentityError("The present password is wrong.", reason="credentials-wrong", status=403)
    await asyncio.to_thread(access.lockout.succeeded, attempt)

    def change() -> str:
        changed = access.operators.set_password(me.id, new, by=me.id)
        return access.sessions.rotate(me, epoch=changed.epoch)  # the others stay behind in the old epoch

    token = await access.turns.run(change)
    about = {"operator": me.id, "session": me.session, "reason": "password"}
    await note(access, Event.OPERATOR_SESSION_CLOSED, about)
    return token


async def confirm_code(access: AdminAccess, caller: AdminCaller, code: str) -> str:
    """The first code of new one-time codes. The session has proven both factors now: its new token."""
    me, factor = caller.principal, access.second_factor
    if factor is None:
        raise IdentityError("One-time codes are not available here.", reason="second-factor-off", status=403)
    await asyncio.to_thread(factor.confirm, me, code)
    await note(access, Event.OPERATOR_CHANGED, {"operator": me.id, "what": "one-time-codes", "by": me.id})
    return await asyncio.to_thread(lambda: access.sessions.rotate(me, assurance=max(me.assurance, Assurance.MULTI)))


async def note(access: AdminAccess, event: Event, fields: Mapping[str, Any]) -> None:
    """One entry, durable before this returns."""
    await access.ledger.append(Entry(event, uuid4().hex, fields))


async def refused(access: AdminAccess, reason: str, operator: str = "", proof: str = "") -> None:
    """Records an attempt that failed; ``proof`` says what was wrong with a passkey."""
    about = {"reason": reason, "operator": operator}
    await note(access, Event.OPERATOR_SESSION_REFUSED, about | ({"proof": proof} if proof else {}))


def _ended() -> NoReturn:
    raise IdentityError("This session has ended. Sign in again.", reason="session-ended")


# --- cookies


def cookies_may_leave(access: AdminAccess, caller: AdminCaller) -> bool:
    host = caller.headers.get("host") or ""
    return access.secure or is_loopback_name(host)


def is_loopback_name(host: str) -> bool:
    """Whether a ``Host`` names this machine: ``localhost``, or an address of the loopback (RFC 6761, 6.3)."""
    name = host_name(host)
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """The name in a ``Host``, without port and brackets (RFC 9110, 7.2)."""
    lower = host.strip().lower()
    if not lower.startswith("["):
        return lower.partition(":")[0]
    address, closed, _ = lower[1:].partition("]")
    return address if closed else ""


def set_session(access: AdminAccess, response: Response, token: str) -> None:
    """Until the browser is closed; the session ends by itself before long."""
    _set(access, response, access.sessions.cookie, token)


def set_signed_in(access: AdminAccess, response: Response, signed: SignedIn, seed: str) -> None:
    """``seed``: a new one; what came before the log-in is worth nothing after it."""
    set_session(access, response, signed.token)
    set_seed(access, response, seed)
    _set(access, response, access.device_cookie, signed.device, DEVICE_LIFE)


def set_seed(access: AdminAccess, response: Response, seed: str) -> None:
    _set(access, response, access.csrf.cookie, seed)


def drop_session(access: AdminAccess, response: Response) -> None:
    """The known device stays known."""
    for name in (access.sessions.cookie, access.csrf.cookie):
        response.delete_cookie(name, path="/", secure=access.secure, httponly=True, samesite="strict")


def _set(access: AdminAccess, response: Response, name: str, value: str, age: int | None = None) -> None:
    response.set_cookie(name, value, max_age=age, path="/", secure=access.secure, httponly=True, samesite="strict")
