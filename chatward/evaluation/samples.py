"""Which texts are measured, and which are kept away from the measurement.

The rules:

1. Rows that name ``in_train`` are left out, and so are rows of ``eval`` corpora that have a near-duplicate in a
   ``train`` corpus (``duplicates``); how many is told. Rows that only share a passage with a ``train`` corpus are kept
   apart, under the corpus' name and ``KNOWN``, and count as ones that weights may be fitted on.
2. At most ``limit`` rows of one corpus, label and language: those whose text has the least digest, so that the same
   rows are taken each time.
3. Thresholds are chosen on one half of ordinary support chat and measured on the other; no group of near-duplicates
   lies in both halves. The same holds for clean documents.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from chatward.evaluation.duplicates import groups, kinship, split
from chatward.evaluation.rows import Corpus, Data, Row

Progress = Callable[[str], None]

CHAT: Final[Mapping[str, frozenset[str]]] = {
    "banking77": frozenset({"test"}),
    "bitext_support": frozenset({"dev", "test"}),
    "clinc150": frozenset({"test"}),
    "hwu64": frozenset({"train", "dev", "test"}),
}
"""Ordinary support chat and the parts of it that a threshold may be chosen on."""

KNOWN: Final = "(known passages)"
HARMLESS: Final = frozenset({"benign", "benign-trigger", "neither", "ham"})
UNTRUSTED: Final = frozenset({"tool", "document"})


@dataclass(frozen=True, slots=True)
class Task:
    """Something to detect: the score that tells it, which labels it has, and where such texts stand."""

    name: str
    score: str
    attacks: frozenset[str]
    kinds: frozenset[str]
    untrusted: bool = False

    def holds(self, row: Row) -> bool:
        """Whether the row is one of this task's, attack or harmless."""
        if row.kind not in self.kinds or (row.role in UNTRUSTED) != self.untrusted:
            return False
        return row.label in self.attacks or row.label in HARMLESS


TASKS: Final = (
    Task(
        "injection",
        "text.injection",
        frozenset({"injection", "jailbreak"}),
        frozenset({"injection", "benign", "dialogues", "own"}),
    ),
    Task(
        "indirect-injection",
        "text.injection",
        frozenset({"indirect-injection"}),
        frozenset({"injection", "own"}),
        untrusted=True,
    ),
    Task(
        "abuse",
        "text.abuse",
        frozenset({"toxic", "hate", "offensive", "abuse"}),
        frozenset({"abuse", "own"}),
    ),
    Task(
        "social-engineering",
        "text.social_engineering",
        frozenset({"smishing", "phishing", "social-engineering"}),
        frozenset({"scam-text", "own"}),
    ),
)


@dataclass(frozen=True, slots=True)
class Samples:
    """``choosing``: chat that thresholds are chosen on; ``chat``: its other half; ``documents`` likewise, clean ones;
    ``rows``: all else. ``dropped``: rows of each corpus left out as known from training."""

    choosing: tuple[Row, ...]
    chat: tuple[Row, ...]
    choosing_documents: tuple[Row, ...]
    rows: tuple[Row, ...]
    dropped: Mapping[str, int]

    @property
    def all(self) -> tuple[Row, ...]:
        return (*self.choosing, *self.chat, *self.choosing_documents, *self.rows)


def collect(data: Data | None, own: Sequence[Row], *, limit: int, progress: Progress) -> Samples:
    """The rows to measure on. ``limit`` 0 takes all. Raises ``DataError``."""
    chat: list[Row] = []
    rest: list[Row] = list(own)
    dropped: Counter[str] = Counter()
    fitted: list[str] = []
    for corpus in data.of_kind("injection", "benign", "dialogues", "abuse", "scam-text") if data else ():
        rows = list(corpus.turns() if corpus.kind == "dialogues" else corpus.rows())
        known = [row for row in rows if row.in_train]
        dropped[corpus.source] += len(known)
        ordinary, others = _parted(corpus, [row for row in rows if not row.in_train])
        chat += sampled(ordinary, 4 * limit)
        rest += sampled(others, limit)
        if corpus.fitted:
            fitted += [row.text for row in others]
    progress(f"near-duplicates of {len(fitted)} training rows")
    fresh = _without_twins(rest, fitted, dropped)
    choosing, measuring = _halves(chat)
    clean = [row for row in fresh if not row.fitted and row.role in UNTRUSTED and row.label in HARMLESS]
    choosing_documents, _ = _halves(clean)
    taken = set(choosing_documents)
    return Samples(choosing, measuring, choosing_documents, tuple(row for row in fresh if row not in taken), dropped)


def sampled(rows: Iterable[Row], limit: int) -> list[Row]:
    """At most ``limit`` rows of each corpus, label and language, without doubles; the same each time."""
    parts: dict[tuple[str, str, str], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        parts[row.source, row.label, row.lang].setdefault(row.text, row)
    kept: list[Row] = []
    for part in parts.values():
        ranked = sorted(part.values(), key=lambda row: _digest(row.text)) if limit else list(part.values())
        kept += ranked[: limit or None]
    return kept


def _parted(corpus: Corpus, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Support chat that thresholds may be chosen on, and the rest of a corpus."""
    wanted = CHAT.get(corpus.source, frozenset()) if corpus.kind == "benign" else frozenset()
    return [row for row in rows if row.split in wanted], [row for row in rows if row.split not in wanted]


def _without_twins(rows: Sequence[Row], fitted: Sequence[str], dropped: Counter[str]) -> list[Row]:
    checked = [row for row in rows if not row.fitted]
    near, shared = kinship(fitted, [row.text for row in checked])
    gone = {row for row, twin in zip(checked, near.tolist(), strict=True) if twin}
    partly = {row for row, known in zip(checked, shared.tolist(), strict=True) if known}
    dropped.update(row.source for row in gone)
    return [
        replace(row, source=f"{row.source} {KNOWN}", fitted=True) if row in partly else row
        for row in rows
        if row not in gone
    ]


def _halves(rows: Sequence[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    if not rows:
        return (), ()
    parts = split(groups([row.text for row in rows]), {"choose": 1, "measure": 1}).tolist()
    return (
        tuple(row for row, part in zip(rows, parts, strict=True) if part == "choose"),
        tuple(row for row, part in zip(rows, parts, strict=True) if part == "measure"),
    )


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
