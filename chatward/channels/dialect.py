"""What a wire dialect is: a translator without I/O between bytes and the parts that guards read.

The rules every channel keeps:

1. **What was inspected is what is sent.** A body that goes on is serialised anew from the parsed document;
   the bytes of the caller are never forwarded beside it. So duplicate keys, odd escapes and trailing bytes
   cannot mean one thing here and another upstream.
2. **Unknown fields travel.** A dialect grows faster than its proxies: what a channel does not know is passed
   on unchanged. Every string that a model or a person reads becomes a part all the same.
3. **A block and an error read as the dialect wants them**, and its official clients parse both without an
   exception of their own making.
4. **A stream is rewritten event by event.** Text goes through the ``Lane`` of its place (choice, output item,
   content block, tool call); an event leaves with what the lane lets go. Before an event that ends a place, its
   lane is closed and the rest leaves in an event of the same shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chatward.core.errors import ChatwardError
from chatward.core.ports import Reply, Request
from chatward.core.values import Verdict

JSON_TYPE = "application/json"
SSE_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer in a dialect: ``body`` is of ``content_type``."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE


class StreamRewriter(Protocol):
    """Rewrites one streamed reply. Bytes in as they arrive (split anywhere), bytes out that may leave."""

    @property
    def done(self) -> bool:
        """True once nothing further will be let out: the dialect's end was sent, or a block."""
        ...

    @property
    def usage(self) -> Mapping[str, int]:
        """Token counts that the upstream reported, if any: ``input``, ``output``."""
        ...

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes:
        """The upstream ended. Without the dialect's own end mark before, what is let out ends in the
        dialect's error event (reason ``upstream-truncated``)."""
        ...

    def fail(self, error: ChatwardError) -> bytes:
        """The upstream broke: the rest that is settled, then the dialect's error event."""
        ...


class Call(Request, Protocol):
    """One parsed request, as the engine reads it (``Request``), and the way back to bytes."""

    def body(self, edits: Mapping[int, str]) -> bytes:
        """The request for the upstream, with the texts of the parts in ``edits`` replaced."""
        ...

    def reply(self, body: bytes, reply: Reply) -> Answer:
        """A whole reply, inspected. Raises ``UpstreamError`` when ``body`` is not what the dialect says."""
        ...

    def rewriter(self, reply: Reply) -> StreamRewriter: ...

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        """How an input block reads."""
        ...

    def reply_id(self) -> str:
        """The id of the reply that went out (Responses: ``resp_...``), or ``""``; valid after the reply."""
        ...


class Dialect(Protocol):
    """A family of requests on one path."""

    @property
    def name(self) -> str: ...

    def parse(self, body: bytes) -> Call:
        """Raises ``ClientError`` with a stable reason: ``json-invalid``, ``json-duplicate-key``,
        ``json-too-deep``, ``json-number``, ``field-missing``, ``field-type``, ``too-many-parts``, ..."""
        ...

    def error(self, error: ChatwardError) -> Answer: ...
