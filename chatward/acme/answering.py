"""Answers an ACME authority's question over plain HTTP (HTTP-01, RFC 8555 section 8.3), and sends browsers to TLS.

The rules:

1. Two things are said: the answer to a question that is open now, and, for one of our own names, a redirect to the same
   address over TLS. All else is 404.
2. A request's head has ``HEAD`` bytes and ``SECONDS`` to come; bodies are not read; a connection serves one request.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from contextlib import suppress
from typing import Final

HEAD: Final = 8192
SECONDS: Final = 5.0
MOST: Final = 64
"""Connections at a time; more are closed."""
PREFIX: Final = "/.well-known/acme-challenge/"

_LINE: Final = re.compile(rb"(GET|HEAD) (/[\x21-\x7e]{0,2000}) HTTP/1\.[01]\r\n")
_HOST: Final = re.compile(rb"\r\nhost:[ \t]*([A-Za-z0-9.-]{1,253})(?::\d{1,5})?[ \t]*\r\n", re.IGNORECASE)


class Answering:
    """The server. ``answers`` holds what is answered now, by path; filled from another thread. ``port`` is where TLS
    is spoken, for redirects."""

    def __init__(self, domains: Collection[str], *, port: int = 443) -> None:
        self.answers: dict[str, str] = {}
        self._domains = frozenset(domain.lower() for domain in domains)
        self._port = port
        self._open = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens, and gives the port. Raises ``OSError``."""
        self._server = await asyncio.start_server(self._serve, host or None, port, limit=HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST:
                with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ConnectionError):
                    async with asyncio.timeout(SECONDS):
                        head = await reader.readuntil(b"\r\n\r\n")
                        writer.write(self.answer(head))
                        await writer.drain()
        finally:
            self._open -= 1
            writer.close()

    def answer(self, head: bytes) -> bytes:
        """The answer to a request's head."""
        line = _LINE.match(head)
        if line is None:
            return _answer("400 Bad Request", "This is no request that is served here.")
        path = line[2].decode("ascii")
        body = self.answers.get(path)
        if body is not None:
            return _answer("200 OK", body, head=line[1] == b"HEAD")
        host = _HOST.search(head)
        name = host[1].decode("ascii").lower() if host is not None else ""
        if name in self._domains and not path.startswith(PREFIX):
            port = "" if self._port == 443 else f":{self._port}"
            return _answer("308 Permanent Redirect", "", f"location: https://{name}{port}{path}\r\n")
        return _answer("404 Not Found", "There is nothing at this address.")


def _answer(status: str, body: str, more: str = "", *, head: bool = False) -> bytes:
    data = body.encode()
    fields = f"content-type: text/plain; charset=utf-8\r\ncontent-length: {len(data)}\r\n{more}connection: close\r\n"
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + (b"" if head else data)
