"""API keys: ``cw_<env>_<id>_<secret><crc>``.

    cw_live_3kTz0Qm9XbVe_7Hc…32 characters…Wq01Rf9a
    │  │    │            │                 └ CRC-32 of all before it, 6 digits in base 62
    │  │    │            └ secret: 32 digits in base 62, 190 bits from the system's generator
    │  │    └ id: 12 digits in base 62; no secret, names the record
    │  └ environment: 2 to 8 lower-case letters
    └ so that scanners know whose it is

The rules:

1. One key has one spelling. Case matters; nothing may stand before, after or between.
2. The checksum is no protection, it is for scanners: with it they tell a key from noise without asking anyone. Every
   change of one character is noticed by shape or checksum (a CRC-32 notices every error of at most 32 bits in a row).
3. What is stored is the SHA-256 of the whole key. A slow hash (argon2) slows down guessing where people choose the
   secret; 190 random bits are out of reach however fast one guess is, and a slow hash on each message would be a way
   to keep a server busy.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

PREFIX: Final = "cw_"
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 32
"""32 * log2(62) = 190.5 bits."""
CRC_LENGTH: Final = 6

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_is_environment: Final = re.compile(r"[a-z]{2,8}", re.ASCII).fullmatch
_is_id: Final = re.compile(rf"[0-9A-Za-z]{{{ID_LENGTH}}}", re.ASCII).fullmatch
_SHAPE: Final = re.compile(
    rf"cw_([a-z]{{2,8}})_([0-9A-Za-z]{{{ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CRC_LENGTH}}})",
    re.ASCII,
)

Choice = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is well formed; whether it is good, only the store knows. Its ``repr`` shows no secret."""

    env: str
    id: str
    text: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        return digest(self.text)


def new(env: str, id_: str | None = None, choice: Choice = secrets.choice) -> Key:
    """A fresh key; with ``id_`` another version of one that exists. Raises ``ValueError`` for a bad ``env``."""
    if _is_environment(env) is None:
        raise ValueError("an environment is 2 to 8 lower-case letters")
    id_ = _random(ID_LENGTH, choice) if id_ is None else id_
    if _is_id(id_) is None:
        raise ValueError("not the id of a key")
    body = f"{PREFIX}{env}_{id_}_{_random(SECRET_LENGTH, choice)}"
    return Key(env, id_, body + checksum(body))


def parse(text: str) -> Key | None:
    """The key that ``text`` spells, or ``None``: another shape, or a checksum that does not hold."""
    found = _SHAPE.fullmatch(text)
    if found is None or checksum(text[:-CRC_LENGTH]) != found[4]:
        return None
    return Key(found[1], found[2], text)


def is_id(text: str) -> bool:
    return _is_id(text) is not None


def is_environment(text: str) -> bool:
    return _is_environment(text) is not None


def digest(text: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def checksum(body: str) -> str:
    """CRC-32 (that of zlib and gzip) in base 62, digits first, then capital and small letters, left-filled."""
    number, digits = crc32(body.encode("utf-8", "surrogatepass")), ""
    for _ in range(CRC_LENGTH):
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits


def _random(length: int, choice: Choice) -> str:
    return "".join(choice(_DIGITS) for _ in range(length))
