"""From settings to receivers: ``[[siem]]``, with their files and secrets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from chatward.monitoring.follower import Shipping
from chatward.monitoring.formats import formatted
from chatward.monitoring.sinks import HttpLines, LinesFile, Sink, SyslogDatagrams, SyslogStream, address, tls
from chatward.settings import Settings
from chatward.settings_monitoring import Siem

Secret = Callable[[str], str]
"""Resolves a reference. Raises ``ConfigError``."""


def host_of(settings: Settings) -> str:
    """What this installation is called."""
    return settings.monitoring.host or socket.gethostname() or "chatward"


def shipping(one: Siem, host: str, version: str, secret: Secret) -> Shipping:
    """What ships to one receiver. Raises ``ConfigError`` for files and references that cannot be used."""
    return Shipping(_sink(one, secret), formatted(one.format, one.kind, host, version, one.facility), one.events)


def _sink(one: Siem, secret: Secret) -> Sink:
    if one.kind == "file":
        return LinesFile(Path(one.address), one.rotate_size, one.rotate_keep)
    if one.kind == "http":
        headers = {}
        if one.key is not None:
            scheme = f"{one.key_scheme} " if one.key_header == "authorization" and one.key_scheme else ""
            headers[one.key_header] = scheme + secret(one.key)
        return HttpLines(
            one.address,
            headers,
            tls(one.ca_file, one.client_cert, one.client_key) if one.address.startswith("https:") else None,
            content_type="text/plain; charset=utf-8" if one.format == "cef" else "application/x-ndjson",
            secret=secret(one.secret).encode() if one.secret is not None else None,
        )
    scheme, host, port = address(one.address)
    if scheme == "udp":
        return SyslogDatagrams(host, port)
    context = tls(one.ca_file, one.client_cert, one.client_key) if scheme == "tls" else None
    return SyslogStream(host, port, context, confirm=one.confirm == "close")
