"""Rasa's REST channel: ``{"sender", "message", "metadata"?}`` in, a list of messages out, whole or as JSON lines.

Source: the documentation and source of Rasa Open Source 3.6 (``rasa/core/channels/rest.py``). Rasa's path,
``/webhooks/rest/webhook``, works below the channel's own, so that a client's base URL is all that changes.

Requests
* ``message`` is the person's text. Every other string that is words (``metadata``, unknown fields) is a part too.
* ``sender`` names the conversation, within one caller and channel. It is an identifier: printable, at most 256
  characters, not inspected.
* ``?stream=true`` asks for the messages one by one, a JSON object a line, which Rasa calls ``text/event-stream``.

Replies
* Of each message every string that is words goes through a lane of its own: ``text``, ``image``, titles and payloads of
  ``buttons``, ``attachment``, and what ``custom`` holds.
* A block, of the message or of the reply, is one message of the bot that says so (status 200), so any client shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from chatward.channels import surrogates
from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.outgoing import malformed, rewrite_field
from chatward.channels.request import CarriesFiles, Request, missing, string_at, wrong_type
from chatward.channels.stream import truncated
from chatward.channels.strict_json import parse
from chatward.channels.wire import Asked, Plain
from chatward.core.errors import ChatwardError, UpstreamError
from chatward.core.ports import Reply
from chatward.core.values import Message, Part, Source, Verdict

PATH: Final = "/webhooks/rest/webhook"
_MOST: Final = 256
_LONGEST: Final = 16 * 1024 * 1024


class Rasa:
    """The wire to one Rasa assistant. ``name`` is the channel's, ``bot`` the bot of the settings."""

    methods: Final = ("POST",)

    def __init__(self, name: str, bot: str, max_depth: int = 64, max_parts: int = 20_000) -> None:
        self.bot = bot
        self.paths = (f"/channels/{name}", f"/channels/{name}{PATH}")
        self.channel = name
        self.max_depth = max_depth
        self.max_parts = max_parts

    def bind(self, asked: Asked) -> RasaBound:
        said = dict(parse_qsl(asked.query[:1024]))
        return RasaBound(self, said.get("stream", "").lower() == "true")


class RasaBound(Plain):
    """The dialect of one request."""

    name = "rasa"
    comments = False

    def __init__(self, wire: Rasa, stream: bool) -> None:
        self._wire = wire
        self._stream = stream
        self.path = wire.paths[0]

    def parse(self, body: bytes) -> RasaCall:
        document = parse(body, self._wire.max_depth)
        return RasaCall(Request(document, self._wire.max_parts), self._wire.channel, self._stream)

    def error(self, error: ChatwardError) -> Answer:
        """As Rasa writes errors."""
        told = {"status": "failure", "reason": error.reason, "code": error.status, "message": error.public}
        if error.details:
            told["chatward"] = error.details
        return Answer(error.status, orjson.dumps(told))

    def target(self) -> str:
        return f"{PATH}?stream=true" if self._stream else PATH


class RasaCall(CarriesFiles):
    """One message to the assistant."""

    model: Final = ""
    tools: Final[Sequence[str]] = ()

    def __init__(self, request: Request, channel: str, stream: bool) -> None:
        document = request.document
        self._request = request
        self.stream = stream
        sender = document.get("sender")
        if sender is not None and (type(sender) is not str or len(sender) > _MOST or not sender.isprintable()):
            raise wrong_type("sender", f"a string of at most {_MOST} printable characters")
        self._sender: str = sender or "default"  # as Rasa calls those without a name
        self.conversation = f"{channel}/{self._sender}" if sender else ""
        if "message" not in document:
            raise missing("message")
        if document["message"] is not None:  # Rasa takes it for an empty one
            string_at(document, "message", "message")
            request.text(document, "message", Source.USER)
        for key in document:
            if key not in {"sender", "message"}:
                request.field(document, key, Source.USER)
        request.close_message("user")

    @property
    def parts(self) -> Sequence[Part]:
        return self._request.parts

    @property
    def messages(self) -> Sequence[Message]:
        return self._request.messages

    @property
    def previous(self) -> str:
        return self.conversation

    @property
    def continues(self) -> Sequence[str]:
        return ()  # who calls chose the name

    def reply_id(self) -> str:
        """Rasa keeps the turns, so the conversation is one thread."""
        return self.conversation

    def body(self, edits: Mapping[int, str]) -> bytes:
        return self._request.serialise(edits)

    def reply(self, body: bytes, reply: Reply) -> Answer:
        try:
            messages = surrogates.loads(body)
        except ValueError as error:
            raise malformed("it is not JSON") from error
        if type(messages) is not list:
            raise malformed("it is not a list of messages")
        for message in messages:
            rewrite_message(reply, message, self._sender)
            if reply.blocked is not None:
                return Answer(200, orjson.dumps([self.spoken(reply.refusal)]))
        return Answer(200, orjson.dumps(messages))

    def rewriter(self, reply: Reply) -> StreamRewriter:
        return LinesRewriter(reply, self)

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        if self.stream:
            return Answer(200, orjson.dumps(self.spoken(sentence)) + b"\n", "text/event-stream")
        return Answer(200, orjson.dumps([self.spoken(sentence)]))

    def spoken(self, sentence: str) -> dict[str, str]:
        """A message of the bot."""
        return {"recipient_id": self._sender, "text": sentence}

    def read(self, reply: Reply, line: bytes) -> bytes:
        """One message of a stream, inspected; the refusal where it is blocked."""
        try:
            message = surrogates.loads(line)
        except ValueError as error:
            raise malformed("a line is not JSON") from error
        rewrite_message(reply, message, self._sender)
        return orjson.dumps(message if reply.blocked is None else self.spoken(reply.refusal)) + b"\n"


def rewrite_message(reply: Reply, message: Any, sender: str) -> None:
    """Puts all words of one message of the bot through lanes. Raises ``UpstreamError``."""
    if type(message) is not dict:
        raise malformed("a message is not an object")
    for key, value in message.items():
        if key != "recipient_id" or value != sender:
            rewrite_field(reply, message, key)


class LinesRewriter:
    """A reply of JSON lines. A line leaves once all of it was seen; nothing leaves after a block or an error, which is
    told as a message of the bot."""

    usage: Final[Mapping[str, int]] = {}

    def __init__(self, reply: Reply, call: RasaCall) -> None:
        self._reply = reply
        self._call = call
        self._held = bytearray()
        self.done = False

    def feed(self, data: bytes) -> bytes:
        if self.done:
            return b""
        self._held += data
        whole, newline, rest = bytes(self._held).rpartition(b"\n")
        if len(rest) > _LONGEST:
            return self.fail(UpstreamError("The bot sent a message that is too large.", reason="upstream-too-large"))
        if not newline:
            return b""
        self._held = bytearray(rest)
        return self._lines(whole.split(b"\n"))

    def close(self) -> bytes:
        """The connection's end is the end of the reply; a last line needs no line feed."""
        rest, self._held = bytes(self._held), bytearray()
        try:
            out = b"" if self.done else self._lines([rest], last=True)
        finally:
            self.done = True
        return out

    def fail(self, error: ChatwardError) -> bytes:
        if self.done:
            return b""
        self.done = True
        return orjson.dumps(self._call.spoken(error.public)) + b"\n"

    def _lines(self, lines: list[bytes], *, last: bool = False) -> bytes:
        out: list[bytes] = []
        try:
            for line in lines:
                if line.strip() and not self.done:
                    out.append(self._call.read(self._reply, line))
                    self.done = self._reply.blocked is not None
        except UpstreamError as error:
            out.append(self.fail(truncated() if last else error))
        return b"".join(out)
