"""What the admin plane's guard is made of, as ASGI has it: types, headers of every answer, errors, a caller's key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from chatward.core.errors import ChatwardError

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

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
"""What browsers may do with an answer: nothing from elsewhere, no scripts, no frames, no cache."""


def error_body(error: ChatwardError) -> dict[str, object]:
    """An error as the admin plane says it."""
    return {"error": {"reason": error.reason, "message": error.public}}


def credential(headers: dict[bytes, bytes]) -> bytes:
    """The key that the caller presents, or nothing: bearer token, ``x-api-key`` (LiteLLM), or password of basic
    authentication (browsers)."""
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
