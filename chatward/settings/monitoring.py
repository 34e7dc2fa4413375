"""The settings of monitoring: where entries of the record go, and who is alerted of what. What they may not say is in
``settings_receivers``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from chatward.settings.base import Seconds, Size, Strict

LevelName = Literal["informational", "low", "medium", "high", "critical"]


class Siem(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver of every entry of the ledger, at least once and in order. It may be away for as long as it likes."""

    name: str = "siem"
    """What it is called; how far it has come is remembered by this name. Lower-case letters, digits and hyphens."""
    kind: Literal["syslog", "http", "file", "otlp"]
    """How it takes them. `otlp`: an OpenTelemetry collector, which gets traces and metrics made from them."""
    address: str
    """`tls://HOST:PORT`, `tcp://...`, `udp://...` for `syslog`, an https URL for `http`, `otlp`, a path for `file`."""
    format: Literal["rfc5424", "cef", "ocsf", "json"] = "json"
    """How an entry is written. By `syslog` the others stand in an RFC 5424 message; `rfc5424` is for `syslog` alone."""
    events: tuple[str, ...] = ("*",)
    """Patterns of the events that it gets."""
    start: Literal["beginning", "now"] = "beginning"
    """Where it begins in a ledger that is there already."""
    confirm: Literal["close", "sent"] = "close"
    """`syslog` by TCP and TLS: a batch counts once the receiver has read to its end and closed, or (for receivers that
    never close) once it was sent: then what a dying receiver had not read is lost."""
    facility: Annotated[int, Meta(ge=0, le=23)] = 13
    """`syslog`: the facility; 13 is "log audit"."""
    key: str | None = None
    """`http`: reference to a key that is sent with each batch."""
    key_header: str = "authorization"
    """`http`: the header in which it is sent; for `authorization`, `key_scheme` stands before it."""
    key_scheme: str = "Bearer"
    """`http`: `Bearer`, `Splunk`, ..."""
    secret: str | None = None
    """`http`: reference to a secret; batches are signed with it (HMAC-SHA-256, `x-chatward-signature`)."""
    ca_file: str | None = None
    """Authorities (PEM) to trust in place of the system's."""
    client_cert: str | None = None
    """File with the certificate (PEM) that Chatward shows."""
    client_key: str | None = None
    """File with its private key (PEM)."""
    attributes: tuple[Literal["action", "bot", "findings", "policy", "principal", "route", "rule", "rules"], ...] = ()
    """`otlp`: what of a verdict stands in a span as `chatward.NAME`."""
    rotate_size: Size = 100 * 1024 * 1024
    """`file`: bytes from which on a new file is begun."""
    rotate_keep: Annotated[int, Meta(ge=0, le=1000)] = 10
    """`file`: how many older ones stay."""


class AlertTarget(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is told of alerts: a signed webhook, or anything that apprise knows (mail, chat, pagers)."""

    name: str = "people"
    """What it is called. Lower-case letters, digits and hyphens."""
    kind: Literal["webhook", "apprise"] = "webhook"
    """`webhook`: Standard Webhooks, https. `apprise` needs the extra `siem`."""
    address: str
    """The URL; for `apprise`, whose URLs hold secrets, a reference to it: `env:NAME`, `file:/path`."""
    secret: str | None = None
    """`webhook`: reference to the secret (`whsec_...`) that messages are signed with. Needed."""
    level: LevelName = "medium"
    """The least that it is told of."""
    rules: tuple[str, ...] = ("*",)
    """Patterns of rules (their file names or ids) that it is told of."""
    gather: Seconds = 10.0
    """Seconds at least between two messages: what comes in between is told together."""
    per_hour: Annotated[int, Meta(ge=1, le=3600)] = 30
    """Messages in an hour at most; what is more waits, and comes together."""
    repeat: Seconds = 3600.0
    """Seconds after which an alert that goes on is told of again."""
    ca_file: str | None = None
    """`webhook`: authorities (PEM) to trust in place of the system's."""


class Monitoring(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is watched for in the record. Runs in a process of its own, beside the gateway."""

    path: str = ""
    """The SQLite file that remembers how far receivers have come, and alerts. Empty: beside the ledger."""
    host: str = ""
    """What this installation is called in what leaves it. Empty: the machine's name."""
    rules: tuple[str, ...] = ()
    """Files or folders with Sigma rules of your own (`logsource: product: chatward`)."""
    shipped_rules: bool = True
    """Whether the rules that come with Chatward are watched for, where there is somebody to alert."""
    without: tuple[str, ...] = ()
    """Patterns of rules (file names or ids) that are not watched for."""
    traces: bool = False
    """Whether a caller's `traceparent` is put on record, so that our spans stand in the caller's trace, and bots are
    given our span as its parent. Without it bots get the caller's as it is."""
    group: Seconds = 600.0
    """Seconds within which matches of a rule about the same caller are one alert."""
    keep: Annotated[float, Meta(ge=1)] = 90.0
    """Days that alerts are kept."""
