"""The formats by name, and which of them a kind of receiver takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from chatward.ledger.reading import Record
from chatward.monitoring.cef import cef
from chatward.monitoring.levels import level
from chatward.monitoring.ocsf import ocsf
from chatward.monitoring.syslog import enveloped, rfc5424, timestamp

Format = Callable[[Record], bytes]
"""An entry as bytes without a line end."""


def as_object(record: Record, host: str) -> dict[str, Any]:
    """An entry as it stands, with its level."""
    return {
        "seq": record.seq,
        "at": timestamp(record.at),
        "event": record.event,
        "level": level(record).label,
        "exchange": record.exchange,
        "fields": dict(record.fields),
        "hash": record.hash.hex(),
        "host": host,
    }


def formatted(name: str, kind: str, host: str, version: str, facility: int) -> Format:
    """The format ``name`` for a receiver of ``kind``: by syslog, everything stands in a syslog message."""
    if name == "rfc5424":
        return rfc5424(host, facility)
    inner: Format
    if name == "cef":
        inner = cef(host, version)
    elif name == "ocsf":
        inner = ocsf(host, version)
    else:
        inner = lambda record: orjson.dumps(as_object(record, host))  # noqa: E731 - one of four
    return enveloped(host, facility, inner) if kind == "syslog" else inner
