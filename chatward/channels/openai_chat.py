"""OpenAI chat completions: requests as parts, whole replies through lanes.

Source: the OpenAI API reference, "Chat completions" (create, object, streaming); the streamed side stands in
``channels.openai_chat_stream``.

Requests
* The texts of ``tools`` (and of ``functions``, ``response_format``, ``documents``) come first, as a message
  of role ``tools``: they stay the same from turn to turn. Then the messages in order. What names or describes
  the caller (``metadata``, ``user``, ...) comes last, as a message of role ``metadata``, if there is any.
* Source of a part: ``system`` and ``developer`` -> operator, ``user`` -> user, ``assistant`` -> bot, ``tool``
  and ``function`` -> tool. Files and ``documents`` are documents.
* The arguments of a tool call are one ``JSON`` part that carries the tool's name; so does a tool's result,
  found by its ``tool_call_id``.

Replies
* ``content``, ``refusal``, reasoning, transcripts and tool-call arguments each go through a lane; so does
  every other string that is words (``channels.wording``).
* Token strings in ``logprobs`` would repeat what was masked: ``logprobs`` becomes null as soon as a text of its
  choice was changed, and when it holds more than tokens. Alternatives to the spoken tokens are not inspected.
  Annotations count characters of the content: they are emptied when the content changed.
* A block replaces all choices: ``content`` is the refusal sentence, ``finish_reason`` is ``content_filter``,
  nothing else of the bot's message is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.labels import Labelled, read
from chatward.channels.openai_chat_stream import ChatRewriter
from chatward.channels.openai_error import error_answer, refusal_answer
from chatward.channels.outgoing import (
    dict_at,
    holds_tokens_only,
    list_at,
    load,
    malformed,
    rewrite,
    rewrite_field,
    rewrite_tree,
)
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
from chatward.core.values import Message, Part, PartKind, Source, Verdict

_SOURCES: Final = {
    "system": Source.OPERATOR,
    "developer": Source.OPERATOR,
    "user": Source.USER,
    "assistant": Source.BOT,
    "tool": Source.TOOL,
    "function": Source.TOOL,
}
_PLAIN: Final = frozenset({Source.OPERATOR, Source.USER, Source.BOT})
"""Sources of messages that need nothing but their text to be read."""
# Read at their own place, or no text that anyone reads.
_PLACED: Final = frozenset(
    {
        "documents",
        "functions",
        "messages",
        "model",
        "response_format",
        "stop",
        "stream",
        "stream_options",
        "tools",
    }
)
_SETUP: Final = frozenset({"documents", "functions", "response_format", "tools"})
_HOLDING: Final = frozenset({str, dict, list})
"""What may hold words."""
_ABOUT_CALLER: Final = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "user"})
_TOP: Final = frozenset({"choices", "created", "id", "model", "object", "system_fingerprint", "usage"})


class ChatCompletions:
    """The dialect on ``/v1/chat/completions``."""

    name: Final = "openai-chat"

    def __init__(self, max_depth: int = 64, max_parts: int = 20_000) -> None:
        self._max_depth = max_depth
        self._max_parts = max_parts

    def parse(self, body: bytes) -> ChatCall:
        return ChatCall(read(body, self._max_depth, self._max_parts))

    def error(self, error: ChatwardError) -> Answer:
        return error_answer(error)


class ChatCall(Labelled):
    """One request for a chat completion."""

    __slots__ = ("_request", "_tools", "conversation", "model", "stream")

    previous: Final = ""
    continues: Final[Sequence[str]] = ()

    def __init__(self, request: Request) -> None:
        document = request.document
        self._request = request
        model = document.get("model")
        self.model: str = model if type(model) is str else top_level(document, "model", str, "a string") or ""
        self.stream: bool = "stream" in document and bool(top_level(document, "stream", bool, "true or false"))
        self.conversation = conversation_of(document) if "metadata" in document else ""
        self._tools: list[str] = []
        if not _SETUP.isdisjoint(document):
            self._read_setup(document)
        self._read_messages(document)
        self._read_rest(document)

    # --- what a call says of itself ---

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
        return ChatRewriter(reply)

    def reply(self, body: bytes, reply: Reply) -> Answer:
        return whole_reply(body, reply)

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        return refusal_answer(verdict, sentence, "messages")

    def reply_id(self) -> str:
        return ""

    # --- reading ---

    def _read_setup(self, document: dict[str, Any]) -> None:
        request = self._request
        for key in ("tools", "functions"):
            tools = top_level(document, key, list, "a list")
            for index, tool in enumerate(tools or ()):
                if type(tool) is not dict:
                    raise wrong_type(f"{key}[{index}]", "an object")
                self._tools.append(_tool_name(tool))
                request.words(tool, Source.OPERATOR, names=SCHEMA_NAMES)
        response_format = top_level(document, "response_format", dict, "an object")
        if response_format:
            request.words(response_format, Source.OPERATOR, names=SCHEMA_NAMES)
        if "documents" in document:
            request.field(document, "documents", Source.DOCUMENT)
        request.close_message("tools", keep_empty=False)

    def _read_messages(self, document: dict[str, Any]) -> None:
        if "messages" not in document:
            raise missing("messages")
        messages = document["messages"]
        if type(messages) is not list or not messages:
            raise wrong_type("messages", "a list with at least one message")
        names: dict[str, str] = {}
        for index, message in enumerate(messages):
            if type(message) is not dict:
                raise wrong_type(f"messages[{index}]", "an object")
            role = message.get("role")
            source = _SOURCES.get(role) if type(role) is str else None
            if len(message) == 2 and source in _PLAIN and type(role) is str:
                content = message.get("content")
                if type(content) is str and content:  # what nearly all of them are
                    self._request.message(message, "content", role, source)
                    continue
            if source is None or type(role) is not str:
                raise wrong_type(f"messages[{index}].role", f"one of {', '.join(_SOURCES)}")
            self._read_message(message, role, source, f"messages[{index}]", names)
            self._request.close_message(role)

    def _read_message(
        self, message: dict[str, Any], role: str, source: Source, path: str, names: dict[str, str]
    ) -> None:
        request = self._request
        tool = ""
        if source is Source.TOOL:
            known = message.get("tool_call_id") if role == "tool" else message.get("name")
            tool = (names.get(known, "") if role == "tool" else known) if type(known) is str else ""
        for key, value in message.items():
            if key == "content":
                if type(value) is str:
                    if value:
                        request.text(message, key, source, name=tool)
                elif value is not None:
                    self._read_content(value, source, f"{path}.content", tool)
            elif key == "role" or value is None:
                continue
            elif key == "tool_calls":
                self._read_tool_calls(value, f"{path}.tool_calls", names)
            elif key == "function_call":
                self._read_function(value, f"{path}.function_call")
            elif key == "name":
                if type(value) is not str:
                    raise wrong_type(f"{path}.name", "a string")
                if role != "function" or not is_identifier(value):
                    request.text(message, key, source)
            else:
                request.field(message, key, source)

    def _read_content(self, content: Any, source: Source, path: str, tool: str) -> None:
        request = self._request
        if type(content) is not list:
            raise wrong_type(path, "a string, a list of parts or null")
        for index, part in enumerate(content):
            if type(part) is not dict:
                raise wrong_type(f"{path}[{index}]", "an object")
            kind = part.get("type")
            if type(kind) is not str:
                raise wrong_type(f"{path}[{index}].type", "a string")
            if kind in {"text", "refusal"}:
                text = part.get(kind)
                if type(text) is not str:
                    raise wrong_type(f"{path}[{index}].{kind}", "a string")
                if text:
                    request.text(part, kind, source, name=tool)
                for key in part:
                    if key != kind:
                        request.field(part, key, source)
            elif kind in {"image_url", "input_audio", "file"}:
                self._read_attachment(part, kind, source, f"{path}[{index}]")
            else:
                request.words(part, source)

    def _read_attachment(self, part: dict[str, Any], kind: str, source: Source, path: str) -> None:
        request = self._request
        held = part.get(kind)
        blob, name = "", kind
        if type(held) is dict:
            if kind == "image_url":
                blob = "url"
                string_at(held, blob, f"{path}.image_url.url")
            elif kind == "input_audio":
                blob = "data"
                string_at(held, blob, f"{path}.input_audio.data")
                form = held.get("format")
                name = f"audio/{form}" if type(form) is str and is_identifier(form) else kind
            else:
                source = Source.DOCUMENT
                blob = "file_data" if "file_data" in held else ""
            if blob:
                request.blob(held, blob, source, name, part)
            else:
                request.opaque(name, source)
            for key in held:
                if key != blob:
                    request.field(held, key, source)
        elif kind == "image_url" and type(held) is str:  # some servers take the URL itself
            request.blob(part, kind, source, name, part)
        else:
            raise wrong_type(f"{path}.{kind}", "an object")
        for key in part:
            if key != kind:
                request.field(part, key, source)

    def _read_tool_calls(self, calls: Any, path: str, names: dict[str, str]) -> None:
        if type(calls) is not list:
            raise wrong_type(path, "a list")
        for index, call in enumerate(calls):
            if type(call) is not dict:
                raise wrong_type(f"{path}[{index}]", "an object")
            if "function" in call:
                name = self._read_function(call["function"], f"{path}[{index}].function")
            elif type(call.get("custom")) is dict:
                name = self._read_function(call["custom"], f"{path}[{index}].custom")
            else:
                name = ""
            identity = call.get("id")
            if type(identity) is str:
                names[identity] = name
            for key in call:
                if key not in {"function", "custom"}:
                    self._request.field(call, key, Source.BOT)

    def _read_function(self, function: Any, path: str) -> str:
        """A call's ``{"name", "arguments"}`` (or ``input``, for custom tools); returns the name."""
        if type(function) is not dict:
            raise wrong_type(path, "an object")
        name = string_at(function, "name", f"{path}.name")
        for key, value in function.items():
            if key == "arguments":
                if type(value) is not str:
                    raise wrong_type(f"{path}.arguments", "a string")
                if value:
                    self._request.text(function, key, Source.BOT, PartKind.JSON, name)
            elif key != "name" or not is_identifier(name):
                self._request.field(function, key, Source.BOT, name)
        return name

    def _read_rest(self, document: dict[str, Any]) -> None:
        request = self._request
        rest = [key for key, value in document.items() if key not in _PLACED and value.__class__ in _HOLDING]
        if not rest:
            return
        for key in rest:
            if key not in _ABOUT_CALLER:
                request.field(document, key, Source.OPERATOR, names=SCHEMA_NAMES)
        request.close_message("settings", keep_empty=False)
        for key in rest:
            if key in _ABOUT_CALLER:
                request.field(document, key, Source.USER)
        request.close_message("metadata", keep_empty=False)


def _tool_name(tool: dict[str, Any]) -> str:
    for holder in (tool.get("function"), tool.get("custom"), tool):
        if type(holder) is dict:
            name = holder.get("name")
            if type(name) is str:
                return name
    kind = tool.get("type")
    return kind if type(kind) is str else ""


# --- whole replies ------------------------------------------------------------------------------------


def whole_reply(body: bytes, reply: Reply) -> Answer:
    """A chat completion, inspected. ``UpstreamError`` when ``body`` is none."""
    document = load(body)
    choices = list_at(document, "choices", "choices")
    for choice in choices:
        if type(choice) is not dict:
            raise malformed("a choice is not an object")
        _rewrite_choice(choice, reply)
    for key in document:
        if key != "choices":
            rewrite_field(reply, document, key)
    reply.end_calls()
    if reply.blocked is not None:
        _refuse(document, reply.refusal)
    return Answer(200, orjson.dumps(document))


def _rewrite_choice(choice: dict[str, Any], reply: Reply) -> None:
    message = dict_at(choice, "message", "message")
    changed = _rewrite_message(message, reply)
    for key in choice:
        if key not in {"message", "logprobs"}:
            rewrite_field(reply, choice, key)
    if choice.get("logprobs") is not None and (changed or not holds_tokens_only(choice["logprobs"])):
        choice["logprobs"] = None


def _rewrite_message(message: dict[str, Any], reply: Reply) -> bool:
    changed = content_changed = False
    for key, value in message.items():
        if value is None or value == "":
            continue
        if key == "content":
            if type(value) is str:
                content_changed = rewrite(reply, message, key)
            elif type(value) is list:
                content_changed = rewrite_tree(reply, value, key)
            else:
                raise malformed("content is neither a string nor a list")
            changed |= content_changed
        elif key == "tool_calls":
            if type(value) is not list:
                raise malformed("tool_calls is not a list")
            for call in value:
                if type(call) is not dict:
                    raise malformed("a tool call is not an object")
                changed |= _rewrite_tool_call(call, reply)
        elif key == "function_call":
            changed |= _rewrite_function(dict_at(message, key, key), reply)
        elif key != "role" or type(value) is not str or not is_identifier(value):
            changed |= rewrite_field(reply, message, key)
    if content_changed and message.get("annotations"):
        message["annotations"] = []
    return changed


def _rewrite_tool_call(call: dict[str, Any], reply: Reply) -> bool:
    changed = False
    for key in call:
        if key in {"function", "custom"}:
            changed |= _rewrite_function(dict_at(call, key, key), reply)
        else:
            changed |= rewrite_field(reply, call, key)
    return changed


def _rewrite_function(function: dict[str, Any], reply: Reply) -> bool:
    name = function.get("name")
    if type(name) is not str:
        raise malformed("a tool call has no name")
    reply.call(name)
    changed = False
    for key, value in function.items():
        if key == "arguments":
            if type(value) is not str:
                raise malformed("tool call arguments are not a string")
            if value:
                changed |= rewrite(reply, function, key, PartKind.JSON, name)
        elif key == "input" and type(value) is str and value:
            changed |= rewrite(reply, function, key, PartKind.TEXT, name)
        elif key != "name" or not is_identifier(name):
            changed |= rewrite_field(reply, function, key)
    return changed


def _refuse(document: dict[str, Any], sentence: str) -> None:
    """All choices say the sentence; of other fields only those the dialect knows stay."""
    choices = document["choices"] or [{}]
    document["choices"] = [
        {
            "index": position,
            "message": {"role": "assistant", "content": sentence, "refusal": None},
            "logprobs": None,
            "finish_reason": "content_filter",
        }
        for position in range(len(choices))
    ]
    for key in [key for key in document if key not in _TOP]:
        del document[key]
