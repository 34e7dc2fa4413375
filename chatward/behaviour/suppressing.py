"""Hearing no more of an incident: by whom, why, until when, and up to what size.

The rules:

1. A suppression has an owner, a reason, and an end, ``LONGEST`` days away at most. Its scope is the incident's size
   times ``breaks``: when it grows beyond that, or its time is over, the incident is told again (``incidents``).
2. It is on record before it counts. The reason stays in the file; the record has who and until when.
3. A gateway that runs hears of it when it next writes, half a minute later at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from chatward.behaviour.store import BehaviourStore
from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record

LONGEST: Final = 90
_HOUR: Final = 3_600.0
_REASON: Final = 500


def suppress(
    store: BehaviourStore,
    record: Record,
    incident: str,
    *,
    by: str,
    reason: str,
    hours: float,
    breaks: float = 2.0,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The incident as it stands then. Blocks. Raises ``ClientError`` (``incident-unknown``, ``suppression-invalid``)
    and ``StoreError``."""
    found = _incident(store, incident)
    if not by.strip() or not reason.strip() or len(reason) > _REASON:
        raise ClientError("A suppression needs an owner and a reason.", reason="suppression-invalid")
    if not 0 < hours <= LONGEST * 24:
        raise ClientError(f"A suppression ends within {LONGEST} days.", reason="suppression-invalid")
    now = clock()
    until, scope = now + hours * _HOUR, max(found["size"], 1) * breaks
    fields = {"incident": incident, "by": by, "scope": scope, "until": until}
    record(Entry(Event.BEHAVIOUR_INCIDENT_SUPPRESSED.value, "", fields))
    store.suppress(incident, by, reason.strip(), scope, now, until)
    return _incident(store, incident)


def lift(store: BehaviourStore, record: Record, incident: str, *, by: str) -> dict[str, Any]:
    """Ends a suppression, where there is one; the incident as it stands then. Blocks, raises as ``suppress``."""
    _incident(store, incident)
    fields = {"incident": incident, "by": by, "ended": "lifted"}
    if store.end_suppression(incident):
        record(Entry(Event.BEHAVIOUR_SUPPRESSION_ENDED.value, "", fields))
    return _incident(store, incident)


def _incident(store: BehaviourStore, id: str) -> dict[str, Any]:
    found = store.incident(id)
    if found is None:
        raise ClientError("There is no such incident.", reason="incident-unknown", status=404)
    return found
