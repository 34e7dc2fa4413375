"""The baselines of many entities: one array of rows of fixed width, by keyed digests of what the entities are.

The rules:

1. A row is ``WIDTH`` bytes, whoever it is of; an entity beyond ``most`` takes the row of whom nothing was heard the
   longest.
2. An entity is named by BLAKE2b (RFC 7693) under a key of this installation, so a copy of the file names nobody who is
   not known already.
3. ``changed`` rows are what has to be written; a row is written and read back as its bytes. ``LAYOUT`` tells layouts
   apart: rows of another are forgotten, not misread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from chatward.behaviour.values import COUNTS, FEATURES

HOURS: Final = 168
TOPICS: Final = 16
ROW: Final = np.dtype(
    [
        ("window", "i4"),  # the one under way, in windows since 1970
        ("seen", "u4"),  # messages in all
        ("weight", "f4"),  # windows that the baseline rests on, fading
        ("peers", "u1"),
        ("raised", "u1"),  # counts of which an alert was raised in this window, as bits
        ("sums", "f4", len(FEATURES)),
        ("limits", "f4", len(COUNTS)),
        ("sessions", "u8"),  # of this window, hashed to bits
        ("known", "u8"),  # tools and rules ever seen, hashed to bits
        ("mean", "f4", len(FEATURES)),
        ("variance", "f4", len(FEATURES)),
        ("drift", "f4", len(COUNTS)),
        ("season", "f2", HOURS),
        ("visits", "f2", HOURS),
        ("topic", "f2", TOPICS),
    ]
)
WIDTH: Final = ROW.itemsize
LAYOUT: Final = blake2b(repr(ROW.descr).encode(), digest_size=8).hexdigest()
_STEP: Final = 1024


def digest(key: bytes, *names: str) -> bytes:
    """What an entity is called in memory and in the file."""
    text = "".join(f"{len(name)}:{name}" for name in names)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=key).digest()


class Rows:
    """At most ``most`` rows; ``array`` grows as they come."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("at least one entity")
        self.most = most
        self.array = np.zeros(min(most, _STEP), ROW)
        self._places: OrderedDict[bytes, int] = OrderedDict()
        self._free: list[int] = []
        self.changed: set[bytes] = set()
        self.gone: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, entity: bytes) -> bool:
        return entity in self._places

    def place(self, entity: bytes) -> tuple[int, bool]:
        """Where the entity's row is, and whether it is new (then all zero). Counts as heard of, and as changed."""
        at = self._places.get(entity)
        if at is not None:
            self._places.move_to_end(entity)
            self.changed.add(entity)
            return at, False
        return self._new(entity), True

    def find(self, entity: bytes) -> Any:
        """The row, or ``None``."""
        at = self._places.get(entity)
        return None if at is None else self.array[at]

    def _new(self, entity: bytes) -> int:
        if self._free:
            at = self._free.pop()
        elif len(self._places) < self.most:
            at = len(self._places)
            if at >= len(self.array):
                more = np.zeros(min(self.most, max(2 * len(self.array), _STEP)), ROW)
                more[: len(self.array)] = self.array
                self.array = more
        else:
            oldest, at = self._places.popitem(last=False)
            self._left(oldest)
        self.array[at] = np.zeros((), ROW)
        self._places[entity] = at
        self.changed.add(entity)
        self.gone.discard(entity)
        return at

    def forget(self, entity: bytes) -> bool:
        """Takes an entity out; whether it was there."""
        at = self._places.pop(entity, None)
        if at is None:
            return False
        self.array[at] = np.zeros((), ROW)
        self._free.append(at)
        self._left(entity)
        return True

    def _left(self, entity: bytes) -> None:
        self.changed.discard(entity)
        self.gone.add(entity)

    def faded(self, before: int) -> list[bytes]:
        """Entities that were last heard of in a window before ``before``, from the one longest ago."""
        found = []
        for entity, at in self._places.items():
            if self.array[at]["window"] >= before:
                break
            found.append(entity)
        return found

    def take_changed(self) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
        """What is to be written and what deleted, once."""
        written = [(entity, self.array[self._places[entity]].tobytes()) for entity in self.changed]
        gone = list(self.gone)
        self.changed, self.gone = set(), set()
        return written, gone

    def load(self, rows: Iterable[tuple[bytes, bytes]]) -> int:
        """Rows as they were written, the longest unheard first; how many."""
        count = 0
        for entity, data in rows:
            if len(data) == WIDTH and entity not in self._places:
                at = self._new(entity)  # may make a larger array
                self.array[at] = np.frombuffer(data, ROW)[0]
                count += 1
        self.changed.clear()
        return count

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._places)
