"""People known by an identity provider: bearer and DPoP tokens (RFC 6750, RFC 9068, RFC 9449).

The rules:

1. Of this kind is whatever stands under ``Bearer`` or ``DPoP`` in ``authorization`` and looks like a signed token. It
   is good, or it is refused: it never counts as nothing.
2. ``iss`` chooses among the configured providers by exact equality, and everything else is that provider's.
3. A verified token is remembered by its digest, until it ends or the provider's keys are due to be fetched anew: its
   signature costs 220 µs (ES256), remembering a few. What it is bound to is proven with every request all the same.
4. ``valid`` asks for revocation each time: a log-out at the provider counts from the next message on, in every process.
5. A log-out token is no bearer token (``events``), whatever its type says.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from chatward.core.identity import Assurance, Presented, Principal
from chatward.identity import dpop
from chatward.identity.backchannel import Revocations
from chatward.identity.bound import Binding, Possession, binding
from chatward.identity.credential import shown
from chatward.identity.jose import Expected, TokenError, read
from chatward.identity.provider import Provider

MAX_REMEMBERED: Final = 20_000
_SCHEMES: Final = frozenset({"bearer", "dpop"})


@dataclass(frozen=True, slots=True)
class _Known:
    """A verified token, up to ``until``."""

    principal: Principal
    bound: Binding
    until: float


class OidcAuthenticator:
    """Implements ``core.identity.Authenticator``. ``providers`` by name; ``seen`` remembers proofs of possession;
    ``admits`` says of a principal whether it is good for any other reason (it must take microseconds).

    ``identify`` raises ``TokenError`` (401: ``token-invalid``, ``token-expired``, ``token-revoked``), the errors of
    ``dpop.verify`` and of ``credential``, and ``Unreachable`` (503, ``identity-provider-unavailable``).
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        revocations: Revocations,
        clock: Callable[[], float],
        seen: dpop.Seen | None = None,
        admits: Callable[[Principal], bool] | None = None,
        remembered: int = MAX_REMEMBERED,
    ) -> None:
        self._issuers = {provider.settings.issuer: provider for provider in providers.values()}
        self._algorithms = frozenset(name for one in providers.values() for name in one.settings.algorithms)
        self._expected = {provider.name: _expected(provider) for provider in providers.values()}
        self._revocations = revocations
        self._clock = clock
        self._possession = Possession(clock, seen)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._limit = remembered
        self._admits = admits

    def identify(self, presented: Presented) -> Principal | Awaitable[Principal] | None:
        found = shown(presented)
        if found is None or found.scheme not in _SCHEMES or not _looks_signed(found.text):
            return None
        scheme, token = found.scheme, found.text
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None or known.until <= self._clock():
            return self._verified(scheme, token, digest, presented)
        return self._admitted(known, scheme, token, presented)

    def valid(self, principal: Principal) -> bool:
        expires = principal.expires
        return (expires is None or self._clock() < expires) and self._good(principal)

    def _good(self, principal: Principal) -> bool:
        return not self._revocations.covers(principal) and (self._admits is None or self._admits(principal))

    async def _verified(self, scheme: str, token: str, digest: bytes, presented: Presented) -> Principal:
        self._known.pop(digest, None)
        unverified = read(token, self._algorithms)
        issuer = unverified.claims.get("iss")
        provider = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if provider is None:
            raise TokenError("token-issuer")
        if unverified.jws.alg not in provider.settings.algorithms:
            raise TokenError("token-algorithm")
        claims = await provider.verified(unverified, self._expected[provider.name])
        if "events" in claims:
            raise TokenError("token-type")
        bound = binding(claims)
        principal = provider.person(claims)
        if bound:
            principal = replace(principal, assurance=max(principal.assurance, Assurance.MULTI))
        until = min(principal.expires or 0.0, self._clock() + provider.settings.keys_fresh)
        known = _Known(principal, bound, until)
        admitted = self._admitted(known, scheme, token, presented)
        self._known[digest] = known
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return admitted

    def _admitted(self, known: _Known, scheme: str, token: str, presented: Presented) -> Principal:
        """What is asked with every request."""
        if not self._good(known.principal):
            raise TokenError("token-revoked", reason="token-revoked")
        self._possession.check(known.bound, presented, scheme, token)
        return known.principal


def _looks_signed(token: str) -> bool:
    """Three parts, or the beginning of a JSON object, as base64url or as it is. Chatward's own credentials (``cw_``,
    ``cww_``) say themselves what they are; nothing that begins so is a JSON object."""
    return not token.startswith("cw") and (token.count(".") >= 2 or token.startswith(("eyJ", "{")))


def _expected(provider: Provider) -> Expected:
    settings = provider.settings
    own = {settings.client_id} if settings.client_id else set()
    return Expected(
        settings.issuer,
        frozenset(settings.audiences) or frozenset(own),
        frozenset(settings.token_types),
        parties=frozenset(settings.clients) | own,
        skew=settings.clock_skew,
        max_age=settings.max_age,
    )
