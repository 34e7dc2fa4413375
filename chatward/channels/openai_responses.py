"""OpenAI Responses: requests as parts, whole replies through lanes.

Source: the OpenAI API reference, "Responses" (create, object, streaming). Replies stand in
``channels.openai_responses_reply``, streams in ``channels.openai_responses_stream``.

Requests
* First the texts of ``tools`` and of ``text.format`` (a message of role ``tools``), then ``instructions`` and the
  variables of ``prompt``, then the items of ``input`` in order, last what describes the caller (``metadata``,
  ``user``, ...).
* An item with a role is a message; its source goes by the role as in chat completions. A call (``function_call``,
  ``mcp_call``, ...) comes from the bot, its arguments are one ``JSON`` part with the tool's name. An output
  (``..._output``) and what a remote server lists or answers come from a tool. Files are documents, images are
  opaque.
* Items that this dialect does not know: their words are parts; the source goes by role or type.
* ``conversation`` is the id under ``conversation``, else ``metadata.conversation_id``. ``previous`` is
  ``previous_response_id``, else the id under ``conversation``: the bot keeps its turns, so it is one thread.
* Headers and authorization that a tool needs (remote MCP servers) are credentials, not text: they are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.labels import Labelled, read
from chatward.channels.openai_error import error_answer, refusal_answer
from chatward.channels.openai_responses_reply import CALLED_WITH, rewrite_response, tool_name
from chatward.channels.openai_responses_stream import ResponsesRewriter
from chatward.channels.outgoing import load
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

_SOURCES: Final = {
    "system": Source.OPERATOR,
    "developer": Source.OPERATOR,
    "user": Source.USER,
    "assistant": Source.BOT,
    "tool": Source.TOOL,
}
_PLACED: Final = frozenset(
    {
        "conversation", "input", "instructions", "model", "previous_response_id", "prompt", "reasoning", "stream",
        "stream_options", "text", "tools",
    }
)  # fmt: skip
_ABOUT_CALLER: Final = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "user"})
_TEXTS: Final = {
    "input_text": "text", "output_text": "text", "text": "text", "summary_text": "text", "reasoning_text": "text",
    "refusal": "refusal",
}  # fmt: skip


class Responses:
    """The dialect on ``/v1/responses``."""

    name: Final = "openai-responses"

    def __init__(self, max_depth: int = 64, max_parts: int = 20_000) -> None:
        self._max_depth = max_depth
        self._max_parts = max_parts

    def parse(self, body: bytes) -> ResponsesCall:
        return ResponsesCall(read(body, self._max_depth, self._max_parts))

    def error(self, error: ChatwardError) -> Answer:
        return error_answer(error)


class ResponsesCall(Labelled):
    """One request for a response."""

    __slots__ = (
        "_kept", "_names", "_reply_id", "_request", "_rewriter", "_tools", "conversation", "model", "previous",
        "stream",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        document = request.document
        self._request = request
        self._names: dict[str, str] = {}
        self._tools: list[str] = []
        self._reply_id = ""
        self._rewriter: ResponsesRewriter | None = None
        self.model: str = top_level(document, "model", str, "a string") or ""
        self.stream: bool = bool(top_level(document, "stream", bool, "true or false"))
        self._kept = _kept(document)
        self.conversation = self._kept or conversation_of(document)
        self.previous: str = top_level(document, "previous_response_id", str, "a string") or self._kept
        self._read_tools(document)
        self._read_instructions(document)
        self._read_input(document)
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
        self._rewriter = ResponsesRewriter(reply, self._request.document)
        return self._rewriter

    def reply(self, body: bytes, reply: Reply) -> Answer:
        document = load(body)
        rewrite_response(document, self._request.document, reply)
        identity = document.get("id")
        self._reply_id = identity if type(identity) is str else ""
        return Answer(200, orjson.dumps(document))

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        return refusal_answer(verdict, sentence, "input")

    @property
    def continues(self) -> Sequence[str]:
        return [given for given in (self.previous, self._kept) if given]

    def reply_id(self) -> str:
        if self._kept:
            return self._kept
        return self._rewriter.reply_id if self._rewriter is not None else self._reply_id

    # --- reading ---

    def _read_tools(self, document: dict[str, Any]) -> None:
        request = self._request
        tools = top_level(document, "tools", list, "a list")
        for index, tool in enumerate(tools or ()):
            if type(tool) is not dict:
                raise wrong_type(f"tools[{index}]", "an object")
            name = tool.get("name", tool.get("server_label", tool.get("type")))
            self._tools.append(name if type(name) is str else "")
            for key, value in tool.items():
                if key != "headers" and not (key == "name" and type(value) is str and is_identifier(value)):
                    request.field(tool, key, Source.OPERATOR, names=SCHEMA_NAMES)
        text = top_level(document, "text", dict, "an object")
        if text:
            request.words(text, Source.OPERATOR, names=SCHEMA_NAMES)
        request.close_message("tools", keep_empty=False)

    def _read_instructions(self, document: dict[str, Any]) -> None:
        if top_level(document, "instructions", str, "a string"):
            self._request.text(document, "instructions", Source.OPERATOR)
            self._request.close_message("system")
        prompt = top_level(document, "prompt", dict, "an object")
        if prompt:
            for key in prompt:
                self._request.field(prompt, key, Source.USER)
            self._request.close_message("prompt", keep_empty=False)

    def _read_input(self, document: dict[str, Any]) -> None:
        items = document.get("input")
        if type(items) is str:
            if items:
                self._request.text(document, "input", Source.USER)
            self._request.close_message("user")
        elif type(items) is list:
            for index, item in enumerate(items):
                if type(item) is not dict:
                    raise wrong_type(f"input[{index}]", "an object")
                self._request.close_message(self._read_item(item, f"input[{index}]"))
        elif items is not None:
            raise wrong_type("input", "a string or a list of items")
        elif not (document.get("prompt") or self.previous or self.conversation):
            raise missing("input")

    def _read_item(self, item: dict[str, Any], path: str) -> str:
        """One item of ``input``; returns the role that its message has for us."""
        kind = item.get("type", "message")
        if type(kind) is not str:
            raise wrong_type(f"{path}.type", "a string")
        if kind == "message":
            role = item.get("role")
            source = _SOURCES.get(role) if type(role) is str else None
            if source is None or type(role) is not str:
                raise wrong_type(f"{path}.role", f"one of {', '.join(_SOURCES)}")
            if "content" not in item:
                raise missing(f"{path}.content")
            self._read_fields(item, source, path, "")
            return role
        if kind in CALLED_WITH:
            self._read_call(item, kind, path)
            return "assistant"
        if kind.endswith("_output") or kind in {"mcp_list_tools", "mcp_approval_response"}:
            known = item.get("call_id")
            self._read_fields(item, Source.TOOL, path, self._names.get(known, "") if type(known) is str else "")
            return "tool"
        if kind == "file_search_call":
            for key in item:
                self._request.field(item, key, Source.DOCUMENT if key == "results" else Source.BOT)
            return "assistant"
        role = item.get("role")
        ours = kind == "reasoning" or kind.endswith("_call")
        source = _SOURCES.get(role, Source.USER) if type(role) is str else Source.BOT if ours else Source.USER
        self._read_fields(item, source, path, "")
        return "assistant" if source is Source.BOT else "user"

    def _read_fields(self, item: dict[str, Any], source: Source, path: str, tool: str) -> None:
        for key, value in item.items():
            if key in {"content", "output", "summary"}:
                if type(value) is str:
                    if value:
                        self._request.text(item, key, source, name=tool)
                elif type(value) is list:
                    self._read_content(value, source, f"{path}.{key}", tool)
                elif type(value) is dict:
                    self._read_part(value, source, f"{path}.{key}", tool)
                elif value is not None:
                    raise wrong_type(f"{path}.{key}", "a string or a list of parts")
            elif key != "role":
                self._request.field(item, key, source, tool)

    def _read_content(self, content: list[Any], source: Source, path: str, tool: str) -> None:
        for index, part in enumerate(content):
            if type(part) is not dict:
                raise wrong_type(f"{path}[{index}]", "an object")
            self._read_part(part, source, f"{path}[{index}]", tool)

    def _read_part(self, part: dict[str, Any], source: Source, path: str, tool: str) -> None:
        request = self._request
        kind = part.get("type")
        if type(kind) is not str:
            raise wrong_type(f"{path}.type", "a string")
        placed: Sequence[str] = ()
        if kind in _TEXTS:
            placed = (_TEXTS[kind],)
            if string_at(part, placed[0], f"{path}.{placed[0]}"):
                request.text(part, placed[0], source, name=tool)
        elif kind in {"input_image", "computer_screenshot"}:
            placed = ("image_url",)
            self._read_blob(part, "image_url", "image_url", source)
        elif kind == "input_file":
            source = Source.DOCUMENT
            placed = ("file_url",) if "file_url" in part else ("file_data",)
            self._read_blob(part, placed[0], "file", source)
        elif kind == "input_audio":
            request.opaque("audio", source)
        for key in part:
            if key not in placed:
                request.field(part, key, source, tool)

    def _read_blob(self, part: dict[str, Any], key: str, name: str, source: Source) -> None:
        if key in part:
            self._request.blob(part, key, source, name, part)
        else:
            self._request.opaque(name, source)  # by the id of a file

    def _read_call(self, item: dict[str, Any], kind: str, path: str) -> None:
        called, part_kind = CALLED_WITH[kind]
        name = string_at(item, "name", f"{path}.name") if kind == "function_call" else tool_name(item)
        identity = item.get("call_id")
        if type(identity) is str:
            self._names[identity] = name
        value = item.get(called)
        if value is not None and type(value) is not str:
            raise wrong_type(f"{path}.{called}", "a string")
        for key in item:
            if key == called:
                if value:
                    self._request.text(item, key, Source.BOT, part_kind, name)
            elif key != "name" or not is_identifier(name):
                self._request.field(item, key, Source.TOOL if key in {"output", "outputs"} else Source.BOT, name)

    def _read_rest(self, document: dict[str, Any]) -> None:
        request = self._request
        for key in document:
            if key not in _PLACED and key not in _ABOUT_CALLER:
                request.field(document, key, Source.OPERATOR, names=SCHEMA_NAMES)
        request.close_message("settings", keep_empty=False)
        for key in document:
            if key in _ABOUT_CALLER:
                request.field(document, key, Source.USER)
        request.close_message("metadata", keep_empty=False)


def _kept(document: dict[str, Any]) -> str:
    """The id of the conversation whose turns the bot keeps, or ``""``."""
    conversation = document.get("conversation")
    if type(conversation) is dict:
        conversation = conversation.get("id")
    if conversation is not None and type(conversation) is not str:
        raise wrong_type("conversation", "a string or an object with an id")
    return conversation or ""
