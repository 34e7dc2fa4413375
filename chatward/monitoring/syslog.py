"""Entries as syslog messages: RFC 5424, and how they are put one after another on a stream.

The rules:

1. ``<PRI>1 TIMESTAMP HOSTNAME chatward - MSGID [chatward@32473 ...] MSG``. PRI is facility times 8 plus severity
   (section 6.2.1). The event is MSGID. Fields are the parameters of one structured data element, lists joined by
   commas, which no identifier holds. In their values ``"``, ``\\`` and ``]`` are escaped (section 6.3.3).
2. 32473 is the enterprise number for documentation (RFC 5612): Chatward has none of its own.
3. On TCP and TLS each message is preceded by its length in bytes and a blank (octet counting, RFC 6587 section 3.4.1,
   which RFC 5425 section 4.3 requires for TLS).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from chatward.ledger.reading import Record
from chatward.monitoring.levels import level

AUDIT: Final = 13
"""The facility "log audit" (RFC 5424, table 1)."""
_ID: Final = "chatward@32473"
_NAME: Final = re.compile(r"[^!-~]|[=\]\"]")
_ESCAPED: Final = re.compile(r'(["\\\]])')
_HOST: Final = re.compile(r"[^!-~]")


def timestamp(at: int) -> str:
    """Nanoseconds since 1970 as RFC 3339 with microseconds, UTC."""
    return f"{datetime.fromtimestamp(at // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{at % 10**9 // 1000:06d}Z"


def plain(value: object) -> str:
    """A field's value as text: lists by commas, truth values as JSON has them, nothing for ``None``."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(plain, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def header(record: Record, host: str, facility: int = AUDIT) -> str:
    """All before the structured data, with a blank at the end."""
    priority = facility * 8 + level(record).syslog
    name = _HOST.sub("", host)[:255] or "-"
    message = _NAME.sub("", record.event)[:32] or "-"
    return f"<{priority}>1 {timestamp(record.at)} {name} chatward - {message} "


def structured(record: Record) -> str:
    """The one element of structured data."""
    parameters = {"seq": record.seq, "exchange": record.exchange, "level": level(record).label, **record.fields}
    told = " ".join(
        f'{_NAME.sub("", name)[:32]}="{_ESCAPED.sub(_escape, plain(value))}"' for name, value in parameters.items()
    )
    return f"[{_ID} {told}]"


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def rfc5424(host: str, facility: int = AUDIT) -> Callable[[Record], bytes]:
    """A format: an entry with its fields as structured data."""
    return lambda record: f"{header(record, host, facility)}{structured(record)} {record.event}".encode()


def enveloped(host: str, facility: int, inner: Callable[[Record], bytes]) -> Callable[[Record], bytes]:
    """Another format as the message of a syslog message, as SIEMs take CEF and JSON."""
    return lambda record: f"{header(record, host, facility)}- ".encode() + inner(record)


def counted(message: bytes) -> bytes:
    """With its length before it."""
    return b"%d %b" % (len(message), message)
