"""Automated clients that sign their requests (Web Bot Auth), known by the directory of keys on their own site.

The rules:

1. Only agents of ``identity.agents`` are known: nothing else that a request names is fetched.
2. A request that carries a signature for this is judged by it alone: one that does not hold is refused, not anonymous.
   A request that presents a credential too is known by that one, if it stands before this in the chain.
3. A directory is asked for once, then kept for ``fresh`` seconds; a key that it does not name asks again, at most every
   ``cool`` seconds, so that made-up keys fetch nothing. While it cannot be had, what is known holds for ``stale``.
4. A ``nonce`` works once, as long as its signature lives; at most ``most`` are remembered, and beyond that nobody is
   let in rather than let in twice.
5. An agent that the settings no longer name is not good any more, from the next message on.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chatward.core import base64url
from chatward.core.errors import ChatwardError, IdentityError
from chatward.core.identity import Assurance, Fetch, Kind, Presented, Principal
from chatward.genuine.keyring import thumbprint
from chatward.genuine.message_signatures import DIRECTORY, Message, PublicKey, SignatureError, Signed, agent_of, verify

FRESH: Final = 3_600.0
COOL: Final = 30.0
STALE: Final = 86_400.0
MOST: Final = 50_000
MAX_KEYS: Final = 64
_READ: Final = (
    "signature-input", "signature", "signature-agent", "content-digest", "content-type", "date", "host", "user-agent",
)  # fmt: skip
"""Fields that a signature may cover."""


class AgentError(IdentityError):
    """A signature that does not hold."""

    def __init__(self, reason: str = "agent-signature-invalid") -> None:
        super().__init__("The request's signature does not hold; see Web Bot Auth.", reason=reason)


@dataclass(slots=True)
class _Directory:
    keys: dict[str, PublicKey] = field(default_factory=dict)
    read: float = float("-inf")
    asked: float = float("-inf")


class Agents:
    """Implements ``core.identity.Authenticator``. ``origins`` are those of the agents (``https://agent.example``)."""

    def __init__(
        self,
        origins: Collection[str],
        fetch: Fetch,
        *,
        clock: Callable[[], float] = time.time,
        most: int = MOST,
    ) -> None:
        self._known = {origin: _Directory() for origin in origins}
        self._fetch = fetch
        self._clock = clock
        self._most = most
        self._seen: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def _identify(self, message: Message, origin: str) -> Principal:
        directory = self._known[origin]
        now = self._clock()
        if now - directory.read > FRESH:
            await self._read(origin, directory)
        try:
            signed = self._verified(message, directory, now)
        except SignatureError as error:
            if error.reason != "signature-key-unknown" or not await self._read(origin, directory):
                raise AgentError from None
            try:
                signed = self._verified(message, directory, now)
            except SignatureError:
                raise AgentError from None
        self._once(origin, signed, now)
        return Principal(principal_of(origin), Kind.SERVICE, assurance=Assurance.MULTI, expires=float(signed.expires))

    def identify(self, presented: Presented) -> Any:
        """A principal, awaited; ``None`` where nothing is signed for this. Raises ``AgentError``."""
        headers = presented.headers
        if "signature-input" not in headers:
            return None
        given = tuple((name, value) for name in _READ for value in headers.get_all(name))
        message = Message(presented.method, presented.url, given)
        try:
            origin = agent_of(message)
        except SignatureError as error:
            if error.reason == "signature-missing":
                return None
            raise AgentError from None
        if origin not in self._known:
            raise AgentError("agent-unknown")
        return self._identify(message, origin)

    def valid(self, principal: Principal) -> bool:
        return any(principal.id == principal_of(origin) for origin in self._known)

    def _verified(self, message: Message, directory: _Directory, now: float) -> Signed:
        keys = directory.keys if now - directory.read <= STALE else {}
        return verify(message, keys, now=now)

    async def _read(self, origin: str, directory: _Directory) -> bool:
        """Whether the directory was asked and answered."""
        now = self._clock()
        if now - directory.asked < COOL:
            return False
        directory.asked = now
        try:
            answer = await self._fetch("GET", origin + DIRECTORY)
            if answer.status != 200:
                return False
            directory.keys = _keys(answer.body)
        except (ChatwardError, ValueError, TypeError, LookupError, AttributeError):
            return False
        directory.read = now
        return True

    def _once(self, origin: str, signed: Signed, now: float) -> None:
        if not signed.nonce:
            return
        while self._seen and next(iter(self._seen.values())) <= now:
            self._seen.popitem(last=False)
        place = (origin, signed.nonce)
        if place in self._seen:
            raise AgentError("agent-signature-replayed")
        if len(self._seen) >= self._most:
            raise AgentError("agents-overloaded")
        self._seen[place] = signed.expires


def principal_of(origin: str) -> str:
    """The id of an agent's principal."""
    return f"agent:{urlsplit(origin).netloc}"


def _keys(body: bytes) -> dict[str, PublicKey]:
    """The Ed25519 keys of a directory, by thumbprint; others are passed over."""
    found: dict[str, PublicKey] = {}
    for jwk in orjson.loads(body)["keys"][:MAX_KEYS]:
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and "d" not in jwk:
            found[thumbprint(jwk["x"])] = Ed25519PublicKey.from_public_bytes(base64url.decode(jwk["x"]))
    return found
