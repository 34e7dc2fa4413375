"""How serious an entry of the ledger is, in one scale for every format.

The rules:

1. The scale is OCSF's: informational, low, medium, high, critical (``severity_id`` 1 to 5). What other formats have is
   derived: syslog's severity (RFC 5424, table 2) and CEF's 0 to 10.
2. An event has a level of its own (``_OF_EVENT``; else informational). A verdict raises it: what was blocked, or would
   have been under ``enforce``, is medium on the way in and high on the way out, since a bot had said it already. A
   guard that could not run is medium at least.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from chatward.core.events import Event
from chatward.ledger.reading import Record


class Level(IntEnum):
    """``severity_id`` of OCSF."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def label(self) -> str:
        return self.name.lower()

    @property
    def syslog(self) -> int:
        return _SYSLOG[self]

    @property
    def cef(self) -> int:
        return _CEF[self]


_SYSLOG: Final = {Level.INFORMATIONAL: 6, Level.LOW: 5, Level.MEDIUM: 4, Level.HIGH: 3, Level.CRITICAL: 2}
_CEF: Final = {Level.INFORMATIONAL: 1, Level.LOW: 3, Level.MEDIUM: 6, Level.HIGH: 8, Level.CRITICAL: 10}
LEVELS: Final = tuple(level.label for level in Level)

_OF_EVENT: Final = {
    Event.GATE_CLOSED.value: Level.CRITICAL,
    Event.REQUEST_REFUSED.value: Level.LOW,
    Event.CALLER_REFUSED.value: Level.LOW,
    Event.UPSTREAM_FAILED.value: Level.LOW,
    Event.STEP_UP_FAILED.value: Level.LOW,
    Event.APPROVAL_REFUSED.value: Level.LOW,
    Event.PASSKEY_SUSPENDED.value: Level.HIGH,
    Event.RECOVERY_FAILED.value: Level.MEDIUM,
    Event.RECOVERY_USED.value: Level.LOW,
    Event.OPERATOR_SESSION_REFUSED.value: Level.LOW,
    Event.OPERATOR_CREATED.value: Level.LOW,
    Event.OPERATOR_CHANGED.value: Level.LOW,
    Event.BREAK_GLASS_USED.value: Level.HIGH,
    Event.PERSON_SESSION_REFUSED.value: Level.LOW,
    Event.LIMITS_STORE_LOST.value: Level.MEDIUM,
    Event.CONVERSATION_REVEALED.value: Level.MEDIUM,
    Event.CONVERSATION_REVEAL_REFUSED.value: Level.MEDIUM,
    Event.APPROVAL_REVEALED.value: Level.LOW,
    Event.INCIDENT_OPENED.value: Level.HIGH,
}
_OF_ACTION: Final = {"redact": Level.LOW, "challenge": Level.MEDIUM, "block": Level.MEDIUM}
_REPLIES: Final = "reply:"


def level(record: Record) -> Level:
    """How serious one entry is."""
    fields = record.fields
    found = _OF_EVENT.get(record.event, Level.INFORMATIONAL)
    for key in ("action", "would"):
        found = max(found, _OF_ACTION.get(str(fields.get(key, "")), found))
    blocked = "block" in (fields.get("action"), fields.get("would")) or fields.get("outcome") == "blocked"
    if blocked and record.event.startswith(_REPLIES):
        found = max(found, Level.HIGH)
    if fields.get("unavailable"):
        found = max(found, Level.MEDIUM)
    return found


def is_finding(record: Record) -> bool:
    """Whether a guard found something in what was said, rather than that something happened."""
    fields = record.fields
    return bool(fields.get("findings")) or fields.get("action") in _OF_ACTION or fields.get("outcome") == "blocked"
