"""Bot traffic in the console."""

from __future__ import annotations

from chatward.console.figures import Figures
from chatward.settings import Settings
from chatward.settings.traffic import TrafficSettings
from tests.console.conftest import GOOD, written

JUDGED = {
    "principal": "anonymous", "session": "s1", "score": 7, "actor": "bot", "rung": "work", "mode": "enforce",
    "signals": ["headers.library", "page.missing"],
}  # fmt: skip
ENTRIES = (
    ("traffic:session:judged", "01890a5d-ac96-774b-bcce-000000000001", JUDGED),
    ("traffic:pass:given", "", {"session": "s1", "how": "work"}),
    ("traffic:pass:refused", "", {"how": "work", "detail": "spent"}),
)


async def test_sessions_signals_and_what_was_done(house, watch, tmp_path) -> None:
    ledger = written(tmp_path / "ledger.db", ENTRIES)
    settings = Settings(traffic=TrafficSettings(enabled=True))
    figures = Figures(actors={"bot": 3, "human": 5}, rungs={"none": 5, "work": 3}, signals={"page.missing": 3})
    it = house({"ann": ["admin"]}, watching=watch(ledger, settings=lambda: settings, figures=lambda: figures))
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    told = (await browser.get("/api/v1/traffic")).json()
    assert told["actors"] == {"bot": 3, "human": 5}
    assert [(one["rung"], one["signals"]) for one in told["standings"]] == [
        ("pass-refused", ["work", "spent"]),
        ("pass-given", ["work"]),
        ("work", ["headers.library", "page.missing"]),
    ]
    page = (await browser.get("/traffic?standings.actor=bot")).text
    assert "headers.library" in page
    assert "<code>spent</code>" not in page
    assert "This only watches" in page
    assert 'href="/messages/01890a5d-ac96-774b-bcce-000000000001"' in page


async def test_where_nobody_looks_the_page_says_how_to(house, watch) -> None:
    browser = house({"ann": ["admin"]}, watching=watch()).browser()
    await browser.sign_in("ann", GOOD)
    assert "[traffic] enabled = true" in (await browser.get("/traffic")).text
