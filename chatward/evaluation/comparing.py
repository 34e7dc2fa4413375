"""Chatward beside its peers, on the same rows in the same run.

The rules: every peer gets what Chatward gets, and both are judged alike: a threshold of its own scores for the same
rate of false alarms on the same chat, and, beside it, its own verdict as it comes. A peer whose scores are only yes or
no has no other threshold to choose; where it cannot reach the rate its recall there is 0, and its own verdict says the
rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chatward.bench.peers import Missing
from chatward.evaluation import metrics
from chatward.evaluation.entities import CORPORA, OURS, PRESIDIO, named
from chatward.evaluation.measuring import RATE, Measured, Pair
from chatward.evaluation.metrics import Matches
from chatward.evaluation.peers.asking import PEERS, Answers, Peer
from chatward.evaluation.rows import Data, Row, SpanRow
from chatward.evaluation.samples import TASKS, Progress
from chatward.evaluation.scoring import Ask, Scored
from chatward.evaluation.tables import Cell, Table

AskPeer = Callable[[Peer, Sequence[Ask]], Answers | Missing]
Scorer = Callable[[Sequence[Ask]], Sequence[Scored]]

_CHAT = 1000
"""Ordinary texts that each is asked about at least, if there are as many: a rate of 1 % is chosen on them."""
_SPLITS = {"wnut17": {"test"}, "germeval2014": {"test"}, "lener_br": {"test"}, "meddocan": {"dev"}}


@dataclass(frozen=True, slots=True)
class _Voice:
    """What one of the compared says of the rows; ``scores`` are ``None`` where it gave none."""

    name: str
    version: str
    scores: Sequence[float | None]
    flagged: Sequence[bool]
    seconds: Sequence[float]


def compared(
    found: Measured, ask: AskPeer, version: str, *, limit: int, progress: Progress
) -> tuple[Table, Table, list[str]]:
    """The peers' table, recall by source, and notes on who is missing. ``limit`` rows a source at most (0: all)."""
    ordinary = limit and max(10 * limit, _CHAT)
    choosing = _some(found.choosing, ordinary)
    chat = _some(found.chat, ordinary)
    injection = TASKS[0]
    by_source: dict[str, list[Pair]] = defaultdict(list)
    trigger: list[Pair] = []
    for pair in found.rows:
        if injection.holds(pair[0]) and not pair[0].fitted:
            if pair[0].label in injection.attacks:
                by_source[pair[0].source].append(pair)
            elif pair[0].label == "benign-trigger":
                trigger.append(pair)
    attacks = [pair for source in sorted(by_source) for pair in _some(by_source[source], limit)]
    pairs = [*choosing, *chat, *trigger, *attacks]
    voices = [_ourselves(found, pairs, version)]
    notes = []
    for peer in PEERS:
        if peer.gives != "score":
            continue
        progress(f"{peer.title} on {len(pairs)} rows")
        said = ask(peer, [(row.text, row.role) for row, _ in pairs])
        if isinstance(said, Missing):
            notes.append(f"{peer.title} is missing: {said.reason}.")
        else:
            voices.append(_Voice(peer.title, said.version, said.scores, said.flagged, said.seconds))
    marks = (len(choosing), len(choosing) + len(chat), len(pairs) - len(attacks), len(pairs))
    table = _peer_table(voices, pairs, marks)
    return table, _recall_table(voices, [row for row, _ in attacks], marks), notes


def _ourselves(found: Measured, pairs: Sequence[Pair], version: str) -> _Voice:
    scores = [scored.value("text.injection", rules=found.rules) for _, scored in pairs]
    flagged = [scored.stopped for _, scored in pairs]
    return _Voice("Chatward", version, scores, flagged, [scored.seconds for _, scored in pairs])


def _threshold(voice: _Voice, marks: tuple[int, ...]) -> float | None:
    values = [value for value in voice.scores[: marks[0]] if value is not None]
    return metrics.threshold_at(values, RATE) if values else None


def _rate(voice: _Voice, first: int, last: int, threshold: float | None) -> metrics.Interval | None:
    values = [value for value in voice.scores[first:last] if value is not None]
    return None if threshold is None else metrics.share_interval([value >= threshold for value in values])


def _mean(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _peer_table(voices: Sequence[_Voice], pairs: Sequence[Pair], marks: tuple[int, ...]) -> Table:
    first, second, third, last = marks
    rows: list[tuple[Cell, ...]] = []
    for voice in voices:
        threshold = _threshold(voice, marks)
        accuracy = _rate(voice, second, third, threshold)
        attacks = [value for value in voice.scores[third:last] if value is not None]
        harmless = [value for value in voice.scores[first:second] if value is not None]
        both = bool(attacks and harmless)
        labels = [True] * len(attacks) + [False] * len(harmless)
        passed = _mean(voice.flagged[second:third])
        rows.append((
            voice.name, voice.version, metrics.auc([*attacks, *harmless], labels) if both else None,
            _rate(voice, third, last, threshold), _rate(voice, first, second, threshold),
            accuracy and metrics.Interval(1 - accuracy.value, 1 - accuracy.high, 1 - accuracy.low),
            _mean(voice.flagged[third:last]), _mean(voice.flagged[first:second]),
            None if passed is None else 1 - passed,
            1000 * sum(voice.seconds) / len(voice.seconds) if voice.seconds else None,
        ))  # fmt: skip
    columns = (
        "who", "version", "AUC", "recall", "false alarms", "over-defence accuracy", "recall, own verdict",
        "false alarms, own verdict", "over-defence, own verdict", "ms a row",
    )  # fmt: skip
    note = (
        f"The same {len(pairs)} rows for all. Recall is over all attacks of sources that no weights of Chatward are "
        f"fitted on (what peers were trained on is not known), at each one's own threshold for {100 * RATE:g} % false "
        "alarms; an own verdict is what it says as it comes. Chatward's own verdict is its whole policy. Time is of "
        "one call, with other work beside it."
    )
    own = frozenset({"AUC", "recall, own verdict", "false alarms, own verdict", "over-defence, own verdict"})
    return Table("peers", "Peers", columns, rows, note, own)


def _recall_table(voices: Sequence[_Voice], attacks: Sequence[Row], marks: tuple[int, ...]) -> Table:
    places: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(attacks):
        places[row.source].append(marks[2] + at)
    rows: list[tuple[Cell, ...]] = []
    for source, where in places.items():
        cells: list[Cell] = [source, len(where)]
        for voice in voices:
            threshold = _threshold(voice, marks)
            values = [value for at in where if (value := voice.scores[at]) is not None]
            cells.append(None if threshold is None else metrics.rate_at(values, threshold))
            cells.append(_mean([voice.flagged[at] for at in where]))
        rows.append(tuple(cells))
    names = tuple(name for voice in voices for name in (voice.name, f"{voice.name}, own verdict"))
    note = "Recall at each one's own threshold, and by its own verdict."
    return Table("peer-sources", "Peers, source by source", ("source", "attacks", *names), rows, note, frozenset(names))


# --- Personal data -----------------------------------------------------------------------------------


def pii_table(
    data: Data, scorer: Scorer, ask: AskPeer | None, *, limit: int, progress: Progress
) -> tuple[Table, list[str]]:
    """Span F1 by corpus and kind, Presidio's beside it on English. ``ask`` ``None``: no peer is asked."""
    peer = next(one for one in PEERS if one.gives == "spans")
    rows: list[tuple[Cell, ...]] = []
    notes: list[str] = []
    for corpus in data.of_kind("pii"):
        wanted = _SPLITS.get(corpus.source)
        texts = [row for row in corpus.span_rows() if wanted is None or row.split in wanted]
        texts = texts[:: max(len(texts) // limit, 1)][:limit] if limit else texts
        asked = [(row.text, "user") for row in texts]
        progress(f"personal data in {len(texts)} rows of {corpus.source}")
        scored = scorer(asked)
        ours = [named(one.spans, OURS) for one in scored]
        theirs: list[tuple[metrics.Span, ...]] | None = None
        if ask is not None and texts and texts[0].lang == "en":
            said = ask(peer, asked)
            if isinstance(said, Missing):
                notes.append(f"{peer.title} is missing: {said.reason}.")
            else:
                theirs = [named(one, PRESIDIO) for one in said.spans]
        gold = [named(row.spans, CORPORA) for row in texts]
        rows += _span_rows(corpus.source, corpus.fitted, texts, gold, ours, theirs)
    columns = (
        "corpus", "may be fitted on", "language", "kind", "spans", "F1", "precision", "recall", "F1, overlap",
        "Presidio F1", "Presidio precision", "Presidio recall", "Presidio F1, overlap",
    )  # fmt: skip
    note = (
        "Exact: the same start and end. Overlap: a character in common. Kinds that a corpus does not label are not "
        "scored on it. Presidio's model is English; a dash says that it was not asked or has no such kind."
    )
    return Table("pii", "Personal data", columns, rows, note, frozenset(columns[5:])), list(dict.fromkeys(notes))


def _span_rows(
    source: str,
    fitted: bool,
    texts: Sequence[SpanRow],
    gold: Sequence[Sequence[metrics.Span]],
    ours: Sequence[Sequence[metrics.Span]],
    theirs: Sequence[Sequence[metrics.Span]] | None,
) -> list[tuple[Cell, ...]]:
    kinds = sorted({span[2] for spans in gold for span in spans})
    nothing: Mapping[str, Matches] = {}
    exact, overlap = metrics.span_matches(gold, ours), metrics.span_matches(gold, ours, overlap=True)
    their_exact = metrics.span_matches(gold, theirs) if theirs is not None else nothing
    their_overlap = metrics.span_matches(gold, theirs, overlap=True) if theirs is not None else nothing
    known = set(PRESIDIO.values()) if theirs is not None else set()
    rows: list[tuple[Cell, ...]] = []
    for kind in kinds:
        mine = exact[kind]
        other = their_exact[kind] if kind in known else Matches()
        rows.append((
            source, fitted, texts[0].lang, kind, mine.gold, mine.f1, mine.precision, mine.recall, overlap[kind].f1,
            other.f1, other.precision, other.recall, their_overlap[kind].f1 if kind in known else None,
        ))  # fmt: skip
    return rows


def _some(pairs: Sequence[Pair], limit: int) -> list[Pair]:
    """At most ``limit`` of them, spread evenly."""
    if not limit or len(pairs) <= limit:
        return list(pairs)
    return [pairs[at * len(pairs) // limit] for at in range(limit)]
