"""One OpenID Connect identity provider: where things are (discovery), its keys, and what its claims mean here.

The rules:

1. Its description (OpenID Connect Discovery 1.0, RFC 8414) must name exactly the configured issuer, to the letter
   (section 4.3); every address in it is https, or on this machine's loopback. It is fetched and kept as keys are.
2. A person is known by issuer and subject, and by nothing else: names and addresses change hands. The id here is a
   digest of both, so that no record holds a name.
3. Roles come from the configured claim through the configured map. What the map does not hold gives no role: a provider
   cannot hand out a role that was not granted to it here.
4. Assurance is what the configuration says that ``acr`` stands for; ``mfa`` in ``amr`` (RFC 8176) is two factors. A
   plain token is one factor.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from chatward.core.errors import ConfigError
from chatward.core.identity import Assurance, Fetch, Kind, Principal
from chatward.identity.jose import ALGORITHMS, Expected, TokenError, Unverified, check, verify
from chatward.identity.jwks import KeySet, Remembered, Unreachable, get_object
from chatward.settings import Oidc

WELL_KNOWN: Final = "/.well-known/openid-configuration"
MAX_GROUPS: Final = 2000
_URL: Final = re.compile(r"[\x21-\x7e]{8,2048}")
_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")


Join = Callable[[Principal, str, Mapping[str, Any]], Principal]
"""Adds what is known here of a person to what a provider says: gets the principal, the issuer and the verified claims.
May raise ``IdentityError`` for somebody who is not let in."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is used of a provider's description. Addresses that it does not give are empty."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str
    token_methods: tuple[str, ...] | None
    challenge_methods: tuple[str, ...] | None
    names_itself: bool
    """Whether its answers carry ``iss`` (RFC 9207)."""


class Provider:
    """``name`` is that of ``[identity.oidc.NAME]``. Raises ``ConfigError`` for settings that cannot be used safely."""

    def __init__(
        self, name: str, settings: Oidc, fetch: Fetch, clock: Callable[[], float], join: Join | None = None
    ) -> None:
        _check_settings(name, settings)
        self.name = name
        self.settings = settings
        self.clock = clock
        self.fetch = fetch
        self._join = join
        timing = {"fresh": settings.keys_fresh, "stale": settings.keys_stale, "cooldown": settings.keys_cooldown}
        self._metadata = Remembered(self._discover, clock, **timing)
        self.keys = KeySet(self._jwks_uri, fetch, clock, algorithms=settings.algorithms, **timing)

    async def metadata(self) -> Metadata:
        """Raises ``Unreachable``."""
        return await self._metadata.get()

    async def verified(self, token: Unverified, expected: Expected) -> Mapping[str, Any]:
        """The claims of a token of this provider, once everything about it is good. The signature comes first, so that
        nothing but a real token learns more than that it is none. Raises ``TokenError`` and ``Unreachable``."""
        verify(token.jws, await self.keys.key(token.jws.kid, token.jws.alg))
        return check(token, expected, self.clock())

    def person(self, claims: Mapping[str, Any]) -> Principal:
        """Who verified claims are about. The attributes ``issued`` (``iat``) and ``idp_session`` are what revocation
        goes by: who makes a session of its own of this must keep them. Raises ``TokenError`` (``token-tenant``)."""
        settings = self.settings
        sid = claims.get("sid")
        session = session_id(settings.issuer, sid) if isinstance(sid, str) and sid else ""
        attributes = {"idp": self.name, "issued": repr(float(claims["iat"])), "idp_session": session}
        if isinstance(at := claims.get("auth_time"), (int, float)) and not isinstance(at, bool):
            attributes["auth_time"] = repr(float(at))
        found = Principal(
            person_id(settings.issuer, claims["sub"]),
            Kind.PERSON,
            tenant=self._tenant(claims),
            roles=self._roles(claims),
            assurance=self._assurance(claims),
            session=session,
            expires=min(float(claims["exp"]), float(claims["iat"]) + settings.max_age) + settings.clock_skew,
            attributes=attributes,
        )
        return found if self._join is None else self._join(found, settings.issuer, claims)

    def _tenant(self, claims: Mapping[str, Any]) -> str:
        if not self.settings.tenant_claim:
            return self.settings.tenant
        value = claim(claims, self.settings.tenant_claim)
        if not isinstance(value, str) or _TENANT.fullmatch(value) is None:
            raise TokenError("token-tenant")
        return value

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        value = claim(claims, self.settings.roles_claim) if self.settings.roles_claim else None
        listed = value if isinstance(value, list) else [value]
        granted = self.settings.role_map
        return frozenset(granted[name] for name in listed[:MAX_GROUPS] if isinstance(name, str) and name in granted)

    def _assurance(self, claims: Mapping[str, Any]) -> Assurance:
        acr, amr = claims.get("acr"), claims.get("amr")
        if isinstance(acr, str) and acr in self.settings.acr_strong:
            return Assurance.STRONG
        if (isinstance(acr, str) and acr in self.settings.acr_multi) or (isinstance(amr, list) and "mfa" in amr):
            return Assurance.MULTI
        return Assurance.SINGLE

    async def _jwks_uri(self) -> str:
        return (await self.metadata()).jwks_uri

    async def _discover(self) -> Metadata:
        document = await get_object(self.fetch, self.settings.issuer.rstrip("/") + WELL_KNOWN)
        if document.get("issuer") != self.settings.issuer:
            raise Unreachable from ValueError("the description is of another issuer")
        found = {name: document.get(name, "") for name in _ENDPOINTS}
        if any(not isinstance(url, str) or (url and not is_safe_url(url)) for url in found.values()):
            raise Unreachable from ValueError("an address that is not https")
        if not found["jwks_uri"]:
            raise Unreachable from ValueError("no key set")
        return Metadata(
            **found,
            token_methods=_texts(document.get("token_endpoint_auth_methods_supported")),
            challenge_methods=_texts(document.get("code_challenge_methods_supported")),
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )


def providers(
    settings: Mapping[str, Oidc], fetch: Fetch, clock: Callable[[], float], join: Join | None = None
) -> dict[str, Provider]:
    """All that are configured, by name. Raises ``ConfigError``; no two may have one issuer."""
    found = {name: Provider(name, one, fetch, clock, join) for name, one in settings.items()}
    issuers: dict[str, str] = {}
    for name, one in settings.items():
        if (other := issuers.setdefault(one.issuer, name)) != name:
            raise ConfigError(f"It has the issuer of `{other}`.", key=f"identity.oidc.{name}.issuer")
    return found


def person_id(issuer: str, subject: str) -> str:
    """``person:`` and 128 bits of a digest of issuer and subject; the same for ever, and for this issuer only."""
    return f"person:{_digest(issuer, subject)}"


def session_id(issuer: str, sid: str) -> str:
    """``oidc:`` and 128 bits of a digest of issuer and ``sid`` (OpenID Connect Front-Channel Logout section 3)."""
    return f"oidc:{_digest(issuer, sid)}"


def claim(claims: Mapping[str, Any], path: str) -> object:
    """A claim by its name, or inside objects by a path with dots. The whole name comes first: some have dots."""
    if path in claims:
        return claims[path]
    value: object = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def is_safe_url(url: str) -> bool:
    """https, or http on loopback (RFC 8252 section 7.3); without user, fragment, or what no URL has."""
    if _URL.fullmatch(url) is None or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_settings(name: str, settings: Oidc) -> None:
    key = f"identity.oidc.{name}"
    if not is_safe_url(settings.issuer) or "?" in settings.issuer:
        raise ConfigError("It must be an https address without query (or http on loopback).", key=f"{key}.issuer")
    if not settings.client_id and not settings.audiences:
        raise ConfigError("Either `client_id` or `audiences` must say who tokens are for.", key=key)
    if not settings.algorithms or any(name not in ALGORITHMS for name in settings.algorithms):
        raise ConfigError("It must list signature algorithms with public keys.", key=f"{key}.algorithms")
    if not settings.token_types:
        raise ConfigError("It must not be empty.", key=f"{key}.token_types")
    if "openid" not in settings.scopes:
        raise ConfigError("It must hold `openid`.", key=f"{key}.scopes")
    if settings.role_map and not settings.roles_claim:
        raise ConfigError("It needs `roles_claim`.", key=f"{key}.role_map")


def _texts(value: object) -> tuple[str, ...] | None:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else None


def _digest(issuer: str, what: str) -> str:
    return hashlib.sha256(f"{issuer}\0{what}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
