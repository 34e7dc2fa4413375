"""A bot that plays a script on a real socket, so that tests read as conversations; and a gateway before it.

Each accepted connection plays the next script (the last one again when they run out). Steps:
``bytes`` are sent, a ``float`` is a pause in seconds, ``"read"`` reads one whole request and records it,
``"close"`` ends the connection, ``"reset"`` resets it, ``"stall"`` says nothing more until the test ends.
After the last step the connection stays open until the peer closes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import uvloop

from chatward.channels.anthropic import Messages
from chatward.channels.dialect import Dialect
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_embeddings import Embeddings
from chatward.channels.openai_models import Models
from chatward.channels.openai_responses import Responses
from chatward.gateway.app import BotLink, GatewayApp
from chatward.gateway.meter import Meter
from chatward.gateway.server import EmbeddedServer
from chatward.gateway.upstream import HttpUpstream
from tests.simulators.engine import WordEngine
from tests.simulators.ledger import MemoryLedger

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


# --- the gateway itself ---


@dataclass
class Gate:
    """A running gateway in front of a scripted bot."""

    app: GatewayApp
    server: EmbeddedServer
    bot: ScriptedBot
    engine: WordEngine
    ledger: MemoryLedger
    meter: Meter
    client: httpx.AsyncClient

    @property
    def port(self) -> int:
        return self.server.port

    async def chat(
        self, text: str = "hello", *, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        body = {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
        return await self.client.post("/v1/chat/completions", json=body, headers=headers)

    async def raw(self, data: bytes, *, wait: float = 5.0) -> bytes:
        """Sends ``data`` as it is and reads until the gateway closes, or has answered and then been silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        out = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while piece := await asyncio.wait_for(reader.read(65536), 0.25 if out else wait):
                out += piece
        writer.transport.abort()
        return out

    async def settled(self, event: str) -> None:
        """Waits until ``event`` is in the ledger."""
        for _ in range(500):
            if event in self.ledger.events:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{event} not in {self.ledger.events}")


Open = Callable[..., Awaitable[Gate]]


@pytest.fixture
async def open_gate(play: Play) -> AsyncIterator[Open]:
    """``gate = await open_gate(script, ..., limits=, keys=, api_key=, pages=, ready=)``."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*scripts: Sequence[Step], **options: Any) -> Gate:
            bot = await play(*scripts)
            upstream = HttpUpstream(
                options.pop("url", bot.url), read_timeout=options.pop("read_timeout", 5.0), connect_timeout=2.0
            )
            stack.push_async_callback(upstream.aclose)
            link = BotLink(upstream, options.pop("api_key", None), options.pop("max_reply", 1 << 20))
            engine, ledger, meter = WordEngine(), MemoryLedger(), Meter()
            channels: dict[str, Dialect] = {
                "/v1/chat/completions": ChatCompletions(),
                "/v1/responses": Responses(),
                "/v1/messages": Messages(),
                "/v1/embeddings": Embeddings(),
                "/v1/models": Models(),
            }
            app = GatewayApp(
                channels=channels, engine=engine, bots={"default": link}, ledger=ledger, meter=meter, **options
            )
            server = EmbeddedServer(app, "127.0.0.1", 0)
            await server.start()
            stack.push_async_callback(server.stop, 0.2)
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url, timeout=10))
            return Gate(app, server, bot, engine, ledger, meter, client)

        yield start


def completion(text: str, **fields: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return orjson.dumps(
        {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **fields}
    )


@pytest.fixture(name="completion", scope="session")
def _completion() -> Callable[..., bytes]:
    return completion


def events(*texts: str, done: bool = True) -> list[bytes]:
    """The events of a streamed chat completion, each as one piece of bytes."""
    deltas: list[dict[str, Any]] = [{"role": "assistant"}, *({"content": text} for text in texts)]
    chunk = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    made = [{**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    made.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [b"data: " + orjson.dumps(event) + b"\n\n" for event in made] + ([b"data: [DONE]\n\n"] if done else [])


@pytest.fixture(name="events", scope="session")
def _events() -> Callable[..., list[bytes]]:
    return events


@pytest.fixture(name="say", scope="session")
def _say() -> Callable[..., bytes]:
    """``say(text)``: the response of a bot that answers ``text``, whole."""
    return lambda text: answer(completion(text), head=b"content-type: application/json\r\n")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bot.test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "bot.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path
