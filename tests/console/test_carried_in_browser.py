"""What else people do in the chat page and the widget, in a real browser before the real gateway.

Files, links, consent, their data, the mark of a genuine bot, the frame, and texts that are hostile to who shows them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatward.identity.key_store import KeyStore
from chatward.settings import (
    Bot,
    Chat,
    Files,
    Genuine,
    LedgerSettings,
    Notice,
    Privacy,
    Purpose,
    Recogniser,
    Route,
    Server,
    Settings,
    WidgetSettings,
)
from chatward.stores.database import Database
from tests.browsing import AXE, BROWSING, violations, watched
from tests.simulators.gateway import RunningGateway
from tests.simulators.talker import Site, Talker, chunk, said, serving

pytestmark = BROWSING

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PROGRAM = b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0" + bytes(200)
MARKUP = "<img src=x onerror=alert(1)><script>alert(1)</script>"
BIDI = "\u202egnp.exe \u2066\u200fend"
ZALGO = "Z" + "\u0301\u0316\u035b" * 80 + "algo"
HOSTILE = {
    "markup": MARKUP,
    "attribute": "\"'><svg onload=alert(1)> ${alert(1)} {{7*7}}",
    "bidi": BIDI,
    "zalgo": ZALGO,
    "schemes": "[x](javascript:alert(1)) [y](data:text/html,<script>alert(1)</script>) [z](vbscript:x)",
}
LINKS = "Pay at [your bank](http://secure.bank.example@198.51.100.7:8080/x) or https://xn--bnk-ula.shop.example/a now."
STREAMS: dict[str, list[bytes | None]] = {
    "links": [*said(LINKS)],
    "megabyte": [*(chunk("word " * 4_000) for _ in range(50)), *said()],
    **{name: [*said(text)] for name, text in HOSTILE.items()},
}


class World:
    """A bot, a gateway with a chat page and a widget for one site, and that site."""

    def __init__(self, folder: Path, bot: Talker, bot_port: int, site: Site, site_port: int) -> None:
        self.bot, self.site = bot, site
        self.home = f"http://localhost:{site_port}"
        port = _free()
        settings = Settings(
            server=Server(port=port, admin_port=0, max_body=2 * 1024 * 1024),
            bots={"default": Bot(upstream=f"http://127.0.0.1:{bot_port}", api_key="env:BOT_KEY")},
            routes={
                "visitors": Route(models=("private",), guards=("files.*",), purpose="support"),
                "default": Route(
                    guards=("text.custom", "files.*"),
                    recognisers=(Recogniser(name="banned", words=("xyzzy",), category="policy"),),
                ),
            },
            ledger=LedgerSettings(path="chatward.db"),
            files=Files(seconds=120.0),
            chat=Chat(attachments=True),
            genuine=Genuine(name="Shop bot"),
            privacy=Privacy(
                controller="Example Ltd",
                notice=Notice(version="1", text="We keep it short."),
                purposes={"support": Purpose(summary="Answering", lawful_basis="consent", retention_days=9)},
            ),
            widget=WidgetSettings(
                enabled=True, origins=(self.home,), model="private", title="Help", attachments=True,
                frame=f"http://127.0.0.1:{port}", sessions_per_minute=1000,
            ),
        )  # fmt: skip
        self.gateway = RunningGateway(settings, folder, {"BOT_KEY": "made-up"})
        root = self.gateway.url
        self.root = root
        self.key = KeyStore(Database(folder / "chatward-identity.db"), lambda entry: None).create("ann").key
        site.policy = (
            f"default-src 'none'; script-src {root}; connect-src {root}; frame-src {root}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        head = f'<script src="{root}/widget.js" async></script>'
        site.pages = {
            "/": _page(head, "<chatward-chat></chatward-chat>"),
            "/framed": _page(head, '<chatward-chat frame theme="dark"></chatward-chat>'),
        }


def _free() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _page(head: str, inside: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>{head}</head>'
        f"<body><main><h1>Shop</h1>{inside}</main></body></html>"
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    bot, site = Talker(STREAMS), Site()
    with serving(bot.handler()) as bot_port, serving(site.handler()) as site_port:
        world = World(tmp_path_factory.mktemp("carried"), bot, bot_port, site, site_port)
        yield world
        world.gateway.stop()


@pytest.fixture
def widget(browser: Any, world: World) -> Iterator[Any]:
    """The site's page with the widget, whose visitor has not consented yet."""
    with watched(browser, stays="http://") as page:
        page.goto(world.home)
        field(page).wait_for()
        yield page


@pytest.fixture
def chat(browser: Any, world: World) -> Iterator[Any]:
    with watched(browser, stays=world.root) as page:
        page.goto(f"{world.root}/chat")
        yield page


def field(page: Any) -> Any:
    return page.get_by_role("textbox", name="Your message")


def say(page: Any, text: str) -> None:
    field(page).fill(text)
    field(page).press("Enter")


def finished(page: Any) -> None:
    page.locator('#log[aria-busy="false"]').wait_for(state="attached")


def keeps_the_rules(page: Any) -> None:
    if AXE.exists():
        assert violations(page) == []


def consented(page: Any) -> None:
    say(page, "hello")
    page.get_by_role("button", name="I consent").click()
    finished(page)


def test_consent_is_asked_for_in_the_widget_and_the_waiting_message_goes_on(widget: Any, world: World) -> None:
    say(widget, "hello")
    dialog = widget.get_by_role("dialog", name="Your message waits for your consent")
    dialog.wait_for()
    assert "Answering Ground: consent. Kept for 9 days." in dialog.text_content()
    keeps_the_rules(widget)
    before = len(world.bot.asked)
    widget.keyboard.press("Escape")
    finished(widget)
    assert "needs your consent" in widget.locator("li.user .note").text_content()
    field(widget).press("Enter")  # what was not sent is still there
    assert len(world.bot.asked) == before
    dialog.wait_for()
    widget.keyboard.press("Enter")  # the button has the focus
    widget.locator("li.bot .text", has_text="hello").wait_for()
    finished(widget)
    assert world.bot.asked[-1][1]["messages"] == [{"role": "user", "content": "hello"}]
    widget.get_by_role("button", name="Your data").click()
    data = widget.get_by_role("dialog", name="Your data")
    data.get_by_role("button", name="Withdraw consent: Answering").click()
    data.get_by_role("button", name="Consent: Answering").wait_for()
    data.get_by_label("What do you ask for?").select_option("erasure")
    data.get_by_role("button", name="Ask", exact=True).click()
    data.get_by_text("erasure, asked on").wait_for()
    keeps_the_rules(widget)
    data.get_by_role("button", name="Close").click()
    say(widget, "hello")
    widget.get_by_role("dialog", name="Your message waits for your consent").wait_for()


def test_files_are_picked_shown_left_out_and_sent_in_the_dialects_form(widget: Any, world: World) -> None:
    consented(widget)
    with widget.expect_file_chooser() as chosen:
        widget.get_by_role("button", name="Attach files").press("Enter")
    chosen.value.set_files([
        {"name": "dot.png", "mimeType": "image/png", "buffer": PNG},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"open from nine to five"},
        {"name": "other.txt", "mimeType": "text/plain", "buffer": b"x"},
    ])  # fmt: skip
    widget.get_by_role("button", name="Leave out other.txt").press("Enter")
    assert widget.get_by_role("list", name="Files to send").get_by_role("listitem").count() == 2
    widget.locator(".file canvas").wait_for(state="attached")
    keeps_the_rules(widget)
    say(widget, "look")
    finished(widget)
    text, picture, file = world.bot.asked[-1][1]["messages"][-1]["content"]
    assert text == {"type": "text", "text": "look"}
    assert picture["image_url"]["url"].startswith("data:image/png;base64,")
    assert file["file"]["filename"] == "notes.txt"
    assert base64.b64decode(file["file"]["file_data"].partition(",")[2]) == b"open from nine to five"
    sent = widget.locator("li.user").last
    assert sent.locator(".file").all_text_contents() == ["dot.pngPNG file, 1 KB", "notes.txtTXT file, 1 KB"]
    say(widget, "again")
    finished(widget)
    assert len(world.bot.asked[-1][1]["messages"][-3]["content"]) == 3  # the bot still has them
    widget.reload()
    widget.locator("li.user").last.wait_for()
    say(widget, "and now")
    finished(widget)
    (left,) = world.bot.asked[-1][1]["messages"][2]["content"]
    assert left["text"] == "look\n[A file that is no longer here: dot.png]\n[A file that is no longer here: notes.txt]"


DROP = """([selector, type, files]) => {
  const root = document.querySelector("chatward-chat")?.shadowRoot ?? document;
  const data = new DataTransfer();
  for (const [name, size] of files) {
    data.items.add(new File([new Uint8Array(size).fill(97)], name, {type: "text/plain"}));
  }
  const given = type === "paste" ? new ClipboardEvent("paste", {clipboardData: data, cancelable: true})
    : new DragEvent("drop", {dataTransfer: data, cancelable: true});
  root.querySelector(selector).dispatchEvent(given);
}"""


@pytest.mark.parametrize("place", ["widget", "chat"])
def test_what_cannot_be_taken_is_said_with_the_reason(place: str, request: Any, world: World) -> None:
    page = request.getfixturevalue(place)
    page.evaluate(DROP, ["form", "drop", [["big.txt", 1_500_000], ["empty.txt", 0], ["a.txt", 3]]])
    said_ = page.locator("form .note.stopped")
    said_.wait_for()
    assert said_.text_content() == (
        "big.txt is too large: all files together may have 1.4 MB. empty.txt is empty, or a folder."
    )
    page.evaluate(DROP, ["textarea", "paste", [[f"{n}.txt", 1] for n in range(9)]])
    assert "No more than 8 files" in said_.text_content()
    assert page.get_by_role("button", name="Leave out").count() == 8


def test_a_file_that_the_guards_stop_is_told_why(chat: Any, world: World) -> None:
    before = len(world.bot.asked)
    chat.locator("#files").set_input_files(
        [{"name": f"invoice{BIDI}", "mimeType": "image/png", "buffer": PROGRAM}],
    )
    field(chat).press("Enter")  # a file alone is a message
    finished(chat)
    note = chat.locator("li.user .note.stopped").text_content()
    assert note.startswith("This message was not sent to the bot.")
    assert "file" in note.lower() or "file" in chat.locator("li.user .tip").text_content().lower()
    assert len(world.bot.asked) == before
    assert "\u202e" not in chat.locator("li.user").text_content()
    assert "\ufffdgnp.exe" in chat.locator("li.user .file bdi").text_content()


def test_links_of_a_message_say_where_they_lead(chat: Any, world: World) -> None:
    say(chat, "links")
    finished(chat)
    leads = chat.locator("li.bot .leads li").all_text_contents()
    assert leads == [
        "198.51.100.7 (not encrypted; a bare address without a name; what stands before @ is not the address; "
        "port 8080)",
        "xn--bnk-ula.shop.example (the name has letters of another alphabet)",
    ]
    assert chat.locator("li.bot .leads strong").last.text_content() == "shop.example"
    say(chat, "see https://a.example/ please hello")
    assert chat.locator("li.user .leads li").last.text_content() == "a.example"
    finished(chat)


def test_answers_have_the_mark_of_the_genuine_bot_and_a_copy_has_not(widget: Any, world: World) -> None:
    consented(widget)
    mark = widget.locator("li.bot .genuine")
    mark.wait_for()
    assert mark.text_content() == "Signed by Shop bot, answer 1. Check it yourself"
    assert mark.locator("a").get_attribute("href") == f"{world.root}/verify"

    def changed(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('"content":"', '"content":"x'))

    widget.route("**/v1/chat/completions", changed)
    say(widget, "hello")
    widget.locator("li.bot .note.stopped", has_text="could not be shown to come from here").wait_for()


def test_a_frame_keeps_the_conversation_from_the_page_around_it(browser: Any, world: World) -> None:
    with watched(browser, stays="http://") as page:
        page.goto(f"{world.home}/framed")
        inside = page.frame_locator("iframe")
        say(inside, "hello")
        inside.get_by_role("button", name="I consent").click()
        inside.locator("li.bot .text", has_text="hello").wait_for()
        assert inside.locator("chatward-chat").get_attribute("theme") == "dark"
        frame = page.locator("iframe")
        assert "allow-top-navigation" not in frame.get_attribute("sandbox")
        assert frame.evaluate("frame => frame.contentDocument") is None
        assert "hello" not in page.evaluate("JSON.stringify(sessionStorage)")
        keeps_the_rules(page)
    stranger = world.home.replace("localhost", "127.0.0.1")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{stranger}/framed")
    page.locator("iframe").wait_for()
    page.wait_for_load_state("networkidle")
    assert field(page.frame_locator("iframe")).count() == 0
    context.close()


SHOWN = """() => {
  const root = document.querySelector("chatward-chat")?.shadowRoot ?? document;
  return {
    made: root.querySelectorAll("#log img, #log script, #log svg, #log iframe, #log [onerror], #log [onload]").length,
    hrefs: Array.from(root.querySelectorAll("#log a"), (one) => one.protocol),
    wide: document.scrollingElement.scrollWidth > innerWidth,
  };
}"""


@pytest.mark.parametrize("place", ["widget", "chat"])
def test_hostile_texts_stay_texts(place: str, request: Any, world: World) -> None:
    """Messages, answers, names of files, and what is restored: nothing of them runs, loads, turns the rest around, or
    makes the page wider. ``watched`` fails on every violation of the policy and every error."""
    page = request.getfixturevalue(place)
    if place == "widget":
        consented(page)
    page.set_viewport_size({"width": 360, "height": 720})
    for name, text in HOSTILE.items():
        say(page, f"{text} {name}")
        finished(page)
    names = [f"{text.replace('/', '')[:200]}.txt" for text in HOSTILE.values()]
    page.locator("#files").set_input_files([{"name": n, "mimeType": "text/plain", "buffer": b"hello"} for n in names])
    say(page, "files")
    finished(page)
    boxes = [one.bounding_box() for one in page.locator("li.user .file").all()]
    assert len(boxes) == len(HOSTILE)
    assert all(box["height"] < 200 for box in boxes)
    for again in (False, True):
        if again:
            page.reload()
            page.locator("li.bot").last.wait_for()
        seen = page.evaluate(SHOWN)
        assert seen["made"] == 0
        assert set(seen["hrefs"]) <= {"http:", "https:"}
        assert not seen["wide"]
    answers = page.locator("li.bot .text").all_text_contents()
    assert any("onerror=alert(1)" in one for one in answers)
    keeps_the_rules(page)


@pytest.mark.parametrize("place", ["widget", "chat"])
def test_a_megabyte_is_shown_and_sent_and_the_page_goes_on(place: str, request: Any, world: World) -> None:
    page = request.getfixturevalue(place)
    if place == "widget":
        consented(page)
    field(page).evaluate("field => { field.value = 'word '.repeat(200_000) + 'megabyte'; }")
    field(page).press("Enter")
    finished(page)
    assert len(world.bot.asked[-1][1]["messages"][-1]["content"]) > 1_000_000
    assert len(page.locator("li.bot .text").last.text_content()) >= 999_000
    field(page).fill("it still takes what one writes")
    assert not page.evaluate(SHOWN)["wide"]


def test_the_chat_page_is_the_same_after_a_reload(chat: Any, world: World) -> None:
    say(chat, "links")
    finished(chat)
    shown = chat.locator("#log").inner_html().replace(' style=""', "")
    chat.reload()
    chat.locator("li.bot .report").wait_for()
    assert chat.locator("li.bot .text").inner_html() in shown
    say(chat, "hello")
    finished(chat)
    assert [turn["role"] for turn in world.bot.asked[-1][1]["messages"]] == ["user", "assistant", "user"]
    chat.get_by_role("button", name="New conversation").click()
    chat.reload()
    assert chat.locator("li").count() == 0


def test_consent_is_asked_for_on_the_chat_page_too(chat: Any, world: World) -> None:
    chat.evaluate("model = 'private'")
    say(chat, "hello")
    chat.get_by_label("Access key").fill(world.key)
    finished(chat)
    field(chat).press("Enter")
    chat.get_by_role("button", name="I consent").click()
    chat.locator("li.bot .text", has_text="hello").wait_for()
    finished(chat)
