"""Events of a stream that differ in their text alone, read and written without what stands around it.

The rule: bots repeat a whole JSON object for every few letters. Where an event was inspected as a whole, and the bytes
around the text of the next one are the same, that one is the same object with another text (RFC 8259: a string's
content says nothing about what is outside of it), and only the text is parsed. What goes out is the object that was
inspected, with the text that may leave. Every other event is read as a whole.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

_PROBE: Final = "\ue000text\ue001"
"""Stands for the text while a frame is made. Where an event holds it, no frame is found."""


class Frame:
    """What stands around the text of an event, as it came and as it goes out."""

    __slots__ = ("_after", "_ahead", "_before", "_behind")

    def __init__(self, before: bytes, after: bytes, ahead: bytes, behind: bytes) -> None:
        self._before = before
        self._after = after
        self._ahead = ahead
        self._behind = behind

    @classmethod
    def of(cls, payload: bytes, event: dict[str, Any], box: dict[str, Any], key: str) -> Frame | None:
        """The frame of ``event``, whose data are ``payload`` and whose text is ``box[key]``; ``None`` where the text
        cannot be told from the rest. ``event`` is the same afterwards."""
        text, probe = box[key], orjson.dumps(_PROBE)
        box[key] = _PROBE
        try:
            for found in re.finditer(rb'"%b"\s*:\s*"((?:[^"\\]|\\.)*+)"' % key.encode(), payload, re.DOTALL):
                before, after = payload[: found.start(1) - 1], payload[found.end(1) + 1 :]
                if orjson.loads(before + probe + after) == event:
                    ahead, _, behind = orjson.dumps(event).partition(probe)
                    return cls(before + b'"', b'"' + after, b"data: " + ahead, behind + b"\n\n")
            return None
        except orjson.JSONDecodeError:
            return None
        finally:
            box[key] = text

    def text(self, payload: bytes) -> str | None:
        """The text of an event with this frame; ``None`` for any other event."""
        if not (payload.startswith(self._before) and payload.endswith(self._after)):
            return None
        try:
            text: str = orjson.loads(payload[len(self._before) - 1 : len(payload) - len(self._after) + 1])
        except orjson.JSONDecodeError:
            return None
        return text

    def event(self, text: str) -> bytes:
        """The event that goes out with ``text``."""
        return self._ahead + orjson.dumps(text) + self._behind
