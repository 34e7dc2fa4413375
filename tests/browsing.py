"""A real browser for tests of pages: Debian's Chromium, driven by Playwright; and axe-core for the accessibility rules.

A test file says ``pytestmark = BROWSING`` and asks for the fixture ``browser`` (``tests/console/conftest.py`` has it).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent / "node/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

BROWSING = [
    pytest.mark.skipif(
        not CHROMIUM.exists(),
        reason="no browser (apt-get install chromium): of the pages only markup, scripts, headers and the endpoints "
        "behind them are checked, in the other files of this folder and in tests/identity",
    ),
    pytest.mark.xdist_group("browser"),
]
needs_axe = pytest.mark.skipif(
    not AXE.exists(),
    reason="no axe-core (npm ci in tests/node): only labels, language, keyboard and reflow are checked",
)

# Chromium's own calls home are switched off; the sandbox cannot start as root in a container.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium. One for a file: the driver keeps a loop running on this thread, which asyncio's tests need."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)
        yield running
        running.close()


@contextmanager
def watched(browser: Any, *, seconds: float = 20.0, stays: str = "", **options: Any) -> Iterator[Any]:
    """A new page; whatever the browser complains about fails the test, and with ``stays`` (the beginning of an
    address) whatever it asks of another place. ``options`` are those of the browser's context."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(seconds * 1000)
    complaints: list[str] = []
    elsewhere: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("request", lambda request: None if request.url.startswith(stays) else elsewhere.append(request.url))
    try:
        yield page
    finally:
        context.close()
    assert elsewhere == []
    # Chromium reports each answer of 400 and above as an error, which pages tell people about, and an event stream that
    # ends because its page is left.
    known = ("server responded with a status", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    left = [said for said in complaints if not any(one in said for one in known)]
    assert left == [], left


def violations(page: Any) -> list[str]:
    """Rules of WCAG 2.2 A and AA, and best practices, that the page breaks. Evaluated by the debugger, which no policy
    of a page binds."""
    page.wait_for_load_state()  # without its styles every page breaks some
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]


class Device:
    """Chromium's virtual authenticator (W3C WebAuthn level 3, section 11) in a page's context."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def verifies(self, does: bool) -> None:
        self._session.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": does})

    def keys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found

    def put(self, credential: dict[str, Any]) -> None:
        self._session.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})
        self._session.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})
