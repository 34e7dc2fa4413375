"""How much of each quantity a request takes: guessed before the bot is asked, and what it was after.

The rules:

1. Before: a token for every four bytes of the request, and for the reply as many as the request allows
   (``max_tokens`` and its cousins), or ``reply_tokens``. What a text pretends to be such a field is never read, since
   quotes inside a JSON string are escaped. A guess that is too low is mended afterwards.
2. After: what the reply says. Where it says nothing the guess stands.
3. Money is the price of those tokens by the model that was asked for; a model without a price costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from chatward.settings import Price

BYTES_A_TOKEN: Final = 4
ASKED: Final = frozenset({"/v1/chat/completions", "/v1/responses", "/v1/messages"})
"""Paths that a model writes a reply to."""
EMBEDDED: Final = "/v1/embeddings"
_LARGEST: Final = re.compile(rb'"max_(?:completion_|output_)?tokens"\s*:\s*([0-9]{1,9})')

Tokens = tuple[int, int]
"""Those read and those written by a model."""


def guess(path: str, body: bytes, reply_tokens: int) -> Tokens:
    if path == EMBEDDED:
        return len(body) // BYTES_A_TOKEN, 0
    if path not in ASKED:
        return 0, 0
    written = max((int(found) for found in _LARGEST.findall(body)), default=reply_tokens)
    return len(body) // BYTES_A_TOKEN, written


class Prices:
    """What 1,000 tokens cost, by model (shell-style patterns; the first that fits counts)."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = tuple(prices.items())

    def of(self, model: str, tokens: Tokens) -> float:
        for pattern, price in self._prices:
            if fnmatchcase(model, pattern):
                return (tokens[0] * price.input + tokens[1] * price.output) / 1000.0
        return 0.0
