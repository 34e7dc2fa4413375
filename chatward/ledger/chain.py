"""The chain of the ledger: an entry's hash covers the entry and, through the hash before it, all earlier ones.

The rule::

    hash[0] = SHA-256("chatward ledger 1")
    body[n] = seq LF at LF event LF exchange LF fields          (decimal, decimal, ASCII, ASCII, JSON)
    hash[n] = SHA-256(hash[n-1] || body[n])

``fields`` is compact JSON with sorted keys, hashed as it stands on disk and never re-encoded. No member can
hold a line feed (``events`` sees to it; JSON escapes it), so a body has one reading; ``body`` refuses others.

What a chain proves: no entry up to a known hash was changed, removed or put in. What it cannot prove by
itself: that the newest entries were not cut off. For that, keep ``seq`` and ``hash`` of the head elsewhere.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, NamedTuple

GENESIS: Final = sha256(b"chatward ledger 1").digest()


class Head(NamedTuple):
    """The newest entry: its number (0: none yet) and its hash."""

    seq: int
    hash: bytes


EMPTY: Final = Head(0, GENESIS)


def body(seq: int, at: int, event: str, exchange: str, fields: bytes) -> bytes:
    """The bytes that an entry's hash covers. ``at``: nanoseconds since 1970, UTC. ``ValueError`` if ambiguous."""
    text = b"%d\n%d\n%s\n%s\n%s" % (seq, at, event.encode(), exchange.encode(), fields)
    if text.count(b"\n") != 4:
        raise ValueError("a member of a ledger entry holds a line feed")
    return text


def link(previous: bytes, entry: bytes) -> bytes:
    """The hash of an entry's body after the entry whose hash is ``previous``."""
    return sha256(previous + entry).digest()
