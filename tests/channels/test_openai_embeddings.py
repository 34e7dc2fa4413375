"""Embeddings: texts in, numbers out."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types import CreateEmbeddingResponse

from chatward.channels.openai_embeddings import Embeddings
from chatward.core.errors import ClientError, UpstreamError
from chatward.core.values import PartKind


def call(**fields: Any) -> Any:
    return Embeddings().parse(orjson.dumps({"model": "m", **fields}))


def reply_of(vector: Any, **fields: Any) -> bytes:
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    return orjson.dumps(
        {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}, **fields}
    )


def test_every_text_is_a_message() -> None:
    assert [part.text for part in call(input="one").parts] == ["one"]
    parsed = call(input=["one", "", "two"], user="ann@example.com")
    assert [part.text for part in parsed.parts] == ["one", "two", "ann@example.com"]
    assert [message.parts for message in parsed.messages] == [(0,), (), (1,), (2,)]
    assert orjson.loads(parsed.body({1: "X"}))["input"] == ["one", "", "X"]


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]])
def test_token_numbers_are_opaque(tokens: list[Any]) -> None:
    parsed = call(input=tokens)
    assert [(part.kind, part.name, part.text) for part in parsed.parts] == [(PartKind.OPAQUE, "tokens", "")]
    assert orjson.loads(parsed.body({}))["input"] == tokens


@pytest.mark.parametrize("bad", [None, 1, [], {}, [1, "x"], [[1], ["x"]], [["x"]], [True], [[]]])
def test_other_inputs_are_refused(bad: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(input=bad)
    assert caught.value.reason == "field-type"


def test_input_is_required() -> None:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.reason == "field-missing"


def test_the_official_model_reads_the_answer(fakes: Any) -> None:
    answer = call(input="x").reply(reply_of([0.5, -1.0]), fakes.Reply())
    assert CreateEmbeddingResponse.model_validate_json(answer.body).data[0].embedding == [0.5, -1.0]


@pytest.mark.parametrize("vector", [[0.5, -1, 2.25], "AAAA" * 20, "AACAPw==", "zczMPQAAgL8AAABA", ""])
def test_vectors_pass(vector: Any, fakes: Any) -> None:
    answer = call(input="x").reply(reply_of(vector), fakes.Reply(mask="SECRET"))
    assert orjson.loads(answer.body) == orjson.loads(reply_of(vector))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"data":[1]}',
        reply_of("some words"),
        reply_of([1, "x"]),
        reply_of(None),
        reply_of("AACAPw"),
        reply_of("AACA"),
        reply_of("AACA Pw=="),
    ],
)
def test_what_are_no_vectors_is_refused(body: bytes, fakes: Any) -> None:
    with pytest.raises(UpstreamError):
        call(input="x").reply(body, fakes.Reply())


def test_words_beside_the_vectors_are_inspected(fakes: Any) -> None:
    answer = call(input="x").reply(reply_of([1.5], note="a SECRET"), fakes.Reply(mask="SECRET"))
    assert orjson.loads(answer.body)["note"] == "a [hidden]"
    blocked = call(input="x").reply(reply_of([1.5], note="BAD"), fakes.Reply(bad="BAD"))
    assert blocked.status == 502
    assert orjson.loads(blocked.body)["error"]["code"] == "content_filter"


def test_embeddings_do_not_stream(fakes: Any) -> None:
    assert call(input="x").stream is False
    with pytest.raises(UpstreamError):
        call(input="x").rewriter(fakes.Reply())
