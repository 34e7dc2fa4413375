"""Anthropic's token count (``POST /v1/messages/count_tokens``): a request for a message whose answer is a number.

The request is inspected like any message, since it goes to the bot as one; the answer holds no words.
"""

from __future__ import annotations

from typing import Final

import orjson

from chatward.channels.anthropic import Messages, MessagesCall
from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.labels import read
from chatward.channels.outgoing import load, malformed
from chatward.core.ports import Reply


class CountTokens(Messages):
    """The dialect on ``/v1/messages/count_tokens``."""

    def parse(self, body: bytes) -> CountCall:
        return CountCall(read(body, self._max_depth, self._max_parts))


class CountCall(MessagesCall):
    """One request for a token count."""

    __slots__ = ()

    _COUNT: Final = "input_tokens"

    def reply(self, body: bytes, reply: Reply) -> Answer:
        count = load(body).get(self._COUNT)
        if type(count) is not int:
            raise malformed("input_tokens is not a number")
        return Answer(200, orjson.dumps({self._COUNT: count}))

    def rewriter(self, reply: Reply) -> StreamRewriter:
        raise malformed("a token count does not stream")
