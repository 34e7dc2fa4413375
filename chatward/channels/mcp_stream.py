"""Event streams of MCP servers: each event is whole before it is read, and read before it leaves.

Unlike other dialects' (``channels.sse``), these events have ids, by which a client resumes a stream, and a time to wait
before it does. An id that is not of visible characters is dropped. Events without data (they only carry an id) pass.

A block ends the stream: requests that have no answer yet get a JSON-RPC error; where none is waited for (GET), a log
notification says so, with the event's id, so that a client does not ask for the same event again. A stream that ends
without an answer ends as it is: the client may resume it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

import orjson

from chatward.channels import surrogates
from chatward.channels.mcp_server import Server
from chatward.channels.outgoing import malformed
from chatward.channels.sse import KEEP_ALIVE, Decoder
from chatward.core.errors import ChatwardError, UpstreamError
from chatward.core.ports import Reply

_ID: Final = re.compile(rb"[!-~]{1,256}")
_RETRY: Final = re.compile(rb"[0-9]{1,9}")
FAILED: Final = -32081


class Asking(Protocol):
    """What a rewriter needs of the request (``channels.mcp.McpCall``)."""

    @property
    def ids(self) -> list[str | int]: ...

    def server(self, reply: Reply) -> Server: ...

    def stopped(self, reply: Reply, ids: list[str | int], *, batch: bool | None = None) -> bytes: ...


class Blocks(Decoder):
    """Events as the bytes between blank lines."""

    def blocks(self, data: bytes) -> list[bytes]:
        """Raises ``UpstreamError`` once one event is too large."""
        if self._carriage or b"\r" in data:
            data = self._line_feeds(data)
        if not data:
            return []
        self._buffer += data
        if not self._started and not self._begin():
            return []
        *whole, rest = bytes(self._buffer).split(b"\n\n")
        if len(rest) > self._max_event:
            raise UpstreamError("The bot sent an event that is too large.", reason="upstream-too-large")
        self._buffer[:] = rest
        return whole


class McpRewriter:
    """Implements ``channels.dialect.StreamRewriter``. ``listening``: a stream of the server's own."""

    usage: Final[Mapping[str, int]] = {}

    def __init__(self, call: Asking, reply: Reply, *, listening: bool) -> None:
        self._call = call
        self._reply = reply
        self._server = call.server(reply)
        self._open = list(call.ids)
        self._listening = listening
        self._blocks = Blocks()
        self.done = False

    def feed(self, data: bytes) -> bytes:
        if self.done:
            return b""
        out: list[bytes] = []
        try:
            for block in self._blocks.blocks(data):
                out.append(self._event(block.strip(b"\n")))
                if self.done:
                    break
        except UpstreamError as error:
            out.append(self.fail(error))
        return b"".join(out)

    def close(self) -> bytes:
        """Half an event is what a cut leaves behind; it does not leave."""
        self.done = True
        return b""

    def fail(self, error: ChatwardError) -> bytes:
        if self.done:
            return b""
        self.done = True
        told = {"code": FAILED, "message": error.public, "data": {"reason": error.reason}}
        return b"".join(_event(b"", {"jsonrpc": "2.0", "id": number, "error": told}) for number in self._open)

    def _event(self, block: bytes) -> bytes:
        number, data, comment, retry = _fields(block)
        head = b"retry: %s\n" % retry if retry else b""
        if data is None:
            if number:
                return head + b"id: %s\ndata: \n\n" % number
            return head + b"\n" if head else KEEP_ALIVE if comment else b""
        if not data:
            return head + (b"id: %s\n" % number if number else b"") + b"data: \n\n"
        try:
            document = surrogates.loads(data)
        except ValueError as error:
            raise malformed("an event is not JSON") from error
        messages = document if type(document) is list else [document]
        for message in messages:
            self._server.read(message)
            if self._reply.blocked is not None:
                return self._stopped(number, message)
        for message in messages:
            if "method" not in message and message.get("id") in self._open:
                self._open.remove(message["id"])
        self.done = not self._listening and not self._open
        return head + _event(number, document)

    def _stopped(self, number: bytes, message: dict[str, Any]) -> bytes:
        self.done = True
        ids = list(self._open)
        if "method" not in message and message.get("id") not in ids and type(message.get("id")) in (int, str):
            ids = [message["id"]]  # of a stream that is resumed
        if ids:
            told = (self._call.stopped(self._reply, [one], batch=False) for one in ids)
            return b"".join(_framed(number, one) for one in told)
        error = orjson.loads(self._call.stopped(self._reply, [], batch=False))["error"]
        params = {"level": "error", "logger": "chatward", "data": {"message": error["message"], **error["data"]}}
        return _event(number, {"jsonrpc": "2.0", "method": "notifications/message", "params": params})


def _event(number: bytes, document: Any) -> bytes:
    return _framed(number, orjson.dumps(document))


def _framed(number: bytes, data: bytes) -> bytes:
    return (b"id: %s\n" % number if number else b"") + b"event: message\ndata: %s\n\n" % data


def _fields(block: bytes) -> tuple[bytes, bytes | None, bool, bytes]:
    """Id, data, whether there is a comment, and the time to wait."""
    number, retry, comment = b"", b"", False
    data: list[bytes] = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"id" and _ID.fullmatch(value):
            number = value
        elif name == b"retry" and _RETRY.fullmatch(value):
            retry = value
        elif not name and line:
            comment = True
    return number, b"\n".join(data) if data else None, comment, retry
