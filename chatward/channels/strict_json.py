"""JSON from callers, read strictly: one body has one meaning, or it is refused.

RFC 8259 leaves room that attackers live in: names that occur twice (section 4), numbers that do not fit
(section 6), text that is not Unicode (section 8.2). Here:

* ``json-invalid``: not JSON, not UTF-8, a byte order mark, a lone surrogate, bytes after the document;
* ``json-number``: ``NaN``, ``Infinity``, an integer beyond 64 bits, a float that overflows;
* ``json-duplicate-key``: an object that names a key twice, at any depth;
* ``json-too-deep``: more than ``max_depth`` objects and arrays inside each other (the document is depth 1);
* ``field-type``: the document is not an object.

orjson keeps the last of two equal keys and turns an integer that is too long into a float, both silently. So
the keys of the parsed tree are counted and compared with the keys in the bytes. Counting those bytes is cheap
and never too low; only when the two differ does an exact pass over all string tokens decide. A short body that is, byte
for byte, what orjson writes of its own tree says nothing twice and has no number that was changed.
"""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

import orjson

from chatward.core.errors import ClientError

_TOO_LONG: Final = float(2**63)
_SHORT: Final = 4096
"""Bytes up to which writing a tree is cheaper than walking it."""
# One JSON string with what follows it; valid JSON only. Group 1 is there when the string is a key.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\r\n]*+(:)?', re.DOTALL)
# A string, or an integer of at least 19 digits (group 1) with neither fraction nor exponent.
_LONG_INTEGER: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?<![0-9.eE+-])(-?[0-9]{19,}+)(?![.eE0-9])', re.DOTALL)
_BLANK_COLON: Final = re.compile(rb'"[ \t\r\n]+:')


def parse(body: bytes, max_depth: int = 64) -> dict[str, Any]:
    """The document in ``body``, an object. Raises ``ClientError`` with one of the reasons above."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        _refuse(error)
    if type(document) is not dict:
        raise ClientError("The request body must be a JSON object.", reason="field-type")
    short = len(body) <= _SHORT and body.count(b"{") + body.count(b"[") <= max_depth
    if short and orjson.dumps(document) == body:
        return document
    keys, huge = _count(document, max_depth)
    if not _plainly_has(body, keys) and _exact_keys(body) != keys:
        raise ClientError("The request body names a key twice in one object.", reason="json-duplicate-key")
    if huge and _has_long_integer(body):
        raise ClientError("The request body holds an integer beyond 64 bits.", reason="json-number")
    return document


def _count(document: dict[str, Any], max_depth: int) -> tuple[int, bool]:
    """The number of keys, and whether a float may stem from an integer. Level by level, without recursion."""
    keys = 0
    huge = False
    level: list[Any] = [document]
    depth = 0
    while level:
        depth += 1
        if depth > max_depth:
            raise ClientError("The request body is nested too deeply.", reason="json-too-deep")
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                keys += len(node)
                values = node.values()
            else:
                values = node
            for value in values:
                kind = type(value)
                if kind is dict or kind is list:
                    below.append(value)
                elif kind is float and (value >= _TOO_LONG or value <= -_TOO_LONG):
                    huge = True
        level = below
    return keys, huge


def _plainly_has(body: bytes, keys: int) -> bool:
    """True when ``body`` certainly has no more than ``keys`` keys.

    Every key ends in ``":`` unless blanks stand before the colon. An escaped quote (``\\":``) ends none, which
    is sure only where no backslash stands before that backslash.
    """
    candidates = body.count(b'":')
    if candidates != keys:
        if b'\\\\"' in body:
            return False
        candidates -= body.count(b'\\":')
    return candidates == keys and _BLANK_COLON.search(body) is None


def _exact_keys(body: bytes) -> int:
    return _STRING.findall(body).count(b":")


def _has_long_integer(body: bytes) -> bool:
    for match in _LONG_INTEGER.finditer(body):
        digits = match[1]
        if digits is not None and (len(digits) > 20 or not -(2**63) <= int(digits) < 2**64):
            return True
    return False


def _refuse(error: orjson.JSONDecodeError) -> NoReturn:
    message = str(error)
    if "limit" in message:
        raise ClientError("The request body is nested too deeply.", reason="json-too-deep") from None
    near = error.doc[max(error.pos - 1, 0) : error.pos + 3]
    if "infinity" in message or "NaN" in near or "Inf" in near:
        raise ClientError(
            "The request body holds a number that JSON does not have or that overflows.", reason="json-number"
        ) from None
    raise ClientError("The request body is not valid JSON in UTF-8.", reason="json-invalid") from None
