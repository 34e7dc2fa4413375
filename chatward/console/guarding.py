"""The one decision point of the admin plane: nothing behind it is reached without a decision.

The rules:

1. ``rule_of`` says what a request is: ``OPEN`` (health, signing in, style sheets), ``OWN`` (one's own account and
   sessions), or an action ``admin:<area>:<verb>``. The list of what is open is closed; everything else, known or not,
   is an action, so a new route is guarded before anybody thinks of it.
2. Who asks is found in a fixed order: session, other authenticators, ``server.keys``. Something of a kind that is not
   good is refused and never falls through to a weaker identity. No other header says who somebody is.
3. Without any key, on loopback, the console is open until the first operator exists or can sign in by an identity
   provider, to requests that name this machine. After that, a session or a key is needed for everything that is not
   ``OPEN``.
4. An action is decided by the ``Authorizer`` that was given, or by ``RoleTable``. Programs with a key of
   ``server.keys`` and the open console have what they always had, by ``RoleTable``; they cannot touch operators.
5. What changes something comes from a page of this console (``identity.csrf``), and its body is JSON, or a form where
   there is a form.
6. Every answer says what browsers may do with it (``asgi.HEADERS``); under TLS it also says to come by TLS only.
7. No WebSocket is taken.
"""

from __future__ import annotations

import hmac
import inspect
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from html import escape
from typing import Final, TypeVar
from urllib.parse import parse_qsl, quote

import orjson

from chatward.console.access import CALLER, AdminAccess, AdminCaller, Headers, host_name, is_loopback_name, note
from chatward.console.admin_rules import OPEN_CONSOLE, PROGRAM, RESOURCE, SAFE, Ground, RoleTable, Rule, rule_of
from chatward.console.asgi import HEADERS, App, Message, Receive, Scope, Send, credential, error_body
from chatward.console.multipart import KIND, parts
from chatward.console.statics import FILES
from chatward.core.errors import ChatwardError, ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Authenticator, Authorizer, Kind, Presented, Principal, Question, Ruling
from chatward.identity.csrf import FIELD, HEADER

T = TypeVar("T")

FORMS: Final = re.compile(
    r"/login|/logout|/preferences|/welcome/[\w-]{43}"
    r"|/(?:account|approvals|controls|findings|keys|ledger|messages|operators|patches|people|policy|reports|start|tools|vendors"
    r"|views)(?:/[a-z-]+)?",
    re.ASCII,
)
"""Paths that take forms."""
WITH_FILES: Final = re.compile(r"/vendors/(?:attach|answers)|/patches/upload|/reports/verify")
"""Those of them whose forms may have files."""
HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
"""A year, as RFC 6797 section 6.1.1 has it; other hosts below this name are not ours to speak for."""

_PAGE_HEADERS: Final = (
    *((name, value.replace(b"form-action 'none'", b"form-action 'self'")) for name, value in HEADERS[:1]),
    # Not `no-referrer`: it makes browsers say `Origin: null` for our own forms.
    *((name, b"same-origin" if name == b"referrer-policy" else value) for name, value in HEADERS[1:]),
)
_SCRIPTED: Final = (
    (
        _PAGE_HEADERS[0][0],
        _PAGE_HEADERS[0][1] + b"; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; "
        b"trusted-types default",
    ),
    *_PAGE_HEADERS[1:],
)
_BARE: Final = re.compile(r"/(?:api|beta|scim)/.*|/metrics|/healthz|.*\.(?:css|js|svg|csv)")
"""What is no page: programs' paths and files. All others are pages, with scripts of this package alone."""
_FIELDS: Final = 520
"""Fields of a form: a page of findings has one for each row."""


class _DeniedError(IdentityError):
    """A ruling against the caller, who reads one sentence; the record has the ruling's own reason and policies."""

    status = 403
    reason = "not-authorized"

    def __init__(self, ruling: Ruling) -> None:
        if ruling.step_up is None:
            super().__init__("Your roles do not allow this.")
        elif ruling.step_up <= Assurance.MULTI:
            said = "This needs a second factor. Set one up at /account, or sign in with it."
            super().__init__(said, reason="step-up-needed")
        else:
            said = "This needs a passkey. Use yours at /account, or sign in with it."
            super().__init__(said, reason="step-up-needed")
        self.ruling = ruling


class AdminKeys:
    """An ``Authenticator`` of ``server.keys``: bearer token, ``x-api-key`` (LiteLLM), or password of basic
    authentication (browsers), compared as digests in constant time."""

    def __init__(self, keys: Collection[str]) -> None:
        self._digests = tuple(sha256(key.encode()).digest() for key in keys)

    def identify(self, presented: Presented) -> Principal | None:
        lines = {name.encode(): (presented.headers.get(name) or "").encode("latin-1") for name in _KEY_HEADERS}
        if not any(name in presented.headers for name in _KEY_HEADERS):
            return None
        if any(len(presented.headers.get_all(name)) > 1 for name in _KEY_HEADERS):
            raise IdentityError("A credential was sent twice.", reason="credentials-ambiguous", status=400)
        given = sha256(credential(lines)).digest()
        known = [digest for digest in self._digests if hmac.compare_digest(digest, given)]
        if not known:
            raise IdentityError("This address wants a key.")
        name = f"key:{given.hex()[:16]}"
        return Principal(name, Kind.SERVICE, roles=frozenset({PROGRAM}), assurance=Assurance.SINGLE)

    def valid(self, principal: Principal) -> bool:
        return any(principal.id == f"key:{digest.hex()[:16]}" for digest in self._digests)


_KEY_HEADERS: Final = ("authorization", "x-api-key")
_NOBODY: Final = Principal("anonymous", Kind.ANONYMOUS)
_VISITOR: Final = Principal("open-console", Kind.ANONYMOUS, roles=frozenset({OPEN_CONSOLE}))


class Guarding:
    """Wraps an ASGI application. ``host`` is the address that the plane is bound to, ``keys`` the keys themselves,
    ``authenticators`` are asked after the session (OpenID Connect, keys of the store). Leaves a ``AdminCaller`` in the
    scope."""

    def __init__(
        self,
        app: App,
        access: AdminAccess,
        *,
        host: str,
        keys: Collection[str] = (),
        max_body: int,
        authenticators: Sequence[Authenticator] = (),
        authorizer: Authorizer | None = None,
    ) -> None:
        self._app = app
        self._access = access
        self._host = host.lower()
        self._has_keys = bool(keys)
        self._keys = AdminKeys(keys)
        self._authenticators = (access.sessions, *authenticators, *((self._keys,) if keys else ()))
        self._max_body = max_body
        self._table = RoleTable()
        self._authorizer = authorizer or self._table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path, headers = scope["path"], Headers(scope["headers"])
        pages = HEADERS if _BARE.fullmatch(path) else _SCRIPTED
        added = (*pages, *((HSTS,) if self._access.secure else ()))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [*message.get("headers", ())]
                kept = path in FILES and any(name == b"cache-control" for name, _ in given)
                message["headers"] = given + [pair for pair in added if not (kept and pair[0] == b"cache-control")]
            await send(message)

        try:
            caller, receive = await self._admit(scope, headers, receive)
        except ChatwardError as error:
            await self._refuse(error, scope, headers, guarded)
            return
        await self._app({**scope, CALLER: caller}, receive, guarded)

    async def _admit(self, scope: Scope, headers: Headers, receive: Receive) -> tuple[AdminCaller, Receive]:
        method, path = scope["method"], scope["path"]
        address = (scope.get("client") or ("",))[0]
        rule = rule_of(method, path)
        if path == "/healthz" and rule.ground is Ground.OPEN:
            return AdminCaller(_NOBODY, headers, address), receive
        self._check_host(headers)
        principal, by_key = await self._who(scope, headers, address, rule)
        token = self._access.sessions.token(headers) if principal.kind is Kind.OPERATOR and principal.session else None
        caller = AdminCaller(principal, headers, address, token, by_key=by_key)
        caller = replace(caller, may=partial(self._may, caller))
        try:
            self._decide(rule, caller)
            if method in SAFE:
                return caller, receive
            return await self._changing(method, path, caller, rule, receive)
        except IdentityError as error:
            if principal is not _NOBODY or error.reason != IdentityError.reason:
                about: dict[str, object] = {"reason": error.reason, "principal": principal.id}
                about["action"] = rule.action or rule.ground.value
                if isinstance(error, _DeniedError):
                    about |= {"ruling": error.ruling.reason, "policies": list(error.ruling.policies)}
                await note(self._access, Event.REQUEST_REFUSED, about)
            raise

    # --- who

    def _check_host(self, headers: Headers) -> None:
        """Where neither TLS nor keys stand between a stranger's page and this plane, the name must be ours: a page that
        has its own name point here (DNS rebinding) gets no answer."""
        hosts = headers.get_all("host")
        if self._has_keys or self._access.secure:
            return
        if len(hosts) != 1 or not (is_loopback_name(hosts[0]) or host_name(hosts[0]) == self._host):
            raise ClientError("This address does not go by that name.", reason="host-unknown", status=421)

    async def _who(self, scope: Scope, headers: Headers, address: str, rule: Rule) -> tuple[Principal, bool]:
        scheme = "https" if self._access.secure else "http"
        url = f"{scheme}://{headers.get('host') or ''}{scope['path']}"
        presented = Presented(scope["method"], url, headers, address)
        for authenticator in self._authenticators:
            try:
                found = authenticator.identify(presented)
                principal: Principal | None = await found if inspect.isawaitable(found) else found
            except IdentityError as error:
                if rule.ground is Ground.OPEN and error.status == IdentityError.status:
                    continue  # an old session or a wrong key is no hindrance to signing in
                if rule.ground is not Ground.OPEN:
                    about = {
                        "reason": error.reason,
                        "principal": _NOBODY.id,
                        "action": rule.action or rule.ground.value,
                    }
                    await note(self._access, Event.REQUEST_REFUSED, about)
                raise
            if principal is not None:
                return principal, authenticator is self._keys
        if not self._has_keys and not self._signs_in() and is_loopback_name(self._host_for_names()):
            return _VISITOR, False
        return _NOBODY, False

    def _signs_in(self) -> bool:
        """Whether there is anybody who could."""
        return self._access.federation is not None or self._access.operators.any()

    def _host_for_names(self) -> str:
        return f"[{self._host}]" if ":" in self._host else self._host

    # --- whether

    def _decide(self, rule: Rule, caller: AdminCaller) -> None:
        """Returns, or raises ``IdentityError``: ``not-authenticated``, ``second-factor-needed``, ``step-up-needed``,
        ``not-authorized``."""
        principal, access = caller.principal, self._access
        if rule.ground is Ground.OPEN:
            return
        if rule.ground is Ground.OWN:
            if not caller.signed_in:
                raise IdentityError("Sign in first.")
            return
        if principal is _NOBODY:
            raise IdentityError("This address wants a key." if self._has_keys else "Sign in first.")
        if access.code_needed and principal.kind is Kind.OPERATOR and principal.assurance < Assurance.MULTI:
            said = "A second factor is needed here. Set one up at /account, or sign in with it."
            raise IdentityError(said, reason="second-factor-needed", status=403)
        ruling = self._rule(caller, rule.action)
        if not ruling.allowed:
            raise _DeniedError(ruling)

    def _rule(self, caller: AdminCaller, action: str) -> Ruling:
        context = {"address": caller.address} if caller.address else {}
        question = Question(caller.principal, action, (RESOURCE, action.split(":")[1]), context)
        return (self._table if caller.principal is _VISITOR or caller.by_key else self._authorizer).decide(question)

    def _may(self, caller: AdminCaller, action: str) -> bool:
        """For what a page offers; what is done is decided again when it is asked for."""
        return self._rule(caller, action).allowed

    # --- what

    async def _changing(
        self, method: str, path: str, caller: AdminCaller, rule: Rule, receive: Receive
    ) -> tuple[AdminCaller, Receive]:
        headers, form = caller.headers, FORMS.fullmatch(path) is not None
        self._access.csrf.origin(headers, needed=caller.signed_in or form)
        body = await self._read(receive)
        kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
        fields: dict[str, str] = {}
        files: dict[str, tuple[str, bytes]] = {}
        if kind == KIND and WITH_FILES.fullmatch(path):
            fields, files = _with_files(headers.get("content-type") or "", body)
        elif form:
            if kind != "application/x-www-form-urlencoded":
                raise ClientError("The body must be a form.", reason="content-type", status=415)
            fields = _fields(body)
        elif body or method != "DELETE":
            if kind != "application/json":
                raise ClientError("The body must be application/json.", reason="content-type", status=415)
            try:
                # Stricter than what parses it behind: no lone surrogates, no NaN, bounded depth (RFC 8259).
                orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise ClientError("The body is not JSON.", reason="json-invalid") from error
        if form or (caller.signed_in and rule.ground is not Ground.OPEN):
            self._access.csrf.check(headers, fields.pop(FIELD, None) or headers.get(HEADER), caller.token)

        async def again() -> Message:
            nonlocal body
            whole, body = bytes(body), b""
            return {"type": "http.request", "body": whole, "more_body": False}

        return replace(caller, form=fields, files=files), again

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._max_body:
                raise ClientError("The body is too large.", reason="body-too-large", status=413)
            if not message.get("more_body"):
                return bytes(body)

    # --- no

    async def _refuse(self, error: ChatwardError, scope: Scope, headers: Headers, send: Send) -> None:
        reads = scope["method"] in {"GET", "HEAD"} and "text/html" in (headers.get("accept") or "")
        if reads and isinstance(error, IdentityError) and self._signs_in():
            there = quote(scope["path"], safe="/")
            to = {401: f"/login?next={there}"}.get(error.status)
            if error.reason == "second-factor-needed":
                to = "/account"
            if to is not None:
                await send({"type": "http.response.start", "status": 303, "headers": [(b"location", to.encode())]})
                await send({"type": "http.response.body", "body": b""})
                return
        lines, body = [(b"content-type", b"application/json")], orjson.dumps(error_body(error))
        if FORMS.fullmatch(scope["path"]) and "text/html" in (headers.get("accept") or ""):
            lines, body = [(b"content-type", b"text/html; charset=utf-8")], _page(error.public)
        if error.status == 401:
            scheme = b"Basic" if self._has_keys else b"Bearer"
            lines.append((b"www-authenticate", scheme + b' realm="Chatward console", charset="UTF-8"'))
        await send({"type": "http.response.start", "status": error.status, "headers": lines})
        await send({"type": "http.response.body", "body": body})


def _page(sentence: str) -> bytes:
    """For a person whose form was refused before any page could say so."""
    said = escape(f"{sentence} ", quote=True)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Chatward</title>'
        f'<link rel="stylesheet" href="/console.css"><main><section><p role="alert">{said}</p>'
        '<p><a href="/login">Go on</a></p></section></main></html>'
    ).encode()


def _fields(body: bytes) -> dict[str, str]:
    """A form (URL Standard, 5.1): UTF-8, every field once."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_FIELDS,
        )
    except (UnicodeError, ValueError) as error:
        raise ClientError("The body is not a form.", reason="form-invalid") from error
    return _once(pairs)


def _with_files(kind: str, body: bytes) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    """Fields and files of a form, every one once."""
    found = parts(kind, body)
    try:
        fields = [(one.name, one.data.decode()) for one in found if one.file is None]
    except UnicodeError as error:
        raise ClientError("The body is not a form.", reason="form-invalid") from error
    return _once(fields), _once([(one.name, (one.file, one.data)) for one in found if one.file is not None])


def _once(pairs: Sequence[tuple[str, T]]) -> dict[str, T]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ClientError("A field of the form stands there twice.", reason="form-invalid")
    return found
