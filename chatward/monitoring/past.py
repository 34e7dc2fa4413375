"""What lies before the entries that somebody gets: where a time is, what is new, what has to be read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from chatward.ledger.reading import Record, between

_PAGE: Final = 5000


def first_since(path: Path, before: int, at: int) -> int:
    """The first entry, before the number ``before``, that is not older than ``at`` (nanoseconds since 1970): by halves,
    since entries stand in the order of time. ``before`` if there is none."""
    low, high = 1, before
    while low < high:
        middle = (low + high) // 2
        found = between(path, middle, middle)
        if found and found[0].at < at:
            low = middle + 1
        else:
            high = middle
    return low


class Progress:
    """Which entries of a batch are new to somebody who keeps state, and may get a batch again (``follower`` rule 2).

    ``jumps``: asked first; then what lies before is looked at. ``begin``: the new ones. ``passed`` each of them, and
    ``done`` with the batch. Whatever fails in between, nothing is passed over and nothing counts twice."""

    def __init__(self) -> None:
        self._seen = 0
        self._begun = 0

    def jumps(self, records: Sequence[Record]) -> bool:
        """Whether they do not follow what was seen: after a restart, or when somebody moved the cursor."""
        return records[0].seq not in (self._begun, self._seen + 1)

    def begin(self, records: Sequence[Record]) -> list[Record]:
        if self.jumps(records):
            self._seen = records[0].seq - 1
        self._begun = records[0].seq
        return [record for record in records if record.seq > self._seen]

    def passed(self, record: Record) -> None:
        self._seen = record.seq

    def done(self) -> None:
        self._begun = 0


def replayed(path: Path, before: int, at: int) -> Iterator[Record]:
    """The entries before the number ``before`` that are not older than ``at``, in pages."""
    seq = first_since(path, before, at)
    while seq < before:
        yield from between(path, seq, min(seq + _PAGE, before) - 1)
        seq += _PAGE
