"""The list of models, and one model: ``GET /v1/models`` and ``GET /v1/models/{id}``.

Source: the OpenAI API reference, "Models"; Anthropic's list has the same outline (``data``, each with an ``id``).
Such a request has no body. Of the reply, ids and owners are identifiers; what else it says of models (descriptions)
is words and is inspected like any reply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.openai_error import error_answer, refusal_answer, refused_reply
from chatward.channels.outgoing import load, malformed, rewrite_field
from chatward.core.errors import ChatwardError, ClientError
from chatward.core.ports import Reply
from chatward.core.values import Message, Part, Verdict


class Models:
    """The dialect on ``/v1/models``."""

    name: Final = "openai-models"

    def parse(self, body: bytes) -> ModelsCall:
        """``body`` is empty; anything else is a ``ClientError``: it would go on unread."""
        if body:
            raise ClientError("A request for models has no body.", reason="body-unexpected")
        return ModelsCall()

    def error(self, error: ChatwardError) -> Answer:
        return error_answer(error)


class ModelsCall:
    """One request for the list of models or for one of them."""

    __slots__ = ()

    parts: Final[Sequence[Part]] = ()
    messages: Final[Sequence[Message]] = ()
    tools: Final[Sequence[str]] = ()
    model: Final = ""
    stream: Final = False
    conversation: Final = ""
    previous: Final = ""
    continues: Final[Sequence[str]] = ()

    def body(self, edits: Mapping[int, str]) -> bytes:
        return b""

    def reply(self, body: bytes, reply: Reply) -> Answer:
        document = load(body)
        models: Any = document.get("data", [document])
        if type(models) is not list:
            raise malformed("data is not a list")
        for model in models:
            if type(model) is not dict or type(model.get("id")) is not str:
                raise malformed("a model has no id")
        for key in document:
            rewrite_field(reply, document, key)
        return Answer(200, orjson.dumps(document)) if reply.blocked is None else refused_reply(reply.refusal)

    def rewriter(self, reply: Reply) -> StreamRewriter:
        raise malformed("a list of models does not stream")

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        return refusal_answer(verdict, sentence, "model")

    def reply_id(self) -> str:
        return ""
