"""Anthropic Messages: requests as parts, whole replies through lanes.

Source: Anthropic API reference, "Messages", "Streaming messages", "Extended thinking"; the streamed side stands in
``channels.anthropic_stream``.

Requests
* First the texts of ``tools`` (a message of role ``tools``), then ``system`` (operator), then the messages in
  order, last what describes the caller (``metadata``).
* ``user`` -> user, ``assistant`` -> bot, ``system`` -> operator; a ``tool_result`` and the results of server tools
  -> tool; ``document`` and ``search_result`` blocks -> document, wherever they stand.
* The ``input`` of a tool call is a JSON value: one ``JSON`` part that holds its text. An edit is parsed back.
* ``thinking`` blocks that come back are signed. They are inspected, but edits of them are ignored: the upstream
  refuses a thinking block that differs from what it signed.

Replies
* ``text``, ``thinking`` and tool ``input`` go through lanes, and every other string that is words. ``citations`` of
  a text are emptied when it changed.
* Thinking that had to be changed no longer fits its signature. It leaves with the signature ``UNSIGNED``. When the
  client sends such a block back, it is left out of the request, as the API allows: with it, the upstream would
  refuse all of it.
* A block: one text block with the refusal sentence, ``stop_reason: "refusal"``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from chatward.channels.anthropic_error import error_answer, refusal_answer
from chatward.channels.anthropic_stream import TOOL_CALLS, UNSIGNED, MessagesRewriter
from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.labels import Labelled, read
from chatward.channels.outgoing import list_at, load, malformed, rewrite, rewrite_field, rewrite_value
from chatward.channels.request import (
    SCHEMA_NAMES,
    Request,
    conversation_of,
    missing,
    string_at,
    top_level,
    wrong_type,
)
from chatward.channels.wording import is_identifier
from chatward.core.errors import ChatwardError
from chatward.core.ports import Reply
from chatward.core.values import Message, Part, Source, Verdict

_SOURCES: Final = {"user": Source.USER, "assistant": Source.BOT, "system": Source.OPERATOR}
_PLACED: Final = frozenset({"messages", "metadata", "model", "stop_sequences", "stream", "system", "tools"})
_KEPT: Final = frozenset({"id", "model", "role", "type", "usage"})


class Messages:
    """The dialect on ``/v1/messages``."""

    name: Final = "anthropic-messages"

    def __init__(self, max_depth: int = 64, max_parts: int = 20_000) -> None:
        self._max_depth = max_depth
        self._max_parts = max_parts

    def parse(self, body: bytes) -> MessagesCall:
        return MessagesCall(read(body, self._max_depth, self._max_parts))

    def error(self, error: ChatwardError) -> Answer:
        return error_answer(error)


class MessagesCall(Labelled):
    """One request for a message."""

    __slots__ = ("_names", "_request", "_tools", "conversation", "model", "stream")

    previous: Final = ""
    continues: Final[Sequence[str]] = ()

    def __init__(self, request: Request) -> None:
        document = request.document
        self._request = request
        self._names: dict[str, str] = {}
        self.model: str = top_level(document, "model", str, "a string") or ""
        self.stream: bool = bool(top_level(document, "stream", bool, "true or false"))
        self.conversation = conversation_of(document)
        self._tools: list[str] = []
        self._read_tools(document)
        self._read_system(document)
        self._read_messages(document)
        self._read_rest(document)

    @property
    def parts(self) -> Sequence[Part]:
        return self._request.parts

    @property
    def messages(self) -> Sequence[Message]:
        return self._request.messages

    @property
    def tools(self) -> Sequence[str]:
        return self._tools

    def body(self, edits: Mapping[int, str]) -> bytes:
        return self._request.serialise(edits)

    def rewriter(self, reply: Reply) -> StreamRewriter:
        return MessagesRewriter(reply)

    def reply(self, body: bytes, reply: Reply) -> Answer:
        return whole_reply(body, reply)

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        return refusal_answer(verdict, sentence)

    def reply_id(self) -> str:
        return ""

    # --- reading ---

    def _read_tools(self, document: dict[str, Any]) -> None:
        tools = top_level(document, "tools", list, "a list")
        for index, tool in enumerate(tools or ()):
            if type(tool) is not dict:
                raise wrong_type(f"tools[{index}]", "an object")
            name = tool.get("name")
            self._tools.append(name if type(name) is str else "")
            self._request.words(tool, Source.OPERATOR, names=SCHEMA_NAMES)
        self._request.close_message("tools", keep_empty=False)

    def _read_system(self, document: dict[str, Any]) -> None:
        system = document.get("system")
        if system is None:
            return
        if type(system) is str:
            if system:
                self._request.text(document, "system", Source.OPERATOR)
        elif type(system) is list:
            self._read_blocks(system, Source.OPERATOR, "system")
        else:
            raise wrong_type("system", "a string or a list of blocks")
        self._request.close_message("system")

    def _read_messages(self, document: dict[str, Any]) -> None:
        if "messages" not in document:
            raise missing("messages")
        messages = document["messages"]
        if type(messages) is not list or not messages:
            raise wrong_type("messages", "a list with at least one message")
        emptied = False
        for index, message in enumerate(messages):
            path = f"messages[{index}]"
            if type(message) is not dict:
                raise wrong_type(path, "an object")
            role = message.get("role")
            source = _SOURCES.get(role) if type(role) is str else None
            if source is None or type(role) is not str:
                raise wrong_type(f"{path}.role", f"one of {', '.join(_SOURCES)}")
            content = message.get("content")
            if type(content) is str:
                if content:
                    self._request.text(message, "content", source)
            elif type(content) is list:
                if any(_is_unsigned(block) for block in content):
                    content[:] = [block for block in content if not _is_unsigned(block)]
                    emptied = emptied or not content
                self._read_blocks(content, source, f"{path}.content")
            else:
                raise wrong_type(f"{path}.content", "a string or a list of blocks")
            for key in message:
                if key not in {"content", "role"}:
                    self._request.field(message, key, source)
            self._request.close_message(role)
        if emptied:  # messages must not be empty
            messages[:] = [message for message in messages if message["content"] != []]

    def _read_blocks(self, blocks: list[Any], source: Source, path: str, tool: str = "") -> None:
        for index, block in enumerate(blocks):
            if type(block) is not dict:
                raise wrong_type(f"{path}[{index}]", "an object")
            kind = block.get("type")
            if type(kind) is not str:
                raise wrong_type(f"{path}[{index}].type", "a string")
            self._read_block(block, kind, source, f"{path}[{index}]", tool)

    def _read_block(self, block: dict[str, Any], kind: str, source: Source, path: str, tool: str) -> None:
        request = self._request
        placed: str = kind
        if kind == "text":
            if string_at(block, "text", f"{path}.text"):
                request.text(block, "text", source, name=tool)
        elif kind == "thinking":
            thinking = string_at(block, "thinking", f"{path}.thinking")
            if thinking:
                request.fixed(thinking, source)
            return  # nothing in it may be changed
        elif kind == "redacted_thinking":
            request.opaque(kind, source)
            return
        elif kind in TOOL_CALLS:
            self._read_tool_call(block, path)
            placed = "input"
        elif kind in {"image", "document"}:
            self._read_source(block, kind, Source.DOCUMENT if kind == "document" else source, path)
            source, placed = (Source.DOCUMENT if kind == "document" else source), "source"
        elif kind == "search_result":
            source, placed = Source.DOCUMENT, ""
        elif kind.endswith("tool_result"):
            known = block.get("tool_use_id")
            tool = self._names.get(known, "") if type(known) is str else ""
            source, placed = Source.TOOL, "content"
            self._read_result(block, f"{path}.content", tool)
        else:
            placed = ""
        for key, value in block.items():
            if key != placed and (key != "name" or not _is_name(value)):
                request.field(block, key, source, tool)

    def _read_tool_call(self, block: dict[str, Any], path: str) -> None:
        name = string_at(block, "name", f"{path}.name")
        identity = block.get("id")
        if type(identity) is str:
            self._names[identity] = name
        if "input" not in block:
            raise missing(f"{path}.input")
        if block["input"]:
            self._request.value(block, "input", Source.BOT, name)

    def _read_result(self, block: dict[str, Any], path: str, tool: str) -> None:
        content = block.get("content")
        if type(content) is str:
            if content:
                self._request.text(block, "content", Source.TOOL, name=tool)
        elif type(content) is list:
            self._read_blocks(content, Source.TOOL, path, tool)
        elif type(content) is dict:
            self._request.words(content, Source.TOOL, "content", tool)
        elif content is not None:
            raise wrong_type(path, "a string or a list of blocks")

    def _read_source(self, block: dict[str, Any], kind: str, source: Source, path: str) -> None:
        request = self._request
        held = block.get("source")
        if type(held) is not dict:
            raise wrong_type(f"{path}.source", "an object")
        form = held.get("type")
        placed = ""
        if form == "text":
            placed = "data"
            if string_at(held, "data", f"{path}.source.data"):
                request.text(held, "data", source)
        elif form == "content" and type(held.get("content")) is list:
            placed = "content"
            self._read_blocks(held["content"], source, f"{path}.source.content")
        elif form == "base64":
            placed = "data"
            string_at(held, "data", f"{path}.source.data")
            media = held.get("media_type")
            request.blob(held, "data", source, media if type(media) is str and is_identifier(media) else kind, block)
        elif type(held.get("url")) is str:
            placed = "url"
            request.blob(held, "url", source, kind, block)
        elif "file_id" in held:
            request.opaque(kind, source)
        for key in held:
            if key != placed:
                request.field(held, key, source)

    def _read_rest(self, document: dict[str, Any]) -> None:
        request = self._request
        for key in document:
            if key not in _PLACED:
                request.field(document, key, Source.OPERATOR, names=SCHEMA_NAMES)
        request.close_message("settings", keep_empty=False)
        metadata = document.get("metadata")
        if metadata:
            for key, value in metadata.items():
                if type(value) is str and value:
                    request.text(metadata, key, Source.USER)  # also ``user_id``: it may be an address
                else:
                    request.field(metadata, key, Source.USER)
        request.close_message("metadata", keep_empty=False)


def _is_unsigned(block: Any) -> bool:
    return type(block) is dict and block.get("type") == "thinking" and block.get("signature") == UNSIGNED


def _is_name(value: Any) -> bool:
    return type(value) is str and is_identifier(value)


# --- whole replies ------------------------------------------------------------------------------------


def whole_reply(body: bytes, reply: Reply) -> Answer:
    """A message, inspected. ``UpstreamError`` when ``body`` is none."""
    document = load(body)
    for block in list_at(document, "content", "content"):
        if type(block) is not dict or type(block.get("type")) is not str:
            raise malformed("a content block is not an object with a type")
        _rewrite_block(block, reply)
    for key in document:
        if key != "content":
            rewrite_field(reply, document, key)
    reply.end_calls()
    if reply.blocked is not None:
        kept = {key: value for key, value in document.items() if key in _KEPT}
        content = [{"type": "text", "text": reply.refusal}]
        document = {**kept, "content": content, "stop_reason": "refusal", "stop_sequence": None}
    return Answer(200, orjson.dumps(document))


def _rewrite_block(block: dict[str, Any], reply: Reply) -> None:
    kind = block["type"]
    name = block.get("name") if kind in TOOL_CALLS else None
    if kind in TOOL_CALLS:
        if type(name) is not str or not name:
            raise malformed("a tool call has no name")
        reply.call(name)
    for key, value in block.items():
        if name is not None and key == "input":
            rewrite_value(reply, block, key, name)
        elif key == "text" and type(value) is str:
            if value and rewrite(reply, block, key) and block.get("citations"):
                block["citations"] = []
        elif key == "thinking" and type(value) is str:
            if value and rewrite(reply, block, key) and block.get("signature"):
                block["signature"] = UNSIGNED
        elif key != "name" or not _is_name(value):
            rewrite_field(reply, block, key)
