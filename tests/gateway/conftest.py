"""A bot that plays a script on a real socket, so that tests read as conversations.

Each accepted connection plays the next script (the last one again when they run out). Steps:
``bytes`` are sent, a ``float`` is a pause in seconds, ``"read"`` reads one whole request and records it,
``"close"`` ends the connection, ``"reset"`` resets it, ``"stall"`` says nothing more until the test ends.
After the last step the connection stays open until the peer closes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest
import uvloop

Step = bytes | float | str


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The gateway runs on uvloop; its way out is tested on asyncio's own loop too."""
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    if item.path.name == "test_upstream.py":
        return {**factories, "asyncio": asyncio.new_event_loop}
    return factories


@dataclass
class Seen:
    """One request as it arrived."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name]
        assert len(values) < 2, f"{name} sent twice"
        return values[0] if values else None


@dataclass
class ScriptedBot:
    scripts: Sequence[Sequence[Step]]
    port: int = 0
    accepted: int = 0
    requests: list[Seen] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a peer has closed a connection while its script waited for more."""
    sent: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[min(self.accepted, len(self.scripts) - 1)]
        self.accepted += 1
        try:
            for step in script:
                await self._step(step, reader, writer)
            while await reader.read(65536):
                pass
            self.gone.set()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            self.gone.set()
        except asyncio.CancelledError:
            pass
        finally:
            with contextlib.suppress(Exception):
                writer.transport.abort()

    async def _step(self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
            self.sent += len(step)
        elif isinstance(step, float):
            await asyncio.sleep(step)
        elif step == "read":
            self.requests.append(await read_request(reader))
        elif step == "close":
            writer.close()
            await writer.wait_closed()
            raise asyncio.CancelledError
        elif step == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            raise asyncio.CancelledError
        elif step == "stall":
            if await reader.read(1) == b"":
                self.gone.set()
            raise asyncio.CancelledError


async def read_request(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head[:-4].split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (item.partition(":") for item in rest)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Seen(line, headers, await reader.readexactly(length))


Play = Callable[..., Awaitable[ScriptedBot]]


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    """``bot = await play(script, script, ..., tls=context)`` starts a scripted bot."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(*scripts: Sequence[Step], tls: ssl.SSLContext | None = None) -> ScriptedBot:
        bot = ScriptedBot(scripts)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            await bot.play(reader, writer)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        servers.append(server)
        bot.port = server.sockets[0].getsockname()[1]
        return bot

    yield start
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def answer(body: bytes = b"ok", *, head: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\n%scontent-length: %d\r\n\r\n%s" % (status, head, len(body), body)


def chunked(*pieces: bytes, head: bytes = b"") -> bytes:
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\n%stransfer-encoding: chunked\r\n\r\n%s0\r\n\r\n" % (head, coded)


@pytest.fixture(name="answer", scope="session")
def _answer() -> Callable[..., bytes]:
    """``answer(body, head=, status=)``: a response with ``content-length``."""
    return answer


@pytest.fixture(name="chunked", scope="session")
def _chunked() -> Callable[..., bytes]:
    """``chunked(piece, ..., head=)``: a response in chunks."""
    return chunked
