"""The bundled language model behind the gateway: its words vary, what must hold does not.

A hop between gateway and model records what reaches the model. Asserted are shapes and ends of answers, that the
person's address never reaches the model, and that clients get through without an exception.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from chatward.core.errors import ConfigError
from chatward.demo.model import MODEL_NAME, start_model
from chatward.settings import LedgerSettings, Route, Server, Settings
from tests.simulators.gateway import GUARDS, RunningGateway

pytestmark = pytest.mark.xdist_group("real-model")

OWN = "ada.lovelace@example.com"
ASK = f"I am {OWN}. Say hello."


@dataclass
class Hop:
    """Passes bytes on in both directions, and keeps those that go to the model."""

    host: str
    port: int
    told: bytearray = field(default_factory=bytearray)
    bound: int = 0
    _stop: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.bound = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(self.host, self.port)
        await asyncio.gather(
            self._pass(reader, onward, self.told), self._pass(there, writer, None), return_exceptions=True
        )

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None) -> None:
        try:
            while data := await reader.read(65536):
                if kept is not None:
                    kept += data
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@dataclass
class Guarded:
    gateway: RunningGateway
    hop: Hop


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The model, the hop and the gateway with its defaults."""
    try:
        model = start_model(threads=1)
    except ConfigError as error:
        pytest.fail(f"`make test` installs the bundled model, and it is not here: {error}")
    there = urlsplit(model.base_url)
    hop = Hop(str(there.hostname), int(there.port or 0))
    ready = threading.Event()
    thread = threading.Thread(target=hop.run, args=(ready,), daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        settings = Settings(
            upstream=f"http://127.0.0.1:{hop.bound}/v1",
            server=Server(port=0, admin_port=0),
            routes={"default": Route(guards=GUARDS)},
            ledger=LedgerSettings(path="ledger.db", durability="process"),
        )
        gateway = RunningGateway(settings, tmp_path_factory.mktemp("real-model"))
        try:
            yield Guarded(gateway, hop)
        finally:
            assert gateway.stop() == 0
    finally:
        hop.stop()
        thread.join(10)
        model.stop()


@pytest.fixture(scope="module")
def client(guarded: Guarded) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=guarded.gateway.base_url, api_key="none", max_retries=0, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def claude(guarded: Guarded) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=guarded.gateway.url, api_key="none", max_retries=0, timeout=120) as client:
        yield client


@pytest.fixture(autouse=True)
def _the_model_never_learns_the_address(guarded: Guarded) -> Iterator[None]:
    before = len(guarded.hop.told)
    yield
    told = bytes(guarded.hop.told[before:])
    assert b"[EMAIL_1]" in told
    assert OWN.encode() not in told


TOKENS = 8
MESSAGES: list[Any] = [{"role": "user", "content": ASK}]


def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL_NAME, messages=MESSAGES, max_tokens=TOKENS)
    choice = answer.choices[0]
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason in {"stop", "length"}
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0


def test_chat_streamed(client: openai.OpenAI) -> None:
    text, ends = "", []
    for chunk in client.chat.completions.create(model=MODEL_NAME, messages=MESSAGES, max_tokens=TOKENS, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            ends += [choice.finish_reason] if choice.finish_reason else []
    assert text
    assert ends in (["stop"], ["length"])


def test_responses(client: openai.OpenAI) -> None:
    answer = client.responses.create(model=MODEL_NAME, input=ASK, max_output_tokens=TOKENS)
    assert answer.output_text
    assert answer.status in {"completed", "incomplete"}


def test_responses_streamed(client: openai.OpenAI) -> None:
    text = ""
    with client.responses.stream(model=MODEL_NAME, input=ASK, max_output_tokens=TOKENS) as stream:
        for event in stream:
            assert event.type != "error"
            if event.type == "response.output_text.delta":
                text += event.delta
        final = stream.get_final_response()
    assert text
    assert final.output_text == text


def test_messages(claude: anthropic.Anthropic) -> None:
    answer: Any = claude.messages.create(model=MODEL_NAME, max_tokens=TOKENS, messages=MESSAGES)
    assert answer.content[0].text
    assert answer.stop_reason in {"end_turn", "max_tokens"}


def test_messages_streamed(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model=MODEL_NAME, max_tokens=TOKENS, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        final: Any = stream.get_final_message()
    assert text
    assert final.content[0].text == text
    assert final.stop_reason in {"end_turn", "max_tokens"}


def test_what_the_model_repeats_is_restored(client: openai.OpenAI) -> None:
    """The model continues a text that holds the placeholder; nobody ever reads the placeholder itself."""
    messages: list[Any] = [{"role": "user", "content": f"Repeat: {OWN} {OWN} {OWN}"}]
    answer = client.chat.completions.create(model=MODEL_NAME, messages=messages, max_tokens=3 * TOKENS)
    assert "EMAIL_1" not in str(answer.choices[0].message.content)
