"""Leave one source out: what tier 1's n-grams learn about a source from all the others.

The rules: for each source that weights may be fitted on, a linear head over hashed n-grams (``models.ngrams``, the half
of tier 1 that is fitted in seconds) is fitted on all other sources, and its threshold is chosen for ``RATE`` false
alarms on support chat of no source that it was fitted on. Rows with a twin in another source are left out, and so are
chains of twins: what is left is news. Beside it stands the same with half of the source among the fitted, measured on
the other half: the gap is what knowing a source is worth. Logistic regression by Adagrad (J. Duchi et al., 2011) in
numpy; the order of rows is drawn from a fixed seed.

The whole cascade is not refitted here. Its static embeddings need PyTorch, its encoder about an hour for each source;
on sources that no weights are fitted on it is measured as it is (``measuring``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatward.evaluation import metrics
from chatward.evaluation.duplicates import groups, split
from chatward.evaluation.measuring import RATE
from chatward.evaluation.metrics import Interval
from chatward.evaluation.rows import Data, Row
from chatward.evaluation.samples import CHAT, HARMLESS, TASKS, UNTRUSTED, Progress, Samples, sampled
from chatward.evaluation.tables import Cell, Table
from chatward.models import ngrams
from chatward.models.training.corpora import phrase_examples

PHRASES: Final = "written phrases"
_LEAST: Final = 20
"""Rows that a source needs to be left out and measured."""
_EPOCHS: Final = 4
_BATCH: Final = 256
_STEP: Final = 0.2
_DECAY: Final = 1e-5
_ROUNDS: Final = 200

Floats = NDArray[np.float64]
Grams = NDArray[np.int64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Head:
    """A weight for each n-gram row, and a bias."""

    weights: Floats
    bias: float

    def logits(self, texts: Sequence[Grams]) -> Floats:
        return np.array([self.weights[rows].sum() / max(len(rows), 1) ** 0.5 + self.bias for rows in texts])


def fit(texts: Sequence[Grams], labels: Sequence[bool], *, seed: int = 0) -> Head:
    """Fits a head; both labels weigh the same. Raises ``ValueError`` where one of them is absent."""
    wanted = np.asarray(labels, dtype=np.float64)
    attacks = wanted.sum()
    if not 0 < attacks < len(wanted):
        raise ValueError("attacks and harmless texts are both needed")
    worth = np.where(wanted > 0, len(wanted) / (2 * attacks), len(wanted) / (2 * (len(wanted) - attacks)))
    weights, seen = np.zeros(ngrams.BUCKETS), np.full(ngrams.BUCKETS, 1e-8)
    bias, bias_seen = 0.0, 1e-8
    chance = np.random.default_rng(seed)
    for _ in range(_EPOCHS):
        order = chance.permutation(len(texts))
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            counts = np.array([len(texts[at]) for at in chosen])
            rows = np.concatenate([texts[at] for at in chosen])
            owner = np.repeat(np.arange(len(chosen)), counts)
            roots = np.sqrt(np.maximum(counts, 1))
            logits = np.bincount(owner, weights[rows], minlength=len(chosen)) / roots + bias
            errors = (1 / (1 + np.exp(-np.clip(logits, -30, 30))) - wanted[chosen]) * worth[chosen] / len(chosen)
            slope = np.bincount(rows, (errors / roots)[owner], minlength=ngrams.BUCKETS) + _DECAY * weights
            seen += slope**2
            weights -= _STEP * slope / np.sqrt(seen)
            bias_seen += errors.sum() ** 2
            bias -= _STEP * errors.sum() / bias_seen**0.5
    return Head(weights, float(bias))


def left_out_table(data: Data, samples: Samples, *, limit: int, progress: Progress) -> Table:
    """A row for each source of attacks or harmless messages that may be fitted on, each left out in turn. ``limit``
    rows a source, label and language (0: all)."""
    rows = _fittable(data, limit)
    progress(f"leaving out one source at a time: {len(rows)} rows")
    grams = [ngrams.rows(row.text) for row in rows]
    attack = np.array([row.label in TASKS[0].attacks for row in rows], dtype=np.bool_)
    ids = groups([row.text for row in rows])
    sources = np.array([row.source for row in rows])
    fresh = _fresh(ids, sources)
    choosing = [ngrams.rows(row.text) for row in samples.choosing]
    chat = [ngrams.rows(row.text) for row in samples.chat]

    def measured(train: Places, shown: Places) -> _Answers | None:
        if not len(shown) or not choosing or len(set(attack[train].tolist())) < 2:
            return None
        head = fit([grams[at] for at in train], attack[train].tolist())
        threshold = metrics.threshold_at(head.logits(choosing), RATE)
        return _Answers(head.logits([grams[at] for at in shown]), attack[shown], head.logits(chat), threshold)

    table: list[tuple[Cell, ...]] = []
    for source in sorted(set(sources.tolist())):
        mine = np.flatnonzero(sources == source)
        news = mine[fresh[mine]]
        if max(attack[news].sum(), (~attack[news]).sum()) < _LEAST:
            continue
        progress(f"without {source}")
        others = np.flatnonzero(sources != source)
        halves = split(ids[news], {"fit": 1, "measure": 1})
        without = measured(others, news)
        known = measured(np.concatenate([others, news[halves == "fit"]]), news[halves == "measure"])
        if without is not None:
            table.append((
                source, int(attack[news].sum()), without.recall(), known.recall() if known else None, without.auc(),
                int((~attack[news]).sum()), without.alarms(), known.alarms() if known else None,
                len(mine) - len(news),
            ))  # fmt: skip
    note = (
        f"The n-gram half of tier 1 alone, fitted anew without each source; its threshold for {100 * RATE:g} % false "
        "alarms on support chat. Half known: half of the source is among the fitted, and the other half is measured. "
        "AUC is against the other half of support chat. The shipped cascade is in the tables above."
    )
    columns = (
        "source left out", "attacks", "recall", "recall, half known", "AUC", "harmless", "false alarms",
        "false alarms, half known", "left out as known",
    )  # fmt: skip
    return Table("left-out", "Leave one source out", columns, table, note)


@dataclass(frozen=True, slots=True)
class _Answers:
    """Logits of a source's rows and of chat, and the threshold."""

    logits: Floats
    attack: NDArray[np.bool_]
    chat: Floats
    threshold: float

    def recall(self) -> Interval | None:
        return metrics.share_interval(self.logits[self.attack] >= self.threshold)

    def alarms(self) -> Interval | None:
        return metrics.share_interval(self.logits[~self.attack] >= self.threshold)

    def auc(self) -> Interval | None:
        attacks = self.logits[self.attack]
        if not len(attacks) or not len(self.chat):
            return None
        labels = [True] * len(attacks) + [False] * len(self.chat)
        return metrics.interval(metrics.auc, np.concatenate([attacks, self.chat]), labels, rounds=_ROUNDS)


def _fittable(data: Data, limit: int) -> list[Row]:
    """Messages of sources that weights may be fitted on, and the written phrases. Corpora that thresholds are chosen
    on are none of them."""
    rows: list[Row] = []
    for corpus in data.of_kind("injection", "benign", "dialogues"):
        if corpus.fitted and corpus.source not in CHAT:
            rows += corpus.turns() if corpus.kind == "dialogues" else corpus.rows()
    for example in phrase_examples():
        if not example.untrusted and not example.held and "attack" in example.targets:
            label = "injection" if example.targets["attack"] else "benign"
            rows.append(Row(example.text, label, lang=example.lang, source=PHRASES))
    wanted = TASKS[0].attacks | HARMLESS
    return sampled((row for row in rows if row.label in wanted and row.role not in UNTRUSTED), limit)


def _fresh(ids: Places, sources: NDArray[np.str_]) -> NDArray[np.bool_]:
    """True for rows whose twins, and twins of twins, are all of their own source."""
    seen: Mapping[int, set[str]] = defaultdict(set)
    for group, source in zip(ids.tolist(), sources.tolist(), strict=True):
        seen[group].add(source)
    return np.array([len(seen[group]) == 1 for group in ids.tolist()], dtype=np.bool_)
