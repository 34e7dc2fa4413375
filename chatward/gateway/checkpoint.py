"""Who asks, as the gateway sees it: a request's head made ready for authenticators, and the answer checked again.

The rule: identity comes from credentials and from the connection, never from what a header says of somebody else.
Forwarding headers count only where they come from a proxy that the configuration trusts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from chatward.core.errors import IdentityError
from chatward.core.identity import Authenticator, Caller, Presented, Principal
from chatward.gateway.bodies import Fields
from chatward.gateway.parties import Scope

RECHECK: Final = 0.05
"""Seconds between two looks, inside a stream, at whether the one who gets it is still good."""
Peer = tuple[str, str, bytes | None]
"""Address, scheme and verified certificate (DER) of who sent a request."""
PeerOf = Callable[[str, str, Fields, bytes | None], Peer]
PostureOf = Callable[[str, Fields], frozenset[str]]
"""What is known of the caller's device, by the connection's address and the header fields."""


def direct(address: str, scheme: str, headers: Fields, certificate: bytes | None = None) -> Peer:
    """The peer where no proxy is trusted: the one at the other end of the socket, with what TLS verified there."""
    return address, scheme, certificate


class Checkpoint:
    """Asks who sends a request. ``public_url`` is the origin that callers use, where it is not that of the ``host``
    field (behind a proxy that changes it). ``posture_of`` reads what a proxy says of a device. ``standing`` gives what
    else must hold while the answer to this request runs, which raises where it does not any more."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        peer_of: PeerOf = direct,
        public_url: str = "",
        posture_of: PostureOf | None = None,
        standing: Callable[[], Callable[[], None] | None] = lambda: None,
    ) -> None:
        self._authenticator = authenticator
        self._standing = standing
        self._peer_of = peer_of
        self._posture_of = posture_of
        self._origin = public_url.rstrip("/")

    async def identify(self, scope: Scope) -> Caller:
        """Raises ``IdentityError``."""
        presented = self.presented(scope)
        found = self._authenticator.identify(presented)
        principal = found if found is None or isinstance(found, Principal) else await found
        if principal is None:
            raise IdentityError("A credential is needed.")
        return Caller(principal, presented)

    def still(self, principal: Principal) -> None:
        """Raises ``IdentityError`` where somebody is not good any more."""
        if not self._authenticator.valid(principal):
            raise IdentityError("This credential is not valid any more.", reason="revoked")

    def watch(self, principal: Principal) -> Callable[[], None]:
        """``still``, for a stream: called for every piece, and asks every ``RECHECK`` seconds."""
        asked = time.monotonic()
        also = self._standing()

        def still() -> None:
            nonlocal asked
            now = time.monotonic()
            if now - asked >= RECHECK:
                asked = now
                self.still(principal)
                if also is not None:
                    also()

        return still

    def presented(self, scope: Scope) -> Presented:
        address, scheme, certificate = self._peer(scope)
        url = self._asked(scheme, scope) + scope.path
        if self._posture_of is None:
            return Presented(scope.method, url, scope.headers, address, certificate)
        posture = self._posture_of(near_address(scope.client), scope.headers)
        return Presented(scope.method, url, scope.headers, address, certificate, posture)

    def origin(self, scope: Scope) -> str:
        """The origin that a request was sent to. Raises ``ClientError`` as ``presented`` does."""
        return self._asked(self._peer(scope)[1], scope)

    def _peer(self, scope: Scope) -> Peer:
        certificate = getattr(scope, "certificate", None)  # granian's scope has none
        client = scope.client
        return self._peer_of(
            near_address(client) if ":" in client else client, scope.scheme, scope.headers, certificate
        )

    def _asked(self, scheme: str, scope: Scope) -> str:
        return self._origin or f"{scheme}://{scope.headers.get('host') or ''}"


def near_address(client: str) -> str:
    """An address without the port that granian puts behind it."""
    if client.startswith("["):
        return client[1 : client.find("]")]
    address, colon, _ = client.partition(":")
    return client if not colon or ":" in client[len(address) + 1 :] else address
