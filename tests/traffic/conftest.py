"""A real gateway that looks for bots, in front of a bot that answers at once; and drivers against it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from chatward.settings import Bot, LedgerSettings, Route, Server, Settings
from chatward.settings.traffic import TrafficSettings
from tests.browsing import browser
from tests.simulators.gateway import RunningGateway

__all__ = ["browser"]


class _Bot(BaseHTTPRequestHandler):
    """Says one sentence, whole or streamed, and lists one model."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self._give("application/json", b'{"object":"list","data":[{"id":"m","object":"model"}]}')

    def do_POST(self) -> None:
        asked = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        said = {"id": "c", "created": 1, "model": "m"}
        if not asked.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": "I see."}, "finish_reason": "stop"}
            self._give("application/json", orjson.dumps({**said, "object": "chat.completion", "choices": [choice]}))
            return
        chunks = [({"role": "assistant", "content": "I see."}, None), ({}, "stop")]
        events = [
            {
                **said,
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            }
            for delta, finish in chunks
        ]
        lines = [b"data: " + orjson.dumps(event) + b"\n\n" for event in events]
        self._give("text/event-stream", b"".join([*lines, b"data: [DONE]\n\n"]))

    def _give(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def bot() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Its address, and the heads of what it was sent."""
    handler = type("Handler", (_Bot,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler.seen  # type: ignore[attr-defined]
    server.shutdown()


class Watching(RunningGateway):
    """A gateway with what its bot was sent."""

    bot: str
    sent: list[dict[str, str]]

    def judged(self) -> list[dict[str, Any]]:
        """What the ledger says of sessions, in order."""
        return [dict(record.fields) for record in self.records() if str(record.event) == "traffic:session:judged"]


Gateways = Callable[..., Watching]


@pytest.fixture(scope="module")
def gateways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    """``gateways(TrafficSettings(...), more settings)`` starts one; they end with the file."""
    with ExitStack() as stack:

        def start(traffic: TrafficSettings, **more: Any) -> Watching:
            url, sent = stack.enter_context(bot())
            settings = Settings(
                server=Server(port=0, admin_port=0),
                bots={"default": Bot(upstream=url)},
                routes={"default": Route(guards=("text.leak",))},
                ledger=LedgerSettings(path="chatward.db", durability="process"),
                traffic=traffic,
                **more,
            )
            folder: Path = tmp_path_factory.mktemp("gateway")
            gateway = Watching(settings, folder)
            gateway.bot, gateway.sent = url, sent
            stack.callback(gateway.stop)
            return gateway

        yield start
