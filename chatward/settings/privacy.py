"""``[privacy]``: purposes, processors, the notice and profiles of laws."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from chatward.settings.base import Strict
from chatward.settings.rights import Recipient, SpecialCategory, SpecialGround


class Purpose(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What personal data is processed for, and on what ground. A route has one."""

    summary: str = ""
    """What for, in a sentence that people read in the notice."""
    lawful_basis: (
        Literal["consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"]
        | None
    ) = None
    """The ground (GDPR Article 6(1)). `consent`: no message passes before its person has consented."""
    interest: str = ""
    """`legitimate-interests`: which they are (Article 13(1)(d))."""
    use: Literal["service", "analytics", "sharing", "sale"] = "service"
    """All but `service` is opted out of by Global Privacy Control, and by who asks for it."""
    retention_days: Annotated[int, Meta(ge=1)] | None = None
    """Days that stored turns are kept for it."""
    necessary: tuple[Literal["pii", "phi"], ...] = ()
    """What a bot has to be sent as written. Where it is not listed, a profile refuses `pii_input = "keep"`."""
    special: tuple[SpecialCategory, ...] = ()
    """Special categories of data that it is about (GDPR Article 9(1))."""
    special_ground: SpecialGround | None = None
    """Why they may be processed (Article 9(2)). `explicit-consent`: no message passes before its person has consented
    expressly."""
    phi: bool = True
    """Whether health information may be in it; counts under `hipaa`."""
    minors: Literal["allow", "refuse"] = "allow"
    """Whether people who are known to be minors (`privacy.minor_role`) are served."""
    decides: bool = False
    """Whether it leads to decisions with legal or similarly significant effects (Article 22)."""
    human_route: str = ""
    """`decides`: how a person reaches a human who can decide anew."""
    assessment: str = ""
    """Where the impact assessment (Article 35) is on file, or why there need be none. `gdpr` asks for it where the
    purpose `decides` or has `special` categories; `chatward privacy assessment` drafts one."""

    @property
    def explicit(self) -> bool:
        """Whether consent to it has to be explicit."""
        return bool(self.special) and self.special_ground == "explicit-consent"


class Processor(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who runs bots for the controller. Bots on loopback addresses need none."""

    name: str = ""
    """Its legal name, for the notice."""
    bots: tuple[str, ...] = ()
    """The bots that it runs."""
    own: bool = False
    """The controller itself: no contract is needed."""
    region: str = ""
    """Where it processes: a country's two letters (ISO 3166-1), `EU` or `EEA`."""
    transfer: Literal["adequacy", "standard-clauses", "binding-rules", "derogation"] | None = None
    """On what ground data leave the EEA (GDPR Articles 45, 46, 47, 49); needed for other regions."""
    contract: str = ""
    """Where the processing contract (Article 28) is on file."""
    contract_until: str = ""
    """Its last day (YYYY-MM-DD, UTC), if it ends."""
    business_associate: str = ""
    """Where the business-associate agreement (45 CFR 164.314) is on file."""
    business_associate_until: str = ""
    """Its last day."""
    service_provider: str = ""
    """Where the terms of 11 CCR 7051 are on file."""


class Notice(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people are told when their data are collected; served at `/v1/privacy/notice`."""

    version: str = ""
    """Names the text, such as `2026-03`. Consent holds for the version that it was given to."""
    text: str = ""
    """What is told beside the list that is made from the settings."""
    url: str = ""
    """Where people read the whole of it."""


class Privacy(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Purposes, consent, rights and the laws to be kept. Without profile and purposes nothing of it is on."""

    profile: tuple[Literal["gdpr", "hipaa", "hipaa-strict", "ccpa", "eu-ai-act", "companion"], ...] = ()
    """Laws whose requirements are switched on: what contradicts them is refused at the start."""
    path: str = ""
    """The SQLite file with consents, objections, requests and incidents. Empty: `chatward-privacy.db` beside the
    ledger."""
    controller: str = ""
    """Who decides about the data: name and address."""
    contact: str = ""
    """How people reach the controller."""
    officer: str = ""
    """How people reach the data protection officer, where there is one."""
    consent_url: str = ""
    """The page where people give consent; refusals name it. Programs use `POST /v1/privacy/consents`."""
    verify: Literal["credential", "passkey"] = "credential"
    """How surely it has to be known who asks for a right: by their credential, or by a passkey at that moment."""
    minor_role: str = ""
    """The role that says that a person is a minor, as keys and identity providers give roles."""
    gpc: bool = True
    """Whether `Sec-GPC: 1` opts out of purposes that are no `service`."""
    disclosure: Literal["header", "notice", "off"] = "header"
    """How the first answer of a conversation says that an AI wrote it (`chat.disclosure`): `notice`: in a member of the
    answer or a comment of the stream too. The bot's words are never changed."""
    mark: bool = True
    """Whether answers are marked as generated (`x-chatward-ai`)."""
    reminder: str = "You are still talking to an AI system, not to a person. This may be a good moment for a break."
    """What people who are known to be minors read in place of the disclosure, every three hours (`companion`)."""
    high_risk: bool = False
    """Whether this is a high-risk AI system (EU AI Act, Article 6)."""
    breach_hours: Annotated[int, Meta(ge=1)] = 72
    """Hours from awareness in which the authority is told (GDPR Article 33)."""
    notice: Notice = field(default_factory=Notice)
    """What people are told."""
    purposes: dict[str, Purpose] = field(default_factory=dict)
    """Purposes by name."""
    processors: dict[str, Processor] = field(default_factory=dict)
    """Processors by name."""
    recipients: dict[str, Recipient] = field(default_factory=dict)
    """Who is told, by a signed webhook, when people use their rights."""
