"""Errors and input blocks as Anthropic's API writes them: ``{"type": "error", "error": {"type", "message"}}``.

Source: Anthropic API reference, "Errors". Types go by status; ``code`` is ours: the stable reason id, or
``content_filter`` for a refused input.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from chatward.channels.dialect import Answer
from chatward.channels.openai_error import explained
from chatward.core.errors import ChatwardError
from chatward.core.values import Verdict

_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_document(error: ChatwardError) -> dict[str, Any]:
    """The whole body of an error, which is the data of an ``error`` event too."""
    kind = _TYPES.get(error.status) or ("api_error" if error.status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": error.public, "code": error.reason}, "request_id": None}


def error_answer(error: ChatwardError) -> Answer:
    return Answer(error.status, orjson.dumps(error_document(error)))


def refusal_answer(verdict: Verdict, sentence: str) -> Answer:
    """How a blocked input reads."""
    error = {
        "type": "invalid_request_error",
        "message": sentence,
        "code": "content_filter",
        "chatward": explained(verdict),
    }
    return Answer(400, orjson.dumps({"type": "error", "error": error, "request_id": None}))
