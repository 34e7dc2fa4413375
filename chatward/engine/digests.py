"""What is remembered between turns, so that a turn's cost does not grow with its history.

Two memories, both bounded and both keyed by digests under a key that never leaves the process (BLAKE2b, RFC 7693),
so that neither holds nor reveals what was said:

* what guards found in one part, under one policy and set of guards (spans, rules and scores, no text);
* which beginnings of conversations have been here. A conversation is a chain of message digests, so the
  newest known link tells what is new, and an assistant turn that does not follow from what was
  delivered shows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from chatward.core.values import Finding, Message, Part, PartKind, Source

_SIZE = 16


Scores = tuple[tuple[str, float], ...]


def highest(scores: Iterable[Scores]) -> dict[str, Scores]:
    """The highest score of each name, by guard: a name is a guard's id, or that and a head (``text.abuse/hate``)."""
    best: dict[str, float] = {}
    for some in scores:
        for name, score in some:
            best[name] = max(score, best.get(name, 0.0))
    by_guard: dict[str, Scores] = {}
    for name, score in best.items():
        guard = name.partition("/")[0]
        by_guard[guard] = (*by_guard.get(guard, ()), (name, score))
    return by_guard


@dataclass(frozen=True, slots=True)
class Seen:
    """What guards said of one part."""

    findings: tuple[Finding, ...] = ()
    scores: Scores = ()


NOTHING = Seen()


class DigestMemory:
    """A bounded map from digest to what was found; the least recently used entry leaves first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._entries

    def get(self, digest: bytes) -> Seen | None:
        found = self._entries.get(digest)
        if found is not None:
            try:  # noqa: SIM105 - on the way of every part
                self._entries.move_to_end(digest)
            except KeyError:  # another thread, which reads what is stored, has just pushed it out
                pass
        return found

    def forget(self, digest: bytes) -> None:
        self._entries.pop(digest, None)

    def put(self, digest: bytes, findings: tuple[Finding, ...], scores: Scores = ()) -> None:
        self._entries[digest] = Seen(findings, scores) if findings or scores else NOTHING
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)


class Digests:
    """Keyed digests of parts, for one policy version and set of guards (``context``)."""

    def __init__(self, key: bytes, context: str) -> None:
        self._root = blake2b(context.encode(), digest_size=_SIZE, key=key)
        self._by_kind: dict[tuple[Source, PartKind], blake2b] = {}

    def of(self, part: Part) -> bytes:
        """The digest of a part's text, source and kind."""
        text, source, kind, _, _ = part
        start = self._by_kind.get((source, kind)) or self._start(source, kind)
        digest = start.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _start(self, source: Source, kind: PartKind) -> blake2b:
        start = self._by_kind[source, kind] = self._root.copy()
        start.update(f"\0{source.value}\0{kind.value}\0".encode())
        return start


class History(NamedTuple):
    """How much of a conversation is known. ``changed``: the index of the first message that contradicts what
    was delivered before, or -1. ``root``: the first end that it had here, which names it."""

    new_from: int
    changed: int
    tip: bytes
    root: bytes


class Chains:
    """Which beginnings of conversations have been here, by tenant and principal."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._known: OrderedDict[bytes, tuple[bool, bytes]] = OrderedDict()
        """Whether a reply was delivered, and the conversation's root, by the end of a beginning."""

    def read(self, owner: str, messages: Sequence[Message], digests: Sequence[bytes]) -> History:
        """Compares a conversation with what is known. ``digests`` are those of all parts."""
        tip = blake2b(owner.encode(), digest_size=_SIZE).digest()
        new_from, changed, root = 0, -1, b""
        was_answered = False
        for index, (role, parts) in enumerate(messages):
            tip = link(tip, role, [digests[part] for part in parts])
            known = self._known.get(tip)
            if known is not None:
                new_from = index + 1
                was_answered, root = known
            else:
                if was_answered and changed < 0:
                    changed = index
                was_answered = False
        return History(new_from, changed, tip, root or tip)

    def remember(self, tip: bytes, root: bytes, *, answered: bool) -> None:
        """A beginning that ends at ``tip`` has been here; ``answered``: a reply to it was delivered."""
        known = self._known.get(tip)
        self._known[tip] = (answered, root) if known is None else (answered or known[0], known[1])
        self._known.move_to_end(tip)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)


def link(tip: bytes, role: str, digests: Sequence[bytes]) -> bytes:
    """The chain that has one more message."""
    return blake2b(b"".join((tip, role.encode("utf-8", "surrogatepass"), *digests)), digest_size=_SIZE).digest()
