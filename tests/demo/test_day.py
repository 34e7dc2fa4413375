"""The made-up day of the demonstration."""

from __future__ import annotations

from pathlib import Path

from chatward.console.happened import Happened
from chatward.console.seeing import Seeing
from chatward.core.ports import RuleGuard
from chatward.demo import day
from chatward.guards.catalog import catalog
from chatward.ledger.reading import tail, verify

NOW = 1_700_000_000.0


def test_the_console_has_a_day_to_show(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    assert day.write(ledger, NOW) == len(tail(ledger, 10_000))
    assert verify(ledger).ok
    happened = Happened(ledger, None, pause=0)
    happened.catch_up(None)
    seen = Seeing(happened, lambda: NOW)
    assert seen.traffic("24h").total("message") == day.MESSAGES
    assert sum(1 for step in seen.traffic("24h").steps if step["allow"]) > 40, "all day long"
    assert seen.findings_open() == 45
    assert all(one.startswith("sample:") for one in seen.known("principal"))


def test_its_rules_are_rules_that_there_are() -> None:
    known = {rule.id for guard in catalog() if isinstance(guard, RuleGuard) for rule in guard.rules}
    assert {rule for _, rule, _ in day._RULES if rule} <= known
