"""What is said over plain HTTP: answers that are asked for now, and the way to TLS."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.acme.answering import HEAD, PREFIX, Answering

HOST = "host: Chat.Example.com\r\n"


@pytest.fixture
def answering() -> Answering:
    made = Answering(("chat.example.com",), port=8443)
    made.answers[f"{PREFIX}token"] = "token.print"
    return made


def ask(answering: Answering, line: str, fields: str = HOST) -> tuple[int, str, str]:
    head, _, body = answering.answer(f"{line}\r\n{fields}\r\n".encode()).decode().partition("\r\n\r\n")
    return int(head.split()[1]), head, body


def test_the_question_is_answered_whoever_asks(answering: Answering) -> None:
    assert ask(answering, f"GET {PREFIX}token HTTP/1.1")[::2] == (200, "token.print")
    assert ask(answering, f"GET {PREFIX}token HTTP/1.1", "host: other\r\n")[0] == 200
    assert ask(answering, f"HEAD {PREFIX}token HTTP/1.1")[::2] == (200, "")
    assert ask(answering, f"GET {PREFIX}other HTTP/1.1")[0] == 404


@pytest.mark.parametrize("path", ["/", "/chat?a=b", "//evil.example/x", "/\\evil.example"])
def test_browsers_are_sent_to_tls_at_our_own_name(answering: Answering, path: str) -> None:
    status, head, _ = ask(answering, f"GET {path} HTTP/1.1")
    assert status == 308
    assert f"location: https://chat.example.com:8443{path}\r\n" in head
    assert ask(answering, f"GET {path} HTTP/1.1", "host: evil.example\r\n")[0] == 404
    assert ask(answering, f"GET {path} HTTP/1.1", "")[0] == 404


@pytest.mark.parametrize("line", ["POST / HTTP/1.1", "GET http://x/ HTTP/1.1", "GET / HTTP/2", "GET /a b HTTP/1.1", ""])
def test_other_requests_are_refused(answering: Answering, line: str) -> None:
    assert ask(answering, line)[0] == 400


@given(st.binary(max_size=200))
def test_any_bytes_get_one_whole_answer(head: bytes) -> None:
    answered = Answering(("a.example",)).answer(head)
    assert answered.startswith(b"HTTP/1.1 ")
    assert answered.count(b"\r\n\r\n") == 1


def test_over_a_socket_and_not_more_than_a_head() -> None:
    async def talk() -> tuple[bytes, bytes]:
        answering = Answering(("a.example",))
        answering.answers[f"{PREFIX}t"] = "yes"
        port = await answering.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {PREFIX}t HTTP/1.1\r\nhost: a.example\r\n\r\n".encode())
        good = await reader.read()
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nx: " + b"y" * 2 * HEAD)
        try:
            long = await reader.read()
        except ConnectionResetError:
            long = b""
        writer.close()
        await answering.stop()
        return good, long

    good, long = asyncio.run(talk())
    assert good.endswith(b"\r\n\r\nyes")
    assert long == b""
