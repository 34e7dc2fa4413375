"""The list of models."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types import Model

from chatward.channels.openai_models import Models
from chatward.core.errors import ClientError, UpstreamError

MODEL = {"id": "small-1", "object": "model", "created": 1, "owned_by": "example"}


def reply(document: Any, fake: Any) -> Any:
    answer = Models().parse(b"").reply(orjson.dumps(document), fake)
    return answer.status, orjson.loads(answer.body)


def test_lists_and_single_models_pass(fakes: Any) -> None:
    listed = {"object": "list", "data": [MODEL]}
    assert reply(listed, fakes.Reply(mask="SECRET")) == (200, listed)
    status, one = reply(MODEL, fakes.Reply())
    assert (status, one) == (200, MODEL)
    Model.model_validate(one, strict=True)


def test_descriptions_are_inspected(fakes: Any) -> None:
    described = {"data": [{**MODEL, "description": "the SECRET model"}]}
    assert reply(described, fakes.Reply(mask="SECRET"))[1]["data"][0]["description"] == "the [hidden] model"
    status, refused = reply(described, fakes.Reply(bad="SECRET"))
    assert (status, refused["error"]["code"]) == (502, "content_filter")


@pytest.mark.parametrize("document", [[], {}, {"data": 1}, {"data": [1]}, {"data": [{"name": "x"}]}])
def test_other_shapes_are_refused(document: Any, fakes: Any) -> None:
    with pytest.raises(UpstreamError):
        reply(document, fakes.Reply())


def test_a_body_is_refused() -> None:
    with pytest.raises(ClientError):
        Models().parse(b"{}")


def test_the_call_is_empty(fakes: Any) -> None:
    call = Models().parse(b"")
    assert (call.body({}), list(call.parts), call.stream, call.reply_id()) == (b"", [], False, "")
    with pytest.raises(UpstreamError):
        call.rewriter(fakes.Reply())
