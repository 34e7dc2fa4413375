"""JSON Lines of what people and bots said, as ``chatward scan`` and ``chatward replay`` read them.

The rule: one object a line, ``{"text": "...", "role": "user", "conversation": "...", "id": anything}``; only ``text``
is needed. What cannot be read is a ``ClientError`` that names the line and never quotes it. Unknown fields are
ignored, so that other programs' exports can be read as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from chatward.core.errors import ClientError
from chatward.ward import ROLES

MAX_LINE: Final = 16 * 1024 * 1024
"""Bytes of the longest line."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One thing that was said. ``id`` is the caller's own, of any JSON type; ``""`` is no conversation."""

    text: str
    role: str = "user"
    conversation: str = ""
    id: Any = None


def row_of(line: bytes, number: int) -> dict[str, Any]:
    """The object on a line. Raises ``ClientError``."""
    if len(line) > MAX_LINE:
        raise refusal(number, f"longer than {MAX_LINE >> 20} MiB")
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise refusal(number, f"not valid JSON ({error.msg})") from error
    if not isinstance(row, dict):
        raise refusal(number, "not a JSON object")
    return row


def spoken(row: dict[str, Any], number: int) -> Spoken:
    """What a line's object says. Raises ``ClientError``."""
    text, role = row.get("text"), row.get("role", "user")
    if not isinstance(text, str):
        raise refusal(number, '"text" is missing' if text is None else '"text" is not a string')
    if not isinstance(role, str) or role not in ROLES:
        raise refusal(number, f'"role" is none of {", ".join(ROLES)}')
    conversation = row.get("conversation")
    if conversation is not None and not isinstance(conversation, str):
        raise refusal(number, '"conversation" is not a string')
    return Spoken(text, role, conversation or "", row.get("id"))


def refusal(number: int, why: str) -> ClientError:
    """The error that names a line."""
    return ClientError(f"line {number}: {why}", reason="line-invalid")
