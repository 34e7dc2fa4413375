"""Operators' passkeys in a real browser, with Chromium's virtual authenticator, on the guarded plane's real server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from chatward.gateway.server import EmbeddedServer
from chatward.identity.relying_party import RelyingParty
from tests.browsing import AXE, BROWSING, Device, violations, watched

GOOD = "correct horse battery"

pytestmark = BROWSING


@pytest.fixture
def plane(house) -> Iterator[tuple[object, str]]:
    """The plane at ``localhost``, since no browser makes passkeys for an address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    party = RelyingParty("localhost", "Chatward", (f"http://localhost:{port}",))
    it = house({"ann": ["admin"]}, secure=False, passkeys=party)
    loop, started, stopping = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def run() -> None:
        server = EmbeddedServer(it.app, "127.0.0.1", port, interface="asgi")
        await server.start()
        started.set()
        await stopping.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(30)
    yield it, f"http://localhost:{port}"
    loop.call_soon_threadsafe(stopping.set)
    thread.join(30)


def test_an_operator_adds_a_passkey_signs_in_with_it_and_takes_it_away(browser, plane):
    it, url = plane
    with watched(browser, stays=url) as page:
        device = Device(page)
        page.goto(f"{url}/login")
        page.get_by_label("User name").fill("ann")
        page.get_by_label("Password").fill(GOOD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{url}/")
        page.goto(f"{url}/account")
        page.get_by_role("button", name="Add a passkey").click()
        assert page.locator("#passkeys-say").text_content() == "Prove first who you are."
        page.locator("#passkeys-proof").fill(GOOD)
        page.get_by_role("button", name="Add a passkey").press("Enter")
        page.get_by_role("button", name="Take away").wait_for()
        [made] = device.keys()
        assert made["isResidentCredential"]
        assert AXE.exists() is False or violations(page) == []
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/login?done=out")
        page.goto(f"{url}/login?next=/metrics")
        assert AXE.exists() is False or violations(page) == []
        device.verifies(False)
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.locator("#passkeys-say:not(:empty)").wait_for()
        assert it.events("operator:session:opened")[-1][1]["assurance"] == 1
        device.verifies(True)
        page.get_by_role("button", name="Sign in with a passkey").press("Enter")
        page.wait_for_url(f"{url}/metrics")
        assert it.events("operator:session:opened")[-1][1]["assurance"] == 3
        page.goto(f"{url}/account")
        with page.expect_navigation():  # the page comes anew once the session is lifted
            page.get_by_role("button", name="Prove with a passkey now").click()
        page.get_by_role("button", name="Take away").click()
        page.get_by_role("button", name="Take away").wait_for(state="detached")
    assert it.access.passkeys.of(it.access.operators.named("ann").id) == ()


def test_where_the_address_is_none_for_passkeys_the_page_says_where_they_work(browser, plane):
    _, url = plane
    with watched(browser) as page:
        page.goto(f"{url.replace('localhost', '127.0.0.1')}/login")
        assert page.get_by_text(url).is_visible()
        assert page.get_by_role("button", name="Sign in with a passkey").is_visible() is False
