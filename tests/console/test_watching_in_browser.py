"""The pages of watching in a real browser: by keyboard, in both themes, on a phone, live, and accessible."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browsing import BROWSING, needs_axe, violations, watched
from tests.console.conftest import GOOD, appended, exchange
from tests.console.picturing import PAGES, served

pytestmark = BROWSING


@pytest.fixture(scope="module")
def plane(tmp_path_factory) -> Iterator[tuple[object, str]]:
    with served(tmp_path_factory.mktemp("watching")) as found:
        yield found


@pytest.fixture
def page(browser, plane):
    _, url = plane
    with watched(browser, stays=url) as opened:
        opened.goto(f"{url}/login")
        opened.get_by_label("User name").fill("ann")
        opened.get_by_label("Password").fill(GOOD)
        opened.get_by_role("button", name="Sign in").click()
        opened.wait_for_url(f"{url}/")
        yield opened


DARK = """() => axe.run(document, {runOnly: ["color-contrast"]}).then(
    found => found.violations.flatMap(one => one.nodes.map(node => node.html)))"""


@needs_axe
def test_the_pages_keep_the_accessibility_rules_in_both_themes(page, plane):
    _, url = plane
    for path in PAGES.values():
        page.emulate_media(color_scheme="light")
        page.goto(url + path)
        for summary in page.locator("summary").all()[:3]:
            summary.click()
        assert violations(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(DARK) == [], path
    page.keyboard.press("Control+k")
    page.locator("#palette-list li").first.wait_for()
    assert violations(page) == []


def test_nothing_is_cut_off_on_a_phone_or_at_a_zoom_of_400(page, plane):
    """WCAG 2.2, 1.4.10 (reflow)."""
    _, url = plane
    page.set_viewport_size({"width": 320, "height": 640})
    beyond = """[...document.querySelectorAll("main *")].filter(one => !one.closest(".wide, svg"))
        .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 90))"""
    for path in PAGES.values():
        page.goto(url + path)
        assert page.evaluate(beyond) == [], path
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), path


def test_the_live_feed_shows_what_is_judged_while_one_looks(page, plane):
    it, url = plane
    page.goto(f"{url}/live?action=block")
    page.get_by_text("Connected.").wait_for()
    page.locator("#live tbody tr").first.wait_for()
    before = page.locator("#live tbody tr").count()
    appended(it.ledger_path, *exchange(900, "block", "text.leak/canary"), *exchange(901))
    page.get_by_text("text.leak/canary").wait_for()
    assert page.locator("#live tbody tr").count() == before + 1
    assert page.locator("#live tbody tr").first.get_by_text("text.leak/canary").count() == 1
    page.get_by_role("button", name="Pause").click()
    appended(it.ledger_path, *exchange(902, "block", "text.leak/prompt"))
    page.wait_for_timeout(700)
    assert page.get_by_text("text.leak/prompt").count() == 0
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("text.leak/prompt").wait_for()


def test_the_palette_goes_anywhere_by_keyboard(page, plane):
    _, url = plane
    page.keyboard.press("Control+k")
    page.keyboard.type("feeds")
    page.locator("#palette-list li").first.wait_for()
    page.wait_for_function("() => document.querySelectorAll('#palette-list li').length === 1")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/feeds")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_a_table_is_asked_anew_without_the_page_and_its_address_says_so(page, plane):
    """By keyboard; the focus stays, what came is told, nothing of it is stored in the browser, going back works."""
    _, url = plane
    page.goto(f"{url}/traffic")
    documents: list[str] = []
    page.on("request", lambda one: documents.append(one.url) if one.resource_type == "document" else None)
    page.locator("#standings-by-score").press("Enter")
    page.wait_for_url("**/traffic?standings.sort=score")
    page.locator("#signals-q").fill("headers")
    page.locator("#signals-q").press("Enter")
    page.wait_for_function("() => document.getElementById('told').textContent === '1 row'")
    asked = "/traffic?standings.sort=score&signals.q=headers"
    assert page.url == url + asked
    assert page.evaluate("document.activeElement.id") == "signals-q"
    assert page.locator("#standings-by-score").get_attribute("href") == asked.replace("score", "-score")
    page.locator("#signals-name").fill("<i>mine</i>")
    page.locator("#signals-name").press("Enter")
    page.get_by_role("link", name="<i>mine</i>").wait_for()
    page.wait_for_url("**/traffic?signals.q=headers")
    assert documents == []
    page.go_back()
    page.wait_for_url(f"**{asked}")
    page.locator("#table-standings [aria-sort]").wait_for()
    page.goto(f"{url}/messages")
    page.get_by_label("Since").fill("nonsense")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").text_content() == "The filter cannot be read: since."
    assert page.locator("main").count() == 1
    assert page.evaluate("[localStorage.length, sessionStorage.getItem('htmx-history-cache')]") == [0, None]
    off = "['allowEval', 'allowScriptTags', 'includeIndicatorStyles', 'historyCacheSize'].map(one => !htmx.config[one])"
    assert page.evaluate(f"[...{off}, htmx.config.selfRequestsOnly]") == [True] * 5
    made = "sink => String(trustedTypes.defaultPolicy.createHTML('<b>', 'TrustedHTML', sink))"
    sinks = ("Document parseHTMLUnsafe", "Element innerHTML", "Element insertAdjacentHTML", "")
    assert [page.evaluate(made, sink) for sink in sinks] == ["<b>", "", "", ""]
    page.context.clear_cookies()
    page.get_by_role("button", name="Show").click()
    page.get_by_label("Password").wait_for()


def test_a_chart_is_read_by_keyboard_and_its_colours_follow(page, plane):
    _, url = plane
    page.goto(f"{url}/alerts?of.entity=192.0.2.0%2F24")
    chart = page.get_by_role("slider", name="Alerts by signal")
    chart.press("Home")
    first = chart.get_attribute("aria-valuetext")
    assert "extreme 1" in first
    chart.press("ArrowRight")
    assert chart.get_attribute("aria-valuetext") != first
    chart.press("+")
    chart.press("0")
    drawn = "[...document.querySelectorAll('.plot canvas')].map(one => one.toDataURL().length)"
    light = page.evaluate(drawn)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => JSON.stringify({drawn}) !== '{light}'.replaceAll(' ', '')")
    page.get_by_role("button", name="odd").press("Enter")
    assert page.get_by_role("button", name="odd").get_attribute("aria-pressed") == "false"
    chart.press("End")
    assert "odd" not in chart.get_attribute("aria-valuetext")
    page.locator("#entity").select_option("person:0000000000000001")
    page.locator("#entity-show").press("Enter")
    page.wait_for_url("**of.entity=person*")
    page.wait_for_function("() => document.querySelector('#of tbody').rows.length === 16")
    page.wait_for_function("() => document.querySelectorAll('.plot canvas').length === 2")


def test_findings_are_judged_by_keyboard_together(page, plane):
    _, url = plane
    page.goto(f"{url}/findings?rule=text.pii/email")
    page.get_by_label("Choose all").focus()
    page.keyboard.press("Space")
    assert page.locator('input[name^="finding-"]:checked').count() == 10
    page.get_by_label("Verdict").focus()
    page.keyboard.type("False")
    page.get_by_label("Reason").focus()
    page.keyboard.type("harm")
    page.get_by_role("button", name="Give the verdict").press("Enter")
    page.wait_for_load_state()
    assert page.locator("main [role]").first.text_content() == "10 findings have a verdict now."


def test_the_ledger_is_verified_by_a_button(page, plane):
    _, url = plane
    page.goto(f"{url}/ledger")
    page.get_by_role("button", name="Verify now").click()
    assert "every link and every checkpoint fits" in page.get_by_role("status").text_content()


def test_language_and_colours_are_chosen_and_stay(page, plane):
    _, url = plane
    page.goto(f"{url}/messages")
    page.get_by_text("Language, time zone and colours").click()
    page.get_by_label("Language").select_option("de")
    page.get_by_label("Colours").select_option("dark")
    page.get_by_role("button", name="Save", exact=True).last.click()
    page.get_by_role("heading", name="Nachrichten", level=1).wait_for()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") != "light"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_no_script_is_needed_for_what_is_shown_and_done(browser, plane):
    _, url = plane
    with watched(browser, stays=url, java_script_enabled=False) as opened:
        opened.goto(f"{url}/login")
        opened.get_by_label("User name").fill("ann")
        opened.get_by_label("Password").fill(GOOD)
        opened.get_by_role("button", name="Sign in").click()
        opened.goto(f"{url}/messages")
        opened.get_by_label("Action").select_option("block")
        opened.get_by_role("button", name="Show").click()
        assert "action=block" in opened.url
        assert opened.locator("tbody .tag.block").count() >= 10
        opened.get_by_role("link", name="Search").click()
        opened.wait_for_url(f"{url}/search")
