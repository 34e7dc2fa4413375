"""Characters that a bot cuts in two: JSON in which one event ends between the halves of a surrogate pair.

The rule: JSON may spell a character beyond U+FFFF as two escapes (RFC 8259 section 7), and a bot that counts in UTF-16
ends one piece of a text after the first and begins the next with the second. In the pieces of a text (below ``delta``)
such halves are kept, for the text's ``Strand`` to put together; everywhere else, and where the other half never comes,
a half is no character and becomes U+FFFD, as browsers read it (Web IDL, USVString).
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

import orjson

DELTA: Final = "delta"
"""The key below which every dialect has the pieces of its texts."""
_HOLDERS: Final = frozenset({"", "choices"})
"""Keys of what holds it: the event itself, or a choice."""
REPLACEMENT: Final = "\ufffd"
_IN_LANES: Final = frozenset(
    {
        "arguments", "content", "delta", "input", "partial_json", "reasoning", "reasoning_content", "refusal",
        "summary", "text", "thinking", "transcript",
    }
)  # fmt: skip
"""Keys of strings that are pieces of a text wherever they stand below ``DELTA``."""
_ESCAPED: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_HALF: Final = re.compile("[\ud800-\udfff]")


def loads(data: bytes, *, pieces: bool = False) -> Any:
    """What the JSON in ``data`` says. ``pieces``: it is an event, so a text in it may begin or end with half a
    character, and bytes that are not UTF-8 are U+FFFD (WHATWG HTML, 9.2.5: event streams are decoded so). Raises
    ``ValueError`` where it is no JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if pieces and not _is_utf8(data):
            return loads(data.decode("utf-8", "replace").encode(), pieces=True)
        if _ESCAPED.search(data) is None:
            raise
    try:  # orjson knows no halves; numbers stay its own
        document = json.loads(data.decode(), parse_int=orjson.loads, parse_float=orjson.loads, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return _mended(document, pieces)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def scalars(text: str) -> str:
    """``text`` with its pairs put together and U+FFFD for halves without another."""
    if text.isascii() or _HALF.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def cut(text: str) -> tuple[str, str]:
    """``text`` without the first half of a character at its end, and that half."""
    return (text[:-1], text[-1]) if "\ud800" <= text[-1:] <= "\udbff" else (text, "")


def _mended(document: Any, pieces: bool) -> Any:
    """``document`` without halves, but for those in ``pieces`` of texts. Any depth."""
    if type(document) is str:
        return scalars(document)
    stack: list[tuple[Any, str, bool]] = [(document, "", False)]
    while stack:
        node, owner, inside = stack.pop()
        if type(node) is not dict and type(node) is not list:
            continue
        for key, value in node.items() if type(node) is dict else enumerate(node):
            name = key if type(key) is str else owner
            below = inside or (pieces and key == DELTA and owner in _HOLDERS)
            if type(value) is not str:
                stack.append((value, name, below))
            elif not (below and name in _IN_LANES):
                node[key] = scalars(value)
            if scalars(name) != name:
                raise ValueError("a name is not Unicode")
    return document


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
