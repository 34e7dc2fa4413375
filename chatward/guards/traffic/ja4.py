"""JA4: the fingerprint of a TLS client by its ClientHello (FoxIO's JA4, the TLS client part, which is BSD 3-Clause).

Own code, from the published description (github.com/FoxIO-LLC/ja4, technical_details/JA4.md). The other parts of JA4+
have another licence and are not here.

A fingerprint is ``a_b_c``: *a* tells protocol, version, whether a name is asked for, how many ciphers and extensions,
and the first ALPN; *b* is a digest of the ciphers, sorted; *c* one of the extensions, sorted, less name and ALPN, with
the signature algorithms as they come. GREASE values (RFC 8701) are left out. ClientHello: RFC 8446 section 4.1.2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"[tqd](?:1[0-3]|s[123]|d[123]|00)[di]\d{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}", re.ASCII)
_VERSIONS: Final = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_NAME, _ALGORITHMS, _ALPN, _SUPPORTED_VERSIONS = 0x0000, 0x000D, 0x0010, 0x002B
_BROWSERS: Final = {
    # Ciphers that these browsers offer over TCP: how many, and their digest (JA4_b).
    "chromium": ("15", "8daaf6152771"),
    "firefox": ("17", "5b57614c22b0"),
    "safari": ("20", "a09f3c656075"),
}


@dataclass(frozen=True, slots=True)
class Hello:
    """What a ClientHello offers, in its order."""

    version: int
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    alpn: bytes
    """The first protocol; empty for none."""
    algorithms: tuple[int, ...]
    name: bool
    """Whether a server's name is asked for."""


def fingerprint(data: bytes) -> str:
    """The JA4 of TLS records that begin a connection over TCP. Raises ``ValueError`` where they are no ClientHello."""
    hello = parse(data)
    ciphers = [one for one in hello.ciphers if not _grease(one)]
    extensions = [one for one in hello.extensions if not _grease(one)]
    first = f"t{_VERSIONS.get(hello.version, '00')}{'d' if hello.name else 'i'}"
    counts = f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}"
    sorted_extensions = sorted(one for one in extensions if one not in {_NAME, _ALPN})
    third = _hexes(sorted_extensions)
    if hello.algorithms:
        third += "_" + _hexes([one for one in hello.algorithms if not _grease(one)])
    return (
        f"{first}{counts}{_ends(hello.alpn)}_{_digest(_hexes(sorted(ciphers)))}_{_digest(third if extensions else '')}"
    )


def parse(data: bytes) -> Hello:
    """Raises ``ValueError``."""
    try:
        return _hello(_handshake(data))
    except IndexError:
        raise ValueError("a ClientHello that is cut short") from None


def valid(text: str) -> bool:
    """Whether a text has the form of a JA4."""
    return _FORM.fullmatch(text) is not None


def contradicts(text: str, family: str, *, named: bool) -> bool:
    """Whether a JA4 is not one of this browser's family. ``named``: the server is reached by a name, not an address.
    Of a family that is not known nothing is said, nor of TLS 1.2, which middle boxes speak in a browser's place."""
    expected = _BROWSERS.get(family)
    if expected is None or not valid(text) or text[1:3] != "13":
        return False
    return text[4:6] != expected[0] or text[11:23] != expected[1] or (named and text[3] == "i") or text[8:10] == "00"


def _handshake(data: bytes) -> bytes:
    """The first handshake message, put together from its records."""
    message = b""
    while len(data) >= 5 and data[0] == 0x16 and (len(message) < 4 or len(message) < 4 + _number(message[1:4])):
        size = _number(data[3:5])
        message += data[5 : 5 + size]
        data = data[5 + size :]
    if len(message) < 4 or message[0] != 1 or len(message) < 4 + _number(message[1:4]):
        raise ValueError("no ClientHello")
    return message[4 : 4 + _number(message[1:4])]


def _hello(body: bytes) -> Hello:
    version, at = _number(body[:2]), 34
    at += 1 + body[at]  # the session's id
    size = _number(body[at : at + 2])
    ciphers = _pairs(body[at + 2 : at + 2 + size])
    at += 2 + size
    at += 1 + body[at]  # compressions
    extensions: list[int] = []
    alpn, name = b"", False
    algorithms: tuple[int, ...] = ()
    rest = body[at + 2 : at + 2 + _number(body[at : at + 2])] if at < len(body) else b""
    while rest:
        kind, size = _number(rest[:2]), _number(rest[2:4])
        value = rest[4 : 4 + size]
        if len(rest) < 4 or len(value) != size:
            raise ValueError("an extension that is cut short")
        rest = rest[4 + size :]
        extensions.append(kind)
        if kind == _NAME:
            name = True
        elif kind == _ALPN:
            alpn = value[3 : 3 + value[2]] if len(value) > 3 else b""
        elif kind == _ALGORITHMS:
            algorithms = _pairs(value[2:])
        elif kind == _SUPPORTED_VERSIONS:
            version = max((one for one in _pairs(value[1:]) if not _grease(one)), default=version)
    return Hello(version, ciphers, tuple(extensions), alpn, algorithms, name)


def _ends(alpn: bytes) -> str:
    """The first and last character of a protocol's name; of hexadecimal digits where they are not alphanumeric."""
    if not alpn:
        return "00"
    if all(chr(byte).isascii() and chr(byte).isalnum() for byte in (alpn[0], alpn[-1])):
        return chr(alpn[0]) + chr(alpn[-1])
    return alpn.hex()[0] + alpn.hex()[-1]


def _grease(value: int) -> bool:
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _pairs(data: bytes) -> tuple[int, ...]:
    return tuple(_number(data[at : at + 2]) for at in range(0, len(data) - 1, 2))


def _hexes(values: Sequence[int]) -> str:
    return ",".join(f"{value:04x}" for value in values)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
