"""What a request's head says of who sent it."""

from __future__ import annotations

import pytest

from chatward.gateway.http1_exchange import Fields
from chatward.guards.traffic.headers import Claim, Head, claim, in_order, signals

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Safari/605.1.15"
)
PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)

PAGE = {
    "accept": "*/*",
    "origin": "https://chat.example",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-GB,en;q=0.9",
}


def hints(platform: str = "Windows", version: int = 140, mobile: str = "?0") -> dict[str, str]:
    brands = f'"Chromium";v="{version}", "Not=A?Brand";v="24", "Google Chrome";v="{version}"'
    return {"sec-ch-ua": brands, "sec-ch-ua-platform": f'"{platform}"', "sec-ch-ua-mobile": mobile}


def seen(agent: str, *more: dict[str, str], trustworthy: bool = True, without: str = "") -> set[str]:
    fields = {"host": "chat.example", "user-agent": agent}
    for one in more:
        fields |= one
    fields.pop(without, None)
    return set(signals(Head(Fields(fields, []), trustworthy)))


@pytest.mark.parametrize(
    ("agent", "more"),
    [
        (CHROME, hints()),
        (CHROME.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"), hints("macOS")),
        (CHROME.replace("Windows NT 10.0; Win64; x64", "X11; CrOS x86_64 14541.0.0"), hints("Chrome OS")),
        (CHROME + " Edg/140.0.0.0", hints()),
        (PHONE, hints("Android", mobile="?1")),
        (FIREFOX, {}),
        (SAFARI, {}),
        (CHROME.replace("140", "70"), {"sec-fetch-site": "same-origin"}),
        ("Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko)", {}),
    ],
    ids=["windows", "mac", "chromebook", "edge", "phone", "firefox", "safari", "old", "console"],
)
def test_of_a_browser_that_is_one_nothing_is_said(agent: str, more: dict[str, str]) -> None:
    assert seen(agent, PAGE, more) == set()


@pytest.mark.parametrize(
    "agent",
    ["curl/8.5.0", "python-requests/2.32.3", "Python/3.11 aiohttp/3.9", "OpenAI/Python 2.1.0", "Go-http-client/1.1",
     "node", "okhttp/4.12.0", "PostmanRuntime/7.39", "my own thing"],
)  # fmt: skip
def test_a_tool_is_one(agent: str) -> None:
    assert "headers.agent-tool" in seen(agent, PAGE) or agent == "node"
    assert claim(agent).family == "tool"


def test_nothing_is_said_by_a_program() -> None:
    assert seen("", PAGE) == {"headers.agent-missing"}
    assert seen(" ", PAGE) == {"headers.agent-missing"}


@pytest.mark.parametrize(
    ("agent", "more", "without", "signal"),
    [
        (CHROME, hints(version=156), "", "headers.hints-mismatch"),
        (CHROME, hints("Linux"), "", "headers.hints-mismatch"),
        (CHROME, hints(mobile="?1"), "", "headers.hints-mismatch"),
        (FIREFOX, hints(), "", "headers.hints-mismatch"),
        (CHROME, {}, "", "headers.hints-missing"),
        (CHROME, hints(), "sec-fetch-mode", "headers.fetch-missing"),
        (CHROME, hints() | {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, "", "headers.fetch-odd"),
        (CHROME, hints(), "origin", "headers.origin-missing"),
        (CHROME, hints(), "accept-language", "headers.language-missing"),
        (CHROME, hints(), "accept-encoding", "headers.encoding-missing"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), hints(), "", "headers.agent-headless"),
    ],
)
def test_what_does_not_fit_is_seen(agent: str, more: dict[str, str], without: str, signal: str) -> None:
    assert seen(agent, PAGE, more, without=without) == {signal}


def test_where_nothing_is_trustworthy_nothing_is_missed() -> None:
    """Browsers send neither hints nor fetch metadata to addresses over plain HTTP."""
    plain = {name: value for name, value in PAGE.items() if not name.startswith("sec-")}
    assert seen(CHROME, plain, trustworthy=False) == set()
    assert seen(CHROME, plain) == {"headers.hints-missing", "headers.fetch-missing"}


def test_every_browser_has_its_order() -> None:
    # As Chromium 156 sent it.
    sent = (
        "host connection content-length sec-ch-ua-platform user-agent sec-ch-ua content-type sec-ch-ua-mobile accept "
        "origin sec-fetch-site sec-fetch-mode sec-fetch-dest referer accept-encoding accept-language cookie"
    )
    names = sent.split()
    assert in_order("chromium", names)
    assert not in_order("chromium", [*names[-3:], *names[:-3]])
    assert not in_order("firefox", names)
    assert in_order("safari", names[::-1])
    assert in_order("chromium", [])


def test_hostile_agents_are_read_in_no_time() -> None:
    assert claim("Mozilla/5.0 " + "Chrome/" * 100_000).browser
    assert claim("Chrome/99999999") == Claim("chromium", 9999)
