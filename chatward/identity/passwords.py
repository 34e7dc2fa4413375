"""Passwords of operators: argon2id, and a few rules that a machine can check without a list.

The rules:

1. Stored is an argon2id hash in PHC form (RFC 9106), salt of 16 and tag of 32 bytes. ``Cost`` has the memory (64 MiB)
   and passes (3) of RFC 9106 section 4's second recommendation, on one lane: one log-in is to occupy one core at most.
   OWASP asks for 19 MiB and 2 passes. ``at_once`` hashes are made at a time, so that strangers who guess can neither
   fill the memory nor take the cores that guard messages; who waits too long for a turn is told to come back.
2. A hash made with other parameters is good, and replaced at the next log-in (``outdated``).
3. A password is compared as NFKC (NIST SP 800-63B, 5.1.1.2), so that it does not matter which keyboard wrote it.
   Twelve to 256 code points, nothing in it is cut off. Not one character repeated, not the user name with or without
   things around it that leave less than eight characters. No rule on kinds of characters, no forced change.
4. A check takes the same work whether there is such an account or not: ``check(None, ...)`` verifies against a hash of
   nothing that anybody knows, made with the same parameters.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from chatward.core.errors import ClientError, StoreError

SHORTEST: Final = 12
"""Code points."""
LONGEST: Final = 256
"""Code points."""
_BESIDE_NAME: Final = 8
"""Code points that must be left of a password when the user name is taken out."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs: memory in KiB, passes over it, lanes."""

    memory: int = 64 * 1024
    passes: int = 3
    lanes: int = 1


class Passwords:
    """Hashes and checks. ``at_once`` at a time; who waits ``patience`` seconds is refused (503, ``overloaded``).

    All of it blocks for the time of a hash: call it on a thread.
    """

    def __init__(self, cost: Cost = Cost(), *, at_once: int = 1, patience: float = 10.0) -> None:
        self._hasher = PasswordHasher(cost.passes, cost.memory, cost.lanes, hash_len=32, salt_len=16, type=Type.ID)
        self._turns = threading.BoundedSemaphore(at_once)
        self._patience = patience
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """The PHC string to store. The password has passed ``judge``."""
        with self._turn():
            return self._hasher.hash(_bytes(password))

    def check(self, stored: str | None, password: str) -> bool:
        """Whether this is the password. ``None``: there is no such account, which takes as long to find out. A password
        that cannot be one (too long, not text) is compared all the same, and is not it."""
        usable = len(password) <= LONGEST and _is_text(password)
        presented = _bytes(password) if usable else b""
        with self._turn():
            if self._nobody is None:
                self._nobody = self._hasher.hash(secrets.token_bytes(32))
            try:
                self._hasher.verify(stored or self._nobody, presented)
            except VerifyMismatchError:
                return False
            except (InvalidHashError, VerificationError) as error:
                raise StoreError("A stored password cannot be read.", reason="password-unreadable") from error
        return usable and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._patience):
            raise ClientError("Too many sign in at this moment. Try again shortly.", reason="overloaded", status=503)
        try:
            yield
        finally:
            self._turns.release()


def judge(password: str, name: str) -> None:
    """Whether an account called ``name`` may have this password. Raises ``ClientError`` that says what to change:
    ``password-short``, ``password-long``, ``password-text``, ``password-guessable``."""
    if len(password) > LONGEST:
        raise ClientError(f"The password has more than {LONGEST} characters.", reason="password-long")
    if not _is_text(password):
        raise ClientError("The password holds something that is not text.", reason="password-text")
    text = unicodedata.normalize("NFKC", password)
    if len(text) < SHORTEST:
        raise ClientError(f"The password needs {SHORTEST} characters or more.", reason="password-short")
    plain = "".join(text.casefold().split())
    if len(set(plain)) < 2:
        raise ClientError("The password is one character repeated.", reason="password-guessable")
    own = unicodedata.normalize("NFKC", name).casefold()
    if own and own in plain and len(plain.replace(own, "")) < _BESIDE_NAME:
        raise ClientError("The password is too close to the user name.", reason="password-guessable")


def _is_text(password: str) -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in password)


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode()
