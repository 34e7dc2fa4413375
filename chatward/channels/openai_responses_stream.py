"""Streamed responses, rewritten event by event.

The rules:

1. A text is known by its item (``output_index``), its part (``content_index`` or ``summary_index``) and the name of
   its events (``output_text``, ``function_call_arguments``, ...). It has one lane. A delta that lost all its text
   is dropped.
2. Before the event that ends a text (``....done``, ``content_part.done``, ``output_item.done``, the response's end)
   its lane is closed and the rest leaves in a delta. That event, and all later ones that repeat the text, carry
   what the deltas added up to, never what the upstream repeats.
3. The final response object is made of the items as they went out. Items that were never streamed are inspected
   whole.
4. ``sequence_number`` is counted anew. ``obfuscation`` is dropped. ``logprobs`` of a text are emptied from its
   first changed or held piece on, ``annotations`` once it is known to be changed.
5. A block: an ``error`` event with code ``content_filter`` and the refusal sentence, then nothing more.
6. What lenient servers leave out (llama.cpp has ids but no indexes) is filled in, and no stream begins with anything
   but the state of its response: the official clients build their answer on both.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from chatward.channels.openai_responses_reply import (
    CALLED_WITH,
    forget_positions,
    is_call,
    rewrite_envelope,
    rewrite_item,
    rewrite_part,
    tool_name,
)
from chatward.channels.outgoing import dict_at, holds_tokens_only, malformed, rewrite, rewrite_field
from chatward.channels.stream import EventRewriter, Strand
from chatward.channels.wording import is_identifier
from chatward.core.errors import ChatwardError
from chatward.core.ports import Reply
from chatward.core.values import PartKind

_USAGE: Final = {"input_tokens": "input", "output_tokens": "output"}
_PREFIX: Final = "response."
_STATES: Final = frozenset({"response.created", "response.in_progress", "response.queued"})
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
# Name of a text's events -> the key of the whole text in its last one. Others: ``text``.
_WHOLE: Final = {
    "refusal": "refusal",
    "function_call_arguments": "arguments",
    "mcp_call_arguments": "arguments",
    "custom_tool_call_input": "input",
    "code_interpreter_call_code": "code",
    "shell_call_command": "command",
    "audio.transcript": "transcript",
}
_JSON: Final = frozenset({"function_call_arguments", "mcp_call_arguments"})
# What an item is called with -> the name of the events that stream it.
_CALL_EVENTS: Final = {
    "function_call": "function_call_arguments",
    "mcp_call": "mcp_call_arguments",
    "custom_tool_call": "custom_tool_call_input",
    "code_interpreter_call": "code_interpreter_call_code",
}
_CALLED: Final = frozenset(_CALL_EVENTS.values())
# Type of a part -> the key of its text and the name of the events that stream it.
_PART_EVENTS: Final = {
    "output_text": ("text", "output_text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("text", "reasoning_text"),
    "summary_text": ("text", "reasoning_summary_text"),
}
_PER_EVENT: Final = frozenset({"delta", "sequence_number", "obfuscation", "logprobs"})
# Begin of an event's type -> the index that it needs below ``output_index``.
_NUMBERED: Final = {
    "response.content_part.": "content_index",
    "response.output_text.": "content_index",
    "response.refusal.": "content_index",
    "response.reasoning_text.": "content_index",
    "response.reasoning_summary_part.": "summary_index",
    "response.reasoning_summary_text.": "summary_index",
}
_PLACE: Final = ("item_id", "output_index", "content_index", "summary_index", "command_index")

_Key = tuple[Any, ...]
"""``output_index``, the indexes below it, and the name of the events."""


class _Text:
    """One text on its way: its lane, where its events stand, and what went out."""

    __slots__ = ("name", "out", "place", "strand")

    def __init__(self, strand: Strand, name: str, place: dict[str, Any]) -> None:
        self.strand = strand
        self.name = name
        self.place = place
        self.out: list[str] = []

    def feed(self, piece: str) -> str:
        out = self.strand.feed(piece)
        self.out.append(out)
        return out

    def close(self) -> str:
        rest = self.strand.close()
        self.out.append(rest)
        return rest

    @property
    def whole(self) -> str:
        return "".join(self.out)


class ResponsesRewriter(EventRewriter):
    """Rewrites the stream of one response. ``request`` is the client's own document, for what is echoed."""

    def __init__(self, reply: Reply, request: dict[str, Any]) -> None:
        super().__init__(reply)
        self.reply_id = ""
        self._request = request
        self._texts: dict[_Key, _Text] = {}
        self._items: dict[int, dict[str, Any]] = {}  # as they went out, by output_index
        self._tools: dict[Any, str] = {}
        self._number = 0
        self._indexes: dict[str, int] = {}  # output_index by the id of an item
        self._parts: dict[tuple[int, str], int] = {}  # the newest part of an item, where parts came without an index

    def _end_mark(self) -> None:
        """Some servers end every stream so; the dialect ends with its own events."""

    def _adds_to(self, event: dict[str, Any]) -> tuple[Any, ...]:
        kind = event.get("type")
        if type(kind) is not str or not kind.endswith(".delta") or type(event.get("delta")) is not str:
            return ()
        if event.get("logprobs"):
            return ()
        place = [(key, value) for key, value in event.items() if key not in _PER_EVENT]
        return tuple(place) if all(type(value) in {str, int} for _, value in place) else ()

    def _add(self, event: dict[str, Any], later: dict[str, Any]) -> None:
        event["delta"] += later["delta"]

    def _event(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if type(kind) is not str or not is_identifier(kind):
            raise malformed("an event has no type")
        event.pop("obfuscation", None)
        self._fill_in(event, kind)
        if kind.endswith(".delta") and type(event.get("delta")) is str:
            self._delta(event, kind[len(_PREFIX) : -len(".delta")])
        elif kind in {"response.output_item.added", "response.output_item.done"}:
            self._item(event, done=kind.endswith("done"))
        elif kind.endswith("_part.added") or kind.endswith("_part.done"):
            self._part(event, done=kind.endswith("done"))
        elif kind in _STATES or kind in _ENDS:
            self._response(event, ended=kind in _ENDS)
        elif kind == "error":
            self._close_all()
            self._pass(event)
            self._done = True
        elif kind.endswith(".done"):
            self._text_done(event, kind[len(_PREFIX) : -len(".done")])
        elif kind == "response.output_text.annotation.added":
            text = self._texts.get(_key(event, "output_text"))
            if text is None or not text.strand.changed:
                self._pass(event)
        else:
            self._pass(event)

    def _fill_in(self, event: dict[str, Any], kind: str) -> None:
        """Numbers that an event lacks altogether; what it has is never changed."""
        item = event.get("item")
        identity = item.get("id") if type(item) is dict else event.get("item_id")
        if type(identity) is not str:
            return
        if "output_index" not in event:
            event["output_index"] = self._indexes.setdefault(identity, len(self._indexes))
        index = event["output_index"]
        if type(index) is not int:
            return
        self._indexes.setdefault(identity, index)
        numbered = _NUMBERED.get(kind[: kind.rfind(".") + 1])
        if numbered is not None and numbered not in event:
            place = (index, numbered)
            if kind.endswith("_part.added"):
                self._parts[place] = self._parts.get(place, -1) + 1
            event[numbered] = self._parts.setdefault(place, 0)

    # --- texts ---

    def _text(self, event: dict[str, Any], name: str) -> _Text:
        key = _key(event, name)
        text = self._texts.get(key)
        if text is None:
            if name in _CALLED and key[0] not in self._tools:
                raise malformed("arguments belong to no tool call")
            kind = PartKind.JSON if name in _JSON else PartKind.TEXT
            lane = self._reply.lane(kind, name=self._tools.get(key[0], ""))
            place: dict[str, Any] = {field: event[field] for field in _PLACE if field in event}
            text = self._texts[key] = _Text(Strand(lane), name, place)
        return text

    def _delta(self, event: dict[str, Any], name: str) -> None:
        piece = event["delta"]
        text: _Text | None = None
        if name == "audio":
            self._reply.opaque("audio")
        elif piece:
            text = self._text(event, name)
            if text.strand.closed:
                raise malformed("a text goes on after its end")
            out = event["delta"] = text.feed(piece)
            if not out and self._reply.blocked is None:
                return
        _check_tokens(event, text)
        self._send(event, {"delta", "logprobs"})

    def _close(self, text: _Text) -> None:
        if not text.strand.closed:
            rest = text.close()
            if rest:
                self._put_delta(text, rest)

    def _put_delta(self, text: _Text, piece: str) -> None:
        event = {"type": f"{_PREFIX}{text.name}.delta", **text.place, "delta": piece}
        if text.name == "output_text":
            event["logprobs"] = []
        self._put(event)

    def _finished(self, event: dict[str, Any], name: str, whole: str) -> _Text:
        """The text that ends with ``event``, closed. Where no delta came, ``whole`` is all of it."""
        text = self._text(event, name)
        if text.out:
            self._close(text)
        else:
            text.feed(whole)
            text.close()
        return text

    def _text_done(self, event: dict[str, Any], name: str) -> None:
        field = _WHOLE.get(name, "text")
        if type(event.get(field)) is not str:
            self._pass(event)
            return
        text = self._finished(event, name, event[field])
        event[field] = text.whole
        _check_tokens(event, text)
        self._send(event, {field, "logprobs"})

    # --- parts and items ---

    def _part(self, event: dict[str, Any], done: bool) -> None:
        part = dict_at(event, "part", "part")
        self._part_text(event, part, done)
        self._send(event, {"part"})

    def _part_text(self, event: dict[str, Any], part: dict[str, Any], done: bool) -> None:
        """Puts the text of a part in line with its deltas; ``event`` says where the part stands."""
        kind = part.get("type")
        placed = _PART_EVENTS.get(kind) if type(kind) is str else None
        if placed is None or type(part.get(placed[0])) is not str:
            rewrite_part(part, self._reply)
            return
        field, name = placed
        for key in part:
            if key not in {field, "logprobs"}:
                rewrite_field(self._reply, part, key)
        text: _Text | None = None
        if done:
            text = self._finished(event, name, part[field])
            part[field] = text.whole
            if text.strand.changed:
                forget_positions(part)
        elif part[field]:
            text = self._text(event, name)
            part[field] = text.feed(part[field])
        _check_tokens(part, text)

    def _item(self, event: dict[str, Any], done: bool) -> None:
        index = event.get("output_index")
        item = dict_at(event, "item", "item")
        if type(index) is not int:
            raise malformed("an item has no index")
        self._line_up(item, index, done)
        if done:
            for key, text in self._texts.items():
                if key[0] == index:
                    self._close(text)
            self._items[index] = item
            self._reply.end_calls()
        self._send(event, {"item"})

    def _line_up(self, item: Any, index: int, done: bool) -> None:
        """Puts the texts of an item in line with their deltas; what was not streamed is inspected here."""
        if type(item) is not dict or type(item.get("type")) is not str:
            raise malformed("an output item is not an object with a type")
        kind = item["type"]
        if index not in self._tools:
            self._tools[index] = tool_name(item) if is_call(item) else ""
            if self._tools[index]:
                self._reply.call(self._tools[index])
        elif is_call(item) and tool_name(item) != self._tools[index]:
            raise malformed("the name of a tool call changes")
        called, called_kind = CALLED_WITH.get(kind, ("", PartKind.TEXT))
        at = {"item_id": item.get("id"), "output_index": index}
        for key, value in item.items():
            if key == called and type(value) is str:
                if kind not in _CALL_EVENTS:
                    rewrite(self._reply, item, key, called_kind, self._tools[index])
                elif done:
                    item[key] = self._finished(at, _CALL_EVENTS[kind], value).whole
                elif value:
                    item[key] = self._text(at, _CALL_EVENTS[kind]).feed(value)
            elif key in {"content", "summary"} and type(value) is list:
                numbered = "content_index" if key == "content" else "summary_index"
                for number, part in enumerate(value):
                    if type(part) is not dict:
                        raise malformed("a content part is not an object")
                    self._part_text({**at, numbered: number}, part, done)
            elif key != "name" or type(value) is not str or not is_identifier(value):
                rewrite_field(self._reply, item, key)

    # --- the response ---

    def _response(self, event: dict[str, Any], ended: bool) -> None:
        response = dict_at(event, "response", "response")
        identity = response.get("id")
        self.reply_id = identity if type(identity) is str else ""
        if not ended:
            for key, value in self._begun().items():
                response.setdefault(key, value)
        output = response.get("output")
        if type(output) is not list:
            raise malformed("output is not a list")
        if ended:
            self._close_all()
        for index, item in enumerate(output):
            if index in self._items:
                output[index] = self._items[index]
            elif ended:
                self._line_up(item, index, done=True)
            else:
                rewrite_item(item, self._reply)
        rewrite_envelope(response, self._request, self._reply)
        self._count(response.get("usage"), _USAGE)
        self._send(event, {"response"})
        self._done = self._done or ended

    def _close_all(self) -> None:
        for text in self._texts.values():
            self._close(text)

    # --- sending ---

    def _pass(self, event: dict[str, Any]) -> None:
        self._send(event, frozenset())

    def _send(self, event: dict[str, Any], seen: set[str] | frozenset[str]) -> None:
        """Sends ``event``; the words in fields other than ``seen`` are inspected first."""
        for key, value in event.items():
            if key in seen or (key in {"name", "type"} and type(value) is str and is_identifier(value)):
                continue
            if type(value) is not int:
                rewrite_field(self._reply, event, key)
        if self._reply.blocked is None:
            self._put(event)
            return
        if type(event.get("delta")) is str and event["delta"] and event["type"] == "response.output_text.delta":
            self._put(event)  # what the lane had let go of before the block
        self._block()

    def _begun(self) -> dict[str, Any]:
        """The least that a response which has begun says of itself."""
        return {
            "id": "resp_0",
            "object": "response",
            "created_at": 0,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": self._request.get("model") or "",
            "output": [],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }

    def _put(self, event: dict[str, Any]) -> None:
        if not self._number and event["type"] not in _STATES:
            self._put({"type": "response.created", "response": self._begun()})
        event["sequence_number"] = self._number
        self._number += 1
        self._out.append(b"event: " + event["type"].encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n")

    def _block(self) -> None:
        self._put({"type": "error", "code": "content_filter", "message": self._reply.refusal, "param": None})
        self._done = True

    def _settle(self) -> None:
        self._close_all()
        if self._reply.blocked is not None:
            self._block()

    def _error(self, error: ChatwardError) -> None:
        self._put({"type": "error", "code": error.reason, "message": error.public, "param": None})


def _check_tokens(holder: dict[str, Any], text: _Text | None) -> None:
    """Empties ``logprobs`` where its token strings could say what the text no longer says."""
    logprobs = holder.get("logprobs")
    if logprobs and not (holds_tokens_only(logprobs) and (text is None or text.strand.exact)):
        holder["logprobs"] = []


def _key(event: dict[str, Any], name: str) -> _Key:
    item, *indexes = map(event.get, _PLACE)
    if item is not None and not (type(item) is str and is_identifier(item)):
        raise malformed("item_id is not an identifier")
    for index in indexes:
        if index is not None and type(index) is not int:
            raise malformed("an index is not a number")
    return (*indexes, name)
