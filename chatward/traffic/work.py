"""Proof of work in ALTCHA's format: a number to be found, whose digest is known (altcha.org, protocol v1).

A challenge is ``salt`` and ``challenge = SHA-256(salt + number)``, signed by HMAC-SHA-256 over ``challenge``; a
solution is the number, sent back with all of it as Base64 of JSON. The rules:

1. The salt says when the challenge ends and whose session it is for, and ends in ``&``: without a mark there, digits
   move from the number into the salt, and ``expires=123`` + ``456`` has the digest of ``expires=1234`` + ``56``
   (CVE-2025-68113). It is read by its exact form.
2. A solution counts for its session, before its end, once: whoever counts it asks ``passes.Spent``.
3. Nothing is remembered of challenges that were given out: the signature is enough, so asking for many costs nothing.
4. Numbers are small whole numbers, written as JSON writes them; algorithms other than SHA-256 are none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from chatward.core.errors import ClientError
from chatward.traffic.sessions import Signing

ALGORITHM: Final = "SHA-256"
MOST_PAYLOAD: Final = 2048
HARDEST: Final = 8
_SALT: Final = re.compile(r"([0-9a-f]{24})\?expires=([0-9]{10})&session=([0-9a-f]{32})&", re.ASCII)


class Challenge(Struct, frozen=True):
    """As it goes out. ``maxnumber``: no number above it is looked for."""

    algorithm: str
    challenge: str
    maxnumber: int
    salt: str
    signature: str


class _Solution(Struct, frozen=True):
    algorithm: str
    challenge: str
    number: int
    salt: str
    signature: str
    took: float = 0.0


class Spending(Struct, frozen=True):
    """A good solution: what to remember, and until when (seconds since 1970 UTC)."""

    key: str
    until: float


class WorkError(ClientError):
    """A solution that is none. Why is for the record."""

    status = 403
    reason = "work-invalid"

    def __init__(self, detail: str) -> None:
        super().__init__("This is no good solution; ask for a new challenge and solve that.")
        self.detail = detail


class Work:
    """Gives out challenges and checks solutions. ``clock`` gives seconds since 1970 UTC."""

    def __init__(
        self, key: bytes, *, numbers: int = 50_000, seconds: float = 600.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._signing = Signing(key)
        self._numbers = numbers
        self._seconds = seconds
        self._clock = clock

    def challenge(self, session: str, hardness: float = 0.0) -> Challenge:
        """A challenge for one session. ``hardness`` 0 to 1: from the settings' numbers to ``HARDEST`` times as many."""
        most = int(self._numbers * HARDEST ** min(1.0, max(0.0, hardness)))
        expires = int(self._clock() + self._seconds)
        salt = f"{secrets.token_hex(12)}?expires={expires}&session={self._signing.sign('work', session)}&"
        digest = hashlib.sha256(f"{salt}{secrets.randbelow(most + 1)}".encode()).hexdigest()
        return Challenge(ALGORITHM, digest, most, salt, self._sign(digest))

    def check(self, payload: str, session: str) -> Spending:
        """Raises ``WorkError``: ``malformed``, ``wrong``, ``forged``, ``other-session``, ``expired``."""
        solution = _read(payload)
        form = _SALT.fullmatch(solution.salt)
        if form is None or solution.algorithm != ALGORITHM or solution.number < 0:
            raise WorkError("malformed")
        if not hmac.compare_digest(self._sign(solution.challenge).encode(), solution.signature.encode()):
            raise WorkError("forged")
        digest = hashlib.sha256(f"{solution.salt}{solution.number}".encode()).hexdigest()
        if not hmac.compare_digest(digest.encode(), solution.challenge.encode()):
            raise WorkError("wrong")
        if not self._signing.good(form[3], "work", session):
            raise WorkError("other-session")
        if self._clock() >= int(form[2]):
            raise WorkError("expired")
        return Spending(f"work:{solution.challenge}", float(form[2]))

    def _sign(self, digest: str) -> str:
        return hmac.new(self._key, digest.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def solve(challenge: Challenge) -> str:
    """The payload that solves it, as a browser finds it: for tests and programs. Takes a while."""
    for number in range(challenge.maxnumber + 1):
        if hashlib.sha256(f"{challenge.salt}{number}".encode()).hexdigest() == challenge.challenge:
            found = _Solution(challenge.algorithm, challenge.challenge, number, challenge.salt, challenge.signature)
            return base64.b64encode(msgspec.json.encode(found)).decode()
    raise ValueError("a challenge without a solution")


def _read(payload: str) -> _Solution:
    if len(payload) > MOST_PAYLOAD:
        raise WorkError("malformed")
    try:
        return msgspec.json.decode(base64.b64decode(payload, validate=True), type=_Solution)
    except (binascii.Error, ValueError):  # msgspec's errors are values of this kind
        raise WorkError("malformed") from None
