"""OpenAI embeddings: texts in, vectors out.

Source: the OpenAI API reference, "Embeddings". ``input`` is a text, a list of texts, a list of token numbers or a
list of such lists. Token numbers mean nothing without the model's vocabulary: they are one ``OPAQUE`` part named
``tokens``, and the policy says whether what cannot be read may pass. Texts to embed come from documents as often as
from people; who sends them is the caller, so their source is ``user``. A reply holds numbers (or base64 of them)
and no text. Embeddings do not stream.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from chatward.channels.dialect import Answer, StreamRewriter
from chatward.channels.labels import Labelled, read
from chatward.channels.openai_error import error_answer, refusal_answer, refused_reply
from chatward.channels.outgoing import list_at, load, malformed, rewrite_field
from chatward.channels.request import Request, missing, top_level, wrong_type
from chatward.channels.wording import is_blob
from chatward.core.errors import ChatwardError
from chatward.core.ports import Reply
from chatward.core.values import Message, Part, Source, Verdict

_NUMBERS: Final = {int, float}


class Embeddings:
    """The dialect on ``/v1/embeddings``."""

    name: Final = "openai-embeddings"

    def __init__(self, max_depth: int = 64, max_parts: int = 20_000) -> None:
        self._max_depth = max_depth
        self._max_parts = max_parts

    def parse(self, body: bytes) -> EmbeddingsCall:
        return EmbeddingsCall(read(body, self._max_depth, self._max_parts))

    def error(self, error: ChatwardError) -> Answer:
        return error_answer(error)


class EmbeddingsCall(Labelled):
    """One request for embeddings. Each text of ``input`` is a message of its own: they do not belong together."""

    __slots__ = ("_request", "model")

    stream: Final = False
    tools: Final[Sequence[str]] = ()
    conversation: Final = ""
    previous: Final = ""
    continues: Final[Sequence[str]] = ()

    def __init__(self, request: Request) -> None:
        document = request.document
        self._request = request
        self.model: str = top_level(document, "model", str, "a string") or ""
        if "input" not in document:
            raise missing("input")
        held = document["input"]
        if type(held) is str:
            self._read_text(document, "input")
        elif type(held) is list and held:
            self._read_list(held)
        else:
            raise wrong_type("input", "a string, or a list of strings or token numbers")
        for key in document:
            if key not in {"input", "model"}:
                request.field(document, key, Source.USER)
        request.close_message("metadata", keep_empty=False)

    def _read_list(self, held: list[Any]) -> None:
        kinds = set(map(type, held))
        if kinds == {str}:
            for index in range(len(held)):
                self._read_text(held, index)
        elif kinds == {int} or (kinds == {list} and all(set(map(type, tokens)) == {int} for tokens in held)):
            self._request.opaque("tokens", Source.USER)
            self._request.close_message("user")
        else:
            raise wrong_type("input", "a string, or a list of strings or token numbers")

    def _read_text(self, container: Any, key: Any) -> None:
        if container[key]:
            self._request.text(container, key, Source.USER)
        self._request.close_message("user")

    @property
    def parts(self) -> Sequence[Part]:
        return self._request.parts

    @property
    def messages(self) -> Sequence[Message]:
        return self._request.messages

    def body(self, edits: Mapping[int, str]) -> bytes:
        return self._request.serialise(edits)

    def reply(self, body: bytes, reply: Reply) -> Answer:
        document = load(body)
        for item in list_at(document, "data", "data"):
            if type(item) is not dict:
                raise malformed("an embedding is not an object")
            vector = item.get("embedding")
            if not (type(vector) is list and set(map(type, vector)) <= _NUMBERS) and not (
                type(vector) is str and (is_blob("embedding", vector) or _is_short(vector))
            ):
                raise malformed("an embedding is neither numbers nor base64")
            for key in item:
                if key != "embedding":
                    rewrite_field(reply, item, key)
        for key in document:
            if key != "data":
                rewrite_field(reply, document, key)
        return Answer(200, orjson.dumps(document)) if reply.blocked is None else refused_reply(reply.refusal)

    def rewriter(self, reply: Reply) -> StreamRewriter:
        raise malformed("embeddings do not stream")

    def refused(self, verdict: Verdict, sentence: str) -> Answer:
        return refusal_answer(verdict, sentence, "input")

    def reply_id(self) -> str:
        return ""


def _is_short(vector: str) -> bool:
    """Whether this is base64 of whole 32-bit numbers, fewer of them than tell base64 from words elsewhere."""
    try:
        return len(vector) < 64 and len(binascii.a2b_base64(vector, strict_mode=True)) % 4 == 0
    except ValueError:
        return False
