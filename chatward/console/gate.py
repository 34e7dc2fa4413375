"""What every request to the admin plane passes before it is looked at.

Four rules:

1. Where keys are configured, each request but ``/healthz`` presents one: as bearer token, as ``x-api-key`` (LiteLLM),
   or as password of basic authentication (browsers). Keys are compared in constant time.
2. Without keys the plane is for this machine alone, and then the ``Host`` must name it. A web page of a stranger that
   had its own name point here (DNS rebinding) does not get an answer.
3. A body is JSON and at most ``max_body`` bytes. Forms of other origins cannot send JSON without asking first
   (Fetch Standard, CORS preflight), and nobody here says yes.
4. Every answer says what browsers may do with it: nothing from elsewhere, no scripts, no frames, no cache.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from hashlib import sha256
from typing import Any, Final

import orjson

from chatward.core.errors import ChatwardError, ClientError, IdentityError

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS: Final = frozenset({"/healthz"})

HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Gate:
    """Wraps an ASGI application. ``host`` is the address the plane is bound to; ``keys`` the keys themselves."""

    def __init__(self, app: App, *, host: str, keys: Collection[str], max_body: int) -> None:
        self._app = app
        self._hosts = _LOOPBACK_NAMES | {host.lower()}
        self._keys = [_digest(key.encode()) for key in keys]
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        headers = {name.lower(): value for name, value in scope["headers"]}
        try:
            self._admit(scope["path"], headers)
            if scope["method"] not in {"GET", "HEAD"}:
                receive = await self._read(headers, receive)
        except ChatwardError as error:
            await _refuse(error, guarded)
            return
        await self._app(scope, receive, guarded)

    def _admit(self, path: str, headers: dict[bytes, bytes]) -> None:
        if path in OPEN_PATHS:
            return
        if self._keys:
            if not any(hmac.compare_digest(_digest(_credential(headers)), key) for key in self._keys):
                raise IdentityError("This address wants a key.")
        elif _host_name(headers.get(b"host", b"")) not in self._hosts:
            raise ClientError("This address does not go by that name.", reason="host-unknown", status=421)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Reads the body within its limit; returns what gives it out again."""
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            raise ClientError("The body must be application/json.", reason="content-type", status=415)
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._max_body:
                raise ClientError("The body is too large.", reason="body-too-large", status=413)
            if not message.get("more_body"):
                break
        try:
            # Stricter than what parses it behind: no lone surrogates, no NaN, bounded depth (RFC 8259).
            orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ClientError("The body is not JSON.", reason="json-invalid") from error

        async def again() -> Message:
            nonlocal body
            whole, body = bytes(body), bytearray()
            return {"type": "http.request", "body": whole, "more_body": False}

        return again


def error_body(error: ChatwardError) -> dict[str, object]:
    """An error as the admin plane says it."""
    return {"error": {"reason": error.reason, "message": error.public}}


def _credential(headers: dict[bytes, bytes]) -> bytes:
    """The key that the caller presents, or nothing."""
    if key := headers.get(b"x-api-key"):
        return key
    scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
    match scheme.lower():
        case b"bearer":
            return value.strip()
        case b"basic":
            try:
                return base64.b64decode(value, validate=True).partition(b":")[2]
            except binascii.Error:
                return b""
    return b""


def _digest(key: bytes) -> bytes:
    """Of one length, so that comparing tells nothing about the length of a key."""
    return sha256(key).digest()


def _host_name(value: bytes) -> str:
    """The name in a ``Host`` header, without port and brackets (RFC 9110, 7.2)."""
    host = value.decode("latin-1").strip().lower()
    if host.startswith("["):
        address, closed, _ = host[1:].partition("]")
        return address if closed else ""
    return host.partition(":")[0]


async def _refuse(error: ChatwardError, send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    if isinstance(error, IdentityError):
        headers.append((b"www-authenticate", b'Basic realm="Chatward console", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(error_body(error))})
