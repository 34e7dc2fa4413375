"""Who asks, what they may do, and who operates: ``[identity]``, ``[step_up]``, ``[risk]``, ``[authorization]`` and
``[operators]``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from chatward.settings.base import Seconds, Strict
from chatward.settings.end_users import EndUserSettings


class Oidc(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One OpenID Connect identity provider: its people sign in here, and its tokens are accepted."""

    issuer: str
    """Its issuer identifier, to the letter as its tokens say it (`iss`); https, or loopback."""
    title: str = ""
    """What people read where they choose it; empty: its name here."""
    client_id: str = ""
    """What Chatward is called there; needed for signing in and for back-channel logout."""
    client_secret: str | None = None
    """Reference to the secret of that client; without it Chatward is a public client (PKCE alone)."""
    audiences: tuple[str, ...] = ()
    """Who a bearer token may be for (`aud`); empty: `client_id` only."""
    clients: tuple[str, ...] = ()
    """Clients, besides `client_id`, whose tokens are accepted (`azp`, `client_id`). Both empty: any of this issuer."""
    algorithms: tuple[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ...
    ] = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
    """Signature algorithms that are accepted."""
    token_types: tuple[Literal["at+jwt", "jwt"], ...] = ("at+jwt", "jwt")
    """Types (`typ`) of bearer tokens; `jwt` stands for none as well. Only `at+jwt`: access tokens of RFC 9068 alone."""
    scopes: tuple[str, ...] = ("openid",)
    """What is asked for when a person signs in."""
    roles_claim: str = ""
    """The claim that lists groups or roles; dots enter objects (`realm_access.roles`)."""
    role_map: dict[str, str] = field(default_factory=dict)
    """Role here by group or role there. What is not in it gives no role."""
    tenant: str = "default"
    """The tenant of its people, where `tenant_claim` is empty."""
    tenant_claim: str = ""
    """The claim that names the tenant; a token without it is refused."""
    acr_multi: tuple[str, ...] = ()
    """Values of `acr` that stand for two factors; `mfa` in `amr` does so anyway."""
    acr_strong: tuple[str, ...] = ()
    """Values of `acr` that stand for a passkey with user verification."""
    clock_skew: Annotated[float, Meta(ge=0, le=300)] = 30.0
    """Seconds that its clock and this one may differ."""
    max_age: Seconds = 86_400.0
    """Seconds after its issue from which a token is refused, whatever `exp` says."""
    keys_fresh: Seconds = 3_600.0
    """Seconds after which its keys are fetched anew. A token is verified anew as often."""
    keys_stale: Annotated[float, Meta(ge=0)] = 21_600.0
    """Seconds beyond that for which its keys serve while it does not answer."""
    keys_cooldown: Seconds = 30.0
    """Seconds between two fetches, whatever tokens ask for."""


class ScimLink(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people of one identity provider are found among the users of the directory."""

    attribute: Literal["externalId", "userName"] = "externalId"
    """What of a user is compared."""
    claim: str = "sub"
    """The claim of a token that it is compared with."""


class Scim(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory tells who works here (SCIM 2.0 at `/scim/v2` of the admin plane)."""

    enabled: bool = False
    """Whether it may."""
    required: bool = False
    """Whether only people that it has told of are let in."""
    groups: dict[str, str] = field(default_factory=dict)
    """Role here by the name or `externalId` of a group there. What is not in it gives no role."""
    links: dict[str, ScimLink] = field(default_factory=dict)
    """By the name of an identity provider; empty: `externalId` is `sub`, for all of them."""


class SignIn(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people sign in at `/signin`, where an identity provider has a `client_id`."""

    url: str = ""
    """The gateway's origin as browsers know it (`https://chat.example`), for the provider to send them back to. Empty:
    only browsers on this machine can sign in."""
    idle: Annotated[float, Meta(ge=60)] = 3_600.0
    """Seconds without a request after which a session ends."""
    absolute: Annotated[float, Meta(ge=300, le=2_592_000)] = 43_200.0
    """Seconds from signing in after which it ends whatever happens; 30 days at most."""


class Identity(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may ask, and how they are known."""

    path: str = ""
    """The SQLite file with keys, operators, sessions and revocations. Empty: `chatward-identity.db` beside the
    ledger."""
    anonymous: bool = True
    """Whether somebody without any credential may ask; policy still decides what."""
    agents: tuple[str, ...] = ()
    """Origins of automated clients that sign their requests (Web Bot Auth): `https://agent.example`. Their keys are
    read from there. Others that sign are refused."""
    oidc: dict[str, Oidc] = field(default_factory=dict)
    """Identity providers by name."""
    sign_in: SignIn = field(default_factory=SignIn)
    """Signing in with a browser."""
    scim: Scim = field(default_factory=Scim)
    """The directory that says who works here."""
    end_users: EndUserSettings = field(default_factory=EndUserSettings)
    """The people behind one API key."""


class StepUp(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proving who one is in the middle of a conversation: passkeys, and one-time codes as a fallback."""

    rp_id: str = "localhost"
    """The domain that passkeys are made for (RP ID). Changed later, the old passkeys no longer work."""
    rp_name: str = "Chatward"
    """What people's devices call it."""
    origins: tuple[str, ...] = ()
    """Origins of the pages that may ask for a passkey. Empty: `https://RP_ID`, or `http://localhost:PORT`."""
    freshness: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """Seconds that a proof holds for everything in its session; 0: for the one thing it was given for."""
    expiry: Annotated[float, Meta(ge=30, le=3_600)] = 300.0
    """Seconds to give a proof, and then to use it."""
    totp: bool = True
    """Whether one-time codes (RFC 6238) are accepted where policy is content with two factors."""
    first: Literal["signed-in", "two-factors", "code"] = "signed-in"
    """Who may register a first passkey: who is signed in, who signed in with two factors, who brings a code."""


class RiskSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How risky a person or visitor is just now, by what this gateway found of them: `context.risk` in policies."""

    enabled: bool = True
    """Whether anybody is rated. Else the risk is `unknown`."""
    raised: Annotated[float, Meta(gt=0)] = 4.0
    """Points from which on it is `raised`. An injection that was blocked is worth 3, a listed link 2, a canary 5."""
    high: Annotated[float, Meta(gt=0)] = 10.0
    """Points from which on it is `high`."""
    half_life: Annotated[float, Meta(ge=10)] = 600.0
    """Seconds in which points fade by half."""


class Authorization(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may do what, as Cedar policies. What no policy permits is denied."""

    policies: tuple[str, ...] = ()
    """Files with policies (`.cedar`): shell-style patterns, relative to the folder of this file."""
    default: bool = True
    """Whether the policies that come with Chatward apply too."""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Groups of resources for policies to name: `step-up = ["Tool::refund_*"]`."""
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Roles that include others: `lead = ["agent", "auditor"]`."""
    networks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of networks for policies to read as `context.network`: `office = ["198.51.100.0/24"]`. The narrowest one
    that has an address counts."""
    posture_header: str = ""
    """A header in which a trusted proxy (`server.trusted_proxies`) tells how the caller's device stands, for policies
    to read as `context.posture`: words with commas between them (`disk-encrypted, managed`)."""


class OperatorProvider(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which people of an identity provider of `[identity.oidc]` (by the same name) are operators."""

    claim: str
    """The claim that lists their groups or roles; dots enter objects (`realm_access.roles`)."""
    roles: dict[str, str]
    """Operator's role here by group there. Who has none of them cannot sign in to the console."""


class OperatorSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The people who run this Chatward, and how long they stay signed in to the console."""

    idle: Annotated[float, Meta(ge=60)] = 1800.0
    """Seconds without a request after which a session ends."""
    absolute: Annotated[float, Meta(ge=300)] = 43_200.0
    """Seconds from signing in after which it ends whatever happens."""
    break_glass: Annotated[float, Meta(ge=300)] = 3600.0
    """The same for break-glass accounts."""
    second_factor: Literal["optional", "required"] = "optional"
    """`required`: who signs in with a password alone can do nothing but set up one-time codes, and an identity provider
    must say that it saw two factors."""
    url: str = ""
    """The console's origin as browsers know it: an identity provider sends them back to it, and operators' passkeys are
    made for its name. Empty: on this machine."""
    oidc: dict[str, OperatorProvider] = field(default_factory=dict)
    """Identity providers by which operators sign in too."""
