"""From settings to receivers: ``[[siem]]``, with their files and secrets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from chatward.monitoring.follower import Shipping, Taker
from chatward.monitoring.formats import formatted
from chatward.monitoring.sinks import (
    HttpLines,
    LinesFile,
    Sink,
    SinkError,
    SyslogDatagrams,
    SyslogStream,
    address,
    post,
    tls,
)
from chatward.monitoring.traces import Exporting, Spans
from chatward.settings import Settings
from chatward.settings.monitoring import Siem

Secret = Callable[[str], str]
"""Resolves a reference. Raises ``ConfigError``."""


def host_of(settings: Settings) -> str:
    """What this installation is called."""
    return settings.monitoring.host or socket.gethostname() or "chatward"


def shipping(one: Siem, host: str, version: str, secret: Secret) -> Shipping:
    """What ships to one receiver. Raises ``ConfigError`` for files and references that cannot be used."""
    return Shipping(_sink(one, secret), formatted(one.format, one.kind, host, version, one.facility), one.events)


def _headers(one: Siem, secret: Secret) -> dict[str, str]:
    """The key, where there is one."""
    if one.key is None:
        return {}
    scheme = f"{one.key_scheme} " if one.key_header == "authorization" and one.key_scheme else ""
    return {one.key_header: scheme + secret(one.key)}


def exporting(one: Siem, path: Path, host: str, version: str, secret: Secret) -> Exporting:
    """What sends traces and metrics to one collector. Raises ``ConfigError``."""
    headers = {**_headers(one, secret), "content-type": "application/json", "user-agent": "chatward"}
    context = tls(one.ca_file, one.client_cert, one.client_key) if one.address.startswith("https:") else None

    def send(place: str, body: dict[str, Any]) -> None:
        status = post(one.address.rstrip("/") + place, headers, orjson.dumps(body), context)
        if not 200 <= status < 300:
            raise SinkError(f"it answered {status}")

    return Exporting(Spans(path, host, version, one.attributes), send)


def taker(one: Siem, path: Path, host: str, version: str, secret: Secret) -> Taker:
    """What takes entries for one receiver. ``path``: the ledger. Raises ``ConfigError``."""
    if one.kind == "otlp":
        return exporting(one, path, host, version, secret)
    return shipping(one, host, version, secret)


def _sink(one: Siem, secret: Secret) -> Sink:
    if one.kind == "file":
        return LinesFile(Path(one.address), one.rotate_size, one.rotate_keep)
    if one.kind == "http":
        return HttpLines(
            one.address,
            _headers(one, secret),
            tls(one.ca_file, one.client_cert, one.client_key) if one.address.startswith("https:") else None,
            content_type="text/plain; charset=utf-8" if one.format == "cef" else "application/x-ndjson",
            secret=secret(one.secret).encode() if one.secret is not None else None,
        )
    scheme, host, port = address(one.address)
    if scheme == "udp":
        return SyslogDatagrams(host, port)
    context = tls(one.ca_file, one.client_cert, one.client_key) if scheme == "tls" else None
    return SyslogStream(host, port, context, confirm=one.confirm == "close")
