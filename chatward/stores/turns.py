"""A turn of a conversation: what is kept of it, in which form, and how it reads when it is masked.

The rules:

1. What is kept is the text as it was written, and where in it the guards found something. Masked, which is how
   everybody reads it, each finding of ``MASKED`` reads ``[email hidden]``, whatever policy had made of it at its time.
2. **Masking fails closed.** Of a turn that was not inspected whole (a guard was unavailable, nobody looked), nothing is
   shown but its length; nor of a part that is not text.
3. What no guard recognised is not masked. Masked text is less to see, not anonymous.

The stored form is MessagePack. Texts are bytes: they may hold lone surrogates, for which UTF-8 has no form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from chatward.core.errors import StoreError
from chatward.core.values import Category, Exchange, Finding, Part, PartKind, Source

MASKED: Final = frozenset({Category.PII, Category.PHI, Category.SECRET, Category.LEAK})
NOT_INSPECTED: Final = "[not inspected: {} characters hidden]"
MAX_TURN: Final = 64 * 1024 * 1024
"""Bytes of one turn."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. ``findings`` point at ``parts`` by their index here. ``inspected``: every guard that had to look at
    it did. ``exchange`` is the id under which it stands in the ledger. ``at``: seconds since 1970 UTC; ``None``:
    now."""

    role: str
    parts: tuple[Part, ...] = field(repr=False)
    findings: tuple[Finding, ...] = ()
    inspected: bool = False
    exchange: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class ReadPart:
    """A part as somebody reads it."""

    text: str = field(repr=False)
    source: Source
    kind: PartKind
    name: str


@dataclass(frozen=True, slots=True)
class ReadTurn:
    """A turn as somebody reads it. ``hidden``: entity or category -> how many values are masked. ``gone``: its key was
    destroyed, or it was altered (``altered``); it has no parts then."""

    number: int
    at: float
    role: str = ""
    exchange: str = ""
    parts: tuple[ReadPart, ...] = ()
    masked: bool = True
    hidden: Mapping[str, int] = field(default_factory=dict)
    gone: bool = False
    altered: bool = False


class _Part(msgspec.Struct, array_like=True, frozen=True):
    text: bytes
    source: Source
    kind: PartKind
    name: bytes


class _Span(msgspec.Struct, array_like=True, frozen=True):
    part: int
    start: int
    end: int
    category: Category
    entity: str


class Body(msgspec.Struct, array_like=True, frozen=True):
    """The stored form of a turn."""

    role: str
    exchange: str
    inspected: bool
    parts: tuple[_Part, ...]
    spans: tuple[_Span, ...]


def new_turns(
    exchange: Exchange, findings: Sequence[Finding], *, inspected: bool, id_: str = "", at: float | None = None
) -> list[Turn]:
    """What is new in an exchange, a turn for each message. ``findings`` point at the exchange's parts."""
    turns = []
    for message in exchange.messages[exchange.new_from :]:
        place = {index: number for number, index in enumerate(message.parts)}
        own = tuple(_moved(one, place[one.part]) for one in findings if one.part in place)
        parts = tuple(exchange.parts[index] for index in message.parts)
        turns.append(Turn(message.role, parts, own, inspected, id_, at))
    return turns


def _moved(finding: Finding, part: int) -> Finding:
    return Finding(
        finding.rule,
        finding.category,
        finding.severity,
        finding.confidence,
        finding.span,
        part,
        finding.entity,
        finding.detail,
    )


def size(turn: Turn) -> int:
    """About how many bytes it takes."""
    return 200 + sum(4 * len(part.text) for part in turn.parts)


def encode(turn: Turn) -> bytes:
    """The stored form. Raises ``StoreError`` (``conversation-turn-invalid``)."""
    parts = tuple(_Part(_bytes(part.text), part.source, part.kind, _bytes(part.name)) for part in turn.parts)
    spans = tuple(
        _Span(one.part, *one.span, one.category, one.entity) for one in turn.findings if one.category in MASKED
    )
    if any(not 0 <= one.part < len(parts) for one in spans):
        raise StoreError("A finding of a turn points at no part of it.", reason="conversation-turn-invalid", status=500)
    try:
        data = msgspec.msgpack.encode(Body(turn.role, turn.exchange, turn.inspected, parts, spans))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise StoreError("A turn cannot be stored.", reason="conversation-turn-invalid", status=500) from error
    if len(data) > MAX_TURN:
        raise StoreError("A turn is too long to be stored.", reason="conversation-turn-invalid", status=413)
    return data


def decode(data: bytes) -> Body:
    """Raises ``StoreError`` (``sealed-altered``): what was sealed here was something else."""
    try:
        return msgspec.msgpack.decode(data, type=Body)
    except msgspec.MsgspecError as error:
        raise StoreError("A stored value was altered or belongs elsewhere.", reason="sealed-altered") from error


def read(body: Body, number: int, at: float, *, masked: bool) -> ReadTurn:
    """A turn for a reader."""
    hidden: Counter[str] = Counter()
    parts: list[ReadPart] = []
    for index, part in enumerate(body.parts):
        text = _text(part.text)
        name = _text(part.name)
        if masked:
            if not body.inspected:
                text, name = NOT_INSPECTED.format(len(text)), ""
            else:
                text = _masked(text, [one for one in body.spans if one.part == index], hidden)
        parts.append(ReadPart(text, part.source, part.kind, name))
    return ReadTurn(number, at, body.role, body.exchange, tuple(parts), masked, dict(hidden))


def _masked(text: str, spans: Sequence[_Span], hidden: Counter[str]) -> str:
    """The text with every span replaced; spans that overlap are one, named for the first of them."""
    out: list[str] = []
    shown = 0
    end = 0
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if span.start >= end or not out:
            out += (text[max(shown, end) : max(span.start, 0)], f"[{_words(span)} hidden]")
            hidden[span.entity or span.category.value] += 1
        end = max(end, span.end)
        shown = end
    return "".join((*out, text[max(shown, 0) :]))


def _words(span: _Span) -> str:
    return (span.entity or span.category.value).lower().replace("_", " ")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
