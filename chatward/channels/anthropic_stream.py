"""Streamed Anthropic messages, rewritten event by event.

The rules:

1. Each text of a content block (text, thinking, the JSON of a tool's input) has a lane. A delta that lost all its
   text is dropped. Before ``content_block_stop`` the block's lanes are closed and the rest leaves in a delta of the
   same type.
2. A ``signature_delta`` ends the thinking before it. Thinking that was changed gets the signature ``UNSIGNED``.
3. Event names are taken from the data's ``type``, never from the upstream's ``event`` line.
4. A block: the refusal sentence as text, in the open text block or in a new one; then ``message_delta`` with
   ``stop_reason: "refusal"`` and ``message_stop``. The block of a tool call that has begun is never stopped, so
   that no client takes the call as complete.
5. No message begins without ``message_start``, which llama.cpp leaves out at times: the official clients build on it.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from chatward.channels.anthropic_error import error_document
from chatward.channels.frames import Frame
from chatward.channels.outgoing import dict_at, malformed, rewrite_field, rewrite_value
from chatward.channels.stream import EventRewriter, Strand
from chatward.channels.wording import is_identifier, is_words
from chatward.core.errors import ChatwardError
from chatward.core.ports import Reply
from chatward.core.values import PartKind

UNSIGNED: Final = "chatward-changed-this-thinking"
"""The signature of thinking that no longer is what the upstream signed."""

_USAGE: Final = {"input_tokens": "input", "output_tokens": "output"}
_DELTAS: Final = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_OF_BLOCK: Final = {"text": "text_delta", "thinking": "thinking_delta"}
TOOL_CALLS: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


class _Block:
    """One content block while it streams. Lanes by the type of their deltas and the key of the text in them."""

    __slots__ = ("index", "kind", "name", "stopped", "strands")

    def __init__(self, index: int, kind: str, name: str) -> None:
        self.index = index
        self.kind = kind
        self.name = name
        self.stopped = False
        self.strands: dict[tuple[str, str], Strand] = {}


class MessagesRewriter(EventRewriter):
    """Rewrites the stream of one message."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self._blocks: dict[int, _Block] = {}
        self._started = False
        self._speaking: tuple[int, str, Strand | None] = (0, "", None)
        """Block, kind and strand of the text that goes on in a frame."""

    def _end_mark(self) -> None:
        """Not of this dialect: the data of an event are an object."""
        raise malformed("an event is not JSON")

    def _adds_to(self, event: dict[str, Any]) -> tuple[Any, ...]:
        delta = event.get("delta")
        if event.get("type") != "content_block_delta" or len(event) != 3 or type(delta) is not dict or len(delta) != 2:
            return ()
        kind = delta.get("type")
        key = _DELTAS.get(kind) if type(kind) is str else None
        index = event.get("index")
        return (index, key) if type(index) is int and key and type(delta.get(key)) is str else ()

    def _add(self, event: dict[str, Any], later: dict[str, Any]) -> None:
        key = _DELTAS[event["delta"]["type"]]
        event["delta"][key] += later["delta"][key]

    def _text_of(self, event: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
        return event["delta"], _DELTAS[event["delta"]["type"]]

    def _goes_on(self, place: tuple[Any, ...]) -> bool:
        index, key = place
        block = self._blocks[index]
        kind = next(kind for kind, placed in _DELTAS.items() if placed == key)
        strand = block.strands.get((kind, key))
        self._speaking = index, kind, strand
        return self._started and strand is not None and not strand.closed

    def _go_on(self, text: str, frame: Frame) -> None:
        index, kind, strand = self._speaking
        assert strand is not None
        out = strand.feed(text) if text else ""
        if self._reply.blocked is not None:
            if out and kind == "text_delta":
                self._text(index, kind, _DELTAS[kind], out)
            self._block()
        elif out or not text:
            self._out.append(b"event: content_block_delta\n" + frame.event(out))

    def _event(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if type(kind) is not str or not is_identifier(kind):
            raise malformed("an event has no type")
        if kind == "content_block_delta":
            self._delta(event)
        elif kind == "content_block_start":
            self._block_start(event)
        elif kind == "content_block_stop":
            block = self._block_of(event)
            self._close_block(block)
            self._reply.end_calls()
            self._pass(event)
            block.stopped = True
        elif kind == "message_start":
            message = dict_at(event, "message", "message")
            self._count(message.get("usage"), _USAGE)
            self._pass(event)
        elif kind == "message_delta":
            self._count(event.get("usage"), _USAGE)
            self._close_all()
            self._pass(event)
        elif kind in {"message_stop", "error"}:
            self._close_all()
            self._pass(event)
            self._done = True
        else:
            self._pass(event)

    # --- blocks ---

    def _block_start(self, event: dict[str, Any]) -> None:
        index = event.get("index")
        held = dict_at(event, "content_block", "content_block")
        kind, name = held.get("type"), held.get("name")
        if type(index) is not int or index in self._blocks or type(kind) is not str:
            raise malformed("a content block has no index or no type, or begins twice")
        block = self._blocks[index] = _Block(index, kind, name if type(name) is str else "")
        self._inspect(event, {"content_block"})
        if kind in TOOL_CALLS:
            if not block.name:
                raise malformed("a tool call has no name")
            self._reply.call(block.name)
        for key, value in held.items():
            if key == kind and kind in _OF_BLOCK and type(value) is str:
                if value:
                    held[key] = self._strand(block, _OF_BLOCK[kind], key).feed(value)
            elif key == "input" and value:
                rewrite_value(self._reply, held, key, block.name)
            elif key != "name" or type(value) is not str or not is_identifier(value):
                rewrite_field(self._reply, held, key)
        if self._reply.blocked is not None:
            del self._blocks[index]  # it never began
        self._send(event)

    def _delta(self, event: dict[str, Any]) -> None:
        delta = dict_at(event, "delta", "delta")
        block = self._block_of(event)
        if len(event) > 3:
            self._inspect(event, {"delta"})
        kind = delta.get("type")
        if type(kind) is not str or not is_identifier(kind):
            raise malformed("a delta has no type")
        if kind == "signature_delta":
            self._signature(block, event, delta)
            return
        placed = _DELTAS.get(kind)
        if placed is not None and type(delta.get(placed)) is not str:
            raise malformed(f"a {kind} has no text")
        held = False
        for key, value in list(delta.items()):
            if key == "type" or not value:
                continue
            if type(value) is str and (key == placed or is_words(key, value)) and kind != "citations_delta":
                out = self._strand(block, kind, key).feed(value)
                held = held or not out
                delta[key] = out
            else:
                rewrite_field(self._reply, delta, key)
        if not held or any(value for key, value in delta.items() if key != "type"):
            self._send(event)
        elif self._reply.blocked is not None:
            self._block()

    def _signature(self, block: _Block, event: dict[str, Any], delta: dict[str, Any]) -> None:
        """The thinking is complete: the rest of it leaves first."""
        self._close_block(block)
        for key in delta:
            rewrite_field(self._reply, delta, key)
        if any(strand.changed for strand in block.strands.values()):
            delta["signature"] = UNSIGNED
        self._send(event)

    def _block_of(self, event: dict[str, Any]) -> _Block:
        index = event.get("index")
        block = self._blocks.get(index) if type(index) is int else None
        if block is None or block.stopped:
            raise malformed("an event belongs to no open content block")
        return block

    def _strand(self, block: _Block, kind: str, key: str) -> Strand:
        strand = block.strands.get((kind, key))
        if strand is None:
            if kind == "input_json_delta":
                lane = self._reply.lane(PartKind.JSON, name=block.name)
            else:
                lane = self._reply.lane()
            strand = block.strands[kind, key] = Strand(lane)
        elif strand.closed:
            raise malformed("a content block goes on after its end")
        return strand

    def _close_block(self, block: _Block) -> None:
        for (kind, key), strand in block.strands.items():
            rest = strand.close()
            if rest:
                self._text(block.index, kind, key, rest)

    def _close_all(self) -> None:
        for block in self._blocks.values():
            self._close_block(block)

    # --- sending ---

    def _pass(self, event: dict[str, Any]) -> None:
        """Sends an event whose texts, if any, are complete in themselves."""
        self._inspect(event, set())
        self._send(event)

    def _inspect(self, event: dict[str, Any], seen: set[str]) -> None:
        for key in event:
            if key != "type" and key not in seen:
                rewrite_field(self._reply, event, key)

    def _send(self, event: dict[str, Any]) -> None:
        if self._reply.blocked is None:
            self._put(event)
        else:
            self._let_text_out(event)
            self._block()

    def _put(self, event: dict[str, Any]) -> None:
        if not self._started and event["type"].startswith(("content_block_", "message_")):
            self._started = True
            if event["type"] != "message_start":
                self._put({"type": "message_start", "message": _empty_message()})
        self._out.append(b"event: " + event["type"].encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n")

    def _text(self, index: int, kind: str, key: str, text: str) -> None:
        self._put({"type": "content_block_delta", "index": index, "delta": {"type": kind, key: text}})

    def _let_text_out(self, event: dict[str, Any]) -> None:
        """What a lane had let go of in the event in which the block came: plain text only."""
        if event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta" and event["delta"]["text"]:
            self._text(event["index"], "text_delta", "text", event["delta"]["text"])

    def _block(self) -> None:
        sentence = self._reply.refusal
        last = max(self._blocks, default=-1)
        block = self._blocks.get(last)
        if block is not None and not block.stopped and block.kind == "text":
            wrote = any(strand.wrote for strand in block.strands.values())
            sentence = "\n\n" + sentence if wrote else sentence
        else:
            if block is not None and not block.stopped and block.kind == "thinking":
                self._put({"type": "content_block_stop", "index": last})
            last += 1
            start = {"type": "text", "text": ""}
            self._put({"type": "content_block_start", "index": last, "content_block": start})
        self._text(last, "text_delta", "text", sentence)
        self._put({"type": "content_block_stop", "index": last})
        usage = {"output_tokens": self._usage.get("output", 0)}
        stop = {"stop_reason": "refusal", "stop_sequence": None}
        self._put({"type": "message_delta", "delta": stop, "usage": usage})
        self._put({"type": "message_stop"})
        self._done = True

    def _settle(self) -> None:
        self._close_all()
        if self._reply.blocked is not None:
            self._block()

    def _error(self, error: ChatwardError) -> None:
        self._put(error_document(error))


def _empty_message() -> dict[str, Any]:
    return {
        "id": "msg_0",
        "type": "message",
        "role": "assistant",
        "model": "",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
