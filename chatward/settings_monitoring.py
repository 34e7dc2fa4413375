"""The settings of monitoring: where entries of the record go, who is alerted of what; and what they may not say.

The rules are those of the other settings: strict, secrets by reference, safe by place (plain HTTP to this machine
alone). Pure: no file, no variable, no clock is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Meta

from chatward.settings_base import Seconds, Size, Strict

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


_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_REFERENCE: Final = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+")
_HEADER: Final = re.compile(r"[a-z0-9-]{1,64}")
Steps = tuple[str | int, ...]
Found = Iterator[tuple[Steps, str]]
Local = Callable[[str], bool]
"""Whether a host is this machine (``settings_rules.is_loopback``)."""


def monitoring_found(siem: tuple[Siem, ...], alerts: tuple[AlertTarget, ...], local: Local, *, recorded: bool) -> Found:
    """Keys and what is wrong with them. ``recorded``: whether there is a ledger."""
    seen = {"alerts"}  # the watching for rules is remembered by that name
    for index, one in enumerate(siem):
        steps = ("siem", index)
        yield from _named(steps, one.name, seen)
        yield from _receiver(steps, one, local)
        if not recorded:
            yield steps, "needs the ledger: `ledger.enabled = true`"
    for index, target in enumerate(alerts):
        steps = ("alerts", index)
        yield from _named(steps, target.name, seen)
        yield from _target(steps, target, local)
        if not recorded:
            yield steps, "needs the ledger: `ledger.enabled = true`"


def _named(steps: Steps, name: str, seen: set[str]) -> Found:
    if not _NAME.fullmatch(name):
        yield (*steps, "name"), "has lower-case letters, digits and hyphens"
    elif name in seen:
        yield (*steps, "name"), "is used twice: each receiver and each target needs a name of its own"
    seen.add(name)


def _receiver(steps: Steps, one: Siem, local: Local) -> Found:
    where = (*steps, "address")
    if one.kind == "syslog":
        parts = _split(one.address)
        if parts is None or parts.scheme not in {"tcp", "tls", "udp"} or not parts.hostname:
            yield where, "must be tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT"
        elif parts.path.strip("/") or parts.query or "@" in parts.netloc:
            yield where, "must be a host and a port alone"
    elif one.kind in {"http", "otlp"}:
        yield from _url(where, one.address, local)
    elif not one.address.strip() or "://" in one.address:
        yield where, "must be the path of a file"
    if one.format == "rfc5424" and one.kind != "syslog":
        yield (*steps, "format"), "is for `syslog` alone; use json, cef or ocsf"
    if not _HEADER.fullmatch(one.key_header):
        yield (*steps, "key_header"), "must be the name of a header, in lower case"
    for name in ("key", "secret"):
        yield from _reference((*steps, name), getattr(one, name))
    if (one.client_cert is None) != (one.client_key is None):
        yield (*steps, "client_key"), "a certificate needs its key, and a key its certificate"


def _target(steps: Steps, one: AlertTarget, local: Local) -> Found:
    if one.kind == "apprise":
        if not _REFERENCE.fullmatch(one.address):
            yield (*steps, "address"), "must be a reference, env:NAME or file:/absolute/path: it holds a secret"
        return
    yield from _url((*steps, "address"), one.address, local)
    if one.secret is None:
        yield (*steps, "secret"), "is needed: messages are signed"
    yield from _reference((*steps, "secret"), one.secret)


def _url(where: Steps, url: str, local: Local) -> Found:
    parts = _split(url)
    if parts is None or not parts.hostname:
        yield where, "must be an https:// URL"
    elif "@" in parts.netloc:
        yield where, "must not hold a user or password; give a key by reference"
    elif parts.scheme != "https" and not (parts.scheme == "http" and local(parts.hostname)):
        yield where, "must be an https:// URL (http on this machine alone)"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
        return parts
    except ValueError:
        return None


def _reference(where: Steps, value: str | None) -> Found:
    if value is not None and not _REFERENCE.fullmatch(value):
        yield where, "must be a reference, env:NAME or file:/absolute/path, not the secret itself"
