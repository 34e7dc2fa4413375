"""Receivers of syslog and HTTP on real sockets that can be killed, with and without having read, and started again."""

from __future__ import annotations

import http.server
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any


def framed(data: bytes) -> list[bytes]:
    """Messages of a stream by octet counting (RFC 6587 section 3.4.1). Strict: anything left over is an error."""
    found = []
    while data:
        head = re.match(rb"([1-9]\d{0,8}) ", data)
        assert head is not None, data[:40]
        end = head.end() + int(head[1])
        assert len(data) >= end, "a frame is cut"
        found.append(data[head.end() : end])
        data = data[end:]
    return found


class SyslogReceiver:
    """Takes connections, reads each to its end, closes. ``mode`` ``"reset"``: resets in place of reading;
    ``"silent"``: accepts and never reads."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None, mode: str = "read") -> None:
        self.messages: list[bytes] = []
        self.batches = 0
        self.mode = mode
        self._context = context
        self._held: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for one in self._held:
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._take(connection)
            except OSError:
                connection.close()

    def _take(self, connection: socket.socket) -> None:
        if self.mode == "silent":
            self._held.append(connection)
            return
        if self.mode == "reset":
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            return
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        data = b""
        while more := connection.recv(65536):
            data += more
        self.messages += framed(data)
        self.batches += 1
        if isinstance(connection, ssl.SSLSocket):
            connection.unwrap()
        connection.close()


class HttpReceiver:
    """Takes POSTs. ``answers``: the next statuses; then 204."""

    def __init__(self, check: Callable[[bytes, Any], None] = lambda body, headers: None) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = outer.answers.pop(0) if outer.answers else 204
                headers = {name.lower(): value for name, value in self.headers.items()}
                if status < 300:
                    check(body, headers)
                    outer.bodies.append(body)
                    outer.headers.append(headers)
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/in"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
