"""The settings of one Chatward, as the configuration file gives them.

The rule: the smallest useful file is one line, ``upstream = "https://..."``; everything else has a safe
default. Unknown keys are refused. Secrets appear only by reference: ``env:NAME`` or ``file:/path``. Reading files,
lines and suggestions live in ``chatward.configuration``; this package only says what can be set,
a section or a few a module, and in `rules` what may still not be said.

Durations are seconds, sizes bytes.
"""

from __future__ import annotations

from msgspec import field

from chatward.settings.acme import Acme
from chatward.settings.assurance import Assurance, Vendor
from chatward.settings.base import Fraction, Seconds, Size, Strict
from chatward.settings.behaviour import BehaviourSettings
from chatward.settings.channels import Channel, McpServer
from chatward.settings.education import Education
from chatward.settings.end_users import EndUserSettings
from chatward.settings.files import Files
from chatward.settings.identity import (
    Authorization,
    Identity,
    Oidc,
    OperatorProvider,
    OperatorSettings,
    RiskSettings,
    Scim,
    ScimLink,
    SignIn,
    StepUp,
)
from chatward.settings.intel import Intel, IntelSource
from chatward.settings.judge import ActionName, JudgeSettings
from chatward.settings.limits import Limit, Limiter, Price
from chatward.settings.links import Links
from chatward.settings.monitoring import AlertTarget, Monitoring, Siem
from chatward.settings.pages import Chat, Genuine, WidgetSettings
from chatward.settings.privacy import Notice, Privacy, Processor, Purpose
from chatward.settings.rights import Mail, Recipient, SpecialCategory, SpecialGround
from chatward.settings.routes import (
    DetectionName,
    LinkTreatmentName,
    Mode,
    Recogniser,
    Route,
    RuleException,
    RuleSetting,
    TreatmentName,
    Treatments,
)
from chatward.settings.seal import AwsKms, Pkcs11, Seal, VaultTransit
from chatward.settings.server import Bot, Port, Server
from chatward.settings.stores import Conversations, LedgerSettings, Stores
from chatward.settings.traffic import TrafficSettings
from chatward.settings.watch import Watch

__all__ = [
    "Acme",
    "ActionName",
    "AlertTarget",
    "Assurance",
    "Authorization",
    "AwsKms",
    "BehaviourSettings",
    "Bot",
    "Channel",
    "Chat",
    "Conversations",
    "DetectionName",
    "Education",
    "EndUserSettings",
    "Files",
    "Fraction",
    "Genuine",
    "Identity",
    "Intel",
    "IntelSource",
    "JudgeSettings",
    "LedgerSettings",
    "Limit",
    "Limiter",
    "LinkTreatmentName",
    "Mail",
    "McpServer",
    "Mode",
    "Monitoring",
    "Notice",
    "Oidc",
    "OperatorProvider",
    "OperatorSettings",
    "Pkcs11",
    "Port",
    "Price",
    "Privacy",
    "Processor",
    "Purpose",
    "Recipient",
    "Recogniser",
    "RiskSettings",
    "Route",
    "RuleException",
    "RuleSetting",
    "Scim",
    "ScimLink",
    "Seal",
    "Seconds",
    "Server",
    "Settings",
    "Siem",
    "SignIn",
    "Size",
    "SpecialCategory",
    "SpecialGround",
    "StepUp",
    "Stores",
    "Strict",
    "TrafficSettings",
    "TreatmentName",
    "Treatments",
    "VaultTransit",
    "Vendor",
    "Watch",
    "WidgetSettings",
]


class Settings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. ``upstream = URL`` is short for ``[bots.default]`` with that ``upstream``."""

    upstream: str | None = None
    """The base URL of the bot, where there is one bot."""
    server: Server = field(default_factory=Server)
    """Where to listen."""
    acme: Acme = field(default_factory=Acme)
    """A certificate that is got and renewed by itself."""
    bots: dict[str, Bot] = field(default_factory=dict)
    """Bots by name."""
    channels: dict[str, Channel] = field(default_factory=dict)
    """Rasa assistants and webhook bots by name."""
    mcp: dict[str, McpServer] = field(default_factory=dict)
    """MCP servers by name."""
    routes: dict[str, Route] = field(default_factory=dict)
    """Routes by name; `default` takes what no other takes."""
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    """The record."""
    genuine: Genuine = field(default_factory=Genuine)
    """Proof of who answers."""
    conversations: Conversations = field(default_factory=Conversations)
    """What is remembered of conversations."""
    stores: Stores = field(default_factory=Stores)
    """Databases in place of files."""
    seal: Seal = field(default_factory=Seal)
    """How what is stored is encrypted."""
    chat: Chat = field(default_factory=Chat)
    """The chat page."""
    widget: WidgetSettings = field(default_factory=WidgetSettings)
    """The chat for other pages."""
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    """The language model that is asked where the models are unsure."""
    identity: Identity = field(default_factory=Identity)
    """Who may ask, and how they are known."""
    operators: OperatorSettings = field(default_factory=OperatorSettings)
    """The people of the console."""
    limits: dict[str, Limit] = field(default_factory=dict)
    """Limits by name."""
    limiter: Limiter = field(default_factory=Limiter)
    """How they are counted."""
    traffic: TrafficSettings = field(default_factory=TrafficSettings)
    """Who is automated, and what is done about it."""
    step_up: StepUp = field(default_factory=StepUp)
    """Proofs in the middle of a conversation."""
    authorization: Authorization = field(default_factory=Authorization)
    """Who may do what."""
    risk: RiskSettings = field(default_factory=RiskSettings)
    """How risky callers are just now."""
    links: Links = field(default_factory=Links)
    """Links in messages."""
    intel: Intel = field(default_factory=Intel)
    """Threat intelligence."""
    behaviour: BehaviourSettings = field(default_factory=BehaviourSettings)
    """What is usual, and what is not."""
    mail: Mail = field(default_factory=Mail)
    """Mail to people."""
    privacy: Privacy = field(default_factory=Privacy)
    """Purposes, consent and rights."""
    files: Files = field(default_factory=Files)
    """Files that travel with messages."""
    education: Education = field(default_factory=Education)
    """Tips for people."""
    monitoring: Monitoring = field(default_factory=Monitoring)
    """What is watched for in the record."""
    siem: tuple[Siem, ...] = ()
    """Who gets every entry of it."""
    alerts: tuple[AlertTarget, ...] = ()
    """Who is told when something is seen there."""
    assurance: Assurance = field(default_factory=Assurance)
    """Known vulnerabilities, and what is due about them."""
    vendors: dict[str, Vendor] = field(default_factory=dict)
    """Third parties by name."""
