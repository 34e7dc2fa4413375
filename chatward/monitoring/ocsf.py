"""Entries as events of the Open Cybersecurity Schema Framework, version 1.5.

The rules:

1. What a guard found is a Detection Finding (class 2004) with the profile ``security_control``; everything else is API
   Activity (class 6003). ``type_uid`` is ``class_uid`` times 100 plus ``activity_id``; times are milliseconds.
2. ``metadata.uid`` is the entry's hash in the ledger and ``sequence`` its number, so that what came twice is found and
   what is missing is seen. ``correlation_uid`` joins the entries of one message.
3. Every field of the entry stands in ``unmapped`` as well: nothing is lost by mapping.

Source: schema.ocsf.io (``events/findings/detection_finding``, ``events/application/api_activity``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from chatward.ledger.reading import Record
from chatward.monitoring.cef import title
from chatward.monitoring.levels import Level, is_finding, level

VERSION: Final = "1.5.0"
FINDING: Final = 2004
ACTIVITY: Final = 6003

_CREATE: Final = frozenset(("created", "opened", "began", "registered", "issued", "enrolled", "given", "made", "set"))
_READ: Final = frozenset(("revealed", "exported"))
_UPDATE: Final = frozenset(("changed", "rotated", "corrected", "reviewed"))
_DELETE: Final = frozenset(("deleted", "removed", "revoked", "purged", "withdrawn", "ended", "lifted"))
_OTHER: Final = 99
_FAILED: Final = frozenset(("refused", "failed", "aborted", "expired", "lost", "suspended", "reveal-refused"))
_VERBS: Final = ((1, "Create", _CREATE), (2, "Read", _READ), (3, "Update", _UPDATE), (4, "Delete", _DELETE))

_ALLOWED, _DENIED, _OBSERVED, _MODIFIED = (1, "Allowed"), (2, "Denied"), (3, "Observed"), (4, "Modified")
_CONTROL: Final = {
    "allow": (_OBSERVED, (15, "Detected")),
    "redact": (_MODIFIED, (11, "Corrected")),
    "challenge": (_DENIED, (2, "Blocked")),
    "block": (_DENIED, (2, "Blocked")),
}


def event(record: Record, host: str, product: str) -> dict[str, Any]:
    """One entry as an event. ``product`` is our version."""
    found = _finding(record) if is_finding(record) else _activity(record)
    how = level(record)
    found |= {
        "time": record.at // 1_000_000,
        "severity_id": int(how),
        "severity": how.label.capitalize(),
        "message": title(record),
        "unmapped": dict(record.fields),
    }
    found["metadata"] = {
        "version": VERSION,
        "product": {"vendor_name": "Chatward", "name": "Chatward", "version": product},
        "log_name": "ledger",
        "log_provider": host,
        "event_code": record.event,
        "uid": record.hash.hex(),
        "sequence": record.seq,
        **({"correlation_uid": record.exchange} if record.exchange else {}),
        **({"profiles": ["security_control"]} if found["class_uid"] == FINDING else {}),
    }
    return found


def _finding(record: Record) -> dict[str, Any]:
    fields = record.fields
    rules = [str(rule) for rule in _listed(fields.get("rules")) or _listed(fields.get("rule"))]
    done = "block" if fields.get("outcome") == "blocked" else str(fields.get("action", "allow"))
    (action, action_name), (disposition, disposition_name) = _CONTROL.get(done, _CONTROL["allow"])
    told = rules[0] if rules else title(record)
    return {
        "class_uid": FINDING,
        "class_name": "Detection Finding",
        "category_uid": 2,
        "category_name": "Findings",
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": FINDING * 100 + 1,
        "type_name": "Detection Finding: Create",
        "is_alert": level(record) >= Level.MEDIUM,
        "action_id": action,
        "action": action_name,
        "disposition_id": disposition,
        "disposition": disposition_name,
        "finding_info": {
            "title": told,
            "uid": record.hash.hex(),
            "created_time": record.at // 1_000_000,
            "types": rules or [record.event],
            "analytic": {"type_id": 1, "type": "Rule", "name": told, "uid": told},
        },
    }


def _activity(record: Record) -> dict[str, Any]:
    fields = record.fields
    verb = record.event.rpartition(":")[2]
    number, name = next(((number, name) for number, name, verbs in _VERBS if verb in verbs), (_OTHER, "Other"))
    who = next((str(fields[key]) for key in ("operator", "by", "principal", "user") if fields.get(key)), "")
    failed = verb in _FAILED
    status = fields.get("status")
    return {
        "class_uid": ACTIVITY,
        "class_name": "API Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": number,
        "activity_name": name if number != _OTHER else verb,
        "type_uid": ACTIVITY * 100 + number,
        "type_name": f"API Activity: {name}",
        "status_id": 2 if failed else 1,
        "status": "Failure" if failed else "Success",
        **({"status_detail": str(fields["reason"])} if fields.get("reason") else {}),
        "actor": {"user": {"uid": who}} if who else {"app_name": "chatward"},
        "api": {
            "operation": record.event,
            "service": {"name": "chatward"},
            **({"request": {"uid": record.exchange}} if record.exchange else {}),
        },
        "src_endpoint": {"svc_name": str(fields.get("channel") or "chatward")},
        **({"http_response": {"code": status}} if isinstance(status, int) and not isinstance(status, bool) else {}),
    }


def _listed(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value] if value else []


def ocsf(host: str, product: str) -> Callable[[Record], bytes]:
    """A format."""
    return lambda record: orjson.dumps(event(record, host, product))
