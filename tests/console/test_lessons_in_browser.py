"""The quiz and drills in a real browser: by keyboard, and what the record has of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatward.education.counting import GIVEN, TipCounts
from chatward.education.quiz import questions
from chatward.identity.key_store import KeyStore
from chatward.settings import Bot, LedgerSettings, Route, Server, Settings
from chatward.settings.education import Education
from chatward.settings.identity import Identity
from chatward.stores.database import Database
from tests.browsing import AXE, BROWSING, violations, watched
from tests.simulators.gateway import RunningGateway
from tests.simulators.talker import Talker, serving

pytestmark = BROWSING


class World:
    def __init__(self, folder: Path, bot_port: int) -> None:
        settings = Settings(
            server=Server(port=0, admin_port=0),
            bots={"default": Bot(upstream=f"http://127.0.0.1:{bot_port}", api_key="env:BOT_KEY")},
            routes={"default": Route(guards=("text.leak",))},
            ledger=LedgerSettings(path="chatward.db"),
            identity=Identity(anonymous=False),
            education=Education(quiz=True, drills=("default",)),
        )
        counts = TipCounts(Database(folder / "chatward-education.db"))
        for _ in range(7):
            counts.add("link", GIVEN)
        counts.close()
        self.gateway = RunningGateway(settings, folder, {"BOT_KEY": "made-up"})
        self.key = KeyStore(Database(folder / "chatward-identity.db"), lambda entry: None).create("ann").key

    def drills(self) -> list[tuple[str, Any]]:
        return [(one.event, one.fields) for one in self.gateway.records() if one.event.startswith("drill:")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serving(Talker({}).handler()) as port:
        made = World(tmp_path, port)
        yield made
        made.gateway.stop()


def keeps_the_rules(page: Any) -> None:
    if AXE.exists():
        assert violations(page) == []


def test_a_person_takes_the_quiz_and_a_drill_and_learns_right_after(world: World, browser: Any) -> None:
    root = world.gateway.url
    with watched(browser, stays=root, viewport={"width": 360, "height": 720}) as page:
        page.goto(f"{root}/chat/lessons")
        page.get_by_label("Access key").fill(world.key)
        page.keyboard.press("Enter")
        sheet = page.get_by_role("group")
        sheet.first.wait_for()
        assert sheet.count() == 5
        assert "This happened here more than 5 times" in sheet.first.text_content()
        keeps_the_rules(page)
        for at in range(5):
            id_ = sheet.nth(at).get_attribute("id").removeprefix("question-")
            right = questions("en")[id_].right
            sheet.nth(at).get_by_role("radio").nth(right if at else (right + 1) % 3).press("Space")
        page.get_by_role("button", name="How did I do?").press("Enter")
        page.get_by_text("4 of 5 were right.").wait_for()
        assert sheet.first.locator(".note.stopped").text_content().startswith("Not quite. Better: Type the address")
        page.get_by_role("button", name="Take part", exact=True).press("Enter")
        page.get_by_text("You take part.").wait_for()
        keeps_the_rules(page)

        page.goto(f"{root}/chat")
        field = page.get_by_label("Your message")
        field.fill("hello")
        field.press("Enter")
        page.get_by_label("Access key").fill(world.key)
        field.press("Enter")
        drill = page.locator("li.bot").last.get_by_role("button", name="Report this message")
        drill.wait_for()
        keeps_the_rules(page)
        drill.press("Enter")
        page.locator(".drill .note", has_text="Well seen: this was a drill").wait_for()
        field.fill("again")
        field.press("Enter")
        page.locator("li.bot .text", has_text="hello").nth(1).wait_for()
        assert page.locator(".drill").count() == 1  # not again so soon
    with watched(browser, stays=root, locale="pl-PL") as page:
        page.goto(f"{root}/chat/lessons")
        page.get_by_label("Klucz dostępu").fill(world.key)
        page.get_by_role("button", name="Dalej").press("Enter")
        page.get_by_role("heading", name="Ćwiczenia z phishingu").wait_for()
        assert page.get_by_text("Bierzesz udział.").is_visible()
        assert page.get_by_role("group").count() == 5
        assert page.get_by_role("button", name="Jak mi poszło?").is_visible()
        assert page.evaluate("document.documentElement.lang") == "pl"
        keeps_the_rules(page)
    joined, shown, ended = world.drills()
    assert joined[0] == "drill:person:joined"
    assert ended[1] == {**shown[1], "did": "reported"}
    assert not any("principal" in fields for _, fields in (shown, ended))
