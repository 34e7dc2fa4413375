"""Weeks are counted from a real ledger."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.education import effect
from chatward.education.effect import weeks
from chatward.ledger.sqlite import SqliteLedger


def filled(path: Path) -> None:
    async def fill() -> None:
        ledger = SqliteLedger(path)
        sent = {"principal": "p", "action": "allow"}
        hidden = {**sent, "action": "redact", "rules": ["text.pii/email", "text.secrets/x"]}
        for fields in (sent, hidden, {**hidden, "rules": ["links.url/x"]}, {**hidden, "action": "allow"}):
            await ledger.append(Entry(Event.UPSTREAM_INTENDED, "e", fields))
        await ledger.append(Entry(Event.MESSAGE_JUDGED, "e", {"principal": "p", "action": "block"}))
        await ledger.append(Entry(Event.REPLY_REPORTED, "e", {"why": "other"}))
        await ledger.append(Entry(Event.DRILL_SHOWN, "", {"kind": "code", "bot": "b"}))
        for did in ("followed", "reported"):
            await ledger.append(Entry(Event.DRILL_ENDED, "", {"kind": "code", "bot": "b", "did": did}))
        await ledger.append(Entry(Event.REPLY_STARTED, "e", {"channel": "c"}))
        await ledger.aclose()

    asyncio.run(fill())


def test_a_week_counts_messages_and_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.db"
    filled(path)
    for step in (5_000, 2, 1):  # however many entries are read at a time
        monkeypatch.setattr(effect, "_STEP", step)
        (week,) = weeks(path, 30)
        assert (week.messages, week.hidden, week.stopped, week.reports) == (5, 1, 1, 1)
        assert (week.drills, week.followed) == (1, 1)
        assert week.hidden_share == 0.2
    assert time.strftime("%Y", time.gmtime()) in week.monday or week.monday.endswith(("12-29", "12-30", "12-31"))


def test_what_is_older_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    filled(path)
    assert weeks(path, 1, now=time.time() + 3 * 86_400) == []
    assert weeks(tmp_path / "none.db", 7) == []
