"""Putting right what is stored of a person, as a correction beside it (GDPR Article 16).

The rules:

1. What was written stays: it is what was said, and the record of what a bot answered to. A correction is appended, as a
   conversation of its own (``CORRECTIONS``), sealed as any, so that export, erasure, rotation and purge cover it.
2. It is on record that there is one, and never what it says.

Waits for the disk: call it on a thread.
"""

from __future__ import annotations

from typing import Final

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.core.values import Part, Source
from chatward.privacy.notices import Notices
from chatward.stores.conversations import ConversationStore
from chatward.stores.turns import Turn

CORRECTIONS: Final = "chatward:corrections"
"""What the conversation is called that holds a person's corrections."""
ROLE: Final = "correction"
_LONGEST: Final = 20_000


def correct(
    store: ConversationStore,
    record: Record,
    tenant: str,
    subject: str,
    text: str,
    *,
    by: str,
    notices: Notices | None = None,
) -> None:
    """Appends a correction; ``notices`` tells recipients. Raises ``ClientError`` (``field-type``) and
    ``StoreError``."""
    told = text.strip()
    if not told or len(told) > _LONGEST:
        raise ClientError(f"A correction has 1 to {_LONGEST} characters.", reason="field-type")
    record(Entry(Event.SUBJECT_CORRECTED, "", {"tenant": tenant, "principal": subject, "by": by}))
    if notices is not None:
        notices.tell("rectification", "subject.corrected", tenant, subject)
    store.write(tenant, subject, CORRECTIONS, [Turn(ROLE, (Part(told, Source.OPERATOR),))])
