"""The pages in a real browser: what a person sees, hears and can do.

A simulated gateway serves the chat page with its real headers, and answers by script.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chatward.console.chat import HEADERS, pages
from chatward.education.safety import safety_pages
from chatward.settings import Chat, Settings
from tests.browsing import BROWSING, needs_axe, violations, watched

pytestmark = BROWSING

DISCLOSURE = "You are talking to an AI system. Do not rely on it in an emergency."


def chunk(text: str | None = None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    data = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


TIP = json.dumps({"id": "link", "text": "A link <b>here</b> is bad.", "next": "Do not open it."})
DONE = b"data: [DONE]\n\n"

STREAMS = {
    "hello": [chunk("Hello <b>you</b>. "), chunk("How are you? I am"), chunk(" fine."), chunk(finish="stop"), DONE],
    "hide": [
        chunk("Write to [e-mail hidden]."),
        b': chatward {"action":"redact","hidden":{"EMAIL":2,"LINK":1}}\n\n',
        chunk(finish="stop"),
        DONE,
    ],
    "wait": [chunk("How are you? "), chunk("I am")],
    "cut": [chunk("It starts well. "), chunk("Stopped here."), chunk(finish="content_filter"), DONE],
    "crlf": [(chunk("Split ") + chunk("anywhere.") + chunk(finish="stop") + DONE).replace(b"\n", b"\r\n")],
    "list": [chunk("1. **one**\n2. [two](https://els"), chunk("ewhere.example/x)"), chunk(finish="stop"), DONE],
    "broken": [chunk("Half an ans"), b'data: {"error":{"message":"The bot stopped in the middle.","code":"x"}}\n\n'],
}


class Gateway(BaseHTTPRequestHandler):
    """Answers by the last word of the person's last message."""

    protocol_version = "HTTP/1.1"
    settings = Settings(chat=Chat(title="Help desk", model="m1"))
    waiting: threading.Event
    seen: list[dict[str, object]]

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        served = {**pages(self.settings), **safety_pages(self.settings, signed=True)}
        kind, body = served.get(self.path, ("text/plain", b"no"))
        self._head(200 if body != b"no" else 404, kind, dict(HEADERS), len(body))
        self.wfile.write(body)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append(body)
        word = body["messages"][-1]["content"].split()[-1] if "messages" in body else ""
        if self.path != "/v1/chat/completions":
            self._head(202, "application/json", {}, 2)
            self.wfile.write(b"{}")
        elif word == "attack":
            self._error(400, "content_filter", "This message was stopped by a safety check.", {"x-chatward-tip": TIP})
        elif word == "locked" and self.headers.get("authorization") != "Bearer made-up-key":
            self._error(401, "not-authenticated", "This address wants a key.")
        else:
            more = {"x-chatward-action": "redact", "x-chatward-notice": '{"CARD":1}'} if word == "hide" else {}
            if word == "learn":
                more = {"x-chatward-tip": TIP, "x-chatward-request-id": "cw-0123abcd-1"}
            self._head(200, "text/event-stream", {"x-chatward-action": "allow", **more}, None)
            for piece in STREAMS.get(word, STREAMS["hello"]):
                for part in [piece[i : i + 7] for i in range(0, len(piece), 7)] if word == "crlf" else [piece]:
                    self._piece(part)
            if word == "wait":
                self.waiting.wait(20)
            self._piece(b"")

    def _error(self, status, code, message, headers=None):
        body = json.dumps({"error": {"message": message, "code": code, "type": "error"}}).encode()
        self._head(status, "application/json", headers or {}, len(body))
        self.wfile.write(body)

    def _head(self, status, kind, headers, length):
        self.send_response(status)
        self.send_header("content-type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(length))
        self.end_headers()

    def _piece(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


@pytest.fixture
def gateway() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Gateway,), {"waiting": threading.Event(), "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    handler.waiting.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(browser, gateway):
    """The chat page, opened."""
    root = f"http://127.0.0.1:{gateway.server_port}"
    with watched(browser, stays=root) as opened:
        opened.goto(f"{root}/chat")
        yield opened


def say(page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def finished(page) -> None:
    page.locator('#log[aria-busy="false"]').wait_for(state="attached")


def announced(page) -> list[str]:
    return page.locator("#announcer p").all_text_contents()


def test_the_disclosure_is_there_before_anything_is_written(page):
    assert page.get_by_text(DISCLOSURE).is_visible()
    assert page.title() == "Help desk"


def test_an_answer_streams_in_as_text_and_is_announced_by_sentence(page):
    say(page, "hello")
    finished(page)
    assert page.locator("li.bot .text").text_content().strip() == "Hello <b>you</b>. How are you? I am fine."
    assert page.locator("li b").count() == 0
    assert announced(page) == ["Hello <b>you</b>.", "How are you?", "I am fine."]
    assert page.evaluate("document.activeElement.id") == "message"


def test_markdown_is_shown_and_links_say_where_they_lead(page):
    say(page, "list")
    finished(page)
    items = page.locator("li.bot .text ol > li")
    assert items.all_text_contents() == ["one", "two (elsewhere.example)"]
    assert items.first.locator("strong").count() == 1
    assert items.last.locator("a").get_attribute("rel") == "noopener noreferrer nofollow ugc"


def test_it_says_what_was_hidden_where_and_why(page):
    say(page, "my card, please hide")
    finished(page)
    mine, answer = page.locator("li.user .note").text_content(), page.locator("li.bot .note").text_content()
    assert mine == "Hidden from the bot: 1 card number. Personal data does not go to the bot."
    assert answer == (
        "Hidden in this answer: 2 e-mail addresses, 1 link. It may belong to somebody else. "
        "It could carry data out of this conversation."
    )
    assert mine in announced(page)
    assert answer in announced(page)


def test_a_stopped_message_is_explained_and_not_sent_again(page, gateway):
    say(page, "this is an attack")
    finished(page)
    note = page.locator("li.user .note").text_content()
    assert note.startswith("This message was not sent to the bot. This message was stopped by a safety check.")
    assert page.locator("li.bot").count() == 0
    say(page, "hello")
    finished(page)
    sent = gateway.RequestHandlerClass.seen[-1]["messages"]
    assert [message["content"] for message in sent] == ["hello"]


def test_an_answer_that_is_stopped_midway_says_so(page):
    say(page, "cut")
    finished(page)
    assert "stopped by a safety check" in page.locator("li.bot .note").text_content()
    assert "It starts well." in page.locator("li.bot .text").text_content()


def test_a_broken_answer_says_so_and_gives_the_question_back(page):
    say(page, "broken")
    finished(page)
    assert page.locator("li.bot .note").text_content() == "The bot stopped in the middle."
    assert page.get_by_label("Your message").input_value() == "broken"


def test_lines_may_end_as_they_like_and_be_split_anywhere(page):
    say(page, "crlf")
    finished(page)
    assert page.locator("li.bot .text").text_content().strip() == "Split anywhere."


def test_the_conversation_goes_on_with_its_history_until_it_is_left(page, gateway):
    for text in ("hello", "crlf"):
        say(page, text)
        finished(page)
    roles = [message["role"] for message in gateway.RequestHandlerClass.seen[-1]["messages"]]
    assert roles == ["user", "assistant", "user"]
    page.get_by_role("button", name="New conversation").click()
    assert page.locator("#log li").count() == 0
    say(page, "hello")
    finished(page)
    assert len(gateway.RequestHandlerClass.seen[-1]["messages"]) == 1


def test_escape_stops_an_answer(page):
    say(page, "wait")
    page.get_by_text("How are you?").first.wait_for()
    page.keyboard.press("Escape")
    finished(page)
    assert page.locator("li.bot .note").text_content() == "You stopped this answer."


def test_shift_and_enter_is_a_new_line_and_nothing_is_sent_empty(page, gateway):
    field = page.get_by_label("Your message")
    field.press("Enter")
    field.type("a")
    field.press("Shift+Enter")
    assert field.input_value() == "a\n"
    assert gateway.RequestHandlerClass.seen == []


def test_where_a_key_is_wanted_it_is_asked_for_and_used(page):
    say(page, "locked")
    finished(page)
    key = page.get_by_label("Access key")
    assert key.is_visible()
    assert page.evaluate("document.activeElement.id") == "key"
    key.fill("made-up-key")
    page.get_by_label("Your message").press("Enter")
    finished(page)
    assert "Hello" in page.locator("li.bot .text").last.text_content()


def test_by_keyboard_alone_everything_is_reached(page):
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert reached[:5] == ["Skip to the message field", "again", "Safety", "message", "send"]


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_cut_off_at_any_width(page, width):
    """WCAG 2.2, 1.4.10 (reflow): 320 CSS pixels is 1280 at a zoom of 400 %."""
    page.set_viewport_size({"width": width, "height": 640})
    say(page, "W" * 300 + " hello")
    finished(page)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chat_page_keeps_the_accessibility_rules(page, scheme):
    page.emulate_media(color_scheme=scheme)
    for text in ("please hide", "this is an attack", "cut", "locked"):
        say(page, text)
        finished(page)
    assert violations(page) == []


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["on", "off on quiet", "not-loaded"])
def test_the_console_keeps_the_accessibility_rules(browser, console, scheme, state):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.goto(console(state))
    assert page.get_by_role("heading", name="Recent verdicts").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('section')).borderRadius") != "0px"
    assert violations(page) == []
    assert complaints == []
    context.close()


@pytest.fixture
def console(plane):
    """Serves the console as it stands after four verdicts; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(state: str) -> str:
        it = plane()
        it.ward.states[0] = ("text.pii", "Personal data", state)

        async def fetch() -> dict[str, object]:
            for text in ("attack", "ann@example.com", "hello", "attack"):
                await it.client.post("/api/v1/inspect", json={"text": text})
            page = await it.client.get("/")
            files = re.findall(r'(?:src|href)="(/[^"?#]+\.(?:css|js|svg))"', page.text)
            plain = {"accept-encoding": "identity"}
            return {"/": page, **{path: await it.client.get(path, headers=plain) for path in files}}

        # On a thread: the browser's driver keeps a loop of its own running on this one.
        with ThreadPoolExecutor(1) as pool:
            served = pool.submit(asyncio.run, fetch()).result()

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format, *args):
                pass

            def do_GET(self):
                answer = served[self.path]
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.content)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_tip_says_what_happened_and_what_to_do(page, gateway):
    say(page, "learn")
    finished(page)
    tip = page.get_by_role("complementary", name="Tip")
    assert tip.locator("p").text_content() == "A link <b>here</b> is bad. Do not open it."
    assert "A link <b>here</b> is bad. Do not open it." in announced(page)
    with page.expect_popup() as opened:
        tip.get_by_role("link").click()
    assert opened.value.get_by_role("heading", level=1).text_content() == "How this chat is kept safe"
    tip.get_by_role("button", name="Close").click()
    assert tip.count() == 0
    told = [(body["tip"], body["what"]) for body in gateway.RequestHandlerClass.seen if "tip" in body]
    assert told == [("link", "shown"), ("link", "followed"), ("link", "dismissed")]


def test_a_refused_message_comes_with_its_tip(page):
    say(page, "attack")
    finished(page)
    assert page.locator("li.user").get_by_role("complementary", name="Tip").is_visible()


def test_an_answer_is_reported_by_keyboard(page, gateway):
    say(page, "learn")
    finished(page)
    page.get_by_text("Report this answer").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#log").get_by_text("Thank you. Your report was received.").wait_for()
    assert gateway.RequestHandlerClass.seen[-1] == {"request": "cw-0123abcd-1", "why": "unsafe"}


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tips_and_the_safety_page_are_accessible(browser, gateway, scheme):
    root = f"http://127.0.0.1:{gateway.server_port}"
    with watched(browser, stays=root, color_scheme=scheme) as page:
        page.goto(f"{root}/chat")
        say(page, "learn")
        finished(page)
        page.get_by_text("Report this answer").click()
        assert violations(page) == []
        for path in ("/chat/safety", "/chat/safety/pl"):
            page.goto(f"{root}{path}")
            assert violations(page) == []
