"""What goes over the wire is valid HTTP, chat JSON and event streams, and no message is sent twice."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chatward.bench.wire import DELTAS, FIRST_PIECE, PATH, Answers, Kind, Requests, kind_of
from chatward.ward import Ward


def parts(message: bytes) -> tuple[list[bytes], dict[bytes, bytes], bytes]:
    """The first line's words, the headers and the body of an HTTP/1.1 message."""
    head, _, body = message.partition(b"\r\n\r\n")
    first, *rows = head.split(b"\r\n")
    return first.split(b" "), dict(row.split(b": ", 1) for row in rows), body


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body (RFC 9112 section 7.1) that ends as it should."""
    content = b""
    while True:
        size, _, rest = body.partition(b"\r\n")
        count = int(size, 16)
        assert rest[count : count + 2] == b"\r\n"
        if not count:
            assert rest == b"\r\n"
            return content
        content += rest[:count]
        body = rest[count + 2 :]


@pytest.mark.parametrize("kind", Kind)
def test_requests_are_whole_and_never_repeat(kind: Kind) -> None:
    make = Requests(kind, "127.0.0.1:8080", 5_000_000)
    seen, systems = set(), set()
    for _ in range(5000):
        first, headers, body = parts(make())
        assert first == [b"POST", PATH.encode(), b"HTTP/1.1"]
        assert int(headers[b"content-length"]) == len(body)
        request = json.loads(body)
        assert request.get("stream", False) == kind.streams
        assert kind_of(body) is kind
        system, user = request["messages"]
        systems.add(system["content"])
        seen.add(user["content"])
    assert len(seen) == 5000
    assert len(systems) == 1


def test_runs_that_start_far_apart_share_no_message() -> None:
    one, other = (Requests(Kind.PLAIN, "bot", number * 1_000_000) for number in (1, 2))
    assert not {one() for _ in range(3000)} & {other() for _ in range(3000)}


def test_a_fifth_of_personal_requests_holds_personal_data() -> None:
    make = Requests(Kind.PERSONAL, "bot", 0)
    plain = Requests(Kind.PLAIN, "bot", 0)
    signs = (b"example.", b"DE89", b"192.0.2.", b"born on")
    assert 200 < sum(any(sign in make() for sign in signs) for _ in range(2000)) < 600
    assert not any(sign in plain() for sign in signs for _ in range(500))


def test_whole_answers_are_chat_completions() -> None:
    answers = Answers()
    for _ in range(300):
        first, headers, body = parts(answers.whole())
        assert first[1] == b"200"
        assert int(headers[b"content-length"]) == len(body)
        assert len(json.loads(body)["choices"][0]["message"]["content"]) >= 240


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.streams])
def test_streams_are_chunked_events_that_end_in_done(kind: Kind) -> None:
    chunks = Answers().stream(kind)
    first, headers, body = parts(b"".join(chunks))
    assert first[1] == b"200"
    assert headers[b"transfer-encoding"] == b"chunked"
    events = unchunked(body).decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    deltas = [json.loads(event.removeprefix("data: "))["choices"][0]["delta"] for event in events[:-2]]
    pieces = [delta["content"] for delta in deltas if delta.get("content")]
    assert len(pieces) == (8 if kind.first else DELTAS)
    assert (len(pieces[0]) == FIRST_PIECE) == kind.first


async def test_of_the_first_piece_something_leaves_at_once() -> None:
    """Else the time to first token would count what is held back on purpose."""
    ward = Ward()
    answers = Answers()
    for _ in range(8):
        events = unchunked(parts(b"".join(answers.stream(Kind.FIRST)))[2]).split(b"\n\n")[1:-3]
        pieces = [json.loads(event[6:])["choices"][0]["delta"]["content"] for event in events]
        taken = 0

        def one_by_one(pieces: list[str] = pieces) -> Iterator[str]:
            nonlocal taken
            for piece in pieces:
                taken += 1
                yield piece

        first = await anext(ward.stream(one_by_one()))
        assert taken == 1
        assert pieces[0].startswith(first)
