"""What is remembered between turns that the bot keeps: threads, and who began them.

The rules:

1. A thread is its owner's. Another owner's turn that names it finds nothing of it here.
2. An id that a bot gave belongs to whoever was answered with it first. What a caller without a credential began is
   nobody's: the same person may have signed in since.
3. Both are bounded in number and time, and are this process's own.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from chatward.core.values import Part
from chatward.engine.placeholders import Vault


@dataclass(slots=True)
class Thread:
    """What is kept of a conversation whose earlier turns only the upstream has."""

    vault: Vault
    earlier: tuple[Part, ...] = ()
    root: bytes = b""


class Threads:
    """Threads by the id of their last reply and their owner; bounded in number and time."""

    def __init__(self, capacity: int, ttl: float) -> None:
        self._capacity = capacity
        self._ttl = ttl
        self._threads: OrderedDict[tuple[str, str], tuple[float, Thread]] = OrderedDict()

    def get(self, owner: str, reply_id: str) -> Thread | None:
        """A copy of the thread, so that branches do not share what follows."""
        kept = self._threads.get((owner, reply_id))
        if kept is None or time.monotonic() - kept[0] > self._ttl:
            return None
        self._threads.move_to_end((owner, reply_id))
        return Thread(Vault.load(kept[1].vault.dump()), kept[1].earlier, kept[1].root)

    def put(self, owner: str, reply_id: str, thread: Thread) -> None:
        self._threads[(owner, reply_id)] = (time.monotonic(), thread)
        self._threads.move_to_end((owner, reply_id))
        while len(self._threads) > self._capacity:
            self._threads.popitem(last=False)


class Owners:
    """Who was first answered with an id that a bot gave; ``ttl`` in seconds since its owner's last answer with it."""

    def __init__(self, capacity: int, ttl: float) -> None:
        self._capacity = capacity
        self._ttl = ttl
        self._owners: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def claim(self, owner: str, given: str) -> None:
        """``owner`` was answered with the id ``given``. Who was before keeps it."""
        if self.foreign(owner, given):
            return
        self._owners[given] = (time.monotonic(), owner)
        self._owners.move_to_end(given)
        while len(self._owners) > self._capacity:
            self._owners.popitem(last=False)

    def foreign(self, owner: str, given: str) -> bool:
        """Whether the id is known to be somebody else's."""
        kept = self._owners.get(given)
        return kept is not None and kept[1] != owner and time.monotonic() - kept[0] <= self._ttl
