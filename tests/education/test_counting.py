"""Counts of days survive, and what cannot be written is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.education.counting import TipCounts
from chatward.stores.database import Database

DAY = 86_400.0


def test_counts_by_tip_and_days(tmp_path: Path) -> None:
    now = [40 * DAY]
    database = Database(tmp_path / "e.db")
    counts = TipCounts(database, lambda: now[0])
    counts.add("card")
    counts.add("card")
    counts.add("card", "shown")
    now[0] += DAY
    counts.add("link", "dismissed")
    counts.flush()
    assert counts.totals(2) == {"card": {"given": 2, "shown": 1}, "link": {"dismissed": 1}}
    assert counts.totals(1) == {"link": {"dismissed": 1}}
    counts.add("card")
    counts.close()
    again = TipCounts(Database(tmp_path / "e.db"), lambda: now[0])
    assert again.totals(10) == {"card": {"given": 3, "shown": 1}, "link": {"dismissed": 1}}


def test_what_cannot_be_written_is_kept(tmp_path: Path) -> None:
    database = Database(tmp_path / "e.db")
    counts = TipCounts(database)
    counts.add("card")
    database.write("ALTER TABLE tip_counts RENAME TO away")
    with pytest.raises(StoreError):
        counts.flush()
    database.write("ALTER TABLE away RENAME TO tip_counts")
    counts.flush()
    assert counts.totals(1) == {"card": {"given": 1}}
