"""A bot that answers streams by the last word of the last message, event by event; and the pages of somebody else.

For tests in browsers: what is said is chosen by what the person types.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


def chunk(text: str | None = None, finish: str | None = None) -> bytes:
    """One event of a streamed chat completion."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def said(*texts: str) -> list[bytes]:
    """A whole stream."""
    return [*(chunk(text) for text in texts), chunk(finish="stop"), DONE]


class Talker:
    """The bot: ``streams`` by word; for any other word ``said("hello")``. A stream whose last piece is ``None`` stays
    open until ``release`` is called. ``asked`` are the requests as they came."""

    def __init__(self, streams: Mapping[str, Sequence[bytes | None]]) -> None:
        self.streams = dict(streams)
        self.asked: list[tuple[dict[str, str], Json]] = []
        self.status = 200
        self._go_on = threading.Event()

    def release(self) -> None:
        self._go_on.set()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        bot = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None: ...

            def do_GET(self) -> None:
                self._whole(200, {"object": "list", "data": [{"id": "m", "object": "model"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                bot.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if bot.status != 200:
                    self._whole(bot.status, {"error": {"message": "no", "type": "server_error", "code": None}})
                    return
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                words = str(body["messages"][-1]["content"]).split()
                for piece in bot.streams.get(words[-1] if words else "", said("hello")):
                    if piece is None:
                        bot._go_on.wait(20)
                        continue
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def _whole(self, status: int, value: Json) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serves on a port of this machine, which it gives."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


class Site:
    """Somebody's pages: path -> HTML, all with one policy. They may be filled in after the site was begun."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.policy = "default-src 'none'"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None: ...

            def do_GET(self) -> None:
                page = site.pages.get(self.path)
                data = (page or "").encode()
                self.send_response(200 if page is not None else 404)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-security-policy", site.policy)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler
