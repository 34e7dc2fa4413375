"""Server-sent events from bytes that arrive split anywhere, and back to bytes.

The rule is the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream": lines end in CR LF, LF or
CR; one leading byte order mark is dropped; a blank line dispatches; several ``data`` lines are joined with
LF; one blank after the colon is dropped; a line that starts with a colon is a comment. Differences, on
purpose:

* ``id`` and ``retry`` are read and dropped: no dialect here uses them, and what is not inspected does not
  pass.
* Of a comment only the fact remains (``data`` is ``None``): it keeps a connection alive, its text could say
  anything.
* ``close`` dispatches an event that lacks its last blank line, as the official clients do. The caller then
  finds out whether its data are whole.
"""

from __future__ import annotations

from typing import Final

from chatward.core.errors import UpstreamError

Event = tuple[bytes, bytes | None]
"""Name (empty when the stream gave none) and data; data are ``None`` for a comment."""

KEEP_ALIVE: Final = b":\n\n"
_BOM: Final = b"\xef\xbb\xbf"


class Decoder:
    """Bytes in, events out. Memory is bounded: ``UpstreamError`` once one event exceeds ``max_event`` bytes."""

    __slots__ = ("_buffer", "_carriage", "_max_event", "_scanned", "_started")

    def __init__(self, max_event: int = 16 * 1024 * 1024) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._carriage = False
        self._started = False
        self._max_event = max_event

    def feed(self, data: bytes) -> list[Event]:
        if self._carriage or b"\r" in data:
            data = self._line_feeds(data)
        if not data:
            return []
        buffer = self._buffer
        buffer += data
        if not self._started and not self._begin():
            return []
        end = buffer.rfind(b"\n\n", max(self._scanned - 1, 0))
        if end < 0:
            self._scanned = len(buffer)
            if self._scanned > self._max_event:
                raise UpstreamError("The bot sent an event that is too large.", reason="upstream-too-large")
            return []
        whole = bytes(buffer[:end])
        del buffer[: end + 2]
        self._scanned = len(buffer)
        return _events(whole)

    def close(self) -> list[Event]:
        """The event at the end that lacks its blank line, if any."""
        whole = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = 0
        return _events(whole)

    def _line_feeds(self, data: bytes) -> bytes:
        if self._carriage and data:
            self._carriage = False
            if data[:1] == b"\n":  # second half of a CR LF whose CR already ended the line
                data = data[1:]
        if data:
            self._carriage = data[-1:] == b"\r"
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _begin(self) -> bool:
        buffer = self._buffer
        if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
            return False
        if buffer.startswith(_BOM):
            del buffer[: len(_BOM)]
        self._started = True
        return True


def _events(whole: bytes) -> list[Event]:
    events: list[Event] = []
    for block in whole.split(b"\n\n"):
        if block[:6] == b"data: " and b"\n" not in block:
            events.append((b"", block[6:]))
        elif block:
            event = _event(block)
            if event is not None:
                events.append(event)
    return events


def _event(block: bytes) -> Event | None:
    name = b""
    data: list[bytes] = []
    comment = False
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif not field and line:
            comment = True
    if data:
        return name, b"\n".join(data)
    return (b"", None) if comment else None
