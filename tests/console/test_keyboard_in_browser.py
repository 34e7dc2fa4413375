"""Every page by keyboard alone: Tab reaches each control, one sees where one is, and can do what the page is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browsing import BROWSING, watched
from tests.console.conftest import GOOD
from tests.console.picturing import PAGES, served

pytestmark = BROWSING

_WALK = """(from) => {
    // The other rows are like the first.
    for (const row of document.querySelectorAll("tbody tr:nth-child(n+2)")) row.remove();
    for (const one of document.querySelectorAll("details")) one.open = true;
    const reached = window.reached = new Set(), blind = window.blind = [];
    document.addEventListener("focusin", ({ target }) => {
        reached.add(target);
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(target);
        const seen = (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || boxShadow !== "none";
        const { width, height } = target.getBoundingClientRect();
        if (!seen || !target.matches(":focus-visible") || !width || !height) blind.push(target.outerHTML.slice(0, 90));
    });
    const controls = "a[href], button, input, select, textarea, summary, [tabindex]";
    const all = () => [...document.querySelectorAll(controls)]
        .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({ visibilityProperty: true }))
        .filter((one) => one.type !== "radio" || one.checked);
    window.left = () => all().filter((one) => !one.closest(from) && !reached.has(one));
    return window.left().length;
}"""
_LEFT = "() => window.left().map((one) => one.outerHTML.slice(0, 90))"

ACTIONS = {
    "overview": ("link", "Last hour", "span=1h"),
    "live": ("button", "Show", "/live?"),
    "messages": ("button", "Show", "/messages?"),
    "message": ("link", "Health", "/health"),
    "findings": ("link", "false alarm", "state=false"),
    "finding": ("link", "Health", "/health"),
    "alerts": ("link", "Help with this page", "/help/behaviour"),
    "approvals": ("link", "Help with this page", "/help/step-up"),
    "privacy": ("link", "Help with this page", "/help/privacy"),
    "policy": ("button", "Try", "The file is good."),
    "explain": ("button", "Explain", "Policies that decided"),
    "bots": ("button", "Show", "bots.q="),
    "feeds": ("link", "Help with this page", "/help/intel"),
    "tools": ("button", "Accept it as it is now", "Accepted. The tool may be used from the next message on."),
    "traffic": ("button", "Show", ".q="),
    "vendors": ("link", "models", "/vendors/models"),
    "vendor": ("button", "Make a link", "The link is made."),
    "patches": ("button", "Scan now", "Everything was scanned"),
    "patch": ("button", "Show", ".q="),
    "controls": ("button", "Show", "controls.q="),
    "reports": ("button", "Make it", "The report is made and kept."),
    "report": ("link", "Reports", "/reports"),
    "redteam": ("button", "Show", ".q="),
    "redteam-run": ("button", "Show", ".q="),
    "ledger": ("button", "Verify now", "every link and every checkpoint fits"),
    "health": ("link", "Help with this page", "/help/operations"),
    "people": ("button", "End", "Ended."),
    "tenants": ("button", "Show", ".q="),
    "start": ("button", "Send the attack", "What was decided"),
    "help": ("link", "All of the documentation", "/help"),
    "documentation": ("link", "Health", "/health"),
    "operators": ("button", "Make a link", "Invite an operator"),
    "keys": ("link", "Help with this page", "/help/keys"),
    "account": ("link", "Help with this page", "/help/operators"),
    "search": ("button", "Search", "/search?q="),
}
"""Page -> the role and name of what is done there, and what is then told: words of the page or of its address."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory) -> Iterator[tuple[Any, str]]:
    with served(tmp_path_factory.mktemp("keyboard")) as found:
        yield found


def walked(page: Any, without: str = "[hidden]") -> list[str]:
    """Goes on by Tab until all controls but those of ``without`` have been reached; those that were not, and those that
    did not show it."""
    for number in range(3 * page.evaluate(_WALK, without)):  # a field for a day takes several
        page.keyboard.press("Tab")
        if number % 8 == 7 and not page.evaluate(_LEFT):
            break
    return [*page.evaluate(_LEFT), *page.evaluate("window.blind")]


def done(page: Any, name: str) -> None:
    """Does what the page is for by keyboard."""
    role, called, told = ACTIONS[name]
    page.locator("#main, header, nav").get_by_role(role, name=called).first.press("Enter")
    if told[0] in "/." or "=" in told:
        page.wait_for_function("told => location.href.includes(told)", arg=told)
    else:
        page.locator("main").get_by_text(told).first.wait_for()
    assert page.locator("h1").count() == 1


def test_every_page_is_used_by_keyboard_alone(browser, plane):
    assert ACTIONS.keys() == PAGES.keys()
    _, url = plane
    with watched(browser, stays=url) as page:
        page.goto(f"{url}/login")
        assert walked(page) == []
        page.get_by_label("User name").fill("ann")
        page.get_by_label("Password").fill(GOOD)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Overview").wait_for()
        assert walked(page) == []
        for name, path in PAGES.items():
            page.goto(url + path)
            if name == "live":
                page.locator("#live tbody tr").first.wait_for()
                page.get_by_role("button", name="Pause").press("Space")
            page.locator(".skip").press("Enter")
            assert walked(page, ".rail, .skip, header, footer") == [], name
            done(page, name)
        page.set_viewport_size({"width": 360, "height": 720})  # another layout: the menu is above the page
        page.goto(url)
        assert walked(page) == []
