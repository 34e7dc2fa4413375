"""Who asks, and whose key goes to the bot.

The rules:

1. With keys configured, a caller must present one of them, as ``authorization: Bearer`` or as ``x-api-key``. Keys
   are kept and compared as SHA-256 digests, in constant time.
2. A key of Chatward's own is never sent on.
3. A bot with its own key gets that key and nothing of the caller's: ``x-api-key`` in the Anthropic dialect,
   ``authorization: Bearer`` in all others. Without one, the caller's credential is passed on.
4. A caller without a configured key is known by a digest of what is presented, so that the threads of two
   callers never mix; without any credential it is ``anonymous``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from chatward.core.errors import IdentityError
from chatward.gateway.bodies import Fields

ANONYMOUS: Final = "anonymous"


class Keys:
    """The configured API keys. None: everybody may ask."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    def identify(self, headers: Fields) -> str:
        """The caller's id. Raises ``IdentityError`` when a key is needed and none fits."""
        bearer = bearer_token(headers.get("authorization"))
        other = headers.get("x-api-key")
        if not self._digests:
            presented = bearer or other
            return f"caller:{_digest(presented).hex()[:16]}" if presented else ANONYMOUS
        for presented in (bearer, other):
            if presented is not None and self._known(digest := _digest(presented)):
                return f"key:{digest.hex()[:16]}"
        raise IdentityError("A valid API key is needed.")

    def own(self, presented: str) -> bool:
        """True for a key that is for Chatward itself."""
        return bool(self._digests) and self._known(_digest(presented))

    def _known(self, digest: bytes) -> bool:
        found = False
        for known in self._digests:
            found |= hmac.compare_digest(known, digest)
        return found


def for_bot(headers: Fields, keys: Keys, api_key: str | None, channel: str) -> list[tuple[str, str]]:
    """The credential headers of the request to the bot."""
    if api_key is not None:
        if channel.startswith("anthropic"):
            return [("x-api-key", api_key)]
        return [("authorization", f"Bearer {api_key}")]
    sent = []
    authorization = headers.get("authorization")
    if authorization is not None and not keys.own(bearer_token(authorization) or authorization):
        sent.append(("authorization", authorization))
    other = headers.get("x-api-key")
    if other is not None and not keys.own(other):
        sent.append(("x-api-key", other))
    return sent


def bearer_token(authorization: str | None) -> str | None:
    """The token of RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1)."""
    if authorization is None or authorization[:7].lower() != "bearer ":
        return None
    return authorization[7:].strip() or None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
