"""Step-up in a real browser with Chromium's virtual authenticator, against the real endpoints.

A small server gives out the pages with their real headers, and hands ``/v1/...`` to ``StepUpApi``. Passkeys want a
domain, so the pages stand at ``localhost``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyotp
import pytest

from chatward.console.chat import HEADERS, pages
from chatward.console.step_up import step_up_pages
from chatward.core.identity import Assurance, Challenge, Kind, Principal, Proof
from chatward.identity.approvals import Approvals
from chatward.identity.binding import tool_binding
from chatward.identity.challenges import Challenges, State
from chatward.identity.enrolment import Enrolment
from chatward.identity.passkeys import Passkeys
from chatward.identity.relying_party import RelyingParty
from chatward.identity.stepup_api import PREFIXES, StepUpApi
from chatward.identity.totp import Totp
from chatward.settings import Settings, StepUp
from chatward.stores.database import Database
from tests.browsing import BROWSING, Device, needs_axe, violations, watched

pytestmark = BROWSING

ANN = Principal("person:ann", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")
OLGA = Principal("operator:olga", Kind.OPERATOR, roles=frozenset({"operator"}), session="o1")
ARGUMENTS = '{"amount": 100}'
BINDING = tool_binding("transfer", ARGUMENTS, "s1")
BOTH = (Proof.PASSKEY, Proof.TOTP)


PAGES = {**pages(Settings()), **step_up_pages()}


class Fields:
    """Headers of ``http.server`` as the port has them."""

    def __init__(self, message: Any) -> None:
        self._message = message

    def get(self, key: str, default: str | None = None) -> str | None:
        return self._message.get(key, default)

    def get_all(self, key: str) -> list[str]:
        return self._message.get_all(key) or []

    def __contains__(self, key: str) -> bool:
        return key in self._message


class World:
    def __init__(self, port: int) -> None:
        def record(entry: object) -> None:
            pass

        database = Database(None)
        self.enrolment = Enrolment(database, record)
        self.challenges = Challenges(database, record)
        party = RelyingParty.of(StepUp(), port)
        self.passkeys = Passkeys(database, party, b"s" * 32, record, self.enrolment)
        self.totp = Totp(database, b"k" * 32, record, self.enrolment)
        self.approvals = Approvals(database, self.challenges, b"k" * 32)
        self.api = StepUpApi(self.challenges, self.passkeys, self.totp, self.enrolment)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World

    def log_message(self, format, *args):
        pass

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith(PREFIXES):
            status, headers, told = self.world.api.handle(self.command, self.path, Fields(self.headers), body, ANN)
        else:
            kind, told = PAGES.get(self.path, ("text/plain", b""))
            status, headers = (200 if told else 404), [("content-type", kind), *HEADERS]
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(told)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - names of http.server


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Served", (Handler,), {})
    served = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.world = World(served.server_port)
    served.daemon_threads = True
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def world(server) -> World:
    return server.RequestHandlerClass.world


@pytest.fixture
def page(browser, server):
    """A page with a virtual authenticator."""
    with watched(browser) as opened:
        opened.root = f"http://localhost:{server.server_port}"
        opened.device = Device(opened)
        yield opened


def required(world: World, proofs: tuple[Proof, ...] = BOTH) -> Challenge:
    return world.challenges.require(ANN, "tool:call", BINDING, proofs)


def open_own(page) -> None:
    page.goto(f"{page.root}/chat/step-up")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Your passkeys").wait_for()


def enrol(page) -> list[str]:
    """A passkey, made on the page; the recovery codes it shows."""
    open_own(page)
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    return page.locator("#codes li").all_text_contents()


def open_dialog(page, challenge: Challenge, detail: str = "Transfer 100 EUR") -> None:
    """The dialog on the chat page, as the chat page would open it when an answer waits."""
    page.goto(f"{page.root}/chat")
    page.evaluate(OPEN, [challenge.id, [proof.value for proof in challenge.proofs], challenge.expires, detail])
    page.get_by_role("dialog").wait_for()


OPEN = """([id, proofs, expires, detail]) => {
  document.getElementById("message").focus();
  const asked = ChatwardStepUp.ask({ id, proofs, expires }, { detail });
  asked.then((outcome) => { document.body.dataset.outcome = outcome; });
}"""


def outcome(page) -> str:
    page.locator("body[data-outcome]").wait_for()
    return page.locator("body").get_attribute("data-outcome")


def test_a_passkey_is_made_and_a_waiting_call_goes_on_by_itself(page, world):
    assert len(enrol(page)) == 10
    challenge = required(world)
    states: list[State] = []
    waiting = threading.Thread(target=lambda: states.append(world.challenges.wait_here(challenge.id, 30)))
    waiting.start()  # as the gateway holds an open stream
    open_dialog(page, challenge)
    assert page.get_by_text("Transfer 100 EUR").is_visible()
    page.get_by_role("button", name="Use a passkey").click()
    assert outcome(page) == "met"
    waiting.join()
    assert states == [State.MET]
    granted = world.challenges.met(challenge.id, ANN, BINDING)
    assert granted is not None
    assert granted.assurance is Assurance.STRONG
    assert page.get_by_role("dialog").count() == 0


def test_by_keyboard_alone_and_the_focus_comes_back(page, world):
    enrol(page)
    open_dialog(page, required(world))
    assert page.evaluate("document.activeElement.id") == "step-up-passkey"
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert reached[:3] == ["step-up-code", "Confirm with the code", "step-up-cancel"]
    assert "message" not in reached  # what is behind cannot be reached
    while page.evaluate("document.activeElement.id") != "step-up-passkey":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert outcome(page) == "met"
    assert page.evaluate("document.activeElement.id") == "message"


def test_escape_leaves_it_and_proves_nothing(page, world):
    enrol(page)
    challenge = required(world)
    open_dialog(page, challenge)
    page.keyboard.press("Escape")
    assert outcome(page) == "cancelled"
    assert world.challenges.state(challenge.id) is State.WAITING
    assert page.evaluate("document.activeElement.id") == "message"


def test_without_user_verification_nothing_is_proven(page, world):
    enrol(page)
    page.device.verifies(False)
    challenge = required(world)
    open_dialog(page, challenge)
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("Nothing was confirmed.").wait_for()
    assert world.challenges.state(challenge.id) is State.WAITING
    page.device.verifies(True)
    page.get_by_role("button", name="Use a passkey").click()
    assert outcome(page) == "met"


def test_a_copied_passkey_with_an_old_counter_is_found_out(page, world):
    enrol(page)
    (copy,) = page.device.keys()
    for _ in range(2):
        challenge = required(world)
        open_dialog(page, challenge)
        page.get_by_role("button", name="Use a passkey").click()
        assert outcome(page) == "met"
        assert world.challenges.met(challenge.id, ANN, BINDING)
    if not copy["signCount"] < page.device.keys()[0]["signCount"]:
        pytest.skip("this Chromium's virtual authenticator does not count")
    page.device.put(copy)
    challenge = required(world)
    open_dialog(page, challenge)
    page.get_by_role("button", name="Use a passkey").click()
    page.locator("#step-up-said", has_text="not accepted").wait_for()
    assert world.passkeys.of(ANN.id)[0].suspended
    assert world.challenges.state(challenge.id) is State.WAITING


def test_a_one_time_code_where_there_is_no_passkey(page, world):
    from chatward.identity.enrolment import Standing

    secret = world.totp.begin(ANN, Standing.FIRST).secret
    maker = pyotp.TOTP(secret)
    world.totp.confirm(ANN, maker.at(time.time() - 30))  # so that the present one is not used up
    challenge = required(world, (Proof.TOTP,))
    open_dialog(page, challenge)
    assert page.evaluate("document.activeElement.id") == "step-up-code"
    assert page.get_by_role("button", name="Use a passkey").count() == 0
    page.get_by_label("One-time code").fill("000 00")
    page.keyboard.press("Enter")
    page.locator("#step-up-said", has_text="not accepted").wait_for()
    page.get_by_label("One-time code").fill(maker.at(time.time()))
    page.keyboard.press("Enter")
    assert outcome(page) == "met"


def test_what_is_met_or_refused_elsewhere_closes_the_dialog(page, world):
    challenge = required(world)
    open_dialog(page, challenge)
    world.challenges.settle(challenge.id, Proof.PASSKEY)
    assert outcome(page) == "met"


@pytest.mark.parametrize(("approve", "expected"), [(True, "met"), (False, "refused")])
def test_an_operator_decides_and_the_dialog_goes_on(page, world, approve, expected):
    challenge = world.approvals.ask(ANN, "transfer", ARGUMENTS)
    open_dialog(page, challenge)
    assert page.get_by_role("heading", name="Somebody else has to agree").is_visible()
    assert page.get_by_role("button", name="Use a passkey").count() == 0
    world.approvals.decide(OLGA, challenge.id, approve=approve, reason="other")
    assert outcome(page) == expected


def test_what_it_is_for_is_shown_as_text(page, world):
    open_dialog(page, required(world), "<img src=x onerror=alert(1)> <b>pay</b>")
    assert page.locator("#step-up-detail").text_content() == "<img src=x onerror=alert(1)> <b>pay</b>"
    assert page.locator("dialog img, dialog b").count() == 0
    page.keyboard.press("Escape")


def test_the_link_of_a_program_leads_to_the_dialog(page, world):
    enrol(page)
    challenge = required(world)
    page.goto("about:blank")
    page.goto(f"{page.root}/chat/step-up#{challenge.id}")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("dialog").get_by_role("button", name="Use a passkey").click()
    page.get_by_text("Done. What waited goes on").wait_for()
    assert world.challenges.state(challenge.id) is State.MET


def test_a_link_to_nothing_says_so(page, world):
    page.goto(f"{page.root}/chat/step-up#{'A' * 24}")
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("There is no such challenge here.").wait_for()


def test_one_more_passkey_needs_the_first_and_after_losing_all_a_code(page, world):
    codes = enrol(page)
    page.get_by_role("button", name="New recovery codes").click()
    page.get_by_role("dialog").get_by_role("button", name="Use a passkey").click()
    page.locator("#codes").filter(has_not_text=codes[0]).wait_for()
    fresh = page.locator("#codes li").all_text_contents()
    page.get_by_role("button", name="Remove Passkey 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Use a passkey").click()
    page.get_by_role("heading", name="Use a recovery code").wait_for()
    assert world.passkeys.of(ANN.id) == ()
    for code, sentence in [(codes[0], "not accepted"), (fresh[0], "The code was accepted")]:
        page.get_by_role("textbox", name="Recovery code").fill(code)
        page.keyboard.press("Enter")
        page.locator("#said", has_text=sentence).wait_for()
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("The passkey was added.").wait_for()
    assert len(world.passkeys.of(ANN.id)) == 1


def test_nothing_is_cut_off_when_it_is_narrow(page, world):
    """WCAG 2.2, 1.4.10 (reflow)."""
    page.set_viewport_size({"width": 320, "height": 480})
    enrol(page)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    open_dialog(page, required(world), "W" * 300)
    assert page.evaluate("(d => d.scrollWidth <= d.clientWidth)(document.querySelector('dialog'))")
    page.keyboard.press("Escape")


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialog_and_page_keep_the_accessibility_rules(page, world, scheme):
    page.emulate_media(color_scheme=scheme)
    enrol(page)
    assert violations(page) == []
    open_dialog(page, required(world))
    assert violations(page) == []
    page.keyboard.press("Escape")
