"""What goes over the wire in a benchmark: requests, answers and streams of the chat dialect, made beforehand.

The rule: the system prompt stays, every user message is new. A request's text ends in a word made from a running
number, so that nothing a proxy remembers can answer it, and making one costs the load generator a join of bytes.
What the upstream shall do is told by the name of the model in the request.
"""

from __future__ import annotations

from enum import Enum
from random import Random
from typing import Final

import orjson

from chatward.bench.texts import SYSTEM, answer, chat_turn

PATH: Final = "/v1/chat/completions"
DELTAS: Final = 64
"""Pieces of text in a stream, about three tokens each."""
PACE: Final = 0.005
"""Seconds between two pieces of a paced stream: 200 a second."""
THINKING: Final = 0.02
"""Seconds before the first piece of a ``FIRST`` stream: as quick as the quickest models, and longer than what a proxy
may do in the meantime."""
FIRST_DELTAS: Final = 8
FIRST_PIECE: Final = 60
"""Code points of the first piece of a ``FIRST`` stream, some fifteen tokens: more than what is held back of ordinary
text (25 to 40), so that some of it may leave at once. ``tests/bench/test_wire.py`` holds all guards to that."""
PERSONAL_SHARE: Final = 0.2
_POOL: Final = 512
_MARK: Final = "wwwwwwww"
"""Stands where the word goes: as long as every word."""


class Kind(str, Enum):
    """What is asked and answered. The value is the model's name in the request."""

    PLAIN = "bench-plain"
    PERSONAL = "bench-personal"
    """As ``PLAIN``, with personal data in a fifth of the messages."""
    PACED = "bench-paced"
    """A stream whose pieces come every ``PACE`` seconds."""
    UNPACED = "bench-unpaced"
    """A stream whose pieces are written one by one, as fast as the socket takes them."""
    FIRST = "bench-first"
    """A short paced stream for the time to first token: it begins after ``THINKING``, and some of its first piece may
    leave at once."""
    UNTHINKING = "bench-unthinking"
    """The same, begun at once."""
    HURRIED = "bench-hurried"
    """The same, begun at once and without pauses, so that a client asks again without one."""

    @property
    def streams(self) -> bool:
        return self not in {Kind.PLAIN, Kind.PERSONAL}

    @property
    def first(self) -> bool:
        """Whether streams are made for the time to first token."""
        return self in {Kind.FIRST, Kind.UNTHINKING, Kind.HURRIED}

    @property
    def paced(self) -> bool:
        return self in {Kind.PACED, Kind.FIRST, Kind.UNTHINKING}


class Requests:
    """HTTP/1.1 requests of one kind, each with a message that was not sent before. ``first`` is where the running
    number starts; runs that must not repeat each other take starts far apart."""

    def __init__(self, kind: Kind, authority: str, first: int) -> None:
        random = Random(first)  # noqa: S311 - nothing here is a secret
        share = PERSONAL_SHARE if kind is Kind.PERSONAL else 0.0
        self._frames: list[tuple[bytes, bytes]] = []
        for _ in range(_POOL):
            text = chat_turn(random, personal=random.random() < share)
            before, _, after = _request(kind, authority, f"{text} ({_MARK})").partition(_MARK.encode())
            self._frames.append((before, after))
        self._number = first

    def __call__(self) -> bytes:
        self._number = number = self._number + 1
        before, after = self._frames[number % _POOL]
        return before + _word(number) + after


class Answers:
    """What the scripted upstream sends back, made beforehand."""

    def __init__(self, seed: int = 1) -> None:
        random = Random(seed)  # noqa: S311 - nothing here is a secret
        self._whole = [_whole(answer(random)) for _ in range(256)]
        self._short = [_events(_pieces(answer(random, length=900), DELTAS)) for _ in range(32)]
        self._quick = [_events(_quick_first(random)) for _ in range(8)]
        self._next = 0

    def whole(self) -> bytes:
        """A complete HTTP response with one chat completion."""
        self._next = at = self._next + 1
        return self._whole[at & 255]

    def stream(self, kind: Kind) -> list[bytes]:
        """The chunks of a streamed HTTP response (head with the first; the end is in the last)."""
        self._next = at = self._next + 1
        return self._quick[at & 7] if kind.first else self._short[at & 31]


def kind_of(body: bytes) -> Kind:
    """The kind of answer that a request asks for."""
    at = body.find(b"bench-")
    for kind in Kind:
        if body.startswith(kind.value.encode(), at):
            return kind
    return Kind.PLAIN


def _request(kind: Kind, authority: str, text: str) -> bytes:
    body: dict[str, object] = {
        "model": kind.value,
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}],
        "temperature": 0.7,
    }
    if kind.streams:
        body["stream"] = True
    sent = orjson.dumps(body)
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n"
        "authorization: Bearer bench\r\naccept: */*\r\nuser-agent: chatward-bench\r\n"
        f"content-length: {len(sent)}\r\n\r\n"
    )
    return head.encode() + sent


def _whole(text: str) -> bytes:
    body = orjson.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1760000000,
            "model": "bench",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 90, "completion_tokens": 60, "total_tokens": 150},
        }
    )
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _events(pieces: list[str]) -> list[bytes]:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    events = [_chunk(_event({"role": "assistant", "content": ""}, None))]
    events.extend(_chunk(_event({"content": piece}, None)) for piece in pieces)
    end = _chunk(_event({}, "stop")) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return [head + events[0] + events[1], *events[2:], end]


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1760000000,
            "model": "bench",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _pieces(text: str, count: int) -> list[str]:
    """``text`` in ``count`` pieces of nearly equal length."""
    return [text[len(text) * at // count : len(text) * (at + 1) // count] for at in range(count)]


def _quick_first(random: Random) -> list[str]:
    text = answer(random, length=FIRST_PIECE * FIRST_DELTAS)
    return [text[:FIRST_PIECE], *_pieces(text[FIRST_PIECE:], FIRST_DELTAS - 1)]


def _words(letters: str, vowels: str) -> list[bytes]:
    pairs = [a + b for a in letters for b in vowels]
    return [(one + other).encode() for one in pairs for other in pairs]


_HALVES: Final = _words("bdfgklmnprstvz", "aeiou")


def _word(number: int) -> bytes:
    """Eight letters that name a number below 4900 squared."""
    high, low = divmod(number, 4900)
    return _HALVES[high % 4900] + _HALVES[low]
