"""Answers that say that an AI wrote them: the gateway's application with a door that adds what ``gate`` wants told.

The rules:

1. Only answers that succeed are marked: a refusal is written by nobody but Chatward.
2. The bot's words stay as they are. What is added to an answer of JSON stands in its member ``chatward``, to a stream
   in one comment line before the first event (WHATWG HTML, section 9.2.6), so official clients read on as before.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from chatward.privacy.gate import Passage, passage

_JSON: Final = "application/json"


class Marked:
    """An RSGI application around another."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    async def __rsgi__(self, scope: Any, door: Any) -> None:
        current = Passage()
        passage.set(current)
        await self._app.__rsgi__(scope, _Door(door, current))


class _Door:
    """The caller's side of one request; what is asked of it is asked of the one behind."""

    __slots__ = ("_door", "_passage")

    def __init__(self, door: Any, current: Passage) -> None:
        self._door = door
        self._passage = current

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)

    def __call__(self) -> Any:
        return self._door()

    def __aiter__(self) -> Any:
        return self._door.__aiter__()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        current = self._passage
        if current.headers and 200 <= status < 300:
            headers = [*headers, *current.headers]
            if current.disclosure:
                body = _with_notice(headers, body, current.disclosure)
        self._door.response_bytes(status, headers, body)

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Any:
        current = self._passage
        if not current.headers or not 200 <= status < 300:
            return self._door.response_stream(status, headers)
        stream = self._door.response_stream(status, [*headers, *current.headers])
        return _Stream(stream, current.disclosure) if current.disclosure else stream


class _Stream:
    """A stream whose first bytes are the comment line."""

    __slots__ = ("_first", "_stream")

    def __init__(self, stream: Any, disclosure: str) -> None:
        self._stream = stream
        self._first = b": chatward " + orjson.dumps({"disclosure": disclosure}) + b"\n\n"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def send_bytes(self, data: bytes) -> None:
        first, self._first = self._first, b""
        await self._stream.send_bytes(first + data)


def _with_notice(headers: list[tuple[str, str]], body: bytes, disclosure: str) -> bytes:
    if ("content-type", _JSON) not in headers:
        return body
    document = orjson.loads(body)
    if not isinstance(document, dict) or not isinstance(document.get("chatward", {}), dict):
        return body
    return orjson.dumps({**document, "chatward": {**document.get("chatward", {}), "disclosure": disclosure}})
