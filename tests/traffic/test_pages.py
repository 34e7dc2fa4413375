"""The ladder as people meet it: by keyboard alone, without scripts, in the widget of another page; and axe-core."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from chatward.settings import WidgetSettings
from chatward.settings.traffic import TrafficSettings
from tests.browsing import BROWSING, needs_axe, violations, watched

pytestmark = BROWSING
ENFORCED = TrafficSettings(enabled=True, mode="enforce", wait_seconds=1.0)
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


class _Shop(BaseHTTPRequestHandler):
    gateway = ""

    def do_GET(self) -> None:
        page = '<!doctype html><html lang="en"><title>Shop</title><main><h1>Shop</h1></main>'
        page += f'<script src="{self.gateway}/widget.js" async data-launcher></script>'
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode() if self.path == "/" else b"")

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def shop() -> Iterator[Any]:
    """A page of another origin, with the widget on it."""
    handler = type("Handler", (_Shop,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(gateways: Any, shop: Any) -> Any:
    handler, origin = shop
    made = gateways(ENFORCED, widget=WidgetSettings(enabled=True, origins=(origin,)))
    handler.gateway = made.url
    return made


def test_by_keyboard_alone_a_browser_works_and_the_answer_comes(browser: Any, gateway: Any) -> None:
    """The browser says that it is driven, so it is asked for work: a worker does it, nobody touches anything."""
    with watched(browser, stays=gateway.url) as page:
        workers: list[str] = []
        page.on("worker", lambda worker: workers.append(worker.url))
        page.goto(f"{gateway.url}/chat")
        for _ in range(6):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "message":
                break
        page.keyboard.type("Where is my parcel?", delay=5)
        page.keyboard.press("Enter")
        page.wait_for_selector("#log li.bot .text:not(.waiting) >> text=I see.")
        assert workers == [f"{gateway.url}/chat/work.js"]
        assert "it is not a program" in page.text_content("#announcer")
        assert page.query_selector("#log [role=status]") is None  # what was said meanwhile is gone
        page.keyboard.type("Thank you.", delay=5)
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelectorAll('#log li.bot .text').length === 2")
        assert len(workers) == 1  # the pass is good for a while
    assert not any("x-chatward-page" in head for head in gateway.sent)
    assert "traffic:pass:given" in {str(record.event) for record in gateway.records()}


def test_the_field_nobody_sees_is_seen_by_nobody(browser: Any, gateway: Any) -> None:
    with watched(browser) as page:
        page.goto(f"{gateway.url}/chat")
        reached = set()
        for _ in range(12):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id"))
        assert "message" in reached
        assert "more" not in reached
        assert page.get_by_role("textbox").count() == 1
        box = page.locator("#more").bounding_box()
        assert box is None or box["width"] <= 1 or box["x"] + box["width"] <= 0 or box["height"] <= 1 or _cut(page)


def _cut(page: Any) -> bool:
    """Whether what holds the field shows at most a pixel of it."""
    shown: dict[str, float] = page.evaluate("document.getElementById('more').closest('p').getBoundingClientRect()")
    return shown["width"] <= 1 and shown["height"] <= 1


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "no worker"])
def test_the_widget_of_another_page_works_too(browser: Any, gateway: Any, shop: Any, worker: bool) -> None:
    """Where the page may have no worker, the widget works in slices."""
    with watched(browser) as page:
        if not worker:
            page.add_init_script("window.Worker = class { constructor() { throw new Error('none') } }")
        page.goto(shop[1])
        page.get_by_role("button", name="Chat").click()
        page.keyboard.type("Where is my parcel?", delay=5)
        page.keyboard.press("Enter")
        page.wait_for_selector("chatward-chat #log li.bot >> text=I see.")


def test_without_a_script_a_wait_gives_the_pass(browser: Any, gateway: Any) -> None:
    """By keyboard, in a browser that runs no script: the link of the refusal, a moment, a button."""
    with httpx.Client() as client:
        refused = client.post(f"{gateway.base_url}/chat/completions", json=ASKED)
        assert refused.status_code == 403
        wait = refused.json()["chatward"]["work"]["wait"]
        with watched(browser, java_script_enabled=False, stays=gateway.url) as page:
            page.goto(gateway.url + wait)
            assert "Please wait" in page.text_content("[role=status]") or "Thank you" in page.text_content("main")
            for _ in range(100):  # whoever is early is told so, and nothing is lost
                page.keyboard.press("Tab")
                with page.expect_navigation():
                    page.keyboard.press("Enter")
                if page.title() == "You can go on":
                    break
            assert page.title() == "You can go on"
        assert client.post(f"{gateway.base_url}/chat/completions", json=ASKED).status_code == 200
        with httpx.Client() as other:
            assert other.post(f"{gateway.base_url}/chat/completions", json=ASKED).status_code == 403


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_keep_the_accessibility_rules(browser: Any, gateway: Any, scheme: str) -> None:
    with watched(browser, color_scheme=scheme) as page:
        page.goto(f"{gateway.url}/chat")
        assert violations(page) == []
        refused = httpx.post(f"{gateway.base_url}/chat/completions", json=ASKED)
        page.goto(gateway.url + refused.json()["chatward"]["work"]["wait"])
        assert page.get_by_role("button", name="Continue").count() == 1
        assert violations(page) == []
        page.goto(f"{gateway.url}/chat/wait?t=none")
        assert violations(page) == []
