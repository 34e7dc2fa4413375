"""Privacy in the path of messages, through real HTTP: a running gateway, a bot, keys as people."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.identity.key_store import KeyStore
from chatward.settings import Bot, LedgerSettings, Notice, Privacy, Processor, Purpose, Route, Server, Settings
from chatward.stores.database import Database
from tests.browsing import BROWSING, browser, needs_axe, violations, watched
from tests.simulators.gateway import RunningGateway

__all__ = ["browser"]

CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "good morning"}]}
SAID = {
    "id": "c1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
}  # fmt: skip
CHUNK = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


class _Bot(BaseHTTPRequestHandler):
    """Answers at once; streams a word every few milliseconds until ``enough`` is set (or two hundred of them)."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]]
    enough: threading.Event

    def do_GET(self) -> None:
        self._answer({"object": "list", "data": []})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body)
        if not body.get("stream"):
            self._answer({"object": "list", "data": [], "model": "m"} if "input" in body else SAID)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        try:
            for _ in range(200):
                delta = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
                self.wfile.write(b"data: " + json.dumps(delta).encode() + b"\n\n")
                self.wfile.flush()
                if self.enough.wait(0.02):
                    break
            end = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            self.wfile.write(b"data: " + json.dumps(end).encode() + b"\n\ndata: [DONE]\n\n")
        except OSError:
            pass  # the gateway ended it
        self.close_connection = True

    def _answer(self, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


class World:
    """A gateway with one route for each purpose (by model), and its bot."""

    def __init__(self, folder: Path) -> None:
        self.handler: Any = type("Handler", (_Bot,), {"asked": [], "enough": threading.Event()})
        self.bot = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        threading.Thread(target=self.bot.serve_forever, daemon=True).start()
        purposes = {
            "support": Purpose(summary="Answering", lawful_basis="consent", retention_days=30),
            "orders": Purpose(lawful_basis="contract", retention_days=30),
            "improving": Purpose(
                lawful_basis="legitimate-interests", interest="Better answers", use="analytics", retention_days=9
            ),
            "games": Purpose(lawful_basis="contract", minors="refuse", retention_days=30),
        }
        route = Route(guards=("text.leak",))
        privacy = Privacy(
            profile=("gdpr", "eu-ai-act"),
            controller="Example Ltd",
            contact="privacy@example.com",
            minor_role="minor",
            disclosure="notice",
            notice=Notice(version="2026-01", text="We keep it short."),
            purposes=purposes,
            processors={"own": Processor(bots=("default",), own=True, region="DE")},
        )
        routes = {
            name: Route(guards=route.guards, purpose=name, models=(name,)) for name in purposes if name != "support"
        }
        settings = Settings(
            server=Server(port=0, admin_port=0),
            bots={"default": Bot(upstream=f"http://127.0.0.1:{self.bot.server_port}")},
            routes={**routes, "default": Route(guards=route.guards, purpose="support")},
            ledger=LedgerSettings(path="chatward.db"),
            privacy=privacy,
        )
        self.gateway = RunningGateway(settings, folder)
        self.keys = KeyStore(Database(folder / "chatward-identity.db"), lambda entry: None)

    def person(self, *roles: str) -> Person:
        return Person(self, self.keys.create("somebody", roles=roles).key)

    def events(self) -> list[str]:
        return [record.event for record in self.gateway.records()]

    def stop(self) -> None:
        self.handler.enough.set()
        self.gateway.stop()
        self.bot.shutdown()


class Person:
    def __init__(self, world: World, key: str = "") -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=world.gateway.url, headers=headers, timeout=30)

    def ask(self, model: str = "m", path: str = CHAT, headers: dict[str, str] | None = None, **more: Any) -> Any:
        return self.http.post(path, json={**ASKED, "model": model, **more}, headers=headers or {})

    def consents(self, purpose: str = "support", notice: str = "2026-01") -> httpx.Response:
        return self.http.post("/v1/privacy/consents", json={"purpose": purpose, "notice": notice})

    def chooses(self, choice: str, **more: str) -> httpx.Response:
        return self.http.post("/v1/privacy/choices", json={"choice": choice, **more})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", {}).get("code", "")


def spoken(stream: str) -> str:
    """The words of a stream."""
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]
    return "".join(one["choices"][0]["delta"].get("content", "") for one in events if "choices" in one)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("privacy"))
    yield world
    world.stop()


def test_consent_opens_the_way_and_its_withdrawal_closes_it_at_the_next_message(world: World) -> None:
    ann, bob = world.person(), world.person()
    before = len(world.handler.asked)
    refused = ann.ask()
    assert code(refused) == (403, "consent-required")
    assert "/chat/privacy" in refused.json()["error"]["message"]
    assert len(world.handler.asked) == before  # no bot has seen it
    given = ann.consents()
    assert given.status_code == 200
    assert given.json()["purposes"]["support"]["permitted"] is True
    assert ann.ask().status_code == 200
    assert code(bob.ask()) == (403, "consent-required")  # it is hers alone
    assert ann.http.delete("/v1/privacy/consents/support").status_code == 200
    assert code(ann.ask()) == (403, "consent-required")
    assert {"privacy:consent:given", "privacy:consent:withdrawn"} <= set(world.events())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {"model": "m", "input": "hello"}),
        ("/v1/messages", {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}),
        ("/v1/messages/count_tokens", {"model": "m", "messages": [{"role": "user", "content": "hello"}]}),
        ("/v1/embeddings", {"model": "m", "input": "hello"}),
    ],
)
def test_the_refusal_is_an_error_of_every_dialect(world: World, path: str, body: dict[str, Any]) -> None:
    ann = world.person()
    got = ann.http.post(path, json=body)
    assert code(got) == (403, "consent-required")
    assert (got.json().get("type") == "error") == path.startswith("/v1/messages")
    ann.consents()
    assert code(ann.http.post(path, json=body)) != (403, "consent-required")


def test_withdrawal_ends_a_stream_that_runs(world: World) -> None:
    ann = world.person()
    ann.consents()
    other = httpx.Client(base_url=world.gateway.url, headers=ann.http.headers, timeout=30)
    text = ""
    world.handler.enough.clear()
    with ann.http.stream("POST", CHAT, json={**ASKED, "stream": True}) as stream:
        for piece in stream.iter_text():
            if not text:
                assert other.delete("/v1/privacy/consents/support").status_code == 200
            text += piece
    assert "consent-required" in text
    assert '"stop"' not in text
    assert 0 < len(spoken(text)) < 100 * len("word ")


def test_nobody_in_particular_cannot_consent_for_everybody(world: World) -> None:
    nobody = Person(world)
    assert code(nobody.ask()) == (403, "consent-required")
    assert nobody.consents().status_code == 401
    assert nobody.ask("orders").status_code == 200  # what rests on a contract needs no consent


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"purpose": "support", "notice": "2025-01"}, (409, "notice-outdated")),
        ({"purpose": "orders", "notice": "2026-01"}, (409, "consent-not-asked")),
        ({"purpose": "nothing", "notice": "2026-01"}, (404, "purpose-unknown")),
        ({"purpose": "support"}, (400, "field-type")),
        ({"purpose": "support", "notice": "2026-01", "more": 1}, (400, "field-type")),
        ([], (400, "field-type")),
    ],
)
def test_a_consent_that_is_none(world: World, body: Any, answer: tuple[int, str]) -> None:
    ann = world.person()
    assert code(ann.http.post("/v1/privacy/consents", json=body)) == answer
    assert code(ann.ask()) == (403, "consent-required")


def test_objection_and_restriction_bind_the_next_message(world: World) -> None:
    ann = world.person()
    assert ann.ask("improving").status_code == 200
    assert ann.chooses("object", purpose="improving").status_code == 200
    assert code(ann.ask("improving")) == (403, "processing-objected")
    assert ann.ask("orders").status_code == 200
    assert code(ann.chooses("object", purpose="orders")) == (409, "objection-not-offered")
    assert ann.chooses("restrict").json()["restricted"] == ["*"]
    assert code(ann.ask("orders")) == (403, "processing-restricted")
    assert ann.chooses("restrict-no-more").status_code == 200
    assert ann.ask("orders").status_code == 200
    assert code(ann.chooses("opt-out", purpose="orders")) == (409, "opt-out-not-offered")
    assert code(ann.chooses("nothing")) == (400, "field-type")


def test_global_privacy_control_is_kept_for_known_people_and_holds_for_others(world: World) -> None:
    ann, nobody = world.person(), Person(world)
    gpc = {"sec-gpc": "1"}
    assert nobody.ask("improving").status_code == 200
    assert code(nobody.ask("improving", headers=gpc)) == (403, "opted-out")
    assert nobody.ask("improving").status_code == 200  # nobody in particular has no profile
    assert ann.ask("improving", headers={"sec-gpc": "0"}).status_code == 200
    assert ann.ask("orders", headers=gpc).status_code == 200  # served all the same (1798.125)
    assert code(ann.ask("improving")) == (403, "opted-out")
    told = ann.http.get("/v1/privacy/consents", headers=gpc).json()
    assert told["gpc"] == {"honoured": True, "seen": True}
    assert told["opted_out"] == ["improving"]
    assert ann.chooses("opt-in", purpose="improving").status_code == 200
    assert code(ann.ask("improving", headers=gpc)) == (403, "opted-out")  # the signal counts again
    page = httpx.get(f"{world.gateway.url}/.well-known/gpc.json", timeout=30)
    assert page.json()["gpc"] is True
    assert page.headers["content-type"] == "application/json"


def test_minors_are_known_by_a_role(world: World) -> None:
    assert world.person().ask("games").status_code == 200
    assert code(world.person("minor").ask("games")) == (403, "minor-refused")
    assert world.person("minor").ask("orders").status_code == 200


def test_models_are_listed_to_everybody(world: World) -> None:
    assert Person(world).http.get("/v1/models").status_code == 200


def test_the_notice_is_read_by_everybody(world: World) -> None:
    told = Person(world).http.get("/v1/privacy/notice").json()
    assert told["version"] == "2026-01"
    assert told["controller"] == "Example Ltd"
    assert told["purposes"]["improving"]["interest"] == "Better answers"
    assert told["purposes"]["support"]["retention_days"] == 30


def test_the_first_answer_of_a_conversation_says_that_it_is_an_ai(world: World) -> None:
    nobody = Person(world)
    first = nobody.ask("orders")
    assert first.headers["x-chatward-ai"] == "generated"
    assert "AI" in json.loads(first.headers["x-chatward-disclosure"])
    assert first.json()["chatward"]["disclosure"] == json.loads(first.headers["x-chatward-disclosure"])
    assert first.json()["choices"] == SAID["choices"]  # the bot's words are as they were
    longer = [*ASKED["messages"], {"role": "assistant", "content": "hello"}, {"role": "user", "content": "and?"}]
    later = nobody.ask("orders", messages=longer)
    assert later.headers["x-chatward-ai"] == "generated"
    assert "x-chatward-disclosure" not in later.headers
    assert "chatward" not in later.json()
    world.handler.enough.set()
    streamed = nobody.ask("orders", stream=True)
    assert streamed.text.startswith(': chatward {"disclosure":')
    assert spoken(streamed.text) == "word "
    assert "[DONE]" in streamed.text
    assert "x-chatward-ai" not in nobody.ask("support").headers  # a refusal is nobody's words
    assert "x-chatward-ai" not in nobody.http.get("/v1/models").headers
    assert "privacy:disclosure:given" in world.events()


def test_people_ask_for_their_rights(world: World) -> None:
    ann, bob = world.person(), world.person()
    made = ann.http.post("/v1/privacy/requests", json={"kind": "access"})
    assert made.status_code == 201
    assert made.json()["state"] == "verified"
    assert made.json()["due"] > made.json()["received"]
    assert [one["kind"] for one in ann.http.get("/v1/privacy/requests").json()["requests"]] == ["access"]
    assert bob.http.get("/v1/privacy/requests").json() == {"requests": []}
    assert code(ann.http.post("/v1/privacy/requests", json={"kind": "everything"})) == (400, "field-type")
    assert ann.http.put("/v1/privacy/requests", json={}).status_code == 405
    assert ann.http.get("/v1/privacy/requests/x/y").status_code == 404


# --- the page of a person's choices --------------------------------------------------------------------


@BROWSING[0]
@BROWSING[1]
def test_a_person_consents_on_the_page_chats_and_withdraws(world: World, browser: Any) -> None:
    ann = world.person()
    assert code(ann.ask()) == (403, "consent-required")
    with watched(browser, stays=world.gateway.url) as page:
        page.goto(f"{world.gateway.url}/chat/privacy")
        page.get_by_text("Responsible: Example Ltd, privacy@example.com.").wait_for()
        page.get_by_role("button", name="Show my choices").click()
        page.get_by_text("Sign in first").wait_for()
        page.get_by_label("Access key").fill(str(ann.http.headers["authorization"]).partition(" ")[2])
        page.get_by_role("button", name="Show my choices").click()
        page.get_by_role("button", name="Consent: Answering").click()
        page.get_by_role("button", name="Withdraw consent: Answering").wait_for()
        assert ann.ask().status_code == 200
        page.get_by_role("button", name="Opt out: improving").click()
        page.get_by_role("button", name="Opt in: improving").wait_for()
        assert code(ann.ask("improving")) == (403, "opted-out")
        page.get_by_role("button", name="Stop all processing").click()
        page.get_by_role("button", name="Allow processing again").wait_for()
        assert code(ann.ask("orders")) == (403, "processing-restricted")
        page.get_by_role("button", name="Allow processing again").click()
        page.get_by_role("button", name="Withdraw consent: Answering").click()
        page.get_by_role("button", name="Consent: Answering").wait_for()
        page.get_by_label("What do you ask for?").select_option("erasure")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.get_by_text("erasure, asked on").wait_for()
    assert code(ann.ask()) == (403, "consent-required")


@BROWSING[0]
@BROWSING[1]
@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_and_fits_a_small_screen(world: World, browser: Any, scheme: str) -> None:
    ann = world.person()
    small = {"width": 320, "height": 640}
    with watched(browser, stays=world.gateway.url, viewport=small, color_scheme=scheme) as page:
        page.goto(f"{world.gateway.url}/chat/privacy")
        page.get_by_label("Access key").fill(str(ann.http.headers["authorization"]).partition(" ")[2])
        page.get_by_role("button", name="Show my choices").click()
        page.get_by_role("button", name="Stop all processing").wait_for()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
