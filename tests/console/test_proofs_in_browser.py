"""A challenge in the middle of a chat, in a real browser with Chromium's virtual authenticator: the dialog opens by
itself, and what waited goes on by itself. On the chat page, and in the widget on a page whose people are signed in.

The gateway is the real one with real policies, challenges and passkeys; who asks is settled by a simulator.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from chatward.assembly import RoutedEngine, channels
from chatward.console.chat import HEADERS, pages
from chatward.console.step_up import step_up_pages
from chatward.console.widget import HEADERS as SCRIPT_HEADERS
from chatward.console.widget import SCRIPT, widget_pages
from chatward.core.identity import Assurance, Kind, Presented, Principal, Proof
from chatward.gateway.app import BotLink, GatewayApp
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.cross_origin import CrossOrigin
from chatward.gateway.meter import Meter
from chatward.gateway.server import EmbeddedServer
from chatward.gateway.upstream import HttpUpstream
from chatward.identity.access import Access
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.challenges import Challenges
from chatward.identity.enrolment import Enrolment
from chatward.identity.passkeys import Passkeys
from chatward.identity.record import recorder
from chatward.identity.relying_party import RelyingParty
from chatward.identity.stepup_api import PREFIXES, StepUpApi
from chatward.routing import routing
from chatward.settings import Chat, Route, Server, Settings, StepUp, WidgetSettings
from chatward.stores.database import Database
from tests.browsing import BROWSING, Device, needs_axe, violations, watched
from tests.simulators.access import OWN
from tests.simulators.ledger import MemoryLedger
from tests.simulators.talker import Site, Talker, chunk, said, serving
from tests.simulators.tool_calls import chat_stream

pytestmark = BROWSING

ADA = Principal("person:ada", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")
GUARDED = """
@id("own/guarded") @step_up("passkey")
forbid (principal, action == Action::"message:send", resource)
when { context has model && context.model == "guarded" && context.assurance < 3 };
"""
INTRODUCTION = chunk("I look after it. ")
STREAMS: dict[str, list[bytes | None]] = {
    "refund": [INTRODUCTION, chat_stream("refund", '{"order": 7}')],
    "launch": [INTRODUCTION, chat_stream("launch", '{"order": 7}')],
    "hello": [*said("Hello Ada.")],
}


class Known:
    """Everybody is Ada."""

    def identify(self, presented: Presented) -> Principal:
        return ADA

    def valid(self, principal: Principal) -> bool:
        return True


class World:
    """A gateway on a thread of its own. Passkeys want a domain, so it is asked at ``localhost``."""

    def __init__(self, bot_port: int, site_port: int) -> None:
        self.bot_url = f"http://127.0.0.1:{bot_port}"
        self.home = f"http://localhost:{site_port}"
        self.root = ""
        self.challenges: Challenges
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self._thread.start()
        assert self._started.wait(60)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    async def _run(self) -> None:
        ledger, database = MemoryLedger(), Database(None)
        record = recorder(ledger, asyncio.get_running_loop())
        challenges = self.challenges = Challenges(database, record)
        engine = RoutedEngine(
            routing(Settings(routes={"default": Route(guards=("text.leak",))}), today=date(2026, 1, 1))
        )
        authorizer = CedarAuthorizer(book({"default": shipped(), "own": OWN + GUARDED}))
        engine.access = Access(authorizer, valid=lambda _: True, challenges=challenges)
        upstream, checkpoint = HttpUpstream(self.bot_url), Checkpoint(Known())
        api: list[StepUpApi] = []  # it knows its port only once there is one
        settings = Settings(chat=Chat(model="open"), widget=WidgetSettings(enabled=True, model="open"))
        guarded = pages(Settings(chat=Chat(model="guarded")))["/chat"]
        app = GatewayApp(
            channels=channels(Server()),
            engine=engine,
            bots={"default": BotLink(upstream)},
            ledger=ledger,
            meter=Meter(),
            checkpoint=checkpoint,
            services=dict.fromkeys(PREFIXES, lambda *asked: api[0].handle(*asked)),  # noqa: PLW0108 - later
            pages={**pages(settings), **step_up_pages(), **widget_pages(settings), "/guarded": guarded},
            page_headers=HEADERS,
            other_headers={SCRIPT: SCRIPT_HEADERS},
            cross_origin=CrossOrigin(checkpoint.origin, widget=(self.home,)),
        )
        server = EmbeddedServer(app, "127.0.0.1", 0)
        await server.start()
        self.root = f"http://localhost:{server.port}"
        party = RelyingParty.of(StepUp(origins=(self.root, self.home)))
        enrolment = Enrolment(database, record)
        passkeys = Passkeys(database, party, b"s" * 32, record, enrolment)
        api.append(StepUpApi(challenges, passkeys, None, enrolment))
        self._started.set()
        await self._stop.wait()
        await server.stop(0.2)
        await upstream.aclose()

    def approval(self) -> str:
        """The challenge that waits for another person."""
        found = self.challenges._database.row(
            "SELECT id FROM challenges WHERE state = 'waiting' AND proofs = 'approval' ORDER BY expires DESC"
        )
        assert found is not None
        return str(found[0])


@pytest.fixture(scope="module")
def bot() -> Talker:
    return Talker(STREAMS)


@pytest.fixture(scope="module")
def world(bot: Talker) -> Iterator[World]:
    site = Site()
    with serving(bot.handler()) as bot_port, serving(site.handler()) as site_port:
        made = World(bot_port, site_port)
        site.policy = f"default-src 'none'; script-src {made.root} 'nonce-n'; connect-src {made.root}"
        site.pages["/"] = (
            f'<!doctype html><html lang="en"><title>Shop</title><script src="{made.root}/widget.js"></script>'
            "<main><h1>Shop</h1><chatward-chat></chatward-chat></main>"
            "<script nonce=n>document.querySelector('chatward-chat').authorization = async () => 'Bearer ada'</script>"
        )
        yield made
        made.close()


@pytest.fixture(scope="module")
def page(browser: Any, world: World) -> Iterator[Any]:
    """A page with an authenticator, whose person has a passkey. One for all tests: each begins by going somewhere."""
    with watched(browser) as opened:
        Device(opened)
        opened.goto(f"{world.root}/chat/step-up")
        opened.get_by_role("button", name="Go on").click()
        opened.get_by_role("button", name="Add a passkey").click()
        opened.get_by_role("heading", name="Recovery codes").wait_for()
        yield opened


def say(page: Any, text: str) -> None:
    page.get_by_label("Your message", exact=True).last.fill(text)
    page.keyboard.press("Enter")


def finished(page: Any) -> None:
    page.locator('#log[aria-busy="false"]').wait_for(state="attached")


def test_a_message_waits_for_a_passkey_and_is_answered(page: Any, world: World, bot: Talker) -> None:
    before = len(bot.asked)
    page.goto(f"{world.root}/guarded")
    page.get_by_label("Your message").wait_for()
    say(page, "please say hello")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert dialog.get_by_text("please say hello").is_visible()
    assert len(bot.asked) == before  # nothing has left
    page.keyboard.press("Enter")  # the button for the passkey has the focus
    page.get_by_text("Hello Ada.").first.wait_for()
    finished(page)
    assert page.get_by_role("dialog").count() == 0
    assert len(bot.asked) == before + 1
    assert page.locator("li.user .note, li.bot .note").count() == 0
    assert page.evaluate("document.activeElement.id") == "message"


@pytest.mark.parametrize("place", ["chat page", "widget"])
def test_an_open_stream_waits_for_a_passkey_and_goes_on(page: Any, world: World, bot: Talker, place: str) -> None:
    before = len(bot.asked)
    page.goto(f"{world.root}/chat" if place == "chat page" else world.home)
    page.get_by_role("button", name="New conversation").click()
    say(page, "my refund")
    page.get_by_role("dialog").get_by_text("The bot is to use: refund").wait_for()
    assert "order" not in page.content()
    page.get_by_role("dialog").get_by_role("button", name="Use a passkey").click()
    page.locator("li.bot .note", has_text="asks for a tool that this page cannot run: refund").wait_for()
    finished(page)
    assert page.locator("li.bot .text").text_content().strip() == "I look after it."
    assert page.get_by_role("dialog").count() == 0
    assert len(bot.asked) == before + 1


@pytest.mark.parametrize("place", ["chat page", "widget"])
def test_a_call_waits_for_another_person_and_goes_on(page: Any, world: World, place: str) -> None:
    page.goto(f"{world.root}/chat" if place == "chat page" else world.home)
    page.get_by_role("button", name="New conversation").click()
    say(page, "the launch")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="Somebody else has to agree").wait_for()
    assert dialog.get_by_role("button", name="Use a passkey").count() == 0
    page.get_by_label("Your message", exact=True).last.click(timeout=5000)  # the page stays usable
    page.keyboard.type("meanwhile")
    world.challenges.settle(world.approval(), Proof.APPROVAL)
    page.locator("li.bot .note", has_text="asks for a tool").wait_for()
    finished(page)
    assert page.get_by_role("dialog").count() == 0


def test_what_another_person_refuses_is_told(page: Any, world: World) -> None:
    page.goto(f"{world.root}/chat")
    say(page, "the launch")
    page.get_by_role("dialog").wait_for()
    world.challenges.settle(world.approval(), Proof.APPROVAL, grant=False)
    page.locator("li.bot .note.stopped").wait_for()
    finished(page)
    assert page.get_by_role("dialog").count() == 0


@pytest.mark.parametrize(("path", "text"), [("/guarded", "please say hello"), ("/chat", "my refund")])
def test_who_does_not_confirm_is_told_that_nothing_was_done(page: Any, world: World, path: str, text: str) -> None:
    page.goto(f"{world.root}{path}")
    say(page, text)
    page.get_by_role("dialog").get_by_role("button", name="Not now").click()
    page.locator(".note.stopped", has_text="You did not confirm this, so it was not done.").wait_for()
    finished(page)
    assert page.get_by_label("Your message").input_value() == text


@needs_axe
@pytest.mark.parametrize("text", ["my refund", "the launch"])
def test_the_widget_keeps_the_accessibility_rules_while_it_waits(page: Any, world: World, text: str) -> None:
    page.goto(world.home)
    page.get_by_role("button", name="New conversation").click()
    say(page, text)
    page.get_by_role("dialog").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    finished(page)
