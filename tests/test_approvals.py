"""A tool call that waits for another person, through a running gateway and its console, over HTTP."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.identity.key_store import KeyStore
from chatward.identity.operators import Operators
from chatward.identity.passwords import Passwords
from chatward.settings import Authorization, Bot, LedgerSettings, Route, Server, Settings
from chatward.stores.database import Database
from tests.simulators.gateway import RunningGateway
from tests.simulators.tool_calls import chat, chat_stream

PATH = "/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "wire 250 to my landlord, please"}]}
ARGUMENTS = '{"to": "landlord@example.com", "amount": 250}'
PASSWORD = "a rather long pass phrase"
# Consent needs two factors by the shipped policies; here one is enough, so that the test needs no app.
POLICY = """
@id("own/console") permit (principal is Operator in Role::"operator", action in Action::"admin:*:*", resource);
@id("own/known") permit (principal is Service, action in [Action::"message:send", Action::"tool:call"], resource);
@id("own/wire") @title("Money goes out with two pairs of eyes") @approval("operator")
forbid (principal, action == Action::"tool:call", resource == Tool::"wire") unless { context.approved };
"""


class _Bot(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        wanted = json.loads(self.rfile.read(int(self.headers["content-length"])))
        streamed = wanted.get("stream")
        body = chat_stream("wire", ARGUMENTS) if streamed else chat("wire", ARGUMENTS)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


class World:
    def __init__(self, folder: Path, url: str) -> None:
        (folder / "own.cedar").write_text(POLICY)
        settings = Settings(
            server=Server(port=0, admin_port=0),
            bots={"default": Bot(upstream=url)},
            routes={"default": Route(guards=("text.pii", "text.secrets"))},
            ledger=LedgerSettings(path="chatward.db"),
            authorization=Authorization(policies=(str(folder / "own.cedar"),), default=False),
        )
        self.gateway = RunningGateway(settings, folder)
        database = Database(folder / "chatward-identity.db")
        self.key = KeyStore(database, lambda entry: None).create("bot").key
        operators = Operators(database, Passwords(), lambda entry: None)
        operators.create("olga", PASSWORD, ["operator"])
        self.console = httpx.Client(base_url=self.gateway.admin_url, timeout=60)
        self.console.headers["origin"] = self.gateway.admin_url
        signed = self.console.post("/api/v1/session", json={"name": "olga", "password": PASSWORD})
        assert signed.status_code == 200, signed.text
        self.console.headers["x-csrf-token"] = signed.json()["csrf"]

    def ask(self, challenge: str = "", **changes: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}", **({"x-chatward-challenge": challenge} if challenge else {})}
        return httpx.post(self.gateway.url + PATH, headers=headers, json={**ASKED, **changes}, timeout=60)

    def waiting(self) -> list[dict[str, Any]]:
        found = self.console.get("/api/v1/approvals")
        assert found.status_code == 200, found.text
        told: list[dict[str, Any]] = found.json()
        return told

    def decide(self, number: str, *, approve: bool) -> None:
        body = {"approve": approve, "reason": "expected" if approve else "suspicious"}
        done = self.console.post(f"/api/v1/approvals/{number}/decision", json=body)
        assert done.status_code == 200, done.text

    def events(self) -> list[str]:
        return [record.event for record in self.gateway.records()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Bot)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    world = World(tmp_path_factory.mktemp("approvals"), f"http://127.0.0.1:{server.server_port}")
    yield world
    world.gateway.stop()
    server.shutdown()


def test_a_whole_reply_waits_for_consent_and_then_goes_out(world: World) -> None:
    got = world.ask()
    assert (got.status_code, got.json()["error"]["code"]) == (401, "step-up-required")
    assert "landlord" not in got.text
    number = got.headers["x-chatward-challenge"]
    [told] = world.waiting()
    assert (told["id"], told["tool"], told["bot"], told["own"]) == (number, "wire", "default", False)
    assert told["reasons"] == ["Money goes out with two pairs of eyes"]
    assert told["principal"].startswith("key:")
    assert '"amount": 250' in told["arguments"]
    assert "landlord@example.com" not in told["arguments"]
    page = world.console.get("/approvals", headers={"accept": "text/html"}).text
    assert number in page
    assert "landlord@example.com" not in page
    assert world.ask(number).status_code == 401  # not yet
    world.decide(number, approve=True)
    asked = _Bot.asked
    done = world.ask(number)
    call = done.json()["choices"][0]["message"]["tool_calls"][0]["function"]
    assert (done.status_code, call["name"], json.loads(call["arguments"])["amount"]) == (200, "wire", 250)
    assert _Bot.asked == asked  # what was approved is what was said: the bot is not asked again
    assert world.ask(number).status_code == 401  # once
    events = world.events()
    assert events.index("approval:tool:required") < events.index("approval:tool:granted")
    ledger = world.gateway.ledger.read_bytes() + (world.gateway.folder / "chatward-identity.db").read_bytes()
    assert b"landlord@example.com" not in ledger
    for one in world.waiting():
        world.decide(one["id"], approve=False)


def test_what_was_refused_is_over(world: World) -> None:
    # The call of the test before was refused at its end: it is not asked for again.
    got = world.ask()
    assert "landlord" not in got.text
    assert world.waiting() == []
    assert "approval:tool:refused" in world.events()


def test_a_stream_goes_on_by_itself_once_somebody_else_agrees(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_approvals.ARGUMENTS", '{"to": "the tax office", "amount": 99}')
    with ThreadPoolExecutor(1) as pool:
        streaming = pool.submit(world.ask, stream=True)
        while not (waiting := world.waiting()):
            assert not streaming.done(), streaming.result().text
        world.decide(waiting[0]["id"], approve=True)
        text = streaming.result(60).text
    said = "".join(
        call["function"].get("arguments", "")
        for line in text.splitlines()
        if line.startswith("data: {")
        for choice in json.loads(line[6:])["choices"]
        for call in choice["delta"].get("tool_calls", ())
    )
    assert json.loads(said)["amount"] == 99
    assert re.search(r'^: chatward .*"approval"', text, re.MULTILINE)
