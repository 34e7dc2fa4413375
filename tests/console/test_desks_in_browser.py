"""The pages of operators in a real browser: by keyboard, under their real headers, by the rules of accessibility."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from chatward.core.identity import Assurance, Kind, Principal
from chatward.gateway.server import EmbeddedServer
from chatward.identity.challenges import State
from tests.browsing import BROWSING, needs_axe, violations, watched

GOOD = "correct horse battery"
ADA = Principal("person:ada", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")
PAGES = ("/approvals", "/operators", "/keys", "/policy/explain")

pytestmark = BROWSING


@pytest.fixture
def plane(house) -> Iterator[tuple[object, str]]:
    """The plane on a port of this machine, with a call that waits and an emergency that nobody has looked at."""
    it = house({"ann": ["admin"], "eve": ["analyst"], "glass": ["admin"]}, secure=False)
    it.desks.approvals.ask(ADA, "transfer", '{"to": "ann@example.com", "amount": 250}', bot="bank")
    it.access.operators.use(it.access.operators.named("glass"))
    it.access.sessions.open(it.access.operators.named("eve"), Assurance.SINGLE)
    it.desks.keys.create("shop")
    loop, url = asyncio.new_event_loop(), []
    started, stopping = threading.Event(), asyncio.Event()

    async def run() -> None:
        server = EmbeddedServer(it.app, "127.0.0.1", 0, interface="asgi")
        await server.start()
        url.append(server.url)
        started.set()
        await stopping.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(30)
    yield it, url[0]
    loop.call_soon_threadsafe(stopping.set)
    thread.join(30)


@pytest.fixture
def page(browser, plane):
    _, url = plane
    with watched(browser) as opened:
        opened.goto(f"{url}/login")
        opened.get_by_label("User name").fill("ann")
        opened.get_by_label("Password").fill(GOOD)
        opened.get_by_role("button", name="Sign in").click()
        opened.wait_for_url(f"{url}/")
        yield opened


def tab_to(page, name: str) -> None:
    """Goes on by Tab until what has the focus is called so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        said = page.evaluate("(document.activeElement.textContent || '').trim() || document.activeElement.id")
        if said == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_a_call_is_approved_by_keyboard_alone(page, plane):
    it, _ = plane
    [waiting] = it.desks.approvals.pending(Principal("operator:x", Kind.OPERATOR, roles=frozenset({"admin"})))
    tab_to(page, "Approvals")
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals")
    assert page.get_by_text("ann@example.com").count() == 0
    page.get_by_label("Reason").focus()
    page.keyboard.type("Checked")
    page.keyboard.press("Tab")
    page.keyboard.type("she rang")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_role("status").text_content() == "Approved. The call goes on."
    assert it.challenges.state(waiting.id) is State.MET


def test_a_key_is_made_by_keyboard_and_shown_once(page, plane):
    tab_to(page, "API keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/keys")
    page.get_by_label("What it is for").focus()
    page.keyboard.type("widgets")
    page.keyboard.press("Enter")
    shown = page.locator("pre").text_content()
    assert shown.startswith("cw_live_")
    page.get_by_role("link", name="API keys", exact=True).press("Enter")
    page.get_by_text("widgets").first.wait_for()
    assert page.locator("pre").count() == 0


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_keep_the_accessibility_rules(page, plane, scheme):
    _, url = plane
    page.emulate_media(color_scheme=scheme)
    for path in ("/", *PAGES):
        page.goto(url + path)
        for summary in page.locator("summary").all():
            summary.click()
        assert violations(page) == [], path
    page.get_by_role("button", name="Explain").click()
    page.get_by_role("heading", name="Answer").wait_for()
    assert violations(page) == []
    page.goto(f"{url}/operators")
    page.get_by_label("analyst").last.check()
    page.get_by_role("button", name="Make a link").click()
    page.get_by_text("/welcome/").wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_cut_off_at_any_width(page, plane, path):
    """WCAG 2.2, 1.4.10 (reflow): 320 CSS pixels is 1280 at a zoom of 400 %."""
    _, url = plane
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(url + path)
    for summary in page.locator("summary").all():
        summary.click()
    beyond = """[...document.querySelectorAll("main *")].filter(one => !one.closest(".wide"))
        .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 90))"""
    assert page.evaluate(beyond) == []
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
