"""The one credential of a request.

The rules:

1. ``authorization`` and ``x-api-key`` may each occur once. Both may occur together only with the same credential, as
   some clients send it twice. Whatever else could be read in two ways, and a proxy before us may have read it in the
   other: it is refused (``credentials-ambiguous``).
2. ``Bearer`` (RFC 6750) and ``DPoP`` (RFC 9449 section 7.1) are schemes whose credential is a token; of any other
   scheme the whole value is the credential. The scheme's case does not matter (RFC 9110 section 11.1).
3. A scheme without a token, or an empty header, presents nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from chatward.core.errors import IdentityError
from chatward.core.identity import Fields, Presented

API_KEY: Final = "x-api-key"
_TOKENS: Final = ("bearer", "dpop")


@dataclass(frozen=True, slots=True)
class Credential:
    """``scheme`` is ``bearer``, ``dpop``, ``x-api-key`` or ``other``; a name that is not known may be a secret."""

    scheme: str
    text: str = field(repr=False)


def shown(presented: Presented) -> Credential | None:
    """What a request presents, read once. Raises as ``credential`` does."""
    read: Any = presented.read
    if read is None:
        read = presented.read = (credential(presented.headers),)
    found: Credential | None = read[0]
    return found


def credential(headers: Fields) -> Credential | None:
    """What is presented. Raises ``IdentityError`` (400, ``credentials-ambiguous``)."""
    if "authorization" not in headers:
        if API_KEY not in headers:
            return None
        key = _one(headers, API_KEY)
        return Credential(API_KEY, key) if key else None
    authorized = _authorization(_one(headers, "authorization"))
    if API_KEY not in headers:
        return authorized
    key = _one(headers, API_KEY)
    if authorized is None or not key:
        return authorized or (Credential(API_KEY, key) if key else None)
    if key != authorized.text:
        _ambiguous()
    return authorized


def _one(headers: Fields, name: str) -> str:
    found = headers.get_all(name)
    if len(found) > 1:
        _ambiguous()
    return found[0].strip() if found else ""


def _authorization(value: str) -> Credential | None:
    scheme, _, token = value.partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if scheme in _TOKENS:
        return Credential(scheme, token) if token else None
    return Credential("other", value) if value else None


def _ambiguous() -> NoReturn:
    raise IdentityError(
        "The request presents more than one credential. Send one, in one header.",
        reason="credentials-ambiguous",
        status=400,
    )
