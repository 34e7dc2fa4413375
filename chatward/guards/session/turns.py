"""A conversation as turns: who spoke, what was said, and whether it is new.

The rule: consecutive parts of one side within one message are one turn; an assistant's turn goes on across its tool
calls. Only people and the bot take turns: operator text, tool results and documents are no speech. The newest
``MOST`` turns are looked at, of a long text its two ends.

A turn is *fresh* where its message was not part of an earlier, already inspected turn, or is the newest one. Parts that
a request only refers to (``Exchange.earlier``) are never fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final

from chatward.core.normalise import plain
from chatward.core.values import Exchange, Part, PartKind, Source
from chatward.guards.session.wording import ends, fold

MOST: Final = 48
"""Turns of a conversation that are looked at, the newest."""
PARTS: Final = 512
"""Parts of a conversation that are looked at for turns, the newest."""
LONGEST: Final = 6000
"""Code points of a turn that are kept for looking at: half from its start, half from its end."""


@dataclass(frozen=True)
class Turn:
    """One side's speech. ``parts`` are indexes in ``exchange.parts``, none where the request only refers to them."""

    source: Source
    texts: tuple[str, ...]
    parts: tuple[int, ...] = ()
    fresh: bool = False
    key: bytes = b""

    @property
    def user(self) -> bool:
        return self.source is Source.USER

    @cached_property
    def raw(self) -> str:
        text = "\n".join(self.texts)
        return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n{text[-LONGEST // 2 :]}"

    @cached_property
    def text(self) -> str:
        """The plain view of what was said."""
        return plain(self.raw).text

    @cached_property
    def brief(self) -> str:
        """The two ends of it, as models score it."""
        return ends(self.text)

    @cached_property
    def folded(self) -> str:
        """The two ends of it, as phrases are matched on it."""
        return fold(self.brief)

    @cached_property
    def digest(self) -> bytes:
        """A keyed digest of who said what."""
        said = f"{self.source.value}\0{self.raw}".encode("utf-8", "surrogatepass")
        return blake2b(said, digest_size=16, key=self.key).digest()


def turns_of(exchange: Exchange, key: bytes = b"") -> list[Turn]:
    """The newest turns, oldest first. ``key`` is for their digests."""
    newest = len(exchange.messages) - 1
    fresh_from = min(exchange.new_from, newest) if newest >= 0 else exchange.new_from
    found: list[Turn] = []
    for source, group, fresh in _groups(exchange, fresh_from):
        texts = tuple(part.text for _, part in group)
        indexes = tuple(index for index, _ in group if index >= 0)
        if source is Source.BOT and found and found[-1].source is Source.BOT:
            last = found[-1]  # newest first, so this comes before what is there
            found[-1] = Turn(source, (*texts, *last.texts), (*indexes, *last.parts), last.fresh or fresh, key)
            continue
        if len(found) == MOST:
            break
        found.append(Turn(source, texts, indexes, fresh, key))
    found.reverse()
    return found


def _groups(exchange: Exchange, fresh_from: int) -> Iterator[tuple[Source, list[tuple[int, Part]], bool]]:
    """Parts of one source and message, newest group first; each part with its index (-1: only referred to)."""
    group: list[tuple[int, Part]] = []
    last: tuple[Source, int, bool] | None = None
    for index, part in _speech(exchange):
        own = index >= 0
        key = (part.source, part.message, own)
        if key != last and group and last is not None:
            group.reverse()
            yield last[0], group, last[2] and last[1] >= fresh_from
            group = []
        last = key
        group.append((index, part))
    if group and last is not None:
        group.reverse()
        yield last[0], group, last[2] and last[1] >= fresh_from


def _speech(exchange: Exchange) -> Iterator[tuple[int, Part]]:
    """What people and the bot said, newest first."""
    left = PARTS
    for index in range(len(exchange.parts) - 1, -1, -1):
        part = exchange.parts[index]
        left -= 1
        if left < 0:
            return
        if _spoken(part):
            yield index, part
    for part in reversed(exchange.earlier[-left:] if left else ()):
        if _spoken(part):
            yield -1, part


def _spoken(part: Part) -> bool:
    return bool(part.text) and part.kind is PartKind.TEXT and (part.source is Source.USER or part.source is Source.BOT)
