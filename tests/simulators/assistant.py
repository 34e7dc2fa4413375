"""A peer that answers as Rasa 3.6 and as a webhook bot do."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook as Reference

OURS, THEIRS = "whsec_b3VycyBhbmQgdGhlIHNlbmRlcnM=", "whsec_dGhlIGJvdHMgYW5kIG91cnM="
"""Secrets: of the sender, of the bot."""


class Assistant:
    """Answers as Rasa 3.6 does: a list, or with ``stream=true`` an object a line. Repeats what it is told,
    and what it was told before, by whomever."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.remembered = ""
        self.verified = False
        world = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path == "/hook":
                    self.webhook(said)
                    return
                world.seen.append((self.path, said))
                texts = [f"You said: {said['message']}", "Anything else?"]
                if said["message"] == "What was it?":
                    texts = [str(world.remembered)]
                world.remembered = said["message"]
                messages = [{"recipient_id": said["sender"], "text": text} for text in texts]
                stream = self.path.endswith("?stream=true")
                body = json.dumps(messages) if not stream else "".join(json.dumps(one) + "\n" for one in messages)
                self.answer(body, "text/event-stream" if stream else "application/json")

            def webhook(self, said: Any) -> None:
                raw = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
                world.seen.append(("/hook", said))
                world.verified = bool(Reference(THEIRS).verify(raw, dict(self.headers)))
                self.answer(json.dumps({"replies": [{"text": f"You said: {said['message']['text']}"}]}))

            def answer(self, body: str, kind: str = "application/json") -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"
