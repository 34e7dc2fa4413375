"""People who must be known to the company's directory as well as to its identity provider.

The rules:

1. What an identity provider says of a person counts only while the directory (``people``) does not shut them out. That
   is asked with every request, and by ``valid`` on every message and tool call inside an open stream.
2. Roles from groups are added to those of the token. Who loses one of them has to be known anew: ``valid`` is false
   for what was made with it.
3. Nobody but a person is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any, Final, NoReturn

from chatward.core.errors import ConfigError, IdentityError
from chatward.core.identity import Authenticator, Kind, Presented, Principal
from chatward.identity.people import LINK, ROLES, Link, PeopleRegistry, link_id
from chatward.identity.provider import Join, claim
from chatward.identity.record import Record
from chatward.settings import Identity
from chatward.stores.database import Database


class Provisioned:
    """An ``Authenticator`` before which stands the directory. Raises ``IdentityError``: ``person-inactive`` (403),
    ``token-revoked`` (401) for what was issued before somebody was let in again; and what ``inner`` does."""

    def __init__(self, inner: Authenticator, people: PeopleRegistry) -> None:
        self._inner = inner
        self._people = people

    def identify(self, presented: Presented) -> Principal | Awaitable[Principal | None] | None:
        found = self._inner.identify(presented)
        return self._later(found) if isawaitable(found) else self.admitted(found)

    def valid(self, principal: Principal) -> bool:
        return self._inner.valid(principal) and (principal.kind is not Kind.PERSON or self._people.admits(principal))

    def admitted(self, principal: Principal | None) -> Principal | None:
        """A principal with its roles from groups; also for who has just signed in (``oidc_login``)."""
        if principal is None or principal.kind is not Kind.PERSON:
            return principal
        standing = self._people.found(principal)
        if not standing.active:
            _refuse("person-inactive")
        if not self._people.admits(principal):
            _refuse("token-revoked")
        if not standing.roles:
            return principal
        attributes = {**principal.attributes, ROLES: " ".join(sorted(standing.roles))}
        return replace(principal, roles=principal.roles | standing.roles, attributes=attributes)

    async def _later(self, found: Awaitable[Principal | None]) -> Principal | None:
        return self.admitted(await found)


def linked(settings: Identity) -> Join:
    """Adds to a principal by which other claim than ``sub`` its provider's people are found in the directory."""
    known = settings.oidc
    links = {known[name].issuer: one.claim for name, one in settings.scim.links.items() if name in known}

    def join(principal: Principal, issuer: str, claims: Mapping[str, Any]) -> Principal:
        name = links.get(issuer, "sub")
        value = claim(claims, name)
        if name == "sub" or not isinstance(value, str) or not value:
            return principal
        return replace(principal, attributes={**principal.attributes, LINK: link_id(issuer, name, value)})

    return join


def registry(
    database: Database, settings: Identity, record: Record, *, clock: Callable[[], float] = time.time
) -> PeopleRegistry:
    """The directory of the settings: ``[identity.scim]``. Raises ``ConfigError``."""
    scim = settings.scim
    issuers = {name: provider.issuer for name, provider in settings.oidc.items()}
    for name in scim.links:
        if name not in issuers:
            key = f"identity.scim.links.{name}"
            raise ConfigError(f"There is no identity provider `{name}` in [identity.oidc].", key=key)
    links = [Link(issuers[name], one.attribute, one.claim) for name, one in scim.links.items()]
    links += [] if scim.links else [Link(issuer) for issuer in issuers.values()]
    for name, role in scim.groups.items():
        if not role or role.split() != [role]:
            raise ConfigError("A role is one word.", key=f"identity.scim.groups.{name}")
    return PeopleRegistry(database, record, links=links, groups=scim.groups, required=scim.required, clock=clock)


_PUBLIC: Final = {
    "person-inactive": (403, "Your access has ended. Ask whoever manages accounts in your organisation."),
    "token-revoked": (401, "This sign-in is not valid any more. Sign in again."),
}


def _refuse(reason: str) -> NoReturn:
    status, public = _PUBLIC[reason]
    raise IdentityError(public, reason=reason, status=status)
