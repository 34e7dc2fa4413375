"""Errors and input blocks as OpenAI's API writes them: ``{"error": {"message", "type", "param", "code"}}``.

Shared by all dialects of that family. ``code`` is our stable reason id. A refused input is an HTTP 400 with
code ``content_filter``, which is what Azure OpenAI answers and what client libraries look for.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from chatward.channels.dialect import Answer
from chatward.core.errors import ChatwardError
from chatward.core.values import Verdict

_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}


def error_object(error: ChatwardError) -> dict[str, Any]:
    """The value under ``error``."""
    kind = _TYPES.get(error.status) or ("server_error" if error.status >= 500 else "invalid_request_error")
    return {"message": error.public, "type": kind, "param": None, "code": error.reason}


def error_answer(error: ChatwardError) -> Answer:
    return Answer(error.status, orjson.dumps({"error": error_object(error)}))


def refusal_answer(verdict: Verdict, sentence: str, param: str) -> Answer:
    """How a blocked input reads; ``param`` names the field that held it."""
    body = {
        "error": {
            "message": sentence,
            "type": "invalid_request_error",
            "param": param,
            "code": "content_filter",
            "chatward": explained(verdict),
        }
    }
    return Answer(400, orjson.dumps(body))


def explained(verdict: Verdict) -> dict[str, Any]:
    """Why, in names only: what a program may show or count. Never text of the message."""
    return {
        "reason": "input-blocked",
        "action": verdict.action.label,
        "rule": verdict.rule,
        "categories": sorted({finding.category.value for finding in verdict.findings}),
        "unavailable": [outcome.guard for outcome in verdict.unavailable],
    }


def refused_reply(sentence: str) -> Answer:
    """How a blocked reply reads where the dialect has no place for a sentence (embeddings, lists)."""
    error = {"message": sentence, "type": "server_error", "param": None, "code": "content_filter"}
    return Answer(502, orjson.dumps({"error": error}))
