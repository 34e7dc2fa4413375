"""Event streams, read as the WHATWG standard says, split anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.sse import Decoder
from chatward.core.errors import UpstreamError

LINES = st.sampled_from(
    ["data: one", "data:two", "data", "data: ", "data:  three é漢", "event: ping", "event:x", "id: 1", "retry: 10",
     ": comment", ":", "other: field", "data: a: b", ""]
)  # fmt: skip
STREAMS = st.lists(LINES, max_size=14)


def expected(lines: list[str]) -> list[tuple[bytes, bytes | None]]:
    """The standard's algorithm, line by line; the end counts as a blank line."""
    found: list[tuple[bytes, bytes | None]] = []
    name, comment = "", False
    data: list[str] = []
    for line in [*lines, ""]:
        if not line:
            if data:
                found.append((name.encode(), "\n".join(data).encode()))
            elif comment:
                found.append((b"", None))
            name, data, comment = "", [], False
            continue
        field, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif not field and colon:
            comment = True
    return found


def read(pieces: list[bytes]) -> list[tuple[bytes, bytes | None]]:
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


@given(lines=STREAMS, data=st.data())
def test_any_line_ends_and_any_split_give_the_standards_events(
    lines: list[str], data: st.DataObject, fakes: Any
) -> None:
    body = b"".join(line.encode() + data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])) for line in lines)
    read_as = body.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")  # a CR may meet a later LF
    body = data.draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + body
    assert read(fakes.cuts(body, data.draw(fakes.offsets(len(body))))) == expected(read_as)


@given(STREAMS)
def test_byte_by_byte_is_the_same_as_at_once(lines: list[str]) -> None:
    body = "\r\n".join([*lines, "", ""]).encode()
    assert read([body[i : i + 1] for i in range(len(body))]) == read([body])


def test_an_event_leaves_with_its_blank_line_and_not_before() -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: x\r\n") == []
    assert decoder.feed(b"\r") == [(b"", b"x")]
    assert decoder.feed(b"\ndata: y\n\n") == [(b"", b"y")]


def test_memory_is_bounded() -> None:
    decoder = Decoder(max_event=100)
    for _ in range(8):
        decoder.feed(b"data: 123456")
    with pytest.raises(UpstreamError) as caught:
        decoder.feed(b"data: 123456")
    assert caught.value.reason == "upstream-too-large"
