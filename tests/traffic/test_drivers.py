"""Real automation against the real chat page and API: each driver is caught within three messages.

``pytest -s`` prints which signals caught which, as in docs/traffic.md. Selenium needs Debian's ``chromium-driver`` (or
``CHROMEDRIVER``, the path of a driver).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import pytest

from chatward.guards.traffic.weights import explained
from chatward.settings.traffic import TrafficSettings
from tests.browsing import BROWSING, CHROMIUM

CAUGHT: Final = 30
TEXTS: Final = ("Where is my parcel?", "It was sent to the old address.", "Can you send it again, please?")
WINDOWS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
DRIVER: Final = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
UNFLAGGED: Final = [*FLAGS, "--disable-blink-features=AutomationControlled"]
ANSWERED: Final = (
    "k => document.querySelectorAll('#log li.bot .text').length >= k && document.getElementById('stop').hidden"
)
"""An answer's place is there before the bot was asked; it has ended when there is nothing to stop."""


@pytest.fixture(scope="module")
def watching(gateways: Any) -> Any:
    return gateways(TrafficSettings(enabled=True))


@pytest.fixture
def caught(watching: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    """What the test's driver did is judged when it is done."""
    before = len(watching.judged())
    yield
    judged = watching.judged()[before:]
    assert judged, "nothing was seen of it"
    lowest = min(judged, key=lambda one: one["score"])
    seen = ", ".join(name for name, weight in explained(lowest["signals"]) if weight < 0)
    print(f"\n| {request.node.name} | {lowest['score']} | {seen} |")
    assert lowest["score"] < CAUGHT
    assert lowest["actor"] == "bot"


def filled(page: Any, text: str) -> None:
    page.fill("#message", text)
    page.click("#send")


def typed(page: Any, text: str) -> None:
    page.click("#message")
    page.keyboard.type(text, delay=20)
    page.keyboard.press("Enter")


def paced(page: Any, text: str) -> None:
    """As a person would: it moves the mouse, keys are down for a while, and pauses differ."""
    chance = random.Random(text)
    page.mouse.move(chance.random() * 500, chance.random() * 300, steps=8)
    page.click("#message")
    for sign in text:
        page.keyboard.press("Space" if sign == " " else sign, delay=max(25, chance.gauss(70, 20)))
        page.wait_for_timeout(max(8, chance.gauss(30, 25)))
    page.keyboard.press("Enter")


def driven(
    watching: Any, how: Callable[[Any, str], None], *, flags: list[str] = FLAGS, messages: int = 3, **context: Any
) -> None:
    from playwright.sync_api import sync_playwright

    ignored = ["--enable-automation"] if flags is UNFLAGGED else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags, ignore_default_args=ignored)
        page = browser.new_context(**context).new_page()
        page.goto(f"{watching.url}/chat")
        for number, text in enumerate(TEXTS[:messages]):
            how(page, text)
            page.wait_for_function(ANSWERED, arg=number + 1)
        browser.close()


@pytest.mark.usefixtures("caught")
class TestBrowsers:
    pytestmark = BROWSING

    def test_playwright_plain(self, watching: Any) -> None:
        driven(watching, filled)

    def test_playwright_with_another_agent(self, watching: Any) -> None:
        driven(watching, typed, messages=1, user_agent=WINDOWS)

    def test_playwright_without_the_flags_of_automation(self, watching: Any) -> None:
        driven(watching, typed, messages=1, flags=UNFLAGGED, user_agent=WINDOWS)

    def test_a_typist_who_paces(self, watching: Any) -> None:
        """No flag, its own browser's agent without ``Headless``, a mouse, keys that are held, pauses that differ."""
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            agent = browser.new_page().evaluate("navigator.userAgent").replace("Headless", "")
            browser.close()
        driven(watching, paced, messages=1, flags=UNFLAGGED, user_agent=agent)

    @pytest.mark.parametrize("hidden", [False, True], ids=["plain", "hidden"])
    @pytest.mark.skipif(DRIVER is None, reason="no chromedriver (apt-get install chromium-driver): Selenium is not run")
    def test_selenium(self, watching: Any, hidden: bool) -> None:
        with selenium(hidden) as browser:
            from selenium.webdriver.common.by import By
            from selenium.webdriver.support.ui import WebDriverWait

            browser.get(f"{watching.url}/chat")
            browser.find_element(By.ID, "message").send_keys(TEXTS[0] + "\n")
            WebDriverWait(browser, 20).until(lambda one: one.execute_script(f"return ({ANSWERED})(1)"))


@contextmanager
def selenium(hidden: bool) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", *(UNFLAGGED if hidden else FLAGS)):
        options.add_argument(flag)
    if hidden:
        options.add_experimental_option("excludeSwitches", ["enable-automation"])
        options.add_argument(f"--user-agent={WINDOWS}")
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


# --- programs without a browser


def asked(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


CHROME: Final = {
    "user-agent": WINDOWS,
    "accept": "*/*",
    "accept-language": "en-US,en;q=0.9",
    "sec-ch-ua": '"Not;A=Brand";v="99", "Google Chrome";v="140", "Chromium";v="140"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
}


@pytest.mark.usefixtures("caught")
class TestPrograms:
    def test_httpx(self, watching: Any) -> None:
        with httpx.Client() as client:
            for text in TEXTS:
                assert client.post(f"{watching.base_url}/chat/completions", json=asked(text)).status_code == 200

    def test_requests(self, watching: Any) -> None:
        requests = pytest.importorskip("requests")
        with requests.Session() as session:
            for text in TEXTS:
                session.post(f"{watching.base_url}/chat/completions", json=asked(text), timeout=10).raise_for_status()

    def test_openai(self, watching: Any) -> None:
        import openai

        client = openai.OpenAI(base_url=watching.base_url, api_key="made-up")
        for text in TEXTS:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])

    def test_httpx_with_the_headers_of_chrome(self, watching: Any) -> None:
        with httpx.Client(headers=CHROME) as client:
            for text in TEXTS:
                client.post(f"{watching.base_url}/chat/completions", json=asked(text))

    def test_httpx_with_every_header_of_a_page(self, watching: Any) -> None:
        """All that a page of ours sends, but what its script says."""
        more = {
            "origin": watching.url,
            "referer": f"{watching.url}/chat",
            "sec-fetch-site": "same-origin",
            "sec-fetch-mode": "cors",
            "sec-fetch-dest": "empty",
        }
        with httpx.Client(headers=CHROME | more) as client:
            for text in TEXTS:
                client.post(f"{watching.base_url}/chat/completions", json=asked(text))

    def test_curl_cffi_as_chrome(self, watching: Any) -> None:
        from curl_cffi import requests

        with requests.Session(impersonate="chrome") as session:
            for text in TEXTS:
                session.post(f"{watching.base_url}/chat/completions", json=asked(text))

    def test_curl_cffi_as_chrome_with_a_report_of_its_own(self, watching: Any) -> None:
        """It has read the script, asks for a token, and says that all is well."""
        from curl_cffi import requests

        with requests.Session(impersonate="chrome") as session:
            token = session.get(f"{watching.base_url}/traffic/page").json()["page"]
            session.get(watching.bot)
            agent = watching.sent[-1]["user-agent"]
            for number, text in enumerate(TEXTS):
                report = made_up(token, number, agent, text)
                headers = {"x-chatward-page": report, "origin": watching.url}
                session.post(f"{watching.base_url}/chat/completions", json=asked(text), headers=headers)


def made_up(token: str, number: int, agent: str, text: str) -> str:
    import orjson

    said = {
        **{"t": token, "n": number, "u": agent, "w": 0, "g": 0, "h": 0, "c": 0, "o": [1280, 900, 1280, 780], "q": 0},
        **{"k": [len(text), 95, 60, 45, 4], "p": 0, "i": len(text), "s": 0, "x": 0, "m": 60, "f": 900},
        **{"e": len(text), "y": 6000, "z": 0},
    }
    return orjson.dumps(said).decode()
