"""What a request is guessed to take."""

from __future__ import annotations

import orjson
import pytest

from chatward.limits.amounts import Prices, guess
from chatward.settings import Price

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({}, 500),
        ({"max_tokens": 40}, 40),
        ({"max_completion_tokens": 41}, 41),
        ({"max_output_tokens": 42}, 42),
        ({"max_tokens": 3, "max_output_tokens": 9}, 9),
        ({"max_tokens": None}, 500),
        ({"max_tokens": -5}, 500),
        ({"max_tokens": "7"}, 500),
        ({"messages": [{"role": "user", "content": '"max_tokens": 1'}]}, 500),
        ({"messages": [{"role": "user", "content": '\\"max_tokens": 1,'}]}, 500),
    ],
)
def test_the_reply_is_as_long_as_the_request_allows(fields: dict[str, object], written: int) -> None:
    body = orjson.dumps({"model": "m", **fields})
    assert guess(CHAT, body, 500) == (len(body) // 4, written)


def test_a_text_that_looks_like_the_field_does_not_lower_the_guess() -> None:
    body = orjson.dumps({"max_tokens": 900, "messages": [{"role": "user", "content": '","max_tokens":1,"x":"'}]})
    assert guess(CHAT, body, 500)[1] == 900


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/v1/embeddings", (25, 0)), ("/v1/messages/count_tokens", (0, 0)), ("/v1/models", (0, 0)), (CHAT, (25, 500))],
)
def test_what_writes_nothing(path: str, expected: tuple[int, int]) -> None:
    assert guess(path, b"x" * 100, 500) == expected


def test_prices() -> None:
    prices = Prices({"big": Price(input=2, output=8), "small-*": Price(output=0.5)})
    assert prices.of("big", (500, 250)) == 3.0
    assert prices.of("small-1", (500, 1000)) == 0.5
    assert prices.of("unknown", (500, 1000)) == 0.0
