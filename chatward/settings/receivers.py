"""What the settings of receivers and of alerts may not say.

The rules are those of the other settings: strict, secrets by reference, safe by place (plain HTTP to this machine
alone). Pure: no file, no variable, no clock is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from chatward.settings.base import NO_LITERAL, REFERENCE
from chatward.settings.monitoring import AlertTarget, Siem

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_HEADER: Final = re.compile(r"[a-z0-9-]{1,64}")
Steps = tuple[str | int, ...]
Found = Iterator[tuple[Steps, str]]
Local = Callable[[str], bool]
"""Whether a host is this machine (``settings.rules.is_loopback``)."""


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
        if not REFERENCE.fullmatch(one.address):
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
    if value is not None and not REFERENCE.fullmatch(value):
        yield where, NO_LITERAL
