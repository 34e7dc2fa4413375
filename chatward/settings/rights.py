"""Parts of ``[privacy]`` and ``[mail]``: who is told when people use their rights, and how people are reached."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chatward.settings.base import Seconds, Strict

SpecialCategory = Literal[
    "racial-or-ethnic-origin", "political-opinions", "religious-or-philosophical-beliefs", "trade-union-membership",
    "genetic", "biometric", "health", "sex-life-or-orientation",
]  # fmt: skip
SpecialGround = Literal[
    "explicit-consent", "employment", "vital-interests", "not-for-profit-body", "made-public", "legal-claims",
    "substantial-public-interest", "health-care", "public-health", "archiving-or-research",
]  # fmt: skip
NoticeKind = Literal["erasure", "rectification", "restriction", "objection"]


class Recipient(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who got personal data and is told, by a signed webhook, when its person uses a right."""

    url: str
    """Where it is told: https, or this machine."""
    secret: str
    """Reference to the secret that signs (`whsec_` and base64 of 24 to 64 bytes; Standard Webhooks)."""
    kinds: tuple[NoticeKind, ...] = ("erasure", "rectification", "restriction", "objection")
    """What it is told of."""
    tenants: tuple[str, ...] = ()
    """Of whose people. Empty: of all."""


class Mail(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How mail is sent to people: links by which they show that an address is theirs."""

    host: str = ""
    """The SMTP server. Empty: no mail is sent."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted. `none` is for a server on this machine alone."""
    ca_file: str | None = None
    """Authorities (PEM) to trust in place of the system's."""
    user: str = ""
    """The name to sign in with; empty: nobody signs in."""
    password: str | None = None
    """Reference to the password."""
    sender: str = ""
    """The address that mail comes from."""
    timeout: Seconds = 20.0
    """Seconds that the server may take."""
    url: str = ""
    """The origin of this server as people reach it, which links begin with: `https://chat.example.com`."""
    link_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    """Minutes that a link is good."""
    tenants: tuple[str, ...] = ("default",)
    """Tenants whose people may ask for links: on `/chat/privacy?tenant=NAME`, or without that of `default`."""
    session_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    """Minutes that who followed it is known."""
