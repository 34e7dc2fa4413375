"""A report as people see it: by the accessibility rules, without asking anybody for anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatward.assurance.reports import as_html, report
from chatward.settings import Bot, LedgerSettings, Settings
from chatward.settings.rules import complete
from tests import browsing
from tests.browsing import BROWSING, needs_axe, violations, watched

pytestmark = BROWSING
browser = browsing.browser


@needs_axe
@pytest.mark.parametrize("name", ["owasp", "gdpr"])
def test_a_report_keeps_the_accessibility_rules(name: str, browser: Any, tmp_path: Path) -> None:
    bots = {"default": Bot(upstream="https://bot.example")}
    made = report(name, complete(Settings(bots=bots, ledger=LedgerSettings(path=str(tmp_path / "none.db")))))
    file = tmp_path / "report.html"
    file.write_text(as_html(made), "utf-8")
    with watched(browser, viewport={"width": 1000, "height": 1300}) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        assert violations(page) == []
        assert asked == [file.as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
