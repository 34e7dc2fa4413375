"""A bot's own errors, as they may be shown to the caller.

The rule: an error body is text from the bot like any other, so its message goes through a lane of the reply. What
is kept besides is the status and, where they look like identifiers and hold nothing to hide, ``type``, ``code``
and ``param``. A body of another shape (an HTML page of some proxy) is not shown at all. Redirects are not
followed: they count as errors. When the bot refuses *our* key, that is not the caller's fault: 401 and 403
become 502.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from chatward.channels.dialect import Answer, Dialect
from chatward.core.errors import UpstreamError
from chatward.core.ports import Reply

MAX_BODY: Final = 256 * 1024
REASON: Final = "upstream-error"

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.:\-\[\]/]{1,100}")


def passed_on(dialect: Dialect, status: int, body: bytes, reply: Reply | None, *, own_key: bool) -> Answer:
    """The answer for a bot's error. ``reply`` inspects its message; ``None`` on routes without guards."""
    if not 400 <= status < 600:
        return dialect.error(UpstreamError("The bot did not answer as expected.", reason=REASON))
    if own_key and status in {401, 403}:
        return dialect.error(UpstreamError("The bot refused the gateway's credential.", reason="upstream-unauthorized"))
    told = _error_in(body)
    if told is None:
        return dialect.error(UpstreamError(f"The bot answered with an error ({status}).", reason=REASON, status=status))
    message = told.get("message")
    text = message if type(message) is str and message else f"The bot answered with an error ({status})."
    names = {key: told[key] for key in ("type", "code", "param") if _is_name(told.get(key))}
    if reply is not None:
        names = {key: value for key, value in names.items() if _through(reply, str(value)) == str(value)}
        text = _through(reply, text)
        if reply.blocked is not None:
            names, text = {}, reply.refusal
    return _named(dialect.error(UpstreamError(text, reason=REASON, status=status)), names)


def _through(reply: Reply, text: str) -> str:
    return reply.lane().whole(text)


def _is_name(value: object) -> bool:
    return type(value) is int or (type(value) is str and _IDENTIFIER.fullmatch(value) is not None)


def _error_in(body: bytes) -> dict[str, Any] | None:
    """The object under ``error`` (OpenAI, Anthropic), a plain ``error`` sentence, or nothing that is known."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(document) is not dict:
        return None
    error = document.get("error")
    if type(error) is dict:
        return error
    return {"message": error} if type(error) is str else None


def _named(answer: Answer, names: dict[str, Any]) -> Answer:
    """``answer`` with the bot's own names in the fields that the dialect has."""
    document = orjson.loads(answer.body)
    error = document.get("error") if type(document) is dict else None
    if type(error) is not dict or not names:
        return answer
    error.update((key, value) for key, value in names.items() if key in error)
    return Answer(answer.status, orjson.dumps(document), answer.content_type)
