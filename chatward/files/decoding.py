"""The bytes of a file as messages carry it: base64, or a ``data:`` URL (RFC 2397). Or an address, which is no file yet.

The rule: what some reader behind us may accept is decoded here (the alphabet for addresses, missing padding, line
breaks, any case of ``base64``); what cannot be decoded in one way only is not guessed at.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final
from urllib.parse import unquote_to_bytes

_SCHEME: Final = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*:")
_BASE64: Final = re.compile(r"\A[A-Za-z0-9+/]*={0,2}\Z")
_ALPHABET: Final = str.maketrans("-_", "+/")


class Undecodable(ValueError):
    """Nobody can say which bytes these are."""


def is_reference(data: str) -> bool:
    """True for an address: the file is elsewhere."""
    return _SCHEME.match(data) is not None and data[:5].lower() != "data:"


def declared_of(data: str) -> str:
    """The media type of a ``data:`` URL in lower case, or ``""``."""
    if data[:5].lower() != "data:":
        return ""
    return data[5:].partition(",")[0].partition(";")[0].strip().lower()[:100]


def decoded(data: str) -> bytes:
    """The bytes. Raises ``Undecodable``."""
    data = data.strip()
    if data[:5].lower() != "data:":
        return _base64(data)
    head, comma, body = data[5:].partition(",")
    if not comma:
        raise Undecodable
    if head.lower().replace(" ", "").endswith(";base64"):
        return _base64(unquote_to_bytes(body).decode("latin-1"))
    return unquote_to_bytes(body)


def _base64(text: str) -> bytes:
    packed = "".join(text.split()).translate(_ALPHABET)
    if _BASE64.match(packed) is None:
        raise Undecodable
    bare = packed.rstrip("=")
    if len(bare) % 4 == 1:
        raise Undecodable
    return b64decode(bare + "=" * (-len(bare) % 4))
