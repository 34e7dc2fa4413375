"""What a proof is for, as one digest: the same for what means the same, another for everything else.

The rules:

1. A binding is SHA-256 (hex) over a canonical form of (tool, arguments, session) or (digest of a message, session).
2. The canonical form is injective: each value is tagged and counted, so no two values share a form. Names of an object
   are sorted; white space, escapes and the order of names do not count. A number counts as it was written: ``1.0`` is
   not ``1``, since what reads it next may tell them apart.
3. What is not JSON, names something twice, or is nested deeper than ``_DEPTH`` counts byte by byte. What two programs
   might read differently is so never the same as what they read alike.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final, NoReturn

_DEPTH: Final = 64


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def tool_binding(tool: str, arguments: str, session: str) -> str:
    """The binding of one call: ``arguments`` is the JSON text that goes to the tool."""
    return _digest([["chatward tool 1", tool], _parsed(arguments), session])


def message_binding(digest: str, session: str) -> str:
    """The binding of one message; ``digest`` as from ``message_digest``."""
    return _digest([["chatward message 1"], digest, session])


def message_digest(body: bytes) -> str:
    """The digest (hex) of a request's body: the same for a body that was only spelled anew."""
    return _digest([["chatward body 1"], _parsed(body.decode("utf-8", "surrogateescape"))])


def _digest(value: object) -> str:
    out: list[bytes] = []
    _write(out, value, 0)
    return sha256(b"".join(out)).hexdigest()


def _parsed(text: str) -> object:
    """``[value]`` of JSON, or the text itself: the two cannot be mistaken for each other."""
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant
        )
        _write([], value, 2)  # as deep as it will stand in what is digested
    except (ValueError, RecursionError):
        return text
    return [value]


def _write(out: list[bytes], value: Any, depth: int) -> None:
    if depth > _DEPTH:
        raise ValueError("nested too deep")
    match value:
        case None | True | False:
            out.append({None: b"z", True: b"t", False: b"f"}[value])
        case str():
            data = value.encode("utf-8", "surrogatepass")
            out.append(b"%c%d:%b" % (b"n" if isinstance(value, _Number) else b"s", len(data), data))
        case list():
            out.append(b"l%d:" % len(value))
            for one in value:
                _write(out, one, depth + 1)
        case dict():
            out.append(b"o%d:" % len(value))
            for name in sorted(value):
                _write(out, name, depth + 1)
                _write(out, value[name], depth + 1)
        case _:
            raise TypeError("not a value of JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError
