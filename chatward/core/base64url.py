"""Base64url and compact JWS, read strictly: one token has one spelling, or it is refused.

RFC 7515 section 2 and RFC 4648 section 5 with 3.5: the alphabet ``A-Z a-z 0-9 - _``, no padding, no white space or
line break, no character beside those, and the bits that carry no data are zero. Libraries differ in what they let pass;
a token that two of them read differently has two digests (so a replay goes unseen) or two meanings. Everything signed
is therefore looked at here first, before any JOSE library sees it.

``compact`` splits a JWS of RFC 7515 section 7.1 without verifying it. Its header is a JSON object whose names are
unique (section 4) and that asks for no extension (``crit``, section 4.1.11; with it goes ``b64`` of RFC 7797).

All functions raise ``ValueError`` that never quotes what was read.
"""

from __future__ import annotations

import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

MAX_TOKEN: Final = 16_384
"""Characters of a compact token; nothing longer is looked at."""

_is_alphabet: Final = re.compile(r"[A-Za-z0-9_-]*+", re.ASCII).fullmatch
_TO_STANDARD: Final = str.maketrans("-_", "+/")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Compact:
    """The parts of a compact JWS. Nothing in it is to be believed before its signature is verified."""

    header: dict[str, Any]
    payload: bytes
    signature: bytes


def encode(data: bytes) -> str:
    """Without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes that ``text`` is the one spelling of."""
    if _is_alphabet(text) is None or len(text) % 4 == 1:
        raise ValueError("not base64url")
    data = binascii.a2b_base64(text.translate(_TO_STANDARD) + "=" * (-len(text) % 4), strict_mode=True)
    if encode(data) != text:
        raise ValueError("base64url with bits that mean nothing")
    return data


def compact(token: str, limit: int = MAX_TOKEN) -> Compact:
    """The parts of a compact JWS, unverified. A detached payload (RFC 7515 appendix F) is refused."""
    if len(token) > limit:
        raise ValueError("longer than a token may be")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise ValueError("not three parts")
    header = json_object(decode(parts[0]))
    if "crit" in header or "b64" in header:
        raise ValueError("asks for an extension")
    if not isinstance(header.get("alg"), str):
        raise ValueError("names no algorithm")
    return Compact(header, decode(parts[1]), decode(parts[2]))


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 with unique names, without byte order mark, NaN or infinity."""
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object with unique names") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object with unique names")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError
