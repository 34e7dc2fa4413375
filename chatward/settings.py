"""The settings of one Chatward, as the configuration file gives them.

The rule: the smallest useful file is one line, ``upstream = "https://..."``; everything else has a safe
default. Unknown keys are refused. Secrets appear only by reference: ``env:NAME`` or ``file:/path``. Reading files,
lines and suggestions live in ``chatward.configuration``; this module only says what can be set.

Durations are seconds, sizes bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Port = Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 takes a free one")]
Seconds = Annotated[float, Meta(gt=0)]
Size = Annotated[int, Meta(gt=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Mode = Literal["enforce", "monitor"]
TreatmentName = Literal["keep", "mask", "placeholder", "hash", "remove", "block"]
ActionName = Literal["allow", "redact", "challenge", "block"]


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all settings: frozen, by keyword, nothing unknown."""


class Server(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Chatward listens. Other addresses than loopback need TLS (or ``behind_tls_proxy``) and ``keys``."""

    host: str = "127.0.0.1"
    port: Port = 8787
    admin_host: str = "127.0.0.1"
    admin_port: Port = 8788
    tls_cert: str | None = None
    tls_key: str | None = None
    behind_tls_proxy: bool = False
    keys: tuple[str, ...] = ()
    """References to API keys (``env:``/``file:``) that callers must present as bearer or ``x-api-key``."""
    max_body: Size = 10 * 1024 * 1024
    max_depth: Size = 64
    max_parts: Size = 20_000
    body_timeout: Seconds = 30.0
    max_concurrent: Size = 1024


class Bot(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One guarded bot. ``upstream`` is its base URL, with or without the trailing ``/v1``."""

    upstream: str
    api_key: str | None = None
    """Reference to the key sent upstream; without it the caller's own credential is passed on."""
    connect_timeout: Seconds = 10.0
    read_timeout: Seconds = 300.0
    max_connections: Size = 256
    max_reply: Size = 32 * 1024 * 1024
    ca_file: str | None = None


class RuleException(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switches one rule off for a while. ``rule`` may end in ``*``. Needs an owner and a last day (ISO date)."""

    rule: str
    owner: str
    expires: str
    reason: str = ""
    values: tuple[str, ...] = ()
    """Only these values (exact, or ``*@example.com``); empty: the whole rule."""


class Treatments(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to a category of finding, by direction."""

    pii_input: TreatmentName = "placeholder"
    pii_output: TreatmentName = "mask"
    pii_own: TreatmentName = "keep"
    """PII in a reply that the same person gave in this conversation."""
    secret_input: TreatmentName = "placeholder"
    secret_output: TreatmentName = "mask"
    link_output: TreatmentName = "remove"
    hidden_text: TreatmentName = "remove"
    injection: TreatmentName = "block"
    indirect_injection: TreatmentName = "block"
    leak: TreatmentName = "block"
    other: TreatmentName = "block"


class RuleSetting(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides for one rule or guard (key: its id, may end in ``*``)."""

    enabled: bool = True
    threshold: Fraction | None = None
    treatment: TreatmentName | None = None


class Route(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of traffic is guarded. The first route whose conditions all match is taken."""

    paths: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Shell-style patterns; empty matches all."""
    bot: str = "default"
    mode: Mode = "enforce"
    guards: tuple[str, ...] = ("*",)
    """Guard ids or patterns. An empty list is an error: write ``["none"]`` to mean it."""
    on_unavailable: Literal["block", "allow"] = "block"
    guard_budget: Seconds = 2.0
    """Seconds that one guard may take on one message before it counts as unavailable."""
    threshold: Fraction = 0.5
    treatments: Treatments = field(default_factory=Treatments)
    rules: dict[str, RuleSetting] = field(default_factory=dict)
    exceptions: tuple[RuleException, ...] = ()
    allow: tuple[str, ...] = ()
    """Values that are never personal here (a hotline's number, ``*@example.com``)."""
    allow_links: tuple[str, ...] = ()
    """Hosts that replies may link to and load images from."""
    refusal: str = "This message was stopped by a safety check."
    canaries: tuple[str, ...] = ()
    """References to strings that must never appear in a reply."""


class LedgerSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record. ``durability``: ``power`` waits for the disk, ``process`` for the operating system."""

    enabled: bool = True
    path: str = "chatward.db"
    durability: Literal["power", "process"] = "power"
    group_wait: Annotated[float, Meta(ge=0)] = 0.0
    min_free: Size = 64 * 1024 * 1024
    """The gate closes while the disk has less free space than this."""


class Conversations(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether what people and bots write is kept. Off by default."""

    store: bool = False
    memory: Size = 50_000
    """How many inspected messages are remembered by digest."""
    threads: Size = 10_000
    """How many threads (``previous_response_id``) are remembered for ``thread_ttl``."""
    thread_ttl: Seconds = 86_400.0


class Chat(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chat page at ``/chat``."""

    enabled: bool = True
    title: str = "Chat"
    model: str = ""
    disclosure: str = "You are talking to an AI system. Do not rely on it in an emergency."


class Settings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. ``upstream = URL`` is short for ``[bots.default]`` with that ``upstream``."""

    upstream: str | None = None
    server: Server = field(default_factory=Server)
    bots: dict[str, Bot] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    conversations: Conversations = field(default_factory=Conversations)
    chat: Chat = field(default_factory=Chat)
