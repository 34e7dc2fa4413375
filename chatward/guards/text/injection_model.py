"""Prompt injection and jailbreaks by the shipped models: which texts they read, and what their scores become.

The rule: a text is read as it stands, and as it reads decoded or undisguised where that is another text. The strictest
reading counts. In texts of a user the head ``attack`` decides and the others name the kind; in tool results and
documents the head ``indirect`` decides alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from chatward.core.ports import Item, Weighed
from chatward.core.text import Reading, ViewKind
from chatward.core.values import MODEL, Category, Finding, PartKind, Severity, Source

if TYPE_CHECKING:
    from chatward.models.cascade import Analysis, Cascade

GUARD: Final = "text.injection"
_READINGS: Final = 3  # other readings of a text that are looked at, longest first
_SHORTEST: Final = 16  # code points of a reading worth asking about
_KINDS: Final = (
    ("jailbreak", Category.JAILBREAK, "model-jailbreak"),
    ("extraction", Category.INJECTION, "model-extraction"),
    ("direct", Category.INJECTION, "model-direct"),
)


def weigh(models: Callable[[], Cascade], item: Item) -> Weighed:
    """Findings and scores of one part. Raises what the models raise."""
    if item.source not in (Source.USER, Source.TOOL, Source.DOCUMENT) or item.kind is PartKind.OPAQUE:
        return Weighed()
    cascade = models()
    untrusted = item.source.untrusted
    head = "indirect" if untrusted else "attack"
    plain = cascade.analyse(item.reading.plain.text, untrusted=untrusted)
    best, span = plain, _span(item.reading, plain, head)
    for text, where in others(item.reading):
        analysis = cascade.analyse(text, untrusted=untrusted)
        if analysis.scores[head] > best.scores[head]:
            best, span = analysis, where
    score = best.scores[head]
    scores = [(GUARD, score)]
    scores += [(f"{GUARD}/{name}", best.scores[name]) for name in ("direct", "extraction", "jailbreak", "indirect")]
    if span is None or score < 0.05:
        return Weighed((), tuple(scores))
    if untrusted:
        category, rule = Category.INDIRECT_INJECTION, "indirect-model"
    else:
        _, category, rule = max(_KINDS, key=lambda kind: best.scores[kind[0]])
    confidence = round(score, 4)
    finding = Finding(f"{GUARD}/{rule}", category, Severity.HIGH, confidence, span, item.index, detail=MODEL)
    return Weighed((finding,), tuple(scores))


def prepare(models: Callable[[], Cascade], item: Item) -> Sequence[Awaitable[None]]:
    """What ``weigh`` will need, being read beside the event loop."""
    if item.source not in (Source.USER, Source.TOOL, Source.DOCUMENT) or item.kind is PartKind.OPAQUE:
        return ()
    cascade, untrusted = models(), item.source.untrusted
    texts = (item.reading.plain.text, *(text for text, _ in others(item.reading)))
    return [waiting for text in texts for waiting in cascade.prepare(text, untrusted=untrusted)]


def others(reading: Reading) -> list[tuple[str, tuple[int, int]]]:
    """What a text says decoded or undisguised, with the span of the original that says it."""
    found: dict[str, tuple[int, int]] = {}
    for view in reading.others:
        if view.kind is ViewKind.PLAIN or len(view.text) < _SHORTEST:
            continue
        found.setdefault(view.text, view.original(0, len(view.text)))
    return sorted(found.items(), key=lambda row: -len(row[0]))[:_READINGS]


def _span(reading: Reading, analysis: Analysis, head: str) -> tuple[int, int] | None:
    where = analysis.where.get(head)
    return None if where is None else reading.plain.original(*where)
