"""Labelled documents through a running gateway, by the policies of its configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import httpx
import pytest

from chatward.identity.key_store import KeyStore
from chatward.settings import Authorization, Bot, LedgerSettings, Route, Server, Settings
from chatward.stores.database import Database
from tests.simulators.gateway import RunningGateway
from tests.simulators.tool_calls import chat

POLICY = """
@id("own/hr") permit (principal in Role::"hr", action == Action::"document:read", resource)
when { resource has label && resource.label like "hr-*" };
"""
DOCUMENTS = {"public": "opening hours", "internal": "phone list", "hr-pay": "salaries of all", "board": "merger plan"}


class _Bot(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers["content-length"])).decode())
        body = chat("lookup", "{}")
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    (tmp_path / "own.cedar").write_text(POLICY)
    bot = ThreadingHTTPServer(("127.0.0.1", 0), _Bot)
    Thread(target=bot.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    settings = Settings(
        server=Server(port=0, admin_port=0),
        bots={"default": Bot(upstream=f"http://127.0.0.1:{bot.server_port}/v1")},
        routes={"default": Route(guards=("text.pii",))},
        ledger=LedgerSettings(path="chatward.db"),
        authorization=Authorization(policies=(str(tmp_path / "own.cedar"),)),
    )
    _Bot.seen.clear()
    running = RunningGateway(settings, tmp_path)
    yield running
    running.stop()
    bot.shutdown()
    bot.server_close()


def test_who_may_not_read_a_document_gets_an_answer_made_without_it(gateway: RunningGateway, tmp_path: Path) -> None:
    keys = KeyStore(Database(tmp_path / "chatward-identity.db"), lambda entry: None)
    parts = [{"type": "text", "text": text, "chatward": {"label": label}} for label, text in DOCUMENTS.items()]
    content = [{"type": "text", "text": "What is known?"}, *parts]
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    for roles, readable in ((("hr",), 3), ((), 2)):
        key = keys.create("k", roles=roles).key
        headers = {"authorization": f"Bearer {key}"}
        got = httpx.post(gateway.url + "/v1/chat/completions", json=body, headers=headers, timeout=60)
        assert got.status_code == 200, got.text
        assert json.loads(got.headers["x-chatward-notice"]) == {"DOCUMENT": 4 - readable}
        sent = _Bot.seen.pop()
        assert [text in sent for text in DOCUMENTS.values()] == [True, True, bool(roles), False]
        assert '"chatward"' not in sent
