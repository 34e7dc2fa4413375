"""What is added to answers, and to which: a door that plays the caller's side."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.gateway.server import EmbeddedServer
from chatward.privacy.gate import MARK, Passage, passage
from chatward.privacy.marking import Marked
from tests.gateway.conftest import certificate

__all__ = ["certificate"]

JSON = [("content-type", "application/json")]
HTML = [("content-type", "text/html")]


class Door:
    """Records what it is asked to send."""

    scheme = "http"

    def __init__(self) -> None:
        self.answers: list[tuple[int, list[tuple[str, str]], bytes]] = []
        self.pieces: list[bytes] = []
        self.ended = False

    def __call__(self) -> str:
        return "the body"

    def __aiter__(self) -> str:
        return "its pieces"

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.answers.append((status, headers, body))

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Door:
        self.answers.append((status, headers, b""))
        return self

    async def send_bytes(self, data: bytes) -> None:
        self.pieces.append(data)

    def end(self) -> None:
        self.ended = True


async def served(answer: Callable[[Any], Any], *, disclosure: str = "", marks: bool = True) -> Door:
    """An application that is told what to tell, and answers."""

    class App:
        in_flight = 7

        async def __rsgi__(self, scope: Any, door: Any) -> None:
            current = passage.get()
            assert isinstance(current, Passage)
            if marks:
                current.headers.append(MARK)
                current.disclosure = disclosure
            waiting = answer(door)
            if waiting is not None:
                await waiting

    app, door = Marked(App()), Door()
    assert app.in_flight == 7
    await app.__rsgi__(door, door)
    return door


@pytest.mark.parametrize(("status", "marked"), [(200, True), (201, True), (400, False), (403, False), (502, False)])
async def test_only_answers_that_succeed_are_marked(status: int, marked: bool) -> None:
    body = b'{"a": 1}'
    door = await served(lambda door: door.response_bytes(status, JSON, body), disclosure="An AI.")
    ((_, headers, sent),) = door.answers
    assert (MARK in headers) == marked
    assert json.loads(sent) == {"a": 1, **({"chatward": {"disclosure": "An AI."}} if marked else {})}
    door = await served(lambda door: door.response_stream(status, []) and None)
    assert (MARK in door.answers[0][1]) == marked


@pytest.mark.parametrize(
    ("headers", "body"),
    [(JSON, b"[1]"), (HTML, b"<p>"), (JSON, b'{"chatward": "theirs"}')],
    ids=["a list", "a page", "a member of theirs"],
)
async def test_what_has_no_place_for_a_notice_is_left_as_it_is(headers: list[tuple[str, str]], body: bytes) -> None:
    door = await served(lambda door: door.response_bytes(200, headers, body), disclosure="An AI.")
    assert door.answers[0][2] == body
    assert MARK in door.answers[0][1]


async def test_what_chatward_says_already_stays() -> None:
    body = b'{"chatward": {"challenge": 1}}'
    door = await served(lambda door: door.response_bytes(200, JSON, body), disclosure="An AI.")
    assert json.loads(door.answers[0][2]) == {"chatward": {"challenge": 1, "disclosure": "An AI."}}


async def test_a_stream_begins_with_one_comment() -> None:
    async def speak(door: Any) -> None:
        stream = door.response_stream(200, [])
        await stream.send_bytes(b"data: 1\n\n")
        await stream.send_bytes(b"data: 2\n\n")
        stream.end()

    door = await served(speak, disclosure="An AI.")
    assert door.pieces == [b': chatward {"disclosure":"An AI."}\n\ndata: 1\n\n', b"data: 2\n\n"]
    assert door.ended
    quiet = await served(speak)
    assert quiet.pieces == [b"data: 1\n\n", b"data: 2\n\n"]


async def test_nothing_is_added_where_nothing_is_to_be_told() -> None:
    door = await served(lambda door: door.response_bytes(200, JSON, b"{}"), marks=False)
    assert door.answers == [(200, JSON, b"{}")]


async def test_the_rest_of_the_door_is_the_callers() -> None:
    def look(door: Any) -> None:
        assert (door(), door.__aiter__(), door.scheme) == ("the body", "its pieces", "http")

    await served(look)


class _Speaking:
    """Answers whole, or below ``/stream`` in two pieces."""

    async def __rsgi__(self, scope: Any, door: Any) -> None:
        body = await door()
        current = passage.get()
        assert current is not None
        current.headers.append(MARK)
        current.disclosure = "An AI."
        if scope.path != "/stream":
            door.response_bytes(200, JSON, json.dumps({"got": len(body)}).encode())
            return
        transport = door.response_stream(200, [("content-type", "text/event-stream")])
        for piece in (b"data: 1\n\n", b"data: 2\n\n"):
            await transport.send_bytes(piece)
        end = getattr(transport, "end", None)
        if end is not None:
            end()
        del transport  # granian's streams end when nobody holds them


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_both_servers_take_the_door_for_their_own(certificate: Path, secure: bool) -> None:
    file = certificate if secure else None
    server = EmbeddedServer(Marked(_Speaking()), "127.0.0.1", 0, tls_cert=file, tls_key=file)
    await server.start()
    async with httpx.AsyncClient(
        base_url=server.url, verify=ssl.create_default_context(cafile=certificate), timeout=10
    ) as client:
        whole = await client.post("/", content=b"abc")
        assert whole.json() == {"got": 3, "chatward": {"disclosure": "An AI."}}
        assert whole.headers["x-chatward-ai"] == "generated"
        streamed = await client.post("/stream", content=b"abc")
        assert streamed.text == ': chatward {"disclosure":"An AI."}\n\ndata: 1\n\ndata: 2\n\n'
    await server.stop(0.2)
