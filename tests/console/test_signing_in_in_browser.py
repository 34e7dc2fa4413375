"""Signing in by an identity provider, in a real browser: the cookies, headers and navigations that browsers make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browsing import BROWSING, needs_axe, violations, watched
from tests.simulators.signing_in import World, mock_provider
from tests.simulators.signing_in import world as opened

pytestmark = BROWSING


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("signing-in")
    with mock_provider() as provider, opened(folder, provider, 1, second=False) as made:
        yield made


@pytest.fixture
def page(browser: Any, world: World) -> Iterator[Any]:
    with watched(browser) as opened_:
        # The provider's pages want a style sheet from far away.
        opened_.route(re.compile(r"^https://"), lambda route: route.fulfill(status=200, body=""))
        yield opened_


def held(page: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in page.context.cookies() if one["name"] == name)
    return found


def test_from_the_chat_page_to_the_provider_and_back_and_out(page: Any, world: World) -> None:
    page.goto(f"{world.url}/chat")
    page.get_by_label("Your message").fill("hello")
    page.keyboard.press("Enter")
    page.get_by_text("Sign in above, or enter an access key below, and send the message again.").first.wait_for()
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url(f"{world.url}/signin?**")
    page.get_by_role("link", name="Staff & friends").click()
    page.get_by_role("button", name="ada", exact=True).click()
    page.wait_for_url(f"{world.url}/chat")
    page.get_by_text("Signed in as Ada <b>Lovelace</b>").wait_for()  # as text, not as markup
    kept = held(page, "chatward-person")
    assert (kept["httpOnly"], kept["sameSite"], kept["expires"]) == (True, "Lax", -1)
    page.get_by_label("Your message").fill("hello")
    page.keyboard.press("Enter")
    page.locator("#log .bot").get_by_text("word").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    page.wait_for_url(f"{world.url}/signout")
    assert page.get_by_role("status").text_content() == "You are signed out."
    assert "chatward-person" not in {one["name"] for one in page.context.cookies()}


def test_the_page_without_script_signs_out_too(page: Any, world: World) -> None:
    page.goto(f"{world.url}/signin/staff?back=/signin")
    page.get_by_role("button", name="ben", exact=True).click()
    page.wait_for_url(f"{world.url}/signin")
    page.get_by_role("button", name="Sign out").click()  # a form, and a redirect to another origin after it
    page.get_by_role("button", name="End session").click()
    page.wait_for_url(f"{world.url}/signout")


def test_an_operator_arrives_with_cookies_that_no_other_site_makes_the_browser_send(page: Any, world: World) -> None:
    console = world.gateways[0].admin_url
    page.goto(f"{console}/account")
    page.wait_for_url(f"{console}/login?next=/account")
    page.get_by_role("link", name="Staff & friends").click()
    page.get_by_role("button", name="eve", exact=True).click()
    page.wait_for_url(f"{console}/account")
    assert held(page, "chatward-session")["sameSite"] == "Strict"
    assert "auditor" in (page.locator("main").text_content() or "")
    page.goto(f"{console}/login/staff")
    page.get_by_role("button", name="ada", exact=True).click()
    page.wait_for_url(f"{console}/login?problem=login-denied")


@needs_axe
def test_the_pages_are_accessible(page: Any, world: World) -> None:
    for path in ("/signin?problem=login-denied", "/signout", "/chat"):
        page.goto(world.url + path)
        page.wait_for_load_state("networkidle")
        assert violations(page) == [], path
    page.goto(f"{world.gateways[0].admin_url}/login")
    assert violations(page) == []
