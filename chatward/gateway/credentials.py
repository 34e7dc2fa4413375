"""Who asks where keys stand in the configuration, and whose key goes to the bot.

The rules:

1. With keys configured, a caller must present one of them, as ``authorization: Bearer`` or as ``x-api-key``. Keys
   are kept and compared as SHA-256 digests, in constant time.
2. A credential by which Chatward knows a caller is never sent on.
3. A bot with its own key gets that key and nothing of the caller's: ``x-api-key`` in the Anthropic dialect,
   ``authorization: Bearer`` in all others. Without one, a credential that is not ours is passed on.
4. A caller without a configured key is known by a digest of what is presented, so that the threads of two
   callers never mix; without any credential it is ``anonymous``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from chatward.core.errors import IdentityError
from chatward.core.identity import ANONYMOUS, Assurance, Fields, Kind, Presented, Principal

OWN: Final = ("cw_", "cww_")
"""How every credential begins that Chatward has given out (``identity.keys``, ``identity.widget``)."""
_OTHERS_CREDENTIALS: Final = frozenset((Kind.ANONYMOUS, Kind.SERVICE))
"""Kinds whose requests may carry a credential that is for the bot."""


class Keys:
    """The keys of the configuration as ``core.identity.Authenticator``. ``None``: no such key is presented."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    def __len__(self) -> int:
        return len(self._digests)

    def identify(self, presented: Presented) -> Principal | None:
        if not self._digests:
            return None
        headers = presented.headers
        for credential in (bearer_token(headers.get("authorization")), headers.get("x-api-key")):
            if credential is not None and self._known(digest := _digest(credential)):
                return Principal(f"key:{digest.hex()[:16]}", Kind.SERVICE, assurance=Assurance.SINGLE)
        return None

    def valid(self, principal: Principal) -> bool:
        """A key of the configuration is good until the configuration is read again, which takes a restart."""
        return True

    def own(self, credential: str) -> bool:
        """True for a key that is for Chatward itself."""
        return bool(self._digests) and self._known(_digest(credential))

    def _known(self, digest: bytes) -> bool:
        found = False
        for known in self._digests:
            found |= hmac.compare_digest(known, digest)
        return found


class OpenDoor:
    """The last authenticator: keys of the configuration where there are some, else everybody."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def identify(self, presented: Presented) -> Principal:
        """Raises ``IdentityError`` where a key is needed and none fits."""
        principal = self._keys.identify(presented)
        if principal is not None:
            return principal
        if self._keys:
            raise IdentityError("A valid API key is needed.")
        return unknown_caller(presented.headers)

    def valid(self, principal: Principal) -> bool:
        return True


def unknown_caller(headers: Fields) -> Principal:
    """Somebody whose credential is for the bot, not for us; nobody in particular without one."""
    presented = bearer_token(headers.get("authorization")) or headers.get("x-api-key")
    if not presented:
        return ANONYMOUS
    return Principal(f"caller:{_digest(presented).hex()[:16]}", Kind.ANONYMOUS)


def for_bot(
    headers: Fields, principal: Principal, keys: Keys, api_key: str | None, channel: str
) -> list[tuple[str, str]]:
    """The credential headers of the request to the bot."""
    if api_key is not None:
        if channel.startswith("anthropic"):
            return [("x-api-key", api_key)]
        return [("authorization", f"Bearer {api_key}")]
    if principal.kind not in _OTHERS_CREDENTIALS:
        return []
    sent = []
    for name in ("authorization", "x-api-key"):
        value = headers.get(name)
        if value is not None:
            credential = bearer_token(value) or value if name == "authorization" else value
            if not credential.startswith(OWN) and not keys.own(credential):
                sent.append((name, value))
    return sent


def bearer_token(authorization: str | None) -> str | None:
    """The token of RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1)."""
    if authorization is None or authorization[:7].lower() != "bearer ":
        return None
    return authorization[7:].strip() or None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
