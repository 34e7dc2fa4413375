"""A receiver that is behind is seen: by ``doctor``, by ``status``, in the metrics."""

from __future__ import annotations

from pathlib import Path

from chatward.commands.checkup import _monitoring
from chatward.ledger.reading import tail
from chatward.monitoring.cursors import Cursors, opened
from chatward.monitoring.standing import LATE, figures, standing
from chatward.settings import LedgerSettings, Settings
from chatward.settings.monitoring import Siem
from tests.monitoring.records import Written


async def test_a_receiver_that_lags_is_named_with_its_error(tmp_path: Path) -> None:
    written = Written(tmp_path)
    await written.add(4)
    newest = tail(written.path, 1)[0]
    siem = (Siem(name="lake", kind="file", address="x"), Siem(name="soc", kind="file", address="y"))
    settings = Settings(ledger=LedgerSettings(path=str(written.path)), siem=siem)
    database = opened(tmp_path / "chatward-monitoring.db")
    cursors = Cursors(database)
    cursors.move("lake", 4, newest.hash, 1.0)
    cursors.move("soc", 1, b"", 1.0)
    soon = newest.at / 1e9
    assert [one.behind for one in standing(settings, lambda: soon)] == [0, 3]
    assert [check.state for check in _monitoring(settings, lambda: soon)] == ["ok", "ok"]
    late = list(_monitoring(settings, lambda: soon + LATE + 1))
    assert [(check.name, check.state) for check in late] == [("monitoring.lake", "ok"), ("monitoring.soc", "failed")]
    assert "3 entries wait" in late[1].sentence
    cursors.failed("soc", "soc.example: Connection refused", soon)
    failed = list(_monitoring(settings, lambda: soon))[1]
    assert "Connection refused" in failed.sentence
    assert figures(settings)["chatward_siem_up"] == {"lake": 1.0, "soc": 0.0}
    database.close()


def test_where_nothing_is_sent_nothing_is_made(tmp_path: Path) -> None:
    settings = Settings(ledger=LedgerSettings(path=str(tmp_path / "ledger.db")))
    assert standing(settings) == []
    assert [check.state for check in _monitoring(settings, lambda: 0.0)] == ["ok"]
    with_one = Settings(ledger=settings.ledger, siem=(Siem(kind="file", address="x"),))
    assert [one.behind for one in standing(with_one)] == [0]
    assert list(tmp_path.iterdir()) == []
