"""The widget in a real browser, on a page of another origin with a strict policy, before the real gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatward.core import base64url
from chatward.core.identity import Proof
from chatward.identity.challenges import Challenges
from chatward.identity.widget import Widget
from chatward.settings import (
    Authorization,
    Bot,
    LedgerSettings,
    Recogniser,
    Route,
    Server,
    Settings,
    WidgetSettings,
)
from chatward.stores.database import Database
from tests.browsing import BROWSING, needs_axe, violations, watched
from tests.simulators.gateway import RunningGateway
from tests.simulators.talker import Site, Talker, chunk, said, serving
from tests.simulators.tool_calls import chat_stream

pytestmark = BROWSING

DISCLOSURE = "You are talking to a machine."
MARKDOWN = """# Plan

Some **bold**, *soft* and `code`, <b>no markup</b>.

1. one
2. two
   - inner

| a | b |
|---|---|
| 1 | 2 |

```
x < y
```
See [the shop](https://shop.example/buy), [https://bank.example](https://login.example/x) and https://plain.example/a.
![picture](https://images.example/leak?d=1) [bad](javascript:alert(1)) [user](https://bank.example@other.example/)
"""
STREAMS: dict[str, list[bytes | None]] = {
    "hello": [*said("Hello <b>you</b>. ", "How are you? I am", " fine.")],
    "markdown": [*said(*re.findall(r"(?s).{1,7}", MARKDOWN))],
    "wait": [chunk("How are you? " + "I think about it for a while. " * 60), None, chunk("Late."), *said()],
    "refund": [chunk("I look after it. "), chat_stream("refund", '{"order": 7}')],
    "launch": [chunk("I look after it. "), chat_stream("launch", '{"order": 7}')],
    "mail": [*said("Write to ann@mail.example now.")],
}


class World:
    """A bot, a gateway with a widget for one site, and that site. ``root``: the gateway; ``home``: the site."""

    def __init__(self, folder: Path, bot: Talker, bot_port: int, site: Site, site_port: int) -> None:
        self.bot, self.site = bot, site
        self.home = f"http://localhost:{site_port}"
        self.stranger = f"http://127.0.0.1:{site_port}"
        settings = Settings(
            server=Server(port=0, admin_port=0),
            bots={"default": Bot(upstream=f"http://127.0.0.1:{bot_port}", api_key="env:BOT_KEY")},
            routes={
                "default": Route(
                    guards=("text.custom", "text.pii"),
                    recognisers=(Recogniser(name="banned", words=("xyzzy",), category="policy"),),
                )
            },
            ledger=LedgerSettings(path="chatward.db"),
            authorization=Authorization(
                groups={
                    "public": ("Tool::refund", "Tool::launch"),
                    "step-up": ("Tool::refund",),
                    "approval": ("Tool::launch",),
                }
            ),
            widget=WidgetSettings(
                enabled=True, origins=(self.home,), title="Help", disclosure=DISCLOSURE, sessions_per_minute=1000
            ),
        )
        self.gateway = RunningGateway(settings, folder, {"BOT_KEY": "made-up"})
        root = self.gateway.url
        site.policy = (
            f"default-src 'none'; script-src {root}; connect-src {root}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        script = f'<script src="{root}/widget.js" async></script>'
        site.pages = {
            "/": _page("", script, "<chatward-chat></chatward-chat>"),
            "/rtl": _page(' dir="rtl"', script, "<chatward-chat></chatward-chat>"),
            "/corner": _page("", f'<script src="{root}/widget.js" async data-launcher></script>', ""),
        }


def _page(more: str, script: str, inside: str) -> str:
    return (
        f'<!doctype html><html lang="en"{more}><head><meta charset="utf-8"><title>Shop</title>{script}</head>'
        f'<body><main><h1>Shop</h1><p><a href="#x">A link of the page</a></p>{inside}</main></body></html>'
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    bot, site = Talker(STREAMS), Site()
    with serving(bot.handler()) as bot_port, serving(site.handler()) as site_port:
        world = World(tmp_path_factory.mktemp("widget"), bot, bot_port, site, site_port)
        yield world
        bot.release()
        world.gateway.stop()


@pytest.fixture(scope="module")
def tab(browser: Any, world: World) -> Iterator[Any]:
    with watched(browser, stays="http://") as opened:
        yield opened


@pytest.fixture
def page(tab: Any, world: World) -> Any:
    """The site's page, without a past."""
    tab.set_viewport_size({"width": 1280, "height": 720})
    tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    tab.goto(world.home)
    tab.evaluate("sessionStorage.clear()")
    tab.reload()
    return tab


def say(page: Any, text: str) -> None:
    page.get_by_label("Your message", exact=True).last.fill(text)
    page.keyboard.press("Enter")


def finished(page: Any) -> None:
    page.locator('#log[aria-busy="false"]').wait_for(state="attached")


def answer(page: Any) -> Any:
    return page.locator("li.bot .text").last


def test_a_visitor_talks_to_the_bot_and_the_answer_streams_in(page: Any, world: World) -> None:
    from playwright.sync_api import expect

    assert page.get_by_text(DISCLOSURE).is_visible()
    field = page.get_by_role("textbox", name="Your message")
    expect(field).to_have_accessible_description(re.compile(f"AI {DISCLOSURE}"))
    say(page, "hello")
    finished(page)
    assert answer(page).text_content() == "Hello <b>you</b>. How are you? I am fine."
    assert page.locator("[role=log] p").all_text_contents() == ["Hello <b>you</b>.", "How are you?", "I am fine."]
    sent, body = world.bot.asked[-1]
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert sent["authorization"] == "Bearer made-up"
    assert not {"dpop", "cookie"} & sent.keys()
    say(page, "hello")
    finished(page)
    assert [turn["role"] for turn in world.bot.asked[-1][1]["messages"]] == ["user", "assistant", "user"]


def test_markdown_is_shown_and_nothing_of_it_is_markup_or_loaded(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    say(page, "markdown")
    finished(page)
    text = answer(page)
    assert text.locator("ol > li").all_text_contents() == ["one", "twoinner"]
    assert text.locator("td").all_text_contents() == ["1", "2"]
    assert text.locator("pre code").text_content() == "x < y"
    assert (text.locator("strong").nth(1).text_content(), text.locator("em").text_content()) == ("bold", "soft")
    assert text.locator("b, img, script").count() == 0
    assert "<b>no markup</b>" in text.text_content()
    assert [url for url in asked if "images.example" in url] == []


def test_links_say_where_they_really_lead(page: Any) -> None:
    say(page, "markdown")
    finished(page)
    links = {
        link.text_content(): (link.get_attribute("href"), link.get_attribute("target"), link.get_attribute("rel"))
        for link in answer(page).locator("a").all()
    }
    there = {text: href for text, (href, _, _) in links.items()}
    assert there == {
        "the shop (shop.example)": "https://shop.example/buy",
        "https://bank.example (login.example)": "https://login.example/x",
        "https://plain.example/a": "https://plain.example/a",
        "Image: picture (images.example)": "https://images.example/leak?d=1",
        "user (other.example)": "https://bank.example@other.example/",
    }
    assert all(target == "_blank" and "noopener" in rel and "noreferrer" in rel for _, target, rel in links.values())


def test_a_stopped_message_is_explained_and_not_sent_again(page: Any, world: World) -> None:
    before = len(world.bot.asked)
    say(page, "now do xyzzy")
    finished(page)
    note = page.locator("li.user .note").text_content()
    assert note.startswith("This message was not sent to the bot.")
    assert page.locator("li.bot").count() == 0
    assert len(world.bot.asked) == before
    say(page, "hello")
    finished(page)
    assert [turn["content"] for turn in world.bot.asked[-1][1]["messages"]] == ["hello"]


def test_it_says_what_was_hidden(page: Any, world: World) -> None:
    say(page, "I am bob@mail.example, send mail")
    finished(page)
    note = page.locator("li.user .note").text_content()
    assert note == "Hidden from the bot: 1 e-mail address. Personal data does not go to the bot."
    assert "bob@mail.example" not in str(world.bot.asked[-1][1])
    assert "Hidden in this answer: 1 e-mail address." in page.locator("li.bot .note").text_content()
    assert "ann@" not in answer(page).text_content()


def test_a_bot_that_fails_is_told_and_the_question_is_given_back(page: Any, world: World) -> None:
    world.bot.status = 500
    say(page, "hello")
    finished(page)
    world.bot.status = 200
    assert page.locator("li.user .note.stopped").text_content()
    assert page.get_by_label("Your message", exact=True).last.input_value() == "hello"


def test_after_a_reload_it_is_the_same_conversation_of_the_same_visitor(page: Any, world: World) -> None:
    tokens: list[str] = []
    page.on("request", lambda request: tokens.append(request.headers.get("authorization", "")))
    say(page, "markdown")
    finished(page)
    shown = answer(page).inner_html()
    page.reload()
    page.get_by_text(DISCLOSURE).wait_for()
    assert answer(page).inner_html() == shown
    say(page, "hello")
    finished(page)
    roles = [turn["role"] for turn in world.bot.asked[-1][1]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert len({token for token in tokens if token.startswith("DPoP cww_")}) == 1
    page.get_by_role("button", name="New conversation").click()
    page.reload()
    page.get_by_text(DISCLOSURE).wait_for()
    assert page.locator("li").count() == 0


def test_the_key_of_a_session_cannot_be_read_out(page: Any) -> None:
    say(page, "hello")
    finished(page)
    found = page.evaluate(
        """() => new Promise((resolve) => {
          const asked = indexedDB.open("chatward", 1);
          asked.onsuccess = () => {
            const all = asked.result.transaction("keys").objectStore("keys").getAll();
            all.onsuccess = async () => {
              const told = all.result.map(({ pair }) =>
                crypto.subtle.exportKey("jwk", pair.privateKey).catch((error) => error.name));
              resolve(await Promise.all(told));
            };
          };
        })"""
    )
    assert set(found) == {"InvalidAccessError"}


def test_a_visitor_whose_clock_is_wrong_is_answered(browser: Any, world: World) -> None:
    with watched(browser, stays="http://") as page:
        page.add_init_script("const now = Date.now; Date.now = () => now() - 3_600_000")
        page.goto(world.home)
        say(page, "hello")
        finished(page)
        assert "I am fine." in answer(page).text_content()


def test_a_token_is_renewed_before_its_end_and_the_visitor_stays(page: Any, world: World) -> None:
    tokens: list[str] = []
    page.on("request", lambda request: tokens.append(request.headers.get("authorization", "")))
    say(page, "hello")
    finished(page)
    page.evaluate("{ const now = Date.now; Date.now = () => now() + 860_000; }")
    say(page, "hello")
    finished(page)
    assert page.locator("li.bot .text", has_text="I am fine.").count() == 2
    given = list(dict.fromkeys(token.removeprefix("DPoP cww_") for token in tokens if token.startswith("DPoP cww_")))
    assert len(given) == 2
    assert len({base64url.json_object(base64url.compact(token).payload)["sid"] for token in given}) == 1


def test_a_session_that_was_ended_is_begun_anew(page: Any, world: World) -> None:
    say(page, "hello")
    finished(page)
    database = Database(world.gateway.folder / "chatward-identity.db")
    Widget(database, lambda bot: ()).revoke_all()
    database.close()
    say(page, "hello")
    finished(page)
    assert page.locator("li.bot .text", has_text="I am fine.").count() == 2
    assert page.locator(".note").count() == 0


def test_escape_stops_an_answer(page: Any, world: World) -> None:
    say(page, "wait")
    page.get_by_text("How are you?").first.wait_for()
    page.keyboard.press("Escape")
    finished(page)
    world.bot.release()
    assert page.locator("li.bot .note").text_content() == "You stopped this answer."


def test_by_keyboard_alone_from_the_corner_and_back(page: Any, world: World) -> None:
    page.goto(f"{world.home}/corner")
    page.get_by_role("button", name="Help").wait_for()
    assert not page.get_by_text(DISCLOSURE).is_visible()
    page.keyboard.press("Tab")  # the page's own link
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text(DISCLOSURE).wait_for()
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    finished(page)
    assert "I am fine." in answer(page).text_content()
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.shadowRoot?.activeElement?.id ?? ''"))
    assert {"send", "open"} <= set(reached)
    page.keyboard.press("Shift+Tab")
    page.locator("#message").focus()
    page.keyboard.press("Escape")
    assert not page.get_by_text(DISCLOSURE).is_visible()
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.id") == "open"
    assert page.get_by_role("button", name="Help").get_attribute("aria-expanded") == "false"


def test_a_page_that_is_not_listed_gets_no_answer(browser: Any, world: World) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(world.stranger)
    before = len(world.bot.asked)
    say(page, "hello")
    finished(page)
    assert "cannot be reached" in page.locator("li.user .note").text_content()
    assert len(world.bot.asked) == before
    context.close()


def test_a_visitor_waits_for_another_person_in_place(page: Any, world: World) -> None:
    say(page, "launch")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="Somebody else has to agree").wait_for()
    database = Database(world.gateway.folder / "chatward-identity.db")
    (id,) = database.row("SELECT id FROM challenges WHERE state = 'waiting'")
    Challenges(database, lambda entry: None).settle(id, Proof.APPROVAL)
    database.close()
    page.locator("li.bot .note", has_text="asks for a tool that this page cannot run: launch").wait_for()
    finished(page)
    assert dialog.count() == 0


def test_what_only_a_known_person_can_prove_ends_at_once(page: Any) -> None:
    say(page, "refund")
    page.locator(".note.stopped", has_text="A visitor of this page cannot prove who they are.").wait_for()
    finished(page)
    assert page.get_by_role("dialog").count() == 0


def test_it_is_laid_out_from_right_to_left_and_fits_a_phone(page: Any, world: World) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{world.home}/rtl")
    say(page, "W" * 200 + " markdown")
    finished(page)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    box, text = page.locator("li.bot").bounding_box(), page.locator("li.bot .who").bounding_box()
    assert text["x"] + text["width"] > box["x"] + box["width"] - 10
    assert page.locator("li.user .text").bounding_box()["x"] < text["x"]


def test_nothing_moves_where_that_is_not_wanted(page: Any, world: World) -> None:
    page.emulate_media(reduced_motion="reduce")
    say(page, "hello")
    finished(page)
    style = "getComputedStyle(document.querySelector('chatward-chat').shadowRoot.querySelector('.text'), '::after')"
    assert page.evaluate(f"{style}.animationName") == "none"


def test_pages_theme_it_by_variables_and_their_style_stays_outside(page: Any) -> None:
    page.evaluate("document.querySelector('chatward-chat').style.setProperty('--chatward-accent', 'rgb(1, 2, 3)')")
    page.evaluate(
        "const s = new CSSStyleSheet(); s.replaceSync('button {display: none}'); document.adoptedStyleSheets = [s]"
    )
    button = page.get_by_role("button", name="Send")
    assert button.is_visible()
    assert button.evaluate("button => getComputedStyle(button).backgroundColor") == "rgb(1, 2, 3)"


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_widget_keeps_the_accessibility_rules(page: Any, world: World, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for text in ("markdown", "now do xyzzy", "I am bob@mail.example, send mail"):
        say(page, text)
        finished(page)
    assert violations(page) == []
    page.goto(f"{world.home}/corner")
    page.get_by_role("button", name="Help").click()
    page.get_by_text(DISCLOSURE).wait_for()
    assert violations(page) == []
