"""The figures: everything is scored once, then each table is a view of it.

The rules: one threshold for messages, chosen for ``RATE`` false alarms on one half of ordinary support chat, and one
for documents and tool results, chosen on half of the clean ones. Each is then applied unchanged to every source,
language and changed text. Beside the figures at that threshold stands what the policy in force would stop, which needs
no score. Where no guard gave a score the figures that need one are absent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from chatward.evaluation import metrics
from chatward.evaluation.attacks import ATTACKS
from chatward.evaluation.metrics import Curve, Interval
from chatward.evaluation.rows import Row
from chatward.evaluation.samples import HARMLESS, TASKS, Samples, Task
from chatward.evaluation.scoring import Ask, Scored
from chatward.evaluation.tables import Cell, Table
from chatward.evaluation.translations import translated

RATE: Final = 0.01
_ROUNDS: Final = 200
_CASES: Final = 300
"""Detected texts that the attacks are applied to, and harmless ones beside them."""

Scorer = Callable[[Sequence[Ask]], Sequence[Scored]]
Pair = tuple[Row, Scored]


@dataclass(frozen=True, slots=True)
class Measured:
    """Rows with what the guards said of them. ``rules``: the rules' confidences stand in for scores."""

    choosing: Sequence[Pair]
    chat: Sequence[Pair]
    choosing_documents: Sequence[Pair]
    rows: Sequence[Pair]
    rules: bool = False

    @classmethod
    def of(cls, samples: Samples, scorer: Scorer, *, rules: bool) -> Measured:
        answers = iter(scorer([(row.text, row.role) for row in samples.all]))

        def paired(rows: Sequence[Row]) -> list[Pair]:
            return [(row, next(answers)) for row in rows]

        # ``Samples.all`` is in this order.
        return cls(
            paired(samples.choosing),
            paired(samples.chat),
            paired(samples.choosing_documents),
            paired(samples.rows),
            rules,
        )

    def values(self, pairs: Iterable[Pair], task: Task) -> list[float]:
        """The scores of those that have one."""
        found = (scored.value(task.score, rules=self.rules) for _, scored in pairs)
        return [value for value in found if value is not None]

    def threshold(self, task: Task) -> float | None:
        """The task's threshold; ``None`` where there is nothing to choose it on."""
        values = self.values(self.choosing_documents if task.untrusted else self.choosing, task)
        return metrics.threshold_at(values, RATE) if values else None

    def of_task(self, task: Task) -> list[Pair]:
        chat = [] if task.untrusted else self.chat
        return [*chat, *(pair for pair in self.rows if task.holds(pair[0]))]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All of an evaluation: ``figures`` by fixed names, ``tables``, ``curves`` and ``bins`` to plot, ``notes``."""

    figures: Mapping[str, float | None]
    tables: Sequence[Table]
    curves: Sequence[tuple[str, Curve]] = ()
    bins: Sequence[tuple[str, Sequence[metrics.Bin]]] = ()
    notes: Sequence[str] = field(default=())


def measured(found: Measured, scorer: Scorer, dropped: Mapping[str, int]) -> Outcome:
    """The tables and figures of what was scored; ``scorer`` is asked again about changed texts."""
    thresholds = {task.name: found.threshold(task) for task in TASKS}
    notes = [_absent(found, task) for task in TASKS]
    chat = chat_table(found, thresholds["injection"])
    sources = [source_table(found, task, thresholds[task.name], dropped) for task in TASKS]
    over = trigger_table(found, thresholds["injection"])
    changed = robustness_table(found, thresholds["injection"], scorer)
    abroad = translated(thresholds["injection"], scorer, rules=found.rules)
    curves, bins = _plotted(found)
    return Outcome(
        figures=_figures(found, thresholds),
        tables=[
            threshold_table(found, thresholds),
            chat,
            *sources,
            over,
            language_table(found, thresholds["injection"]),
            label_table(found, thresholds),
            calibration_table(found),
            replace(changed, rows=[*changed.rows, *abroad.rows]),
            abroad.table,
        ],
        curves=curves,
        bins=bins,
        notes=[note for note in notes if note],
    )


def share(pairs: Sequence[Pair], task: Task, threshold: float | None, *, rules: bool) -> Interval | None:
    """The share flagged at a threshold, of those that have a score."""
    if threshold is None:
        return None
    values = [value for _, scored in pairs if (value := scored.value(task.score, rules=rules)) is not None]
    return metrics.share_interval([value >= threshold for value in values])


def stopped(pairs: Sequence[Pair]) -> float | None:
    """The share that the policy in force would stop."""
    return sum(scored.stopped for _, scored in pairs) / len(pairs) if pairs else None


def threshold_table(found: Measured, thresholds: Mapping[str, float | None]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for task in TASKS:
        pairs = found.choosing_documents if task.untrusted else found.choosing
        values = found.values(pairs, task)
        chosen = "clean documents" if task.untrusted else "support chat"
        rows.append((task.name, task.score, chosen, len(pairs), len(values), thresholds[task.name]))
    note = (
        f"Chosen for {100 * RATE:g} % false alarms, and applied unchanged below to texts that they were not chosen on."
    )
    return Table(
        "thresholds", "Thresholds", ("task", "score", "chosen on", "rows", "with a score", "threshold"), rows, note
    )


def chat_table(found: Measured, threshold: float | None) -> Table:
    """False alarms on each corpus of ordinary chat; for corpora in many languages, on each language."""
    ordinary: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for row, scored in [*found.chat, *found.rows]:
        if row.label == "benign" and row.role == "user" and row.kind in {"benign", "dialogues", "own"}:
            ordinary[row.source, row.lang].append((row, scored))
    rows: list[tuple[Cell, ...]] = [
        (source, lang, pairs[0][0].fitted, len(pairs), _share(found, pairs, threshold), stopped(pairs))
        for (source, lang), pairs in sorted(ordinary.items())
        if len(pairs) >= 20
    ]
    return Table(
        "chat",
        "False alarms on ordinary chat",
        ("corpus", "language", "may be fitted on", "rows", "false alarms", "stopped as shipped"),
        rows,
        "Support chat stands here with the half that no threshold was chosen on. Fewer than 20 rows are left out.",
        frozenset({"stopped as shipped"}),
    )


def source_table(found: Measured, task: Task, threshold: float | None, dropped: Mapping[str, int]) -> Table:
    """Each source: recall and false alarms at the one threshold, and how well scores rank it."""
    by_source: dict[str, list[Pair]] = defaultdict(list)
    for pair in found.of_task(task):
        by_source[pair[0].source].append(pair)
    harmless_chat = found.values(found.choosing_documents if task.untrusted else found.chat, task)
    rows: list[tuple[Cell, ...]] = []
    for source, pairs in sorted(by_source.items(), key=lambda one: (one[1][0][0].fitted, one[0])):
        attacks = [pair for pair in pairs if pair[0].label in task.attacks]
        harmless = [pair for pair in pairs if pair[0].label in HARMLESS]
        if not attacks and task.name != "indirect-injection":
            continue
        values = found.values(attacks, task)
        own = found.values(harmless, task)
        rows.append((
            source,
            pairs[0][0].fitted,
            len(attacks),
            share(attacks, task, threshold, rules=found.rules),
            _auc(values, own),
            _auc_interval(values, harmless_chat),
            stopped(attacks),
            len(harmless),
            share(harmless, task, threshold, rules=found.rules),
            stopped(harmless),
            dropped.get(source, 0),
        ))  # fmt: skip
    columns = (
        "source", "may be fitted on", "attacks", "recall", "AUC, own harmless", "AUC, held-out harmless",
        "stopped as shipped", "harmless", "false alarms", "harmless stopped", "left out as known",
    )  # fmt: skip
    return Table(
        f"sources-{task.name}",
        f"Sources: {task.name}",
        columns,
        rows,
        "Sources that weights may be fitted on come last and show how well they are learnt, no more.",
        frozenset({"stopped as shipped", "harmless stopped", "AUC, own harmless"}),
    )


def trigger_table(found: Measured, threshold: float | None) -> Table:
    """Over-defence: harmless texts that look like attacks, by source and language; accuracy is what is not flagged."""
    by_source: dict[tuple[str, str, bool], list[Pair]] = defaultdict(list)
    for pair in found.rows:
        if pair[0].label == "benign-trigger":
            by_source[pair[0].source, pair[0].lang, pair[0].fitted].append(pair)
    fresh = [pair for pair in found.rows if pair[0].label == "benign-trigger" and not pair[0].fitted]
    parts = [*sorted(by_source.items(), key=lambda one: (one[0][2], one[0])), (("all not fitted on", "", False), fresh)]
    rows: list[tuple[Cell, ...]] = [
        (source, lang, fitted, len(pairs), _turned(_share(found, pairs, threshold)), _less(stopped(pairs)))
        for (source, lang, fitted), pairs in parts
        if pairs
    ]
    return Table(
        "over-defence",
        "Over-defence: harmless texts with the words of attacks",
        ("source", "language", "may be fitted on", "rows", "accuracy", "passed as shipped"),
        rows,
        shares=frozenset({"passed as shipped"}),
    )


def language_table(found: Measured, threshold: float | None) -> Table:
    """Each language, over all sources that no weights are fitted on."""
    injection = TASKS[0]
    parts: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in found.of_task(injection):
        if not pair[0].fitted:
            label = pair[0].label
            parts[pair[0].lang]["attack" if label in injection.attacks else label].append(pair)
    rows: list[tuple[Cell, ...]] = []
    for lang, kinds in sorted(parts.items(), key=lambda one: (-sum(map(len, one[1].values())), one[0])):
        attacks, chat, trigger = kinds["attack"], kinds["benign"], kinds["benign-trigger"]
        rows.append((
            lang, len(attacks), _share(found, attacks, threshold), stopped(attacks), len(chat),
            _share(found, chat, threshold), stopped(chat), len(trigger), _turned(_share(found, trigger, threshold)),
            _auc(found.values(attacks, injection), found.values([*chat, *trigger], injection)),
        ))  # fmt: skip
    columns = (
        "language", "attacks", "recall", "attacks stopped as shipped", "chat", "false alarms",
        "chat stopped as shipped", "trigger", "accuracy", "AUC",
    )  # fmt: skip
    shares = frozenset({"attacks stopped as shipped", "chat stopped as shipped", "AUC"})
    return Table("languages", "Languages", columns, rows, "Sources that no weights are fitted on.", shares)


def label_table(found: Measured, thresholds: Mapping[str, float | None]) -> Table:
    """Each label of sources that no weights are fitted on, at the threshold of where it stands."""
    messages, documents = TASKS[0], TASKS[1]
    parts: dict[tuple[str, bool], list[Pair]] = defaultdict(list)
    for pair in found.rows:
        row = pair[0]
        if not row.fitted and row.kind in {"injection", "benign", "own"}:
            parts[row.label, row.role in {"tool", "document"}].append(pair)
    rows: list[tuple[Cell, ...]] = []
    for (label, untrusted), pairs in sorted(parts.items()):
        task = documents if untrusted else messages
        flagged = share(pairs, task, thresholds[task.name], rules=found.rules)
        rows.append((label, "document or tool" if untrusted else "message", len(pairs), flagged, stopped(pairs)))
    note = "A plain harmful request is not an injection: that it is flagged here is neither hit nor false alarm."
    columns = ("label", "stands in", "rows", "flagged", "stopped as shipped")
    return Table("labels", "Labels", columns, rows, note, frozenset({"stopped as shipped"}))


def robustness_table(found: Measured, threshold: float | None, scorer: Scorer) -> Table:
    """Attacks on texts that are detected, and the same changes on ordinary chat."""
    injection = TASKS[0]
    note = (
        "Recall among texts that were detected before they were changed, and false alarms on ordinary chat changed in "
        "the same way: an encoding is odd in itself, capitals or typing errors must not be."
    )
    columns = (
        "attack", "family", "what it does", "texts", "still detected", "still stopped as shipped", "chat",
        "false alarms",
    )  # fmt: skip
    shares = frozenset({"still stopped as shipped"})
    cases = _even([p for p in found.of_task(injection) if p[0].label in injection.attacks and not p[0].fitted])
    detected = [pair[0].text for pair in cases if _flagged(found, pair, threshold)][:_CASES]
    blocked = [pair[0].text for pair in cases if pair[1].stopped][:_CASES]
    chat = [pair[0].text for pair in found.chat[:_CASES]]
    asked: dict[Ask, None] = {}
    plans = []
    for attack in ATTACKS:
        parts = tuple(
            [made for text in texts if (made := attack.apply(text)) is not None] for texts in (detected, blocked, chat)
        )
        asked.update(dict.fromkeys((text, "user") for part in parts for text in part))
        plans.append((attack, parts))
    answers = dict(zip(asked, scorer(list(asked)), strict=True))
    rows: list[tuple[Cell, ...]] = []
    for attack, (hit, held, ordinary) in plans:
        pairs = [[(Row(text, ""), answers[text, "user"]) for text in part] for part in (hit, held, ordinary)]
        rows.append((
            attack.name, attack.family, attack.summary, len(hit), _share(found, pairs[0], threshold), stopped(pairs[1]),
            len(ordinary), _share(found, pairs[2], threshold),
        ))  # fmt: skip
    return Table("robustness", "Robustness", columns, rows, note, shares)


def _figures(found: Measured, thresholds: Mapping[str, float | None]) -> dict[str, float | None]:
    """The headline figures, macro-averaged over sources that no weights are fitted on."""
    figures: dict[str, float | None] = {}
    for task in TASKS:
        by_source: dict[str, list[Pair]] = defaultdict(list)
        for pair in found.of_task(task):
            if pair[0].label in task.attacks and not pair[0].fitted:
                by_source[pair[0].source].append(pair)
        shares = [share(pairs, task, thresholds[task.name], rules=found.rules) for pairs in by_source.values()]
        recalls = [one.value for one in shares if one is not None]
        name = task.name.replace("-", "_")
        figures[f"{name}_recall_mean"] = _mean(recalls)
        figures[f"{name}_recall_least"] = min(recalls) if recalls else None
    injection = TASKS[0]
    fresh = [pair for pair in found.of_task(injection) if not pair[0].fitted]
    values = found.values([pair for pair in fresh if pair[0].label in injection.attacks], injection)
    figures["injection_auc_chat"] = _auc(values, found.values(found.chat, injection))
    figures["chat_false_alarms"] = _value(_share(found, found.chat, thresholds["injection"]))
    trigger = [pair for pair in fresh if pair[0].label == "benign-trigger"]
    figures["over_defence_accuracy"] = _value(_turned(_share(found, trigger, thresholds["injection"])))
    figures["chat_stopped_as_shipped"] = stopped(found.chat)
    figures["attacks_stopped_as_shipped"] = stopped([pair for pair in fresh if pair[0].label in injection.attacks])
    return figures


def calibration_table(found: Measured) -> Table:
    """How well scores rank and how near they are to probabilities, over sources that no weights are fitted on."""
    rows: list[tuple[Cell, ...]] = []
    for task in TASKS:
        scores, labels = _fresh(found, task)
        if not any(labels) or all(labels):
            continue
        bins = metrics.reliability(scores, labels) if _probabilities(scores) else ()
        rows.append((
            task.name, sum(labels), len(labels) - sum(labels), _auc_interval(*_sides(scores, labels)),
            metrics.average_precision(scores, labels), metrics.calibration_error(bins),
            metrics.brier(scores, labels) if bins else None,
        ))  # fmt: skip
    columns = ("task", "attacks", "harmless", "AUC", "average precision", "calibration error", "Brier score")
    note = (
        "Average precision, calibration error (15 bins) and Brier score depend on the share of attacks, which is "
        "that of these rows and not of any traffic."
    )
    return Table("calibration", "Ranking and calibration", columns, rows, note)


def _plotted(
    found: Measured,
) -> tuple[list[tuple[str, Curve]], list[tuple[str, Sequence[metrics.Bin]]]]:
    curves: list[tuple[str, Curve]] = []
    bins: list[tuple[str, Sequence[metrics.Bin]]] = []
    for task in TASKS:
        scores, labels = _fresh(found, task)
        if any(labels) and not all(labels):
            curves.append((task.name, metrics.roc(scores, labels)))
            if _probabilities(scores):
                bins.append((task.name, metrics.reliability(scores, labels)))
    return curves, bins


def _fresh(found: Measured, task: Task) -> tuple[list[float], list[bool]]:
    """Scores and labels of sources that no weights are fitted on."""
    pairs = [pair for pair in found.of_task(task) if not pair[0].fitted]
    attacks = found.values([pair for pair in pairs if pair[0].label in task.attacks], task)
    harmless = found.values([pair for pair in pairs if pair[0].label in HARMLESS], task)
    return [*attacks, *harmless], [True] * len(attacks) + [False] * len(harmless)


def _sides(scores: Sequence[float], labels: Sequence[bool]) -> tuple[list[float], list[float]]:
    rows = list(zip(scores, labels, strict=True))
    return [value for value, label in rows if label], [value for value, label in rows if not label]


def _probabilities(scores: Sequence[float]) -> bool:
    return min(scores) >= 0 and max(scores) <= 1


def _absent(found: Measured, task: Task) -> str:
    pairs = found.of_task(task)
    count = len(pairs) - len(found.values(pairs, task))
    if not pairs:
        return f"{task.name}: no rows to measure on."
    if count == len(pairs):
        return f"{task.name}: no guard gave a score {task.score}; figures that need one are absent, not 0."
    return f"{task.name}: {count} of {len(pairs)} rows have no score {task.score} and are left out." if count else ""


def _even(pairs: Sequence[Pair]) -> list[Pair]:
    """One of each source in turn, so that the largest does not decide."""
    queues: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        queues[pair[0].source].append(pair)
    longest = max(map(len, queues.values()), default=0)
    return [queue[at] for at in range(longest) for queue in queues.values() if at < len(queue)]


def _share(found: Measured, pairs: Sequence[Pair], threshold: float | None) -> Interval | None:
    return share(pairs, TASKS[0], threshold, rules=found.rules)


def _flagged(found: Measured, pair: Pair, threshold: float | None) -> bool:
    value = pair[1].value(TASKS[0].score, rules=found.rules)
    return threshold is not None and value is not None and value >= threshold


def _auc(attacks: Sequence[float], harmless: Sequence[float]) -> float | None:
    if not attacks or not harmless:
        return None
    return metrics.auc([*attacks, *harmless], [True] * len(attacks) + [False] * len(harmless))


def _auc_interval(attacks: Sequence[float], harmless: Sequence[float]) -> Interval | None:
    labels = [True] * len(attacks) + [False] * len(harmless)
    return metrics.interval(metrics.auc, [*attacks, *harmless], labels, rounds=_ROUNDS)


def _turned(found: Interval | None) -> Interval | None:
    return found and Interval(1 - found.value, 1 - found.high, 1 - found.low)


def _less(value: float | None) -> float | None:
    return None if value is None else 1 - value


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _value(found: Interval | None) -> float | None:
    return found.value if found else None
