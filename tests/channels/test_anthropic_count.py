"""The token count: inspected as a message, answered with a number and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from chatward.channels.anthropic_count import CountTokens
from chatward.core.errors import ClientError, UpstreamError

BODY = b'{"model":"m","system":"be kind","messages":[{"role":"user","content":"hello"}]}'


def test_the_request_is_read_like_a_message() -> None:
    assert [part.text for part in CountTokens().parse(BODY).parts] == ["be kind", "hello"]
    with pytest.raises(ClientError):
        CountTokens().parse(b'{"messages": 1}')


def test_the_answer_is_the_number_alone(fakes: Any) -> None:
    call = CountTokens().parse(BODY)
    answer = call.reply(b'{"input_tokens": 7, "note": "words"}', fakes.Reply())
    assert (answer.status, answer.body) == (200, b'{"input_tokens":7}')
    for wrong in (b"{}", b'{"input_tokens": "7"}', b"[]"):
        with pytest.raises(UpstreamError):
            call.reply(wrong, fakes.Reply())
    with pytest.raises(UpstreamError):
        call.rewriter(fakes.Reply())
