"""A made-up day for the demonstration's console: what a record would hold after some hundred conversations.

Callers are named ``sample:N``, so that nobody takes them for somebody's. The same day is made each time, and it ends
before the demonstration begins.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.ledger.sqlite import SqliteLedger

MESSAGES: Final = 240
HOURS: Final = 24
_RULES: Final = (
    ("block", "text.injection/developer-mode", 9),
    ("block", "text.secrets/aws-access-key", 2),
    ("block", "text.injection/exfiltrate-data", 3),
    ("redact", "text.pii/email", 16),
    ("redact", "text.pii/card", 8),
    ("redact", "text.pii/phone", 7),
    ("allow", "", 195),
)
"""Action, rule, and how many messages of the day."""


def write(ledger: Path, now: float) -> int:
    """Writes the day into a new ledger, up to a minute before ``now`` (seconds since 1970 UTC); how many entries."""
    entries = list(_entries())
    step = (HOURS * 3600 - 60) / len(entries)
    number = 0

    def clock() -> int:
        return int((now - 60 - (len(entries) - number) * step) * 1e9)

    async def append() -> None:
        nonlocal number
        kept = SqliteLedger(ledger, "process", clock=clock)
        try:
            for entry in entries:
                number += 1
                await kept.append(entry)
        finally:
            await kept.aclose()

    asyncio.run(append())
    return len(entries)


def _entries() -> Iterator[Entry]:
    chance = random.Random(7)  # noqa: S311 - the same day each time
    day = [(action, rule) for action, rule, n in _RULES for _ in range(n)]
    chance.shuffle(day)
    for number, (action, rule) in enumerate(day):
        exchange = f"5a3b1e00-0000-7000-8000-{number:012d}"
        judged: dict[str, Any] = {
            "channel": "openai_chat",
            "route": "default",
            "principal": f"sample:{chance.randrange(1, 18)}",
            "action": action,
            "policy": "sample",
        }
        if rule:
            judged |= {"rule": rule, "rules": [rule], "findings": 1}
        if action == "block":
            yield Entry(Event.MESSAGE_JUDGED, exchange, judged)
            continue
        reply = {"status": 200, "channel": "openai_chat", "route": "default", "action": "allow", "policy": "sample"}
        yield Entry(Event.UPSTREAM_INTENDED, exchange, {"bot": "default", "stream": False, **judged})
        yield Entry(Event.REPLY_JUDGED, exchange, reply)
