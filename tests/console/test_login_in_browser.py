"""Signing in, in a real browser: by keyboard, with the cookies and headers that browsers really send.

The guarded admin plane runs on its real server.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chatward.gateway.server import EmbeddedServer
from tests.browsing import BROWSING, needs_axe, violations, watched

GOOD = "correct horse battery"
OTHER = "staple of another kind"

pytestmark = BROWSING


@pytest.fixture
def plane(house) -> Iterator[tuple[object, str]]:
    """The plane on a port of this machine: the house, and its address."""
    it = house(secure=False)
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
    with watched(browser) as opened:
        yield opened


def type_in(page, *values: str) -> None:
    """As people without a mouse: the first field has the focus, Tab goes on, Enter sends."""
    page.locator("input:focus").wait_for()  # a page that has loaded may not have it yet
    for at, value in enumerate(values):
        if at:
            page.keyboard.press("Tab")
        page.keyboard.type(value)
    page.keyboard.press("Enter")


def test_the_first_admin_by_keyboard_from_the_link_to_the_log_out(page, plane):
    it, url = plane
    token = it.access.operators.first_link()
    page.goto(f"{url}/welcome/{token}")
    type_in(page, "ann", GOOD, GOOD)
    page.wait_for_url("**/login?done=new")
    assert page.get_by_role("status").text_content() == "Your account is there. Sign in."
    type_in(page, "ann", OTHER)
    assert page.get_by_role("alert").text_content() == "The name, the password or the code is wrong."
    type_in(page, "ann", GOOD)
    page.wait_for_url(f"{url}/")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Strict" for cookie in cookies.values())
    assert page.evaluate("document.cookie") == ""
    before = cookies["chatward-session"]["value"]
    page.goto(f"{url}/account")
    page.get_by_role("button", name="Set up one-time codes").press("Enter")
    assert "otpauth://" in page.locator("code").text_content()
    type_in(page, "123456")
    assert page.get_by_role("status").text_content() == "One-time codes are set up."
    page.get_by_label("Present password").fill(GOOD)
    page.get_by_label("New password").fill(OTHER)
    page.get_by_label("Password, once more").fill(OTHER)
    page.get_by_role("button", name="Change the password").press("Enter")
    assert page.get_by_role("status").text_content().startswith("The password is changed.")
    after = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}["chatward-session"]
    assert after != before
    page.get_by_role("button", name="Sign out").press("Enter")
    page.wait_for_url("**/login?done=out")
    page.goto(f"{url}/metrics")
    assert page.url == f"{url}/login?next=/metrics"
    type_in(page, "ann", OTHER, "123456")
    page.wait_for_url(f"{url}/metrics")


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_keep_the_accessibility_rules(page, plane, scheme):
    it, url = plane
    page.emulate_media(color_scheme=scheme)
    token = it.access.operators.first_link()
    for path in (f"/welcome/{token}", "/welcome/" + "x" * 43, "/login"):
        page.goto(url + path)
        assert violations(page) == []
    page.goto(f"{url}/welcome/{token}")
    type_in(page, "ann", GOOD, GOOD)
    page.wait_for_url("**/login?done=new")
    it.access.operators.use(it.access.operators.create("glass", GOOD, ["admin"], break_glass=True))
    it.access.sessions.open(it.access.operators.named("ann"), 1)
    type_in(page, "ann", OTHER)
    page.get_by_role("alert").wait_for()
    assert violations(page) == []
    type_in(page, "ann", GOOD)
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/account")
    assert page.get_by_role("button", name="I have reviewed this").is_visible()
    assert page.get_by_role("button", name="End", exact=True).is_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Set up one-time codes").click()
    assert violations(page) == []


def test_a_page_of_another_port_does_nothing_in_an_operators_name(page, plane):
    """Another port is the same site: the browser sends the cookies along, ``SameSite=Strict`` or not."""
    it, url = plane
    ann = it.access.operators.create("ann", GOOD, ["admin"])
    page.goto(f"{url}/login")
    type_in(page, "ann", GOOD)
    page.wait_for_url(f"{url}/")

    class Evil(BaseHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

        def do_GET(self):
            body = f'<form method="post" action="{url}/logout"><input name="csrf" value="x"><button>Win</button></form>'
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    page.get_by_role("button", name="Win").click()
    page.get_by_role("alert").wait_for()
    server.shutdown()
    server.server_close()
    headers = sent[0].all_headers()
    assert "chatward-session=" in headers["cookie"]
    assert headers["sec-fetch-site"] == "same-site"
    assert "did not come from a page of this console" in page.get_by_role("alert").text_content()
    assert len(it.access.sessions.of(ann.id)) == 1
    assert "cross-site" in {fields["reason"] for _, fields in it.events("request:call:refused")}
    page.goto(f"{url}/account")
    assert page.url == f"{url}/account"
